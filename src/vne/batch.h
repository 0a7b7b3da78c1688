/*
 * batch.h - documents as lists of counted tokens, whose rows are summed up block by block for many documents at a time
 *
 * Thread-safety: one thread at a time; the rows may be shared.
 */
#ifndef VNE_BATCH_H
#define VNE_BATCH_H

#include "vne/row_sums.h"
#include "vne/token_rows.h"

struct batch;

/* Borrows the rows.  NULL without memory. */
struct batch *batch_create(const struct token_rows *rows);
/* Accepts NULL. */
void batch_destroy(struct batch **b);

/* Room for the tokens of one more document, up to MOST_IN_SUM different ones, if the batch is not full. */
struct token_count *batch_room(struct batch *b);
/* The first n there are a document, whose counts add up to at most MOST_IN_SUM. */
void batch_add(struct batch *b, size_t n);
size_t batch_n_documents(const struct batch *b);
bool batch_is_full(const struct batch *b);

/* Sum up all documents, and empty the batch: ret[i * n_columns] are the sums of the i-th, until the next is added. */
const int32_t *batch_sums(struct batch *b);
/* The sums of the first n tokens in the room alone, which are no document then; valid likewise. */
const int32_t *batch_sum_room(struct batch *b, size_t n);

#endif
