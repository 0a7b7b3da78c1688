/*
 * sample.h - the rows of a table that a law is fitted to, with logarithms taken once
 */
#ifndef LAW_SAMPLE_H
#define LAW_SAMPLE_H

#include <emx/observations.h>
#include <stdbool.h>

/* m = n_domains, k = n_scored.  Mixtures are numbered as in the table, whether or not they have rows here. */
struct sample {
    const struct emx_observations *table;
    size_t n_domains, n_scored, n_mixtures, n_rows, n_steps;
    double step_unit;        /* the last step */
    size_t *row;             /* [n_rows] number in the table */
    size_t *mixture;         /* [n_rows] */
    size_t *step;            /* [n_rows] index into steps */
    double *steps;           /* [n_steps] distinct, ascending */
    double *log_s;           /* [n_steps] log of steps / step_unit */
    double *log_proportion;  /* [m][n_mixtures] */
    double *loss, *log_loss; /* [k][n_rows] */
};

/*
 * The rows of `use` ([n_rows of the table], NULL: all).  EMX_ERR_EMPTY if there are none, EMX_ERR_RANGE if a number is
 * not within the limits that observations.h states; EMX_ERR_MEMORY.
 */
EMX_CHECKED enum emx_status sample_init(struct sample *s, const struct emx_observations *table, const bool *use,
                                        struct emx_error *err);
void sample_finish(struct sample *s);

/* Steps that differ by less than this part of themselves are one. */
#define SAMPLE_SAME_STEP 1e-9

#endif
