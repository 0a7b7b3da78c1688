/*
 * human.h - strings as people read them: what is safe to print, how wide it is, numbers with units
 */
#ifndef CLI_HUMAN_H
#define CLI_HUMAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A copy in which control characters and bytes that are not UTF-8 are written \xNN.  Caller frees; NULL: no memory. */
char *human_printable(const char *s);
bool human_is_utf8(const char *s);

/* Columns on a terminal, taking one a code point: right for the scripts whose letters are one column wide. */
size_t human_width(const char *s);
/* Bytes of the longest beginning of s that is at most `width` columns wide. */
size_t human_prefix(const char *s, size_t width);

/* Buffers for the functions below, which return them. */
struct human_number {
    char s[40];
};

const char *human_grouped(struct human_number *b, uint64_t n);      /* "12,345,678" */
const char *human_short(struct human_number *b, double n);          /* "12.3M" */
const char *human_bytes(struct human_number *b, double n);          /* "12.3 MB" */
const char *human_duration(struct human_number *b, double seconds); /* "0:07", "1:02:03" */

#endif
