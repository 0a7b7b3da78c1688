/*
 * join.c - which cluster this process is of
 *
 * The module that knows MPI is loaded only where a starter of MPI jobs has left its mark in the environment, so that
 * neither the program nor who links the library depends on MPI, and a plain start does not pay for it.
 */
#include "cluster/mpi_module.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many processes the starter of this one started; 0: it was none of MPI.  UINT64_MAX: it does not say. */
static unsigned long long n_started(void)
{
    const char *n = getenv("OMPI_COMM_WORLD_SIZE");

    if (n)
        return strtoull(n, NULL, 10);
    return getenv("PMIX_RANK") ? UINT64_MAX : 0; /* srun --mpi=pmix and others */
}

static enum emx_status no_mpi(unsigned long long n, const char *why, struct emx_cluster **ret, struct emx_error *err)
{
    if (n == 1 || n == UINT64_MAX) /* one process needs no MPI; tasks of a scheduler need not belong together */
        return cluster_alone(ret, err);
    return emx_fail(err, EMX_ERR_ARG,
                    "started by mpirun as one of %llu processes, but cannot use MPI: %s; without it they would each do "
                    "the whole job",
                    n, why);
}

/* The module lies beside the library. */
static void *load_module(void)
{
    char path[PATH_MAX];
    Dl_info here;
    const char *slash;

    if (!dladdr(MPI_MODULE_FILE, &here)) /* a constant of the library's */
        return NULL;
    slash = strrchr(here.dli_fname, '/');
    if (snprintf(path, sizeof(path), "%.*s" MPI_MODULE_FILE, slash ? (int)(slash + 1 - here.dli_fname) : 0,
                 here.dli_fname) >= (int)sizeof(path))
        return NULL;
    /* Global: Open MPI loads parts of itself that look for its symbols.  Never closed: MPI cannot be begun again. */
    return dlopen(path, RTLD_NOW | RTLD_GLOBAL);
}

enum emx_status emx_cluster_join(struct emx_cluster **ret, struct emx_error *err)
{
    unsigned long long n = n_started();
    void *module, *symbol;
    const char *why;
    mpi_join_fn *join;

    if (!n)
        return cluster_alone(ret, err);
    module = load_module();
    symbol = module ? dlsym(module, MPI_MODULE_JOIN) : NULL;
    if (!symbol)
        return no_mpi(n, (why = dlerror()) ? why : "its module cannot be found", ret, err);
    *(void **)&join = symbol;
    return join(ret, err);
}
