/*
 * optimum.c - the optimum of a fitted law: how certain it is, how far from what was observed, and what it gains
 *
 * Each draw of the law's coefficients is optimised anew: quantiles of its proportions are the intervals of the
 * optimum.  Scores, that of the best observed mixture and its distance to the optimum's, are at fixed mixtures.
 */
#include "law/optimum_law.h"
#include "law/quantile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a domain that is given nothing and loses nothing by it: laws have no value at 0 itself. */
static const double NEXT_TO_NOTHING = 1e-12;

struct finding {
    struct law_problem problem;
    struct emx_optimum *o;
    double level;
    double *draws;                 /* [n_domains][n_draws] proportions */
    double *score, *best, *margin; /* [n_draws] */
    double *mixture;               /* [n_domains] scratch */
};

static double part_of(const struct finding *f, bool high)
{
    return 0.5 * (high ? 1 + f->level : 1 - f->level);
}

/* Sorts values[n_draws]. */
static void set_quantiles(const struct finding *f, double *values, double *ret_lo, double *ret_hi)
{
    size_t n = f->o->n_draws;

    quantile_sort(values, n);
    *ret_lo = n ? quantile_of(values, n, part_of(f, false)) : (double)NAN;
    *ret_hi = n ? quantile_of(values, n, part_of(f, true)) : (double)NAN;
}

static enum emx_optimum_place place_of(const struct finding *f, size_t j)
{
    const struct emx_optimum_limits *l = &f->problem.options->limits;
    double r = f->o->proportion[j];

    if (law_problem_is_indifferent(&f->problem, j) && !(l->strength > 0))
        return EMX_OPTIMUM_INDIFFERENT;
    if (r <= (l->lo ? l->lo[j] : 0))
        return EMX_OPTIMUM_AT_LO;
    return r >= (l->hi ? l->hi[j] : 1) ? EMX_OPTIMUM_AT_HI : EMX_OPTIMUM_FREE;
}

static void compare_with_observed(struct finding *f, size_t j)
{
    const struct emx_law *law = f->problem.law;
    struct emx_optimum_domain *d = &f->o->domains[j];

    d->observed_lo = INFINITY;
    d->observed_hi = -INFINITY;
    for (size_t i = 0; i < law->n_mixtures; i++) {
        d->observed_lo = fmin(d->observed_lo, law->proportion[i * law->n_domains + j]);
        d->observed_hi = fmax(d->observed_hi, law->proportion[i * law->n_domains + j]);
    }
    /* What a table rounds is not outside. */
    f->o->n_outside += d->proportion < d->observed_lo * (1 - 1e-6) || d->proportion > d->observed_hi * (1 + 1e-6);
}

static enum emx_status optimise(struct finding *f, struct emx_error *err)
{
    struct emx_optimum *o = f->o;
    enum emx_status status = law_problem_solve(&f->problem, NULL, o->proportion, &o->certificate, err);

    for (size_t j = 0; j < o->n_domains && status == EMX_OK; j++) {
        o->domains[j].proportion = o->proportion[j];
        o->domains[j].place = place_of(f, j);
        compare_with_observed(f, j);
    }
    return status;
}

/* Where a scored domain has no share, the law is asked next to it. */
static const double *mixture_with_values(struct finding *f)
{
    const struct emx_law *law = f->problem.law;

    memcpy(f->mixture, f->o->proportion, law->n_domains * sizeof(*f->mixture));
    for (size_t k = 0; k < law->n_scored; k++) {
        double *r = &f->mixture[law->scored[k]];

        *r = fmax(*r, NEXT_TO_NOTHING);
    }
    return f->mixture;
}

static enum emx_status predict(struct finding *f, struct emx_error *err)
{
    const struct emx_law *law = f->problem.law;
    const double *mixture = mixture_with_values(f);
    double step = f->problem.options->step;
    enum emx_status status = emx_law_predict(law, mixture, step, f->level, f->o->predicted, err);

    if (status == EMX_OK)
        status = emx_law_leverage(law, mixture, step, f->o->leverage, err);
    for (size_t k = 0; k < law->n_scored && status == EMX_OK; k++)
        if (f->o->leverage[k].verdict > f->o->verdict)
            f->o->verdict = f->o->leverage[k].verdict;
    return status;
}

static const double *observed(const struct finding *f, size_t i)
{
    return f->problem.law->proportion + i * f->problem.law->n_domains;
}

static void find_best_observed(struct finding *f)
{
    f->o->score.value = law_problem_score(&f->problem, NULL, f->o->proportion);
    f->o->best_score.value = INFINITY;
    for (size_t i = 0; i < f->problem.law->n_mixtures; i++) {
        double score = law_problem_score(&f->problem, NULL, observed(f, i));

        if (score < f->o->best_score.value) {
            f->o->best_score.value = score;
            f->o->best_observed = i;
        }
    }
}

static enum emx_status draw(struct finding *f, size_t i, struct emx_error *err)
{
    const struct emx_law *law = f->problem.law;
    const double *coefficient = law->draw + i * law->n_scored * law->n_coefficients;
    enum emx_status status = law_problem_solve(&f->problem, coefficient, f->mixture, NULL, err);

    for (size_t j = 0; j < law->n_domains; j++)
        f->draws[j * law->n_draws + i] = f->mixture[j];
    f->score[i] = law_problem_score(&f->problem, coefficient, f->o->proportion);
    f->best[i] = law_problem_score(&f->problem, coefficient, observed(f, f->o->best_observed));
    f->margin[i] = f->best[i] - f->score[i];
    return status;
}

static enum emx_status set_intervals(struct finding *f, struct emx_error *err)
{
    struct emx_optimum *o = f->o;
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < o->n_draws && status == EMX_OK; i++)
        status = draw(f, i, err);
    if (status != EMX_OK)
        return status;
    for (size_t j = 0; j < o->n_domains; j++)
        set_quantiles(f, f->draws + j * o->n_draws, &o->domains[j].lo, &o->domains[j].hi);
    set_quantiles(f, f->score, &o->score.lo, &o->score.hi);
    set_quantiles(f, f->best, &o->best_score.lo, &o->best_score.hi);
    set_quantiles(f, f->margin, &o->margin_lo, &o->margin_hi);
    return EMX_OK;
}

static bool create(struct finding *f, const struct emx_law *law)
{
    struct emx_optimum *o = f->o = calloc(1, sizeof(*o));

    f->draws = calloc((law->n_domains + 3) * law->n_draws + law->n_domains + 1, sizeof(*f->draws));
    if (!o || !f->draws)
        return false;
    f->score = f->draws + law->n_domains * law->n_draws;
    f->best = f->score + law->n_draws;
    f->margin = f->best + law->n_draws;
    f->mixture = f->margin + law->n_draws;
    o->n_domains = law->n_domains;
    o->n_scored = law->n_scored;
    o->n_draws = law->n_draws;
    o->proportion = calloc(law->n_domains, sizeof(*o->proportion));
    o->domains = calloc(law->n_domains, sizeof(*o->domains));
    o->predicted = calloc(law->n_scored, sizeof(*o->predicted));
    o->leverage = calloc(law->n_scored, sizeof(*o->leverage));
    return o->proportion && o->domains && o->predicted && o->leverage;
}

static enum emx_status run(struct finding *f, struct emx_error *err)
{
    enum emx_status status = optimise(f, err);

    if (status == EMX_OK)
        status = predict(f, err);
    if (status != EMX_OK)
        return status;
    find_best_observed(f);
    return set_intervals(f, err);
}

enum emx_status emx_optimum_find(const struct emx_law *law, const struct emx_optimum_options *options,
                                 struct emx_optimum **ret, struct emx_error *err)
{
    struct finding f = {.level = options->level > 0 ? options->level : 0.95};
    enum emx_status status = law_problem_init(&f.problem, law, options, err);

    if (status != EMX_OK)
        return status;
    status = create(&f, law)
                 ? run(&f, err)
                 : emx_fail(err, EMX_ERR_MEMORY, "out of memory for the optimum of %zu domains and %zu draws",
                            law->n_domains, law->n_draws);
    law_problem_finish(&f.problem);
    free(f.draws);
    if (status == EMX_OK)
        *ret = f.o;
    else
        emx_optimum_destroy(&f.o);
    return status;
}

void emx_optimum_destroy(struct emx_optimum **o)
{
    if (!*o)
        return;
    free((*o)->proportion);
    free((*o)->domains);
    free((*o)->predicted);
    free((*o)->leverage);
    free(*o);
    *o = NULL;
}
