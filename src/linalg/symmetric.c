#include "linalg/symmetric.h"

#include "linalg/blas.h"

#include <cblas.h>
#include <lapacke.h>
#include <stdlib.h>

void linalg_add_outer_products(size_t n, size_t n_columns, const double *a, double *c)
{
    blas_enter();
    cblas_dsyrk(CblasColMajor, CblasLower, CblasNoTrans, (int)n, (int)n_columns, 1, a, (int)n, 1, c, (int)n);
    blas_leave();
}

static void reverse(double *x, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        double other = x[n - 1 - i];

        x[n - 1 - i] = x[i];
        x[i] = other;
    }
}

static bool eigen(char vectors, size_t n, double *a, double *ret_ascending)
{
    lapack_int size = (lapack_int)n, ask_integers = 1, *integers = NULL;
    double ask = 1, *work = NULL;
    bool done;

    blas_enter();
    done = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, vectors, 'L', size, a, size, ret_ascending, &ask, -1, &ask_integers,
                               -1) == 0;
    if (done) {
        work = malloc((size_t)ask * sizeof(*work));
        integers = malloc((size_t)ask_integers * sizeof(*integers));
        done = work && integers &&
               LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, vectors, 'L', size, a, size, ret_ascending, work, (lapack_int)ask,
                                   integers, ask_integers) == 0;
    }
    blas_leave();
    free(work);
    free(integers);
    return done;
}

bool linalg_eigenvalues(size_t n, double *a, double *ret)
{
    bool done = eigen('N', n, a, ret);

    if (done)
        reverse(ret, n);
    return done;
}

bool linalg_eigenvectors(size_t n, double *a, double *ret_ascending)
{
    return eigen('V', n, a, ret_ascending);
}
