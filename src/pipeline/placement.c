#include "pipeline/placement.h"

#include "pipeline/limits.h"
#include "pipeline/plan.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct placement {
    hwloc_topology_t topology;
    struct plan plan;
    bool binds_memory;
    _Atomic unsigned *n_refused; /* apart, since all else is constant once threads run */
};

/* --- the topology --------------------------------------------------------------------------------------- */

static bool load(hwloc_topology_t topology, const struct machine_model *model)
{
    if (model && model->synthetic && hwloc_topology_set_synthetic(topology, model->synthetic) != 0)
        return false;
    if (model && model->xml && hwloc_topology_set_xmlbuffer(topology, model->xml, (int)strlen(model->xml) + 1) != 0)
        return false;
    return hwloc_topology_load(topology) == 0;
}

/* Take out the processors that the affinity mask forbids; those that a cpuset forbids hwloc leaves out. */
static void keep_allowed(hwloc_topology_t topology, const struct machine_model *model)
{
    hwloc_bitmap_t mask = hwloc_bitmap_alloc();
    bool known = false;

    if (mask && model)
        known = model->allowed && hwloc_bitmap_list_sscanf(mask, model->allowed) == 0;
    else if (mask)
        known = hwloc_get_cpubind(topology, mask, HWLOC_CPUBIND_THREAD) == 0;
    if (known) /* a mask that knows none of the processors is refused, and all are kept */
        hwloc_topology_restrict(topology, mask, 0);
    hwloc_bitmap_free(mask);
}

static unsigned quota(const struct machine_model *model)
{
    struct job_limits limits;

    if (model)
        return model->quota_processors ? model->quota_processors : UINT_MAX;
    job_limits_read(&limits);
    return limits.n_processors < UINT_MAX ? (unsigned)limits.n_processors : UINT_MAX;
}

static unsigned default_threads(hwloc_topology_t topology, const struct machine_model *model)
{
    int n = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    unsigned n_processors = n > 0 ? (unsigned)n : 1, most = quota(model);

    return n_processors < most ? n_processors : most;
}

/* Has nobody, as with numactl, said where the memory is to lie? */
static bool memory_is_free(hwloc_topology_t topology)
{
    hwloc_bitmap_t nodes = hwloc_bitmap_alloc();
    hwloc_membind_policy_t policy = HWLOC_MEMBIND_MIXED;
    bool known =
        nodes && hwloc_get_membind(topology, nodes, &policy, HWLOC_MEMBIND_THREAD | HWLOC_MEMBIND_BYNODESET) == 0;

    hwloc_bitmap_free(nodes);
    return known && (policy == HWLOC_MEMBIND_FIRSTTOUCH || policy == HWLOC_MEMBIND_DEFAULT);
}

/* --- creation ------------------------------------------------------------------------------------------- */

enum emx_status placement_create(const struct machine_model *model, unsigned n_threads, bool bind,
                                 struct placement **ret, struct emx_error *err)
{
    struct placement *p = calloc(1, sizeof(*p));

    if (p)
        p->n_refused = calloc(1, sizeof(*p->n_refused));
    if (!p || !p->n_refused || hwloc_topology_init(&p->topology) != 0) {
        if (p)
            p->topology = NULL;
        placement_destroy(&p);
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for the machine's topology");
    }
    if (!load(p->topology, model)) {
        placement_destroy(&p);
        return emx_fail(err, EMX_ERR_ARG, "the machine's topology cannot be read");
    }
    keep_allowed(p->topology, model);
    if (!plan_init(&p->plan, p->topology, n_threads ? n_threads : default_threads(p->topology, model), bind)) {
        placement_destroy(&p);
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a plan of threads");
    }
    p->binds_memory = p->plan.n_nodes > 1 && p->plan.bound != BOUND_TO_NOTHING && memory_is_free(p->topology);
    *ret = p;
    return EMX_OK;
}

void placement_destroy(struct placement **pp)
{
    struct placement *p = *pp;

    if (!p)
        return;
    plan_finish(&p->plan);
    if (p->topology)
        hwloc_topology_destroy(p->topology);
    free(p->n_refused);
    free(p);
    *pp = NULL;
}

const struct placement *placement_here(void)
{
    static struct plan_thread thread;
    static const struct placement here = {
        .plan = {.bound = BOUND_TO_NOTHING, .n_threads = 1, .n_nodes = 1, .n_domains = 1, .threads = &thread}};

    return &here;
}

/* --- questions ------------------------------------------------------------------------------------------ */

unsigned placement_n_threads(const struct placement *p)
{
    return p->plan.n_threads;
}

unsigned placement_n_nodes(const struct placement *p)
{
    return p->plan.bound == BOUND_TO_NOTHING ? 1 : p->plan.n_nodes;
}

unsigned placement_node(const struct placement *p, unsigned thread)
{
    return p->plan.threads[thread].node;
}

unsigned placement_n_domains(const struct placement *p)
{
    return p->plan.n_domains;
}

unsigned placement_domain(const struct placement *p, unsigned thread)
{
    return p->plan.threads[thread].domain;
}

int placement_processor(const struct placement *p, unsigned thread)
{
    return p->plan.bound == BOUND_TO_PROCESSORS ? (int)p->plan.threads[thread].processor->os_index : -1;
}

bool placement_may_run(const struct placement *p, unsigned thread, unsigned processor)
{
    const struct plan_thread *t = &p->plan.threads[thread];

    switch (p->plan.bound) {
    case BOUND_TO_PROCESSORS:
        return t->processor->os_index == processor;
    case BOUND_TO_NODES:
        return hwloc_bitmap_isset(p->plan.nodes[t->node].processors, processor);
    default:
        return hwloc_bitmap_isset(hwloc_topology_get_topology_cpuset(p->topology), processor);
    }
}

unsigned placement_node_number(const struct placement *p, unsigned node)
{
    return p->plan.nodes[node].memory->os_index;
}

uint64_t placement_memory(const struct placement *p)
{
    uint64_t n = hwloc_get_root_obj(p->topology)->total_memory;

    return n ? n : UINT64_MAX;
}

/* --- the plan in words ---------------------------------------------------------------------------------- */

static const char *plural(unsigned n)
{
    return n == 1 ? "" : "s";
}

static void describe_machine(const struct plan *p, char *ret, size_t cap)
{
    static const char *const bound[] = {"not bound", "each bound to a NUMA node", "each bound to a processor"};

    snprintf(ret, cap, "plan: %u thread%s, %s; usable: %u processor%s, %u core%s, %u NUMA node%s; %u memory domain%s",
             p->n_threads, plural(p->n_threads), bound[p->bound], p->n_processors, plural(p->n_processors), p->n_cores,
             plural(p->n_cores), p->n_nodes, plural(p->n_nodes), p->n_domains, plural(p->n_domains));
}

static void describe_node(const struct plan *p, unsigned node, char *ret, size_t cap)
{
    const struct plan_node *n = &p->nodes[node];
    unsigned domains = 0;
    char processors[256];

    for (unsigned i = 0; i < p->n_threads; i++) {
        if (p->threads[i].node == node && (i == 0 || p->threads[i].domain != p->threads[i - 1].domain))
            domains++;
    }
    hwloc_bitmap_list_snprintf(processors, sizeof(processors), n->processors);
    snprintf(ret, cap, "plan: NUMA node %u: %u thread%s in %u memory domain%s, processors %s", n->memory->os_index,
             n->n_threads, plural(n->n_threads), domains, plural(domains), processors);
}

bool placement_describe(const struct placement *p, unsigned line, char *ret, size_t cap)
{
    if (line == 0)
        describe_machine(&p->plan, ret, cap);
    else if (p->plan.bound != BOUND_TO_NOTHING && p->plan.n_nodes > 1 && line <= p->plan.n_nodes)
        describe_node(&p->plan, line - 1, ret, cap);
    else
        return false;
    return true;
}

/* --- applying it ---------------------------------------------------------------------------------------- */

static bool bind_processors(const struct placement *p, unsigned thread)
{
    const struct plan_thread *t = &p->plan.threads[thread];
    hwloc_const_cpuset_t set =
        p->plan.bound == BOUND_TO_PROCESSORS ? t->processor->cpuset : p->plan.nodes[t->node].processors;

    return hwloc_set_cpubind(p->topology, set, HWLOC_CPUBIND_THREAD) == 0;
}

/*
 * Where a thread runs beside its memory the system's own choice, first touch, is the same.  Said aloud it also holds
 * for processors without memory, and the kernel does not unmap pages now and then to find out who uses them.
 * Not strict: a node that is full is no error.  Containers often refuse this; then first touch must do.
 */
static void bind_memory(const struct placement *p, unsigned thread)
{
    hwloc_obj_t memory = p->plan.nodes[p->plan.threads[thread].node].memory;

    hwloc_set_membind(p->topology, memory->nodeset, HWLOC_MEMBIND_BIND,
                      HWLOC_MEMBIND_THREAD | HWLOC_MEMBIND_BYNODESET | HWLOC_MEMBIND_NOCPUBIND);
}

void placement_bind(const struct placement *p, unsigned thread)
{
    if (p->plan.bound == BOUND_TO_NOTHING)
        return;
    if (!bind_processors(p, thread))
        atomic_fetch_add_explicit(p->n_refused, 1, memory_order_relaxed); /* read after threads were joined */
    else if (p->binds_memory)
        bind_memory(p, thread);
}

unsigned placement_n_refused(const struct placement *p)
{
    return p->n_refused ? atomic_load_explicit(p->n_refused, memory_order_relaxed) : 0;
}
