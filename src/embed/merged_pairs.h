/*
 * merged_pairs.h - the pairs of all domains of a state as one table, in ascending order, counts added up
 */
#ifndef EMBED_MERGED_PAIRS_H
#define EMBED_MERGED_PAIRS_H

#include <emx/state.h>

struct merged_pairs {
    struct merged_domain {
        struct emx_pair_cursor *cursor;
        struct emx_pair_count pair; /* its next one */
    } * domains;                    /* [n] with pairs left: a heap, the least pair at its top */
    size_t n, n_cursors;
};

EMX_CHECKED enum emx_status merged_pairs_init(struct merged_pairs *m, struct emx_state *s, struct emx_error *err);
/* *ret_more is false at the end. */
EMX_CHECKED enum emx_status merged_pairs_next(struct merged_pairs *m, struct emx_pair_count *ret, bool *ret_more,
                                              struct emx_error *err);
void merged_pairs_finish(struct merged_pairs *m);

#endif
