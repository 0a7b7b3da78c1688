/*
 * stream.c - what all codecs share: looking ahead, skipping, counting
 *
 * stream_peek() asks the codec to look without moving, which it can where it stands between frames.  Elsewhere
 * it really decodes into `ahead`, from which the next reads are served.  After a failure the stream stays failed.
 */
#include "io/stream.h"
#include "io/codec.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PEEK_MAX ((size_t)64 << 10)

struct stream {
    struct source source;
    const struct codec *codec;
    void *state;                   /* the codec's */
    unsigned char *ahead;          /* [PEEK_MAX] */
    size_t ahead_begin, ahead_end; /* content in `ahead` that was decoded and not yet taken */
    uint64_t position;
    struct emx_error failure; /* status EMX_OK: none */
};

enum emx_status stream_open(const struct file_space *space, const char *path, int window_log_max, struct stream **ret,
                            struct emx_error *err)
{
    struct stream *s = calloc(1, sizeof(*s));
    enum emx_status status;

    assert(window_log_max >= 10 && window_log_max <= 31);
    if (s)
        s->ahead = malloc(PEEK_MAX);
    if (!s || !s->ahead) {
        free(s);
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    }
    status = source_open(space, path, &s->source, err);
    if (status == EMX_OK)
        status = codec_recognise(&s->source, &s->codec, err);
    if (status == EMX_OK)
        status = s->codec->open(&s->source, window_log_max, &s->state, err);
    if (status == EMX_OK)
        *ret = s;
    else
        stream_close(&s);
    return status;
}

void stream_close(struct stream **s)
{
    if (!*s)
        return;
    if ((*s)->state)
        (*s)->codec->close((*s)->state);
    source_finish(&(*s)->source);
    free((*s)->ahead);
    free(*s);
    *s = NULL;
}

const char *stream_path(const struct stream *s)
{
    return file_path(s->source.file);
}

uint64_t stream_position(const struct stream *s)
{
    return s->position;
}

const char *stream_codec(const struct stream *s)
{
    return s->codec->name;
}

uint64_t stream_size(const struct stream *s)
{
    return s->codec->size ? s->codec->size(s->state, &s->source) : UINT64_MAX;
}

uint64_t stream_xxh3(const struct stream *s)
{
    return XXH3_64bits_digest(s->source.xxh3);
}

uint64_t stream_n_stored(const struct stream *s)
{
    return s->source.n_read;
}

/* Codecs report into s->failure, which is kept; the caller gets a copy. */
static enum emx_status give_failure(const struct stream *s, enum emx_status status, struct emx_error *err)
{
    if (status != EMX_OK && err)
        *err = s->failure;
    return status;
}

static size_t take_ahead(struct stream *s, void *buf, size_t cap)
{
    const size_t left = s->ahead_end - s->ahead_begin, n = left < cap ? left : cap;

    if (n)
        memcpy(buf, s->ahead + s->ahead_begin, n);
    s->ahead_begin += n;
    return n;
}

/* Decode on until `ahead` holds cap bytes or the shard is over. */
static enum emx_status fill_ahead(struct stream *s, size_t cap)
{
    const size_t left = s->ahead_end - s->ahead_begin;
    enum emx_status status;
    size_t n = 0;

    if (left >= cap)
        return EMX_OK;
    memmove(s->ahead, s->ahead + s->ahead_begin, left);
    s->ahead_begin = 0;
    s->ahead_end = left;
    status = s->codec->read(s->state, &s->source, false, s->ahead + left, cap - left, &n, &s->failure);
    s->ahead_end += n;
    return status;
}

enum emx_status stream_peek(struct stream *s, const void **ret, size_t cap, size_t *ret_n, struct emx_error *err)
{
    enum emx_status status = s->failure.status;
    bool looked = false;
    size_t n = 0;

    assert(cap <= PEEK_MAX);
    if (status == EMX_OK && s->ahead_begin == s->ahead_end && s->codec->look) {
        s->ahead_begin = s->ahead_end = 0;
        status = s->codec->look(s->state, &s->source, s->ahead, cap, &n, &looked, &s->failure);
    }
    if (status == EMX_OK && !looked) {
        status = fill_ahead(s, cap);
        n = s->ahead_end - s->ahead_begin < cap ? s->ahead_end - s->ahead_begin : cap;
    }
    if (status != EMX_OK)
        return give_failure(s, status, err);
    *ret = s->ahead + s->ahead_begin;
    *ret_n = n;
    return EMX_OK;
}

static enum emx_status read_on(struct stream *s, bool pause, void *buf, size_t cap, size_t *ret_n,
                               struct emx_error *err)
{
    enum emx_status status = s->failure.status;
    size_t n = 0, ready = 0;

    if (status == EMX_OK) {
        ready = take_ahead(s, buf, cap);
        if (ready < cap && !(pause && ready))
            status = s->codec->read(s->state, &s->source, pause, (char *)buf + ready, cap - ready, &n, &s->failure);
    }
    if (status != EMX_OK)
        return give_failure(s, status, err);
    s->position += ready + n;
    *ret_n = ready + n;
    return EMX_OK;
}

enum emx_status stream_read(struct stream *s, void *buf, size_t cap, size_t *ret_n, struct emx_error *err)
{
    return read_on(s, false, buf, cap, ret_n, err);
}

enum emx_status stream_read_some(struct stream *s, void *buf, size_t cap, size_t *ret_n, struct emx_error *err)
{
    return read_on(s, true, buf, cap, ret_n, err);
}

enum emx_status stream_skip(struct stream *s, uint64_t n, struct emx_error *err)
{
    const uint64_t end = n <= UINT64_MAX - s->position ? s->position + n : UINT64_MAX;
    const size_t waiting = s->ahead_end - s->ahead_begin, now = waiting < n ? waiting : (size_t)n;

    s->ahead_begin += now;
    s->position += now;
    while (s->position < end) {
        const size_t want = end - s->position < PEEK_MAX ? (size_t)(end - s->position) : PEEK_MAX;
        size_t got = 0;
        enum emx_status status = stream_read(s, s->ahead, want, &got, err); /* nothing waits there any more */

        if (status != EMX_OK)
            return status;
        if (got < want)
            return emx_fail(err, EMX_ERR_CORRUPT, "%s: ends after %" PRIu64 " bytes where %" PRIu64 " were expected",
                            stream_path(s), s->position, end);
    }
    return EMX_OK;
}

enum emx_status stream_take_piece(struct stream *s, struct stream_piece *piece, bool *ret_taken, struct emx_error *err)
{
    enum emx_status status = s->failure.status;

    piece->n_stored = piece->n_used = 0;
    piece->size = 0;
    piece->position = s->position;
    *ret_taken = false;
    if (status == EMX_OK && s->codec->take_piece && s->ahead_begin == s->ahead_end)
        status = s->codec->take_piece(s->state, &s->source, piece, ret_taken, &s->failure);
    if (status != EMX_OK)
        return give_failure(s, status, err);
    s->position += piece->size;
    return EMX_OK;
}
