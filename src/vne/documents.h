/*
 * documents.h - the tokens of one shard, document by document
 *
 * Documents are those that the scan counted (scan/count.c): they end at EOD tokens and where an index or the format
 * says so; a piece at a shard's edge that belongs to a document of the next or the last shard is none.
 */
#ifndef VNE_DOCUMENTS_H
#define VNE_DOCUMENTS_H

#include "io/format.h"

#include <emx/state.h>

/* What becomes of them. */
struct documents_sink {
    /* A document begins with token number `index` of the shard; false: its tokens are not wanted. */
    bool (*begin)(void *context, uint64_t index);
    /* Some more of its tokens, without EOD; `index` is the first one's number in the shard. */
    enum emx_status (*tokens)(void *context, const uint32_t *tokens, size_t n, uint64_t index, struct emx_error *err);
    /* It is over; `is_document` false: it was none after all. */
    enum emx_status (*end)(void *context, bool is_document, struct emx_error *err);
    void *context;
};

/*
 * Read the shard of that record.  EMX_ERR_CORRUPT if it is not what was counted; and what opening and reading shards
 * can return.
 */
EMX_CHECKED enum emx_status documents_read(const struct emx_shard_record *record,
                                           const struct emx_domain_settings *settings, const char *column,
                                           const struct documents_sink *sink, struct emx_error *err);

#endif
