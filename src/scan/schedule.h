/*
 * schedule.h - which thread works on which shard
 *
 * A thread stays with its domain while that has shards nobody has begun, the largest first; then it goes to the domain
 * with the fewest threads, so that most tables have one user; and when all shards are begun it joins the
 * one with the fewest threads, block by block, so that a last large shard keeps all threads busy.
 * Thread-safety: any thread.
 */
#ifndef SCAN_SCHEDULE_H
#define SCAN_SCHEDULE_H

#include "scan/shard.h"

struct schedule;

/* shards[n_shards] and domains[n_domains] are borrowed. */
EMX_CHECKED enum emx_status schedule_create(struct shard *shards, size_t n_shards, struct domain *domains,
                                            size_t n_domains, struct schedule **ret, struct emx_error *err);
void schedule_destroy(struct schedule **s);

/* A shard to take blocks of; NULL when there is nothing left to take.  `previous`: the shard it took from before, or
 * NULL. */
struct shard *schedule_next(struct schedule *s, struct shard *previous);

/* Are there shards that nobody has begun? */
bool schedule_has_more(struct schedule *s);

/* No thread will find another block in this shard. */
void schedule_ended(struct schedule *s, struct shard *shard);

#endif
