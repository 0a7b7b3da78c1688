#include "pipeline/placement.h"

#include "pipeline/limits.h"

#include <hwloc.h>
#include <limits.h>
#include <stdlib.h>

struct placement {
    hwloc_topology_t topology;
    unsigned n_threads;
    hwloc_bitmap_t *sets; /* [n_threads], or NULL: nothing is bound */
};

static void plan_sets(struct placement *p, unsigned n_cores, unsigned n_processors)
{
    hwloc_obj_t root = hwloc_get_root_obj(p->topology);

    if (p->n_threads < n_cores || p->n_threads > n_processors)
        return;
    p->sets = calloc(p->n_threads, sizeof(hwloc_bitmap_t));
    if (!p->sets)
        return;
    if (hwloc_distrib(p->topology, &root, 1, p->sets, p->n_threads, INT_MAX, 0) != 0) {
        free(p->sets);
        p->sets = NULL;
        return;
    }
    for (unsigned i = 0; i < p->n_threads; i++)
        hwloc_bitmap_singlify(p->sets[i]);
}

enum emx_status placement_create(const char *synthetic, unsigned n_threads, bool bind, struct placement **ret,
                                 struct emx_error *err)
{
    struct placement *p = calloc(1, sizeof(*p));
    unsigned n_cores, n_processors;

    if (!p || hwloc_topology_init(&p->topology) != 0) {
        free(p);
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for the machine's topology");
    }
    if ((synthetic && hwloc_topology_set_synthetic(p->topology, synthetic) != 0) ||
        hwloc_topology_load(p->topology) != 0) {
        placement_destroy(&p);
        return emx_fail(err, EMX_ERR_ARG, "the machine's topology cannot be read");
    }
    n_cores = (unsigned)hwloc_get_nbobjs_by_type(p->topology, HWLOC_OBJ_CORE);
    n_processors = (unsigned)hwloc_get_nbobjs_by_type(p->topology, HWLOC_OBJ_PU);
    p->n_threads = n_threads;
    if (n_threads == 0) {
        struct cgroup_limits limits = {UINT64_MAX, UINT64_MAX};

        if (!synthetic)
            cgroup_limits_read("", &limits);
        p->n_threads =
            n_processors > 0 ? (unsigned)(n_processors < limits.n_processors ? n_processors : limits.n_processors) : 1;
    }
    if (bind)
        plan_sets(p, n_cores, n_processors);
    *ret = p;
    return EMX_OK;
}

void placement_destroy(struct placement **pp)
{
    struct placement *p = *pp;

    if (!p)
        return;
    for (unsigned i = 0; p->sets && i < p->n_threads; i++)
        hwloc_bitmap_free(p->sets[i]);
    free(p->sets);
    hwloc_topology_destroy(p->topology);
    free(p);
    *pp = NULL;
}

const struct placement *placement_here(void)
{
    static const struct placement here = {.n_threads = 1};

    return &here;
}

unsigned placement_n_threads(const struct placement *p)
{
    return p->n_threads;
}

int placement_processor(const struct placement *p, unsigned thread)
{
    return p->sets ? hwloc_bitmap_first(p->sets[thread]) : -1;
}

void placement_bind(const struct placement *p, unsigned thread)
{
    if (p->sets)
        hwloc_set_cpubind(p->topology, p->sets[thread], HWLOC_CPUBIND_THREAD);
}
