/*
 * optimum_law.h - the weighted sum of a law's losses at one step, as a problem for the solvers
 *
 *     law_problem_init() -> law_problem_solve() for the law's coefficients and for each draw -> law_problem_finish()
 */
#ifndef LAW_OPTIMUM_LAW_H
#define LAW_OPTIMUM_LAW_H

#include <emx/optimum.h>
#include <stdbool.h>

struct law_problem {
    const struct emx_law *law;
    const struct emx_optimum_options *options;
    const double *coefficient; /* [n_scored][n_coefficients] that are being solved for */
    double *gain, *alpha;      /* [n_domains] where losses are separable */
    double *direction;         /* [n_scored][n_domains] where they are not */
};

EMX_CHECKED enum emx_status law_problem_init(struct law_problem *p, const struct emx_law *law,
                                             const struct emx_optimum_options *options, struct emx_error *err);
void law_problem_finish(struct law_problem *p);

/* coefficient: a draw, or NULL for the law's own.  Writes ret_proportion[n_domains]. */
EMX_CHECKED enum emx_status law_problem_solve(struct law_problem *p, const double *coefficient, double *ret_proportion,
                                              struct emx_optimum_certificate *ret, struct emx_error *err);

/* Does no loss depend on the proportion of domain j?  After law_problem_solve(). */
bool law_problem_is_indifferent(const struct law_problem *p, size_t j);

/* Weighted sum of losses at a mixture. */
double law_problem_score(const struct law_problem *p, const double *coefficient, const double *mixture);

#endif
