/*
 * text.h - a string that grows, and the ways in which files quote names
 *
 * Memory may run out at any addition: then the text stays as it is, and text_take() says so once, at the end.
 */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include <emx/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *data; /* [len], then a 0; NULL if empty */
    size_t len, cap;
    bool failed;
};

void text_finish(struct text *t);
/* The string, to be freed with free(); NULL if memory ran out.  The text is empty then. */
char *text_take(struct text *t);

void text_add(struct text *t, const char *s);
void text_add_bytes(struct text *t, const char *s, size_t len);
/* Not for floating point: the locale would choose its decimal point. */
void text_addf(struct text *t, const char *fmt, ...) EMX_PRINTF(2, 3);

/*
 * In double quotes, as JSON, YAML and Python all read it: \" \\ \n \t \r, and \uXXXX for what is not printable
 * in any of them.  Bytes that are not UTF-8 become U+FFFD.
 */
void text_add_quoted(struct text *t, const char *s);
/* A field of RFC 4180: in double quotes, doubled inside, where it needs them. */
void text_add_csv(struct text *t, const char *s);
/* One word of a POSIX shell: in single quotes where it needs them. */
void text_add_shell(struct text *t, const char *s);

#endif
