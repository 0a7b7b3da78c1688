/*
 * text.h - strings as people read them: what is safe to print, how wide it is, numbers with units
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A copy in which control characters and bytes that are not UTF-8 are written \xNN.  Caller frees; NULL: no memory. */
char *text_printable(const char *s);
bool text_is_utf8(const char *s);

/* Columns on a terminal, taking one a code point: right for the scripts whose letters are one column wide. */
size_t text_width(const char *s);
/* Bytes of the longest beginning of s that is at most `width` columns wide. */
size_t text_prefix(const char *s, size_t width);

/* Buffers for the functions below, which return them. */
struct text_number {
    char s[40];
};

const char *text_grouped(struct text_number *b, uint64_t n);      /* "12,345,678" */
const char *text_short(struct text_number *b, double n);          /* "12.3M" */
const char *text_bytes(struct text_number *b, double n);          /* "12.3 MB" */
const char *text_duration(struct text_number *b, double seconds); /* "0:07", "1:02:03" */

#endif
