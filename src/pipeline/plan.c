#include "pipeline/plan.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

/* --- nodes ---------------------------------------------------------------------------------------------- */

/* Where the system does not say how much memory any node has, all are taken to have some. */
static bool has_memory(hwloc_topology_t topology, hwloc_obj_t node)
{
    return node->attr->numanode.local_memory || !hwloc_get_root_obj(topology)->total_memory;
}

/* How much of the machine shares the node; one beside no processor counts as far from all. */
static int extent(hwloc_obj_t node)
{
    return hwloc_bitmap_iszero(node->cpuset) ? INT_MAX : hwloc_bitmap_weight(node->cpuset);
}

/* The smaller is closer to what both hold; of memories at one place the one that the system would use. */
static bool is_closer(hwloc_topology_t topology, hwloc_obj_t a, hwloc_obj_t b)
{
    bool has_a = has_memory(topology, a), has_b = has_memory(topology, b);

    if (extent(a) != extent(b))
        return extent(a) < extent(b);
    return has_a != has_b ? has_a : a->os_index < b->os_index;
}

/* The closest node that holds the processor, with memory or without. */
static hwloc_obj_t local_node(hwloc_topology_t topology, hwloc_obj_t processor)
{
    hwloc_obj_t node = NULL, best = NULL;

    while ((node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node))) {
        if (hwloc_bitmap_isset(node->cpuset, processor->os_index) && (!best || is_closer(topology, node, best)))
            best = node;
    }
    return best;
}

static hwloc_obj_t nearest_of(hwloc_topology_t topology, struct hwloc_distances_s *d, hwloc_obj_t from)
{
    int row = hwloc_distances_obj_index(d, from);
    hwloc_obj_t best = NULL;
    hwloc_uint64_t least = UINT64_MAX;

    for (unsigned i = 0; row >= 0 && i < d->nbobjs; i++) {
        hwloc_uint64_t value = d->values[(size_t)row * d->nbobjs + i];

        if (d->objs[i] && has_memory(topology, d->objs[i]) && value < least) {
            best = d->objs[i];
            least = value;
        }
    }
    return best;
}

/* By the system's table of latencies; NULL if there is none. */
static hwloc_obj_t nearest_by_latency(hwloc_topology_t topology, hwloc_obj_t from)
{
    struct hwloc_distances_s *d = NULL;
    unsigned n = 1;
    hwloc_obj_t best;

    if (hwloc_distances_get_by_type(topology, HWLOC_OBJ_NUMANODE, &n, &d, HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0) != 0 ||
        n == 0)
        return NULL;
    best = nearest_of(topology, d, from);
    hwloc_distances_release(topology, d);
    return best;
}

static hwloc_obj_t node_inside(hwloc_topology_t topology, hwloc_obj_t part)
{
    hwloc_obj_t node = NULL, best = NULL;

    while ((node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node))) {
        if (has_memory(topology, node) && hwloc_bitmap_isincluded(node->cpuset, part->cpuset) &&
            (!best || is_closer(topology, node, best)))
            best = node;
    }
    return best;
}

/* The node with memory that lies in the smallest part of the machine around the processor. */
static hwloc_obj_t nearest_by_tree(hwloc_topology_t topology, hwloc_obj_t processor)
{
    hwloc_obj_t part = processor->parent, node = NULL;

    for (; part && !node; part = part->parent)
        node = node_inside(topology, part);
    return node;
}

static hwloc_obj_t memory_of(hwloc_topology_t topology, hwloc_obj_t processor)
{
    hwloc_obj_t local = local_node(topology, processor), nearest = NULL;

    if (local && has_memory(topology, local))
        return local;
    if (local)
        nearest = nearest_by_latency(topology, local);
    return nearest ? nearest : nearest_by_tree(topology, processor);
}

static bool join_node(struct plan *p, hwloc_obj_t memory, hwloc_obj_t processor, unsigned *ret)
{
    unsigned i = 0;

    while (i < p->n_nodes && p->nodes[i].memory != memory)
        i++;
    if (i == p->n_nodes) {
        struct plan_node *larger = realloc(p->nodes, (i + 1) * sizeof(*larger));

        if (!larger)
            return false;
        p->nodes = larger;
        larger[i] = (struct plan_node){.memory = memory, .processors = hwloc_bitmap_alloc()};
        if (!larger[i].processors)
            return false;
        p->n_nodes++;
    }
    *ret = i;
    return hwloc_bitmap_set(p->nodes[i].processors, processor->os_index) == 0;
}

/* --- processors ----------------------------------------------------------------------------------------- */

struct processor {
    hwloc_obj_t obj;
    unsigned node;
    unsigned round; /* 0: the first of its core, 1: the second, ... */
    unsigned n_threads;
};

static unsigned rank_in_core(hwloc_topology_t topology, hwloc_obj_t processor)
{
    hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, processor), other = NULL;
    unsigned rank = 0;

    if (!core)
        return 0;
    while ((other = hwloc_get_next_obj_inside_cpuset_by_type(topology, core->cpuset, HWLOC_OBJ_PU, other)) &&
           other != processor)
        rank++;
    return rank;
}

/* [p->n_processors], or NULL. */
static struct processor *list_processors(struct plan *p, hwloc_topology_t topology)
{
    struct processor *list = calloc(p->n_processors, sizeof(*list));

    for (unsigned i = 0; list && i < p->n_processors; i++) {
        hwloc_obj_t obj = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, i), memory = memory_of(topology, obj);

        list[i] = (struct processor){.obj = obj, .round = rank_in_core(topology, obj)};
        p->n_cores += list[i].round == 0;
        if (!memory || !join_node(p, memory, obj, &list[i].node)) {
            free(list);
            return NULL;
        }
    }
    return list;
}

/* Deal n threads out to those of one round, at most one to each; returns how many. */
static unsigned deal_round(struct processor *list, unsigned n_processors, unsigned round, unsigned n)
{
    uint64_t n_round = 0, seen = 0;

    for (unsigned i = 0; i < n_processors; i++)
        n_round += list[i].round == round;
    if (n > n_round)
        n = (unsigned)n_round;
    for (unsigned i = 0; i < n_processors; i++) {
        if (list[i].round != round)
            continue;
        /* ceil(seen * n / n_round) threads are out when `seen` processors of the round have been passed */
        list[i].n_threads += (unsigned)(((seen + 1) * n + n_round - 1) / n_round - (seen * n + n_round - 1) / n_round);
        seen++;
    }
    return n;
}

static void deal_threads(struct processor *list, unsigned n_processors, unsigned n_threads)
{
    unsigned left = n_threads % n_processors;

    for (unsigned i = 0; i < n_processors; i++)
        list[i].n_threads = n_threads / n_processors;
    for (unsigned round = 0; left; round++)
        left -= deal_round(list, n_processors, round, left);
}

/* --- threads -------------------------------------------------------------------------------------------- */

static enum plan_bound choose_bound(const struct plan *p, bool bind)
{
    if (!bind)
        return BOUND_TO_NOTHING;
    if (p->n_threads >= p->n_cores && p->n_threads <= p->n_processors)
        return BOUND_TO_PROCESSORS;
    return p->n_nodes > 1 ? BOUND_TO_NODES : BOUND_TO_NOTHING;
}

static bool holds_several_cores(const struct processor *list, unsigned n, hwloc_obj_t cache)
{
    unsigned n_cores = 0;

    for (unsigned i = 0; i < n; i++)
        n_cores += list[i].round == 0 && hwloc_bitmap_isset(cache->cpuset, list[i].obj->os_index);
    return n_cores > 1;
}

/* What stands for the memory domain of a processor: its L3, its node, or NULL for the machine. */
static const void *domain_of(const struct plan *p, hwloc_topology_t topology, const struct processor *list,
                             const struct processor *at)
{
    const struct plan_node *node = &p->nodes[at->node];
    hwloc_obj_t cache = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_L3CACHE, at->obj);

    if (p->bound == BOUND_TO_NOTHING)
        return NULL;
    if (p->bound == BOUND_TO_PROCESSORS && cache && hwloc_bitmap_isincluded(cache->cpuset, node->processors) &&
        holds_several_cores(list, p->n_processors, cache))
        return cache;
    return node->memory;
}

/* Number the domains as threads come across them; keys[n_domains] are those so far. */
static unsigned number_domain(struct plan *p, const void **keys, const void *key)
{
    unsigned i = 0;

    while (i < p->n_domains && keys[i] != key)
        i++;
    if (i == p->n_domains)
        keys[p->n_domains++] = key;
    return i;
}

static bool place_threads(struct plan *p, hwloc_topology_t topology, const struct processor *list)
{
    const void **keys = calloc(p->n_threads, sizeof(*keys));
    unsigned n = 0;

    p->threads = calloc(p->n_threads, sizeof(*p->threads));
    for (unsigned i = 0; keys && p->threads && i < p->n_processors; i++) {
        const void *key = domain_of(p, topology, list, &list[i]);
        unsigned node = p->bound == BOUND_TO_NOTHING ? 0 : list[i].node;

        for (unsigned k = 0; k < list[i].n_threads; k++) {
            p->threads[n++] = (struct plan_thread){list[i].obj, node, number_domain(p, keys, key)};
            p->nodes[node].n_threads++;
        }
    }
    free(keys);
    return n == p->n_threads;
}

bool plan_init(struct plan *p, hwloc_topology_t topology, unsigned n_threads, bool bind)
{
    int n_processors = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    struct processor *list;
    bool ok = false;

    *p = (struct plan){.n_processors = n_processors > 0 ? (unsigned)n_processors : 0, .n_threads = n_threads};
    list = p->n_processors ? list_processors(p, topology) : NULL;
    if (list) {
        p->bound = choose_bound(p, bind);
        deal_threads(list, p->n_processors, p->n_threads);
        ok = place_threads(p, topology, list);
    }
    free(list);
    if (!ok)
        plan_finish(p);
    return ok;
}

void plan_finish(struct plan *p)
{
    for (unsigned i = 0; i < p->n_nodes; i++)
        hwloc_bitmap_free(p->nodes[i].processors);
    free(p->nodes);
    free(p->threads);
    *p = (struct plan){0};
}
