/*
 * entropy.h - entropies of a domain, in nats, from its three count spectra
 *
 * Pure functions of integers: any thread may call them, and equal counts give
 * equal bits.  All are maximum-likelihood ("plug-in") entropies, as in the BiMix
 * paper (arXiv 2405.14908, section 3.2); they are biased low where a domain is small.
 * Sums run in long double with Neumaier's compensation, in order of rising count.
 */
#ifndef EMX_ENTROPY_H
#define EMX_ENTROPY_H

#include <emx/spectrum.h>

/*
 * Shannon entropy of a count spectrum, in nats:
 *
 *     H = sum_i types[i] * p_i * log(1 / p_i),    p_i = count[i] / n_total
 *
 * 0 <= H <= log(n_types); 0 for an empty spectrum.  Relative error below 1e-15.
 * Source: Shannon (1948), section 6.
 */
EMX_API double emx_entropy_shannon(const struct emx_spectrum *s);

/*
 * Conditional entropy of the second element of a pair given the first, in nats:
 *
 *     CE = - sum P(x,x') log P(x'|x) = JE - H(first element)
 *
 * from the spectrum of pairs and the spectrum of their first elements.  Masses are
 * subtracted as integers before any logarithm is taken (see entropy.c), so a
 * deterministic sequence has CE exactly 0 and a nearly deterministic one keeps its
 * digits: relative error below 1e-15.  0 for empty spectra; NAN if n_total differ.
 */
EMX_API double emx_entropy_conditional(const struct emx_spectrum *pairs, const struct emx_spectrum *firsts);

/*
 * Good-Turing estimate of the probability mass already seen: 1 - f1 / n_total, where
 * f1 is the number of types seen once.  1 for an empty spectrum.
 * Source: Good (1953), "The population frequencies of species".
 */
EMX_API double emx_entropy_coverage(const struct emx_spectrum *s);

/* Everything `entromix entropy` reports of one domain. */
struct emx_entropies {
    double shannon;            /* SE, over all tokens */
    double joint;              /* JE, over all counted pairs */
    double conditional;        /* CE */
    double first;              /* entropy of the first elements of pairs */
    double mutual_information; /* SE - CE: what the previous token tells of the next */
    double chain_residual;     /* |JE - first - CE| / max(JE, 1): rounding only */
    double token_coverage;     /* Good-Turing, unigrams */
    double pair_coverage;      /* Good-Turing, pairs */
    uint64_t n_tokens, n_token_types;
    uint64_t n_pairs, n_pair_types;
};

EMX_API void emx_entropies_compute(const struct emx_spectrum *tokens, const struct emx_spectrum *pairs,
                                   const struct emx_spectrum *firsts, struct emx_entropies *ret);

#endif
