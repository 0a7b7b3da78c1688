/*
 * placement.h - where threads run and where their memory lies
 *
 * A placement is a plan first, a pure function of a topology and a number of threads (plan.h tells its rules); each
 * thread then applies its part of it with placement_bind().  It answers three questions:
 *
 *     processors       which the thread is bound to: one; those of a NUMA node; or none in particular
 *     node             where its memory is to lie.  What a thread allocates and touches first lies there, so
 *                      buffers belong to the thread that made them, and memory that is used again must stay
 *                      with the threads of its node.
 *     memory domain    the L3 cache or NUMA node that it cannot leave: threads of one domain may share a table without
 *                      moving its lines between caches or nodes
 *
 * This folder is the only caller of hwloc.
 */
#ifndef PIPELINE_PLACEMENT_H
#define PIPELINE_PLACEMENT_H

#include <emx/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct placement;

/* Another machine than this one, for tests. */
struct machine_model {
    const char *synthetic;     /* in hwloc's notation, "pack:2 core:4 pu:2", or: */
    const char *xml;           /* what hwloc exports */
    const char *allowed;       /* processors of the affinity mask, "0-3,8"; NULL: all */
    unsigned quota_processors; /* of a cgroup; 0: none */
};

/*
 * Plan n_threads threads (0: one for each processor that affinity mask, cpuset and cgroup quota leave).  Without `bind`
 * nothing is bound, and the machine counts as one node.  `model`: NULL but in tests.
 */
EMX_CHECKED enum emx_status placement_create(const struct machine_model *model, unsigned n_threads, bool bind,
                                             struct placement **ret, struct emx_error *err);
void placement_destroy(struct placement **p);

/* The calling thread alone: what runs on this placement runs where it is called. Static. */
const struct placement *placement_here(void);

unsigned placement_n_threads(const struct placement *p);

/* Nodes are numbered 0 .. n - 1: those with both processors and threads' memory; their own numbers may have gaps. */
unsigned placement_n_nodes(const struct placement *p);
unsigned placement_node(const struct placement *p, unsigned thread);
unsigned placement_n_domains(const struct placement *p);
unsigned placement_domain(const struct placement *p, unsigned thread);

/* Processor (its number in the system) of a thread that is bound to one, else -1. */
int placement_processor(const struct placement *p, unsigned thread);
/* Does the plan let the thread run there? */
bool placement_may_run(const struct placement *p, unsigned thread, unsigned processor);
/* The system's number of a node. */
unsigned placement_node_number(const struct placement *p, unsigned node);

/* Bytes of memory on the nodes that this process may use; UINT64_MAX if the system does not say. */
uint64_t placement_memory(const struct placement *p);

/* The plan in words, line 0 and, on machines with several nodes, one for each node; false: there is no such line. */
bool placement_describe(const struct placement *p, unsigned line, char *ret, size_t cap);

/* Bind the calling thread as planned; a refusal by the system is survived, only speed is lost. */
void placement_bind(const struct placement *p, unsigned thread);
/* Threads whose binding was refused so far. */
unsigned placement_n_refused(const struct placement *p);

#endif
