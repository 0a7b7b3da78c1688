/* one_thread.h - before the first call of BLAS or LAPACK: it is to run in the calling thread alone */
#ifndef LINALG_ONE_THREAD_H
#define LINALG_ONE_THREAD_H

void linalg_use_one_thread(void);

#endif
