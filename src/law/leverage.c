/*
 * leverage.c - how far a query lies outside what was observed
 *
 * h = x^T (J^T J)^-1 x = |S^-1 V^T x|^2 by the singular values of J, its columns scaled to length 1.  A prior is rows
 * of J, too.
 */
#include "law/form.h"
#include "law/prior.h"
#include "law/query.h"
#include "linalg/linalg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SINGULAR 1e-10
/* Part of x in undetermined directions that is put down to rounding. */
#define NEGLIGIBLE 1e-6
/* Times the largest observed leverage: twice the standard error. */
#define FAR 4

struct leverage {
    const struct emx_law *law;
    struct linalg_work *linalg;
    double *memory, *gradient, *x, *length, *s, *vt, *ub; /* gradient [p], others [n] or [n x n] */
    double *jacobian, *padded, *rhs;                      /* [rows][n], [(rows + n) x n] column-major, [rows + n] */
    size_t *column;                                       /* [n] coefficients that count */
    size_t n, rows, n_observed, rank;                     /* rows: those observed, then those of a prior */
    size_t from, to; /* coefficients that the loss at the query's step depends on */
};

static bool create(struct leverage *l, const struct emx_law *law, double step)
{
    size_t p = law->n_coefficients, part = law->n_domains + 2, tall;

    l->law = law;
    l->to = p;
    if (law->form == EMX_LAW_EXPONENTIAL) {
        l->from = form_find_step(law, step) * part;
        l->to = l->from + part;
    }

    size_t most = l->to - l->from, rows = law->n_rows + (law->prior_strength > 0 ? law->n_domains : 0);

    tall = rows + most;
    l->linalg = linalg_work_create(tall, most);
    l->column = calloc(most, sizeof *l->column);
    l->memory = calloc(p + 4 * most + most * most + rows * most + tall * (most + 1), sizeof *l->memory);
    if (!l->linalg || !l->column || !l->memory)
        return false;
    l->gradient = l->memory;
    l->x = l->gradient + p;
    l->length = l->x + most;
    l->s = l->length + most;
    l->ub = l->s + most;
    l->vt = l->ub + most;
    l->jacobian = l->vt + most * most;
    l->padded = l->jacobian + rows * most;
    l->rhs = l->padded + tall * most;
    return true;
}

static void destroy(struct leverage *l)
{
    linalg_work_destroy(&l->linalg);
    free(l->column);
    free(l->memory);
}

/* The gradient of the (log) loss by the coefficients that count. */
static void gradient_at(struct leverage *l, size_t scored, const double *mixture, double step, double *ret)
{
    double value = emx_law_value(l->law, scored, NULL, mixture, step, NULL, l->gradient);

    for (size_t j = 0; j < l->n; j++)
        ret[j] = l->gradient[l->column[j]] / (l->law->loss == EMX_LAW_LINEAR ? 1 : value);
}

static void collect_rows(struct leverage *l, size_t scored)
{
    const struct emx_law *law = l->law;

    l->rows = 0;
    for (size_t r = 0; r < law->n_rows; r++) {
        if (law->form == EMX_LAW_EXPONENTIAL && law->step[r] * (law->n_domains + 2) != l->from)
            continue;
        gradient_at(l, scored, law->proportion + law->mixture[r] * law->n_domains, law->steps[law->step[r]],
                    l->jacobian + l->rows++ * l->n);
    }
    l->n_observed = l->rows;
}

static void add_prior_rows(struct leverage *l, size_t scored)
{
    const struct emx_law *law = l->law;
    size_t m = law->n_domains, own = law->scored[scored];

    if (!(law->prior_strength > 0))
        return;

    struct prior prior = prior_of_law(law, scored);
    double root = sqrt(prior.pull.strength);

    for (size_t a = 0; a < m; a++) {
        double *row = l->jacobian + l->rows * l->n;

        if (a == own)
            continue;
        for (size_t j = 0; j < l->n; j++)
            row[j] = l->column[j] < BIMIX_T ? 0 : root * prior_slope(&prior, a, l->column[j] - BIMIX_T);
        l->rows++;
    }
}

static bool decompose(struct leverage *l)
{
    size_t n = l->n, tall = l->rows + n;

    memset(l->padded, 0, tall * n * sizeof *l->padded);
    memset(l->rhs, 0, tall * sizeof *l->rhs);
    for (size_t j = 0; j < n; j++) {
        double squares = 0;

        for (size_t r = 0; r < l->rows; r++)
            squares += l->jacobian[r * n + j] * l->jacobian[r * n + j];
        l->length[j] = squares > 0 ? sqrt(squares) : 1;
        for (size_t r = 0; r < l->rows; r++)
            l->padded[j * tall + r] = l->jacobian[r * n + j] / l->length[j];
    }
    if (!linalg_svd(l->linalg, l->padded, tall, n, l->rhs, l->s, l->vt, l->ub))
        return false;
    for (l->rank = 0; l->rank < n && l->s[l->rank] > SINGULAR * l->s[0];)
        l->rank++;
    return true;
}

static double leverage_of(const struct leverage *l, const double *x)
{
    double h = 0, outside = 0, squares = 0;

    for (size_t i = 0; i < l->n; i++) {
        double along = 0;

        for (size_t j = 0; j < l->n; j++)
            along += l->vt[j * l->n + i] * x[j] / l->length[j];
        squares += along * along;
        if (i < l->rank)
            h += along / l->s[i] * (along / l->s[i]);
        else
            outside += along * along;
    }
    return outside > NEGLIGIBLE * NEGLIGIBLE * squares ? INFINITY : h;
}

static enum emx_law_verdict verdict_of(double h, double largest)
{
    if (h <= largest * (1 + 1e-9))
        return EMX_LAW_INSIDE;
    return h <= FAR * largest ? EMX_LAW_BEYOND : EMX_LAW_FAR;
}

static bool find(struct leverage *l, size_t scored, const double *mixture, double step, struct emx_law_leverage *ret)
{
    const unsigned char *known = l->law->known + scored * l->law->n_coefficients;

    memset(ret, 0, sizeof *ret);
    l->n = 0;
    for (size_t n = l->from; n < l->to; n++)
        if (known[n] == EMX_LAW_FREE || known[n] == EMX_LAW_UNDETERMINED)
            l->column[l->n++] = n;
    if (!l->n)
        return true;
    collect_rows(l, scored);
    add_prior_rows(l, scored);
    if (!decompose(l))
        return false;
    gradient_at(l, scored, mixture, step, l->x);
    ret->h = leverage_of(l, l->x);
    for (size_t r = 0; r < l->n_observed; r++)
        ret->largest = fmax(ret->largest, leverage_of(l, l->jacobian + r * l->n));
    ret->verdict = verdict_of(ret->h, ret->largest);
    return true;
}

enum emx_status emx_law_leverage(const struct emx_law *law, const double *mixture, double step,
                                 struct emx_law_leverage *ret, struct emx_error *err)
{
    struct leverage l = {0};
    enum emx_status status = query_check(law, mixture, step, err);

    if (status)
        return status;
    if (!create(&l, law, step))
        status = emx_fail(err, EMX_ERR_MEMORY, "no memory for the leverage of %zu rows", law->n_rows);
    for (size_t k = 0; k < law->n_scored && !status; k++)
        if (!find(&l, k, mixture, step, &ret[k]))
            status = emx_fail(err, EMX_ERR_RANGE, "the law of domain %s has no finite derivatives",
                              law->domains[law->scored[k]]);
    destroy(&l);
    return status;
}

const char *emx_law_verdict_text(enum emx_law_verdict verdict)
{
    static const char *const texts[] = {
        "within the observed mixtures and steps",
        "beyond the observed mixtures and steps: standard errors are up to twice the largest among them",
        "far beyond the observed mixtures and steps: nothing that was observed supports the prediction",
    };

    return texts[verdict];
}
