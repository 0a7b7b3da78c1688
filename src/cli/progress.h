/*
 * progress.h - how far a scan is: one line that is written over, or lines of a log
 *
 * Thread-safety: progress_update() and progress_warn() may be called by different threads.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <emx/scan.h>
#include <pthread.h>

enum progress_kind { PROGRESS_NONE, PROGRESS_LINE, PROGRESS_LOG };

struct progress {
    enum progress_kind kind;
    bool quiet;
    bool verbose; /* a line for each domain that is done */
    pthread_mutex_t mutex;
    size_t drawn;                                   /* columns of the line that stands on the terminal */
    double next;                                    /* seconds: when something is shown again */
    bool *domain_is_done;                           /* [n_domains] those that `verbose` has told of; NULL at first */
    size_t n_warnings, n_skipped, n_skipped_frames; /* n_skipped: shards */
    uint64_t n_tokens, n_bytes;                     /* as of the last update */
    size_t n_shards, n_domains;
};

/* when: "auto" (a line if standard error is a terminal, else a log), "always" (a line) or "never". */
void progress_init(struct progress *p, const char *when, bool quiet, bool verbose);
void progress_finish(struct progress *p);

void progress_update(struct progress *p, const struct emx_scan_progress *now);
/* The first ten warnings are shown, or all if verbose; progress_count_warnings() tells how many were not. */
void progress_warn(struct progress *p, const char *sentence);
void progress_count_warnings(struct progress *p);
/* A shard or frame is skipped: a warning, unless quiet. */
void progress_skip(struct progress *p, const struct emx_skipped *what);

/* Take the line off the terminal. */
void progress_clear(struct progress *p);

#endif
