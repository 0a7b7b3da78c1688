/*
 * piece.c - decode what stream_take_piece() took, on any thread
 */
#include "io/stream.h"
#include "io/zstd_decoder.h"

#include <stdlib.h>

struct piece_decoder {
    struct zstd_decoder zstd;
    uint64_t n_out; /* of the piece that is being read */
};

enum emx_status piece_decoder_create(int window_log_max, struct piece_decoder **ret, struct emx_error *err)
{
    struct piece_decoder *d = calloc(1, sizeof(*d));
    enum emx_status status;

    if (!d)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a zstd decoder");
    status = zstd_decoder_init(&d->zstd, window_log_max, err);
    if (status == EMX_OK)
        *ret = d;
    else
        free(d);
    return status;
}

void piece_decoder_destroy(struct piece_decoder **d)
{
    if (!*d)
        return;
    zstd_decoder_finish(&(*d)->zstd);
    free(*d);
    *d = NULL;
}

/* The headers were read once already, when the piece was taken. */
static enum emx_status begin_frame(struct zstd_decoder *z, const struct stream_piece *piece, const char *path,
                                   struct emx_error *err)
{
    z->frame_offset = piece->offset + piece->n_used;
    if (zstd_frame_parse(piece->stored + piece->n_used, piece->n_stored - piece->n_used, &z->frame) != ZSTD_HEADER_OK)
        return zstd_decoder_fails(z, path, EMX_ERR_CORRUPT, "is cut off", err);
    zstd_decoder_begin(z);
    return EMX_OK;
}

static enum emx_status decode_some(struct piece_decoder *d, struct stream_piece *piece, const char *path,
                                   ZSTD_outBuffer *out, struct emx_error *err)
{
    ZSTD_inBuffer in = {piece->stored, piece->n_stored, piece->n_used};
    const size_t had = out->pos;
    enum emx_status status = EMX_OK;

    if (!d->zstd.in_frame)
        status = begin_frame(&d->zstd, piece, path, err);
    if (status == EMX_OK)
        status = zstd_decoder_step(&d->zstd, path, &in, out, err);
    piece->n_used = in.pos;
    d->n_out += out->pos - had;
    return status;
}

enum emx_status piece_read(struct piece_decoder *d, struct stream_piece *piece, const char *path, void *buf, size_t cap,
                           size_t *ret_n, struct emx_error *err)
{
    ZSTD_outBuffer out = {buf, cap, 0};
    enum emx_status status = EMX_OK;

    if (piece->n_used == 0) {
        zstd_decoder_reset(&d->zstd);
        d->n_out = 0;
    }
    /* With the last byte of a frame comes what follows it, so that no checksum is left unread. */
    while (status == EMX_OK && d->n_out < piece->size && out.pos < cap)
        status = decode_some(d, piece, path, &out, err);
    while (status == EMX_OK && zstd_decoder_is_full(&d->zstd))
        status = decode_some(d, piece, path, &out, err);
    *ret_n = out.pos;
    return status;
}
