/*
 * symmetric.h - large symmetric matrices: sums of outer products, and eigenvalues
 *
 * Column-major, as all of linalg; of a symmetric matrix only the lower triangle is read or written: entry (i, k), i >=
 * k, is c[k * n + i].  All run in the calling thread alone.  Thread-safety: any thread.
 */
#ifndef LINALG_SYMMETRIC_H
#define LINALG_SYMMETRIC_H

#include <stdbool.h>
#include <stddef.h>

/* C += A A^T for a [n x n_columns]: adds the outer product of each column with itself. */
void linalg_add_outer_products(size_t n, size_t n_columns, const double *a, double *c);

/*
 * The eigenvalues of a[n x n], descending; a is destroyed.
 * False if there is no memory or, for a number that is not finite, no result.
 */
bool linalg_eigenvalues(size_t n, double *a, double *ret);

/* The same, ascending; the columns of a become the eigenvectors, in that order. */
bool linalg_eigenvectors(size_t n, double *a, double *ret_ascending);

#endif
