/*
 * zstd_decoder.h - decode zstd frames step by step, with sentences for what goes wrong
 *
 * The caller reads a frame's header into `frame`, says where it lies in the file, and calls
 * zstd_decoder_begin(), then zstd_decoder_step() until in_frame is false.
 */
#ifndef IO_ZSTD_DECODER_H
#define IO_ZSTD_DECODER_H

#include "io/zstd_frame.h"

#include <emx/status.h>
#include <zstd.h>

struct zstd_decoder {
    ZSTD_DCtx *dctx;
    struct zstd_frame frame;
    uint64_t frame_offset; /* in the file, for messages */
    uint64_t frame_out;    /* content bytes handed out of this frame */
    bool in_frame;
    bool only_checksum_differs; /* why the step failed: all the content came out, of the stated size */
};

EMX_CHECKED enum emx_status zstd_decoder_init(struct zstd_decoder *d, int window_log_max, struct emx_error *err);
void zstd_decoder_finish(struct zstd_decoder *d);

/* Forget what was begun. */
void zstd_decoder_reset(struct zstd_decoder *d);

static inline void zstd_decoder_begin(struct zstd_decoder *d)
{
    d->in_frame = true;
    d->only_checksum_differs = false;
    d->frame_out = 0;
}

/*
 * Use some of `in`, fill some of `out`; never beyond the frame's end.  It gets on or fails: empty input is only for
 * telling that the file has ended.  A frame that states its size has to hold just as much.
 */
EMX_CHECKED enum emx_status zstd_decoder_step(struct zstd_decoder *d, const char *path, ZSTD_inBuffer *in,
                                              ZSTD_outBuffer *out, struct emx_error *err);

/* All the content was handed out, but its checksum may still be unread. */
static inline bool zstd_decoder_is_full(const struct zstd_decoder *d)
{
    return d->in_frame && d->frame_out == d->frame.content_size;
}

/* "PATH: zstd frame at byte N CAUSE"; returns status. */
enum emx_status zstd_decoder_fails(const struct zstd_decoder *d, const char *path, enum emx_status status,
                                   const char *cause, struct emx_error *err);

#endif
