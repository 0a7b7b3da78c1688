/*
 * fields.h - numbers and strings of small sections, to a stream in memory and back
 */
#ifndef STATE_FIELDS_H
#define STATE_FIELDS_H

#include "state/layout.h"

#include <stdbool.h>
#include <stdio.h>

static inline void write_u32(FILE *to, uint32_t v)
{
    unsigned char bytes[4];

    put_u32(bytes, v);
    fwrite(bytes, sizeof(bytes), 1, to);
}

static inline void write_u64(FILE *to, uint64_t v)
{
    unsigned char bytes[8];

    put_u64(bytes, v);
    fwrite(bytes, sizeof(bytes), 1, to);
}

static inline void write_string(FILE *to, const char *s)
{
    fwrite(s, strlen(s) + 1, 1, to);
}

/* The string at *p, which is moved behind its NUL byte; NULL if it does not end before `end`. */
static inline const char *read_string(const char **p, const char *end)
{
    const char *s = *p, *nul = memchr(s, '\0', (size_t)(end - s));

    if (!nul)
        return NULL;
    *p = nul + 1;
    return s;
}

/* Of a stored string: neither empty nor longer than the format has room for. */
static inline bool is_string(const char *s)
{
    size_t len = strlen(s);

    return len > 0 && len <= MAX_NAME_BYTES;
}

#endif
