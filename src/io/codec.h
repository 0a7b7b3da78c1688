/*
 * codec.h - what a compression codec has to provide to stream.c
 *
 * A codec is one file, src/io/codec_NAME.c, and one line in the table of codec.c.
 *
 * Life: probe() -> open() -> read(), look() and take_piece() in any order -> close().  After a call that failed
 * only close() is allowed.
 */
#ifndef IO_CODEC_H
#define IO_CODEC_H

#include "io/source.h"
#include "io/stream.h"

struct codec {
    const char *name;
    /* Names of files that are always of this codec, NULL-terminated; an error if the content says otherwise. */
    const char *const *extensions;
    /* Do the stored bytes begin like this codec's?  A magic is not enough: the header must be possible too. */
    EMX_CHECKED enum emx_status (*probe)(struct source *src, bool *ret, struct emx_error *err);
    EMX_CHECKED enum emx_status (*open)(struct source *src, int window_log_max, void **ret, struct emx_error *err);
    /*
     * Next bytes of content; *ret_n < cap only at the end, where everything stored has been used and checked, and,
     * if pause is true, after the last byte before a place where a piece may be taken (*ret_n > 0 there).
     */
    EMX_CHECKED enum emx_status (*read)(void *state, struct source *src, bool pause, void *buf, size_t cap,
                                        size_t *ret_n, struct emx_error *err);
    /*
     * The same bytes as read(), but they stay: *ret_looked says whether that was possible here (if not, nothing
     * has changed).  NULL: never possible.
     */
    EMX_CHECKED enum emx_status (*look)(void *state, struct source *src, void *buf, size_t cap, size_t *ret_n,
                                        bool *ret_looked, struct emx_error *err);
    /* As stream_take_piece(), without piece->position.  NULL: there are no pieces. */
    EMX_CHECKED enum emx_status (*take_piece)(void *state, struct source *src, struct stream_piece *piece,
                                              bool *ret_taken, struct emx_error *err);
    /* Size of the content if it is known right after open(), else UINT64_MAX. */
    uint64_t (*size)(const void *state, const struct source *src);
    void (*close)(void *state);
};

extern const struct codec codec_none, codec_zstd, codec_gzip;

/* Choose the codec by the first bytes of the source, which stay. */
EMX_CHECKED enum emx_status codec_recognise(struct source *src, const struct codec **ret, struct emx_error *err);

#endif
