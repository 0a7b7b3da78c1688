/*
 * naive_compare.h - the plain twin of compare: definitions over dense tables of all pairs of a small vocabulary
 */
#ifndef TESTS_REF_NAIVE_COMPARE_H
#define TESTS_REF_NAIVE_COMPARE_H

#include "naive_entropy.h"
#include <emx/compare.h>

#include <math.h>

#define NAIVE_TOKENS 64

/* Counts of a domain. */
struct naive_domain {
    quad token[NAIVE_TOKENS], first[NAIVE_TOKENS], pair[NAIVE_TOKENS][NAIVE_TOKENS];
    quad n_tokens, n_pairs;
};

static inline void naive_domain_fill(struct naive_domain *d, const struct emx_pair_count *pairs, size_t n_pairs,
                                     const struct emx_pair_count *tails, size_t n_tails)
{
    *d = (struct naive_domain){.n_tokens = 0};
    for (size_t i = 0; i < n_pairs; i++) {
        quad n = (quad)pairs[i].count;

        d->pair[pairs[i].first][pairs[i].second] += n;
        d->first[pairs[i].first] += n;
        d->token[pairs[i].first] += n;
        d->n_pairs += n;
        d->n_tokens += n;
    }
    for (size_t i = 0; i < n_tails; i++) {
        d->token[tails[i].first] += (quad)tails[i].count;
        d->n_tokens += (quad)tails[i].count;
    }
}

/* q' of something counted n times of a total, and in the other domain n_other of total_other. */
static inline quad naive_model(const struct emx_compare_options *o, quad n, quad total, quad n_other, quad total_other,
                               quad alphabet)
{
    quad share = total > 0 ? n / total : 0, a = (quad)o->amount;

    if (o->smoothing == EMX_SMOOTHING_ADDITIVE)
        return (n + a) / (total + a * alphabet);
    if (o->smoothing == EMX_SMOOTHING_UNION)
        return (1 - a) * share + a * (n + n_other) / (total + total_other);
    return share;
}

struct naive_costs {
    quad cross, kl; /* may be infinite */
};

static inline void naive_cost(struct naive_costs *c, quad weight, quad p, quad q)
{
    if (weight > 0 && q > 0) {
        c->cross -= weight * logf128(q);
        c->kl += weight * logf128(p / q);
    } else if (weight > 0) {
        c->cross = c->kl = (quad)INFINITY;
    }
}

static inline quad naive_jensen_term(quad p, quad q)
{
    quad m = (p + q) / 2;

    return (p > 0 ? p * logf128(p / m) : 0) / 2 + (q > 0 ? q * logf128(q / m) : 0) / 2;
}

static inline void naive_overlap_add(struct emx_overlap *o, quad *either, quad p, quad q)
{
    *either += p > 0 || q > 0;
    if (p > 0 && q > 0) {
        o->types++;
        o->mass_of_p += (double)p;
        o->mass_of_q += (double)q;
        o->shared_mass += (double)(p < q ? p : q);
    }
}

/* p and q have pairs; v is the vocabulary. */
static inline struct emx_comparison naive_compare(const struct naive_domain *p, const struct naive_domain *q, quad v,
                                                  const struct emx_compare_options *o)
{
    struct emx_comparison c = {0};
    struct naive_costs tokens = {0, 0}, pairs = {0, 0}, next = {0, 0};
    quad jensen = 0, first_jensen = 0, token_jensen = 0, token_types = 0, pair_types = 0;

    for (int x = 0; x < NAIVE_TOKENS; x++) {
        quad share = p->token[x] / p->n_tokens, other = q->token[x] / q->n_tokens;

        naive_cost(&tokens, share, share, naive_model(o, q->token[x], q->n_tokens, p->token[x], p->n_tokens, v));
        token_jensen += naive_jensen_term(share, other);
        first_jensen += naive_jensen_term(p->first[x] / p->n_pairs, q->first[x] / q->n_pairs);
        naive_overlap_add(&c.token_overlap, &token_types, share, other);
        for (int y = 0; y < NAIVE_TOKENS; y++) {
            quad n = p->pair[x][y], m = q->pair[x][y], of_pair = n / p->n_pairs;

            naive_overlap_add(&c.pair_overlap, &pair_types, of_pair, m / q->n_pairs);
            jensen += naive_jensen_term(of_pair, m / q->n_pairs);
            if (n > 0) {
                naive_cost(&pairs, of_pair, of_pair, naive_model(o, m, q->n_pairs, n, p->n_pairs, v * v));
                naive_cost(&next, of_pair, n / p->first[x], naive_model(o, m, q->first[x], n, p->first[x], v));
            }
        }
    }
    c.tokens = (struct emx_divergence){(double)tokens.cross, (double)tokens.kl, (double)token_jensen};
    c.pairs = (struct emx_divergence){(double)pairs.cross, (double)pairs.kl, (double)jensen};
    c.conditional = (struct emx_divergence){(double)next.cross, (double)next.kl, (double)(jensen - first_jensen)};
    c.token_overlap.jaccard = (double)((quad)c.token_overlap.types / token_types);
    c.pair_overlap.jaccard = (double)((quad)c.pair_overlap.types / pair_types);
    return c;
}

#endif
