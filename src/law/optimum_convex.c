/* optimum_convex.c - a sum of convex functions of linear forms: its value, derivatives and Newton equations */
#include "law/optimum_convex.h"
#include "util/sum.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DOMAINS = 4096 };

static const double PIVOT = 1e-13; /* the least, of the diagonal that it came from */

static double weight_of(const struct emx_optimum_forms *f, size_t i)
{
    return f->weight ? f->weight[i] : 1;
}

static double form_at(const struct emx_optimum_forms *f, size_t i, const double *r)
{
    double q = 0;

    for (size_t j = 0; j < f->n; j++)
        q += f->direction[i * f->n + j] * r[j];
    return q;
}

static double prior_value(const struct descent *d, const double *r)
{
    struct sum sum = {0};

    for (size_t j = 0; d->prior && j < d->n; j++) {
        if (r[j] > 0)
            sum_add(&sum, (long double)d->strength * r[j] * log(r[j] / d->prior[j]));
        else if (box_hi(&d->box, j) > 0)
            return INFINITY; /* the value is finite, its slope is not: no optimum, and no step goes on from here */
    }
    return (double)sum_total(&sum);
}

double descent_value(const struct descent *d, const double *r)
{
    struct sum sum = {.value = prior_value(d, r)};

    for (size_t i = 0; i < d->forms->n_terms; i++) {
        double f[3];

        if (weight_of(d->forms, i) == 0)
            continue;
        d->forms->along(d->forms->context, i, form_at(d->forms, i, r), f);
        sum_add(&sum, (long double)weight_of(d->forms, i) * f[0]);
    }
    return isfinite((double)sum_total(&sum)) ? (double)sum_total(&sum) : INFINITY;
}

static void add_term(struct descent *d, size_t i)
{
    const double *direction = d->forms->direction + i * d->n;
    double f[3], weight = weight_of(d->forms, i);

    d->forms->along(d->forms->context, i, form_at(d->forms, i, d->x), f);
    for (size_t j = 0; j < d->n; j++) {
        double part = weight * f[2] * direction[j];

        if (direction[j] == 0)
            continue;
        d->gradient[j] += weight * f[1] * direction[j];
        d->magnitude[j] += fabs(weight * f[1] * direction[j]);
        for (size_t l = 0; l <= j; l++)
            d->hessian[j * d->n + l] += part * direction[l];
    }
}

double descent_evaluate(struct descent *d)
{
    memset(d->gradient, 0, d->n * sizeof(*d->gradient));
    memset(d->magnitude, 0, d->n * sizeof(*d->magnitude));
    memset(d->hessian, 0, d->n * d->n * sizeof(*d->hessian));
    for (size_t i = 0; i < d->forms->n_terms; i++)
        if (weight_of(d->forms, i) > 0)
            add_term(d, i);
    for (size_t j = 0; d->prior && j < d->n; j++) {
        if (box_hi(&d->box, j) == 0)
            continue;

        double pull = d->strength * (log(d->x[j] / d->prior[j]) + 1);

        d->gradient[j] += pull;
        d->magnitude[j] += fabs(pull);
        d->hessian[j * d->n + j] += d->strength / d->x[j];
    }
    return descent_value(d, d->x);
}

double descent_residual(struct descent *d, double *ret_multiplier)
{
    double worst = box_sum_violation(d->x, d->n), lambda;

    for (size_t j = 0; j < d->n; j++)
        d->marginal[j] = (struct marginal){-d->gradient[j], d->magnitude[j]};
    lambda = box_multiplier(&d->box, d->x, d->marginal);
    for (size_t j = 0; j < d->n; j++) {
        double violation = box_violation(&d->box, j, d->x[j], d->marginal[j], lambda);

        worst = violation <= worst ? worst : violation; /* NAN counts as the worst */
    }
    if (ret_multiplier)
        *ret_multiplier = lambda;
    return worst;
}

/*
 * Cholesky's factor L of the matrix's lower half, in its place.  Pivots that rounding has eaten are raised: directions
 * without curvature get a short step instead of none.
 */
static void factor(double *a, size_t n)
{
    double most = 0;

    for (size_t j = 0; j < n; j++)
        most = fmax(most, a[j * n + j]);
    for (size_t j = 0; j < n; j++) {
        double *row = a + j * n, least = PIVOT * (row[j] > 0 ? row[j] : most > 0 ? most : 1);

        for (size_t l = 0; l <= j; l++) {
            double sum = row[l];

            for (size_t k = 0; k < l; k++)
                sum -= row[k] * a[l * n + k];
            row[l] = l < j ? sum / a[l * n + l] : sqrt(fmax(sum, least));
        }
    }
}

/* L L^T x = b, in the place of b. */
static void substitute(const double *l, size_t n, double *b)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t k = 0; k < j; k++)
            b[j] -= l[j * n + k] * b[k];
        b[j] /= l[j * n + j];
    }
    for (size_t j = n; j-- > 0;) {
        for (size_t k = j + 1; k < n; k++)
            b[j] -= l[k * n + j] * b[k];
        b[j] /= l[j * n + j];
    }
}

/* Rows and columns of domains that move, close together; their number. */
static size_t gather(struct descent *d, const double *diag, const double *right)
{
    size_t n = 0, row = 0;

    for (size_t j = 0; j < d->n; j++)
        n += d->moves[j];
    for (size_t j = 0; j < d->n; j++) {
        if (!d->moves[j])
            continue;
        for (size_t l = 0, column = 0; l <= j; l++)
            if (d->moves[l])
                d->matrix[row * n + column++] = d->hessian[j * d->n + l] + (l == j && diag ? diag[j] : 0);
        d->step[row] = right[j];
        d->unit[row++] = 1;
    }
    return n;
}

double descent_solve(struct descent *d, const double *diag, const double *right)
{
    struct sum missing = {.value = 1}, steps = {0}, units = {0};
    size_t n = gather(d, diag, right), row = n;
    double lambda;

    factor(d->matrix, n);
    substitute(d->matrix, n, d->step);
    substitute(d->matrix, n, d->unit);
    for (size_t j = 0; j < d->n; j++)
        sum_add(&missing, -d->x[j]);
    for (size_t i = 0; i < n; i++) {
        sum_add(&steps, d->step[i]);
        sum_add(&units, d->unit[i]);
    }
    lambda = n > 0 ? (double)((sum_total(&steps) - sum_total(&missing)) / sum_total(&units)) : (double)NAN;
    for (size_t j = d->n; j-- > 0;) {
        row -= d->moves[j];
        d->step[j] = d->moves[j] ? d->step[row] - lambda * d->unit[row] : 0;
    }
    return lambda;
}

static enum emx_status check_forms(const struct emx_optimum_forms *f, struct emx_error *err)
{
    if (f->n > MAX_DOMAINS || f->n_terms > MAX_DOMAINS)
        return emx_fail(err, EMX_ERR_RANGE, "%zu losses of %zu domains are more than %d", f->n_terms, f->n,
                        MAX_DOMAINS);
    for (size_t i = 0; i < f->n_terms; i++) {
        if (!(weight_of(f, i) >= 0 && weight_of(f, i) <= 1e100))
            return emx_fail(err, EMX_ERR_RANGE, "the weight of loss %zu of %zu, %g, is not between 0 and 1e100", i + 1,
                            f->n_terms, weight_of(f, i));
        for (size_t j = 0; j < f->n; j++)
            if (!isfinite(f->direction[i * f->n + j]))
                return emx_fail(err, EMX_ERR_RANGE, "loss %zu of %zu depends on domain %zu by no finite number", i + 1,
                                f->n_terms, j + 1);
    }
    return EMX_OK;
}

static void lay_out(struct descent *d, double *memory)
{
    double **arrays[] = {&d->x, &d->below, &d->above, &d->gradient, &d->magnitude, &d->step, &d->unit, &d->trial};

    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++, memory += d->n)
        *arrays[i] = memory;
    d->hessian = memory;
    d->matrix = memory + d->n * d->n;
}

/* At a mixture within the bounds where F is finite; `scratch` is [8 n]. */
static void descend(struct descent *d, double *scratch)
{
    if (!box_is_point(&d->box)) {
        interior_point(d, scratch);
        active_set(d, scratch);
    }
}

static enum emx_status start(struct descent *d, struct emx_error *err)
{
    for (size_t j = 0; j < d->n; j++)
        d->x[j] = box_middle(&d->box, j);
    return isfinite(descent_value(d, d->x))
               ? EMX_OK
               : emx_fail(err, EMX_ERR_RANGE, "the loss is not finite at a mixture within the bounds");
}

static void report(struct descent *d, double *ret_proportion, struct emx_optimum_certificate *ret)
{
    struct emx_optimum_certificate c = {.n_iterations = d->n_iterations};

    c.value = descent_evaluate(d);
    c.residual = descent_residual(d, &c.multiplier);
    memcpy(ret_proportion, d->x, d->n * sizeof(*d->x));
    if (ret)
        *ret = c;
}

enum emx_status emx_optimum_convex(const struct emx_optimum_forms *forms, const struct emx_optimum_limits *limits,
                                   double *ret_proportion, struct emx_optimum_certificate *ret, struct emx_error *err)
{
    size_t n = forms->n;
    struct descent d = {.forms = forms, .strength = limits->strength, .n = n};
    enum emx_status status = check_forms(forms, err);
    double *memory;

    if (status == EMX_OK)
        status = box_init(limits, n, &d.box, err);
    if (status != EMX_OK)
        return status;
    d.prior = limits->strength > 0 ? limits->prior : NULL;
    memory = calloc(n * (2 * n + 16), sizeof(*memory));
    d.marginal = calloc(n, sizeof(*d.marginal));
    d.moves = calloc(n, sizeof(*d.moves));
    if (memory && d.marginal && d.moves) {
        lay_out(&d, memory);
        status = start(&d, err);
    } else {
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory for the optimum of %zu domains", n);
    }
    if (status == EMX_OK) {
        descend(&d, memory + n * (2 * n + 8));
        report(&d, ret_proportion, ret);
    }
    free(memory);
    free(d.marginal);
    free(d.moves);
    return status;
}
