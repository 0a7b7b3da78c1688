/*
 * bags.h - documents as bags of tokens: their vectors, summed up in batches, and added to a density matrix
 *
 *     bags_create()                                    one for each thread
 *     bags_to(sums)                                    where the documents that end from now on are added
 *         ( bags_u16() | bags_u32() | bags_add_part() )...  the tokens of a document, in any order
 *         bags_end()                                        it is over, and is to be added
 *         bags_end_part() | bags_drop()                     the rest is elsewhere | it was none
 *     bags_flush()                                     after the last: before that, documents may not have been added
 *
 * A document that lies in two blocks, perhaps read by two threads, is two parts.  A part is the sum of its tokens'
 * vectors, which are integers (token_rows.h): so parts add up to the document in any order, bit for bit, and what is in
 * the sums after bags_flush() depends on the documents alone: not on threads, blocks, batches or their order.
 *
 * Thread-safety: one thread at a time; `rows` may be shared.
 */
#ifndef VNE_BAGS_H
#define VNE_BAGS_H

#include "vne/token_rows.h"

#include <emx/vne.h>

struct bags;

/* Documents of one domain, of one thread: density matrices merge (emx_density_merge()), counts add up. */
struct bag_sums {
    struct emx_density *density;
    const char *domain;                  /* its name, for messages */
    uint64_t n_tokens, n_without_vector; /* of documents that ended */
};

/* A part of a document, or all of it. */
struct bag_part {
    int64_t *sum; /* [dimension] of its tokens' rows; of the caller; anything if these are more than most_tokens */
    uint64_t n_tokens, n_without_vector;
};

/* Batches of so many counts (batch.h: BATCH_COUNTS at best).  Borrows the rows until _destroy().  EMX_ERR_MEMORY. */
EMX_CHECKED enum emx_status bags_create(const struct token_rows *rows, size_t batch_counts, struct bags **ret,
                                        struct emx_error *err);
/* What that takes at most. */
size_t bags_bytes(size_t n_tokens, size_t dimension, bool precise, size_t batch_counts);
/* Accepts NULL.  Documents that were not flushed are lost. */
void bags_destroy(struct bags **b);

/* No document may be open.  Flushes to where documents went before. */
EMX_CHECKED enum emx_status bags_to(struct bags *b, struct bag_sums *sums, struct emx_error *err);

/*
 * Add n tokens to the open document; there is one from the first tokens on.  Returns n, or the place of the first token
 * that is beyond the matrix of vectors: the document is to be dropped then.
 */
size_t bags_u16(struct bags *b, const uint16_t *tokens, size_t n);
size_t bags_u32(struct bags *b, const uint32_t *tokens, size_t n);
void bags_add_part(struct bags *b, const struct bag_part *part);

/*
 * The open document is over.  One without direction, also one without tokens, is counted as such (emx_density_add()).
 * EMX_ERR_RANGE: more than EMX_MAX_DOCUMENTS; EMX_ERR_ARG: more tokens than a sum takes (token_rows.h); EMX_ERR_MEMORY.
 */
EMX_CHECKED enum emx_status bags_end(struct bags *b, struct emx_error *err);
/* What was added since the last end goes to *ret instead, over what was there. */
void bags_end_part(struct bags *b, struct bag_part *ret);
/* ... and goes nowhere. */
void bags_drop(struct bags *b);

/* All documents that ended are in the sums.  EMX_ERR_RANGE and EMX_ERR_MEMORY as above. */
EMX_CHECKED enum emx_status bags_flush(struct bags *b, struct emx_error *err);

#endif
