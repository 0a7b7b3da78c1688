/*
 * region.h - memory for tables, used again
 *
 * Fresh pages cost more than anything else that a growing table does: the kernel clears them, and on a virtual machine
 * the host may have to find them first.  So a table grows where it stands, and what a finished one leaves goes to the
 * next. All memory here counts against the budget, also while nobody uses it.
 *
 * Pages lie on the NUMA node of the thread that touched them first, so there is a pool for each node: what a table
 * gives back to the pool that it took from goes to threads of the same node only.  Pools of one budget are linked: when
 * it is used up all of them let go of what is unused, and the pages can be had anywhere.
 *
 * Thread-safety: any thread may take, extend and give; a region itself belongs to one table.
 */
#ifndef COUNT_REGION_H
#define COUNT_REGION_H

#include "util/budget.h"

#include <pthread.h>
#include <stddef.h>

struct region {
    void *base;        /* page-aligned */
    size_t n_bytes;    /* in use, counted against the budget */
    size_t n_reserved; /* of addresses: pages that nobody touches cost nothing */
    size_t n_dirty;    /* from base on: bytes that may not be zero */
};

struct regions {
    struct budget *budget;
    pthread_mutex_t mutex;
    struct region *unused; /* [n_unused], guarded by the mutex */
    size_t n_unused, cap_unused;
    struct regions *next; /* of the ring of linked pools */
};

void regions_init(struct regions *r, struct budget *budget);
/* Link pools[n] of one budget, before any is used; they are finished together. */
void regions_link(struct regions *pools, size_t n);
void regions_finish(struct regions *r);

/* A region of at least n_bytes, of which these are zero: the largest unused one, or new memory; false if there is none.
 */
bool regions_take(struct regions *r, size_t n_bytes, struct region *ret);

/* Make the bytes from n_before to n_bytes of the region usable, whatever is in them; it may move. False, and unchanged,
 * without memory. */
bool regions_extend(struct regions *r, struct region *region, size_t n_before, size_t n_bytes);

/* Keep the first n_bytes, a multiple of the page size, and give the rest to the system and the budget. */
void regions_shrink(struct regions *r, struct region *region, size_t n_bytes);

/* Take back a region, whose first n_used bytes may be dirty; one that is all zero is ignored. */
void regions_give(struct regions *r, struct region *region, size_t n_used);

/* Return what is unused, here and in linked pools, to the system and the budget. */
void regions_trim(struct regions *r);

#endif
