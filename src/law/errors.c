/* errors.c - covariance by the singular values of the Jacobian, its columns scaled to length 1 */
#include "law/errors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SINGULAR 1e-10
/* Part in an undetermined direction from which a coefficient is called undetermined. */
#define UNDETERMINED 1e-2

struct errors_work {
    struct linalg_work *linalg;
    double *memory, *z, *jacobian, *padded, *rhs, *length, *s, *vt, *ub;
    size_t *free;
};

struct errors_work *errors_work_create(const struct model *m)
{
    struct errors_work *w = calloc(1, sizeof *w);
    size_t n = m->n_free, rows = m->max_rows, tall = rows + n;

    if (!w)
        return NULL;
    w->linalg = linalg_work_create(tall, n);
    w->memory = calloc(rows + rows * n + tall * n + tall + 3 * n + n * n, sizeof *w->memory);
    w->free = calloc(n, sizeof *w->free);
    if (!w->linalg || !w->memory || !w->free) {
        errors_work_destroy(&w);
        return NULL;
    }
    w->z = w->memory;
    w->jacobian = w->z + rows;
    w->padded = w->jacobian + rows * n;
    w->rhs = w->padded + tall * n;
    w->length = w->rhs + tall;
    w->s = w->length + n;
    w->ub = w->s + n;
    w->vt = w->ub + n;
    return w;
}

void errors_work_destroy(struct errors_work **w)
{
    if (!*w)
        return;
    linalg_work_destroy(&(*w)->linalg);
    free((*w)->memory);
    free((*w)->free);
    free(*w);
    *w = NULL;
}

/* The weighed columns of free coefficients, scaled, with rows of zeros below them. */
static void scale_columns(struct errors_work *w, const struct model *m, size_t n)
{
    size_t rows = m->n_rows + m->n_prior, tall = rows + n;

    memset(w->padded, 0, tall * n * sizeof *w->padded);
    memset(w->rhs, 0, tall * sizeof *w->rhs);
    for (size_t j = 0; j < n; j++) {
        const double *column = w->jacobian + w->free[j] * rows;
        double squares = 0;

        for (size_t r = 0; r < rows; r++)
            squares += m->weight[r] * column[r] * column[r];
        w->length[j] = squares > 0 ? sqrt(squares) : 1;
        for (size_t r = 0; r < rows; r++)
            w->padded[j * tall + r] = sqrt(m->weight[r]) * column[r] / w->length[j];
    }
}

/* V S^-2 V^T, unscaled, over determined directions. */
static void invert(const struct errors_work *w, const struct model *m, size_t n, size_t rank, double *ret_inverse)
{
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++) {
            double sum = 0;

            for (size_t i = 0; i < rank; i++)
                sum += w->vt[a * n + i] * w->vt[b * n + i] / (w->s[i] * w->s[i]);
            ret_inverse[w->free[a] * m->n_free + w->free[b]] = sum / (w->length[a] * w->length[b]);
        }
}

size_t errors_find(struct errors_work *w, struct model *m, const double *x, unsigned char *ret_known,
                   double *ret_inverse)
{
    struct trf_problem p = model_problem(m);
    size_t n = 0, rank = 0;

    memset(ret_inverse, 0, m->n_free * m->n_free * sizeof *ret_inverse);
    for (size_t j = 0; j < m->n_free; j++) {
        ret_known[j] = x[j] <= m->lower[j] ? EMX_LAW_AT_BOUND : EMX_LAW_FREE;
        if (ret_known[j] == EMX_LAW_FREE)
            w->free[n++] = j;
    }
    if (!n)
        return 0;
    p.residuals(x, w->z, w->jacobian, p.context);
    scale_columns(w, m, n);
    if (linalg_svd(w->linalg, w->padded, p.n_rows + n, n, w->rhs, w->s, w->vt, w->ub))
        while (rank < n && w->s[rank] > SINGULAR * w->s[0])
            rank++;
    for (size_t j = 0; j < n; j++) {
        double part = 0;

        for (size_t i = rank; i < n; i++)
            part += w->vt[j * n + i] * w->vt[j * n + i];
        if (part > UNDETERMINED * UNDETERMINED || !rank)
            ret_known[w->free[j]] = EMX_LAW_UNDETERMINED;
    }
    invert(w, m, n, rank, ret_inverse);
    return rank;
}

double errors_squares(struct errors_work *w, struct model *m, const double *x)
{
    struct trf_problem p = model_problem(m);
    double squares = 2 * m->constant, inner = 0;

    p.residuals(x, w->z, NULL, p.context);
    for (size_t r = 0; r < m->n_rows; r++) {
        bool linear = m->huber > 0 && fabs(w->z[r]) > m->huber;
        double psi = linear ? m->huber : w->z[r];

        squares += m->weight[r] * psi * psi;
        inner += linear ? 0 : m->weight[r];
    }
    if (m->huber > 0 && inner > 0)
        squares *= (m->n_weighed / inner) * (m->n_weighed / inner);
    return squares;
}
