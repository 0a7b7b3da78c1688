#include "linalg/symmetric.h"

#include "linalg/one_thread.h"

#include <cblas.h>
#include <lapacke.h>
#include <stdlib.h>

void linalg_add_outer_products(size_t n, size_t n_columns, const double *a, double *c)
{
    linalg_use_one_thread();
    cblas_dsyrk(CblasColMajor, CblasLower, CblasNoTrans, (int)n, (int)n_columns, 1, a, (int)n, 1, c, (int)n);
}

static void reverse(double *x, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        double other = x[n - 1 - i];

        x[n - 1 - i] = x[i];
        x[i] = other;
    }
}

bool linalg_eigenvalues(size_t n, double *a, double *ret)
{
    lapack_int ask_integers = 1, *integers, size = (lapack_int)n;
    double ask = 1, *work;
    bool done;

    linalg_use_one_thread();
    if (LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'N', 'L', size, a, size, ret, &ask, -1, &ask_integers, -1) != 0)
        return false;
    work = malloc((size_t)ask * sizeof(*work));
    integers = malloc((size_t)ask_integers * sizeof(*integers));
    done = work && integers &&
           LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'N', 'L', size, a, size, ret, work, (lapack_int)ask, integers,
                               ask_integers) == 0;
    free(work);
    free(integers);
    if (done)
        reverse(ret, n);
    return done;
}
