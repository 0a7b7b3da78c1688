/* linalg.c - LAPACK with work that is allocated once */
#include "linalg/linalg.h"

#include "linalg/blas.h"

#include <lapacke.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct linalg_work {
    size_t max_rows, max_cols;
    double *tau;    /* [max_cols] */
    double *r;      /* [max_cols x max_cols] */
    double *u;      /* [max_cols x max_cols] */
    double *lapack; /* [lapack_length] */
    size_t lapack_length;
};

/* The largest of what the routines ask for. */
static size_t lapack_length(int rows, int cols)
{
    double ask, largest = 1, dummy[1] = {0};

    blas_enter();
    LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, rows, cols, dummy, rows, dummy, &ask, -1);
    largest = ask > largest ? ask : largest;
    LAPACKE_dormqr_work(LAPACK_COL_MAJOR, 'L', 'T', rows, 1, cols, dummy, rows, dummy, dummy, rows, &ask, -1);
    largest = ask > largest ? ask : largest;
    LAPACKE_dgesvd_work(LAPACK_COL_MAJOR, 'S', 'S', cols, cols, dummy, cols, dummy, dummy, cols, dummy, cols, &ask, -1);
    blas_leave();
    largest = ask > largest ? ask : largest;
    return (size_t)largest;
}

struct linalg_work *linalg_work_create(size_t max_rows, size_t max_cols)
{
    struct linalg_work *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->max_rows = max_rows;
    w->max_cols = max_cols;
    w->lapack_length = lapack_length((int)max_rows, (int)max_cols);
    w->tau = calloc(max_cols, sizeof *w->tau);
    w->r = calloc(max_cols * max_cols, sizeof *w->r);
    w->u = calloc(max_cols * max_cols, sizeof *w->u);
    w->lapack = calloc(w->lapack_length, sizeof *w->lapack);
    if (!w->tau || !w->r || !w->u || !w->lapack)
        linalg_work_destroy(&w);
    return w;
}

void linalg_work_destroy(struct linalg_work **w)
{
    if (!*w)
        return;
    free((*w)->tau);
    free((*w)->r);
    free((*w)->u);
    free((*w)->lapack);
    free(*w);
    *w = NULL;
}

static void take_triangle(const double *a, size_t rows, size_t cols, double *r)
{
    memset(r, 0, cols * cols * sizeof *r);
    for (size_t j = 0; j < cols; j++)
        memcpy(r + j * cols, a + j * rows, (j + 1) * sizeof *r);
}

static bool decompose(struct linalg_work *w, double *a, size_t rows, size_t cols, double *b, double *ret_s,
                      double *ret_vt)
{
    int m = (int)rows, n = (int)cols, length = (int)w->lapack_length;

    if (LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, m, n, a, m, w->tau, w->lapack, length) != 0 ||
        LAPACKE_dormqr_work(LAPACK_COL_MAJOR, 'L', 'T', m, 1, n, a, m, w->tau, b, m, w->lapack, length) != 0)
        return false;
    take_triangle(a, rows, cols, w->r);
    return LAPACKE_dgesvd_work(LAPACK_COL_MAJOR, 'S', 'S', n, n, w->r, n, ret_s, w->u, n, ret_vt, n, w->lapack,
                               length) == 0;
}

bool linalg_svd(struct linalg_work *w, double *a, size_t rows, size_t cols, double *b, double *ret_s, double *ret_vt,
                double *ret_ub)
{
    bool done;

    blas_enter();
    done = decompose(w, a, rows, cols, b, ret_s, ret_vt);
    blas_leave();
    if (!done)
        return false;
    for (size_t j = 0; j < cols; j++) {
        ret_ub[j] = 0;
        for (size_t i = 0; i < cols; i++)
            ret_ub[j] += w->u[j * cols + i] * b[i];
    }
    return true;
}
