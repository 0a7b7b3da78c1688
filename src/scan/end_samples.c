/*
 * end_samples.c - the documents of samples are summed up when all shards are done, by all threads
 *
 * Each thread begins with another domain, and comes to those of the others when it is done with its own: a thread that
 * joins a domain adds a matrix of its own to the domain's in the end.
 */
#include "scan/scan.h"

#include "util/clock.h"

/* In a cluster others may have documents of it (collect_documents.c). */
static bool is_complete(const struct domain *d)
{
    return d->n_shards_done == d->n_shards;
}

static enum emx_status end_domain(struct scan *s, struct bagger *w, const struct domain *d, struct emx_error *err)
{
    bool any = is_complete(d);
    enum emx_status status = EMX_OK;

    while (!status && any && !s->stop && !s->stop_wanted)
        status = bagger_end_some(w, d, &any, err);
    return status;
}

static enum emx_status end_all(struct scan *s, struct bagger *w, unsigned thread, struct emx_error *err)
{
    size_t first = s->n_domains * thread / placement_n_threads(s->placement);
    enum emx_status status = bagger_init(w, &s->bagging, err);

    for (size_t i = 0; i < s->n_domains && !status; i++)
        status = end_domain(s, w, &s->domains[(first + i) % s->n_domains], err);
    return status ? status : bagger_leave(w, err);
}

void scan_end_samples(struct scan *s, unsigned thread)
{
    double start = clock_seconds();
    struct bagger w = {0};
    struct emx_error error;

    if (end_all(s, &w, thread, &error))
        scan_fail(s, &error);
    bagger_finish(&w);
    pthread_mutex_lock(&s->mutex);
    s->times.documents += clock_seconds() - start;
    pthread_mutex_unlock(&s->mutex);
}
