/*
 * optimum_interior.c - a primal-dual interior-point method on the capped simplex
 *
 * With slacks s = x - lo and t = hi - x, the conditions of an optimum are relaxed to
 *
 *     grad F + lambda - below + above = 0,  below s = mu,  above t = mu,  sum x = 1,
 *
 * and solved by Newton's method while mu falls tenfold.  Steps are shortened until slacks and multipliers stay
 * positive and the residual falls, which for a convex F is always possible.
 * Source: Boyd, Vandenberghe (2004), "Convex Optimization", section 11.7.
 */
#include "law/optimum_convex.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { MAX_ITERATIONS = 200 };

static const double TO_BOUNDARY = 0.99; /* of the way there, at most */
static const double CENTRING = 0.1;     /* factor of mu */
static const double SMALL_GAP = 1e-12;  /* of mean complementarity, where active_set() takes over */

/* The state is x, below, above and lambda; steps of the multipliers and what is tried lie beside. */
struct interior {
    struct descent *d;
    double lambda, mu;
    double *diag, *right; /* [n] */
    double *step_below, *step_above, *old_x, *old_below, *old_above;
};

static double slack_lo(const struct descent *d, size_t j)
{
    return d->x[j] - box_lo(&d->box, j);
}

static double slack_hi(const struct descent *d, size_t j)
{
    return box_hi(&d->box, j) - d->x[j];
}

static double steepest(const struct descent *d)
{
    double most = DBL_MIN;

    for (size_t j = 0; j < d->n; j++)
        most = fmax(most, fabs(d->gradient[j]));
    return most;
}

static void begin(struct interior *p)
{
    struct descent *d = p->d;
    size_t n_free = 0;

    descent_evaluate(d);
    for (size_t j = 0; j < d->n; j++) {
        d->moves[j] = box_lo(&d->box, j) < box_hi(&d->box, j);
        n_free += d->moves[j];
    }
    p->mu = 0.1 * steepest(d) / (double)n_free;
    for (size_t j = 0; j < d->n; j++) {
        d->below[j] = d->moves[j] ? p->mu / slack_lo(d, j) : 0;
        d->above[j] = d->moves[j] ? p->mu / slack_hi(d, j) : 0;
    }
}

static double mean_gap(const struct interior *p)
{
    const struct descent *d = p->d;
    double sum = 0, n = 0;

    for (size_t j = 0; j < d->n; j++) {
        if (!d->moves[j])
            continue;
        sum += d->below[j] * slack_lo(d, j) + d->above[j] * slack_hi(d, j);
        n += 2;
    }
    return sum / n;
}

/* Sum of squares of the relaxed conditions at the current state; the gradient is up to date. */
static double residual(const struct interior *p, double lambda)
{
    const struct descent *d = p->d;
    double sum = 0;

    for (size_t j = 0; j < d->n; j++) {
        double dual = d->gradient[j] + lambda - d->below[j] + d->above[j];
        double low = d->below[j] * slack_lo(d, j) - p->mu, high = d->above[j] * slack_hi(d, j) - p->mu;

        if (d->moves[j])
            sum += dual * dual + low * low + high * high;
    }
    return sum;
}

/* Steps of x and of both multipliers; returns the lambda they lead to. */
static double find_steps(struct interior *p)
{
    struct descent *d = p->d;
    double lambda;

    for (size_t j = 0; j < d->n; j++) {
        double s = slack_lo(d, j), t = slack_hi(d, j);

        p->diag[j] = d->moves[j] ? d->below[j] / s + d->above[j] / t : 0;
        p->right[j] = d->moves[j] ? -d->gradient[j] + p->mu / s - p->mu / t : 0;
    }
    lambda = descent_solve(d, p->diag, p->right);
    for (size_t j = 0; j < d->n; j++) {
        double s = slack_lo(d, j), t = slack_hi(d, j);

        p->step_below[j] = d->moves[j] ? p->mu / s - d->below[j] - d->below[j] / s * d->step[j] : 0;
        p->step_above[j] = d->moves[j] ? p->mu / t - d->above[j] + d->above[j] / t * d->step[j] : 0;
    }
    return lambda;
}

/* The longest part of a step that keeps `at` + part * step above 0, or near it. */
static double limit(double part, double at, double step)
{
    return step < 0 ? fmin(part, -TO_BOUNDARY * at / step) : part;
}

static double longest_part(const struct interior *p)
{
    const struct descent *d = p->d;
    double part = 1;

    for (size_t j = 0; j < d->n; j++) {
        if (!d->moves[j])
            continue;
        part = limit(part, slack_lo(d, j), d->step[j]);
        part = limit(part, slack_hi(d, j), -d->step[j]);
        part = limit(part, d->below[j], p->step_below[j]);
        part = limit(part, d->above[j], p->step_above[j]);
    }
    return part;
}

static void move(struct interior *p, double part)
{
    struct descent *d = p->d;

    for (size_t j = 0; j < d->n; j++) {
        d->x[j] = p->old_x[j] + part * d->step[j];
        d->below[j] = p->old_below[j] + part * p->step_below[j];
        d->above[j] = p->old_above[j] + part * p->step_above[j];
    }
}

static void remember(struct interior *p)
{
    memcpy(p->old_x, p->d->x, p->d->n * sizeof(double));
    memcpy(p->old_below, p->d->below, p->d->n * sizeof(double));
    memcpy(p->old_above, p->d->above, p->d->n * sizeof(double));
}

/* False if no step lessens the residual: rounding is all that is left. */
static bool advance(struct interior *p)
{
    double before = residual(p, p->lambda), lambda = find_steps(p), part = longest_part(p);

    remember(p);
    for (int i = 0; i < 40; i++, part /= 2) {
        double next = p->lambda + part * (lambda - p->lambda);

        move(p, part);
        if (isfinite(descent_evaluate(p->d)) && residual(p, next) <= (1 - 0.01 * part) * before) {
            p->lambda = next;
            return true;
        }
    }
    move(p, 0);
    descent_evaluate(p->d);
    return false;
}

void interior_point(struct descent *d, double *scratch)
{
    struct interior p = {.d = d, .diag = scratch, .right = scratch + d->n};

    p.step_below = scratch + 2 * d->n;
    p.step_above = scratch + 3 * d->n;
    p.old_x = scratch + 4 * d->n;
    p.old_below = scratch + 5 * d->n;
    p.old_above = scratch + 6 * d->n;
    begin(&p);
    while (d->n_iterations++ < MAX_ITERATIONS) {
        double gap = mean_gap(&p);

        if (gap <= SMALL_GAP * steepest(d))
            break;
        p.mu = CENTRING * gap;
        if (!advance(&p))
            break;
    }
}
