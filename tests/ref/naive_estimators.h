/*
 * naive_estimators.h - the plain twin of the estimators: the formulas of emx/estimators.h over an array of counts
 *
 * With 113-bit mantissas, one type after the other, and standard errors by really taking tokens away.
 */
#ifndef TESTS_REF_NAIVE_ESTIMATORS_H
#define TESTS_REF_NAIVE_ESTIMATORS_H

#include "naive_entropy.h"
#include <emx/estimators.h>

extern quad powf128(quad x, quad y);
extern quad expf128(quad x);
extern quad sqrtf128(quad x);

/* Counts, some of which may be 0, of a sample that had n_total tokens before any were taken away. */
struct naive_sample {
    uint64_t *count; /* [n] */
    size_t n;
    quad n_total, alphabet;
    uint64_t rarefied; /* to so many tokens; 0: not */
};

static inline quad naive_seen(const struct naive_sample *s, uint64_t times)
{
    quad n = 0;

    for (size_t i = 0; i < s->n; i++)
        n += times ? s->count[i] == times : s->count[i] > 0;
    return n;
}

static inline quad naive_plogp(quad p)
{
    return p > 0 ? -p * logf128(p) : 0;
}

/* log N - 1/N sum n log n: the plug-in where N is the sum of counts. */
static inline quad naive_plugin(const struct naive_sample *s)
{
    quad sum = 0;

    for (size_t i = 0; i < s->n; i++)
        if (s->count[i])
            sum += (quad)s->count[i] * logf128((quad)s->count[i]);
    return logf128(s->n_total) - sum / s->n_total;
}

static inline quad naive_chao_shen(const struct naive_sample *s)
{
    quad once = naive_seen(s, 1), c = 1 - (once == s->n_total ? once - 1 : once) / s->n_total, h = 0;

    for (size_t i = 0; i < s->n; i++) {
        quad q = c * (quad)s->count[i] / s->n_total;

        if (s->count[i])
            h += naive_plogp(q) / (1 - powf128(1 - q, s->n_total));
    }
    return h;
}

/* G by the paper's recurrence; n below 2^17. */
static inline quad naive_g(uint64_t n)
{
    static quad even[1 << 16]; /* G(2m), as far as was asked for */
    static uint64_t known;

    if (known == 0)
        even[known++] = (quad)-0.577215664901532860606512090082402431L - logf128(2);
    for (; known <= n / 2; known++)
        even[known] = even[known - 1] + (quad)2 / (2 * (quad)known - 1);
    return even[n / 2];
}

static inline quad naive_grassberger(const struct naive_sample *s)
{
    quad sum = 0;

    for (size_t i = 0; i < s->n; i++)
        if (s->count[i])
            sum += (quad)s->count[i] * naive_g(s->count[i]);
    return logf128(s->n_total) - sum / s->n_total;
}

static inline quad naive_good_turing(const struct naive_sample *s)
{
    quad once = naive_seen(s, 1), c = 1 - once / s->n_total, unseen = once * (once - 1) / (2 * (naive_seen(s, 2) + 1));

    return c * naive_plugin(s) + naive_plogp(c) + naive_plogp(1 - c) + (1 - c) * logf128(unseen < 1 ? 1 : unseen);
}

static inline quad naive_shrinkage(const struct naive_sample *s)
{
    quad types = naive_seen(s, 0), a = s->alphabet > types ? s->alphabet : types, squares = 0, distance, l, h;

    for (size_t i = 0; i < s->n; i++)
        squares += (quad)s->count[i] * (quad)s->count[i] / (s->n_total * s->n_total);
    distance = (s->n_total - 1) * (squares - 1 / a);
    l = 1 - squares <= 0 ? 0 : 1 - squares < distance ? (1 - squares) / distance : 1;
    h = (a - types) * naive_plogp(l / a);
    for (size_t i = 0; i < s->n; i++)
        if (s->count[i])
            h += naive_plogp(l / a + (1 - l) * (quad)s->count[i] / s->n_total);
    return h;
}

/* log n!; n below 2^20. */
static inline quad naive_log_factorial(uint64_t n)
{
    static quad log_factorial[1 << 20]; /* [known] */
    static uint64_t known = 1;

    for (; known <= n; known++)
        log_factorial[known] = log_factorial[known - 1] + logf128((quad)known);
    return log_factorial[n];
}

static inline quad naive_log_choose(quad n, quad k)
{
    return naive_log_factorial((uint64_t)n) - naive_log_factorial((uint64_t)k) - naive_log_factorial((uint64_t)(n - k));
}

/* Counts with probabilities below e^-100, of which no sum of doubles knows, are passed over. */
static inline quad naive_rarefied(const struct naive_sample *s)
{
    quad n = (quad)s->rarefied, sum = 0;

    for (size_t i = 0; i < s->n; i++) {
        quad c = (quad)s->count[i];

        for (quad k = 2; k <= c && k <= n; k++) {
            quad log_p;

            if (n - k > s->n_total - c)
                continue;
            log_p = naive_log_choose(c, k) + naive_log_choose(s->n_total - c, n - k) - naive_log_choose(s->n_total, n);
            if (log_p > -100)
                sum += k * logf128(k) * expf128(log_p);
        }
    }
    return logf128(n) - sum / n;
}

static inline quad naive_estimate(const struct naive_sample *s, enum emx_estimator e)
{
    if (s->rarefied)
        return naive_rarefied(s);
    switch (e) {
    case EMX_ESTIMATOR_PLUGIN:
        return naive_plugin(s);
    case EMX_ESTIMATOR_MILLER_MADOW:
        return naive_plugin(s) + (naive_seen(s, 0) - 1) / (2 * s->n_total);
    case EMX_ESTIMATOR_CHAO_SHEN:
        return naive_chao_shen(s);
    case EMX_ESTIMATOR_GRASSBERGER:
        return naive_grassberger(s);
    case EMX_ESTIMATOR_GOOD_TURING:
        return naive_good_turing(s);
    case EMX_ESTIMATOR_SHRINKAGE:
        return naive_shrinkage(s);
    }
    return 0;
}

/* The estimate without one token of type i. */
static inline quad naive_without(struct naive_sample *s, enum emx_estimator e, size_t i)
{
    quad value;

    s->count[i]--;
    value = naive_estimate(s, e);
    s->count[i]++;
    return value;
}

static inline quad naive_influence(struct naive_sample *s, enum emx_estimator e, size_t i)
{
    quad more, less = naive_without(s, e, i);

    if (e != EMX_ESTIMATOR_GRASSBERGER || s->count[i] == 1)
        return naive_estimate(s, e) - less;
    s->count[i]++;
    more = naive_estimate(s, e);
    s->count[i]--;
    return (more - less) / 2;
}

static inline quad naive_error(struct naive_sample *s, enum emx_estimator e)
{
    quad mean = 0, squares = 0;

    for (size_t i = 0; i < s->n; i++)
        mean += (quad)s->count[i] * naive_influence(s, e, i) / s->n_total;
    for (size_t i = 0; i < s->n; i++) {
        quad d = naive_influence(s, e, i) - mean;

        squares += (quad)s->count[i] * d * d;
    }
    return sqrtf128(squares);
}

#endif
