/*
 * estimators.h - what a domain's entropy would be beyond the tokens that were counted
 *
 * The plug-in entropies of entropy.h are biased low, the more so the smaller the domain: comparing those of a small and
 * of a large domain compares sizes.  There are two remedies.  An estimator corrects the bias from the counts of rare
 * types.  Rarefaction does the opposite: it asks what the plug-in entropy of every domain would be had only n
 * tokens of each been seen, so that all are biased alike.
 *
 * Pure functions of integers: any thread may call them, equal counts give equal bits.  Sums run in long double with
 * Neumaier's compensation, in order of rising count.  All entropies are in nats.
 *
 * Model.  The N tokens (or pairs) are independent draws from one distribution.  Text is not like that: words come in
 * clumps, and neighbouring pairs share a token.  So standard errors are those of a sample of N independent draws, and
 * what a domain's next shard shows may differ by more.
 *
 * Notation: n_i is the count of type i, N = sum n_i, K the number of types seen, f_r the number of types seen r times,
 * p_i = n_i / N, H the plug-in entropy.
 *
 * Conditional entropy is CE = JE - H(first element), both by the same estimator from the same N pairs.  For the plug-in
 * and for rarefaction that is exact (the chain rule; expectation is linear).  For the others it is a convention, as
 * usual as it is unproven: the two estimates may err apart, so that the difference may be negative.
 */
#ifndef EMX_ESTIMATORS_H
#define EMX_ESTIMATORS_H

#include <emx/state.h>

enum emx_estimator {
    /*
     * H = sum p_i log(1 / p_i).  As in entropy.h.
     */
    EMX_ESTIMATOR_PLUGIN,
    /*
     * H + (K - 1) / (2 N).
     *
     * The first term of the bias in powers of 1/N, with K seen types for all there are.
     * Source: Miller (1955), "Note on the bias of information estimates".
     */
    EMX_ESTIMATOR_MILLER_MADOW,
    /*
     * - sum q_i log(q_i) / (1 - (1 - q_i)^N),   q_i = C p_i,   C = 1 - f_1 / N
     *
     * Horvitz-Thompson: each seen type is weighed with one over the probability that it was seen, after its share was
     * cut by the mass that was not.  Where all types were seen once, f_1 counts as N - 1.
     * Source: Chao and Shen (2003), "Nonparametric estimation of Shannon's index of diversity when there are unseen
     * species in sample", equation 5.
     */
    EMX_ESTIMATOR_CHAO_SHEN,
    /*
     * log N - 1/N sum n_i G(n_i),   G(2m) = G(2m + 1) = psi(m + 1/2) + log 2,   G(1) = -gamma - log 2
     *
     * Source: Grassberger (2003, 2008), "Entropy estimates from insufficient samplings", arXiv physics/0307138v2,
     * equation 35.
     */
    EMX_ESTIMATOR_GRASSBERGER,
    /*
     * C H + h(C) + (1 - C) log(f_0),   C = 1 - f_1 / N,   f_0 = max(1, f_1 (f_1 - 1) / (2 (f_2 + 1)))
     *
     * with h(C) = - C log C - (1 - C) log(1 - C): the entropy of a distribution that gives the mass C to the seen types
     * in proportion to their counts, and the mass 1 - C, in equal parts, to f_0 types that were not seen.
     * Sources: Good (1953) for C, equation 9; Chao (1984) for f_0, in the form of Chao (2005) without bias.
     */
    EMX_ESTIMATOR_GOOD_TURING,
    /*
     * - sum q_k log q_k over all A types there may be,   q_k = L / A + (1 - L) p_k,
     * L = min(1, (1 - sum p_k^2) / ((N - 1) sum (1/A - p_k)^2))
     *
     * James-Stein: shares shrunk towards equal ones.  A is struct emx_estimation's alphabet.
     * Source: Hausser and Strimmer (2009), "Entropy inference and the James-Stein estimator", equations 4 to 6.
     */
    EMX_ESTIMATOR_SHRINKAGE,
};

#define EMX_N_ESTIMATORS 6

/* "plugin", "miller-madow", "chao-shen", "grassberger", "good-turing", "shrinkage". */
EMX_API const char *emx_estimator_name(enum emx_estimator e);

/* How to estimate. */
struct emx_estimation {
    enum emx_estimator estimator;
    /*
     * 0, or rarefaction: the expected plug-in entropy of n = sample tokens drawn without replacement from the N,
     *
     *     E H_n = sum_i E[ - k_i/n log(k_i/n) ],   k_i hypergeometric: n draws of N, of which n_i are of type i.
     *
     * At most N.  Only with EMX_ESTIMATOR_PLUGIN: a corrected estimate would have no sample size left in it.
     * The sum over k runs from the mode outwards until what is left of it is below 10^-20 of its mass, so the relative
     * error of E H_n is below 10^-14.  Source: Hurlbert (1971), "The nonconcept of species diversity", for the method.
     */
    uint64_t sample;
    /*
     * Types there may be, for EMX_ESTIMATOR_SHRINKAGE: 0 or less than K counts as K.  Of tokens it is the vocabulary V,
     * of pairs V * V.
     */
    uint64_t alphabet;
};

struct emx_estimate {
    double value;
    double standard_error;
};

/*
 * Entropy of a spectrum.  0 with error 0 for an empty one, or one of a single token.
 *
 * Standard error: the delta method with N fixed, and differences for derivatives, as a count can only change by 1:
 *
 *     variance = sum_i n_i D_i^2 - (sum_i n_i D_i)^2 / N,   D_i = estimate - estimate without one token of type i
 *
 * where to be without it changes n_i, K, f_1, f_2, but not N.  As N grows it becomes, for each of these estimators, the
 * variance of log p_i over N, as in Basharin (1959).  Where most types are rare, that is a fifth too small; differences
 * see types come and go, and err on the safe side (Efron and Stein 1981): in simulations of Zipf's law by less than a
 * quarter.  Exceptions: n G(n) of EMX_ESTIMATOR_GRASSBERGER rises by turns, so D_i is half the difference of n_i + 1
 * and n_i - 1; for EMX_ESTIMATOR_SHRINKAGE the part that goes through L is to first order.
 *
 * EMX_ESTIMATOR_GOOD_TURING hangs on f_1 and f_2, of which differences say far too much (up to nine tenths).  Its
 * variance is that of the sum over types of g(n), to which the estimate is equal to first order,
 *
 *     g(n) = a_1 [n = 1] + a_2 [n = 2] - C/N n log n,   a_r = half the difference of f_r + 1 and f_r - 1
 *     variance = sum_i Var g(n_i) - (sum_i Cov(g(n_i), n_i))^2 / N,   n_i Poisson
 *
 * in the world of the bootstrap of Chao and others (2014), "Rarefaction and extrapolation with Hill numbers": n_i has
 * the expectation n_i (1 - w (1 - p_i)^N), w such that these sum to C N, and f_0 unseen types share the rest.  In
 * simulations it is 0.90 to 1.13 times the deviation of samples.
 *
 * EMX_ERR_RANGE if how->sample exceeds N; EMX_ERR_ARG if a sample is asked of another estimator than the plug-in, or
 * the estimator is not known.
 */
EMX_API EMX_CHECKED enum emx_status emx_estimate_entropy(const struct emx_spectrum *s, const struct emx_estimation *how,
                                                         struct emx_estimate *ret);

/*
 * The D_i of emx_estimate_entropy(), one for each row of the spectrum: ret[s->len], up to one constant for all.  They
 * say how much a token of a type that was seen count[r] times matters, and with them the variance of any difference of
 * two estimates can be had from the table of pairs: emx_estimate_domain() does so.
 */
EMX_API EMX_CHECKED enum emx_status emx_estimate_influence(const struct emx_spectrum *s,
                                                           const struct emx_estimation *how, double *ret);

struct emx_estimates {
    struct emx_estimate shannon, joint, conditional, first;
};

/*
 * Entropies of a domain from its spectra.  `how` is taken for tokens and for the first elements of pairs, and with the
 * alphabet squared for pairs.  The standard error of `conditional` is an upper bound, error(JE) + error(first), for
 * spectra do not say which pair begins with which token.
 *
 * The errors of emx_estimate_entropy(); EMX_ERR_ARG if the spectra of pairs and firsts differ in total.
 */
EMX_API EMX_CHECKED enum emx_status emx_estimates_compute(const struct emx_spectrum *tokens,
                                                          const struct emx_spectrum *pairs,
                                                          const struct emx_spectrum *firsts,
                                                          const struct emx_estimation *how, struct emx_estimates *ret);

/*
 * The same of a domain in a state file, with the standard error of `conditional` from its table of pairs, which is read
 * once as a stream: D_xy - D_x takes the place of D_i, and for EMX_ESTIMATOR_GOOD_TURING the variance so found is
 * scaled as that of JE is.  An alphabet of 0 is here the declared vocabulary, or the largest token seen plus 1.
 *
 * EMX_ERR_RANGE names the domain if how->sample exceeds its tokens or pairs; and what reading a table can return.
 */
EMX_API EMX_CHECKED enum emx_status emx_estimate_domain(struct emx_state *s, size_t domain,
                                                        const struct emx_estimation *how, struct emx_estimates *ret,
                                                        struct emx_error *err);

#endif
