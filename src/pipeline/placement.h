/*
 * placement.h - where threads run
 *
 * A placement is a plan first: a pure function of a topology and a number of threads; placement_bind() applies it.
 * The only caller of hwloc.
 */
#ifndef PIPELINE_PLACEMENT_H
#define PIPELINE_PLACEMENT_H

#include <emx/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct placement;

/*
 * Plan n_threads threads (0: one for each processor allowed by affinity and cgroup quota).  With `bind`, threads are
 * spread over the cores, one to a core before two share one; a plan that leaves cores free or that has
 * more threads than processors binds nothing, since the system then places them better than a plan made without
 * knowing who else runs.  `synthetic` (hwloc's notation, "pack:2 core:4 pu:2") replaces this machine in tests; else
 * NULL.
 */
EMX_CHECKED enum emx_status placement_create(const char *synthetic, unsigned n_threads, bool bind,
                                             struct placement **ret, struct emx_error *err);
void placement_destroy(struct placement **p);
/* The calling thread alone: what runs on this placement runs where it is called. Static. */
const struct placement *placement_here(void);
unsigned placement_n_threads(const struct placement *p);
/* Processor (OS index) of a thread, or -1 where the plan does not bind. */
int placement_processor(const struct placement *p, unsigned thread);
/* Bind the calling thread as planned; a refusal by the system is survived, only speed is lost. */
void placement_bind(const struct placement *p, unsigned thread);

#endif
