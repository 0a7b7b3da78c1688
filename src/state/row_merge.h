/*
 * row_merge.h - ascending rows of many cursors as one ascending stream, equal pairs added up
 */
#ifndef STATE_ROW_MERGE_H
#define STATE_ROW_MERGE_H

#include "state/pair_cursor.h"

struct row_merge;

/* For up to n cursors, at least 1. */
EMX_CHECKED enum emx_status row_merge_create(size_t n, struct row_merge **ret, struct emx_error *err);
void row_merge_destroy(struct row_merge **m);

/* Start over with these cursors (borrowed), at least one, at their beginning. */
EMX_CHECKED enum emx_status row_merge_begin(struct row_merge *m, struct emx_pair_cursor *const *cursors, size_t n,
                                            struct emx_error *err);

/* Next rows, up to cap; *ret_n < cap only at the end.  EMX_ERR_RANGE if a count would reach 2^63. */
EMX_CHECKED enum emx_status row_merge_next(struct row_merge *m, struct emx_pair_count *rows, size_t cap, size_t *ret_n,
                                           struct emx_error *err);

#endif
