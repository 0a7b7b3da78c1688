/*
 * stream.h - the bytes of one shard in order, decompressed, while its XXH3 is taken
 *
 * The codec (zstd: one frame, many, skippable, seekable; gzip: one member or many; none) is recognised
 * by content.  A compressed stream that ends early is an error, never a short shard.
 */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include "io/file.h"

struct stream;

/*
 * Open the file at path ("-": standard input) and read synchronously.  window_log_max: largest zstd window
 * accepted, as a power of two of bytes (10..31); a frame that needs more is EMX_ERR_RANGE.
 */
EMX_CHECKED enum emx_status stream_open(const struct file_space *space, const char *path, int window_log_max,
                                        struct stream **ret, struct emx_error *err);
void stream_close(struct stream **s);

/* Where a message should point: path and how far the decompressed bytes were read. */
const char *stream_path(const struct stream *s);
uint64_t stream_position(const struct stream *s); /* decompressed bytes handed out so far */
const char *stream_codec(const struct stream *s); /* "none", "zstd", "gzip" */

/*
 * Size of the shard when decompressed, if it is known before reading (plain file, or one whose single zstd frame
 * declares it); UINT64_MAX otherwise.
 */
uint64_t stream_size(const struct stream *s);

/* Look at the next bytes without taking them: up to cap (at most 64 KiB), less only at the end. */
EMX_CHECKED enum emx_status stream_peek(struct stream *s, const void **ret, size_t cap, size_t *ret_n,
                                        struct emx_error *err);

/* Take the next bytes: *ret_n < cap only at the end of the shard. */
EMX_CHECKED enum emx_status stream_read(struct stream *s, void *buf, size_t cap, size_t *ret_n,
                                        struct emx_error *err);

/* Take exactly n bytes and drop them; EMX_ERR_CORRUPT if the shard ends before. */
EMX_CHECKED enum emx_status stream_skip(struct stream *s, uint64_t n, struct emx_error *err);

#endif
