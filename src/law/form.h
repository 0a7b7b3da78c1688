/*
 * form.h - the shape of each law: where its coefficients are, which are fixed, their least values
 *
 * Three of the four laws are one formula, K(s) q^-alpha with K = B / s^beta + C, of which they use parts.
 */
#ifndef LAW_FORM_H
#define LAW_FORM_H

#include <emx/law.h>
#include <stdbool.h>

/* Where coefficients of the laws with K(s) are; the blind law has no alpha, and only transfer has t. */
enum { BIMIX_ALPHA, BIMIX_BETA, BIMIX_B, BIMIX_C, BIMIX_T };
enum { BLIND_BETA, BLIND_B, BLIND_C };
/* Within the part of a step of the exponential law, which has m + 2 coefficients. */
enum { EXPONENTIAL_C, EXPONENTIAL_K, EXPONENTIAL_T };

static inline bool form_is_power(enum emx_law_form form)
{
    return form == EMX_LAW_BIMIX || form == EMX_LAW_BIMIX_TRANSFER;
}

/* Is coefficient n of domain i's loss fixed at 1? */
bool form_is_fixed(enum emx_law_form form, size_t n_domains, size_t i, size_t n);
/* 0, or -INFINITY. */
double form_least(enum emx_law_form form, size_t n_domains, size_t n);

/* K(s) = B / s^beta + C of any law but the exponential; s > 0. */
double form_level(enum emx_law_form form, const double *coefficient, double s);

/* The index of a step that was observed, or n_steps. */
size_t form_find_step(const struct emx_law *law, double step);

#endif
