/*
 * merge_ranks.c - what of all ranks has this rank's keys, merged and encoded
 *
 * Where a rank's first block begins depends on how many rows the ranks before it have once equal pairs are added.  So
 * the runs are merged twice: to count the rows, which takes no space, and to encode them.
 */
#include "scan/merge_ranks.h"

#include "scan/merge_runs.h"

#include <stdlib.h>
#include <string.h>

enum emx_status rank_merger_init(struct rank_merger *m, struct emx_cluster *c, struct sealer *sealer,
                                 struct emx_error *err)
{
    *m = (struct rank_merger){.sealer = sealer};
    m->runs = calloc(c->size, sizeof(*m->runs));
    m->n_rows = calloc(c->size, sizeof(*m->n_rows));
    m->edges = calloc(c->size, sizeof(*m->edges));
    m->head = malloc(PAIR_BLOCK_ROWS * sizeof(*m->head));
    m->added = malloc(PAIR_BLOCK_ROWS * sizeof(*m->added));
    m->n_send = calloc(c->size, sizeof(*m->n_send));
    m->n_received = calloc(c->size, sizeof(*m->n_received));
    if (!m->runs || !m->n_rows || !m->edges || !m->head || !m->added || !m->n_send || !m->n_received)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory to merge the pairs of %u ranks", c->size);
    return exchange_init(&m->exchange, c, &sealer->spiller->spill->file, err);
}

static void drop_runs(struct rank_merger *m)
{
    for (unsigned k = 0; m->runs && m->exchange.cluster && k < m->exchange.cluster->size; k++)
        run_finish(&m->runs[k]);
}

void rank_merger_finish(struct rank_merger *m)
{
    drop_runs(m);
    exchange_finish(&m->exchange);
    free(m->runs);
    free(m->n_rows);
    free(m->edges);
    free(m->head);
    free(m->added);
    free(m->n_send);
    free(m->n_received);
    *m = (struct rank_merger){0};
}

/* --- the rows of this rank's keys ----------------------------------------------------------------------- */

/* All rows of the runs but the first n_skip, then those that other ranks gave. */
struct own_rows {
    struct rank_merger *merger;
    struct merge *merge;
    size_t n_skip;
    bool added;
};

static enum emx_status own_rows_begin(struct rank_merger *m, size_t n_skip, struct own_rows *ret, struct emx_error *err)
{
    struct sealer *s = m->sealer;

    *ret = (struct own_rows){.merger = m, .n_skip = n_skip};
    return merge_create(m->runs, m->exchange.cluster->size, m->exchange.file, s->placement, &s->spiller->space,
                        &ret->merge, err);
}

static enum emx_status next_own(void *source, const struct emx_pair_count **ret, size_t *ret_n, struct emx_error *err)
{
    struct own_rows *o = source;
    enum emx_status status;

    do {
        size_t n_skipped;

        status = merge_next(o->merge, ret, ret_n, err);
        if (status || *ret_n == 0)
            break;
        n_skipped = *ret_n < o->n_skip ? *ret_n : o->n_skip;
        o->n_skip -= n_skipped;
        *ret += n_skipped;
        *ret_n -= n_skipped;
    } while (*ret_n == 0);
    if (!status && *ret_n == 0 && !o->added) {
        *ret = o->merger->added;
        *ret_n = o->merger->n_added;
        o->added = true;
    }
    return status;
}

/* How many there are, and the first of them. */
static enum emx_status count_own(struct rank_merger *m, uint64_t *ret, struct emx_error *err)
{
    const struct emx_pair_count *piece;
    struct own_rows own;
    size_t n = 1;
    enum emx_status status = own_rows_begin(m, 0, &own, err);

    *ret = 0;
    m->n_added = 0;
    while (!status && n) {
        status = next_own(&own, &piece, &n, err);
        if (!status && *ret < PAIR_BLOCK_ROWS) {
            size_t left = PAIR_BLOCK_ROWS - (size_t)*ret;

            memcpy(m->head + *ret, piece, (n < left ? n : left) * sizeof(*piece));
        }
        *ret += status ? 0 : n;
    }
    merge_destroy(&own.merge);
    return status;
}

/* --- edges ---------------------------------------------------------------------------------------------- */

/* Give the rows of a block that began before this rank to who has its beginning; returns their number. */
static size_t give_head(struct rank_merger *m)
{
    struct emx_cluster *c = m->exchange.cluster;
    size_t n_head;

    block_edges(m->n_rows, c->size, m->edges);
    n_head = m->edges[c->rank].n_head;
    m->n_added = 0;
    for (unsigned k = 0; k < c->size; k++) {
        size_t n = m->edges[k].owner == c->rank ? m->edges[k].n_head : 0;

        m->n_send[k] = k == m->edges[c->rank].owner ? n_head * sizeof(*m->head) : 0;
        m->n_received[k] = n * sizeof(*m->head);
        m->n_added += n;
    }
    cluster_exchange(c, (const unsigned char *)m->head, m->n_send, (unsigned char *)m->added, m->n_received);
    return n_head;
}

static enum emx_status seal_own(struct rank_merger *m, size_t n_head, struct sealed *ret, struct emx_error *err)
{
    struct own_rows own;
    enum emx_status status = own_rows_begin(m, n_head, &own, err);

    if (!status)
        status = seal_rows(m->sealer, next_own, &own, ret, err);
    merge_destroy(&own.merge);
    return status;
}

enum emx_status merge_ranks(struct rank_merger *m, const struct run *mine, struct sealed *ret, struct emx_error *err)
{
    struct emx_cluster *c = m->exchange.cluster;
    uint64_t n = 0;
    enum emx_status status = exchange_run(&m->exchange, mine, m->runs, err);

    *ret = (struct sealed){0};
    if (!status)
        status = emx_cluster_agree(c, count_own(m, &n, err), err);
    if (!status) {
        cluster_all_gather(c, &n, sizeof(n), m->n_rows);
        status = seal_own(m, give_head(m), ret, err);
        status = emx_cluster_agree(c, status, err);
    }
    if (status)
        sealed_finish(ret, m->sealer->spiller->spill->budget);
    drop_runs(m);
    return status;
}
