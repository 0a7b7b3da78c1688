/* cluster.c - what follows from the operations of any cluster */
#include "cluster/cluster.h"

#include <stdlib.h>
#include <string.h>

unsigned emx_cluster_rank(const struct emx_cluster *c)
{
    return c->rank;
}

unsigned emx_cluster_size(const struct emx_cluster *c)
{
    return c->size;
}

void emx_cluster_leave(struct emx_cluster **pc)
{
    if (*pc)
        (*pc)->ops->leave(*pc);
    *pc = NULL;
}

enum emx_status cluster_begin_counters(struct emx_cluster *c, size_t n, struct emx_error *err)
{
    return c->ops->begin_counters(c, n, err);
}

void cluster_end_counters(struct emx_cluster *c)
{
    c->ops->end_counters(c);
}

uint64_t cluster_add(struct emx_cluster *c, size_t counter, uint64_t n)
{
    return c->ops->add(c, counter, n);
}

void cluster_poll(struct emx_cluster *c)
{
    c->ops->poll(c);
}

uint64_t cluster_least(struct emx_cluster *c, uint64_t mine)
{
    return c->ops->least(c, mine);
}

void cluster_broadcast(struct emx_cluster *c, unsigned from, void *data, size_t n)
{
    c->ops->broadcast(c, from, data, n);
}

void cluster_all_gather(struct emx_cluster *c, const void *mine, size_t n, void *all)
{
    c->ops->all_gather(c, mine, n, all);
}

void cluster_exchange(struct emx_cluster *c, const unsigned char *send, const size_t *n_send, unsigned char *ret,
                      const size_t *n_ret)
{
    c->ops->exchange(c, send, n_send, ret, n_ret);
}

void cluster_sum(struct emx_cluster *c, uint64_t *x, size_t n)
{
    c->ops->sum(c, x, n);
}

void cluster_send(struct emx_cluster *c, const void *data, size_t n)
{
    c->ops->send(c, data, n);
}

void cluster_receive(struct emx_cluster *c, unsigned from, void *data, size_t n)
{
    c->ops->receive(c, from, data, n);
}

/* --- what ranks do together ----------------------------------------------------------------------------- */

enum emx_status emx_cluster_agree(struct emx_cluster *c, enum emx_status status, struct emx_error *err)
{
    uint64_t mine = status == EMX_ERR_STOPPED ? c->size + c->rank : status ? c->rank : UINT64_MAX;
    uint64_t first = cluster_least(c, mine);
    struct emx_error said = {.status = status};

    if (first == UINT64_MAX || c->size == 1)
        return status;
    first %= c->size; /* who only stopped may have done so for another that failed */
    if (first == c->rank)
        emx_fail(&said, status, c->rank ? "rank %u: %.900s" : "%.0u%.900s", c->rank, err->message);
    cluster_broadcast(c, (unsigned)first, &said, sizeof(said));
    *err = said;
    return said.status;
}

/* Rank 0: the largest of the numbers of bytes that ranks are about to send. */
static size_t receive_sizes(struct emx_cluster *c, uint64_t *ret_sizes)
{
    size_t most = 0;

    for (unsigned k = 1; k < c->size; k++) {
        cluster_receive(c, k, &ret_sizes[k], sizeof(*ret_sizes));
        most = ret_sizes[k] > most ? (size_t)ret_sizes[k] : most;
    }
    return most;
}

static enum emx_status collect_here(struct emx_cluster *c, enum emx_status status, const void *data, size_t n,
                                    cluster_take_fn *take, void *context, struct emx_error *err)
{
    uint64_t *sizes = calloc(c->size, sizeof(*sizes)), dropped;
    unsigned char *buffer = NULL;
    size_t most = sizes ? receive_sizes(c, sizes) : 0;

    for (unsigned k = 1; !sizes && k < c->size; k++)
        cluster_receive(c, k, &dropped, sizeof(dropped));
    if (sizes)
        buffer = malloc(most + 1);
    if (!status && !buffer)
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu bytes of other ranks", most);
    status = emx_cluster_agree(c, status, err);
    if (!status) {
        status = take(context, data, n, err);
        for (unsigned k = 1; k < c->size; k++) {
            cluster_receive(c, k, buffer, (size_t)sizes[k]);
            if (!status)
                status = take(context, buffer, (size_t)sizes[k], err);
        }
        status = emx_cluster_agree(c, status, err);
    }
    free(buffer);
    free(sizes);
    return status;
}

enum emx_status cluster_collect(struct emx_cluster *c, enum emx_status status, const void *data, size_t n,
                                cluster_take_fn *take, void *context, struct emx_error *err)
{
    uint64_t size = n;

    if (c->rank == 0)
        return collect_here(c, status, data, n, take, context, err);
    cluster_send(c, &size, sizeof(size));
    status = emx_cluster_agree(c, status, err);
    if (status)
        return status;
    cluster_send(c, data, n);
    return emx_cluster_agree(c, status, err);
}
