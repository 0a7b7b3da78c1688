/*
 * compare.h - how much the domains of a state file are alike
 *
 * Two domains are compared by their tables, read side by side as sorted streams: exact, and in memory that does not
 * grow with them (a thread has four cursors, see state.h, and the pairs of one first token of each domain).  Pairs of
 * domains are shared out among threads; each sum is of one thread and in order of tokens, so results do not depend on
 * how many there are.  Errors are below 10^-14 of the larger of 1 and the value.
 *
 * Notation: p and q are the distributions of two domains, over tokens x, over adjacent pairs (x, y), or over y given x.
 * All entropies are in nats.
 */
#ifndef EMX_COMPARE_H
#define EMX_COMPARE_H

#include <emx/state.h>

/*
 * One distribution against another.
 *
 *     cross    = - sum p log q          what it costs to code domain p with the model of q
 *     kl       = sum p log(p / q)       what of it is due to the wrong model: cross - H(p)
 *     jensen   = 1/2 KL(p | m) + 1/2 KL(q | m),   m = (p + q) / 2
 *
 * cross and kl are INFINITY where p has a type that q never gives, jensen is between 0 and log 2 and needs no
 * smoothing: it is always that of the shares as counted.  NAN if p or q has no pairs (tokens).
 *
 * Over y given x, divergences are means over p(x): cross = - sum p(x,y) log q(y|x), and KL likewise, which without
 * smoothing is KL of pairs less KL of first elements.  jensen is JS of pairs less JS of first elements: the mean over
 * m(x) of the (weighted) Jensen-Shannon divergence of p(y|x) and q(y|x).
 *
 * Sources: Kullback and Leibler (1951); Lin (1991), "Divergence measures based on the Shannon entropy".
 */
struct emx_divergence {
    double cross, kl, jensen;
};

/* What two domains share: the same for p, q and q, p but for the masses, which change places. */
struct emx_overlap {
    uint64_t types;   /* seen in both */
    double jaccard;   /* types of both / types of either */
    double mass_of_p; /* share of p's tokens (pairs) that are of a type seen in q */
    double mass_of_q;
    double shared_mass; /* sum of min(p, q): 1 for equal distributions, 0 for disjoint ones; 1 - total variation */
};

struct emx_comparison {
    struct emx_divergence tokens, pairs, conditional; /* of p from q */
    struct emx_overlap token_overlap, pair_overlap;
};

/*
 * How q is smoothed before p is coded with it; p is always as counted.
 */
enum emx_smoothing {
    EMX_SMOOTHING_NONE, /* infinite where q lacks a type of p */
    /*
     * q(x) = (n(x) + a) / (N + a V),   q(x,y) = (n(x,y) + a) / (N + a V^2),   q(y|x) = (n(x,y) + a) / (n(x) + a V)
     *
     * V tokens there are: the larger of the declared vocabularies and largest tokens + 1 of all domains.  As usual the
     * three are models of their own: q(x,y) is not q(x) q(y|x).
     */
    EMX_SMOOTHING_ADDITIVE,
    /*
     * Jelinek-Mercer with the union u of the two domains, counts added up:
     *
     *     q'(x) = (1 - a) q(x) + a u(x),   q'(x,y) = (1 - a) q(x,y) + a u(x,y),   q'(y|x) = (1 - a) q(y|x) + a u(y|x)
     *
     * with q(y|x) = 0 where q never saw x.  So what it says of two domains does not depend on which others there are.
     * Sources: Jelinek and Mercer (1980); Lee (1999), "Measures of distributional similarity", for divergences so
     * skewed.
     */
    EMX_SMOOTHING_UNION,
};

struct emx_compare_options {
    enum emx_smoothing smoothing;
    double amount;      /* a: above 0; of the union at most 1 */
    unsigned n_threads; /* 0: processors this process may use */
};

#define EMX_COMPARE_DEFAULTS                                                                                           \
    ((struct emx_compare_options){.smoothing = EMX_SMOOTHING_NONE, .amount = 0, .n_threads = 0})

/*
 * Compare every domain with every other: ret[p * n_domains + q].  On the diagonal, which is never smoothed, kl and
 * jensen are 0 and cross is the domain's own entropy.  What would be divided by 0 tokens or pairs is NAN.
 *
 * EMX_ERR_ARG for an amount out of its range; and what reading a state can return.
 */
EMX_API EMX_CHECKED enum emx_status emx_compare(struct emx_state *s, const struct emx_compare_options *options,
                                                struct emx_comparison *ret, struct emx_error *err);

#endif
