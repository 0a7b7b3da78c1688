/*
 * errors.h - what a fit says of its coefficients: which are determined, and their covariance
 */
#ifndef LAW_ERRORS_H
#define LAW_ERRORS_H

#include "law/model.h"
#include "linalg/linalg.h"

struct errors_work;
/* NULL if there is no memory. */
struct errors_work *errors_work_create(const struct model *m);
/* Accepts NULL. */
void errors_work_destroy(struct errors_work **w);

/*
 * At the minimum x[n_free] of the part that is selected: ret_known[n_free] (enum emx_law_known), and ret_inverse
 * [n_free x n_free] = (J^T J)^-1 over the coefficients that are not at a bound, its pseudo-inverse where singular
 * values of the scaled J are below 1e-10 of the largest.  Returns the rank.
 */
size_t errors_find(struct errors_work *w, struct model *m, const double *x, unsigned char *ret_known,
                   double *ret_inverse);

/* Sum of squares for the residual variance at x: of psi(z) for Huber's function, over the squared mean of its slope. */
double errors_squares(struct errors_work *w, struct model *m, const double *x);

#endif
