/*
 * write.c - the writing phase: what is not sealed yet is sealed by all threads, and all domains are written by name
 *
 * A process alone seals and writes domain after domain.  The ranks of a cluster first seal all their domains to runs,
 * which frees the tables; then, domain after domain, exchange and merge them (merge_ranks.h) to blocks, which go
 * to rank 0.
 */
#include "scan/block_stream.h"
#include "scan/collect.h"
#include "scan/merge_ranks.h"
#include "scan/scan.h"

#include "state/writer.h"

#include <stdlib.h>

/* --- head of a domain ---------------------------------------------------------------------------------- */

/* The records of shards that were counted, moved to the front of the domain's; returns how many. */
static size_t take_records(struct scan *s, const struct domain *d)
{
    struct emx_shard_record *records = s->records + d->first_shard;
    size_t n = 0;

    for (size_t i = 0; i < d->n_shards; i++) {
        if (records[i].path)
            records[n++] = records[i];
    }
    return n;
}

static enum emx_status begin_domain(struct emx_state_writer *w, const struct scan *s, const struct domain *d,
                                    size_t n_shards, struct emx_error *err)
{
    struct emx_domain head = {
        .name = d->given->name, .settings = d->settings, .shards = s->records + d->first_shard, .n_shards = n_shards};

    for (size_t i = 0; i < d->n_shards; i++)
        head.n_documents_without_eod += s->n_without_eod[d->first_shard + i];
    for (size_t i = 0; i < n_shards; i++)
        head.n_documents += head.shards[i].n_documents;
    return emx_state_writer_begin_domain(w, &head, err);
}

static enum emx_status write_tails(struct emx_state_writer *w, const struct tally *tails, struct emx_error *err)
{
    struct emx_pair_count *rows;
    size_t n = 0;
    enum emx_status status;

    for (size_t i = 0; i < tails->n; i++)
        n += tails->count[i] > 0;
    rows = malloc((n + 1) * sizeof(*rows));
    if (!rows)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu tails", n);
    n = 0;
    for (size_t i = 0; i < tails->n; i++) {
        if (tails->count[i])
            rows[n++] = (struct emx_pair_count){(uint32_t)i, EMX_NO_TOKEN, tails->count[i]};
    }
    status = emx_state_writer_tails(w, rows, n, err);
    free(rows);
    return status;
}

/* --- domains ------------------------------------------------------------------------------------------- */

enum emx_status scan_seal(struct scan *s, struct sealer *sealer, struct domain *d, struct emx_error *err)
{
    enum emx_status status;

    if (s->cluster->size == 1)
        status = seal_domain(sealer, d, &s->sealed[d - s->domains], err);
    else
        status = seal_to_run(sealer, d, err);
    d->is_sealed = !status;
    return status;
}

static enum emx_status begin_on_rank_0(struct emx_state_writer *w, struct scan *s, struct domain *d, size_t n_shards,
                                       struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    if (s->cluster->rank == 0)
        status = begin_domain(w, s, d, n_shards, err);
    if (s->cluster->rank == 0 && !status)
        status = write_tails(w, &d->tails, err);
    return emx_cluster_agree(s->cluster, status, err);
}

static enum emx_status end_on_rank_0(struct emx_state_writer *w, struct scan *s, struct domain *d,
                                     const struct sealed *sealed, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    if (s->cluster->rank == 0)
        status = state_writer_end_domain_parallel(w, sealed->pairs, err);
    if (s->cluster->rank == 0 && !status)
        status = bagging_write(&s->bagging, d, w, err);
    if (!status && !scan_report(s))
        status = emx_fail(err, EMX_ERR_STOPPED, "stopped");
    return emx_cluster_agree(s->cluster, status, err);
}

/* With all ranks, if there are several. */
static enum emx_status write_domain(struct emx_state_writer *w, struct scan *s, struct domain *d, struct sealed *sealed,
                                    size_t n_shards, struct emx_error *err)
{
    enum emx_status status = collect_tails(s, d, err);

    if (!status)
        status = begin_on_rank_0(w, s, d, n_shards, err);
    if (!status)
        status = stream_blocks(s, sealed, w, err);
    if (!status)
        status = collect_spectrum(s, sealed->pairs, err);
    if (!status)
        status = collect_documents(s, d, err);
    return status ? status : end_on_rank_0(w, s, d, sealed, err);
}

/* --- a process alone ------------------------------------------------------------------------------------ */

static enum emx_status seal_and_write(struct emx_state_writer *w, struct scan *s, struct sealer *sealer,
                                      struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < s->n_domains && !status; i++) {
        struct domain *d = s->by_name[i];
        struct sealed *sealed = &s->sealed[d - s->domains];
        size_t n_shards = take_records(s, d);

        if (!d->is_sealed && n_shards)
            status = scan_seal(s, sealer, d, err);
        if (!status && n_shards)
            status = write_domain(w, s, d, sealed, n_shards, err);
        sealed_finish(sealed, &s->budget);
    }
    return status;
}

/* --- ranks ---------------------------------------------------------------------------------------------- */

static enum emx_status seal_all(struct scan *s, struct sealer *sealer, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < s->n_domains && !status && !s->stop; i++) {
        if (!s->domains[i].is_sealed)
            status = scan_seal(s, sealer, &s->domains[i], err);
        if (!status && !scan_report(s))
            status = emx_fail(err, EMX_ERR_STOPPED, "stopped");
    }
    return emx_cluster_agree(s->cluster, status, err);
}

static enum emx_status merge_and_write(struct emx_state_writer *w, struct scan *s, struct rank_merger *merger,
                                       struct emx_error *err)
{
    enum emx_status status = collect_records(s, err);

    if (!status)
        status = collect_skips(s, err);
    for (size_t i = 0; i < s->n_domains && !status; i++) {
        struct domain *d = s->by_name[i];
        struct sealed *sealed = &s->sealed[d - s->domains];
        uint64_t n_shards = take_records(s, d);

        cluster_broadcast(s->cluster, 0, &n_shards, sizeof(n_shards)); /* it has all records */
        if (n_shards)
            status = merge_ranks(merger, &d->runs[0], sealed, err);
        if (!status && n_shards)
            status = write_domain(w, s, d, sealed, (size_t)n_shards, err);
        sealed_finish(sealed, &s->budget);
    }
    return status;
}

static enum emx_status write_together(struct emx_state_writer *w, struct scan *s, struct sealer *sealer,
                                      struct emx_error *err)
{
    struct rank_merger merger = {0};
    enum emx_status status = seal_all(s, sealer, err);

    if (status)
        return status;
    status = emx_cluster_agree(s->cluster, rank_merger_init(&merger, s->cluster, sealer, err), err);
    if (!status)
        status = merge_and_write(w, s, &merger, err);
    if (!status) {
        s->times.n_bytes_exchanged = merger.exchange.n_bytes_sent;
        cluster_sum(s->cluster, &s->times.n_bytes_exchanged, 1);
    }
    rank_merger_finish(&merger);
    return status;
}

static bool go_on(void *context)
{
    return scan_report(context);
}

enum emx_status scan_write(struct scan *s, struct emx_state_writer *w, struct emx_error *err)
{
    struct spiller spiller = {.spill = &s->spill};
    struct sealer sealer;
    enum emx_status status = emx_cluster_agree(s->cluster, sealer_init(&sealer, s->placement, &spiller, err), err);

    sealer.go_on = go_on;
    sealer.context = s;
    if (!status)
        status = s->cluster->size == 1 ? seal_and_write(w, s, &sealer, err) : write_together(w, s, &sealer, err);
    if (!status && s->cluster->rank == 0)
        status = emx_state_writer_skipped(w, s->skips.items, s->skips.n, err);
    sealer_finish(&sealer);
    spiller_finish(&spiller);
    return status;
}
