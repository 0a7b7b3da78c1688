/*
 * pile.h - the pairs of a part of a table, put into bins by key in the table's own memory
 *
 * A word is a key (2t bits) above a count (64 - 2t bits).  Keys of a table lie in the order of their hashes; sorting
 * begins with bins, each a range of keys small enough to be sorted in the cache.  One pass reads the slots and gives
 * every pair, as a word, to the open block of its bin, of which there are few enough for the cache; a full block goes
 * to the front of the part, over slots that were read long before, or where small slots give more words than they free,
 * to memory of the pile's own: the table has set as much aside (count/table_parts.h).  A bin is then a pile of
 * blocks, each knowing the one below.
 *
 * What a word's count does not hold is kept aside (count/large_counts.h).
 */
#ifndef COUNT_PILE_H
#define COUNT_PILE_H

#include "count/bin_map.h"
#include "count/large_counts.h"
#include "count/tally.h"

enum {
    PILE_BLOCK = 32, /* words: open blocks of 512 bins are 128 KiB, and 256 bytes are copied at full speed */
    PILE_CHUNK = 256 /* blocks: 64 KiB */
};

/* Pairs that crossed a document end were counted like all others, since a test for each would cost more; here they go.
 */
enum rows_drop {
    ROWS_DROP_NONE,
    ROWS_DROP_AFTER,  /* pairs whose first token is `eod`, which ended a document */
    ROWS_DROP_BEFORE, /* pairs whose second token is `eod`, which opened one */
};
struct drop_rule {
    enum rows_drop drop;
    uint32_t eod;
    struct tally *tails; /* the first tokens of dropped pairs become tails */
};

struct pile {
    const struct bin_map *map;
    uint64_t *blocks; /* [n_blocks][PILE_BLOCK] in the table's memory */
    size_t n_blocks, cap_blocks;
    uint64_t **chunks; /* [n_chunks][PILE_CHUNK][PILE_BLOCK] of the pile's own */
    size_t n_extra;    /* blocks in them; they are numbered from cap_blocks on */
    uint32_t *below;   /* of each block: 1 + the one below it in its bin, 0 at the ground */
    struct pile_bin {
        uint32_t top; /* 1 + the uppermost block, 0: none */
        uint32_t n_open;
        uint64_t n; /* words */
    } * bins;       /* [n_bins] */
    uint64_t *open; /* [n_bins][PILE_BLOCK] blocks that are not full */
    struct large_counts large;
};

/*
 * Take part `part` of `n_parts` of a table apart; no thread is in it.  The table's memory is the pile's from then on.
 * On failure _finish() may still be called.  EMX_ERR_MEMORY.
 */
EMX_CHECKED enum emx_status pile_take(struct pile *p, const struct bin_map *map, struct table *t, size_t part,
                                      size_t n_parts, const struct drop_rule *rule, struct emx_error *err);
void pile_finish(struct pile *p);

/* The block below, or NULL; begin with the bin's top. */
static inline const uint64_t *pile_block(const struct pile *p, uint32_t *at)
{
    size_t i = *at;

    if (!i)
        return NULL;
    *at = p->below[--i];
    if (i < p->cap_blocks)
        return p->blocks + i * PILE_BLOCK;
    i -= p->cap_blocks;
    return p->chunks[i / PILE_CHUNK] + i % PILE_CHUNK * PILE_BLOCK;
}

static inline void pile_fetch(const uint64_t *block)
{
    for (unsigned i = 0; i < PILE_BLOCK; i += LINE_WORDS)
        __builtin_prefetch(block + i);
}

#endif
