/*
 * blas.h - around every call of BLAS or LAPACK
 *
 *     blas_enter();
 *     cblas_dsyrk(...);
 *     blas_leave();
 *
 * Between them the library works in the calling thread alone.  Any threads may be there at once, unless the library
 * that is installed does not allow it: then one at a time.
 */
#ifndef LINALG_BLAS_H
#define LINALG_BLAS_H

void blas_enter(void);
void blas_leave(void);

#endif
