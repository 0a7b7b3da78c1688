/*
 * scan.h - the parts of emx_scan(): prepare, count, write
 */
#ifndef SCAN_SCAN_H
#define SCAN_SCAN_H

#include "pipeline/meeting.h"
#include "scan/bagging.h"
#include "scan/checkpoint.h"
#include "scan/count.h"
#include "scan/schedule.h"
#include "scan/seal.h"
#include "scan/skips.h"

struct scan {
    const struct emx_scan_options *options;
    struct emx_cluster *cluster; /* borrowed */
    struct share share;
    struct placement *placement;
    struct budget budget;
    struct regions *regions; /* [n_regions] linked, one for each node of the placement */
    unsigned n_regions;
    int window_log_max;
    uint64_t index_memory; /* bytes for the index of one shard: all threads may have one open */
    struct spill spill;
    struct skips skips;
    struct bagging bagging;

    struct domain *domains;         /* [n_domains] as given */
    struct domain **by_name;        /* [n_domains] sorted */
    struct format_options *formats; /* [n_domains] */
    size_t n_domains;
    struct sealed *sealed;            /* [n_domains] `pairs` is NULL until the domain is sealed */
    struct shard *shards;             /* [n_shards] the domains' one after the other, as given */
    struct emx_shard_record *records; /* [n_shards] */
    uint64_t *n_without_eod;          /* [n_shards] documents of an index that end without EOD */
    unsigned char **collected;        /* [n_collected] messages of other ranks that records point to */
    size_t n_collected;
    size_t n_shards;
    struct schedule *schedule;
    double start;                              /* clock_seconds() */
    double next_tell;                          /* seconds since: when rank 0 is told of progress next */
    struct emx_scan_domain_progress *progress; /* [n_domains] for scan_report() */

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* guarded by the mutex */
    struct emx_error error; /* the first */
    unsigned n_running;
    _Atomic bool stop;

    struct checkpoint checkpoint;
    struct meeting meeting;    /* of the threads that count */
    _Atomic bool pause_wanted; /* all of them are to meet for a checkpoint */
    _Atomic bool stop_wanted;  /* and to stop after it */
    double stop_wanted_at;     /* clock_seconds(); valid if stop_wanted */
    _Atomic size_t next_small; /* domain to be spilled by whoever is free in the pause */

    struct emx_scan_times times; /* sums are guarded by the mutex */
};

/*
 * Check what the caller gave; then, on all ranks of the cluster (borrowed) that have, compare it with the others', go
 * to where checkpoints are, and make the scan ready to count.  scan_finish() accepts half-made ones.
 */
EMX_CHECKED enum emx_status scan_prepare(struct scan *s, struct emx_cluster *cluster,
                                         const struct emx_scan_domain *domains, size_t n_domains,
                                         const struct emx_scan_options *options, struct emx_error *err);
EMX_CHECKED enum emx_status scan_meet(struct scan *s, struct emx_error *err);
void scan_finish(struct scan *s);

/* May shards be skipped? */
static inline bool scan_may_skip(const struct scan *s)
{
    return s->options->on_error != EMX_ON_ERROR_FAIL;
}

/* Read and count all shards on all threads. */
EMX_CHECKED enum emx_status scan_count(struct scan *s, struct emx_error *err);

/* fn on each thread; the caller's reports progress, and wants checkpoints and stops, until all have come back. */
typedef void scan_thread_fn(struct scan *s, unsigned thread);
EMX_CHECKED enum emx_status scan_run(struct scan *s, scan_thread_fn *fn, struct emx_error *err);
/* For that: end the documents of samples that are left when all shards are done. */
void scan_end_samples(struct scan *s, unsigned thread);

/*
 * A domain in which this rank counts no more, to what it can be written from: to blocks; in a cluster, where other
 * ranks may have the same pairs, to a run.
 */
EMX_CHECKED enum emx_status scan_seal(struct scan *s, struct sealer *sealer, struct domain *d, struct emx_error *err);

/* Seal what is not sealed yet and write all domains; who called commits.  The writer is NULL but on rank 0. */
EMX_CHECKED enum emx_status scan_write(struct scan *s, struct emx_state_writer *w, struct emx_error *err);

/*
 * Tell how far the scan is: rank 0, and the progress callback.  From the caller's thread only; false if the callback
 * wants to stop.  s->stop is set then, and if another rank has failed.
 */
bool scan_report(struct scan *s);

/* Have all threads stop after a checkpoint.  From the caller's thread only. */
void scan_want_stop(struct scan *s);

/*
 * What a thread that counts does when pause_wanted is set, with its own means.  On failure the scan has the error.
 */
void pause_for_checkpoint(struct scan *s, struct counter *c, struct bagger *w);
/* After all threads have ended. */
EMX_CHECKED enum emx_status pause_at_end(struct scan *s, struct emx_error *err);
/* Without checkpoints a scan stops at once, else after one.  From the caller's thread only. */
void scan_stop(struct scan *s);
void scan_warn(struct scan *s, const char *path, const char *sentence);
/* Keep the first error and have all threads end. */
void scan_fail(struct scan *s, const struct emx_error *error);

#endif
