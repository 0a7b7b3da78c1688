/*
 * stored.h - make the compressed files that tests of io read
 *
 * A struct bytes grows; put_*() append to it.  Running out of memory ends the program.
 */
#ifndef TESTS_STORED_H
#define TESTS_STORED_H

#include "test.h"

#include "io/stream.h"

#include <zlib.h>
#include <zstd.h>

struct bytes {
    unsigned char *data;
    size_t len, cap;
};

static inline void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

/* Room for n more bytes, at the end of what there is. */
static inline unsigned char *bytes_room(struct bytes *b, size_t n)
{
    if (b->cap - b->len < n || !b->data) {
        b->cap = (b->len + n) * 2 + 1;
        b->data = must(realloc(b->data, b->cap));
    }
    return b->data + b->len;
}

static inline void put(struct bytes *b, const void *data, size_t n)
{
    memcpy(bytes_room(b, n), n ? data : "", n);
    b->len += n;
}

static inline void put_le32(struct bytes *b, uint32_t x)
{
    const unsigned char le[] = {(unsigned char)x, (unsigned char)(x >> 8), (unsigned char)(x >> 16),
                                (unsigned char)(x >> 24)};
    put(b, le, 4);
}

static inline void bytes_free(struct bytes *b)
{
    free(b->data);
    *b = (struct bytes){0};
}

/* u16 tokens of a skewed distribution: they compress as real ones do, to about a half. */
static inline void put_tokens(struct bytes *b, size_t n, uint64_t *seed)
{
    for (size_t i = 0; i < n; i++) {
        const uint64_t r = test_random(seed);
        const uint32_t token = (uint32_t)(r >> 32) >> (16 + r % 16);
        const unsigned char le[] = {(unsigned char)token, (unsigned char)(token >> 8)};

        put(b, le, 2);
    }
}

struct frame_options {
    int level;
    bool checksum, no_content_size;
    int window_log; /* 0: the level's */
};

/* Compressors are kept from one call to the next: fuzzers make many small frames. */
static inline void put_zstd(struct bytes *b, const void *data, size_t n, struct frame_options o)
{
    static ZSTD_CCtx *c;
    const size_t bound = ZSTD_compressBound(n);
    size_t len;

    if (!c)
        c = must(ZSTD_createCCtx());
    ZSTD_CCtx_reset(c, ZSTD_reset_session_and_parameters);
    ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, o.level);
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, o.checksum);
    ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, !o.no_content_size);
    ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, o.window_log);
    len = ZSTD_compress2(c, bytes_room(b, bound), bound, data, n);
    if (ZSTD_isError(len))
        abort();
    b->len += len;
}

static inline void put_skippable(struct bytes *b, unsigned kind, size_t n)
{
    put_le32(b, 0x184D2A50u + kind);
    put_le32(b, (uint32_t)n);
    memset(bytes_room(b, n), 0xAB, n);
    b->len += n;
}

static inline void put_gzip(struct bytes *b, const void *data, size_t n)
{
    static z_stream z;
    size_t bound;

    if (z.state ? deflateReset(&z) != Z_OK
                : deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    bound = deflateBound(&z, n);
    z.next_in = n ? (unsigned char *)data : (unsigned char *)"";
    z.avail_in = (uInt)n;
    z.next_out = bytes_room(b, bound);
    z.avail_out = (uInt)bound;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    b->len += z.total_out;
}

/* A stream over bytes in memory.  `space` and `file` have to live as long. */
struct memory_space {
    struct memory_file file;
    struct file_space space;
};

static inline const struct file_space *memory_space(struct memory_space *m, const char *path, const void *data,
                                                    size_t len)
{
    m->file = (struct memory_file){path, data, len};
    m->space = (struct file_space){&m->file, 1, true};
    return &m->space;
}

#endif
