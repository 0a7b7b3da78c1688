/*
 * cluster_threads.h - a cluster whose ranks are threads of one process: the plain twin of MPI
 *
 *     struct team team; team_init(&team, n);
 *     team_run(&team, work, context)   calls work(&team.ranks[k].base, context) on a thread for each rank
 *     team_finish(&team)
 */
#ifndef TESTS_CLUSTER_THREADS_H
#define TESTS_CLUSTER_THREADS_H

#include "cluster/cluster.h"
#include "test.h"

#include <pthread.h>

enum { TEAM_MOST = 16, TEAM_COUNTERS = 256 };

struct team_rank {
    struct emx_cluster base;
    struct team *team;
    void (*work)(struct emx_cluster *c, void *context);
    void *context;
    pthread_t thread;
    /* what it shows the others between two barriers */
    const void *data;
    const size_t *sizes;
    uint64_t number;
    /* what it sends to rank 0, under the mutex */
    const void *letter;
    size_t n_letter;
};

struct team {
    unsigned size;
    struct team_rank ranks[TEAM_MOST];
    pthread_barrier_t barrier;
    pthread_mutex_t mutex;
    pthread_cond_t posted;
    uint64_t counters[TEAM_COUNTERS]; /* guarded by the mutex */
};

static inline struct team_rank *team_rank(struct emx_cluster *c)
{
    return (struct team_rank *)c;
}

static inline void team_meet(struct emx_cluster *c)
{
    pthread_barrier_wait(&team_rank(c)->team->barrier);
}

static inline enum emx_status team_begin_counters(struct emx_cluster *c, size_t n, struct emx_error *err)
{
    struct team *t = team_rank(c)->team;

    (void)err;
    if (n > TEAM_COUNTERS)
        abort();
    if (c->rank == 0)
        memset(t->counters, 0, sizeof(t->counters));
    team_meet(c);
    return EMX_OK;
}

static inline void team_end_counters(struct emx_cluster *c)
{
    team_meet(c);
}

static inline uint64_t team_add(struct emx_cluster *c, size_t counter, uint64_t n)
{
    struct team *t = team_rank(c)->team;
    uint64_t before;

    pthread_mutex_lock(&t->mutex);
    before = t->counters[counter];
    t->counters[counter] += n;
    pthread_mutex_unlock(&t->mutex);
    return before;
}

static inline void team_poll(struct emx_cluster *c)
{
    (void)c;
}

static inline uint64_t team_least(struct emx_cluster *c, uint64_t mine)
{
    struct team *t = team_rank(c)->team;
    uint64_t least = mine;

    team_rank(c)->number = mine;
    team_meet(c);
    for (unsigned k = 0; k < c->size; k++)
        least = t->ranks[k].number < least ? t->ranks[k].number : least;
    team_meet(c);
    return least;
}

static inline void team_broadcast(struct emx_cluster *c, unsigned from, void *data, size_t n)
{
    team_rank(c)->data = data;
    team_meet(c);
    if (c->rank != from)
        memcpy(data, team_rank(c)->team->ranks[from].data, n);
    team_meet(c);
}

static inline void team_all_gather(struct emx_cluster *c, const void *mine, size_t n, void *all)
{
    team_rank(c)->data = mine;
    team_meet(c);
    for (unsigned k = 0; k < c->size; k++)
        memcpy((char *)all + k * n, team_rank(c)->team->ranks[k].data, n);
    team_meet(c);
}

static inline void team_exchange(struct emx_cluster *c, const unsigned char *send, const size_t *n_send,
                                 unsigned char *ret, const size_t *n_ret)
{
    team_rank(c)->data = send;
    team_rank(c)->sizes = n_send;
    team_meet(c);
    for (unsigned k = 0; k < c->size; k++) {
        const struct team_rank *from = &team_rank(c)->team->ranks[k];
        const unsigned char *data = from->data;

        for (unsigned i = 0; i < c->rank; i++)
            data += from->sizes[i];
        if (from->sizes[c->rank] != n_ret[k])
            abort();
        if (n_ret[k])
            memcpy(ret, data, n_ret[k]);
        ret += n_ret[k];
    }
    team_meet(c);
}

static inline void team_sum(struct emx_cluster *c, uint64_t *x, size_t n)
{
    team_rank(c)->data = x;
    team_meet(c);
    for (unsigned k = 1; c->rank == 0 && k < c->size; k++) {
        const uint64_t *y = team_rank(c)->team->ranks[k].data;

        for (size_t i = 0; i < n; i++)
            x[i] += y[i];
    }
    team_meet(c);
}

static inline void team_send(struct emx_cluster *c, const void *data, size_t n)
{
    struct team_rank *r = team_rank(c);

    if (!n || c->rank == 0)
        return;
    pthread_mutex_lock(&r->team->mutex);
    r->letter = data;
    r->n_letter = n;
    pthread_cond_broadcast(&r->team->posted);
    while (r->letter)
        pthread_cond_wait(&r->team->posted, &r->team->mutex);
    pthread_mutex_unlock(&r->team->mutex);
}

static inline void team_receive(struct emx_cluster *c, unsigned from, void *data, size_t n)
{
    struct team *t = team_rank(c)->team;
    struct team_rank *r = &t->ranks[from];

    if (!n || from == 0)
        return;
    pthread_mutex_lock(&t->mutex);
    while (!r->letter)
        pthread_cond_wait(&t->posted, &t->mutex);
    if (r->n_letter != n)
        abort();
    memcpy(data, r->letter, n);
    r->letter = NULL;
    pthread_cond_broadcast(&t->posted);
    pthread_mutex_unlock(&t->mutex);
}

static inline void team_leave(struct emx_cluster *c)
{
    (void)c;
}

static const struct cluster_ops team_ops = {
    .begin_counters = team_begin_counters,
    .end_counters = team_end_counters,
    .add = team_add,
    .poll = team_poll,
    .least = team_least,
    .broadcast = team_broadcast,
    .all_gather = team_all_gather,
    .exchange = team_exchange,
    .sum = team_sum,
    .send = team_send,
    .receive = team_receive,
    .leave = team_leave,
};

static inline void team_init(struct team *t, unsigned size)
{
    *t = (struct team){.size = size};
    pthread_barrier_init(&t->barrier, NULL, size);
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->posted, NULL);
    for (unsigned k = 0; k < size; k++) {
        t->ranks[k].base =
            (struct emx_cluster){.ops = &team_ops, .rank = k, .size = size, .n_on_node = size, .n_sharing = size};
        t->ranks[k].team = t;
    }
}

static inline void team_finish(struct team *t)
{
    pthread_cond_destroy(&t->posted);
    pthread_mutex_destroy(&t->mutex);
    pthread_barrier_destroy(&t->barrier);
}

static inline void *team_thread(void *context)
{
    struct team_rank *r = context;

    r->work(&r->base, r->context);
    return NULL;
}

static inline void team_run(struct team *t, void (*work)(struct emx_cluster *c, void *context), void *context)
{
    for (unsigned k = 0; k < t->size; k++) {
        t->ranks[k].work = work;
        t->ranks[k].context = context;
        if (pthread_create(&t->ranks[k].thread, NULL, team_thread, &t->ranks[k]))
            abort();
    }
    for (unsigned k = 0; k < t->size; k++)
        pthread_join(t->ranks[k].thread, NULL);
}

#endif
