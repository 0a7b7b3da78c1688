/*
 * piece.c - decode what stream_take_piece() took, on any thread
 */
#include "io/stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

struct piece_decoder {
    ZSTD_DCtx *dctx;
    /* of the piece that is being read */
    uint64_t n_out;
    size_t frame_begin; /* in stored[] */
    bool in_frame;
};

enum emx_status piece_decoder_create(int window_log_max, struct piece_decoder **ret, struct emx_error *err)
{
    struct piece_decoder *d = calloc(1, sizeof(*d));

    if (d)
        d->dctx = ZSTD_createDCtx();
    if (!d || !d->dctx) {
        piece_decoder_destroy(&d);
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a zstd decoder");
    }
    if (ZSTD_isError(ZSTD_DCtx_setParameter(d->dctx, ZSTD_d_windowLogMax, window_log_max))) {
        piece_decoder_destroy(&d);
        return emx_fail(err, EMX_ERR_ARG, "a zstd window of 2^%d bytes is not possible", window_log_max);
    }
    *ret = d;
    return EMX_OK;
}

void piece_decoder_destroy(struct piece_decoder **d)
{
    if (!*d)
        return;
    ZSTD_freeDCtx((*d)->dctx);
    free(*d);
    *d = NULL;
}

static enum emx_status frame_fails(const struct piece_decoder *d, const struct stream_piece *piece, const char *path,
                                   const char *cause, struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_CORRUPT, "%s: zstd frame at byte %" PRIu64 " is corrupt (%s)", path,
                    piece->offset + d->frame_begin, cause);
}

static enum emx_status decoding_fails(const struct piece_decoder *d, const struct stream_piece *piece, const char *path,
                                      size_t code, struct emx_error *err)
{
    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    if (ZSTD_getErrorCode(code) == ZSTD_error_checksum_wrong)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: zstd frame at byte %" PRIu64 " does not match its checksum", path,
                        piece->offset + d->frame_begin);
    return frame_fails(d, piece, path, ZSTD_getErrorName(code), err);
}

/* One step; it gets on or fails. */
static enum emx_status decode_some(struct piece_decoder *d, struct stream_piece *piece, const char *path,
                                   ZSTD_outBuffer *out, struct emx_error *err)
{
    ZSTD_inBuffer in = {piece->stored, piece->n_stored, piece->n_used};
    const size_t had = out->pos;
    size_t hint;

    if (!d->in_frame)
        d->frame_begin = piece->n_used;
    hint = ZSTD_decompressStream(d->dctx, out, &in);
    if (ZSTD_isError(hint))
        return decoding_fails(d, piece, path, hint, err);
    if (in.pos == piece->n_used && out->pos == had)
        return frame_fails(d, piece, path, "its size is not as stated", err);
    piece->n_used = in.pos;
    d->n_out += out->pos - had;
    d->in_frame = hint != 0;
    return EMX_OK;
}

enum emx_status piece_read(struct piece_decoder *d, struct stream_piece *piece, const char *path, void *buf, size_t cap,
                           size_t *ret_n, struct emx_error *err)
{
    ZSTD_outBuffer out = {buf, cap, 0};
    enum emx_status status = EMX_OK;

    if (piece->n_used == 0) {
        ZSTD_DCtx_reset(d->dctx, ZSTD_reset_session_only);
        d->n_out = 0;
        d->in_frame = false;
    }
    /* With the last byte of content comes what follows it, so that its checksum is never left unread. */
    while (status == EMX_OK && (piece->n_used < piece->n_stored || d->in_frame) &&
           (out.pos < cap || d->n_out == piece->size))
        status = decode_some(d, piece, path, &out, err);
    if (status != EMX_OK)
        return status;
    if (d->n_out > piece->size || (piece->n_used == piece->n_stored && d->n_out != piece->size))
        return frame_fails(d, piece, path, "its size is not as stated", err);
    *ret_n = out.pos;
    return EMX_OK;
}
