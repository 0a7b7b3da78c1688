/*
 * fit.c - fit a law to a table: each scored domain by itself, its error bars, draws of mixtures
 *
 * Domains, and then draws, are items that threads take; what an item gives depends on its number alone.
 */
#include "law/fit.h"

#include "law/errors.h"
#include "law/fitter.h"
#include "law/random.h"
#include "law/strength.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_STARTS 16
#define DEFAULT_HUBER 0.01
#define STARTS_LIMIT ((size_t)1 << 20)

struct fit {
    const struct sample *sample;
    struct emx_law_options options;
    struct emx_law *law;
    const struct placement *placement;
    struct placement *own_placement;
    struct fitter *fitters; /* [n_threads] */
    unsigned n_threads;
};

static bool has_grid(enum emx_law_form form)
{
    return form == EMX_LAW_BIMIX || form == EMX_LAW_BLIND;
}

static enum emx_status take_options(const struct emx_law_options *given, struct emx_law_options *ret,
                                    struct emx_error *err)
{
    *ret = *given;
    if ((unsigned)ret->form >= EMX_LAW_N_FORMS || (unsigned)ret->loss > EMX_LAW_HUBER ||
        (unsigned)ret->method > EMX_LAW_MULTI)
        return emx_fail(err, EMX_ERR_ARG, "no such law, loss or method");
    if (ret->huber_scale == 0)
        ret->huber_scale = DEFAULT_HUBER;
    if (!(ret->huber_scale > 0 && isfinite(ret->huber_scale)))
        return emx_fail(err, EMX_ERR_ARG, "scale of the Huber loss must be above 0, not %g", given->huber_scale);
    if (ret->n_starts == 0)
        ret->n_starts = DEFAULT_STARTS;
    if (ret->n_starts > STARTS_LIMIT)
        return emx_fail(err, EMX_ERR_ARG, "%zu starts are more than %zu", ret->n_starts, STARTS_LIMIT);
    if (ret->method == EMX_LAW_AUTO)
        ret->method = has_grid(ret->form) ? EMX_LAW_VARPRO : EMX_LAW_MULTI;
    if (ret->method == EMX_LAW_VARPRO && !has_grid(ret->form))
        return emx_fail(err, EMX_ERR_ARG, "variable projection does not fit the %s law: trf or multi-start does",
                        emx_law_form_name(ret->form));
    return EMX_OK;
}

static enum emx_status check_prior(const struct sample *s, const struct emx_law_options *o, struct emx_error *err)
{
    size_t m = s->n_domains;

    if (!o->prior)
        return EMX_OK;
    if (o->form != EMX_LAW_BIMIX_TRANSFER)
        return emx_fail(err, EMX_ERR_ARG, "a prior for transfer goes with the bimix-transfer law, not with %s",
                        emx_law_form_name(o->form));
    if (o->prior_strength != 0 && !prior_is_strength(o->prior_strength))
        return emx_fail(err, EMX_ERR_ARG, "strength of a prior cannot be %g", o->prior_strength);
    for (size_t i = 0; i < m * m; i++)
        if (i % (m + 1) != 0 && !prior_is_overlap(o->prior[i]))
            return emx_fail(err, EMX_ERR_ARG, "prior of domains %s and %s cannot be %g", s->table->domains[i / m],
                            s->table->domains[i % m], o->prior[i]);
    return EMX_OK;
}

static enum emx_status check_zeros(const struct sample *s, enum emx_law_form form, struct emx_error *err)
{
    const struct emx_observations *o = s->table;

    if (!form_is_power(form))
        return EMX_OK;
    for (size_t r = 0; r < s->n_rows; r++)
        for (size_t k = 0; k < s->n_scored; k++)
            if (!(o->proportion[s->mixture[r] * o->n_domains + o->scored[k]] > 0))
                return emx_fail(err, EMX_ERR_RANGE,
                                "proportion of domain %s in mixture %s is 0, where the %s law has no value",
                                o->domains[o->scored[k]], o->mixtures[s->mixture[r]], emx_law_form_name(form));
    return EMX_OK;
}

static enum emx_status describe_sample(const struct sample *s, struct emx_law *law, struct emx_error *err)
{
    for (size_t j = 0; j < s->n_domains; j++) {
        law->domains[j] = strdup(s->table->domains[j]);
        if (!law->domains[j])
            return emx_fail(err, EMX_ERR_MEMORY, "no memory for a law of %zu domains", s->n_domains);
    }
    memcpy(law->scored, s->table->scored, s->n_scored * sizeof *law->scored);
    memcpy(law->steps, s->steps, s->n_steps * sizeof *law->steps);
    memcpy(law->proportion, s->table->proportion, s->n_mixtures * s->n_domains * sizeof *law->proportion);
    memcpy(law->mixture, s->mixture, s->n_rows * sizeof *law->mixture);
    memcpy(law->step, s->step, s->n_rows * sizeof *law->step);
    law->step_unit = s->step_unit;
    return EMX_OK;
}

static enum emx_status create_law(const struct sample *s, const struct emx_law_options *o, struct emx_law **ret,
                                  struct emx_error *err)
{
    const struct emx_law_shape shape = {.form = o->form,
                                        .n_domains = s->n_domains,
                                        .n_scored = s->n_scored,
                                        .n_mixtures = s->n_mixtures,
                                        .n_rows = s->n_rows,
                                        .n_steps = s->n_steps,
                                        .n_draws = o->n_draws};
    struct emx_law *law = NULL;
    enum emx_status status = emx_law_create(&shape, &law, err);

    if (status)
        return status;
    law->loss = o->loss;
    law->huber_scale = o->loss == EMX_LAW_HUBER ? o->huber_scale : 0;
    law->seed = o->seed;
    status = describe_sample(s, law, err);
    if (status)
        emx_law_destroy(&law);
    else
        *ret = law;
    return status;
}

/* ---- threads ---- */

/* Multiplications from which threads pay: below, finding out about the machine takes longer than the fits. */
#define WORTH_THREADS 2e8
/* Evaluations of a fit, about. */
#define EVALUATIONS 20.0

static bool is_worth_threads(const struct fit *f)
{
    const struct emx_law_options *o = &f->options;
    double p = (double)emx_law_n_coefficients(o->form, f->sample->n_domains, 1), rows = (double)f->sample->n_rows;
    size_t each = o->n_draws + (o->method == EMX_LAW_MULTI ? o->n_starts : 1) + (o->prior ? STRENGTH_FITS : 0);
    double fits = (double)f->sample->n_scored * (double)each;

    if (has_grid(o->form) && o->loss == EMX_LAW_LOG)
        rows = (double)f->sample->n_steps + 1;
    return o->n_threads != 1 && fits * EVALUATIONS * rows * p * (p + 3) > WORTH_THREADS;
}

static enum emx_status create_fitters(struct fit *f, struct emx_error *err)
{
    enum emx_status status = EMX_OK;
    bool failed = false;

    f->placement = placement_here();
    if (is_worth_threads(f)) {
        status = placement_create(NULL, f->options.n_threads, false, &f->own_placement, err);
        if (status)
            return status;
        f->placement = f->own_placement;
    }
    f->n_threads = placement_n_threads(f->placement);
    f->fitters = calloc(f->n_threads, sizeof *f->fitters);
    for (unsigned t = 0; f->fitters && t < f->n_threads; t++)
        failed |= !fitter_init(&f->fitters[t], f->sample, &f->options);
    if (!f->fitters || failed)
        return emx_fail(err, EMX_ERR_MEMORY, "no memory to fit a law to %zu rows", f->sample->n_rows);
    return EMX_OK;
}

static void destroy_fitters(struct fit *f)
{
    for (unsigned t = 0; f->fitters && t < f->n_threads; t++)
        fitter_finish(&f->fitters[t]);
    free(f->fitters);
    placement_destroy(&f->own_placement);
}

/* ---- prior ---- */

static void take_prior(struct fit *f, struct pull pull)
{
    struct emx_law *law = f->law;
    size_t m = law->n_domains;

    for (unsigned t = 0; t < f->n_threads; t++)
        model_set_prior(f->fitters[t].model, f->options.prior, pull);
    law->prior_strength = pull.strength;
    law->prior_factor = pull.strength > 0 ? pull.factor : 0;
    for (size_t k = 0; pull.strength > 0 && k < law->n_scored; k++)
        for (size_t j = 0; j < m; j++)
            law->prior[k * m + j] = j != law->scored[k] ? pull.factor * f->options.prior[law->scored[k] * m + j] : 0;
}

static enum emx_status choose_prior(struct fit *f, struct emx_error *err)
{
    struct pull pull = {f->options.prior_strength, 1};
    enum emx_status status = EMX_OK;

    if (!f->options.prior)
        return EMX_OK;
    if (pull.strength == 0)
        status = strength_choose(f->placement, f->fitters, &f->options, &pull, err);
    if (!status)
        take_prior(f, pull);
    return status;
}

/* ---- items ---- */

static void fit_domain(size_t scored, unsigned thread, void *context)
{
    struct fit *f = context;
    struct fitter *fitter = &f->fitters[thread];
    double *coefficient = f->law->coefficient + scored * f->law->n_coefficients;

    f->law->cost[scored] = 0;
    for (size_t part = 0; part < fitter->model->n_parts; part++) {
        model_select(fitter->model, scored, part, NULL);
        f->law->cost[scored] += fitter_search(fitter, &f->options);
        model_to_coefficients(fitter->model, fitter->x, coefficient);
    }
}

/* Draw as many mixtures as there are with rows, with replacement; at least two different ones, if there are. */
static void draw_mixtures(const struct sample *s, uint64_t seed, double *times)
{
    struct random random = {.state = seed};
    size_t n = 0, distinct, different = 0;

    memset(times, 0, s->n_mixtures * sizeof *times);
    for (size_t r = 0; r < s->n_rows; r++)
        times[s->mixture[r]] = 1;
    for (size_t i = 0; i < s->n_mixtures; i++)
        different += times[i] > 0;
    n = different;

    do {
        distinct = 0;
        for (size_t i = 0; i < s->n_mixtures; i++) /* those with rows stay at 1 or more, less 1 below */
            times[i] = times[i] > 0 ? 1 : 0;
        for (size_t d = 0; d < n; d++) {
            size_t chosen = random_below(&random, n), i = 0;

            for (;; i++)
                if (times[i] > 0 && chosen-- == 0)
                    break;
            distinct += times[i] == 1;
            times[i]++;
        }
    } while (distinct < 2 && different >= 2);
    for (size_t i = 0; i < s->n_mixtures; i++)
        times[i] = times[i] > 0 ? times[i] - 1 : 0;
}

static void fit_draw(size_t draw, unsigned thread, void *context)
{
    struct fit *f = context;
    struct fitter *fitter = &f->fitters[thread];
    size_t p = f->law->n_coefficients;

    draw_mixtures(f->sample, random_seed(f->options.seed, draw), fitter->times);
    for (size_t k = 0; k < f->law->n_scored; k++)
        for (size_t part = 0; part < fitter->model->n_parts; part++) {
            model_select(fitter->model, k, part, fitter->times);
            fitter_refine(fitter, f->law->coefficient + k * p);
            model_to_coefficients(fitter->model, fitter->x, f->law->draw + (draw * f->law->n_scored + k) * p);
        }
}

/* ---- error bars ---- */

/* Move what is known of a part's variables to where they are in the whole; returns the part's rank. */
static size_t state_part(struct fit *f, struct errors_work *w, size_t k, double *x, unsigned char *known,
                         double *inverse, double *squares)
{
    struct model *m = f->fitters[0].model;
    struct emx_law *law = f->law;
    size_t p = law->n_coefficients, n = m->n_free;

    model_from_coefficients(m, law->coefficient + k * p, x);

    size_t rank = m->n_rows ? errors_find(w, m, x, known, inverse) : 0;

    if (!m->n_rows)
        memset(known, EMX_LAW_UNDETERMINED, n);
    *squares += m->n_rows ? errors_squares(w, m, x) : 0;
    for (size_t a = 0; a < n; a++) {
        size_t row = model_coefficient(m, a);

        law->known[k * p + row] = known[a];
        for (size_t b = 0; m->n_rows && b < n; b++)
            law->covariance[(k * p + row) * p + model_coefficient(m, b)] = inverse[a * n + b];
    }
    return rank;
}

static void state_errors(struct fit *f, struct errors_work *w, double *x, unsigned char *known, double *inverse)
{
    struct emx_law *law = f->law;
    struct model *m = f->fitters[0].model;
    size_t p = law->n_coefficients;

    for (size_t k = 0; k < law->n_scored; k++) {
        double squares = 0, freedom;
        size_t rank = 0;

        memset(law->known + k * p, EMX_LAW_FIXED, p);
        for (size_t part = 0; part < m->n_parts; part++) {
            model_select(m, k, part, NULL);
            rank += state_part(f, w, k, x, known, inverse, &squares);
        }
        freedom = (double)law->n_rows - (double)rank + prior_share(law, k, 1);
        law->residual_variance[k] = freedom >= 1 ? squares / freedom : 0;
        for (size_t i = 0; i < p * p; i++)
            law->covariance[k * p * p + i] *= law->residual_variance[k];
    }
}

static enum emx_status find_errors(struct fit *f, struct emx_error *err)
{
    size_t n = f->fitters[0].model->n_free;
    struct errors_work *w = errors_work_create(f->fitters[0].model);
    double *numbers = calloc(n + n * n, sizeof *numbers);
    unsigned char *known = calloc(n, 1);
    enum emx_status status = EMX_OK;

    if (w && numbers && known)
        state_errors(f, w, numbers, known, numbers + n);
    else
        status = emx_fail(err, EMX_ERR_MEMORY, "no memory for the errors of a law");
    errors_work_destroy(&w);
    free(numbers);
    free(known);
    return status;
}

static enum emx_status run(struct fit *f, struct emx_error *err)
{
    enum emx_status status = create_fitters(f, err);

    if (!status)
        status = choose_prior(f, err);
    if (!status)
        status = threads_for(f->placement, f->law->n_scored, fit_domain, f, err);
    if (!status)
        status = find_errors(f, err);
    if (!status && f->law->n_draws)
        status = threads_for(f->placement, f->law->n_draws, fit_draw, f, err);
    destroy_fitters(f);
    return status;
}

static enum emx_status fit_sample(const struct sample *s, const struct emx_law_options *options, struct emx_law **ret,
                                  struct emx_error *err)
{
    struct fit f = {.sample = s};
    enum emx_status status = take_options(options, &f.options, err);

    if (!status)
        status = check_prior(s, &f.options, err);
    if (!status)
        status = check_zeros(s, f.options.form, err);
    if (!status)
        status = create_law(s, &f.options, &f.law, err);
    if (!status)
        status = run(&f, err);
    if (status)
        emx_law_destroy(&f.law);
    else
        *ret = f.law;
    return status;
}

enum emx_status law_fit_rows(const struct emx_observations *o, const bool *use, const struct emx_law_options *options,
                             struct emx_law **ret, struct emx_error *err)
{
    struct sample s;
    enum emx_status status = sample_init(&s, o, use, err);

    if (status)
        return status;
    status = fit_sample(&s, options, ret, err);
    sample_finish(&s);
    return status;
}

enum emx_status emx_law_fit(const struct emx_observations *o, const struct emx_law_options *options,
                            struct emx_law **ret, struct emx_error *err)
{
    return law_fit_rows(o, NULL, options, ret, err);
}
