/* checkpoint.c - what the files of a checkpoint tell goes to a scan, and comes from it */
#include "scan/checkpoint.h"
#include "scan/scan.h"
#include "scan/sums_file.h"

#include "state/layout.h"
#include "util/clock.h"

#include <emx/file.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define DATA_MAGIC "EMXdata\n"
enum { DATA_HEADER_BYTES = 16 /* magic, u64 id */ };

void checkpoint_finish(struct checkpoint *c)
{
    if (!c->folder)
        return;
    if (c->lock >= 0)
        close(c->lock);
    free(c->data_path);
    free(c->journal_path);
    free(c->lock_path);
    free(c->rank_folder);
    free(c->stamps);
    journal_finish(&c->restored);
    *c = (struct checkpoint){.lock = -1};
}

/* --- the data file ------------------------------------------------------------------------------------- */

static enum emx_status begin_data(struct scan *s, struct emx_error *err)
{
    struct checkpoint *c = &s->checkpoint;
    unsigned char header[DATA_HEADER_BYTES];
    uint64_t at;
    enum emx_status status = temp_file_open(&s->spill.file, c->data_path, 0, err);

    if (status)
        return status;
    if (getrandom(&c->id, sizeof(c->id), 0) != (ssize_t)sizeof(c->id))
        return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: the system has no random number", c->folder);
    memcpy(header, DATA_MAGIC, 8);
    put_u64(header + 8, c->id);
    return temp_file_write(&s->spill.file, header, sizeof(header), &at, err);
}

static enum emx_status continue_data(struct scan *s, const struct journal *j, struct emx_error *err)
{
    struct checkpoint *c = &s->checkpoint;
    unsigned char header[DATA_HEADER_BYTES];
    enum emx_status status = temp_file_open(&s->spill.file, c->data_path, j->n_data_bytes, err);

    if (!status)
        status = temp_file_read(&s->spill.file, 0, header, sizeof(header), err);
    if (status)
        return status;
    c->id = j->id;
    if (memcmp(header, DATA_MAGIC, 8) != 0 || get_u64(header + 8) != j->id)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: does not belong to %s", c->data_path, c->journal_path);
    return EMX_OK;
}

/* --- to where the journal is --------------------------------------------------------------------------- */

static enum emx_status restore_counts(struct scan *s, struct domain *d, const struct journal_counts *from,
                                      struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (size_t i = from->n_tails; i-- && !status;) /* the largest first: the tally grows once */
        status = tally_add_many(&d->tails, from->tails[i].token, from->tails[i].count, err);
    d->runs = calloc(from->n_runs + 1, sizeof(*d->runs));
    if (!d->runs)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for runs on disk");
    for (; d->n_runs < from->n_runs && !status; d->n_runs++)
        status = run_load_directory(&d->runs[d->n_runs], &s->spill.file, &from->runs[d->n_runs], err);
    return status;
}

static enum emx_status restore_domain(struct scan *s, struct domain *d, const struct journal_domain *from,
                                      struct emx_error *err)
{
    enum emx_status status = restore_counts(s, d, &from->plus, err);

    d->eod_order_known = from->eod_order_known;
    d->settings.eod_first = from->eod_first;
    d->n_tokens = from->n_tokens;
    d->n_released = from->n_pair_types;
    if (!status && d->taken_back) {
        d->taken_back->eod_order_known = from->eod_order_known;
        d->taken_back->settings.eod_first = from->eod_first;
        status = restore_counts(s, d->taken_back, &from->minus, err);
    }
    return status;
}

static void end_restored(struct shard *shard)
{
    shard->stage = SHARD_ENDED;
    shard->finished = true;
    shard->n_bytes_read = shard->size;
    shard->domain->n_shards_done++;
}

static enum emx_status restore_skipped(struct scan *s, struct shard *shard, const struct journal_shard *from,
                                       struct emx_error *err)
{
    struct emx_skipped what = {
        .domain = shard->domain->given->name, .path = shard->path, .reason = from->reason, .what = EMX_SKIPPED_SHARD};

    end_restored(shard);
    return skips_add(&s->skips, &what, err);
}

static enum emx_status restore_shard(struct scan *s, size_t i, const struct journal_shard *from, struct emx_error *err)
{
    struct shard *shard = &s->shards[i];

    if (from->stage == JOURNAL_BEGUN)
        return shard_restore(shard, from->spans, from->n_spans, &from->sums, err);
    if (from->stage == JOURNAL_SKIPPED)
        return restore_skipped(s, shard, from, err);
    if (from->stage == JOURNAL_DONE) {
        end_restored(shard);
        s->records[i] = from->record;
        s->records[i].path = shard->path;
        s->n_without_eod[i] = from->n_without_eod;
    }
    return EMX_OK;
}

static enum emx_status restore(struct scan *s, struct emx_error *err)
{
    const struct journal *j = &s->checkpoint.restored;
    enum emx_status status = checkpoint_compare(s, j, err);

    if (!status)
        status = checkpoint_verify(s, j, err);
    if (!status)
        status = continue_data(s, j, err);
    for (size_t i = 0; i < j->n_domains && !status; i++)
        status = restore_domain(s, &s->domains[i], &j->domains[i], err);
    for (size_t i = 0; i < j->n_shards && !status; i++)
        status = restore_shard(s, i, &j->shards[i], err);
    if (!status && j->sums.source) {
        status = sums_file_read(s, j, err);
        s->checkpoint.slot = !j->sums.slot;
    }
    return status;
}

static enum emx_status resume(struct scan *s, struct emx_error *err)
{
    struct checkpoint *c = &s->checkpoint;
    char *bytes;
    size_t n;
    uint64_t xxh3;
    enum emx_status status = file_load(NULL, c->journal_path, SIZE_MAX - 1, &bytes, &n, &xxh3, err);

    if (!status)
        status = journal_decode(bytes, n, c->journal_path, &c->restored, err);
    return status ? status : restore(s, err);
}

static enum emx_status stamp_shards(struct scan *s, struct emx_error *err)
{
    struct checkpoint *c = &s->checkpoint;
    enum emx_status status = EMX_OK;

    c->stamps = calloc(s->n_shards, sizeof(*c->stamps));
    if (!c->stamps)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu shards", s->n_shards);
    for (size_t i = 0; i < s->n_shards && !status; i++) {
        if (s->shards[i].failure) /* it is missing, and skipped */
            continue;
        if (s->shards[i].size == UINT64_MAX)
            status = emx_fail(err, EMX_ERR_ARG, "%s: cannot be read twice, so a scan of it cannot be resumed",
                              s->shards[i].name);
        else
            status = file_stamp(s->shards[i].path, &c->stamps[i], err);
    }
    return status;
}

enum emx_status checkpoint_open(struct scan *s, struct emx_error *err)
{
    const struct emx_scan_options *o = s->options;
    struct checkpoint *c = &s->checkpoint;
    bool exists;
    enum emx_status status;

    *c = (struct checkpoint){.folder = o->checkpoint, .seconds = o->checkpoint_seconds, .lock = -1};
    if (!c->folder)
        return EMX_OK;
    if (c->seconds <= 0)
        c->seconds = EMX_SCAN_CHECKPOINT_SECONDS;
    status = checkpoint_choose_folder(c, s->cluster, err);
    if (!status)
        status = stamp_shards(s, err);
    if (!status)
        status = checkpoint_lock(c, err);
    if (status)
        return status;
    exists = file_exists(NULL, c->journal_path);
    if (exists && !o->resume)
        return emx_fail(err, EMX_ERR_ARG,
                        "%s: holds the checkpoint of a scan that is not complete: resume it, or remove the folder",
                        c->folder);
    status = exists ? resume(s, err) : begin_data(s, err);
    c->last = clock_seconds();
    return status;
}

/* --- the journal --------------------------------------------------------------------------------------- */

static enum emx_status take_tails(const struct domain *d, struct journal_counts *to, struct emx_error *err)
{
    to->tails = malloc((d->tails.n + 1) * sizeof(*to->tails));
    if (!to->tails)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a checkpoint");
    for (size_t i = 0; i < d->tails.n; i++) {
        if (d->tails.count[i])
            to->tails[to->n_tails++] = (struct journal_tail){(uint32_t)i, d->tails.count[i]};
    }
    return EMX_OK;
}

static enum emx_status take_counts(struct scan *s, struct domain *d, struct journal_counts *to, struct emx_error *err)
{
    enum emx_status status = take_tails(d, to, err);

    to->runs = malloc((d->n_runs + 1) * sizeof(*to->runs));
    if (!status && !to->runs)
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory for a checkpoint");
    for (size_t i = 0; i < d->n_runs && !status; i++) {
        status = run_keep_directory(&d->runs[i], &s->spill.file, err);
        to->runs[to->n_runs++] = d->runs[i].directory;
    }
    return status;
}

static enum emx_status take_domain(struct scan *s, struct domain *d, struct journal_domain *to, struct emx_error *err)
{
    enum emx_status status;

    *to = (struct journal_domain){.given = *d->given,
                                  .eod_order_known = d->eod_order_known,
                                  .eod_first = d->settings.eod_first,
                                  .n_tokens = d->n_tokens,
                                  .n_pair_types = domain_n_pair_types(d)};
    status = take_counts(s, d, &to->plus, err);
    if (!status && d->taken_back)
        status = take_counts(s, d->taken_back, &to->minus, err);
    return status;
}

/* What was read of it; less than what is counted, if it is still reading over that. */
static void take_prefix(const struct scan *s, const struct shard *shard, struct journal_shard *to)
{
    const struct journal *restored = &s->checkpoint.restored;
    size_t i = (size_t)(shard - s->shards);

    if (shard->open.stream) {
        to->record.n_bytes = stream_n_stored(shard->open.stream);
        to->record.xxh3 = stream_xxh3(shard->open.stream);
    }
    if (i < restored->n_shards && restored->shards[i].record.n_bytes > to->record.n_bytes) {
        to->record.n_bytes = restored->shards[i].record.n_bytes;
        to->record.xxh3 = restored->shards[i].record.xxh3;
    }
}

static enum emx_status take_begun(const struct scan *s, const struct shard *shard, struct journal_shard *to,
                                  struct emx_error *err)
{
    to->stage = JOURNAL_BEGUN;
    to->sums = shard->sums;
    to->spans = malloc((shard->n_spans + 1) * sizeof(*to->spans));
    if (!to->spans)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a checkpoint");
    to->n_spans = shard->n_spans;
    memcpy(to->spans, shard->spans, shard->n_spans * sizeof(*to->spans));
    take_prefix(s, shard, to);
    return EMX_OK;
}

static const char *skip_reason(const struct scan *s, const struct shard *shard)
{
    const struct emx_scan_domain *given = shard->domain->given;

    for (size_t i = 0; i < s->skips.n; i++) {
        if (s->skips.items[i].path == shard->path && s->skips.items[i].domain == given->name)
            return s->skips.items[i].reason;
    }
    return "";
}

static enum emx_status take_shard(const struct scan *s, size_t i, struct journal_shard *to, struct emx_error *err)
{
    const struct shard *shard = &s->shards[i];

    to->path = shard->path;
    to->stamp = s->checkpoint.stamps[i];
    if (shard->finished && !s->records[i].path) {
        to->stage = JOURNAL_SKIPPED;
        to->reason = skip_reason(s, shard);
    } else if (shard->finished) {
        to->stage = JOURNAL_DONE;
        to->record = s->records[i];
        to->n_without_eod = s->n_without_eod[i];
    } else if (shard->n_spans) {
        return take_begun(s, shard, to, err);
    }
    return EMX_OK;
}

static struct journal_sums take_sums(const struct scan *s)
{
    const struct bagging *b = &s->bagging;

    if (!b->given)
        return (struct journal_sums){0};
    return (struct journal_sums){.source = b->given->source,
                                 .vectors = b->vectors,
                                 .dimension = (uint32_t)b->rows->dimension,
                                 .n_requested = b->given->n_documents,
                                 .seed = b->given->seed,
                                 .slot = s->checkpoint.slot};
}

static enum emx_status take(struct scan *s, struct journal *j, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    *j = (struct journal){.id = s->checkpoint.id, .on_error = s->options->on_error, .sums = take_sums(s)};
    j->domains = calloc(s->n_domains, sizeof(*j->domains));
    j->shards = calloc(s->n_shards, sizeof(*j->shards));
    if (!j->domains || !j->shards)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a checkpoint");
    for (; j->n_domains < s->n_domains && !status; j->n_domains++)
        status = take_domain(s, &s->domains[j->n_domains], &j->domains[j->n_domains], err);
    for (; j->n_shards < s->n_shards && !status; j->n_shards++)
        status = take_shard(s, j->n_shards, &j->shards[j->n_shards], err);
    j->n_data_bytes = s->spill.file.n_bytes;
    return status;
}

enum emx_status checkpoint_write(struct scan *s, struct emx_error *err)
{
    struct journal j;
    char *bytes = NULL;
    size_t n;
    enum emx_status status = take(s, &j, err);

    if (!status && j.sums.source)
        status = sums_file_write(s, &j.sums, err);
    if (!status)
        status = journal_encode(&j, &bytes, &n, err);
    if (!status)
        status = temp_file_sync(&s->spill.file, err);
    if (!status)
        status = emx_write_file(s->checkpoint.journal_path, bytes, n, err);
    if (!status)
        s->checkpoint.slot = !j.sums.slot;
    free(bytes);
    journal_finish(&j);
    return status;
}
