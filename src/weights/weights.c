/*
 * With h_i = H_i / T, the mass  sum_i clip(lambda exp(h_i), floor, cap)  grows with lambda, and is linear between the
 * lambdas where a domain leaves its floor or reaches its cap.  These 2n breakpoints are sorted, the two around
 * mass 1 found by binary search, and between them lambda is a quotient: no tolerance, no iteration.
 * Lambda is kept as a logarithm, so that no spread of entropies overflows or vanishes.
 */
#include "util/sum.h"
#include <emx/weights.h>

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct problem {
    const long double *h; /* [n] H_i / T less the largest */
    size_t n;
    long double floor, cap;
    long double log_floor, log_cap; /* log_floor is -infinity if floor is 0 */
};

/* Where log lambda lies: between neighbouring breakpoints, of mass below 1 and of mass 1 or more. */
struct bracket {
    long double below, above;
};

static long double clip(long double x, long double low, long double high)
{
    return fminl(fmaxl(x, low), high);
}

static long double mass(const struct problem *p, long double log_lambda)
{
    struct sum sum = {0};

    for (size_t i = 0; i < p->n; i++)
        sum_add(&sum, clip(expl(log_lambda + p->h[i]), p->floor, p->cap));
    return sum_total(&sum);
}

static int ascending(const void *a, const void *b)
{
    long double x = *(const long double *)a, y = *(const long double *)b;

    return (x > y) - (x < y);
}

/* points[2n] is scratch. */
static struct bracket find_bracket(const struct problem *p, long double *points)
{
    size_t low = 0, high = 2 * p->n; /* points before low have mass < 1, those from high on 1 or more */

    for (size_t i = 0; i < p->n; i++) {
        points[2 * i] = p->log_floor - p->h[i];
        points[2 * i + 1] = p->log_cap - p->h[i];
    }
    qsort(points, 2 * p->n, sizeof(*points), ascending);
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (mass(p, points[middle]) < 1)
            low = middle + 1;
        else
            high = middle;
    }
    return (struct bracket){low > 0 ? points[low - 1] : -HUGE_VALL, low < 2 * p->n ? points[low] : HUGE_VALL};
}

static bool has_cap(const struct problem *p, struct bracket b, size_t i)
{
    return p->log_cap - p->h[i] <= b.below;
}

static bool has_floor(const struct problem *p, struct bracket b, size_t i)
{
    return p->log_floor - p->h[i] >= b.above;
}

/* Domains with neither floor nor cap share what the others leave, as exp(h). */
static void fill_proportions(const struct problem *p, struct bracket b, double *ret)
{
    struct sum rest = {.value = 1}, sum = {0};
    long double top = -HUGE_VALL;

    for (size_t i = 0; i < p->n; i++) {
        if (has_cap(p, b, i))
            sum_add(&rest, -p->cap);
        else if (has_floor(p, b, i))
            sum_add(&rest, -p->floor);
        else
            top = fmaxl(top, p->h[i]);
    }
    for (size_t i = 0; i < p->n; i++)
        if (!has_cap(p, b, i) && !has_floor(p, b, i))
            sum_add(&sum, expl(p->h[i] - top));
    for (size_t i = 0; i < p->n; i++) {
        if (has_cap(p, b, i))
            ret[i] = (double)p->cap;
        else if (has_floor(p, b, i))
            ret[i] = (double)p->floor;
        else
            ret[i] = (double)clip(expl(p->h[i] - top) * (sum_total(&rest) / sum_total(&sum)), p->floor, p->cap);
    }
}

static enum emx_status check_options(const struct emx_weights_options *opt, size_t n, struct emx_error *err)
{
    double slack = (double)n * DBL_EPSILON; /* 1/n typed as a decimal may be a floor and a cap */

    if (!(opt->temperature > 0 && isfinite(opt->temperature)))
        return emx_fail(err, EMX_ERR_ARG, "temperature %g is not a positive number", opt->temperature);
    if (!(opt->floor >= 0 && (double)n * opt->floor <= 1 + slack))
        return emx_fail(err, EMX_ERR_ARG, "floor %g is not between 0 and 1/%zu (%zu domains)", opt->floor, n, n);
    if (!(opt->cap <= 1 && (double)n * opt->cap >= 1 - slack))
        return emx_fail(err, EMX_ERR_ARG, "cap %g is not between 1/%zu and 1 (%zu domains)", opt->cap, n, n);
    return EMX_OK;
}

static enum emx_status check_entropies(const double *entropy, size_t n, struct emx_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(entropy[i]))
            return emx_fail(err, EMX_ERR_ARG, "the entropy of domain %zu of %zu is not a finite number", i + 1, n);
    return EMX_OK;
}

static double largest(const double *x, size_t n)
{
    double max = x[0];

    for (size_t i = 1; i < n; i++)
        max = fmax(max, x[i]);
    return max;
}

static enum emx_status project(const double *entropy, size_t n, const struct emx_weights_options *opt, double *ret,
                               struct emx_error *err)
{
    long double *h = n <= SIZE_MAX / 3 ? calloc(3 * n, sizeof(*h)) : NULL, max = largest(entropy, n);
    struct problem p = {h, n, opt->floor, opt->cap, logl(opt->floor), logl(opt->cap)};

    if (!h)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for the weights of %zu domains", n);
    for (size_t i = 0; i < n; i++)
        h[i] = (entropy[i] - max) / opt->temperature;
    fill_proportions(&p, find_bracket(&p, h + n), ret);
    free(h);
    return EMX_OK;
}

enum emx_status emx_weights_from_entropies(const double *entropy, size_t n_domains,
                                           const struct emx_weights_options *opt, double *ret_proportion,
                                           struct emx_error *err)
{
    enum emx_status status;
    double n = (double)n_domains;

    if (n_domains == 0)
        return emx_fail(err, EMX_ERR_EMPTY, "there is no domain to weigh");
    status = check_entropies(entropy, n_domains, err);
    if (status == EMX_OK)
        status = check_options(opt, n_domains, err);
    if (status != EMX_OK)
        return status;
    if (n * opt->floor < 1 && n * opt->cap > 1)
        return project(entropy, n_domains, opt, ret_proportion, err);
    for (size_t i = 0; i < n_domains; i++)
        ret_proportion[i] = 1 / n;
    return EMX_OK;
}

enum emx_status emx_weights_per_document(const double *proportion, const double *mean_tokens_per_document,
                                         size_t n_domains, double *ret_probability, struct emx_error *err)
{
    const double *mean = mean_tokens_per_document;
    struct sum sum = {0};

    for (size_t i = 0; i < n_domains; i++) {
        if (!(mean[i] > 0 && isfinite(mean[i])))
            return emx_fail(err, EMX_ERR_ARG, "domain %zu of %zu has no mean document length", i + 1, n_domains);
        if (!(proportion[i] >= 0 && isfinite(proportion[i])))
            return emx_fail(err, EMX_ERR_ARG, "the proportion %g of domain %zu of %zu is no share", proportion[i],
                            i + 1, n_domains);
        sum_add(&sum, (long double)proportion[i] / mean[i]);
    }
    if (!(sum_total(&sum) > 0))
        return emx_fail(err, EMX_ERR_EMPTY, "no domain has a share above 0");
    for (size_t i = 0; i < n_domains; i++)
        ret_probability[i] = (double)((long double)proportion[i] / mean[i] / sum_total(&sum));
    return EMX_OK;
}
