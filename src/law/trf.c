/*
 * trf.c - the iteration of Trust Region Reflective
 *
 * Notation as in the paper: D^2 = diag(v), v the distance to the bound that the gradient points at, else 1.  In the
 * scaled variables x^ = D^-1 x the step solves
 *
 *     min  g^ . p + 1/2 p (J^T J + C) p,   |p| <= delta,     J^ = J D,  g^ = D g,  C = diag(g) Jv
 *
 * which is a least-squares problem with J^ and C^1/2 one above the other: of that matrix only the singular values and
 * V are kept, since |S V^T p|^2 is all that later steps ask of it.
 */
#include "law/trf.h"

#include "law/trf_step.h"
#include "linalg/linalg.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct trf_work {
    struct linalg_work *linalg;
    double *memory;
    double *z, *z_new;          /* [rows] */
    double *jacobian;           /* [rows x n] */
    double *augmented, *rhs;    /* [(rows + n) x n], [rows + n] */
    double *x_new, *g, *v, *dv; /* [n] */
    struct trf_step step;
};

static double *carve(double **memory, size_t n)
{
    double *p = *memory;

    *memory += n;
    return p;
}

struct trf_work *trf_work_create(size_t max_rows, size_t max_n)
{
    struct trf_work *w = calloc(1, sizeof *w);
    size_t rows = max_rows, n = max_n;

    if (!w)
        return NULL;
    w->linalg = linalg_work_create(rows + n, n);
    w->memory = calloc(3 * rows + rows * n + (rows + n) * n + n + 4 * n + TRF_STEP_DOUBLES(n), sizeof *w->memory);
    if (!w->linalg || !w->memory) {
        trf_work_destroy(&w);
        return NULL;
    }

    double *next = w->memory;

    w->z = carve(&next, rows);
    w->z_new = carve(&next, rows);
    w->jacobian = carve(&next, rows * n);
    w->augmented = carve(&next, (rows + n) * n);
    w->rhs = carve(&next, rows + n);
    w->x_new = carve(&next, n);
    w->g = carve(&next, n);
    w->v = carve(&next, n);
    w->dv = carve(&next, n);
    trf_step_lay_out(&w->step, next, n);
    return w;
}

void trf_work_destroy(struct trf_work **w)
{
    if (!*w)
        return;
    linalg_work_destroy(&(*w)->linalg);
    free((*w)->memory);
    free(*w);
    *w = NULL;
}

/* Is the residual of row r on the linear branch of Huber's function? */
static bool is_linear(const struct trf_problem *p, const double *z, size_t r)
{
    return p->huber > 0 && fabs(z[r]) > p->huber && r < p->n_rows - p->n_squares;
}

static double cost_of(const struct trf_problem *p, const double *z)
{
    double sum = 0, d = p->huber;

    for (size_t r = 0; r < p->n_rows; r++)
        sum += p->weight[r] * (is_linear(p, z, r) ? d * (2 * fabs(z[r]) - d) : z[r] * z[r]);
    return 0.5 * sum + p->constant;
}

double trf_cost(const struct trf_problem *p, struct trf_work *w, const double *x)
{
    p->residuals(x, w->z_new, NULL, p->context);
    return cost_of(p, w->z_new);
}

/*
 * Weigh rows of J and z so that J^T z is the gradient and J^T J a positive approximation of the Hessian.  Of a residual
 * on the linear branch of Huber's function the second derivative is 0, for which a tiny number stands.
 */
static void weigh_rows(const struct trf_problem *p, double *z, double *jacobian)
{
    for (size_t r = 0; r < p->n_rows; r++) {
        double scale = sqrt(p->weight[r]), factor = scale;

        if (is_linear(p, z, r)) {
            factor *= p->huber / fabs(z[r]) / sqrt(DBL_EPSILON);
            scale *= sqrt(DBL_EPSILON);
        }
        z[r] *= factor;
        for (size_t j = 0; j < p->n; j++)
            jacobian[j * p->n_rows + r] *= scale;
    }
}

/* Everything at x: weighed z and J, g. */
static void linearise(const struct trf_problem *p, struct trf_work *w, const double *x)
{
    p->residuals(x, w->z, w->jacobian, p->context);
    weigh_rows(p, w->z, w->jacobian);
    for (size_t j = 0; j < p->n; j++) {
        const double *column = w->jacobian + j * p->n_rows;
        double sum = 0;

        for (size_t r = 0; r < p->n_rows; r++)
            sum += column[r] * w->z[r];
        w->g[j] = sum;
    }
}

/* v, its derivative, and the largest |g v|. */
static double scale_by_bounds(const struct trf_problem *p, struct trf_work *w, const double *x)
{
    double largest = 0;

    for (size_t j = 0; j < p->n; j++) {
        w->v[j] = 1;
        w->dv[j] = 0;
        if (w->g[j] < 0 && p->upper[j] < INFINITY) {
            w->v[j] = p->upper[j] - x[j];
            w->dv[j] = -1;
        } else if (w->g[j] > 0 && p->lower[j] > -INFINITY) {
            w->v[j] = x[j] - p->lower[j];
            w->dv[j] = 1;
        }
        largest = fmax(largest, fabs(w->g[j] * w->v[j]));
    }
    return largest;
}

/* Put J^ over C^1/2 and decompose it. */
static bool decompose(const struct trf_problem *p, struct trf_work *w)
{
    struct trf_step *s = &w->step;
    size_t rows = p->n_rows, n = p->n, tall = rows + n;

    for (size_t j = 0; j < n; j++) {
        double *column = w->augmented + j * tall;

        s->d[j] = sqrt(w->v[j]);
        s->g[j] = s->d[j] * w->g[j];
        for (size_t r = 0; r < rows; r++)
            column[r] = w->jacobian[j * rows + r] * s->d[j];
        memset(column + rows, 0, n * sizeof *column);
        column[rows + j] = sqrt(w->g[j] * w->dv[j]);
    }
    memcpy(w->rhs, w->z, rows * sizeof *w->rhs);
    memset(w->rhs + rows, 0, n * sizeof *w->rhs);
    s->n = n;
    s->rank_tolerance = DBL_EPSILON * (double)tall;
    return linalg_svd(w->linalg, w->augmented, tall, n, w->rhs, s->s, s->vt, s->uf);
}

/* Strictly inside: off bounds by the least number there is. */
static void move_inside(const struct trf_problem *p, double *x)
{
    for (size_t j = 0; j < p->n; j++) {
        if (x[j] <= p->lower[j])
            x[j] = nextafter(p->lower[j], p->upper[j]);
        else if (x[j] >= p->upper[j])
            x[j] = nextafter(p->upper[j], p->lower[j]);
    }
}

/* SciPy puts starts at least 1e-10 off their bounds. */
static void start_inside(const struct trf_problem *p, double *x)
{
    for (size_t j = 0; j < p->n; j++) {
        double off_lower = p->lower[j] + 1e-10 * fmax(1, fabs(p->lower[j]));
        double off_upper = p->upper[j] - 1e-10 * fmax(1, fabs(p->upper[j]));

        if (x[j] < off_lower)
            x[j] = off_lower;
        else if (x[j] > off_upper)
            x[j] = off_upper;
        if (x[j] < p->lower[j] || x[j] > p->upper[j])
            x[j] = 0.5 * (p->lower[j] + p->upper[j]);
    }
}

static double norm(const double *x, size_t n)
{
    double sum = 0;

    for (size_t j = 0; j < n; j++)
        sum += x[j] * x[j];
    return sqrt(sum);
}

static double first_radius(const struct trf_problem *p, struct trf_work *w, const double *x)
{
    double sum = 0;

    scale_by_bounds(p, w, x);
    for (size_t j = 0; j < p->n; j++)
        sum += x[j] * x[j] / w->v[j];
    return sum > 0 ? sqrt(sum) : 1;
}

/* Has the last step been small enough?  gain: what the cost fell by. */
static bool has_converged(const struct trf_options *o, double gain, double cost, double step, double x, double ratio,
                          enum trf_stop *ret)
{
    if (gain < o->ftol * cost && ratio > 0.25)
        *ret = TRF_COST;
    else if (step < o->xtol * (o->xtol + x))
        *ret = TRF_STEP;
    else
        return false;
    return true;
}

static double new_radius(double radius, double ratio, double step)
{
    if (ratio < 0.25)
        return 0.25 * step;
    return ratio > 0.75 && step > 0.95 * radius ? 2 * radius : radius;
}

/* The cost one step on, which is in w->x_new. */
static double try_step(const struct trf_problem *p, struct trf_work *w, const double *x)
{
    for (size_t j = 0; j < p->n; j++)
        w->x_new[j] = x[j] + w->step.step[j];
    move_inside(p, w->x_new);
    return trf_cost(p, w, w->x_new);
}

static double ratio_of(double gain, double predicted)
{
    if (predicted > 0)
        return gain / predicted;
    return predicted == 0 && gain == 0 ? 1 : 0;
}

/* Shrink the region until a step lowers the cost; true: the end, for the reason in r->stop. */
static bool take_step(const struct trf_problem *p, const struct trf_options *o, struct trf_work *w, double *x,
                      double *radius, struct trf_result *r)
{
    struct trf_step *s = &w->step;

    while (r->n_evaluations++ < o->max_evaluations) {
        double predicted = trf_step_find(s, x, p->lower, p->upper, *radius), cost = try_step(p, w, x);
        double length = norm(s->step_hat, p->n), gain = r->cost - cost, ratio = ratio_of(gain, predicted);

        if (!isfinite(cost)) {
            *radius = 0.25 * length;
            continue;
        }

        double next = new_radius(*radius, ratio, length);
        bool end = has_converged(o, gain, r->cost, norm(s->step, p->n), norm(x, p->n), ratio, &r->stop);

        if (gain > 0) {
            memcpy(x, w->x_new, p->n * sizeof *x);
            r->cost = cost;
        }
        if (end)
            return true;
        s->multiplier *= *radius / next;
        *radius = next;
        if (gain > 0)
            return false;
    }
    r->stop = TRF_EVALUATIONS;
    return true;
}

struct trf_result trf_minimise(const struct trf_problem *p, const struct trf_options *options, struct trf_work *w,
                               double *x)
{
    struct trf_result r = {.n_evaluations = 1, .stop = TRF_NOT_FINITE};
    double radius = 0;
    bool end = false;

    start_inside(p, x);
    r.cost = trf_cost(p, w, x);
    if (!isfinite(r.cost))
        return r;
    w->step.multiplier = 0;
    while (!end) {
        linearise(p, w, x);
        if (radius == 0)
            radius = first_radius(p, w, x);
        w->step.gradient_norm = scale_by_bounds(p, w, x);
        if (w->step.gradient_norm < options->gtol) {
            r.stop = TRF_GRADIENT;
            break;
        }
        if (!decompose(p, w)) {
            r.stop = TRF_NOT_FINITE;
            break;
        }
        end = take_step(p, options, w, x, &radius, &r);
    }
    return r;
}
