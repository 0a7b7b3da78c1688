/*
 * optimum_convex.h - what the two halves of emx_optimum_convex() share
 *
 *     interior_point()    from the middle of the bounds to near the optimum
 *     active_set()        from there to all digits: domains stand at their bounds or between, Newton's method there
 */
#ifndef LAW_OPTIMUM_CONVEX_H
#define LAW_OPTIMUM_CONVEX_H

#include "law/optimum_limits.h"

struct descent {
    const struct emx_optimum_forms *forms;
    struct box box;
    const double *prior; /* NULL if there is none */
    double strength;
    size_t n;
    double *x;                    /* [n] the mixture */
    double *below, *above;        /* [n] multipliers of lo and hi, written by interior_point() */
    double *gradient, *magnitude; /* [n] of F at x, and the sum of absolute values of its terms */
    double *hessian, *matrix;     /* [n][n] of F at x, its lower half; scratch */
    double *step, *unit, *trial;  /* [n] scratch */
    struct marginal *marginal;    /* [n] scratch */
    bool *moves;                  /* [n] which domains a step may change */
    size_t n_iterations;
};

/* F at r; infinite where it is not defined. */
double descent_value(const struct descent *d, const double *r);

/* F at d->x, with gradient, magnitude and Hessian. */
double descent_evaluate(struct descent *d);

/* The certificate's residual at d->x, whose gradient is up to date; *ret_multiplier may be NULL. */
double descent_residual(struct descent *d, double *ret_multiplier);

/*
 * The step of domains that move which solves  (H + diag) step + lambda 1 = right,  sum step = 1 - sum x.  diag and
 * right are [n]; diag may be NULL.  Writes d->step (0 elsewhere) and returns lambda; NAN if no domain moves.
 */
double descent_solve(struct descent *d, const double *diag, const double *right);

/* Needs 8 n doubles of scratch. */
void interior_point(struct descent *d, double *scratch);
/* Needs 2 n doubles of scratch. */
void active_set(struct descent *d, double *best);

#endif
