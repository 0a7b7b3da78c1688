/*
 * pair_cursor.h - rows of a cursor many at a time
 */
#ifndef STATE_PAIR_CURSOR_H
#define STATE_PAIR_CURSOR_H

#include "state/state_file.h"

/* The next rows, at least one unless the table is over (*ret_n is 0); valid until the next call. */
EMX_CHECKED enum emx_status pair_cursor_rows(struct emx_pair_cursor *c, const struct emx_pair_count **ret,
                                             size_t *ret_n, struct emx_error *err);

#endif
