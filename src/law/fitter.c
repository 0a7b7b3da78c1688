/* fitter.c - starts, and the best of what TRF makes of them */
#include "law/fitter.h"

#include "law/random.h"
#include "law/varpro.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Bounds that a minimum lies at are approached, never met; below this a coefficient may as well be 0. */
#define NEARLY_ZERO 1e-6

bool fitter_init(struct fitter *f, const struct sample *s, const struct emx_law_options *o)
{
    memset(f, 0, sizeof *f);
    f->model = model_create(s, o->form, o->loss, o->huber_scale);
    if (!f->model)
        return false;

    size_t n = f->model->n_free;

    f->trf = trf_work_create(f->model->max_rows, n);
    f->memory = calloc((2 + VARPRO_STARTS) * n + VARPRO_SCRATCH * s->n_steps + s->n_mixtures, sizeof *f->memory);
    if (!f->trf || !f->memory)
        return false;
    f->x = f->memory;
    f->candidate = f->x + n;
    f->starts = f->candidate + n;
    f->scratch = f->starts + VARPRO_STARTS * n;
    f->times = f->scratch + VARPRO_SCRATCH * s->n_steps;
    return true;
}

void fitter_finish(struct fitter *f)
{
    model_destroy(&f->model);
    trf_work_destroy(&f->trf);
    free(f->memory);
    memset(f, 0, sizeof *f);
}

/* Put coefficients that are nearly at their bound there, where that costs nothing. */
static double meet_bounds(struct fitter *f, const struct trf_problem *p, double *x, double cost)
{
    for (size_t j = 0; j < p->n; j++) {
        double was = x[j];

        if (p->lower[j] != 0 || was > NEARLY_ZERO)
            continue;
        x[j] = 0;

        double at_bound = trf_cost(p, f->trf, x);

        if (at_bound <= cost * (1 + 1e-14))
            cost = at_bound;
        else
            x[j] = was;
    }
    return cost;
}

/* Minimise from f->candidate; keep it in f->x if it is better by more than rounding: else the first start stands. */
static double try_candidate(struct fitter *f, const struct trf_options *o, double best)
{
    struct trf_problem p = model_problem(f->model);
    struct trf_result r = trf_minimise(&p, o, f->trf, f->candidate);
    double cost = isfinite(r.cost) ? meet_bounds(f, &p, f->candidate, r.cost) : r.cost;

    if (best < INFINITY && !(cost < best * (1 - 1e-12)))
        return best;
    memcpy(f->x, f->candidate, p.n * sizeof *f->x);
    return cost;
}

static double search_grid(struct fitter *f)
{
    size_t n = f->model->n_free, n_starts = varpro_starts(f->model, f->scratch, f->starts);
    double best = INFINITY;

    for (size_t i = 0; i < n_starts; i++) {
        memcpy(f->candidate, f->starts + i * n, n * sizeof *f->candidate);
        best = try_candidate(f, &TRF_TIGHT, best);
    }
    return best;
}

static double search_starts(struct fitter *f, size_t n_starts, uint64_t seed)
{
    double best = INFINITY;

    for (size_t i = 0; i < n_starts; i++) {
        if (i)
            model_random_start(f->model, random_seed(seed, (f->model->scored << 40) + (f->model->part << 20) + i),
                               f->candidate);
        else
            model_start(f->model, f->candidate);
        best = try_candidate(f, &TRF_TIGHT, best);
    }
    return best;
}

/* Of one step beta, B and C have no minimum of their own: from the standard start beta stays, and B and C stay equal.
 */
double fitter_search(struct fitter *f, const struct emx_law_options *o)
{
    if (!f->model->n_rows) {
        model_start(f->model, f->x);
        return 0;
    }
    if (o->method == EMX_LAW_VARPRO && f->model->sample->n_steps > 1)
        return search_grid(f);
    return search_starts(f, o->method == EMX_LAW_MULTI ? o->n_starts : 1, o->seed);
}

static double refine_candidate(struct fitter *f)
{
    const struct trf_options loose = {.ftol = 1e-10, .xtol = 1e-10, .gtol = 1e-12, .max_evaluations = 200};

    if (!f->model->n_rows) {
        memcpy(f->x, f->candidate, f->model->n_free * sizeof *f->x);
        return 0;
    }
    return try_candidate(f, &loose, INFINITY);
}

double fitter_continue(struct fitter *f, const double *x)
{
    memcpy(f->candidate, x, f->model->n_free * sizeof *x);
    return refine_candidate(f);
}

double fitter_refine(struct fitter *f, const double *coefficient)
{
    model_from_coefficients(f->model, coefficient, f->candidate);
    return refine_candidate(f);
}
