/*
 * shard_view.h - the documents of a shard, as a thread that sums them up sees them
 *
 * For document_ends.c and bag_blocks.c.
 */
#ifndef SCAN_SHARD_VIEW_H
#define SCAN_SHARD_VIEW_H

#include "scan/bagging.h"

struct view {
    struct bagger *w;
    const struct shard *shard;
    struct sample *sample; /* that its documents go to, or NULL */
    uint64_t path_hash;
    uint32_t eod; /* or EMX_NO_TOKEN */
    bool eod_first;
};

EMX_CHECKED enum emx_status view_shard(struct bagger *w, struct shard *s, struct view *ret, struct emx_error *err);

/* Tokens [from, to) of the block are a document. */
EMX_CHECKED enum emx_status view_add_document(const struct view *v, const struct block *b, size_t from, size_t to,
                                              struct emx_error *err);
/* ... are of a document that may have begun before; `begins`: it did not. */
EMX_CHECKED enum emx_status view_make_part(const struct view *v, const struct block *b, size_t from, size_t to,
                                           bool begins, struct document_part *ret, struct emx_error *err);
/* b, which follows, becomes part of a, and has nothing left. */
EMX_CHECKED enum emx_status view_join_parts(const struct view *v, struct document_part *a, struct document_part *b,
                                            struct emx_error *err);
/* A document of which all parts are there; the part has nothing left. */
EMX_CHECKED enum emx_status view_end_document(const struct view *v, struct document_part *p, struct emx_error *err);

#endif
