/*
 * estimators.c - what all estimators share: which there are, standard errors, the entropies of a domain
 */
#include "entropy/estimator.h"
#include "util/sum.h"
#include <emx/entropy.h>

#include <stddef.h>

static const struct estimator *const estimators[EMX_N_ESTIMATORS] = {
    [EMX_ESTIMATOR_PLUGIN] = &estimator_plugin,           [EMX_ESTIMATOR_MILLER_MADOW] = &estimator_miller_madow,
    [EMX_ESTIMATOR_CHAO_SHEN] = &estimator_chao_shen,     [EMX_ESTIMATOR_GRASSBERGER] = &estimator_grassberger,
    [EMX_ESTIMATOR_GOOD_TURING] = &estimator_good_turing, [EMX_ESTIMATOR_SHRINKAGE] = &estimator_shrinkage,
};

const char *emx_estimator_name(enum emx_estimator e)
{
    return (unsigned)e < EMX_N_ESTIMATORS ? estimators[e]->name : NULL;
}

/* Check `how` against the spectrum, and find the estimator. */
static enum emx_status choose(const struct emx_spectrum *s, const struct emx_estimation *how,
                              const struct estimator **ret)
{
    if ((unsigned)how->estimator >= EMX_N_ESTIMATORS)
        return EMX_ERR_ARG;
    *ret = estimators[how->estimator];
    if (how->sample == 0)
        return EMX_OK;
    if (how->estimator != EMX_ESTIMATOR_PLUGIN)
        return EMX_ERR_ARG;
    *ret = &estimator_rarefied;
    return how->sample <= s->n_total ? EMX_OK : EMX_ERR_RANGE;
}

static long double mass(const struct emx_spectrum *s, size_t row)
{
    return (long double)(s->types[row] * s->count[row]);
}

/* sum n D / N */
static long double mean_influence(const struct estimator *estimator, const struct estimate *e)
{
    struct sum sum = {0};

    for (size_t i = 0; i < e->s->len; i++)
        sum_add(&sum, mass(e->s, i) * estimator->influence(e, i));
    return sum_total(&sum) / (long double)e->s->n_total;
}

static long double standard_error(const struct estimator *estimator, const struct estimate *e)
{
    long double mean = estimator->variance ? 0 : mean_influence(estimator, e);
    struct sum sum = {0};

    if (estimator->variance)
        return sqrtl(estimator->variance(e));

    for (size_t i = 0; i < e->s->len; i++) {
        long double d = estimator->influence(e, i) - mean;

        sum_add(&sum, mass(e->s, i) * d * d);
    }
    return sqrtl(sum_total(&sum));
}

enum emx_status emx_estimate_entropy(const struct emx_spectrum *s, const struct emx_estimation *how,
                                     struct emx_estimate *ret)
{
    const struct estimator *estimator;
    struct estimate e = {.s = s, .how = how};
    enum emx_status status = choose(s, how, &estimator);

    if (status != EMX_OK)
        return status;
    *ret = (struct emx_estimate){0, 0};
    if (s->n_total < 2)
        return EMX_OK;
    estimator->prepare(&e);
    *ret = (struct emx_estimate){(double)e.value, (double)standard_error(estimator, &e)};
    return EMX_OK;
}

enum emx_status emx_estimate_influence(const struct emx_spectrum *s, const struct emx_estimation *how, double *ret)
{
    const struct estimator *estimator;
    struct estimate e = {.s = s, .how = how};
    enum emx_status status = choose(s, how, &estimator);

    if (status != EMX_OK)
        return status;
    if (s->n_total >= 2)
        estimator->prepare(&e);
    for (size_t i = 0; i < s->len; i++)
        ret[i] = s->n_total >= 2 ? (double)estimator->influence(&e, i) : 0;
    return EMX_OK;
}

struct emx_estimation estimation_of_pairs(const struct emx_estimation *how)
{
    struct emx_estimation pairs = *how;

    if (__builtin_mul_overflow(how->alphabet, how->alphabet, &pairs.alphabet))
        pairs.alphabet = UINT64_MAX;
    return pairs;
}

enum emx_status emx_estimates_compute(const struct emx_spectrum *tokens, const struct emx_spectrum *pairs,
                                      const struct emx_spectrum *firsts, const struct emx_estimation *how,
                                      struct emx_estimates *ret)
{
    struct emx_estimation of_pairs = estimation_of_pairs(how);
    struct emx_estimates r;
    enum emx_status status = pairs->n_total == firsts->n_total ? EMX_OK : EMX_ERR_ARG;

    if (status == EMX_OK)
        status = emx_estimate_entropy(tokens, how, &r.shannon);
    if (status == EMX_OK)
        status = emx_estimate_entropy(pairs, &of_pairs, &r.joint);
    if (status == EMX_OK)
        status = emx_estimate_entropy(firsts, how, &r.first);
    if (status != EMX_OK)
        return status;
    r.conditional.value = r.joint.value - r.first.value;
    r.conditional.standard_error = r.joint.standard_error + r.first.standard_error;
    if (how->estimator == EMX_ESTIMATOR_PLUGIN && how->sample == 0)
        r.conditional.value = emx_entropy_conditional(pairs, firsts);
    *ret = r;
    return EMX_OK;
}
