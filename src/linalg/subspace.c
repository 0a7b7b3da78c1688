#include "linalg/subspace.h"

#include "linalg/blas.h"
#include "linalg/symmetric.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>

bool linalg_orthonormalise(size_t n, size_t k, float *a)
{
    lapack_int rows = (lapack_int)k, columns = (lapack_int)n, length;
    float ask[2] = {1, 1}, *tau = calloc(k, sizeof(*tau)), *work;
    bool done;

    blas_enter();
    LAPACKE_sgelqf_work(LAPACK_COL_MAJOR, rows, columns, a, rows, tau, &ask[0], -1);
    LAPACKE_sorglq_work(LAPACK_COL_MAJOR, rows, columns, rows, a, rows, tau, &ask[1], -1);
    length = (lapack_int)(ask[0] > ask[1] ? ask[0] : ask[1]);
    work = malloc((size_t)length * sizeof(*work));
    done = tau && work && LAPACKE_sgelqf_work(LAPACK_COL_MAJOR, rows, columns, a, rows, tau, work, length) == 0 &&
           LAPACKE_sorglq_work(LAPACK_COL_MAJOR, rows, columns, rows, a, rows, tau, work, length) == 0;
    blas_leave();
    free(tau);
    free(work);
    return done;
}

enum { CHUNK = 256 /* rows that are widened at a time */ };

static bool add_gram(size_t n, size_t k, const float *a, double *gram)
{
    double *wide = malloc(CHUNK * k * sizeof(*wide));

    for (size_t i = 0; wide && i < n; i += CHUNK) {
        size_t rows = n - i < CHUNK ? n - i : CHUNK;

        for (size_t j = 0; j < rows * k; j++)
            wide[j] = (double)a[i * k + j];
        linalg_add_outer_products(k, rows, wide, gram);
    }
    free(wide);
    return wide;
}

/* An eigenvector's sign is chance: its largest component is made positive. */
static double sign_of(const double *v, size_t n)
{
    size_t largest = 0;

    for (size_t i = 1; i < n; i++)
        largest = fabs(v[i]) > fabs(v[largest]) ? i : largest;
    return v[largest] < 0 ? -1 : 1;
}

bool linalg_gram_root(size_t n, size_t k, const float *a, float *ret)
{
    double *gram = calloc(k * k, sizeof(*gram)), *values = calloc(k, sizeof(*values));
    bool done = gram && values && add_gram(n, k, a, gram) && linalg_eigenvectors(k, gram, values);

    for (size_t i = 0; done && i < k; i++) {
        const double *v = gram + (k - 1 - i) * k;
        double root = values[k - 1 - i] > 0 ? sqrt(values[k - 1 - i]) * sign_of(v, k) : 0;

        for (size_t j = 0; j < k; j++)
            ret[i * k + j] = (float)(root * v[j]);
    }
    free(gram);
    free(values);
    return done;
}

void linalg_transform(size_t n, size_t k, size_t m, const float *a, const float *t, float *ret)
{
    blas_enter();
    cblas_sgemm(CblasColMajor, CblasTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, t, (int)k, a, (int)k, 0, ret,
                (int)m);
    blas_leave();
}
