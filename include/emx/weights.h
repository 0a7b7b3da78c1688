/*
 * weights.h - entropies to mixture proportions on the simplex
 *
 * Pure functions over plain arrays of n_domains doubles.
 */
#ifndef EMX_WEIGHTS_H
#define EMX_WEIGHTS_H

#include <emx/status.h>
#include <stddef.h>

struct emx_weights_options {
    double temperature; /* T > 0: r_i ~ exp(H_i / T); 1 is the paper's equation 13 */
    double floor;       /* smallest proportion of any domain, in [0, 1/n] */
    double cap;         /* largest proportion of any domain, in [1/n, 1] */
};

#define EMX_WEIGHTS_DEFAULTS ((struct emx_weights_options){.temperature = 1, .floor = 0, .cap = 1})

/*
 * Proportions from entropies in nats:
 *
 *     r_i = clip(lambda * exp(H_i / T), floor, cap),   lambda such that sum r_i = 1
 *
 * Without floor and cap this is r_i = exp(H_i) / sum_j exp(H_j)
 * (BiMix, arXiv 2405.14908, equation 13); with them it is the projection of those
 * proportions in Kullback-Leibler divergence.  The largest exponent is subtracted first, so no
 * entropy overflows.
 *
 * Returns EMX_OK and fills ret_proportion[n_domains], which sums to 1 within rounding;
 *         EMX_ERR_EMPTY  if n_domains is 0;
 *         EMX_ERR_ARG    if an entropy is not finite, T is not a positive finite number, or no
 *                        proportions lie between floor and cap (n * floor > 1 or n * cap < 1);
 *                        err names the option.
 */
EMX_API EMX_CHECKED enum emx_status emx_weights_from_entropies(const double *entropy, size_t n_domains,
                                                               const struct emx_weights_options *opt,
                                                               double *ret_proportion, struct emx_error *err);

/*
 * Standard errors of these proportions, from those of the entropies: the delta method, for domains whose entropies err
 * independently of each other.  With M the sum and F the set of proportions that are between floor and cap, q_j = r_j /
 * M:
 *
 *     error(r_i)^2 = (r_i / T)^2 ((1 - q_i)^2 error(H_i)^2 + sum_{j in F, j != i} q_j^2 error(H_j)^2),   i in F
 *
 * A proportion that is at floor or cap stays there if entropies move a little: its error is 0.  NAN where an error of
 * an entropy that matters is not a number >= 0.  ret_error[n_domains].
 */
EMX_API void emx_weights_errors(const double *proportion, const double *entropy_error, size_t n_domains,
                                const struct emx_weights_options *opt, double *ret_error);

/*
 * Share of tokens -> probability of drawing a document, for trainers that draw documents:
 *
 *     p_i = (w_i / L_i) / sum_j (w_j / L_j),   L_i = mean tokens per document of domain i
 *
 * EMX_ERR_ARG if a mean length is not positive and finite, or a share is not finite and at least 0;
 * EMX_ERR_EMPTY if no share is above 0.
 */
EMX_API EMX_CHECKED enum emx_status emx_weights_per_document(const double *proportion,
                                                             const double *mean_tokens_per_document, size_t n_domains,
                                                             double *ret_probability, struct emx_error *err);

#endif
