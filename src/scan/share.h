/*
 * share.h - what the ranks of a scan tell each other while they count
 *
 * All of it is in the cluster's counters: for each domain how many of its shards were claimed, whether its warning was
 * given, and how far it is; and whether a rank wants all to stop.
 * Thread-safety: share_claim(), share_is_first(), share_skip() any thread; the others the caller's thread of
 * emx_scan().
 */
#ifndef SCAN_SHARE_H
#define SCAN_SHARE_H

#include "cluster/cluster.h"

#include <emx/scan.h>

struct share {
    struct emx_cluster *cluster;
    size_t n_domains;
    uint64_t *told; /* [n_counters] what this rank added to the counters of progress */
    bool stop_told;
};

/* Collective; `cluster` is borrowed until share_finish(), which is collective, too. */
EMX_CHECKED enum emx_status share_init(struct share *s, struct emx_cluster *cluster, size_t n_domains,
                                       struct emx_error *err);
/* Accepts a zeroed share. */
void share_finish(struct share *s);

/* The domain's next shard, in an order that all ranks know; at or above their number: there is none left. */
uint64_t share_claim(struct share *s, size_t domain);

/* The first to ask, of all ranks and threads? */
bool share_is_first(struct share *s, size_t domain);

/* Something is left out; returns how much was before, by all ranks. */
uint64_t share_skip(struct share *s);

/* All ranks are to stop, for this one has failed. */
void share_stop(struct share *s);
bool share_is_stopped(struct share *s);

/* Tell the others how far this rank is; then *p, for rank 0, is how far all are.  p->domains is domains[]. */
void share_tell(struct share *s, const struct emx_scan_progress *p);
void share_ask(struct share *s, struct emx_scan_progress *p, struct emx_scan_domain_progress *domains);

#endif
