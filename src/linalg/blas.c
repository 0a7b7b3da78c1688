/*
 * blas.c - an OpenBLAS built without threads hands out its memory without a lock
 *
 * So two threads that multiply at once may get the same memory, and wrong products: in Debian 12, libopenblas0-serial;
 * the variants with threads lock, and are used with one.  Which variant is there is known only when the program runs,
 * as a system's alternatives choose it.  Other libraries than OpenBLAS have no such functions, and allow any threads.
 */
#include "linalg/blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static bool in_turn;

static void look(void)
{
    void (*set_threads)(int);
    int (*get_parallel)(void);

    *(void **)&set_threads = dlsym(RTLD_DEFAULT, "openblas_set_num_threads");
    if (set_threads)
        set_threads(1);
    *(void **)&get_parallel = dlsym(RTLD_DEFAULT, "openblas_get_parallel");
    in_turn = get_parallel && get_parallel() == 0;
}

void blas_enter(void)
{
    pthread_once(&once, look);
    if (in_turn)
        pthread_mutex_lock(&turn);
}

void blas_leave(void)
{
    if (in_turn)
        pthread_mutex_unlock(&turn);
}
