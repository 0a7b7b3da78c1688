/* score.c - relative errors, R^2 and rank correlations of predicted losses */
#include "law/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct score_work {
    const struct sample *all;
    const size_t *row;
    size_t n;
    double *predicted, *observed; /* [n] log losses of a domain */
    double *mean, *weight;        /* [n_steps] */
    double *rank[2];              /* [n] */
    double *errors;               /* [n * k] */
    size_t *order, *members;      /* [n] */
};

struct score_work *score_work_create(const struct sample *all, const size_t *row, size_t n)
{
    struct score_work *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->all = all;
    w->row = row;
    w->n = n;
    w->predicted = calloc(n, sizeof *w->predicted);
    w->observed = calloc(n, sizeof *w->observed);
    w->mean = calloc(all->n_steps, sizeof *w->mean);
    w->weight = calloc(all->n_steps, sizeof *w->weight);
    w->rank[0] = calloc(n, sizeof **w->rank);
    w->rank[1] = calloc(n, sizeof **w->rank);
    w->errors = calloc(n * all->n_scored, sizeof *w->errors);
    w->order = calloc(n, sizeof *w->order);
    w->members = calloc(n, sizeof *w->members);
    if (!w->predicted || !w->observed || !w->mean || !w->weight || !w->rank[0] || !w->rank[1] || !w->errors ||
        !w->order || !w->members)
        score_work_destroy(&w);
    return w;
}

void score_work_destroy(struct score_work **w)
{
    if (!*w)
        return;
    free((*w)->predicted);
    free((*w)->observed);
    free((*w)->mean);
    free((*w)->weight);
    free((*w)->rank[0]);
    free((*w)->rank[1]);
    free((*w)->errors);
    free((*w)->order);
    free((*w)->members);
    free(*w);
    *w = NULL;
}

bool score_init(struct emx_law_score *s, size_t n_scored)
{
    s->domain_error = calloc(4 * n_scored, sizeof *s->domain_error);
    if (!s->domain_error)
        return false;
    s->domain_r2 = s->domain_error + n_scored;
    s->domain_r2_within = s->domain_r2 + n_scored;
    s->domain_rank = s->domain_r2_within + n_scored;
    return true;
}

void score_finish(struct emx_law_score *s)
{
    free(s->domain_error);
}

static size_t step_of(const struct score_work *w, size_t i)
{
    return w->all->step[w->row[i]];
}

static double ratio_to_r2(double left, double total)
{
    return total > 0 ? 1 - left / total : NAN;
}

/* ---- R^2 ---- */

static double squared_errors(const struct score_work *w)
{
    double sum = 0;

    for (size_t i = 0; i < w->n; i++)
        sum += (w->predicted[i] - w->observed[i]) * (w->predicted[i] - w->observed[i]);
    return sum;
}

/* Sum of squares of observed log losses about their mean. */
static double squares_about_mean(const struct score_work *w)
{
    double mean = 0, sum = 0;

    for (size_t i = 0; i < w->n; i++)
        mean += w->observed[i] / (double)w->n;
    for (size_t i = 0; i < w->n; i++)
        sum += (w->observed[i] - mean) * (w->observed[i] - mean);
    return sum;
}

static double squares_within_steps(const struct score_work *w)
{
    double sum = 0;

    memset(w->mean, 0, w->all->n_steps * sizeof *w->mean);
    memset(w->weight, 0, w->all->n_steps * sizeof *w->weight);
    for (size_t i = 0; i < w->n; i++) {
        w->mean[step_of(w, i)] += w->observed[i];
        w->weight[step_of(w, i)]++;
    }
    for (size_t i = 0; i < w->n; i++) {
        double about = w->observed[i] - w->mean[step_of(w, i)] / w->weight[step_of(w, i)];

        sum += about * about;
    }
    return sum;
}

/* ---- rank correlation ---- */

struct ranking {
    const double *value;
    const size_t *members;
};

static int by_value(const void *a, const void *b, void *context)
{
    const struct ranking *r = context;
    double x = r->value[r->members[*(const size_t *)a]], y = r->value[r->members[*(const size_t *)b]];

    return (x > y) - (x < y);
}

/* Ranks of the first n members; equal values share the mean of theirs. */
static void rank_members(struct score_work *w, const double *value, size_t n, double *rank)
{
    struct ranking r = {.value = value, .members = w->members};

    for (size_t i = 0; i < n; i++)
        w->order[i] = i;
    qsort_r(w->order, n, sizeof *w->order, by_value, &r);
    for (size_t from = 0, to; from < n; from = to) {
        to = from + 1;
        while (to < n && value[w->members[w->order[to]]] == value[w->members[w->order[from]]])
            to++;
        for (size_t i = from; i < to; i++)
            rank[w->order[i]] = 0.5 * (double)(from + to - 1);
    }
}

static double correlation(const double *x, const double *y, size_t n)
{
    double mean = 0.5 * (double)(n - 1), xx = 0, yy = 0, xy = 0;

    for (size_t i = 0; i < n; i++) {
        xx += (x[i] - mean) * (x[i] - mean);
        yy += (y[i] - mean) * (y[i] - mean);
        xy += (x[i] - mean) * (y[i] - mean);
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}

/* Spearman's, mean over the steps that have at least three mixtures. */
static double rank_correlation(struct score_work *w)
{
    double sum = 0, n_steps = 0;

    for (size_t step = 0; step < w->all->n_steps; step++) {
        size_t n = 0;

        for (size_t i = 0; i < w->n; i++)
            if (step_of(w, i) == step)
                w->members[n++] = i;
        if (n < 3)
            continue;
        rank_members(w, w->predicted, n, w->rank[0]);
        rank_members(w, w->observed, n, w->rank[1]);
        sum += correlation(w->rank[0], w->rank[1], n);
        n_steps++;
    }
    return n_steps > 0 ? sum / n_steps : NAN;
}

/* ---- a score ---- */

static void take_domain(struct score_work *w, const double *predicted, size_t k, struct emx_law_score *ret)
{
    size_t n_scored = w->all->n_scored;
    double sum = 0;

    for (size_t i = 0; i < w->n; i++) {
        double p = predicted[i * n_scored + k], observed = w->all->loss[k * w->all->n_rows + w->row[i]];

        w->errors[k * w->n + i] = fabs(p - observed) / observed;
        sum += w->errors[k * w->n + i];
        w->predicted[i] = log(p);
        w->observed[i] = w->all->log_loss[k * w->all->n_rows + w->row[i]];
    }
    ret->domain_error[k] = sum / (double)w->n;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, ascending);
    return 0.5 * (x[(n - 1) / 2] + x[n / 2]);
}

/* Sum of squares of all domains' log losses about one mean. */
static double squares_of_all(const struct score_work *w)
{
    const struct sample *s = w->all;
    double mean = 0, sum = 0, n = (double)(w->n * s->n_scored);

    for (size_t k = 0; k < s->n_scored; k++)
        for (size_t i = 0; i < w->n; i++)
            mean += s->log_loss[k * s->n_rows + w->row[i]] / n;
    for (size_t k = 0; k < s->n_scored; k++)
        for (size_t i = 0; i < w->n; i++) {
            double about = s->log_loss[k * s->n_rows + w->row[i]] - mean;

            sum += about * about;
        }
    return sum;
}

static void average_domains(struct emx_law_score *s, size_t n_scored)
{
    s->mean = s->r2_within = s->rank = s->worst = 0;
    s->best = INFINITY;
    for (size_t k = 0; k < n_scored; k++) {
        s->mean += s->domain_error[k] / (double)n_scored;
        s->r2_within += s->domain_r2_within[k] / (double)n_scored;
        s->rank += s->domain_rank[k] / (double)n_scored;
        s->worst = fmax(s->worst, s->domain_error[k]);
        s->best = fmin(s->best, s->domain_error[k]);
    }
}

void score_rows(struct score_work *w, const double *predicted, struct emx_law_score *ret)
{
    size_t n_scored = w->all->n_scored;
    double left = 0;

    for (size_t k = 0; k < n_scored; k++) {
        double squares;

        take_domain(w, predicted, k, ret);
        squares = squared_errors(w);
        left += squares;
        ret->domain_r2[k] = ratio_to_r2(squares, squares_about_mean(w));
        ret->domain_r2_within[k] = ratio_to_r2(squares, squares_within_steps(w));
        ret->domain_rank[k] = rank_correlation(w);
    }
    ret->r2 = ratio_to_r2(left, squares_of_all(w));
    average_domains(ret, n_scored);
    ret->median = median(w->errors, w->n * n_scored);
    ret->defined = 1;
}
