/*
 * memory_text.h - a stream into memory that remembers when there was too little
 *
 *     if (memory_text_open(&m)) { fprintf(m.stream, ...); whole = memory_text_close(&m); }  memory_text_finish(&m);
 *
 * open_memstream() of glibc forgets: what a write finds no memory for is left out, and neither ferror() nor fclose()
 * tells of it, so that a text with a gap would look whole.
 */
#ifndef UTIL_MEMORY_TEXT_H
#define UTIL_MEMORY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct memory_text {
    FILE *stream; /* NULL once closed */
    char *bytes;  /* [len] and a NUL, as of the last fflush(); NULL if nothing was written */
    size_t len, cap;
};

/* m must stay where it is.  False if there is no memory. */
bool memory_text_open(struct memory_text *m);

/* No more is written; true if `bytes`, not NULL, are all that was written. */
bool memory_text_close(struct memory_text *m);

/* Also of one that is still open, or could not be. */
void memory_text_finish(struct memory_text *m);

#endif
