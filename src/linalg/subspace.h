/*
 * subspace.h - many rows in a few dimensions: what a randomised decomposition is made of
 *
 * A matrix of n rows of k numbers lies row by row, which LAPACK takes as k x n, column by column.
 * All run in the calling thread alone.  Thread-safety: any thread.
 */
#ifndef LINALG_SUBSPACE_H
#define LINALG_SUBSPACE_H

#include <stdbool.h>
#include <stddef.h>

/* Make the k <= n columns of a[n][k] orthonormal, without leaving what they span; false if there is no memory. */
bool linalg_orthonormalise(size_t n, size_t k, float *a);

/*
 * The transform T of k x k numbers for which T T^T = A^T A, a[n][k]: column i is the i-th eigenvector of A^T A times
 * the root of its eigenvalue, in descending order.  ret[i * k + j] = T(j, i).  False if there is no memory.
 */
bool linalg_gram_root(size_t n, size_t k, const float *a, float *ret);

/* ret[n][m] = A T, of a[n][k] and the first m columns of such a T. */
void linalg_transform(size_t n, size_t k, size_t m, const float *a, const float *t, float *ret);

#endif
