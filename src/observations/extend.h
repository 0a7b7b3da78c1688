/*
 * extend.h - rows of a table with what another table, or the caller, knows of them
 *
 *     extend_init() -> extend_row() for each row of the table of losses, the header first -> extend_finish()
 *
 * A second table has the mixtures: a row of it joins each row of the losses that is alike in the one column that both
 * tables have.  A step for all rows is one more column.
 */
#ifndef OBSERVATIONS_EXTEND_H
#define OBSERVATIONS_EXTEND_H

#include "observations/csv_rows.h"
#include "observations/names.h"

#define JOINED_ROWS_MAX ((size_t)10000)

/* Zeroed, it extends nothing. */
struct extension {
    const char *mixtures, *step; /* of the options: a file, a number; NULL: not given */
    char ***rows;                /* [n_rows][n] of the mixtures, the header first */
    size_t n_rows, rows_cap, n;
    struct names keys;   /* [n_rows - 1] of the mixtures' rows, in their order */
    size_t key;          /* column of the mixtures that both tables have */
    size_t n_left, left; /* columns of the losses, and the one of them that both tables have */
    const char **fields; /* of the row that was told last */
};

/* Reads the file of mixtures.  Errors: file_load(), csv_rows_read(), EMX_ERR_FORMAT, EMX_ERR_RANGE. */
EMX_CHECKED enum emx_status extend_init(struct extension *x, struct emx_error *err);
/* *ret is valid until the next call.  EMX_ERR_FORMAT if a row has no mixture, or not as many columns as the header;
 * `path` is that of the losses. */
EMX_CHECKED enum emx_status extend_row(struct extension *x, const char *path, const struct csv_row *row,
                                       struct csv_row *ret, struct emx_error *err);
void extend_finish(struct extension *x);

#endif
