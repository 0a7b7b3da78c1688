#include "pipeline/machine.h"

#include <hwloc.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- limits ----------------------------------------------------------------------------------------- */

/* The first two words of a small file as numbers; "max" and what is missing are UINT64_MAX. */
static void read_words(const char *root, const char *folder, const char *name, uint64_t ret[2])
{
    char path[PATH_MAX], text[128] = "";
    const char *p = text;
    FILE *f;

    ret[0] = ret[1] = UINT64_MAX;
    if (snprintf(path, sizeof(path), "%s%s/%s", root, folder, name) >= (int)sizeof(path) || !(f = fopen(path, "r")))
        return;
    if (!fgets(text, sizeof(text), f))
        text[0] = 0;
    fclose(f);
    for (int i = 0; i < 2 && *p; i++) {
        char *end;
        unsigned long long value = strtoull(p, &end, 10);

        if (end != p && *p != '-')
            ret[i] = value;
        p = end != p ? end : p + strcspn(p, " \n");
        p += strspn(p, " \n");
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void take_quota(uint64_t quota, uint64_t period, struct cgroup_limits *limits)
{
    if (quota != UINT64_MAX && period != UINT64_MAX && period > 0 && quota > 0)
        limits->n_processors = least(limits->n_processors, quota / period + (quota % period != 0));
}

/* Limits of a cgroup and of all above it hold; `folder` is cut back on the way up. */
static void read_hierarchy(const char *root, const char *base, char *group, bool v2, bool memory,
                           struct cgroup_limits *limits)
{
    for (;;) {
        char folder[PATH_MAX];
        uint64_t word[2], period[2];
        char *slash;

        if (snprintf(folder, sizeof(folder), "%s%s", base, group) >= (int)sizeof(folder))
            return;
        if (memory) {
            read_words(root, folder, v2 ? "memory.max" : "memory.limit_in_bytes", word);
            limits->memory_bytes = least(limits->memory_bytes, word[0]);
        }
        if (v2) {
            read_words(root, folder, "cpu.max", word);
            take_quota(word[0], word[1], limits);
        } else if (!memory) {
            read_words(root, folder, "cpu.cfs_quota_us", word);
            read_words(root, folder, "cpu.cfs_period_us", period);
            take_quota(word[0], period[0], limits);
        }
        slash = strrchr(group, '/');
        if (!slash)
            return;
        *slash = 0;
    }
}

void cgroup_limits_read(const char *root, struct cgroup_limits *ret)
{
    char path[PATH_MAX], line[PATH_MAX];
    FILE *f;

    *ret = (struct cgroup_limits){UINT64_MAX, UINT64_MAX};
    if (snprintf(path, sizeof(path), "%s/proc/self/cgroup", root) >= (int)sizeof(path) || !(f = fopen(path, "r")))
        return;
    while (fgets(line, sizeof(line), f)) { /* "0::/a/b" (v2) or "4:memory:/a/b" (v1) */
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;

        if (!group)
            continue;
        *group++ = 0;
        group[strcspn(group, "\n")] = 0;
        controllers++;
        if (!*controllers)
            read_hierarchy(root, "/sys/fs/cgroup", group, true, true, ret);
        else if (strstr(controllers, "memory"))
            read_hierarchy(root, "/sys/fs/cgroup/memory", group, false, true, ret);
        else if (strstr(controllers, "cpu,") || strcmp(controllers, "cpu") == 0)
            read_hierarchy(root, "/sys/fs/cgroup/cpu", group, false, false, ret);
    }
    fclose(f);
}

uint64_t machine_memory(void)
{
    struct cgroup_limits limits;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t physical = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_C(1) << 32;

    cgroup_limits_read("", &limits);
    return least(physical, limits.memory_bytes);
}

/* --- placement -------------------------------------------------------------------------------------- */

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
        p->n_threads = n_processors > 0 ? (unsigned)least(n_processors, limits.n_processors) : 1;
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
