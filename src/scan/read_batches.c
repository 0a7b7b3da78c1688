/* read_batches.c - blocks of formats that decode tokens */
#include "scan/shard_readers.h"

/* Take what is counted off the front of the batch, which then may be empty: b->is_counted. */
static enum emx_status leave_out_counted(struct shard *s, struct block *b, struct token_batch *batch, size_t *n_ends,
                                         struct emx_error *err)
{
    uint64_t stop, to = counted_to(s, 4 * s->n_taken, &stop);
    size_t n = at_most(batch->n, to / 4 - s->n_taken);

    if (to / 4 > s->n_taken && batch->n == 0)
        return counted_refuse_shorter(s, to, err);
    b->is_counted = n > 0 && n == batch->n;
    batch->tokens += n;
    batch->n -= n;
    s->n_taken += n;
    while (*n_ends && batch->ends[0] < n) {
        batch->ends++;
        --*n_ends;
    }
    for (size_t i = 0; i < *n_ends; i++)
        batch->ends[i] -= (uint32_t)n;
    return EMX_OK;
}

enum emx_status batches_read(struct shard *s, struct block *b, struct emx_error *err)
{
    struct token_batch batch = {.tokens = b->wide, .cap = BLOCK_TOKENS, .ends = b->end_buffer};
    enum emx_status status = s->format->read(&s->open, &batch, err);
    size_t n_ends = batch.n_ends;

    if (status)
        return status;
    if (batch.n > s->limit - s->n_taken)
        batch.n = (size_t)(s->limit - s->n_taken);
    while (n_ends && batch.ends[n_ends - 1] > batch.n)
        n_ends--;
    block_clear(b);
    status = leave_out_counted(s, b, &batch, &n_ends, err);
    if (status || b->is_counted)
        return status;
    b->ends = batch.ends;
    if (n_ends && b->ends[n_ends - 1] == batch.n) {
        b->span.end_after = true;
        n_ends--;
    }
    if (n_ends && b->ends[0] == 0) {
        b->span.end_before = true;
        b->ends++;
        n_ends--;
    }
    b->n_ends = n_ends;
    b->index = s->n_taken;
    b->tokens = batch.tokens;
    b->width = 4;
    b->n = batch.n;
    block_set_span(b, 4 * s->n_taken, 4 * (s->n_taken + batch.n));
    s->n_taken += batch.n;
    return EMX_OK;
}
