/*
 * rows.h - tables at rest to sorted rows
 *
 * Order of calls: rows_create -> rows_next until it yields none -> rows_destroy.
 *
 * Several tables may hold the same pair (each thread's own): their counts are added.  Rows come in pieces, ascending by
 * (first, second) over all pieces.  All threads of the placement work.  A sample of the keys tells which ranges of
 * keys have some thousand pairs each; then the tables are taken apart into bins of these ranges, in their own memory
 * (count/pile.h); and bin after bin, the words of all tables are sorted together in the cache.
 */
#ifndef COUNT_ROWS_H
#define COUNT_ROWS_H

#include "count/pile.h"
#include "count/sort_words.h"
#include "pipeline/placement.h"

/* Buffers that serve one sort after the other; zeroed at first.  One user at a time. */
struct rows_space {
    struct emx_pair_count *buffer; /* [cap] a piece */
    size_t cap;
    struct word_sorter *sorters; /* [n_sorters] one a thread */
    size_t n_sorters;
};
/* Room for this many rows and threads.  EMX_ERR_MEMORY. */
EMX_CHECKED enum emx_status rows_space_reach(struct rows_space *s, size_t n_rows, size_t n_threads,
                                             struct emx_error *err);
void rows_space_finish(struct rows_space *s);

enum { PIECE_ROWS = 1 << 18 /* a thread, 4 MiB: stays in the cache on its way to the encoder */ };

struct rows_options {
    struct drop_rule rule;
    const struct placement *placement;
    struct rows_space *space; /* borrowed until rows_destroy() */
};

struct rows;

/* No thread is in the tables; they are borrowed until rows_destroy(), and used up. */
EMX_CHECKED enum emx_status rows_create(struct table *const *tables, size_t n_tables,
                                        const struct rows_options *options, struct rows **ret, struct emx_error *err);
void rows_destroy(struct rows **r);

/* The next piece, borrowed until the next call; *ret_n is 0 at the end. */
EMX_CHECKED enum emx_status rows_next(struct rows *r, const struct emx_pair_count **ret, size_t *ret_n,
                                      struct emx_error *err);

#endif
