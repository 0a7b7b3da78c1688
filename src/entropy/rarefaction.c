/*
 * rarefaction.c - the expected plug-in entropy of a sample drawn from the counted tokens without replacement
 *
 *     E H_n = log n - 1/n sum_i E[k_i log k_i],   k_i hypergeometric
 */
#include "entropy/estimator.h"
#include "util/sum.h"

/* Above this mean the moments of k say E[k log k] to the last bit. */
#define LARGE_MEAN 1e5L

/* What is left of a sum from here on is below this part of its mass; the weights fall off faster than geometrically. */
#define NEGLIGIBLE 1e-22L

/* n draws of N tokens, j of which are of the type in question. */
struct draw {
    uint64_t total, j, n;
};

/* P(k + 1) / P(k) */
static long double rise(const struct draw *d, uint64_t k)
{
    long double others_left = (long double)((d->total - d->j) - (d->n - k)); /* not negative for a k that may be */

    return (long double)(d->j - k) * (long double)(d->n - k) / ((long double)(k + 1) * (others_left + 1));
}

static uint64_t mode(const struct draw *d)
{
    __extension__ unsigned __int128 product = (unsigned __int128)(d->n + 1) * (d->j + 1);
    uint64_t k = (uint64_t)(product / (d->total + 2)), least = 0;

    if (d->n > d->total - d->j)
        least = d->n - (d->total - d->j);
    if (k > d->j)
        k = d->j;
    if (k > d->n)
        k = d->n;
    return k < least ? least : k;
}

/* Weights relative to that of the mode, and their mean of k log k. */
struct weighted {
    long double mass, moment;
};

static void weigh(struct weighted *w, uint64_t k, long double weight)
{
    w->mass += weight;
    if (k > 1)
        w->moment += weight * ((long double)k * (long double)log((double)k));
}

static long double sum_from_mode(const struct draw *d)
{
    struct weighted w = {0};
    uint64_t top = mode(d), k;
    long double weight = 1;

    weigh(&w, top, 1);
    for (k = top; k < d->j && k < d->n && weight > NEGLIGIBLE; k++) {
        weight *= rise(d, k);
        weigh(&w, k + 1, weight);
    }
    weight = 1;
    for (k = top; k > 0 && d->n - (k - 1) <= d->total - d->j && weight > NEGLIGIBLE; k--) {
        weight /= rise(d, k - 1);
        weigh(&w, k - 1, weight);
    }
    return w.moment / w.mass;
}

/* Taylor's series of k log k about the mean m, with central moments; what is left out is below 1/m^2. */
static long double from_moments(const struct draw *d)
{
    long double total = (long double)d->total, j = (long double)d->j, n = (long double)d->n, m = n * (j / total);
    long double variance = m * ((long double)(d->total - d->j) / total) * (long double)(d->total - d->n) / (total - 1);
    long double third = variance * (1 - 2 * j / total) * (1 - 2 * n / total);

    return m * logl(m) + variance / (2 * m) - third / (6 * m * m) + variance * variance / (4 * m * m * m);
}

/* E[k log k] */
static long double expected(const struct emx_spectrum *s, uint64_t sample, uint64_t count)
{
    struct draw d = {s->n_total, count, sample};

    if (count == 0)
        return 0;
    if (sample == s->n_total)
        return n_log_n(count);
    return (long double)sample * ((long double)count / (long double)s->n_total) > LARGE_MEAN ? from_moments(&d)
                                                                                             : sum_from_mode(&d);
}

static void prepare(struct estimate *e)
{
    struct sum sum = {0};
    long double n = (long double)e->how->sample;

    for (size_t i = 0; i < e->s->len; i++)
        sum_add(&sum, (long double)e->s->types[i] * expected(e->s, e->how->sample, e->s->count[i]));
    e->value = logl(n) - sum_total(&sum) / n;
}

static long double influence(const struct estimate *e, size_t row)
{
    uint64_t count = e->s->count[row], n = e->how->sample;

    return -(expected(e->s, n, count) - expected(e->s, n, count - 1)) / (long double)n;
}

const struct estimator estimator_rarefied = {"rarefied", prepare, influence, NULL};
