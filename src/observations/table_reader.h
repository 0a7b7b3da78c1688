/*
 * table_reader.h - a table of losses while its rows arrive
 *
 *     csv_rows -> header, then wide_row() or long_row() a row -> long_finish() -> runs and evaluations -> observations
 *
 * Checks of single cells are in cells.c, those of whole runs in evaluations.c.
 */
#ifndef OBSERVATIONS_TABLE_READER_H
#define OBSERVATIONS_TABLE_READER_H

#include "observations/extend.h"
#include "observations/header.h"
#include "observations/names.h"

#define ROWS_MAX ((size_t)1000000)
#define RUNS_MAX ((size_t)10000)
#define SUM_TOLERANCE 1e-6
#define SAME_TOLERANCE 1e-9 /* of two proportions */

/* m domains, k of them scored. */
struct evaluations {
    size_t m, k;
    size_t n_runs, runs_cap;
    double *proportion; /* [n_runs][m] as in the table */
    size_t *first_row;  /* [n_runs] in the file */
    struct run_place {
        double projection; /* of its proportions */
        size_t run;
    } * sorted; /* [n_runs] ascending */
    size_t n, cap;
    size_t *run, *row; /* [n] row in the file */
    double *step;      /* [n] */
    double *loss;      /* [n][k] */
};

/* A row of a long table. */
struct long_entry {
    size_t row, run, domain;
    double step, proportion, loss; /* NAN: no loss */
};

struct table_reader {
    const char *path;
    const struct emx_observations_options *options;
    locale_t plain; /* the "C" locale */
    struct emx_error *err;
    struct extension extension;
    struct header header;
    struct names runs; /* where the table names them */
    struct evaluations evaluations;
    size_t n_rows, n_filtered, n_missing;
    bool *scored;         /* [m] */
    double *scratch;      /* [m + k] a row of a wide table */
    struct names domains; /* of a long table */
    struct long_entry *entries;
    size_t n_entries, entries_cap;
};

enum emx_status reader_no_memory(struct table_reader *t);

/* cells.c: numbers of one row.  A missing loss is NAN where the options drop such rows. */
EMX_CHECKED enum emx_status cell_proportion(struct table_reader *t, const struct csv_row *row, size_t column,
                                            double *ret);
EMX_CHECKED enum emx_status cell_step(struct table_reader *t, const struct csv_row *row, double *ret);
EMX_CHECKED enum emx_status cell_loss(struct table_reader *t, const struct csv_row *row, size_t column,
                                      bool may_be_missing, double *ret);
/* Does the row pass all filters? */
bool cells_pass(const struct table_reader *t, const struct csv_row *row);

/* wide.c, long.c: a row that passed. */
EMX_CHECKED enum emx_status wide_begin(struct table_reader *t);
EMX_CHECKED enum emx_status wide_row(struct table_reader *t, const struct csv_row *row);
EMX_CHECKED enum emx_status long_row(struct table_reader *t, const struct csv_row *row);
EMX_CHECKED enum emx_status long_finish(struct table_reader *t);

/* evaluations.c */
EMX_CHECKED enum emx_status evaluations_add_run(struct table_reader *t, const double *proportion, size_t row,
                                                size_t *ret);
EMX_CHECKED enum emx_status evaluations_add(struct table_reader *t, size_t run, size_t row, double step,
                                            const double *loss);
/* The index of the first proportion that differs, or m. */
size_t evaluations_differ(const struct evaluations *e, size_t run, const double *proportion);
/* The first run of these proportions, or n_runs. */
size_t evaluations_find_run(const struct evaluations *e, const double *proportion);
/* Sort, check steps and repeats, and fill o's runs and rows; o has its domains and scored already. */
EMX_CHECKED enum emx_status evaluations_finish(struct table_reader *t, struct emx_observations *o);
void evaluations_free(struct evaluations *e);

#endif
