/*
 * batch.h - documents as lists of counted tokens, whose rows are summed up part by part for many documents at a time
 *
 *     batch_create() -> ( batch_add()... -> batch_sum_up() -> batch_vector()... -> batch_clear() )...
 *
 * The tokens of a batch are listed by parts of the vocabulary, so that the rows of one part and of some columns stay in
 * the cache for all documents.
 *
 * Thread-safety: one thread at a time; the rows may be shared.
 */
#ifndef VNE_BATCH_H
#define VNE_BATCH_H

#include "vne/token_rows.h"

#include <emx/status.h>

struct batch;

/* More do not make rows come from nearer: 4 MiB of counts, and of sums, of which some are read again for each part. */
enum { BATCH_COUNTS = 1 << 20 };

/*
 * Of at most so many documents, and not more than have about most_counts different tokens, or numbers in their sums, or
 * runs of tokens. Borrows the rows.  NULL without memory.
 */
struct batch *batch_create(const struct token_rows *rows, size_t most_documents, size_t most_counts);
/* What that takes at most, of documents whose number most_counts limits, or of one document (most_counts 0). */
size_t batch_bytes(size_t n_tokens, size_t dimension, bool precise, size_t most_counts);
/* Accepts NULL. */
void batch_destroy(struct batch **b);

/*
 * One more document, if the batch is not full: n different tokens; counts[token] is how often each comes, at most
 * MOST_IN_SUM in all, and 0 after it.  False: no memory, but not of a batch's first document.
 */
EMX_CHECKED bool batch_add(struct batch *b, const uint32_t *tokens, size_t n, uint16_t *counts);
size_t batch_n_documents(const struct batch *b);
bool batch_is_full(const struct batch *b);

void batch_sum_up(struct batch *b);
/* The vector of the i-th document that was added: ret[dimension of rows]. */
void batch_vector(const struct batch *b, size_t i, double *ret);
/* Its sums of rows, added to sum[dimension of rows]. */
void batch_add_to(const struct batch *b, size_t i, int64_t *sum);
void batch_clear(struct batch *b);

#endif
