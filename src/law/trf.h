/*
 * trf.h - Trust Region Reflective: bounded nonlinear least squares
 *
 *     minimise  1/2 sum_r w_r rho(z_r(x))   subject to  lower <= x <= upper
 *
 * The algorithm of Branch, Coleman and Li (1999), "A Subspace, Interior, and Conjugate Gradient Method for Large-Scale
 * Bound-Constrained Minimization Problems", with the choices of SciPy's least_squares(method="trf", tr_solver="exact"):
 * steps are solved for in variables that are scaled by the distance to the bound that the gradient points at, reflected
 * where they leave the bounds, and all iterates lie strictly inside.  Otherwise than there, a Jacobian that is rank
 * deficient has the shortest step: variables that no residual depends on stay where they start.
 */
#ifndef LAW_TRF_H
#define LAW_TRF_H

#include <stdbool.h>
#include <stddef.h>

/* Residuals z[n_rows] at x[n], and, unless NULL, their Jacobian [n_rows x n], column-major.  May be not finite. */
typedef void trf_residuals_fn(const double *x, double *ret_z, double *ret_jacobian, void *context);

struct trf_problem {
    size_t n_rows, n;            /* n_rows >= 1, n >= 1 */
    const double *lower, *upper; /* [n] -INFINITY and INFINITY where there is none; lower < upper */
    const double *weight;        /* [n_rows] >= 0 */
    double huber;                /* rho(z) = z^2 for |z| <= huber, else 2 huber |z| - huber^2; 0: z^2 everywhere */
    size_t n_squares;            /* so many rows at the end have rho(z) = z^2 whatever huber is */
    double constant;             /* part of the cost that does not depend on x */
    trf_residuals_fn *residuals;
    void *context;
};

struct trf_options {
    double ftol, xtol, gtol; /* as SciPy's */
    size_t max_evaluations;
};

#define TRF_TIGHT ((struct trf_options){.ftol = 1e-14, .xtol = 1e-12, .gtol = 1e-13, .max_evaluations = 1000})

enum trf_stop { TRF_GRADIENT, TRF_COST, TRF_STEP, TRF_EVALUATIONS, TRF_NOT_FINITE };

struct trf_result {
    double cost;
    size_t n_evaluations;
    enum trf_stop stop;
};

struct trf_work;
/* For problems of up to so many rows and variables; NULL if there is no memory. */
struct trf_work *trf_work_create(size_t max_rows, size_t max_n);
/* Accepts NULL. */
void trf_work_destroy(struct trf_work **w);

/* x[n], within bounds: start in, minimum out.  A start where the cost is not finite stays. */
struct trf_result trf_minimise(const struct trf_problem *p, const struct trf_options *options, struct trf_work *w,
                               double *x);

/* The cost at x. */
double trf_cost(const struct trf_problem *p, struct trf_work *w, const double *x);

#endif
