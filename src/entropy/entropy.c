/*
 * Every term below is non-negative, unlike in log N - (sum n log n) / N or in JE - H, so nothing cancels: the
 * result keeps the relative accuracy of one term.  -ffast-math would delete the compensation.
 */
#include <emx/entropy.h>

#include <assert.h>
#include <math.h>

#ifdef __FAST_MATH__
#error "compensated sums need IEEE arithmetic: build without -ffast-math"
#endif

/* Neumaier's sum: what each addition rounds off is summed apart. */
struct sum {
    long double value, carry;
};

static void sum_add(struct sum *s, long double term)
{
    long double next = s->value + term;

    s->carry += fabsl(s->value) >= fabsl(term) ? (s->value - next) + term : (term - next) + s->value;
    s->value = next;
}

/* log(a / b), keeping its digits where a and b are close: a - b is exact. */
static long double log_ratio(uint64_t a, uint64_t b)
{
    if (a < b)
        return -log_ratio(b, a);
    if (a - b < b)
        return log1pl((long double)(a - b) / (long double)b);
    return logl((long double)a / (long double)b);
}

/* Tokens in row i: fits, because n_total does. */
static uint64_t row_mass(const struct emx_spectrum *s, size_t i)
{
    return s->types[i] * s->count[i];
}

static long double shannon(const struct emx_spectrum *s)
{
    struct sum sum = {0, 0};

    if (s->n_total == 0)
        return 0;
    for (size_t i = 0; i < s->len; i++)
        sum_add(&sum, (long double)row_mass(s, i) * log_ratio(s->n_total, s->count[i]));
    return (sum.value + sum.carry) / (long double)s->n_total;
}

/*
 * CE is the mean over all pairs of log(count of the first / count of the pair).  The mean of a difference
 * does not depend on which is subtracted from which, so both spectra are laid out in order of count and
 * subtracted where they overlap.  A pair is never more frequent than its first, so neither is the k-th least
 * frequent pair than the k-th least frequent first: every term is >= 0, and exactly 0 where the counts are equal.
 */
static long double conditional(const struct emx_spectrum *pairs, const struct emx_spectrum *firsts)
{
    struct sum sum = {0, 0};
    uint64_t pair_mass = 0, first_mass = 0;
    size_t p = 0, f = 0;

    assert(pairs->n_total == firsts->n_total);
    while (p < pairs->len && f < firsts->len) {
        uint64_t mass;

        pair_mass = pair_mass ? pair_mass : row_mass(pairs, p);
        first_mass = first_mass ? first_mass : row_mass(firsts, f);
        mass = pair_mass < first_mass ? pair_mass : first_mass;
        sum_add(&sum, (long double)mass * log_ratio(firsts->count[f], pairs->count[p]));
        p += (pair_mass -= mass) == 0;
        f += (first_mass -= mass) == 0;
    }
    return pairs->n_total ? (sum.value + sum.carry) / (long double)pairs->n_total : 0;
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

    return s->n_total ? (double)((long double)(s->n_total - once) / (long double)s->n_total) : 1;
}

void emx_entropies_compute(const struct emx_spectrum *tokens, const struct emx_spectrum *pairs,
                           const struct emx_spectrum *firsts, struct emx_entropies *ret)
{
    long double se = shannon(tokens), je = shannon(pairs), h = shannon(firsts), ce = conditional(pairs, firsts);

    *ret = (struct emx_entropies){
        .shannon = (double)se,
        .joint = (double)je,
        .conditional = (double)ce,
        .first = (double)h,
        .mutual_information = (double)(se - ce),
        .chain_residual = (double)(fabsl(je - h - ce) / fmaxl(je, 1)),
        .token_coverage = emx_entropy_coverage(tokens),
        .pair_coverage = emx_entropy_coverage(pairs),
        .n_tokens = tokens->n_total,
        .n_token_types = tokens->n_types,
        .n_pairs = pairs->n_total,
        .n_pair_types = pairs->n_types,
    };
}
