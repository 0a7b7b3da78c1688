/*
 * plan.h - which thread runs where: a pure function of a topology and a number of threads
 *
 * Nodes.  A processor belongs to the NUMA node that its memory comes from: of the nodes that have memory and this
 * processor, the smallest, then the first (so DRAM before HBM of the same package, as the system's own default);
 * a processor beside no memory belongs to the nearest node that has some.  Nodes without processors (CXL, HBM)
 * so get no threads.
 *
 * Threads are spread in rounds: every core gets one before its siblings get any, and every processor one before
 * any gets two.  A round that does not fill the machine is dealt out evenly along it, so that each node, and each
 * cache within it, has its share to within one.
 *
 * Binding.  If the threads fill all cores and no processor gets two, each is bound to its processor.  Otherwise
 * the system knows better which of a node's processors are free at the moment, and a thread is bound to its
 * node; on a machine of one node it is left alone.
 *
 * Memory domain.  Of L3 cache and node the smaller, if it holds several cores and the thread is bound within it.
 */
#ifndef PIPELINE_PLAN_H
#define PIPELINE_PLAN_H

#include <hwloc.h>
#include <stdbool.h>

enum plan_bound { BOUND_TO_NOTHING, BOUND_TO_NODES, BOUND_TO_PROCESSORS };

struct plan_thread {
    hwloc_obj_t processor; /* the one it is planned on, also where it is not bound to it */
    unsigned node, domain;
};

struct plan_node {
    hwloc_obj_t memory;
    hwloc_bitmap_t processors;
    unsigned n_threads;
};

struct plan {
    enum plan_bound bound;
    unsigned n_processors, n_cores, n_threads, n_nodes, n_domains;
    struct plan_thread *threads; /* [n_threads] along the machine: threads of a node or domain follow each other */
    struct plan_node *nodes;     /* [n_nodes] */
};

/* The topology is borrowed until plan_finish().  False without memory, or if it has no processor or no node. */
bool plan_init(struct plan *p, hwloc_topology_t topology, unsigned n_threads, bool bind);
void plan_finish(struct plan *p);

#endif
