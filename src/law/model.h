/*
 * model.h - one law for one scored domain as a least-squares problem
 *
 *     model_create() -> (model_select() -> model_problem(), trf_minimise())* -> model_destroy()
 *
 * Variables x are the free coefficients, in the order of law.h.  The exponential law falls into parts that share no
 * coefficient, one a step; the others are one part.
 *
 * With log losses, bimix's residual log K(s) - alpha log r - log L is linear in what differs among the rows of a step.
 * So the rows of a step turn, by a rotation, into one of their mean and others that only alpha moves; all of the latter
 * turn into one row and a constant.  The problem stays the same, with a row a step and one more: 11 instead of 600.
 *
 * A prior for transfer terms adds rows after those of losses, see prior.h.
 *
 * Thread-safety: each thread its own model.
 */
#ifndef LAW_MODEL_H
#define LAW_MODEL_H

#include "law/form.h"
#include "law/prior.h"
#include "law/sample.h"
#include "law/trf.h"

struct model {
    const struct sample *sample;
    enum emx_law_form form;
    enum emx_law_loss loss;
    double huber;
    size_t n_free, n_parts; /* variables of a part */
    size_t max_rows;
    size_t scored, domain, part; /* selected */
    size_t n_rows;               /* of losses */
    size_t n_prior;              /* rows after them; only weight[] has them, too */
    const double *overlap;       /* [m][m] borrowed; NULL: no prior */
    struct pull pull;
    struct prior prior; /* of the domain, where n_prior > 0 */
    double *share;      /* [n_rows] log r of the domain: bimix */
    size_t *mixture;    /* [n_rows] transfer, exponential */
    size_t *step;       /* [n_rows] n_steps: a row that only alpha moves */
    double *target;     /* [n_rows] log losses, or losses */
    double *weight;     /* [n_rows + n_prior] */
    double constant;
    double n_weighed; /* rows of the sample, with their weights */
    double mean_loss, least_loss;
    double *log_level, *by_beta, *by_b, *by_c; /* [n_steps + 1] log K(s) and its derivatives */
    double *log_q, *inverse_q;                 /* [n_mixtures] transfer */
    double *lower, *upper;                     /* [n_free] */
    double *memory;
};

/* NULL if there is no memory. */
struct model *model_create(const struct sample *s, enum emx_law_form form, enum emx_law_loss loss, double huber);
void model_destroy(struct model **m);

/* From the next model_select() on: the prior of a transfer law, [m][m] and borrowed; strength 0: none. */
void model_set_prior(struct model *m, const double *overlap, struct pull pull);

/* Turn to a scored domain and part; times[n_mixtures] says how often each mixture counts, NULL: once. */
void model_select(struct model *m, size_t scored, size_t part, const double *times);
struct trf_problem model_problem(struct model *m);

/* Where a fit starts that knows nothing: alpha 0.1, beta 0.5, B = C = half the mean loss, t_j 0.1; of the exponential
 * law c half the least loss and all t_j such that the law gives the mean loss. */
void model_start(const struct model *m, double *x);
/* A random start, the same for the same seed. */
void model_random_start(const struct model *m, uint64_t seed, double *x);

/* Variables to the part's coefficients, and back. */
void model_to_coefficients(const struct model *m, const double *x, double *ret);
void model_from_coefficients(const struct model *m, const double *coefficient, double *ret_x);
/* Which coefficient of the whole a variable is. */
size_t model_coefficient(const struct model *m, size_t variable);

#endif
