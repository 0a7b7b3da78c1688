/*
 * optimum_active.c - from near the optimum to all digits, by Newton's method on the domains between their bounds
 *
 * A domain whose slack is less than its bound's multiplier stands at the bound.  Newton steps change the others, until
 * one reaches a bound and stays there; when steps have become small, the domain at a bound that most wants to leave
 * it may.  The best mixture seen is kept, so that this never does worse than what it began with.
 */
#include "law/optimum_convex.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { MAX_STALLED = 8, MAX_ITERATIONS = 1000 };

/* Is F defined where domain j has no share at all? */
static bool is_defined_without(struct descent *d, size_t j)
{
    memcpy(d->trial, d->x, d->n * sizeof(*d->x));
    d->trial[j] = 0;
    return isfinite(descent_value(d, d->trial));
}

static void stand_at_bounds(struct descent *d)
{
    double scale = DBL_MIN;

    for (size_t j = 0; j < d->n; j++)
        scale = fmax(scale, fabs(d->gradient[j]));
    for (size_t j = 0; j < d->n; j++) {
        double lo = box_lo(&d->box, j), hi = box_hi(&d->box, j), width = hi - lo;

        d->moves[j] = width > 0;
        if (!d->moves[j])
            continue;
        if ((d->x[j] - lo) / width < d->below[j] / scale && (lo > 0 || is_defined_without(d, j))) {
            d->x[j] = lo;
            d->moves[j] = false;
        } else if ((hi - d->x[j]) / width < d->above[j] / scale) {
            d->x[j] = hi;
            d->moves[j] = false;
        }
    }
}

/* Of domains at bounds they could leave, the one that gains most. */
static bool release(struct descent *d, double lambda)
{
    double most = 0;
    size_t best = d->n;

    for (size_t j = 0; j < d->n; j++) {
        struct marginal m = {-d->gradient[j], d->magnitude[j]};
        double gain = d->moves[j] ? 0 : box_violation(&d->box, j, d->x[j], m, lambda);

        if (gain > most) {
            most = gain;
            best = j;
        }
    }
    if (best == d->n || most <= DBL_EPSILON)
        return false;
    d->moves[best] = true;
    return true;
}

/*
 * How much of the step the bounds allow; *ret is the domain that is in the way, or n.  One that would come to within
 * rounding of its bound is meant to stand there.
 */
static double allowed(const struct descent *d, size_t *ret)
{
    double part = 1;

    *ret = d->n;
    for (size_t j = 0; j < d->n; j++) {
        double bound = d->step[j] < 0 ? box_lo(&d->box, j) : box_hi(&d->box, j);
        double room = d->step[j] != 0 ? (bound - d->x[j]) / d->step[j] : INFINITY;

        if (d->moves[j] && room < part * (1 + 1e-9)) {
            part = fmin(part, fmax(room, 0));
            *ret = j;
        }
    }
    return part;
}

/* F, and what a sum other than 1 costs: more than it could gain. */
static double merit(const struct descent *d, const double *r, double lambda)
{
    return descent_value(d, r) + 2 * fabs(lambda) * box_sum_violation(r, d->n);
}

/* x moves by so much of the step as does not raise F; returns the greatest change, relative to x. */
static double move(struct descent *d, double lambda)
{
    size_t blocking;
    double part = allowed(d, &blocking), change = 0, before = merit(d, d->x, lambda);

    for (int i = 0; i < 40; i++, part /= 2, blocking = d->n) {
        for (size_t j = 0; j < d->n; j++)
            d->trial[j] = d->x[j] + part * d->step[j];
        if (blocking < d->n)
            d->trial[blocking] = d->step[blocking] < 0 ? box_lo(&d->box, blocking) : box_hi(&d->box, blocking);
        if (merit(d, d->trial, lambda) <= before + 1e-13 * fabs(before))
            break;
    }
    for (size_t j = 0; j < d->n; j++)
        if (d->moves[j] && d->x[j] > 0)
            change = fmax(change, fabs(d->trial[j] - d->x[j]) / d->x[j]);
    memcpy(d->x, d->trial, d->n * sizeof(*d->x));
    if (blocking < d->n)
        d->moves[blocking] = false;
    return blocking < d->n ? 1 : change;
}

/* Keep x if it is the best so far. */
static bool keep(struct descent *d, double *best, double *least)
{
    double residual = descent_residual(d, NULL);

    if (!(residual < *least))
        return false;
    *least = residual;
    memcpy(best, d->x, d->n * sizeof(*best));
    return true;
}

void active_set(struct descent *d, double *best)
{
    double least = INFINITY, *right = best + d->n;
    size_t stalled = 0;

    descent_evaluate(d);
    keep(d, best, &least);
    stand_at_bounds(d);
    for (int i = 0; i < MAX_ITERATIONS && stalled < MAX_STALLED; i++, d->n_iterations++) {
        double lambda, change;

        descent_evaluate(d);
        stalled = keep(d, best, &least) ? 0 : stalled + 1;
        for (size_t j = 0; j < d->n; j++)
            right[j] = -d->gradient[j];
        lambda = descent_solve(d, NULL, right);
        if (isnan(lambda)) {
            descent_residual(d, &lambda);
            change = 0;
        } else {
            change = move(d, lambda);
        }
        if (change <= 1e-9 && release(d, lambda))
            stalled = 0;
    }
    memcpy(d->x, best, d->n * sizeof(*best));
}
