/*
 * entropy.c - sums of non-negative terms only, so that nothing cancels
 *
 * Integers (masses, counts) are exact until they meet a logarithm: below 2^64 they fit the 64-bit mantissa of x86's
 * long double.  What is left is a rounding or two per term and one in the compensated sum.
 */
#include "util/sum.h"
#include <emx/entropy.h>

/* log(total / n), keeping its digits when n is nearly total. */
static long double surprisal(uint64_t n, uint64_t total)
{
    if (n > total / 2)
        return -log1pl(-(long double)(total - n) / (long double)total);
    return logl((long double)total / (long double)n);
}

static long double shannon(const struct emx_spectrum *s)
{
    struct sum h = {0};

    if (s->n_total == 0)
        return 0;
    for (size_t i = 0; i < s->len; i++)
        sum_add(&h, (long double)(s->types[i] * s->count[i]) * surprisal(s->count[i], s->n_total));
    return sum_total(&h) / (long double)s->n_total;
}

/* One spectrum walked from its largest count down. */
struct descent {
    const struct emx_spectrum *s;
    size_t left;   /* rows not yet passed */
    uint64_t mass; /* sum of types * count over the rows passed */
};

static uint64_t next_count(const struct descent *d)
{
    return d->left ? d->s->count[d->left - 1] : 0;
}

static void pass(struct descent *d, uint64_t count)
{
    if (next_count(d) != count)
        return;
    d->left--;
    d->mass += d->s->types[d->left] * count;
}

/*
 * With D(c) the types of first elements less the types of pairs at count c, N CE = sum_c D(c) c log c.  Its terms have
 * both signs, and of 10^18 tokens they would cancel all digits.  Summed by parts over the counts c_1 < c_2 < ... of
 * either spectrum it is
 *
 *     N CE = sum_k E_k log(c_k / c_(k-1)),    E_k = sum_{j >= k} D(c_j) c_j
 *
 * (E_1 = 0, as both spectra have N pairs.)  E_k is the mass of the first elements seen at least c_k times less that of
 * the pairs seen so often; each such pair begins with such an element, so E_k >= 0, and it is an integer.
 */
static long double conditional(const struct emx_spectrum *pairs, const struct emx_spectrum *firsts)
{
    struct descent p = {pairs, pairs->len, 0}, f = {firsts, firsts->len, 0};
    struct sum h = {0};

    if (pairs->n_total != firsts->n_total)
        return NAN;
    while (p.left || f.left) {
        uint64_t count = next_count(&p) > next_count(&f) ? next_count(&p) : next_count(&f), below;

        pass(&p, count);
        pass(&f, count);
        below = next_count(&p) > next_count(&f) ? next_count(&p) : next_count(&f);
        if (below && f.mass != p.mass)
            sum_add(&h, (long double)(int64_t)(f.mass - p.mass) * surprisal(below, count));
    }
    return pairs->n_total ? sum_total(&h) / (long double)pairs->n_total : 0;
}

double emx_entropy_shannon(const struct emx_spectrum *s)
{
    return (double)shannon(s);
}

double emx_entropy_conditional(const struct emx_spectrum *pairs, const struct emx_spectrum *firsts)
{
    return (double)conditional(pairs, firsts);
}

double emx_entropy_coverage(const struct emx_spectrum *s)
{
    uint64_t once = s->len && s->count[0] == 1 ? s->types[0] : 0;

    return s->n_total ? (double)(s->n_total - once) / (double)s->n_total : 1;
}

void emx_entropies_compute(const struct emx_spectrum *tokens, const struct emx_spectrum *pairs,
                           const struct emx_spectrum *firsts, struct emx_entropies *ret)
{
    long double se = shannon(tokens), je = shannon(pairs), h1 = shannon(firsts), ce = conditional(pairs, firsts);

    *ret = (struct emx_entropies){
        .shannon = (double)se,
        .joint = (double)je,
        .conditional = (double)ce,
        .first = (double)h1,
        .mutual_information = (double)(se - ce),
        .chain_residual = (double)(fabsl(je - h1 - ce) / fmaxl(je, 1)),
        .token_coverage = emx_entropy_coverage(tokens),
        .pair_coverage = emx_entropy_coverage(pairs),
        .n_tokens = tokens->n_total,
        .n_token_types = tokens->n_types,
        .n_pairs = pairs->n_total,
        .n_pair_types = pairs->n_types,
    };
}
