/*
 * The mass  sum_i clip(lambda exp(H_i / T), floor, cap)  grows with lambda, and is linear between the lambdas where a
 * domain leaves its floor or reaches its cap.  These 2n breakpoints are sorted, the two around mass 1 found by binary
 * search, and between them lambda is a quotient: no tolerance, no iteration.
 * Lambda is kept as T log lambda, which is compared with entropies: no spread of them and no T overflows or vanishes.
 */
#include "util/sum.h"
#include <emx/weights.h>

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct domain {
    long double h;            /* H_i less the largest */
    size_t off_floor, at_cap; /* which of the breakpoints are its own */
};

struct breakpoint {
    long double t_log_lambda;
    bool is_cap;
    struct domain *of;
};

struct problem {
    struct domain *domains;    /* [n] */
    struct breakpoint *points; /* [2n] ascending */
    size_t n;
    long double temperature, floor, cap;
};

static long double clip(long double x, long double low, long double high)
{
    return fminl(fmaxl(x, low), high);
}

/* A floor is left before a cap is reached, even where T is too small for the two to differ. */
static int ascending(const void *a, const void *b)
{
    const struct breakpoint *x = a, *y = b;
    int order = (x->t_log_lambda > y->t_log_lambda) - (x->t_log_lambda < y->t_log_lambda);

    return order ? order : x->is_cap - y->is_cap;
}

static void sort_breakpoints(struct problem *p)
{
    for (size_t i = 0; i < p->n; i++) {
        struct domain *d = &p->domains[i];

        p->points[2 * i] = (struct breakpoint){p->temperature * logl(p->floor) - d->h, false, d};
        p->points[2 * i + 1] = (struct breakpoint){p->temperature * logl(p->cap) - d->h, true, d};
    }
    qsort(p->points, 2 * p->n, sizeof(*p->points), ascending);
    for (size_t k = 0; k < 2 * p->n; k++)
        *(p->points[k].is_cap ? &p->points[k].of->at_cap : &p->points[k].of->off_floor) = k;
}

/* At a breakpoint. */
static long double mass(const struct problem *p, size_t point)
{
    struct sum sum = {0};

    for (size_t i = 0; i < p->n; i++) {
        const struct domain *d = &p->domains[i];

        if (d->at_cap <= point)
            sum_add(&sum, p->cap);
        else if (p->points[point].t_log_lambda <= p->points[d->off_floor].t_log_lambda)
            sum_add(&sum, p->floor);
        else
            sum_add(&sum, clip(expl((p->points[point].t_log_lambda + d->h) / p->temperature), p->floor, p->cap));
    }
    return sum_total(&sum);
}

/* The first breakpoint of mass 1 or more, 2n if there is none. */
static size_t find_mass_of_one(const struct problem *p)
{
    size_t low = 0, high = 2 * p->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (mass(p, middle) < 1)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Lambda is below breakpoint `above`.  Domains with neither floor nor cap share what the others leave, as exp(h / T).
 */
static void fill_proportions(const struct problem *p, size_t above, double *ret)
{
    struct sum rest = {.value = 1}, sum = {0};
    long double top = -HUGE_VALL;

    for (size_t i = 0; i < p->n; i++) {
        if (p->domains[i].at_cap < above)
            sum_add(&rest, -p->cap);
        else if (p->domains[i].off_floor >= above)
            sum_add(&rest, -p->floor);
        else
            top = fmaxl(top, p->domains[i].h);
    }
    for (size_t i = 0; i < p->n; i++)
        if (p->domains[i].at_cap >= above && p->domains[i].off_floor < above)
            sum_add(&sum, expl((p->domains[i].h - top) / p->temperature));
    for (size_t i = 0; i < p->n; i++) {
        const struct domain *d = &p->domains[i];

        if (d->at_cap < above)
            ret[i] = (double)p->cap;
        else if (d->off_floor >= above)
            ret[i] = (double)p->floor;
        else
            ret[i] = (double)clip(expl((d->h - top) / p->temperature) * (sum_total(&rest) / sum_total(&sum)), p->floor,
                                  p->cap);
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
    long double max = largest(entropy, n);
    struct problem p = {
        calloc(n, sizeof(*p.domains)), calloc(n, 2 * sizeof(*p.points)), n, opt->temperature, opt->floor, opt->cap};
    bool has_memory = p.domains && p.points;

    if (has_memory) {
        for (size_t i = 0; i < n; i++)
            p.domains[i].h = entropy[i] - max;
        sort_breakpoints(&p);
        fill_proportions(&p, find_mass_of_one(&p), ret);
    }
    free(p.domains);
    free(p.points);
    return has_memory ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "out of memory for the weights of %zu domains", n);
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

/* A floor of 0 and a cap of 1 hold nothing. */
static bool is_free(double proportion, size_t n, const struct emx_weights_options *opt)
{
    return (proportion > opt->floor || opt->floor <= 0) && (proportion < opt->cap || opt->cap >= 1) &&
           (double)n * opt->floor < 1 && (double)n * opt->cap > 1;
}

void emx_weights_errors(const double *proportion, const double *entropy_error, size_t n_domains,
                        const struct emx_weights_options *opt, double *ret_error)
{
    struct sum mass = {0};
    long double before = 0, after = 0, all;

    for (size_t i = 0; i < n_domains; i++)
        sum_add(&mass, is_free(proportion[i], n_domains, opt) ? proportion[i] : 0);
    all = sum_total(&mass);
    /* The others' part is summed from both ends: a difference from the sum of all would leave only rounding where one
     * domain has nearly everything. */
    for (size_t i = n_domains; i-- > 0;) {
        ret_error[i] = (double)after;
        if (is_free(proportion[i], n_domains, opt))
            after += powl(proportion[i] / all * entropy_error[i], 2);
    }
    for (size_t i = 0; i < n_domains; i++) {
        long double others = before + ret_error[i], q = proportion[i] / all;

        ret_error[i] = 0;
        if (!is_free(proportion[i], n_domains, opt))
            continue;
        ret_error[i] = (double)(proportion[i] / opt->temperature * sqrtl(powl((1 - q) * entropy_error[i], 2) + others));
        before += powl(q * entropy_error[i], 2);
    }
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
