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

static void begin_piece(struct piece_decoder *d, const struct stream_piece *piece)
{
    if (piece->n_used)
        return;
    zstd_decoder_reset(&d->zstd);
    d->n_out = 0;
}

enum emx_status piece_read(struct piece_decoder *d, struct stream_piece *piece, const char *path, void *buf, size_t cap,
                           size_t *ret_n, struct emx_error *err)
{
    ZSTD_outBuffer out = {buf, cap, 0};
    enum emx_status status = EMX_OK;

    begin_piece(d, piece);
    /* With the last byte of a frame comes what follows it, so that no checksum is left unread. */
    while (status == EMX_OK && d->n_out < piece->size && out.pos < cap)
        status = decode_some(d, piece, path, &out, err);
    while (status == EMX_OK && zstd_decoder_is_full(&d->zstd))
        status = decode_some(d, piece, path, &out, err);
    *ret_n = out.pos;
    return status;
}

/* --- broken frames ------------------------------------------------------------------------------------- */

static enum emx_status check_frame(struct piece_decoder *d, struct stream_piece *piece, const char *path, void *buf,
                                   size_t cap, struct emx_error *err)
{
    enum emx_status status;

    do {
        ZSTD_outBuffer out = {buf, cap, 0};

        status = decode_some(d, piece, path, &out, err);
    } while (status == EMX_OK && d->zstd.in_frame);
    return status;
}

enum emx_status piece_check(struct piece_decoder *d, struct stream_piece *piece, const char *path, void *buf,
                            size_t cap, uint64_t *ret_n, struct emx_error *err)
{
    const size_t n_used = piece->n_used;
    enum emx_status status = EMX_OK;
    uint64_t n_out;

    begin_piece(d, piece);
    n_out = d->n_out;
    *ret_n = 0;
    while (status == EMX_OK && d->n_out < piece->size) {
        status = check_frame(d, piece, path, buf, cap, err);
        if (status == EMX_OK)
            *ret_n = d->n_out - n_out;
    }
    zstd_decoder_reset(&d->zstd);
    piece->n_used = n_used;
    d->n_out = n_out;
    return status == EMX_ERR_MEMORY || *ret_n == 0 ? status : EMX_OK;
}

/* Bytes of the frame that begins at `at`, and its header; 0 beyond the piece. */
static size_t frame_at(const struct stream_piece *piece, size_t at, struct zstd_frame *ret)
{
    const size_t left = piece->n_stored - at;

    if (left == 0 || zstd_frame_parse(piece->stored + at, left, ret) != ZSTD_HEADER_OK)
        return 0;
    return ZSTD_findFrameCompressedSize(piece->stored + at, left);
}

static uint64_t size_before(const struct stream_piece *piece)
{
    uint64_t size = piece->size_before;
    struct zstd_frame frame;

    for (size_t at = 0, n; at < piece->n_used && (n = frame_at(piece, at, &frame)) && !ZSTD_isError(n); at += n)
        size = frame.content_size;
    return size;
}

bool piece_pass(struct piece_decoder *d, struct stream_piece *piece, struct piece_frame *ret)
{
    struct zstd_frame frame, next;
    const size_t n = frame_at(piece, piece->n_used, &frame);
    const uint64_t before = size_before(piece);
    uint64_t after = piece->size_after;
    bool is_last = piece->is_last;

    if (n == 0 || ZSTD_isError(n))
        return false;
    if (frame_at(piece, piece->n_used + n, &next)) {
        after = next.content_size;
        is_last = false;
    }
    if (!d->zstd.only_checksum_differs && frame.content_size != before && frame.content_size != after &&
        !(is_last && frame.content_size < before))
        return false;
    *ret = (struct piece_frame){piece->offset + piece->n_used, n, frame.content_size};
    piece->n_used += n;
    d->n_out += frame.content_size;
    return true;
}
