/*
 * schedule.h - which thread works on which shard
 *
 * A thread stays with its domain while that has shards nobody has begun, the largest first; then it goes to the domain
 * with the fewest threads, so that most tables have one user; and when all shards are begun it joins the
 * one with the fewest threads, block by block, so that a last large shard keeps all threads busy.
 *
 * Ranks of a cluster claim shards one by one from each other's reach (scan/share.h); a shard is read by one rank.  The
 * first domain of each thread of each rank is where the threads of all ranks, one after the other, would
 * stand if they divided the bytes evenly, and ranks go on with domains that they have begun: so few ranks count in a
 * domain, which keeps their tables small, and what they exchange.
 * Thread-safety: any thread.
 */
#ifndef SCAN_SCHEDULE_H
#define SCAN_SCHEDULE_H

#include "scan/shard.h"
#include "scan/share.h"

struct schedule;

/* shards[n_shards], domains[n_domains] and share are borrowed; n_threads: that will ask. */
EMX_CHECKED enum emx_status schedule_create(struct shard *shards, size_t n_shards, struct domain *domains,
                                            size_t n_domains, unsigned n_threads, struct share *share,
                                            struct schedule **ret, struct emx_error *err);
void schedule_destroy(struct schedule **s);

/* A shard to take blocks of; NULL when there is nothing left to take.  `previous`: the shard it took from before, or
 * NULL. */
struct shard *schedule_next(struct schedule *s, struct shard *previous);

/* Are there shards that nobody has begun, as far as this rank knows? */
bool schedule_has_more(struct schedule *s);

/* No thread will find another block in this shard. */
void schedule_ended(struct schedule *s, struct shard *shard);
/* All of it is counted, its seams too. */
void schedule_completed(struct schedule *s, struct shard *shard);

/* A domain in which this rank will count no more, each once and only if it counted in it; NULL: none now. */
struct domain *schedule_take_counted(struct schedule *s);

#endif
