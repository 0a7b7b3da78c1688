/*
 * rows.h - tables at rest to sorted rows
 *
 * Order of calls: rows_create -> rows_next until it yields none -> rows_destroy.
 *
 * Several tables may hold the same pair (each thread's own): their counts are added.  Rows come in pieces, ascending by
 * (first, second) over all pieces, each as large as the budget has room for; where one piece is not
 * enough, the tables are read once for each.  All threads of the placement work: one pass over the slots counts how
 * many pairs each first token has, from which groups of neighbouring first tokens with a few thousand pairs are made; a
 * second pass drops every pair in its group, and the groups are sorted by radix in the cache.
 */
#ifndef COUNT_ROWS_H
#define COUNT_ROWS_H

#include "count/table.h"
#include "count/tally.h"
#include "pipeline/placement.h"

#include <emx/state.h>

/* Buffers that serve one sort after the other; zeroed at first.  One user at a time. */
struct rows_space {
    struct emx_pair_count *buffer; /* [cap] a piece */
    size_t cap;
    uint64_t n_taken; /* bytes of the budget */
    struct rows_scratch {
        struct emx_pair_count *rows; /* [cap] */
        size_t cap;
    } * scratch; /* [n_scratch] one a thread */
    size_t n_scratch;
};
void rows_space_finish(struct rows_space *s, struct budget *budget);

/* Pairs that crossed a document end were counted like all others, since a test for each would cost more; here they go.
 */
enum rows_drop {
    ROWS_DROP_NONE,
    ROWS_DROP_AFTER,  /* pairs whose first token is `eod`, which ended a document */
    ROWS_DROP_BEFORE, /* pairs whose second token is `eod`, which opened one */
};

struct rows_options {
    enum rows_drop drop;
    uint32_t eod;
    struct tally *tails; /* the first tokens of dropped pairs become tails */
    const struct placement *placement;
    struct budget *budget;
    struct rows_space *space; /* borrowed until rows_destroy() */
};

struct rows;

/* tables[n_tables] are borrowed until rows_destroy(); no thread is in them. */
EMX_CHECKED enum emx_status rows_create(struct table *const *tables, size_t n_tables,
                                        const struct rows_options *options, struct rows **ret, struct emx_error *err);
void rows_destroy(struct rows **r);

/* The next piece, borrowed until the next call; *ret_n is 0 at the end. */
EMX_CHECKED enum emx_status rows_next(struct rows *r, const struct emx_pair_count **ret, size_t *ret_n,
                                      struct emx_error *err);

#endif
