#include "linalg/one_thread.h"

#include <dlfcn.h>
#include <pthread.h>

/* OpenBLAS starts threads of its own unless told not to; other implementations of LAPACK have no such function. */
static void tell(void)
{
    void (*set_threads)(int);

    *(void **)&set_threads = dlsym(RTLD_DEFAULT, "openblas_set_num_threads");
    if (set_threads)
        set_threads(1);
}

void linalg_use_one_thread(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, tell);
}
