/*
 * optimum.h - the mixture of least loss that a law predicts, within bounds
 *
 *     emx_optimum_separable()   a sum of powers: exact, a million domains in a fraction of a second
 *     emx_optimum_convex()      a sum of convex functions of linear forms: interior point, then Newton
 *     emx_optimum_find()        of a fitted law, with intervals from its draws and what to compare it with
 *     emx_epoch_caps()          greatest proportions where data are limited
 *
 * All three minimise over proportions r of m domains
 *
 *     F(r) = (loss) + strength * sum_j r_j log(r_j / prior_j)     subject to  sum_j r_j = 1,  lo_j <= r_j <= hi_j
 *
 * and every loss here is convex, so that a point that satisfies the conditions of Karush, Kuhn and Tucker is a global
 * minimum: no multi-start is needed, and the residual of these conditions is a certificate.  Pure functions over plain
 * arrays.
 */
#ifndef EMX_OPTIMUM_H
#define EMX_OPTIMUM_H

#include <emx/law.h>
#include <emx/status.h>
#include <stddef.h>

/* Where a proportion may lie, and what draws it.  Arrays are [n] and borrowed; NULL means what is said. */
struct emx_optimum_limits {
    const double *lo;    /* within [0, hi]; NULL: 0 */
    const double *hi;    /* values above 1 are as 1; NULL: 1 */
    const double *prior; /* > 0, sum 1; NULL: none */
    double strength;     /* >= 0, of the prior; 0: none */
};

/* What tells how good a mixture is.  m_j = -dF/dr_j is what a further unit of domain j saves. */
struct emx_optimum_certificate {
    double value;      /* F at the mixture, the prior's part included */
    double multiplier; /* lambda: m_j of the domains between their bounds */
    /*
     * The largest of |sum r - 1| and, for each domain, v_j / (|lambda| + sum of absolute values of the terms of m_j),
     * v_j = |m_j - lambda| between the bounds, max(0, m_j - lambda) at lo, max(0, lambda - m_j) at hi, 0 if lo = hi.
     * No scaling of F changes it.
     */
    double residual;
    size_t n_iterations;
};

/*
 * Loss  sum_j gain_j / r_j^alpha_j:  for BiMix gain_j = w_j (B_j / s^beta_j + C_j).  Exact:
 *
 *     r_j = clip((gain_j alpha_j / lambda)^(1 / (1 + alpha_j)), lo_j, hi_j)
 *
 * lambda by one monotone search (Newton, safeguarded by bisection), linear in n a step; with a prior the power becomes
 * Wright's omega function.  A domain whose loss does not depend on its proportion (gain or alpha is 0) gets lo_j; where
 * all others are at their caps, such domains share what is left as lo_j + theta (hi_j - lo_j), one theta for all.
 *
 * gain and alpha are [n].  Writes ret_proportion[n] and *ret (which may be NULL).  EMX_ERR_ARG if no mixture lies
 * within the bounds or a prior is none, EMX_ERR_RANGE if a number is not finite or out of range (gain in 0..1e100,
 * alpha in 0..1e3, strength 0 or 1e-100..1e100), EMX_ERR_EMPTY, EMX_ERR_MEMORY.
 */
EMX_API EMX_CHECKED enum emx_status emx_optimum_separable(const double *gain, const double *alpha, size_t n,
                                                          const struct emx_optimum_limits *limits,
                                                          double *ret_proportion, struct emx_optimum_certificate *ret,
                                                          struct emx_error *err);

/*
 * Loss  sum_i w_i f_i(q_i),  q_i = sum_j direction[i][j] r_j.  along() writes f_i, f_i' and f_i'' at q; f_i is convex
 * and smooth wherever all r_j > 0.  As many forms as there are terms.
 */
struct emx_optimum_forms {
    size_t n, n_terms;
    const double *direction; /* [n_terms][n] */
    const double *weight;    /* [n_terms] >= 0; NULL: 1 */
    void (*along)(const void *context, size_t term, double q, double ret[3]);
    const void *context;
};

/*
 * Primal-dual interior point on the capped simplex, then Newton's method on the domains between their bounds, O(n^3)
 * an iteration.  Where the minimum is not unique the answer is one of many, in the middle of them.
 * Errors as of emx_optimum_separable(); ret->residual tells how far it came.
 */
EMX_API EMX_CHECKED enum emx_status emx_optimum_convex(const struct emx_optimum_forms *forms,
                                                       const struct emx_optimum_limits *limits, double *ret_proportion,
                                                       struct emx_optimum_certificate *ret, struct emx_error *err);

/*
 * hi_j = max_epochs * tokens_j / total_tokens: nothing is seen more than max_epochs times.  tokens[n] >= 0.
 * EMX_ERR_ARG if max_epochs or total_tokens is not above 0, or the caps admit no mixture (sum below 1).
 */
EMX_API EMX_CHECKED enum emx_status emx_epoch_caps(const double *tokens, size_t n, double max_epochs,
                                                   double total_tokens, double *ret_hi, struct emx_error *err);

struct emx_optimum_options {
    double step;                      /* of the run that is planned, in the law's unit */
    const double *weight;             /* [n_scored] of the losses; NULL: 1 each */
    struct emx_optimum_limits limits; /* of all domains of the law */
    double level;                     /* of intervals, within (0, 1); 0: 0.95 */
};

enum emx_optimum_place {
    EMX_OPTIMUM_FREE, /* between its bounds */
    EMX_OPTIMUM_AT_LO,
    EMX_OPTIMUM_AT_HI,
    EMX_OPTIMUM_INDIFFERENT, /* the law does not say how its losses depend on it */
};

/* One domain of an optimum. */
struct emx_optimum_domain {
    double proportion;
    double lo, hi;                   /* quantiles over the draws, each optimised anew; NAN without draws */
    double observed_lo, observed_hi; /* of the observed mixtures */
    enum emx_optimum_place place;
};

/* What a mixture scores: weighted sum of losses. */
struct emx_optimum_score {
    double value;
    double lo, hi; /* quantiles over the draws, at the same mixture; NAN without draws */
};

/* Arrays belong to the optimum. */
struct emx_optimum {
    size_t n_domains, n_scored, n_draws;
    double *proportion;                   /* [n_domains] the optimum */
    struct emx_optimum_domain *domains;   /* [n_domains] */
    struct emx_law_prediction *predicted; /* [n_scored] losses at the optimum */
    struct emx_law_leverage *leverage;    /* [n_scored] at the optimum */
    enum emx_law_verdict verdict;         /* the worst of them */
    size_t n_outside;                     /* domains whose proportion is outside those observed */
    struct emx_optimum_score score;
    size_t best_observed;                /* the observed mixture that the law scores best, an index */
    struct emx_optimum_score best_score; /* of that mixture, predicted at the same step */
    double margin_lo, margin_hi;         /* quantiles over the draws of best_score less score; NAN without draws */
    struct emx_optimum_certificate certificate;
};

/*
 * The optimum of a law at a step.  Errors as above, and those of emx_law_predict().
 * On success *ret is to be freed with emx_optimum_destroy(), which accepts NULL.
 */
EMX_API EMX_CHECKED enum emx_status emx_optimum_find(const struct emx_law *law,
                                                     const struct emx_optimum_options *options,
                                                     struct emx_optimum **ret, struct emx_error *err);
EMX_API void emx_optimum_destroy(struct emx_optimum **o);

#endif
