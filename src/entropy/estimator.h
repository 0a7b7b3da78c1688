/*
 * estimator.h - one entropy estimate in progress, and what each estimator does for it
 *
 * An estimator is a `prepare` that computes the value and what influences need, and an `influence`:
 *
 *     D(row) = value - value with one token less of a type seen count[row] times,   N held
 *
 * up to a constant that is the same for all rows.
 */
#ifndef ENTROPY_ESTIMATOR_H
#define ENTROPY_ESTIMATOR_H

#include <emx/estimators.h>

struct estimate {
    const struct emx_spectrum *s; /* n_total at least 2 */
    const struct emx_estimation *how;
    long double value;
    /* What the estimator keeps between prepare() and influence(). */
    long double share;   /* coverage C, shrinkage intensity L */
    long double slope;   /* of the value in L */
    long double moment;  /* sum p^2, sum n log n */
    long double rare[4]; /* D of counts 1, 2, 3 where these change f_1 or f_2 */
    uint64_t alphabet;
};

struct estimator {
    const char *name;
    void (*prepare)(struct estimate *e);
    long double (*influence)(const struct estimate *e, size_t row);
    long double (*variance)(const struct estimate *e); /* NULL: the one of influences */
};

extern const struct estimator estimator_plugin, estimator_miller_madow, estimator_grassberger; /* additive.c */
extern const struct estimator estimator_chao_shen, estimator_good_turing;                      /* coverage.c */
extern const struct estimator estimator_shrinkage;                                             /* shrinkage.c */
extern const struct estimator estimator_rarefied;                                              /* rarefaction.c */

/*
 * Variance of the sum over types of g(n), N held, g(n) = at_one [n = 1] + at_two [n = 2] + slope n log n, in the world
 * that the counts suggest: seen types have the shares by which Chao and Jost draw bootstrap samples, and as many unseen
 * ones as given share the mass 1 - C; counts are Poisson, given their sum.
 */
struct rare_sum {
    long double at_one, at_two, slope;
};
long double world_variance(const struct emx_spectrum *s, const struct rare_sum *g, long double c, long double unseen);

/* `how` with as many pairs as there are of tokens; 2^64 - 1 stands for more. */
struct emx_estimation estimation_of_pairs(const struct emx_estimation *how);

/* Types seen `count` times. */
uint64_t types_seen(const struct emx_spectrum *s, uint64_t count);

/* n log n, and n log n - (n - 1) log(n - 1) without cancellation; n at least 1. */
long double n_log_n(uint64_t n);
long double n_log_n_step(uint64_t n);

/* sum types * n log n. */
long double sum_n_log_n(const struct emx_spectrum *s);

#endif
