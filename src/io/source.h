/*
 * source.h - the stored (still compressed) bytes of a shard, buffered and hashed once each
 *
 * Codecs look at source_bytes(), ask for more with source_need() and say with source_take() what they used.
 * Every byte passes through XXH3 when it is read from the file, whoever looks at it how often.
 */
#ifndef IO_SOURCE_H
#define IO_SOURCE_H

#include "io/file.h"

#include <xxhash.h>

/*
 * What one read asks the file for: large enough to be cheap, small enough to stay in the L2 cache.  Fuzzers are built
 * with less: their files are small, and are to be read in more than one go.
 */
#ifndef SOURCE_READ
#define SOURCE_READ ((size_t)256 << 10)
#endif

struct source {
    struct file *file;
    XXH3_state_t *xxh3;
    unsigned char *buf; /* [cap], holds the stored bytes begin..end */
    size_t cap, begin, end;
    uint64_t n_read; /* bytes of the file that were read and hashed */
    bool at_end;     /* the file holds no more than was read */
};

EMX_CHECKED enum emx_status source_open(const struct file_space *space, const char *path, struct source *s,
                                        struct emx_error *err);
void source_finish(struct source *s);

static inline const unsigned char *source_bytes(const struct source *s)
{
    return s->buf + s->begin;
}

static inline size_t source_left(const struct source *s)
{
    return s->end - s->begin;
}

/* Offset in the file of the next byte to take. */
static inline uint64_t source_offset(const struct source *s)
{
    return s->n_read - source_left(s);
}

/* Use up n bytes, n <= source_left(). */
static inline void source_take(struct source *s, size_t n)
{
    s->begin += n;
}

/* Have at least n bytes buffered, fewer only at the end of the file.  Moves source_bytes(). */
EMX_CHECKED enum emx_status source_need(struct source *s, size_t n, struct emx_error *err);

/* Take bytes into buf, past the buffer where possible; *ret_n < cap only at the end of the file. */
EMX_CHECKED enum emx_status source_read(struct source *s, void *buf, size_t cap, size_t *ret_n, struct emx_error *err);

/* Take n bytes and drop them; *ret_n < n only at the end of the file. */
EMX_CHECKED enum emx_status source_drop(struct source *s, uint64_t n, uint64_t *ret_n, struct emx_error *err);

#endif
