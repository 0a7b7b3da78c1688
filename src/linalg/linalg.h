/*
 * linalg.h - small dense linear algebra: the only caller of LAPACK
 *
 * Matrices are column-major, as LAPACK has them.  LAPACK runs in the calling thread alone, so that numbers do not
 * depend on how many processors there are.  What loops call allocates nothing: work comes from linalg_work_create().
 * Thread-safety: any thread, each with its own work.
 */
#ifndef LINALG_LINALG_H
#define LINALG_LINALG_H

#include <stdbool.h>
#include <stddef.h>

struct linalg_work;

/* For matrices of up to max_rows x max_cols, max_rows >= max_cols >= 1; NULL if there is no memory, or for more
 * than 2^31 numbers. */
struct linalg_work *linalg_work_create(size_t max_rows, size_t max_cols);
/* Accepts NULL. */
void linalg_work_destroy(struct linalg_work **w);

/*
 * Singular value decomposition A = U S V^T of a [rows x cols], rows >= cols, with U^T b.
 *
 * a and b[rows] are destroyed.  Writes ret_s[cols] descending, ret_vt[cols x cols] = V^T and ret_ub[cols] = U^T b.
 * False if it does not converge, which takes a number that is not finite.  Tall matrices are reduced by QR first.
 */
bool linalg_svd(struct linalg_work *w, double *a, size_t rows, size_t cols, double *b, double *ret_s, double *ret_vt,
                double *ret_ub);

#endif
