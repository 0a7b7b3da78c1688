/*
 * shrinkage.c - James-Stein: shares shrunk towards equal ones, by as much as their variance tells
 */
#include "entropy/estimator.h"
#include "util/sum.h"

/* sum p^2 */
static long double squared_shares(const struct emx_spectrum *s)
{
    struct sum sum = {0};

    for (size_t i = 0; i < s->len; i++) {
        long double p = (long double)s->count[i] / (long double)s->n_total;

        sum_add(&sum, (long double)s->types[i] * p * p);
    }
    return sum_total(&sum);
}

/* L, from sum p^2; sum (1/A - p)^2 = sum p^2 - 1/A. */
static long double intensity(const struct estimate *e, long double squares)
{
    long double distance = squares - 1 / (long double)e->alphabet;
    long double variance = (1 - squares) / (long double)(e->s->n_total - 1);

    if (variance <= 0)
        return 0;
    return variance < distance ? variance / distance : 1;
}

/* Shrunk share of a type seen n times. */
static long double shrunk(const struct estimate *e, uint64_t n)
{
    return e->share / (long double)e->alphabet + (1 - e->share) * (long double)n / (long double)e->s->n_total;
}

/* -q log q */
static long double term(long double q)
{
    return q > 0 ? -q * logl(q) : 0;
}

static void prepare(struct estimate *e)
{
    struct sum value = {0}, slope = {0};
    long double even, unseen, q = 0;

    e->alphabet = e->how->alphabet > e->s->n_types ? e->how->alphabet : e->s->n_types;
    even = 1 / (long double)e->alphabet;
    unseen = (long double)(e->alphabet - e->s->n_types);
    e->moment = squared_shares(e->s);
    e->share = intensity(e, e->moment);
    for (size_t i = 0; i < e->s->len; i++) {
        long double types = (long double)e->s->types[i];

        q = shrunk(e, e->s->count[i]);
        sum_add(&value, types * term(q));
        sum_add(&slope, types * ((long double)e->s->count[i] / (long double)e->s->n_total - even) * logl(q));
    }
    q = shrunk(e, 0);
    sum_add(&value, unseen * term(q));
    if (q > 0)
        sum_add(&slope, -unseen * even * logl(q));
    e->value = sum_total(&value);
    e->slope = sum_total(&slope);
}

static long double influence(const struct estimate *e, size_t row)
{
    uint64_t n = e->s->count[row];
    long double size = (long double)e->s->n_total, lost = (2 * (long double)n - 1) / (size * size);

    return term(shrunk(e, n)) - term(shrunk(e, n - 1)) + e->slope * (e->share - intensity(e, e->moment - lost));
}

const struct estimator estimator_shrinkage = {"shrinkage", prepare, influence, NULL};
