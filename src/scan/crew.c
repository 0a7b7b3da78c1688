/* crew.c - the threads of a scan, and what the caller's thread watches meanwhile */
#include "scan/scan.h"

#include "pipeline/threads.h"
#include "util/clock.h"

#include <stdio.h>

void scan_fail(struct scan *s, const struct emx_error *error)
{
    s->stop = true;
    pthread_mutex_lock(&s->mutex);
    if (!s->error.status)
        s->error = *error;
    pthread_mutex_unlock(&s->mutex);
}

void scan_warn(struct scan *s, const char *path, const char *sentence)
{
    struct emx_error line;

    if (!s->options->warn)
        return;
    emx_fail(&line, EMX_OK, "%s: %s", path, sentence);
    pthread_mutex_lock(&s->mutex);
    s->options->warn(line.message, s->options->context);
    pthread_mutex_unlock(&s->mutex);
}

/* --- watching ------------------------------------------------------------------------------------------ */

static const double REPORT_SECONDS = 0.1, POLL_SECONDS = 0.005; /* others' claims of shards may wait for rank 0 */

static bool polls(const struct scan *s)
{
    return s->cluster->size > 1 && s->cluster->rank == 0;
}

static void wait_a_moment(struct scan *s)
{
    const struct checkpoint *c = &s->checkpoint;
    double most = polls(s) ? POLL_SECONDS : REPORT_SECONDS;
    double seconds = c->folder && c->seconds < most ? c->seconds : most;
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(seconds * 1e9);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&s->changed, &s->mutex, &until);
}

void scan_stop(struct scan *s)
{
    struct emx_error error;

    emx_fail(&error, EMX_ERR_STOPPED, "stopped");
    if (s->checkpoint.folder)
        scan_want_stop(s);
    else
        scan_fail(s, &error);
}

static void want_pause_if_due(struct scan *s)
{
    const struct checkpoint *c = &s->checkpoint;

    if (!c->folder || s->pause_wanted || s->stop)
        return;
    /* `last` is written in a pause, and none begins before this thread wants it */
    if (s->stop_wanted || clock_seconds() - c->last >= c->seconds) {
        s->spill.hurry = true;
        s->pause_wanted = true;
    }
}

static void watch(struct scan *s)
{
    double reported = 0;

    pthread_mutex_lock(&s->mutex);
    while (s->n_running) {
        wait_a_moment(s);
        pthread_mutex_unlock(&s->mutex);
        if (polls(s))
            cluster_poll(s->cluster);
        if (!polls(s) || clock_seconds() - reported >= REPORT_SECONDS) {
            if (!scan_report(s))
                scan_stop(s);
            reported = clock_seconds();
        }
        want_pause_if_due(s);
        pthread_mutex_lock(&s->mutex);
    }
    pthread_mutex_unlock(&s->mutex);
}

/* --- threads ------------------------------------------------------------------------------------------- */

struct running {
    struct scan *scan;
    scan_thread_fn *fn;
};

static void run(unsigned thread, void *context)
{
    const struct running *r = context;
    struct scan *s = r->scan;

    r->fn(s, thread);
    meeting_leave(&s->meeting, 1);
    pthread_mutex_lock(&s->mutex);
    s->n_running--;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->mutex);
}

static void warn_of_missing(struct scan *s, unsigned n_missing)
{
    char sentence[128];

    if (n_missing == 0)
        return;
    snprintf(sentence, sizeof(sentence), "the system refuses to start %u of %u, so the scan may be slower", n_missing,
             placement_n_threads(s->placement));
    scan_warn(s, "threads", sentence);
}

/* Those that did not start are not waited for. */
static void do_without(struct scan *s, unsigned n_missing)
{
    pthread_mutex_lock(&s->mutex);
    s->n_running -= n_missing;
    pthread_mutex_unlock(&s->mutex);
    meeting_leave(&s->meeting, n_missing);
    warn_of_missing(s, n_missing);
}

enum emx_status scan_run(struct scan *s, scan_thread_fn *fn, struct emx_error *err)
{
    struct running running = {s, fn};
    struct threads threads;
    enum emx_status status;

    s->n_running = placement_n_threads(s->placement);
    meeting_init(&s->meeting, s->n_running);
    status = threads_start(&threads, s->placement, run, &running, err);
    if (!status) {
        do_without(s, placement_n_threads(s->placement) - threads.n);
        watch(s);
        threads_join(&threads);
    }
    meeting_finish(&s->meeting);
    return status;
}
