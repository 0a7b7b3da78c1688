/*
 * cluster.h - what the processes of a job can tell each other
 *
 * A cluster is a table of operations with three makers: a process alone (alone.c), the ranks of an MPI job (mpi.c, a
 * module of its own, which is loaded when mpirun started the process), and threads that play ranks (in tests).
 *
 * Operations of a cluster do not fail: where a rank is lost the job ends.  What can fail is the ranks' own work, so
 * between two operations they agree whether to go on (emx_cluster_agree()), and all fail with the same sentence.
 *
 * Thread-safety: cluster_add() and cluster_poll() any thread; the others one thread, on every rank in the same order.
 */
#ifndef CLUSTER_CLUSTER_H
#define CLUSTER_CLUSTER_H

#include <emx/cluster.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cluster_ops {
    enum emx_status (*begin_counters)(struct emx_cluster *c, size_t n, struct emx_error *err);
    void (*end_counters)(struct emx_cluster *c);
    uint64_t (*add)(struct emx_cluster *c, size_t counter, uint64_t n);
    void (*poll)(struct emx_cluster *c);
    uint64_t (*least)(struct emx_cluster *c, uint64_t mine);
    void (*broadcast)(struct emx_cluster *c, unsigned from, void *data, size_t n);
    void (*all_gather)(struct emx_cluster *c, const void *mine, size_t n, void *all);
    void (*exchange)(struct emx_cluster *c, const unsigned char *send, const size_t *n_send, unsigned char *ret,
                     const size_t *n_ret);
    void (*sum)(struct emx_cluster *c, uint64_t *x, size_t n);
    void (*send)(struct emx_cluster *c, const void *data, size_t n);
    void (*receive)(struct emx_cluster *c, unsigned from, void *data, size_t n);
    void (*leave)(struct emx_cluster *c); /* frees it */
};

struct emx_cluster {
    const struct cluster_ops *ops;
    unsigned rank, size;
    unsigned n_on_node; /* ranks on this rank's machine, itself one of them */
    unsigned n_sharing; /* of these, the ranks that may run on the same processors */
};

/* A cluster of one.  emx_cluster_leave() frees it. */
EMX_CHECKED enum emx_status cluster_alone(struct emx_cluster **ret, struct emx_error *err);

/* --- counters ------------------------------------------------------------------------------------------- */

/* n numbers, 0 at first, that all ranks share; they live with rank 0.  Collective. */
EMX_CHECKED enum emx_status cluster_begin_counters(struct emx_cluster *c, size_t n, struct emx_error *err);
void cluster_end_counters(struct emx_cluster *c);

/* Add to a counter; returns what it was before.  No other rank has to do anything for it. */
uint64_t cluster_add(struct emx_cluster *c, size_t counter, uint64_t n);

/* Where the network needs the help of rank 0 for that, this is it: a thread of rank 0 calls it now and then. */
void cluster_poll(struct emx_cluster *c);

/* --- operations of all ranks --------------------------------------------------------------------------- */

/* The least of each rank's numbers. */
uint64_t cluster_least(struct emx_cluster *c, uint64_t mine);

/* n bytes of one rank to all. */
void cluster_broadcast(struct emx_cluster *c, unsigned from, void *data, size_t n);

/* n bytes of each rank to each: all[size][n]. */
void cluster_all_gather(struct emx_cluster *c, const void *mine, size_t n, void *all);

/*
 * n_send[k] bytes to each rank k, n_ret[k] from each; one after the other in send[] and ret[], below 2^31 in each.
 * The receiver knows the numbers.
 */
void cluster_exchange(struct emx_cluster *c, const unsigned char *send, const size_t *n_send, unsigned char *ret,
                      const size_t *n_ret);

/* Sums over the ranks, for rank 0; elsewhere x[n] keeps what it was or not. */
void cluster_sum(struct emx_cluster *c, uint64_t *x, size_t n);

/* From a rank to rank 0, which knows the number of bytes; to and from itself: nothing. */
void cluster_send(struct emx_cluster *c, const void *data, size_t n);
void cluster_receive(struct emx_cluster *c, unsigned from, void *data, size_t n);

/*
 * data[n] of each rank to rank 0, which calls take() for each rank in order, itself first; data is valid during the
 * call.  Agrees: `status` and `err` as in emx_cluster_agree() before, and if take() fails all fail.
 */
typedef enum emx_status cluster_take_fn(void *context, const unsigned char *data, size_t n, struct emx_error *err);
EMX_CHECKED enum emx_status cluster_collect(struct emx_cluster *c, enum emx_status status, const void *data, size_t n,
                                            cluster_take_fn *take, void *context, struct emx_error *err);

#endif
