/*
 * codec_gzip.c - a file of gzip members (RFC 1952), with zero padding allowed behind a member
 */
#include "io/codec.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#define HEADER_MIN 10

struct gzip {
    z_stream z;
    bool in_member;
    bool seen_member;
    uint64_t member_offset;
};

static const char *const extensions[] = {".gz", NULL};

/* Magic and deflate method, no reserved flag, and an operating system that the RFC knows. */
static enum emx_status probe(struct source *src, bool *ret, struct emx_error *err)
{
    enum emx_status status = source_need(src, HEADER_MIN, err);
    const unsigned char *p = source_bytes(src);

    *ret = status == EMX_OK && source_left(src) >= HEADER_MIN && p[0] == 0x1F && p[1] == 0x8B && p[2] == Z_DEFLATED &&
           (p[3] & 0xE0) == 0 && (p[9] <= 13 || p[9] == 255);
    return status;
}

static void close_gzip(void *state)
{
    struct gzip *g = state;

    inflateEnd(&g->z);
    free(g);
}

static enum emx_status open_gzip(struct source *src, int window_log_max, void **ret, struct emx_error *err)
{
    struct gzip *g = calloc(1, sizeof(*g));

    (void)window_log_max; /* always 2^15 */
    if (!g || inflateInit2(&g->z, 16 + MAX_WBITS) != Z_OK) {
        free(g);
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", file_path(src->file));
    }
    *ret = g;
    return EMX_OK;
}

static enum emx_status member_fails(const struct gzip *g, const struct source *src, const char *cause,
                                    struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_CORRUPT, "%s: gzip member at byte %" PRIu64 " is %s", file_path(src->file),
                    g->member_offset, cause);
}

static enum emx_status drop_padding(struct source *src, struct emx_error *err)
{
    for (;;) {
        enum emx_status status = source_need(src, 1, err);

        if (status != EMX_OK || source_left(src) == 0 || *source_bytes(src) != 0)
            return status;
        source_take(src, 1);
    }
}

static enum emx_status next_member(struct gzip *g, struct source *src, bool *ret_over, struct emx_error *err)
{
    enum emx_status status = g->seen_member ? drop_padding(src, err) : EMX_OK;
    const unsigned char *p;

    if (status == EMX_OK)
        status = source_need(src, 2, err);
    if (status != EMX_OK)
        return status;
    *ret_over = source_left(src) == 0;
    if (*ret_over)
        return EMX_OK;
    p = source_bytes(src);
    if (p[0] != 0x1F || (source_left(src) > 1 && p[1] != 0x8B))
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: what begins at byte %" PRIu64 " is no gzip member",
                        file_path(src->file), source_offset(src));
    g->member_offset = source_offset(src);
    g->in_member = g->seen_member = true;
    inflateReset(&g->z);
    return EMX_OK;
}

/* One step inside a member; it gets on or fails. */
static enum emx_status inflate_some(struct gzip *g, struct source *src, unsigned char *buf, size_t cap, size_t *ret_n,
                                    struct emx_error *err)
{
    enum emx_status status = source_need(src, 1, err);
    const size_t in = source_left(src) < UINT_MAX ? source_left(src) : UINT_MAX;
    const size_t room = cap < UINT_MAX ? cap : UINT_MAX;
    int code;

    if (status != EMX_OK)
        return status;
    g->z.next_in = (unsigned char *)source_bytes(src); /* zlib only reads it */
    g->z.avail_in = (uInt)in;
    g->z.next_out = buf;
    g->z.avail_out = (uInt)room;
    code = inflate(&g->z, Z_NO_FLUSH);
    source_take(src, in - g->z.avail_in);
    *ret_n = room - g->z.avail_out;
    if (code == Z_STREAM_END)
        g->in_member = false;
    else if (code == Z_BUF_ERROR && in == 0)
        return member_fails(g, src, "cut off", err);
    else if (code == Z_MEM_ERROR)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", file_path(src->file));
    else if (code != Z_OK)
        return member_fails(g, src, g->z.msg ? g->z.msg : "corrupt", err);
    return EMX_OK;
}

static enum emx_status read_gzip(void *state, struct source *src, bool pause, void *buf, size_t cap, size_t *ret_n,
                                 struct emx_error *err)
{
    struct gzip *g = state;
    enum emx_status status = EMX_OK;
    size_t done = 0;

    (void)pause; /* members do not say where they end */
    while (done < cap && status == EMX_OK) {
        bool over = false;
        size_t n = 0;

        if (!g->in_member) {
            status = next_member(g, src, &over, err);
            if (status != EMX_OK || over)
                break;
        }
        status = inflate_some(g, src, (unsigned char *)buf + done, cap - done, &n, err);
        done += n;
    }
    *ret_n = done;
    return status;
}

const struct codec codec_gzip = {
    .name = "gzip",
    .extensions = extensions,
    .probe = probe,
    .open = open_gzip,
    .read = read_gzip,
    .close = close_gzip,
};
