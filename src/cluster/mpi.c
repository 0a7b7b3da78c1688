/*
 * mpi.c - the ranks of an MPI job as a cluster; the one file that knows MPI
 *
 * Threads call one at a time (MPI_THREAD_SERIALIZED): a mutex sees to it.  Counters are a window in rank 0's memory,
 * used in one passive epoch with fetch-and-add; within a machine these are atomic instructions, over some networks rank
 * 0 has to call MPI now and then, which is what cluster_poll() is for.
 *
 * MPI waits by spinning.  Here a rank that waits for others for long naps instead: its processors may have work.
 */
#include "cluster/mpi_module.h"

#include <limits.h>
#include <mpi.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    TAG = 1,
    SPINS = 2000,
    SHORTEST_NAP = 20 * 1000, /* nanoseconds */
    LONGEST_NAP = 1000 * 1000,
};
#define MOST_BYTES ((size_t)1 << 30) /* of a message, and of a sum: MPI counts in int */

struct ranks {
    struct emx_cluster base;
    pthread_mutex_t mutex; /* held in every call of MPI */
    MPI_Win window;
    int *n_send, *at_send, *n_ret, *at_ret; /* [size] each */
    bool ends_mpi;
};

static struct ranks *ranks_of(struct emx_cluster *c)
{
    return (struct ranks *)c;
}

/* With the mutex. */
static void await(MPI_Request *request)
{
    struct timespec nap = {.tv_nsec = SHORTEST_NAP};
    int done = 0;

    for (unsigned i = 0;; i++) {
        MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (done)
            return;
        if (i < SPINS) {
            sched_yield();
            continue;
        }
        nanosleep(&nap, NULL);
        nap.tv_nsec = nap.tv_nsec < LONGEST_NAP / 2 ? 2 * nap.tv_nsec : LONGEST_NAP;
    }
}

/* --- counters ------------------------------------------------------------------------------------------- */

static enum emx_status begin_counters(struct emx_cluster *c, size_t n, struct emx_error *err)
{
    struct ranks *r = ranks_of(c);
    MPI_Aint n_bytes = c->rank == 0 ? (MPI_Aint)(n * sizeof(uint64_t)) : 0;
    uint64_t *counters;

    (void)err;
    pthread_mutex_lock(&r->mutex);
    MPI_Win_allocate(n_bytes, sizeof(uint64_t), MPI_INFO_NULL, MPI_COMM_WORLD, &counters, &r->window);
    if (n_bytes)
        memset(counters, 0, (size_t)n_bytes);
    MPI_Barrier(MPI_COMM_WORLD); /* nobody adds before they are 0 */
    MPI_Win_lock_all(MPI_MODE_NOCHECK, r->window);
    pthread_mutex_unlock(&r->mutex);
    return EMX_OK;
}

static void end_counters(struct emx_cluster *c)
{
    struct ranks *r = ranks_of(c);

    pthread_mutex_lock(&r->mutex);
    if (r->window != MPI_WIN_NULL) {
        MPI_Win_unlock_all(r->window);
        MPI_Win_free(&r->window);
    }
    pthread_mutex_unlock(&r->mutex);
}

static uint64_t add(struct emx_cluster *c, size_t counter, uint64_t n)
{
    struct ranks *r = ranks_of(c);
    uint64_t before = 0;

    pthread_mutex_lock(&r->mutex);
    MPI_Fetch_and_op(&n, &before, MPI_UINT64_T, 0, (MPI_Aint)counter, MPI_SUM, r->window);
    MPI_Win_flush(0, r->window);
    pthread_mutex_unlock(&r->mutex);
    return before;
}

static void poll_network(struct emx_cluster *c)
{
    struct ranks *r = ranks_of(c);
    int any;

    pthread_mutex_lock(&r->mutex);
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &any, MPI_STATUS_IGNORE);
    pthread_mutex_unlock(&r->mutex);
}

/* --- all ranks ------------------------------------------------------------------------------------------ */

static uint64_t least(struct emx_cluster *c, uint64_t mine)
{
    struct ranks *r = ranks_of(c);
    uint64_t all = 0;
    MPI_Request request;

    pthread_mutex_lock(&r->mutex);
    MPI_Iallreduce(&mine, &all, 1, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD, &request);
    await(&request);
    pthread_mutex_unlock(&r->mutex);
    return all;
}

static void broadcast(struct emx_cluster *c, unsigned from, void *data, size_t n)
{
    struct ranks *r = ranks_of(c);
    MPI_Request request;

    pthread_mutex_lock(&r->mutex);
    MPI_Ibcast(data, (int)n, MPI_BYTE, (int)from, MPI_COMM_WORLD, &request);
    await(&request);
    pthread_mutex_unlock(&r->mutex);
}

static void all_gather(struct emx_cluster *c, const void *mine, size_t n, void *all)
{
    struct ranks *r = ranks_of(c);
    MPI_Request request;

    pthread_mutex_lock(&r->mutex);
    MPI_Iallgather(mine, (int)n, MPI_BYTE, all, (int)n, MPI_BYTE, MPI_COMM_WORLD, &request);
    await(&request);
    pthread_mutex_unlock(&r->mutex);
}

static void lay_out(unsigned size, const size_t *n, int *ret_n, int *ret_at)
{
    int at = 0;

    for (unsigned k = 0; k < size; k++) {
        ret_n[k] = (int)n[k];
        ret_at[k] = at;
        at += ret_n[k];
    }
}

static void exchange(struct emx_cluster *c, const unsigned char *send, const size_t *n_send, unsigned char *ret,
                     const size_t *n_ret)
{
    struct ranks *r = ranks_of(c);
    MPI_Request request;

    lay_out(c->size, n_send, r->n_send, r->at_send);
    lay_out(c->size, n_ret, r->n_ret, r->at_ret);
    pthread_mutex_lock(&r->mutex);
    MPI_Ialltoallv(send, r->n_send, r->at_send, MPI_BYTE, ret, r->n_ret, r->at_ret, MPI_BYTE, MPI_COMM_WORLD, &request);
    await(&request);
    pthread_mutex_unlock(&r->mutex);
}

static void sum(struct emx_cluster *c, uint64_t *x, size_t n)
{
    struct ranks *r = ranks_of(c);
    MPI_Request request;

    pthread_mutex_lock(&r->mutex);
    for (size_t i = 0; i < n; i += MOST_BYTES / sizeof(*x)) {
        size_t part = n - i < MOST_BYTES / sizeof(*x) ? n - i : MOST_BYTES / sizeof(*x);

        MPI_Ireduce(c->rank == 0 ? MPI_IN_PLACE : x + i, x + i, (int)part, MPI_UINT64_T, MPI_SUM, 0, MPI_COMM_WORLD,
                    &request);
        await(&request);
    }
    pthread_mutex_unlock(&r->mutex);
}

/* --- to rank 0 ------------------------------------------------------------------------------------------- */

static void send_to_root(struct emx_cluster *c, const void *data, size_t n)
{
    struct ranks *r = ranks_of(c);
    const unsigned char *p = data;
    MPI_Request request;

    pthread_mutex_lock(&r->mutex);
    for (size_t part; n && c->rank != 0; p += part, n -= part) {
        part = n < MOST_BYTES ? n : MOST_BYTES;
        MPI_Isend(p, (int)part, MPI_BYTE, 0, TAG, MPI_COMM_WORLD, &request);
        await(&request);
    }
    pthread_mutex_unlock(&r->mutex);
}

static void receive_from(struct emx_cluster *c, unsigned from, void *data, size_t n)
{
    struct ranks *r = ranks_of(c);
    unsigned char *p = data;
    MPI_Request request;

    pthread_mutex_lock(&r->mutex);
    for (size_t part; n && from != 0; p += part, n -= part) {
        part = n < MOST_BYTES ? n : MOST_BYTES;
        MPI_Irecv(p, (int)part, MPI_BYTE, (int)from, TAG, MPI_COMM_WORLD, &request);
        await(&request);
    }
    pthread_mutex_unlock(&r->mutex);
}

/* --- joining -------------------------------------------------------------------------------------------- */

static void leave(struct emx_cluster *c)
{
    struct ranks *r = ranks_of(c);

    end_counters(c);
    if (r->ends_mpi)
        MPI_Finalize();
    pthread_mutex_destroy(&r->mutex);
    free(r->n_send);
    free(r);
}

static const struct cluster_ops ops = {
    .begin_counters = begin_counters,
    .end_counters = end_counters,
    .add = add,
    .poll = poll_network,
    .least = least,
    .broadcast = broadcast,
    .all_gather = all_gather,
    .exchange = exchange,
    .sum = sum,
    .send = send_to_root,
    .receive = receive_from,
    .leave = leave,
};

/* Who is on this machine, and on whose processors. */
static bool meet_neighbours(struct ranks *r)
{
    MPI_Comm node;
    cpu_set_t mine, shared, *all;
    int n;

    CPU_ZERO(&mine);
    sched_getaffinity(0, sizeof(mine), &mine);
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    MPI_Comm_size(node, &n);
    all = calloc((size_t)n, sizeof(*all));
    if (!all)
        MPI_Abort(MPI_COMM_WORLD, 1); /* the others wait for it */
    MPI_Allgather(&mine, sizeof(mine), MPI_BYTE, all, sizeof(mine), MPI_BYTE, node);
    r->base.n_on_node = (unsigned)n;
    for (int k = 0; k < n; k++) {
        CPU_AND(&shared, &mine, &all[k]);
        r->base.n_sharing += CPU_COUNT(&shared) > 0;
    }
    free(all);
    MPI_Comm_free(&node);
    return r->base.n_sharing > 0;
}

static enum emx_status create(struct emx_cluster **ret)
{
    struct ranks *r = calloc(1, sizeof(*r));
    int rank, size;

    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (!r || !(r->n_send = calloc(4 * (size_t)size, sizeof(int))))
        MPI_Abort(MPI_COMM_WORLD, 1); /* the others wait for it */
    r->at_send = r->n_send + size;
    r->n_ret = r->at_send + size;
    r->at_ret = r->n_ret + size;
    r->base.ops = &ops;
    r->base.rank = (unsigned)rank;
    r->base.size = (unsigned)size;
    r->window = MPI_WIN_NULL;
    pthread_mutex_init(&r->mutex, NULL);
    if (!meet_neighbours(r))
        r->base.n_sharing = 1;
    *ret = &r->base;
    return EMX_OK;
}

EMX_API mpi_join_fn emx_cluster_join_mpi;

enum emx_status emx_cluster_join_mpi(struct emx_cluster **ret, struct emx_error *err)
{
    int begun, provided;

    MPI_Initialized(&begun);
    if (begun)
        MPI_Query_thread(&provided);
    else
        MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
    if (provided < MPI_THREAD_SERIALIZED) {
        if (!begun)
            MPI_Finalize();
        return emx_fail(err, EMX_ERR_ARG, "this MPI does not let threads take turns (MPI_THREAD_SERIALIZED)");
    }
    create(ret);
    ((struct ranks *)*ret)->ends_mpi = !begun;
    return EMX_OK;
}
