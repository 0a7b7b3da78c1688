/*
 * design.h - how much a set of runs tells of a BiMix law, and which run would tell most
 *
 * With l = log r of a run's proportion of a domain and h_t = gradient of log(B / s_t^beta + C) by (beta, B, C), the
 * run's information on (alpha, beta, B, C) is
 *
 *     [ a l^2   -l b^T ]      a = T / (step_noise^2 + T run_noise^2),  1 the vector of T ones,
 *     [ -l b    G      ]      b = H^T V^-1 1,  G = H^T V^-1 H
 *
 * A constant is within what h spans: w = (0, B, C) has h_t w = 1.  Hence G w = b, b^T G^-1 b = a, and of n runs
 *
 *     det = n^3 det(G) a Q,   Q = sum l^2 - (sum l)^2 / n:
 *
 * the spread of log r is all that a choice of mixtures can change, whatever the coefficients.  The variance of
 * p alpha + g^T (beta, B, C), where g^T w = 1 (a log loss has p = -log r, g = h), is  g^T G^-1 g / n + (p + mean l)^2 /
 * (a Q).
 */
#ifndef LAW_DESIGN_H
#define LAW_DESIGN_H

#include "law/optimum_limits.h"
#include "law/random.h"

#include <emx/plan.h>

/* What runs tell, for each domain: n, and sums over runs of log r and its square. */
struct design {
    size_t n_domains;
    double n;
    double *sum, *squares; /* [n_domains] */
};

/* sign 1 adds a mixture, -1 takes it away. */
void design_add(struct design *d, const double *mixture, double sign);
/* Q of domain j, at least 0; 0 for no runs. */
double design_spread(const struct design *d, size_t j);
double design_mean(const struct design *d, size_t j);

/* ---- design_search.c ---- */

struct search {
    enum emx_plan_criterion criterion;
    const struct box *box;
    size_t *movable; /* [n_movable] domains whose bounds differ */
    size_t n_movable;
    const double *region_mean, *region_variance; /* [n_domains] of log r over the region, for V */
    struct random random;
    double *best, *now; /* [n_domains] scratch */
};

/* How good the runs of d are, more is better; comparable where n is equal. */
double search_score(const struct search *s, const struct design *d);

/* A random mixture within the bounds, from `r`, itself one. */
void search_shuffle(struct search *s, double *r);

/* Improve r as the next run of d, by exchange between pairs of domains.  Returns the score with it. */
double search_climb(struct search *s, const struct design *d, double *r);

/* The best of several climbs, from ret_mixture (if `warm`), the middle of the bounds and random mixtures. */
double search_next(struct search *s, const struct design *d, bool warm, double *ret_mixture);

/* ---- design_error.c ---- */

struct design_law {
    size_t n_domains;
    const struct emx_plan_coefficients *coefficients; /* [n_domains] */
    double noise;                                     /* 1 / a */
    double *level_variance;                           /* [n_domains] g^T G^-1 g of a loss at the horizon, of one run */
    double *loss;                                     /* [n_domains] B / s^beta + C at the horizon */
    const double *optimum;                            /* [n_domains] of these losses */
    const struct box *box;
};

/* Fills level_variance and loss. */
void design_law_prepare(struct design_law *l, const struct emx_plan_options *options);
struct emx_plan_row design_row(const struct design_law *l, const struct design *d);

#endif
