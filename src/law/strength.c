/*
 * strength.c - fits to four parts of the mixtures, judged by the fifth, from the strongest prior to none
 *
 * Of the strongest prior the minimum is easily found, since it leaves one factor in place of the transfer terms; from
 * there each next fit starts at the one before.  So for each factor by itself.
 */
#include "law/strength.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Weak ones of smaller factors would hardly differ from those of the first. */
static const struct pull pulls[] = {
    {10, 1},   {1, 1},   {1e-1, 1},   {1e-2, 1},   {1e-3, 1},  {1e-4, 1}, {1e-5, 1},    {1e-6, 1},    {0, 1},
    {10, 0.1}, {1, 0.1}, {1e-1, 0.1}, {1e-2, 0.1}, {10, 0.01}, {1, 0.01}, {1e-1, 0.01}, {1e-2, 0.01},
};

enum { N_PULLS = sizeof pulls / sizeof *pulls, N_PARTS = 5, N_STARTS = 4 };

static_assert(N_PULLS * N_PARTS == STRENGTH_FITS, "fits of a choice");

struct search {
    const struct sample *sample;
    struct fitter *fitters;
    struct emx_law_options options;
    size_t n_parts, n_free;
    size_t *part; /* [n_mixtures] n_parts or more: it has no rows */
    double *x;    /* [n_threads][N_PULLS][n_free] */
    double *cost; /* [n_parts][n_scored][N_PULLS] of what was held out */
};

/* The i-th of the mixtures that have rows is in part i mod N_PARTS. */
static void assign_parts(struct search *v)
{
    const struct sample *s = v->sample;
    size_t n = 0;

    for (size_t i = 0; i < s->n_mixtures; i++)
        v->part[i] = SIZE_MAX;
    for (size_t r = 0; r < s->n_rows; r++)
        v->part[s->mixture[r]] = 0;
    for (size_t i = 0; i < s->n_mixtures; i++)
        if (v->part[i] == 0)
            v->part[i] = n++ % N_PARTS;
    v->n_parts = n < N_PARTS ? n : N_PARTS;
}

static void fit_path(struct search *v, struct fitter *f, size_t scored, double *x)
{
    for (size_t i = 0; i < N_PULLS; i++) {
        model_set_prior(f->model, v->options.prior, pulls[i]);
        model_select(f->model, scored, 0, f->times);
        if (i == 0 || pulls[i].factor != pulls[i - 1].factor)
            fitter_search(f, &v->options);
        else
            fitter_continue(f, x + (i - 1) * v->n_free);
        memcpy(x + i * v->n_free, f->x, v->n_free * sizeof *x);
    }
    model_set_prior(f->model, NULL, (struct pull){0, 0});
}

static void judge_path(struct search *v, struct fitter *f, size_t scored, const double *x, double *ret_cost)
{
    model_select(f->model, scored, 0, f->times);

    struct trf_problem p = model_problem(f->model);

    for (size_t i = 0; i < N_PULLS; i++)
        ret_cost[i] = trf_cost(&p, f->trf, x + i * v->n_free);
}

static void hold_out(size_t item, unsigned thread, void *context)
{
    struct search *v = context;
    struct fitter *f = &v->fitters[thread];
    size_t part = item / v->sample->n_scored, scored = item % v->sample->n_scored;
    double *x = v->x + thread * N_PULLS * v->n_free;

    for (size_t i = 0; i < v->sample->n_mixtures; i++)
        f->times[i] = v->part[i] != part;
    fit_path(v, f, scored, x);
    for (size_t i = 0; i < v->sample->n_mixtures; i++)
        f->times[i] = v->part[i] == part;
    judge_path(v, f, scored, x, v->cost + item * N_PULLS);
}

/* Of equals the first. */
static struct pull best_pull(const struct search *v)
{
    size_t best = 0;
    double least = INFINITY;

    for (size_t i = 0; i < N_PULLS; i++) {
        double sum = 0;

        for (size_t item = 0; item < v->n_parts * v->sample->n_scored; item++)
            sum += v->cost[item * N_PULLS + i];
        if (sum < least) {
            least = sum;
            best = i;
        }
    }
    return pulls[best];
}

static enum emx_status choose(struct search *v, const struct placement *placement, struct pull *ret,
                              struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    assign_parts(v);
    if (v->n_parts > 1)
        status = threads_for(placement, v->n_parts * v->sample->n_scored, hold_out, v, err);
    if (!status)
        *ret = v->n_parts > 1 ? best_pull(v) : pulls[0];
    return status;
}

enum emx_status strength_choose(const struct placement *placement, struct fitter *fitters,
                                const struct emx_law_options *o, struct pull *ret, struct emx_error *err)
{
    const struct sample *s = fitters->model->sample;
    struct search v = {.sample = s, .fitters = fitters, .options = *o, .n_free = fitters->model->n_free};
    enum emx_status status;

    v.options.n_starts = o->n_starts < N_STARTS ? o->n_starts : N_STARTS;
    v.part = calloc(s->n_mixtures, sizeof *v.part);
    v.x = calloc(placement_n_threads(placement) * N_PULLS * v.n_free, sizeof *v.x);
    v.cost = calloc(N_PARTS * s->n_scored * N_PULLS, sizeof *v.cost);
    if (v.part && v.x && v.cost)
        status = choose(&v, placement, ret, err);
    else
        status = emx_fail(err, EMX_ERR_MEMORY, "no memory to choose the strength of a prior");
    free(v.part);
    free(v.x);
    free(v.cost);
    return status;
}
