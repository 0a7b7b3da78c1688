/*
 * count.h - blocks of tokens into the tables of their domain
 *
 * Where pairs break:
 *
 *     within-document   at the ends of the index, which are cut here; and at EOD tokens, which are not looked for in
 *                       the stream of pairs: all pairs across them have EOD on one side, so these leave when the tables
 *                       are sorted (count/rows.h)
 *     stream            nowhere but between shards
 *     window            after every `window` tokens of the shard
 */
#ifndef SCAN_COUNT_H
#define SCAN_COUNT_H

#include "scan/shard.h"
#include "scan/spill.h"

/* One thread's means to count. */
struct counter {
    unsigned thread;
    struct spiller *spiller; /* borrowed */
    struct table_adder adder;
    uint32_t *tails; /* [n_tails] last tokens of runs, on their way to the domain's tally */
    size_t n_tails, cap_tails;
    bool no_memory;
};

void counter_finish(struct counter *c);

/*
 * Count the block's inner pairs and fill b->sums.  EMX_ERR_RANGE if a token is not below the vocabulary;
 * EMX_ERR_MEMORY.
 */
EMX_CHECKED enum emx_status count_block(struct counter *c, struct shard *s, struct block *b, struct emx_error *err);

/*
 * For who counts single pairs: from counter_enter() to counter_leave() the adder is in a table of the shard's domain,
 * which takes tokens up to `largest`, and tails that are pushed reach the domain's tally.
 */
EMX_CHECKED enum emx_status counter_enter(struct counter *c, struct shard *s, uint32_t largest, struct emx_error *err);
void counter_push_tail(struct counter *c, uint32_t token);
EMX_CHECKED enum emx_status counter_leave(struct counter *c, struct shard *s, struct emx_error *err);

/* Document ends inside a block, from the index of the shard or from the batch: 0 < position < b->n. */
struct inner_ends {
    const struct shard *shard;
    const struct block *block;
    size_t next;
};

struct inner_ends inner_ends_begin(const struct shard *s, const struct block *b);
/* The next one, or b->n if there is none. */
size_t inner_ends_next(struct inner_ends *e);

/* Does the end of a document between these two tokens have no EOD token to show it? */
bool count_is_plain_end(const struct shard *s, uint32_t before, uint32_t after);

#endif
