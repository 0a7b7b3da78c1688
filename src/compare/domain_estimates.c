/*
 * domain_estimates.c - estimates of a domain of a state file, conditional entropy's error from its table of pairs
 *
 * What a pair (x, y) does to JE - H(first) is D(n_xy) - D'(n_x), with the influences of either estimate.  With both
 * less their means, the variance is
 *
 *     sum_xy n_xy (D(n_xy) - D'(n_x))^2 = error(JE)^2 + error(first)^2 - 2 sum_x D'(n_x) sum_y n_xy D(n_xy)
 *
 * of which only the last sum needs the table: it is read once, row after row.  There, the errors are those that
 * influences give; where an estimator has its own, that of the difference is in the same ratio to them as that of JE.
 */
#include "entropy/estimator.h"
#include "state/pair_cursor.h"
#include "util/sum.h"

#include <inttypes.h>
#include <stdlib.h>

/* Counts below this find their influence at once, the others by search. */
#define NEAR_COUNTS 4096u

/* Influence by count, less its mean. */
struct influences {
    const struct emx_spectrum *s;
    long double variance;
    double *by_row;           /* [s->len] */
    double near[NEAR_COUNTS]; /* of counts that occur */
};

static long double mass(const struct emx_spectrum *s, size_t row)
{
    return (long double)(s->types[row] * s->count[row]);
}

static void subtract_mean(struct influences *f)
{
    struct sum sum = {0}, squares = {0};
    double mean;

    for (size_t i = 0; i < f->s->len; i++)
        sum_add(&sum, mass(f->s, i) * (long double)f->by_row[i]);
    mean = (double)(sum_total(&sum) / (long double)f->s->n_total);
    for (size_t i = 0; i < f->s->len; i++) {
        f->by_row[i] -= mean;
        if (f->s->count[i] < NEAR_COUNTS)
            f->near[f->s->count[i]] = f->by_row[i];
        sum_add(&squares, mass(f->s, i) * (long double)f->by_row[i] * (long double)f->by_row[i]);
    }
    f->variance = sum_total(&squares);
}

static enum emx_status influences_create(const struct emx_spectrum *s, const struct emx_estimation *how,
                                         struct influences **ret)
{
    struct influences *f = calloc(1, sizeof(*f));
    enum emx_status status;

    *ret = f;
    if (!f)
        return EMX_ERR_MEMORY;
    f->s = s;
    f->by_row = calloc(s->len + 1, sizeof(*f->by_row));
    if (!f->by_row)
        return EMX_ERR_MEMORY;
    status = emx_estimate_influence(s, how, f->by_row);
    if (status == EMX_OK)
        subtract_mean(f);
    return status;
}

static void influences_destroy(struct influences *f)
{
    if (f)
        free(f->by_row);
    free(f);
}

/* 0 for a count that no type has: the table is then not that of the spectrum, which verifying a state would tell. */
static double influence_of(const struct influences *f, uint64_t count)
{
    size_t low = 0, high = f->s->len;

    if (count < NEAR_COUNTS)
        return f->near[count];
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (f->s->count[middle] < count)
            low = middle + 1;
        else
            high = middle;
    }
    return low < f->s->len && f->s->count[low] == count ? f->by_row[low] : 0;
}

/* The pairs of one first token, summed up. */
struct row_sum {
    uint32_t first;
    uint64_t count;       /* n_x */
    long double weighted; /* sum_y n_xy D(n_xy) */
};

static void close_row(struct row_sum *row, const struct influences *firsts, struct sum *covariance)
{
    if (row->count)
        sum_add(covariance, row->weighted * (long double)influence_of(firsts, row->count));
    *row = (struct row_sum){0};
}

static enum emx_status sum_covariance(struct emx_pair_cursor *c, const struct influences *pairs,
                                      const struct influences *firsts, long double *ret, struct emx_error *err)
{
    struct row_sum row = {0};
    struct sum covariance = {0};
    const struct emx_pair_count *rows;
    size_t n;

    do {
        enum emx_status status = pair_cursor_rows(c, &rows, &n, err);

        if (status != EMX_OK)
            return status;
        for (size_t i = 0; i < n; i++) {
            if (rows[i].first != row.first)
                close_row(&row, firsts, &covariance);
            row.first = rows[i].first;
            row.count += rows[i].count;
            row.weighted += (long double)rows[i].count * (long double)influence_of(pairs, rows[i].count);
        }
    } while (n);
    close_row(&row, firsts, &covariance);
    *ret = sum_total(&covariance);
    return EMX_OK;
}

/* The variance of JE - H(first), joint_error being that of JE. */
static enum emx_status variance(struct emx_state *s, size_t domain, const struct emx_estimation *of_pairs,
                                const struct emx_estimation *of_firsts, long double joint_error, long double *ret,
                                struct emx_error *err)
{
    const struct emx_domain *d = emx_state_domain(s, domain);
    struct influences *pairs = NULL, *firsts = NULL;
    struct emx_pair_cursor *cursor = NULL;
    long double common = 0;
    enum emx_status status = influences_create(&d->pairs, of_pairs, &pairs);

    if (status == EMX_OK)
        status = influences_create(&d->firsts, of_firsts, &firsts);
    if (status != EMX_OK) {
        status = emx_fail(err, status, "%s: out of memory", state_name(s));
    } else {
        status = emx_pair_cursor_create(s, domain, &cursor, err);
        if (status == EMX_OK)
            status = sum_covariance(cursor, pairs, firsts, &common, err);
    }
    if (status == EMX_OK)
        *ret = fmaxl(0, pairs->variance + firsts->variance - 2 * common) *
               (pairs->variance > 0 ? joint_error * joint_error / pairs->variance : 1);
    emx_pair_cursor_destroy(&cursor);
    influences_destroy(pairs);
    influences_destroy(firsts);
    return status;
}

/* `how` with the domain's own alphabet. */
static struct emx_estimation of_domain(const struct emx_domain *d, const struct emx_estimation *how)
{
    struct emx_estimation own = *how;

    if (own.alphabet == 0)
        own.alphabet = d->settings.vocabulary ? d->settings.vocabulary : (uint64_t)d->max_token + 1;
    return own;
}

/* It has no more pairs than tokens. */
static enum emx_status check_sample(const struct emx_domain *d, uint64_t sample, struct emx_error *err)
{
    if (sample <= d->pairs.n_total)
        return EMX_OK;
    return emx_fail(err, EMX_ERR_RANGE, "domain %s has %" PRIu64 " pairs, fewer than the %" PRIu64 " asked for",
                    d->name, d->pairs.n_total, sample);
}

enum emx_status emx_estimate_domain(struct emx_state *s, size_t domain, const struct emx_estimation *how,
                                    struct emx_estimates *ret, struct emx_error *err)
{
    const struct emx_domain *d = emx_state_domain(s, domain);
    struct emx_estimation own = of_domain(d, how), squared = estimation_of_pairs(&own);
    struct emx_estimates r;
    long double square = 0;
    enum emx_status status = check_sample(d, how->sample, err);

    if (status != EMX_OK)
        return status;
    if (!emx_estimator_name(how->estimator))
        return emx_fail(err, EMX_ERR_ARG, "there is no estimator of number %d", (int)how->estimator);
    if (emx_estimates_compute(&d->tokens, &d->pairs, &d->firsts, &own, &r) != EMX_OK)
        return emx_fail(err, EMX_ERR_ARG, "a sample of tokens goes with the plug-in estimator only");
    status = d->pairs.n_total < 2 ? EMX_OK : variance(s, domain, &squared, &own, r.joint.standard_error, &square, err);
    if (status != EMX_OK)
        return status;
    r.conditional.standard_error = (double)sqrtl(square);
    *ret = r;
    return EMX_OK;
}
