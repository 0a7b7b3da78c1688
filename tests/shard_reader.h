/*
 * shard_reader.h - a shard read the plain way: all tokens and all stated document ends, through the table of formats
 *
 * Files are in memory: space_add() them, then read_shard() one.
 */
#ifndef TESTS_SHARD_READER_H
#define TESTS_SHARD_READER_H

#include "io/format.h"
#include "test.h"

#ifndef MOST_TOKENS /* of a shard; who reads small ones often takes less memory */
#define MOST_TOKENS (1 << 20)
#endif

enum { MOST_FILES = 8 };

static struct memory_file space_files[MOST_FILES];
static struct file_space space = {.files = space_files, .memory_only = true};

static inline void space_clear(void)
{
    space.n = 0;
}

/* Borrows both. */
static inline void space_add(const char *path, const void *data, size_t len)
{
    space_files[space.n++] = (struct memory_file){path, data, len};
}

struct shard_contents {
    uint32_t *tokens; /* [n] */
    size_t n;
    uint64_t *ends; /* [n_ends] */
    size_t n_ends;
    const char *format, *warning;
    bool cross_shards, eod_first, has_index;
};

static inline void contents_finish(struct shard_contents *c)
{
    free(c->tokens);
    free(c->ends);
    *c = (struct shard_contents){0};
}

static inline enum emx_status read_flat_plainly(struct shard_open *s, struct shard_contents *c, struct emx_error *err)
{
    size_t size = dtype_size(s->flat.type.dtype), n, most = MOST_TOKENS;
    unsigned char *bytes = malloc(most * size);
    enum emx_status status = stream_skip(s->stream, s->flat.offset, err);

    if (s->flat.n_tokens < most)
        most = (size_t)s->flat.n_tokens;
    n = 0;
    if (!status && most)
        status = stream_read(s->stream, bytes, most * size, &n, err);
    if (!status && s->flat.n_tokens != UINT64_MAX && n < most * size)
        status = emx_fail(err, EMX_ERR_CORRUPT, "%s: cut off", s->path);
    if (!status && n % size)
        status = emx_fail(err, EMX_ERR_FORMAT, "%s: odd length", s->path);
    if (!status) {
        tokens_decode(bytes, s->flat.type, n / size, c->tokens);
        c->n = n / size;
        c->n_ends = s->index.n;
        if (s->index.n)
            memcpy(c->ends, s->index.ends, s->index.n * sizeof(*c->ends));
        if (s->index.n && s->index.ends[s->index.n - 1] != c->n)
            status = emx_fail(err, EMX_ERR_CORRUPT, "%s: the index ends elsewhere", s->path);
    }
    free(bytes);
    return status;
}

static inline enum emx_status read_batches_plainly(const struct format_ops *f, struct shard_open *s,
                                                   struct shard_contents *c, struct emx_error *err)
{
    enum { CAP = MOST_TOKENS / 8 };
    uint32_t *ends = malloc(CAP * sizeof(*ends));
    enum emx_status status = EMX_OK;

    for (;;) {
        struct token_batch batch = {.tokens = c->tokens + c->n, .cap = CAP, .ends = ends};

        status = f->read(s, &batch, err);
        if (status || (!batch.n && !batch.n_ends))
            break;
        for (size_t i = 0; i < batch.n_ends; i++)
            c->ends[c->n_ends++] = c->n + batch.ends[i];
        c->n += batch.n;
        if (c->n + CAP > MOST_TOKENS)
            break;
    }
    free(ends);
    return status;
}

/* On success the contents are the caller's to finish. */
static inline enum emx_status read_shard(const char *path, const struct format_options *options,
                                         struct shard_contents *ret, struct emx_error *err)
{
    struct shard_open s = {.space = &space, .path = path, .options = options};
    const struct format_ops *f = NULL;
    enum emx_status status = stream_open(&space, path, 27, &s.stream, err);

    *ret = (struct shard_contents){.tokens = malloc(MOST_TOKENS * sizeof(uint32_t)),
                                   .ends = malloc(MOST_TOKENS * sizeof(uint64_t))};
    if (!status)
        status = format_open(&s, &f, err);
    if (!status)
        status = s.is_flat ? read_flat_plainly(&s, ret, err) : read_batches_plainly(f, &s, ret, err);
    ret->format = f ? f->name : NULL;
    ret->warning = s.warning;
    ret->cross_shards = s.documents_cross_shards;
    ret->eod_first = s.eod_first;
    ret->has_index = s.has_index;
    if (f && f->close)
        f->close(&s);
    stream_close(&s.stream);
    if (status)
        contents_finish(ret);
    return status;
}

#endif
