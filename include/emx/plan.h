/*
 * plan.h - which mixtures to train, so that a law fitted to them tells most
 *
 * Optimal experimental design for the BiMix law.  A run with proportion r of a domain, evaluated at steps s_1..s_T,
 * tells of that domain's log loss
 *
 *     -alpha log r + log(B / s^beta + C) + u + e_t,    u ~ N(0, run_noise^2) once a run, e_t ~ N(0, step_noise^2)
 *
 * and so of (alpha, beta, B, C) the information X^T V^-1 X, X the [T][4] gradient.  Runs add their information, each
 * domain for itself.  The given mixtures are taken first; those added maximise the sum of log determinants (D), or
 * minimise the mean variance of predicted log losses over the region (V), within the bounds: mass is exchanged between
 * pairs of domains from many starts, then added runs are exchanged in turn until nothing gains (Fedorov's algorithm
 * with coordinate exchange).  Equal seeds give equal plans.
 *
 * Sources: Fedorov (1972), "Theory of Optimal Experiments"; Meyer, Nachtsheim (1995), coordinate exchange.
 */
#ifndef EMX_PLAN_H
#define EMX_PLAN_H

#include <emx/status.h>
#include <stddef.h>
#include <stdint.h>

enum emx_plan_criterion { EMX_PLAN_D, EMX_PLAN_V };

/* What is assumed of a domain's law. */
struct emx_plan_coefficients {
    double alpha, beta, b, c;
};

/* The assumption where there is no law: what is usual for tables of losses (steps as shares of the last). */
#define EMX_PLAN_COEFFICIENTS ((struct emx_plan_coefficients){.alpha = 0.1, .beta = 0.4, .b = 0.5, .c = 2})

struct emx_plan_options {
    size_t n_domains;
    const double *given; /* [n_given][n_domains] mixtures that are trained in any case, in order; each > 0, sum 1 */
    size_t n_given;
    size_t n_mixtures;                                /* all in all, at least n_given */
    const double *lo, *hi;                            /* [n_domains] of what is added; 0 < lo < hi; NULL: see below */
    const struct emx_plan_coefficients *coefficients; /* [n_domains]; NULL: EMX_PLAN_COEFFICIENTS for all */
    size_t n_steps;                                   /* evaluations a run, evenly spaced; 0: 20 */
    double run_noise, step_noise;                     /* of log losses; 0: 0.01 and 0.003 */
    double horizon;                                   /* step to predict at, as a multiple of the runs' last; 0: 1 */
    enum emx_plan_criterion criterion;
    size_t n_table; /* the table goes on to so many mixtures; 0: twice n_mixtures, at least 16 */
    uint64_t seed;
};

/* What is expected after the first n mixtures; standard errors, infinite where n mixtures do not determine the law. */
struct emx_plan_row {
    size_t n_mixtures;
    double alpha;      /* of alpha: root mean square over domains */
    double prediction; /* of a predicted log loss at the optimum: root mean square over domains */
    double proportion; /* relative, of an optimal proportion: root mean square over r */
    double regret;     /* how much more than the optimum the law's choice is expected to lose, as a share of the loss */
};

struct emx_plan {
    size_t n_domains, n_mixtures, n_rows;
    double *mixture;           /* [n_mixtures][n_domains] the given ones, then the added ones, most telling first */
    double *lo, *hi;           /* [n_domains] the bounds that were used */
    double *optimum;           /* [n_domains] of the assumed coefficients, within the bounds */
    struct emx_plan_row *rows; /* [n_rows] for 1, 2, ... mixtures; past n_mixtures as if more were added one by one */
};

/*
 * Default bounds are a third of a domain's least and thrice its greatest proportion among the given mixtures, at
 * most 1.
 *
 * EMX_ERR_ARG if there is no domain or fewer than two domains to vary, a mixture is none, the bounds admit no mixture,
 * or n_mixtures is below n_given or above 256; EMX_ERR_RANGE if a coefficient or noise is out of range;
 * EMX_ERR_MEMORY. On success *ret is to be freed with emx_plan_destroy(), which accepts NULL.
 */
EMX_API EMX_CHECKED enum emx_status emx_plan_find(const struct emx_plan_options *options, struct emx_plan **ret,
                                                  struct emx_error *err);
EMX_API void emx_plan_destroy(struct emx_plan **p);

#endif
