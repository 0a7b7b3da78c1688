/*
 * work.c - the counting phase: what each thread does
 */
#include "scan/scan.h"
#include "scan/seams.h"
#include "scan/take_back.h"

#include "util/clock.h"

#include <stdio.h>
#include <stdlib.h>

static const double MOST_SECONDS_TO_TAKE_BACK = 10; /* if the scan is to stop */

struct worker {
    struct scan *scan;
    struct block block;
    struct counter counter;
    struct spiller spiller;
    struct bagger bagger;
    struct sealer sealer; /* made when it is first needed */
    struct emx_error error;
    double seconds_counting, seconds_bagging, seconds_sealing;
};

/* Once a domain: pairs that were to stay within documents, of which nothing tells. */
static void warn_of_no_documents(struct scan *s, struct shard *shard)
{
    struct domain *d = shard->domain;

    if (d->settings.pairs != EMX_PAIRS_WITHIN_DOCUMENT || d->settings.eod != EMX_NO_TOKEN || shard->open.has_index ||
        shard->open.ends_in_batch)
        return;
    if (share_is_first(&s->share, (size_t)(d - s->domains)))
        scan_warn(s, shard->name, "nothing tells where documents end, so each shard counts as one (is --eod missing?)");
}

/* While the other threads go on counting, this one seals a domain that is done. */
static enum emx_status seal_alone(struct worker *w, struct domain *d)
{
    struct scan *s = w->scan;
    double start = clock_seconds();
    enum emx_status status = EMX_OK;

    if (!w->sealer.spiller)
        status = sealer_init(&w->sealer, placement_here(), &w->spiller, &w->error);
    if (!status)
        status = scan_seal(s, &w->sealer, d, &w->error);
    w->seconds_sealing += clock_seconds() - start;
    return status;
}

/* What a shard is found to be when it is whole may be wrong, too. */
static enum emx_status judge_shard(struct worker *w, struct shard *shard)
{
    struct emx_error error;
    enum emx_status status = seams_join(&w->counter, shard, &w->error);

    if (!status)
        status = shard_check_index(shard, &w->error);
    else if (status != EMX_ERR_RANGE)
        return status; /* nothing that the shard has done */
    if (!status || !shard->may_fail)
        return status;
    error = w->error;
    return shard_fail(shard, &error, &w->error);
}

/* Frames that it is counted without. */
static enum emx_status list_gaps(struct worker *w, const struct shard *shard)
{
    size_t size = shard_token_size(shard);
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < shard->gaps.n && !status; i++) {
        const struct gap *gap = &shard->gaps.list[i];
        struct emx_skipped what = {.domain = shard->domain->given->name,
                                   .path = shard->path,
                                   .reason = gap->reason,
                                   .what = EMX_SKIPPED_FRAME,
                                   .byte_begin = gap->stored_begin,
                                   .byte_end = gap->stored_end,
                                   .token_begin = gap->begin / size,
                                   .token_end = gap->end / size + (gap->end % size != 0)};

        status = skips_add(&w->scan->skips, &what, &w->error);
    }
    return status;
}

/* It is good: its record. */
static enum emx_status complete_shard(struct worker *w, struct shard *shard)
{
    struct scan *s = w->scan;
    size_t i = (size_t)(shard - s->shards);
    enum emx_status status = seams_complete(&w->counter, shard, &s->records[i], &s->n_without_eod[i], &w->error);

    if (!status)
        status = list_gaps(w, shard);
    if (!status)
        status = bagger_shard_end(&w->bagger, shard, &w->error);
    if (!status && shard->open.warning)
        scan_warn(s, shard->name, shard->open.warning);
    if (!status)
        warn_of_no_documents(s, shard);
    return status;
}

/* Half of what was taken back is of no use to a checkpoint: so that waits, but not until a scheduler kills. */
static bool has_time(void *context)
{
    const struct scan *s = context;

    return !s->stop && !(s->stop_wanted && clock_seconds() - s->stop_wanted_at > MOST_SECONDS_TO_TAKE_BACK);
}

static enum emx_status skip_shard(struct worker *w, struct shard *shard)
{
    struct emx_skipped what = {.domain = shard->domain->given->name,
                               .path = shard->path,
                               .reason = shard->failure->message,
                               .what = EMX_SKIPPED_SHARD};
    enum emx_status status = take_back(&w->counter, &w->bagger, shard, &w->block, has_time, w->scan, &w->error);

    return status ? status : skips_add(&w->scan->skips, &what, &w->error);
}

/* Of a domain's sample, while nothing else is wanted; end_samples() ends what is left. */
static enum emx_status end_documents(struct worker *w, struct domain *d)
{
    struct scan *s = w->scan;
    double start = clock_seconds();
    bool any = true;
    enum emx_status status = EMX_OK;

    while (!status && any && !s->stop && !s->pause_wanted)
        status = bagger_end_some(&w->bagger, d, &any, &w->error);
    w->seconds_bagging += clock_seconds() - start;
    return status;
}

/* The shard's blocks are all back, as many as there are. */
static enum emx_status end_shard(struct worker *w, struct shard *shard)
{
    struct scan *s = w->scan;
    enum emx_status status = shard->failure ? EMX_OK : judge_shard(w, shard);
    bool domain_is_counted;

    if (!status)
        status = shard->failure ? skip_shard(w, shard) : complete_shard(w, shard);
    shard_close(shard);
    pthread_mutex_lock(&shard->domain->mutex);
    domain_is_counted = ++shard->domain->n_shards_done == shard->domain->n_shards;
    pthread_mutex_unlock(&shard->domain->mutex);
    if (!status && domain_is_counted && schedule_has_more(s->schedule))
        status = end_documents(w, shard->domain);
    if (!status)
        schedule_completed(s->schedule, shard);
    return status;
}

/*
 * Once nothing is left to begin, all threads together seal what is left.  What is sealed is not in checkpoints: these
 * make runs of its tables.
 */
static enum emx_status seal_counted(struct worker *w)
{
    struct scan *s = w->scan;
    struct domain *d;
    enum emx_status status = EMX_OK;

    while (!status && !s->stop && !s->checkpoint.folder && schedule_has_more(s->schedule) &&
           (d = schedule_take_counted(s->schedule)))
        status = seal_alone(w, d);
    return status;
}

/* The block was counted, or (EMX_ERR_RANGE) refused: then the shard may be done with. */
static enum emx_status put_back(struct worker *w, struct shard *shard, enum emx_status status, bool *any, bool *last)
{
    struct emx_error error;

    if (!status)
        return shard_put(shard, &w->block, last, &w->error);
    if (status != EMX_ERR_RANGE || !shard->may_fail)
        return status;
    *any = false;
    error = w->error;
    return shard_put_broken(shard, &w->block, &error, last, &w->error);
}

/* Of the block that was counted. */
static enum emx_status sum_up_documents(struct worker *w, struct shard *shard)
{
    double start;
    enum emx_status status;

    if (!w->scan->bagging.given)
        return EMX_OK;
    start = clock_seconds();
    status = bagger_block(&w->bagger, shard, &w->block, &w->error);
    w->seconds_bagging += clock_seconds() - start;
    return status;
}

/* Take and count blocks until the shard has none. */
static enum emx_status work_on(struct worker *w, struct shard *shard)
{
    enum emx_status status = EMX_OK;
    bool any = true, last = false;

    while (!status && any && !last && !w->scan->stop) {
        if (w->scan->pause_wanted) {
            pause_for_checkpoint(w->scan, &w->counter, &w->bagger);
            continue;
        }
        status = shard_take(shard, &w->block, &any, &last, &w->error);
        if (!status && any) {
            double start = clock_seconds();

            status = count_block(&w->counter, shard, &w->block, &w->error);
            w->seconds_counting += clock_seconds() - start;
            if (!status)
                status = sum_up_documents(w, shard);
            status = put_back(w, shard, status, &any, &last);
        }
    }
    if (!status && (!any || last))
        schedule_ended(w->scan->schedule, shard);
    if (!status && last)
        status = end_shard(w, shard);
    return status;
}

static void add_times(struct scan *s, const struct worker *w)
{
    pthread_mutex_lock(&s->mutex);
    s->times.decode += w->block.seconds_decoding;
    s->times.wait += w->block.seconds_waiting;
    s->times.count += w->seconds_counting;
    s->times.documents += w->seconds_bagging;
    s->times.seal += w->seconds_sealing;
    pthread_mutex_unlock(&s->mutex);
}

static enum emx_status work_through(struct worker *w)
{
    struct scan *s = w->scan;
    struct shard *shard = NULL;
    enum emx_status status = block_init(&w->block, s->window_log_max, &w->error);

    if (!status)
        status = bagger_init(&w->bagger, &s->bagging, &w->error);
    while (!status && !s->stop && (shard = schedule_next(s->schedule, shard))) {
        status = work_on(w, shard);
        if (!status)
            status = seal_counted(w);
    }
    return status ? status : bagger_leave(&w->bagger, &w->error);
}

static void work(struct scan *s, unsigned thread)
{
    struct worker *w = aligned_alloc(64, (sizeof(*w) + 63) / 64 * 64);

    if (!w) {
        struct emx_error error;

        emx_fail(&error, EMX_ERR_MEMORY, "out of memory for a thread");
        scan_fail(s, &error);
    } else {
        *w = (struct worker){
            .scan = s, .counter = {.thread = thread, .spiller = &w->spiller}, .spiller.spill = &s->spill};
        if (work_through(w))
            scan_fail(s, &w->error);
        add_times(s, w);
        sealer_finish(&w->sealer);
        spiller_finish(&w->spiller);
        bagger_finish(&w->bagger);
        counter_finish(&w->counter);
        block_finish(&w->block);
        free(w);
    }
}

/* --- all threads -------------------------------------------------------------------------------------------- */

static void note_plan(const struct scan *s)
{
    char line[512];

    for (unsigned i = 0; s->options->note && placement_describe(s->placement, i, line, sizeof(line)); i++)
        s->options->note(line, s->options->context);
}

static void warn_of_refusals(struct scan *s)
{
    char sentence[128];
    unsigned n = placement_n_refused(s->placement);

    if (n == 0)
        return;
    snprintf(sentence, sizeof(sentence), "the system refuses to bind %u of %u, so the scan may be slower", n,
             placement_n_threads(s->placement));
    scan_warn(s, "threads", sentence);
}

/* By the caller's thread if the system refuses to start others now. */
static void end_samples(struct scan *s)
{
    struct emx_error error;

    if (!s->bagging.given || !s->bagging.given->n_documents || s->stop || s->stop_wanted)
        return;
    if (scan_run(s, scan_end_samples, &error))
        scan_end_samples(s, 0);
}

enum emx_status scan_count(struct scan *s, struct emx_error *err)
{
    enum emx_status status;

    note_plan(s);
    status = scan_run(s, work, err);
    if (status) {
        share_stop(&s->share);
        return status;
    }
    end_samples(s);
    warn_of_refusals(s);
    s->next_tell = 0;
    if (!scan_report(s))
        scan_stop(s);
    if (s->error.status)
        return emx_fail(err, s->error.status, "%s", s->error.message);
    if (s->checkpoint.folder)
        status = pause_at_end(s, err);
    if (!status && s->stop_wanted)
        status = emx_fail(err, EMX_ERR_STOPPED, "stopped");
    return status;
}
