/*
 * design.c - plans: given mixtures, then those that add most, and what to expect of them
 *
 * Mixtures are added one by one, each the best next to those before (greedy); then each added one in turn is sought
 * anew beside all others, until nothing gains; then they are put in the order in which they gain most.
 */
#include "law/design.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MIXTURES = 256, MAX_DOMAINS = 4096, MAX_ROUNDS = 30, N_REGION = 500 };

struct planner {
    struct emx_plan_options o; /* with defaults filled in */
    struct emx_plan *plan;
    struct emx_plan_coefficients *coefficients;
    struct box box;
    struct search search;
    struct design design;
    struct design_law law;
    double *memory;
    double *gain, *alpha, *mixture; /* [n_domains] scratch */
};

static enum emx_status check_given(const struct emx_plan_options *o, struct emx_error *err)
{
    for (size_t i = 0; i < o->n_given; i++) {
        const double *r = o->given + i * o->n_domains;
        double sum = 0;

        for (size_t j = 0; j < o->n_domains; j++) {
            if (!(r[j] > 0 && r[j] <= 1))
                return emx_fail(err, EMX_ERR_ARG, "mixture %zu has a proportion of %g of domain %zu of %zu", i + 1,
                                r[j], j + 1, o->n_domains);
            sum += r[j];
        }
        if (fabs(sum - 1) > 1e-6)
            return emx_fail(err, EMX_ERR_ARG, "mixture %zu sums to %.9g, not 1", i + 1, sum);
    }
    return EMX_OK;
}

static enum emx_status check_coefficients(const struct emx_plan_options *o, struct emx_error *err)
{
    for (size_t j = 0; o->coefficients && j < o->n_domains; j++) {
        const struct emx_plan_coefficients *c = &o->coefficients[j];

        if (!(c->alpha >= 0 && c->alpha <= 100 && c->beta >= 0 && c->beta <= 100 && c->b >= 0 && c->b <= 1e50 &&
              c->c >= 0 && c->c <= 1e50 && c->b + c->c > 0))
            return emx_fail(err, EMX_ERR_RANGE,
                            "the coefficients of domain %zu of %zu, alpha %g, beta %g, B %g, C %g, are no law", j + 1,
                            o->n_domains, c->alpha, c->beta, c->b, c->c);
    }
    return EMX_OK;
}

static enum emx_status check(const struct emx_plan_options *o, struct emx_error *err)
{
    enum emx_status status = check_given(o, err);

    if (status != EMX_OK)
        return status;
    if (o->n_domains < 2 || o->n_domains > MAX_DOMAINS)
        return emx_fail(err, EMX_ERR_ARG, "a plan needs 2 to %d domains, not %zu", MAX_DOMAINS, o->n_domains);
    if (o->n_mixtures < 1 || o->n_mixtures < o->n_given || o->n_mixtures > MAX_MIXTURES)
        return emx_fail(err, EMX_ERR_ARG, "a plan has %zu to %d mixtures, not %zu", o->n_given > 1 ? o->n_given : 1,
                        MAX_MIXTURES, o->n_mixtures);
    if (o->n_steps > 100000)
        return emx_fail(err, EMX_ERR_RANGE, "%zu evaluations a run are more than 100000", o->n_steps);
    if (!(o->run_noise >= 0 && o->run_noise < 10 && o->step_noise >= 0 && o->step_noise < 10))
        return emx_fail(err, EMX_ERR_RANGE, "the noise of log losses, %g and %g, is not between 0 and 10", o->run_noise,
                        o->step_noise);
    if (!(o->horizon >= 0 && o->horizon <= 1e9))
        return emx_fail(err, EMX_ERR_RANGE, "a horizon of %g runs is not above 0", o->horizon);
    return check_coefficients(o, err);
}

static void fill_defaults(struct planner *p)
{
    struct emx_plan_options *o = &p->o;

    if (!o->n_steps)
        o->n_steps = 20;
    if (o->run_noise == 0)
        o->run_noise = 0.01;
    if (o->step_noise == 0)
        o->step_noise = 0.003;
    if (o->horizon == 0)
        o->horizon = 1;
    if (!o->n_table)
        o->n_table = o->n_mixtures < 8 ? 16 : 2 * o->n_mixtures;
    if (o->n_table > 2 * MAX_MIXTURES)
        o->n_table = 2 * MAX_MIXTURES;
    if (o->n_table < o->n_mixtures)
        o->n_table = o->n_mixtures;
}

/* A third of the least and thrice the greatest given proportion, where the caller says nothing. */
static void fill_bounds(struct planner *p)
{
    const struct emx_plan_options *o = &p->o;
    size_t m = o->n_domains;

    for (size_t j = 0; j < m; j++) {
        double least = o->n_given ? 1 : 1 / (double)m, most = o->n_given ? 0 : 1 / (double)m;

        for (size_t i = 0; i < o->n_given; i++) {
            least = fmin(least, o->given[i * m + j]);
            most = fmax(most, o->given[i * m + j]);
        }
        p->plan->lo[j] = o->lo ? o->lo[j] : least / 3;
        p->plan->hi[j] = fmin(o->hi ? o->hi[j] : 3 * most, 1);
    }
}

static enum emx_status check_bounds(struct planner *p, struct emx_error *err)
{
    struct emx_optimum_limits limits = {.lo = p->plan->lo, .hi = p->plan->hi};
    enum emx_status status = box_init(&limits, p->o.n_domains, &p->box, err);

    for (size_t j = 0; j < p->o.n_domains && status == EMX_OK; j++)
        if (!(p->plan->lo[j] > 0))
            status = emx_fail(err, EMX_ERR_ARG, "the least proportion of domain %zu of %zu is not above 0", j + 1,
                              p->o.n_domains);
    for (size_t j = 0; j < p->o.n_domains; j++)
        if (p->plan->lo[j] < p->plan->hi[j])
            p->search.movable[p->search.n_movable++] = j;
    if (status == EMX_OK && (p->search.n_movable < 2 || box_is_point(&p->box)))
        status = emx_fail(err, EMX_ERR_ARG, "the bounds leave nothing to vary: only one mixture is within them");
    return status;
}

static bool create(struct planner *p)
{
    size_t m = p->o.n_domains, n = p->o.n_mixtures;
    struct emx_plan *plan = p->plan = calloc(1, sizeof(*plan));

    p->memory = calloc(11 * m, sizeof(*p->memory));
    p->search.movable = calloc(m, sizeof(*p->search.movable));
    p->coefficients = calloc(m, sizeof(*p->coefficients));
    if (!plan || !p->memory || !p->search.movable || !p->coefficients)
        return false;
    plan->n_domains = m;
    plan->n_mixtures = n;
    plan->n_rows = p->o.n_table;
    plan->mixture = calloc(n * m, sizeof(*plan->mixture));
    plan->lo = calloc(m, sizeof(*plan->lo));
    plan->hi = calloc(m, sizeof(*plan->hi));
    plan->optimum = calloc(m, sizeof(*plan->optimum));
    plan->rows = calloc(plan->n_rows, sizeof(*plan->rows));
    return plan->mixture && plan->lo && plan->hi && plan->optimum && plan->rows;
}

static void lay_out(struct planner *p)
{
    double *at = p->memory;
    double **arrays[] = {&p->design.sum, &p->design.squares, &p->search.best,        &p->search.now, &p->gain,
                         &p->alpha,      &p->mixture,        &p->law.level_variance, &p->law.loss};
    double *region;

    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++, at += p->o.n_domains)
        *arrays[i] = at;
    region = at;
    p->search.region_mean = region;
    p->search.region_variance = region + p->o.n_domains;
    p->search.box = &p->box;
    p->search.criterion = p->o.criterion;
    p->search.random.state = p->o.seed;
    p->design.n_domains = p->law.n_domains = p->o.n_domains;
    for (size_t j = 0; j < p->o.n_domains; j++)
        p->coefficients[j] = p->o.coefficients ? p->o.coefficients[j] : EMX_PLAN_COEFFICIENTS;
    p->law.coefficients = p->coefficients;
    p->law.optimum = p->plan->optimum;
    p->law.box = &p->box;
}

/* Mean and variance of log r over random mixtures within the bounds. */
static void measure_region(struct planner *p, double *mean, double *variance)
{
    size_t m = p->o.n_domains;

    for (size_t j = 0; j < m; j++)
        p->mixture[j] = box_middle(&p->box, j);
    for (int i = 0; i < N_REGION; i++) {
        search_shuffle(&p->search, p->mixture);
        for (size_t j = 0; j < m; j++) {
            double l = log(p->mixture[j]);

            mean[j] += l / N_REGION;
            variance[j] += l * l / N_REGION;
        }
    }
    for (size_t j = 0; j < m; j++)
        variance[j] = fmax(0, variance[j] - mean[j] * mean[j]);
}

static enum emx_status find_optimum(struct planner *p, struct emx_error *err)
{
    struct emx_optimum_limits limits = {.lo = p->plan->lo, .hi = p->plan->hi};

    for (size_t j = 0; j < p->o.n_domains; j++) {
        p->gain[j] = p->law.loss[j];
        p->alpha[j] = p->coefficients[j].alpha;
    }
    return emx_optimum_separable(p->gain, p->alpha, p->o.n_domains, &limits, p->plan->optimum, NULL, err);
}

static double *mixture_of(struct planner *p, size_t i)
{
    return p->plan->mixture + i * p->o.n_domains;
}

static void add_mixtures(struct planner *p)
{
    for (size_t i = 0; i < p->o.n_mixtures; i++) {
        if (i < p->o.n_given)
            memcpy(mixture_of(p, i), p->o.given + i * p->o.n_domains, p->o.n_domains * sizeof(double));
        else
            search_next(&p->search, &p->design, false, mixture_of(p, i));
        design_add(&p->design, mixture_of(p, i), 1);
    }
}

/* Seek each added mixture anew beside all others, until nothing gains. */
static void exchange_mixtures(struct planner *p)
{
    bool gained = true;

    for (int round = 0; round < MAX_ROUNDS && gained; round++) {
        gained = false;
        for (size_t i = p->o.n_given; i < p->o.n_mixtures; i++) {
            double before = search_score(&p->search, &p->design), after;

            memcpy(p->mixture, mixture_of(p, i), p->o.n_domains * sizeof(double));
            design_add(&p->design, p->mixture, -1);
            after = search_next(&p->search, &p->design, true, p->mixture);
            if (after > before + 1e-6) {
                memcpy(mixture_of(p, i), p->mixture, p->o.n_domains * sizeof(double));
                gained = true;
            }
            design_add(&p->design, mixture_of(p, i), 1);
        }
    }
}

static void swap_mixtures(struct planner *p, size_t a, size_t b)
{
    size_t len = p->o.n_domains * sizeof(double);

    memcpy(p->mixture, mixture_of(p, a), len);
    memcpy(mixture_of(p, a), mixture_of(p, b), len);
    memcpy(mixture_of(p, b), p->mixture, len);
}

static void clear_design(struct planner *p)
{
    p->design.n = 0;
    memset(p->design.sum, 0, p->o.n_domains * sizeof(double));
    memset(p->design.squares, 0, p->o.n_domains * sizeof(double));
}

/* The best of mixtures `first` and on to come next. */
static size_t most_telling(struct planner *p, size_t first)
{
    double most = -INFINITY;
    size_t best = first;

    for (size_t i = first; i < p->o.n_mixtures; i++) {
        double score;

        design_add(&p->design, mixture_of(p, i), 1);
        score = search_score(&p->search, &p->design);
        design_add(&p->design, mixture_of(p, i), -1);
        if (score > most + 1e-9) {
            most = score;
            best = i;
        }
    }
    return best;
}

/* In their final order, with the rows of the table on the way; further mixtures are sought for further rows. */
static void fill_rows(struct planner *p)
{
    clear_design(p);
    for (size_t i = 0; i < p->plan->n_rows; i++) {
        if (i >= p->o.n_given && i < p->o.n_mixtures)
            swap_mixtures(p, i, most_telling(p, i));
        if (i < p->o.n_mixtures) {
            design_add(&p->design, mixture_of(p, i), 1);
        } else {
            search_next(&p->search, &p->design, false, p->mixture);
            design_add(&p->design, p->mixture, 1);
        }
        p->plan->rows[i] = design_row(&p->law, &p->design);
    }
}

static enum emx_status run(struct planner *p, struct emx_error *err)
{
    enum emx_status status;

    fill_bounds(p);
    status = check_bounds(p, err);
    if (status != EMX_OK)
        return status;
    lay_out(p);
    design_law_prepare(&p->law, &p->o);
    measure_region(p, p->memory + 9 * p->o.n_domains, p->memory + 10 * p->o.n_domains);
    status = find_optimum(p, err);
    if (status != EMX_OK)
        return status;
    add_mixtures(p);
    exchange_mixtures(p);
    fill_rows(p);
    return EMX_OK;
}

enum emx_status emx_plan_find(const struct emx_plan_options *options, struct emx_plan **ret, struct emx_error *err)
{
    struct planner p = {.o = *options};
    enum emx_status status = check(options, err);

    if (status != EMX_OK)
        return status;
    fill_defaults(&p);
    status = create(&p) ? run(&p, err)
                        : emx_fail(err, EMX_ERR_MEMORY, "out of memory for a plan of %zu domains", p.o.n_domains);
    free(p.memory);
    free(p.search.movable);
    free(p.coefficients);
    if (status == EMX_OK)
        *ret = p.plan;
    else
        emx_plan_destroy(&p.plan);
    return status;
}

void emx_plan_destroy(struct emx_plan **p)
{
    if (!*p)
        return;
    free((*p)->mixture);
    free((*p)->lo);
    free((*p)->hi);
    free((*p)->optimum);
    free((*p)->rows);
    free(*p);
    *p = NULL;
}
