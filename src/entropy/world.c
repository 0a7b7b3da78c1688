/*
 * world.c - the variance of an estimate in a world that has the shares which counts suggest
 *
 * The world is that of the bootstrap of Chao and others (2014), "Rarefaction and extrapolation with Hill numbers",
 * appendix: a type seen n times has the expectation n (1 - w (1 - n/N)^N), w such that these sum to C N, and unseen
 * types have the rest in equal parts.  Instead of drawing from it, the variance of a sum over types is computed: counts
 * are independent and Poisson, and what the sum has in common with their total, which is held, is taken off:
 *
 *     variance = sum Var g(n_i) - (sum Cov(g(n_i), n_i))^2 / N
 */
#include "entropy/estimator.h"
#include "util/sum.h"

/* Expectations from which a count is near enough to it for derivatives; there are as many shorter sums at most. */
#define FAR 64

struct moments {
    struct sum variance, covariance;
};

static long double value_at(const struct rare_sum *g, uint64_t n)
{
    long double value = n < 2 ? 0 : g->slope * n_log_n(n);

    return n == 1 ? value + g->at_one : n == 2 ? value + g->at_two : value;
}

/* Of one type; the sums end where what is left of them is below 10^-20 of a type. */
static void add_near(const struct rare_sum *g, long double expected, long double types, struct moments *m)
{
    const uint64_t end = (uint64_t)(expected + 12 * sqrtl(expected) + 30);
    long double mean = 0, variance = 0, covariance = 0, p = expl(-expected);

    for (uint64_t n = 0; n < end; p *= expected / (long double)++n)
        mean += p * value_at(g, n);
    p = expl(-expected);
    for (uint64_t n = 0; n < end; p *= expected / (long double)++n) {
        long double off = value_at(g, n) - mean;

        variance += p * off * off;
        covariance += p * off * ((long double)n - expected);
    }
    sum_add(&m->variance, types * variance);
    sum_add(&m->covariance, types * covariance);
}

static void add_types(const struct rare_sum *g, long double expected, long double types, struct moments *m)
{
    long double slope;

    if (expected < FAR) {
        add_near(g, expected, types, m);
        return;
    }
    slope = g->slope * (logl(expected) + 1);
    sum_add(&m->variance, types * expected * slope * slope);
    sum_add(&m->covariance, types * expected * slope);
}

/* (1 - n/N)^N */
static long double absence(uint64_t n, uint64_t n_total)
{
    return n < n_total ? expl((long double)n_total * log1pl(-(long double)n / (long double)n_total)) : 0;
}

long double world_variance(const struct emx_spectrum *s, const struct rare_sum *g, long double c, long double unseen)
{
    long double n_total = (long double)s->n_total, weight, covariance;
    struct moments m = {0};
    struct sum absent = {0};

    for (size_t i = 0; i < s->len; i++)
        sum_add(&absent, (long double)(s->types[i] * s->count[i]) * absence(s->count[i], s->n_total));
    weight = sum_total(&absent) > 0 ? (1 - c) * n_total / sum_total(&absent) : 0;
    for (size_t i = 0; i < s->len; i++)
        add_types(g, (long double)s->count[i] * fmaxl(0, 1 - weight * absence(s->count[i], s->n_total)),
                  (long double)s->types[i], &m);
    if (unseen > 0)
        add_types(g, (1 - c) * n_total / unseen, unseen, &m);
    covariance = sum_total(&m.covariance);
    return fmaxl(0, sum_total(&m.variance) - covariance * covariance / n_total);
}
