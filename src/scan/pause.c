/*
 * pause.c - a checkpoint among threads that count
 *
 * The caller's thread sets pause_wanted; each thread that counts sees it between two blocks, and comes to the meeting:
 *
 *     each adds its sums over documents to the domain's
 *     one joins the spans of begun shards        so that few are left, and their seams are counted
 *     all spill small domains, each its own      a domain's tables become one run (scan/spill.h)
 *     one spills large ones with all threads, and writes the journal
 *
 * So the pause is as long as it takes to sort and encode what was counted since the last one.  Many runs are merged
 * after it, while the others count again.
 */
#include "scan/scan.h"
#include "scan/seams.h"

#include "util/clock.h"

enum { SMALL_SLOTS = 1 << 20 /* in use: a tenth of a second's work for one thread */ };

/* With what is taken back. */
static uint64_t slots_in_use(struct domain *d)
{
    uint64_t n = d->taken_back ? slots_in_use(d->taken_back) : 0;

    for (size_t i = 0; i < d->n_tables; i++)
        n += table_n_used(d->tables[i].table);
    return n;
}

static bool is_complete(const struct domain *d)
{
    return d->n_shards_done == d->n_shards;
}

static enum emx_status spill_both(struct spiller *spiller, struct domain *d, const struct placement *placement,
                                  struct emx_error *err)
{
    enum emx_status status = spill_domain(spiller, d, placement, is_complete(d), err);

    if (!status && d->taken_back)
        status = spill_domain(spiller, d->taken_back, placement, is_complete(d), err);
    return status;
}

static enum emx_status join_spans(struct scan *s, struct counter *c, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < s->n_shards && !status; i++) {
        struct shard *shard = &s->shards[i];

        if (shard->stage != SHARD_NEW && !shard->finished)
            status = seams_join(c, shard, err);
        if (status == EMX_ERR_RANGE && shard->may_fail)
            status = EMX_OK; /* nothing was joined: who completes the shard will find the same */
    }
    return status;
}

static enum emx_status spill_small(struct scan *s, struct spiller *spiller, struct emx_error *err)
{
    enum emx_status status = EMX_OK;
    size_t i;

    while (!status && (i = s->next_small++) < s->n_domains) {
        struct domain *d = &s->domains[i];

        if (slots_in_use(d) <= SMALL_SLOTS)
            status = spill_both(spiller, d, placement_here(), err);
    }
    return status;
}

static enum emx_status spill_large(struct scan *s, struct spiller *spiller, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < s->n_domains && !status; i++) {
        struct domain *d = &s->domains[i];

        if (slots_in_use(d))
            status = spill_both(spiller, d, s->placement, err);
    }
    return status;
}

static enum emx_status write_down(struct scan *s, struct spiller *spiller, double start, struct emx_error *err)
{
    enum emx_status status = spill_large(s, spiller, err);

    if (!status)
        status = checkpoint_write(s, err);
    s->checkpoint.n_written++;
    s->checkpoint.last = clock_seconds();
    s->checkpoint.duration += s->checkpoint.last - start;
    return status;
}

static bool failed(struct scan *s)
{
    bool has_error;

    pthread_mutex_lock(&s->mutex);
    has_error = s->error.status != EMX_OK;
    pthread_mutex_unlock(&s->mutex);
    return has_error;
}

/* By one thread, at the end of the pause. */
static void conclude(struct scan *s, struct spiller *spiller, double start)
{
    struct emx_error error;

    if (!failed(s) && write_down(s, spiller, start, &error))
        scan_fail(s, &error);
    if (s->stop_wanted && !failed(s)) {
        emx_fail(&error, EMX_ERR_STOPPED, "stopped");
        scan_fail(s, &error);
    }
    s->next_small = 0;
    s->spill.hurry = false;
    s->pause_wanted = false;
}

void pause_for_checkpoint(struct scan *s, struct counter *c, struct bagger *w)
{
    struct emx_error error;
    double start = clock_seconds();
    bool leads;

    if (bagger_leave(w, &error))
        scan_fail(s, &error);
    leads = meeting_attend(&s->meeting);
    if (leads && !failed(s) && join_spans(s, c, &error))
        scan_fail(s, &error);
    meeting_attend(&s->meeting);
    if (!failed(s) && spill_small(s, c->spiller, &error))
        scan_fail(s, &error);
    leads = meeting_attend(&s->meeting);
    if (leads)
        conclude(s, c->spiller, start);
    meeting_attend(&s->meeting);
    if (leads && !s->stop && spill_thin_out(c->spiller, &error))
        scan_fail(s, &error);
}

enum emx_status pause_at_end(struct scan *s, struct emx_error *err)
{
    struct spiller spiller = {.spill = &s->spill};
    enum emx_status status = write_down(s, &spiller, clock_seconds(), err);

    s->spill.hurry = false;
    spiller_finish(&spiller);
    return status;
}
