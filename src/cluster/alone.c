/* alone.c - a cluster of one process: counters in its memory, and nobody to talk to */
#include "cluster/cluster.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct alone {
    struct emx_cluster base;
    _Atomic uint64_t *counters; /* [n] */
};

static enum emx_status begin_counters(struct emx_cluster *c, size_t n, struct emx_error *err)
{
    struct alone *a = (struct alone *)c;

    a->counters = calloc(n, sizeof(*a->counters));
    return a->counters ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu counters", n);
}

static void end_counters(struct emx_cluster *c)
{
    struct alone *a = (struct alone *)c;

    free(a->counters);
    a->counters = NULL;
}

static uint64_t add(struct emx_cluster *c, size_t counter, uint64_t n)
{
    struct alone *a = (struct alone *)c;

    return atomic_fetch_add(&a->counters[counter], n);
}

static void poll_nobody(struct emx_cluster *c)
{
    (void)c;
}

static uint64_t least(struct emx_cluster *c, uint64_t mine)
{
    (void)c;
    return mine;
}

static void broadcast(struct emx_cluster *c, unsigned from, void *data, size_t n)
{
    assert(from == c->rank);
    (void)c, (void)from, (void)data, (void)n;
}

static void all_gather(struct emx_cluster *c, const void *mine, size_t n, void *all)
{
    (void)c;
    memcpy(all, mine, n);
}

static void exchange(struct emx_cluster *c, const unsigned char *send, const size_t *n_send, unsigned char *ret,
                     const size_t *n_ret)
{
    assert(*n_send == *n_ret);
    (void)c;
    if (*n_ret)
        memcpy(ret, send, *n_send);
}

static void sum(struct emx_cluster *c, uint64_t *x, size_t n)
{
    (void)c, (void)x, (void)n;
}

static void send_nothing(struct emx_cluster *c, const void *data, size_t n)
{
    (void)c, (void)data, (void)n;
}

static void receive_nothing(struct emx_cluster *c, unsigned from, void *data, size_t n)
{
    (void)c, (void)from, (void)data, (void)n;
}

static void leave(struct emx_cluster *c)
{
    end_counters(c);
    free(c);
}

static const struct cluster_ops ops = {
    .begin_counters = begin_counters,
    .end_counters = end_counters,
    .add = add,
    .poll = poll_nobody,
    .least = least,
    .broadcast = broadcast,
    .all_gather = all_gather,
    .exchange = exchange,
    .sum = sum,
    .send = send_nothing,
    .receive = receive_nothing,
    .leave = leave,
};

enum emx_status cluster_alone(struct emx_cluster **ret, struct emx_error *err)
{
    struct alone *a = calloc(1, sizeof(*a));

    if (!a)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    a->base = (struct emx_cluster){.ops = &ops, .size = 1, .n_on_node = 1, .n_sharing = 1};
    *ret = &a->base;
    return EMX_OK;
}
