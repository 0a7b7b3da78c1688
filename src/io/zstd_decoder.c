#include "io/zstd_decoder.h"

#include <inttypes.h>
#include <stdio.h>
#include <zstd_errors.h>

enum emx_status zstd_decoder_init(struct zstd_decoder *d, int window_log_max, struct emx_error *err)
{
    *d = (struct zstd_decoder){.dctx = ZSTD_createDCtx()};
    if (!d->dctx)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a zstd decoder");
    if (!ZSTD_isError(ZSTD_DCtx_setParameter(d->dctx, ZSTD_d_windowLogMax, window_log_max)))
        return EMX_OK;
    zstd_decoder_finish(d);
    return emx_fail(err, EMX_ERR_ARG, "a zstd window of 2^%d bytes is not possible", window_log_max);
}

void zstd_decoder_finish(struct zstd_decoder *d)
{
    ZSTD_freeDCtx(d->dctx);
    d->dctx = NULL;
}

void zstd_decoder_reset(struct zstd_decoder *d)
{
    ZSTD_DCtx_reset(d->dctx, ZSTD_reset_session_only);
    d->in_frame = false;
}

enum emx_status zstd_decoder_fails(const struct zstd_decoder *d, const char *path, enum emx_status status,
                                   const char *cause, struct emx_error *err)
{
    return emx_fail(err, status, "%s: zstd frame at byte %" PRIu64 " %s", path, d->frame_offset, cause);
}

static enum emx_status decoding_fails(const struct zstd_decoder *d, const char *path, size_t code,
                                      struct emx_error *err)
{
    char cause[128];

    switch (ZSTD_getErrorCode(code)) {
    case ZSTD_error_memory_allocation:
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    case ZSTD_error_checksum_wrong:
        return zstd_decoder_fails(d, path, EMX_ERR_CORRUPT, "does not match its checksum", err);
    default:
        snprintf(cause, sizeof(cause), "is corrupt (%s)", ZSTD_getErrorName(code));
        return zstd_decoder_fails(d, path, EMX_ERR_CORRUPT, cause, err);
    }
}

/* libzstd lets a wrong size pass if the frame's last block is empty. */
static enum emx_status check_size(const struct zstd_decoder *d, const char *path, struct emx_error *err)
{
    if (d->frame_out > d->frame.content_size)
        return zstd_decoder_fails(d, path, EMX_ERR_CORRUPT, "holds more than it states", err);
    if (!d->in_frame && d->frame.content_size != UINT64_MAX && d->frame_out < d->frame.content_size)
        return zstd_decoder_fails(d, path, EMX_ERR_CORRUPT, "holds less than it states", err);
    return EMX_OK;
}

enum emx_status zstd_decoder_step(struct zstd_decoder *d, const char *path, ZSTD_inBuffer *in, ZSTD_outBuffer *out,
                                  struct emx_error *err)
{
    const size_t had_in = in->pos, had_out = out->pos;
    const size_t hint = ZSTD_decompressStream(d->dctx, out, in);

    if (ZSTD_isError(hint)) {
        d->only_checksum_differs =
            ZSTD_getErrorCode(hint) == ZSTD_error_checksum_wrong && d->frame.content_size != UINT64_MAX;
        return decoding_fails(d, path, hint, err);
    }
    if (hint != 0 && in->pos == had_in && out->pos == had_out)
        return zstd_decoder_fails(d, path, EMX_ERR_CORRUPT,
                                  in->pos < in->size ? "holds more than it states" : "is cut off", err);
    d->frame_out += out->pos - had_out;
    d->in_frame = hint != 0;
    return check_size(d, path, err);
}
