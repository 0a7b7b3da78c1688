/*
 * trf_step.h - one step of Trust Region Reflective: the trust region's problem, and what to do at bounds
 */
#ifndef LAW_TRF_STEP_H
#define LAW_TRF_STEP_H

#include <stddef.h>

/* The quadratic model g . p + 1/2 |S V^T p|^2 in scaled variables, and its step. */
struct trf_step {
    size_t n;
    double rank_tolerance;   /* singular values below this part of the largest count as 0 */
    double gradient_norm;    /* the largest |g v| */
    double multiplier;       /* of the last step: the first guess */
    double *d, *g;           /* [n] scale, scaled gradient */
    double *s, *vt, *uf;     /* [n], [n x n], [n] */
    double *step, *step_hat; /* [n] found: in x, and scaled */
    double *free_step, *free_step_hat, *reflected, *reflected_hat, *descent, *image, *image2; /* [n] */
};

#define TRF_STEP_DOUBLES(n) ((n) * (n) + 13 * (n))
void trf_step_lay_out(struct trf_step *s, double *memory, size_t n);

/* Find step and step_hat; returns by how much the model says the cost falls. */
double trf_step_find(struct trf_step *s, const double *x, const double *lower, const double *upper, double radius);

#endif
