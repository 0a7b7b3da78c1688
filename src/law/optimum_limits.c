/* optimum_limits.c - bounds on proportions: what admits a mixture, and which mixture is optimal within them */
#include "law/optimum_limits.h"
#include "util/sum.h"

#include <float.h>
#include <math.h>

static enum emx_status check_bounds(const struct box *b, size_t j, struct emx_error *err)
{
    double lo = box_lo(b, j), hi = b->hi ? b->hi[j] : 1;

    if (!(lo >= 0 && lo <= 1))
        return emx_fail(err, EMX_ERR_ARG, "the least proportion of domain %zu of %zu, %g, is not between 0 and 1",
                        j + 1, b->n, lo);
    if (!(hi >= 0))
        return emx_fail(err, EMX_ERR_ARG, "the greatest proportion of domain %zu of %zu, %g, is not 0 or above", j + 1,
                        b->n, hi);
    if (lo > hi)
        return emx_fail(err, EMX_ERR_ARG, "the least proportion of domain %zu of %zu, %g, is above its greatest, %g",
                        j + 1, b->n, lo, hi);
    return EMX_OK;
}

/* Bounds typed as decimals may sum to 1 but for rounding. */
static enum emx_status find_theta(struct box *b, struct emx_error *err)
{
    struct sum lo = {0}, hi = {0};
    long double slack = (long double)b->n * DBL_EPSILON;

    for (size_t j = 0; j < b->n; j++) {
        sum_add(&lo, box_lo(b, j));
        sum_add(&hi, box_hi(b, j));
    }
    if (sum_total(&lo) > 1 + slack)
        return emx_fail(err, EMX_ERR_ARG, "the least proportions sum to %.6Lg: no mixture is within the bounds",
                        sum_total(&lo));
    if (sum_total(&hi) < 1 - slack)
        return emx_fail(err, EMX_ERR_ARG, "the greatest proportions sum to %.6Lg: no mixture is within the bounds",
                        sum_total(&hi));
    if (sum_total(&lo) >= 1 - slack)
        b->theta = 0;
    else if (sum_total(&hi) <= 1 + slack)
        b->theta = 1;
    else
        b->theta = (double)((1 - sum_total(&lo)) / (sum_total(&hi) - sum_total(&lo)));
    return EMX_OK;
}

static enum emx_status check_prior(const struct emx_optimum_limits *l, size_t n, struct emx_error *err)
{
    struct sum sum = {0};

    if (!(l->strength == 0 || (l->strength >= 1e-100 && l->strength <= 1e100)))
        return emx_fail(err, EMX_ERR_RANGE, "the strength of the prior, %g, is neither 0 nor between 1e-100 and 1e100",
                        l->strength);
    if (!l->prior)
        return l->strength == 0 ? EMX_OK : emx_fail(err, EMX_ERR_ARG, "a prior's strength is given, but no prior");
    for (size_t j = 0; j < n; j++) {
        if (!(l->prior[j] > 0 && l->prior[j] <= 1))
            return emx_fail(err, EMX_ERR_ARG, "the prior of domain %zu of %zu, %g, is not above 0 and at most 1", j + 1,
                            n, l->prior[j]);
        sum_add(&sum, l->prior[j]);
    }
    if (fabsl(sum_total(&sum) - 1) > 1e-6L)
        return emx_fail(err, EMX_ERR_ARG, "the prior sums to %.9Lg, not 1", sum_total(&sum));
    return EMX_OK;
}

enum emx_status box_init(const struct emx_optimum_limits *limits, size_t n, struct box *ret, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    *ret = (struct box){n, limits->lo, limits->hi, 0};
    if (n == 0)
        return emx_fail(err, EMX_ERR_EMPTY, "there is no domain to give a proportion");
    for (size_t j = 0; j < n && status == EMX_OK; j++)
        status = check_bounds(ret, j, err);
    if (status == EMX_OK)
        status = check_prior(limits, n, err);
    return status == EMX_OK ? find_theta(ret, err) : status;
}

double box_violation(const struct box *b, size_t j, double r, struct marginal m, double lambda)
{
    double lo = box_lo(b, j), hi = box_hi(b, j), v = m.value - lambda;

    if (lo == hi || (r <= lo && v < 0) || (r >= hi && v > 0) || v == 0)
        return 0;
    return fabs(v) / (fabs(lambda) + m.scale);
}

double box_sum_violation(const double *r, size_t n)
{
    struct sum sum = {.value = -1};

    for (size_t j = 0; j < n; j++)
        sum_add(&sum, r[j]);
    return (double)fabsl(sum_total(&sum));
}

/* Between `low` and `high`, either of which may be infinite. */
static double middle(double low, double high)
{
    if (isinf(low))
        return isinf(high) ? 0 : high;
    return isinf(high) ? low : low / 2 + high / 2;
}

double box_multiplier(const struct box *b, const double *r, const struct marginal *m)
{
    double least = INFINITY, greatest = -INFINITY; /* of domains between their bounds */
    double low = -INFINITY, high = INFINITY;       /* what domains at their bounds allow */

    for (size_t j = 0; j < b->n; j++) {
        bool at_lo = r[j] <= box_lo(b, j), at_hi = r[j] >= box_hi(b, j);

        if (!at_lo && !at_hi) {
            least = fmin(least, m[j].value);
            greatest = fmax(greatest, m[j].value);
        } else if (at_lo && !at_hi) {
            low = fmax(low, m[j].value);
        } else if (at_hi && !at_lo) {
            high = fmin(high, m[j].value);
        }
    }
    return least <= greatest ? middle(least, greatest) : middle(low, high);
}

enum emx_status emx_epoch_caps(const double *tokens, size_t n, double max_epochs, double total_tokens, double *ret_hi,
                               struct emx_error *err)
{
    struct sum sum = {0};

    if (!(max_epochs > 0 && isfinite(max_epochs)))
        return emx_fail(err, EMX_ERR_ARG, "the number of epochs, %g, is not above 0", max_epochs);
    if (!(total_tokens > 0 && isfinite(total_tokens)))
        return emx_fail(err, EMX_ERR_ARG, "the number of tokens to train on, %g, is not above 0", total_tokens);
    for (size_t j = 0; j < n; j++) {
        if (!(tokens[j] >= 0 && isfinite(tokens[j])))
            return emx_fail(err, EMX_ERR_ARG, "domain %zu of %zu cannot have %g tokens", j + 1, n, tokens[j]);
        sum_add(&sum, tokens[j]);
    }
    if (max_epochs * sum_total(&sum) < total_tokens)
        return emx_fail(err, EMX_ERR_ARG, "%g tokens are asked for, but all domains have %Lg: %.3Lg epochs, not %g",
                        total_tokens, sum_total(&sum), total_tokens / sum_total(&sum), max_epochs);
    for (size_t j = 0; j < n; j++)
        ret_hi[j] = fmin(1, max_epochs * tokens[j] / total_tokens);
    return EMX_OK;
}
