/* watch.c - how far a scan has come, for the caller's progress callback */
#include "scan/scan.h"

#include "util/clock.h"

static void measure_shards(struct scan *s, struct emx_scan_progress *p)
{
    for (size_t i = 0; i < s->n_shards; i++) {
        uint64_t size = s->shards[i].size;

        p->n_bytes += s->shards[i].n_bytes_read;
        p->n_bytes_total = size == UINT64_MAX || p->n_bytes_total == UINT64_MAX ? UINT64_MAX : p->n_bytes_total + size;
    }
}

static void measure_domains(struct scan *s, struct emx_scan_progress *p)
{
    for (size_t i = 0; i < s->n_domains; i++) {
        struct domain *d = &s->domains[i];

        s->progress[i] = (struct emx_scan_domain_progress){.name = d->given->name,
                                                           .n_tokens = d->n_tokens,
                                                           .n_pair_types = domain_n_pair_types(d),
                                                           .n_shards_total = d->n_shards};
        pthread_mutex_lock(&d->mutex);
        s->progress[i].n_shards = d->n_shards_done;
        pthread_mutex_unlock(&d->mutex);
        p->n_shards += s->progress[i].n_shards;
        p->n_tokens += s->progress[i].n_tokens;
    }
}

/* Everybody's progress to rank 0, which is told of it once a second. */
static void share_progress(struct scan *s, struct emx_scan_progress *p)
{
    if (s->cluster->size == 1)
        return;
    if (s->cluster->rank == 0 || p->seconds >= s->next_tell) {
        share_tell(&s->share, p);
        s->next_tell = p->seconds + 1;
    }
    if (s->cluster->rank == 0)
        share_ask(&s->share, p, s->progress);
}

void scan_want_stop(struct scan *s)
{
    if (!s->stop_wanted)
        s->stop_wanted_at = clock_seconds();
    s->stop_wanted = true;
}

/* Another rank has failed, or wants to stop: this one has no error of its own. */
static void stop_with_others(struct scan *s)
{
    if (s->checkpoint.folder)
        scan_want_stop(s);
    else
        s->stop = true;
}

bool scan_report(struct scan *s)
{
    struct emx_scan_progress p = {.seconds = clock_seconds() - s->start,
                                  .n_shards_total = s->n_shards,
                                  .n_domains = s->n_domains,
                                  .domains = s->progress};
    bool go_on = true;

    measure_shards(s, &p);
    measure_domains(s, &p);
    share_progress(s, &p);
    pthread_mutex_lock(&s->mutex); /* so that it is never called beside warn() */
    if (s->options->progress)
        go_on = s->options->progress(&p, s->options->context);
    if (s->error.status || s->stop_wanted)
        share_stop(&s->share);
    pthread_mutex_unlock(&s->mutex);
    if (share_is_stopped(&s->share))
        stop_with_others(s);
    return go_on;
}
