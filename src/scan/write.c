/*
 * write.c - the writing phase: what is not sealed yet is sealed by all threads, and all domains are written by name
 */
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

static enum emx_status write_domain(struct emx_state_writer *w, struct scan *s, struct domain *d, struct sealed *sealed,
                                    size_t n_shards, struct emx_error *err)
{
    enum emx_status status = begin_domain(w, s, d, n_shards, err);

    if (!status)
        status = write_tails(w, &d->tails, err);
    for (size_t i = 0; i < sealed->n_blocks && !status; i++) {
        status = sealed_fetch(sealed, &s->spill, i, err);
        if (!status)
            status = state_writer_append_block(w, &sealed->blocks[i], err);
        state_block_finish(&sealed->blocks[i]);
    }
    if (!status)
        status = state_writer_end_domain_parallel(w, sealed->pairs, err);
    return status ? status : bagging_write(&s->bagging, d, w, err);
}

static enum emx_status seal_and_write(struct emx_state_writer *w, struct scan *s, struct sealer *sealer,
                                      struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < s->n_domains && !status; i++) {
        struct domain *d = s->by_name[i];
        struct sealed *sealed = &s->sealed[d - s->domains];
        size_t n_shards = take_records(s, d);

        if (!sealed->pairs && n_shards)
            status = seal_domain(sealer, d, sealed, err);
        if (!status && n_shards)
            status = write_domain(w, s, d, sealed, n_shards, err);
        sealed_finish(sealed, &s->budget);
        if (!status && !scan_report(s))
            status = emx_fail(err, EMX_ERR_STOPPED, "stopped");
    }
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
    enum emx_status status = sealer_init(&sealer, s->placement, &spiller, err);

    if (!status) {
        sealer.go_on = go_on;
        sealer.context = s;
        status = seal_and_write(w, s, &sealer, err);
        sealer_finish(&sealer);
    }
    if (!status)
        status = emx_state_writer_skipped(w, s->skips.items, s->skips.n, err);
    spiller_finish(&spiller);
    return status;
}
