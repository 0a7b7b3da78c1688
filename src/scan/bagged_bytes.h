/*
 * bagged_bytes.h - what is summed up of documents, to bytes and back, for checkpoints and from rank to rank
 *
 *     domain     u64 documents, left out, tokens, without vector; u64 1 if sums follow, else 0; u64 documents of the
 *                sample; sums, each 16 bytes; documents of the sample
 *     document   u64 hash; u64 0, tokens, without vector; dimension times i64
 *                or not summed up yet: u64 hash; u64 1, tokens, 0; tokens, each u32
 *     stretches  u64 stretches, documents of the sample; stretches; documents
 *     stretch    u64 begin, end, index, next index; u32 first, last token; u8 end before, end after, bytes before,
 * bytes after; u8 cut, 0, 0, 0; these bytes, 8 and 8; head, tail part       u64 begin, unwanted; u64 1 if a vector
 * follows, else 0; u64 tokens and those without vector in it; u64 tokens beside it; dimension times i64; tokens, each
 * u32
 *
 * Numbers are little-endian.  Who takes asks for the pieces that were put, one by one.
 */
#ifndef SCAN_BAGGED_BYTES_H
#define SCAN_BAGGED_BYTES_H

#include "scan/bagging.h"

struct bytes_out {
    void (*put)(void *context, const void *bytes, size_t n);
    void *context;
};

struct bytes_in {
    bool (*take)(void *context, void *ret, size_t n); /* false: there are not as many; from then on always */
    void *context;
};

void bagged_put(const struct bagged *b, size_t dimension, const struct bytes_out *to);
/*
 * Add what was put to *b; all of it is taken also if memory does not suffice.  EMX_ERR_MEMORY; EMX_ERR_CORRUPT if it is
 * not what can have been put, or cut off, without a sentence.
 */
EMX_CHECKED enum emx_status bagged_take(struct bagged *b, size_t dimension, const struct bytes_in *from,
                                        struct emx_error *err);

void stretches_put(const struct stretches *s, size_t dimension, const struct bytes_out *to);
/* To *s, which is empty; n_wanted documents: of a sample, from that store.  Errors likewise. */
EMX_CHECKED enum emx_status stretches_take(struct stretches *s, size_t dimension, uint64_t n_wanted,
                                           struct chunk_store *store, const struct bytes_in *from,
                                           struct emx_error *err);

#endif
