/*
 * checkpoint.h - a scan that goes on where an earlier one was stopped; docs/checkpoints.md tells the user's side
 *
 * In the folder, of a rank of a cluster in its own rank-3-of-8 there, lie
 *
 *     checkpoint.data      runs of pairs (run.h): the spill file of the scan, which here has a name and only grows
 *     checkpoint.journal   everything else (journal.h), written anew each time and put in place by rename
 *     checkpoint.sums-0, checkpoint.sums-1    but sums over documents (sums_file.h), written anew to the one that the
 *                          journal in place does not name
 *     checkpoint.lock      held by the scan that works with them
 *
 * A checkpoint is taken while all threads pause between blocks: the spans of begun shards are joined, all tables become
 * runs, the data file is synced, the journal replaces the one before.  What the data file holds beyond what the journal
 * tells of is cut off when a scan resumes, so whatever ends a scan, the last journal and the data fit together.
 *
 *     checkpoint_open() -> checkpoint_write()* -> checkpoint_remove() if the output is in place -> checkpoint_finish()
 */
#ifndef SCAN_CHECKPOINT_H
#define SCAN_CHECKPOINT_H

#include "scan/journal.h"

struct emx_cluster;
struct scan;

struct checkpoint {
    const char *folder; /* NULL: the scan takes none */
    char *rank_folder;  /* in a cluster, the same */
    double seconds;     /* from one to the next */
    char *data_path, *journal_path, *lock_path;
    int lock;                  /* -1: not held */
    uint64_t id;               /* of the data file, which the journal names */
    struct file_stamp *stamps; /* [n_shards] */
    struct journal restored;   /* where the scan resumed; records point into it */
    uint32_t slot;             /* of the file of sums that the next checkpoint is written to */
    unsigned n_written;
    double last, duration; /* clock_seconds() of the end of the last one; how long all of them took together */
};

/*
 * Open and lock the folder that the scan's options name, if they do; with `resume` put the scan, all of whose domains
 * and shards are prepared, where the checkpoint is.
 * EMX_ERR_ARG: the folder is in use, holds a checkpoint and `resume` is not set, or one of other shards or settings;
 * a shard is no regular file, or has changed; _CORRUPT, _VERSION: the checkpoint; _IO, _MEMORY; _STOPPED.
 */
EMX_CHECKED enum emx_status checkpoint_open(struct scan *s, struct emx_error *err);

/* Of a rank of a cluster its own in the one given; it is made if it is missing.  EMX_ERR_ARG: it is of another number
 * of ranks. */
EMX_CHECKED enum emx_status checkpoint_choose_folder(struct checkpoint *c, const struct emx_cluster *cluster,
                                                     struct emx_error *err);
/* So that no other scan works with it; what a process that was killed left half written is removed. */
EMX_CHECKED enum emx_status checkpoint_lock(struct checkpoint *c, struct emx_error *err);

/* All threads pause, and all pairs are in runs: write the journal. */
EMX_CHECKED enum emx_status checkpoint_write(struct scan *s, struct emx_error *err);

/* The output is in place: remove the files. */
EMX_CHECKED enum emx_status checkpoint_remove(struct checkpoint *c, struct emx_error *err);
void checkpoint_finish(struct checkpoint *c);

/* Is the journal of the scan that is going to begin?  EMX_ERR_ARG, with what differs, if not. */
EMX_CHECKED enum emx_status checkpoint_compare(const struct scan *s, const struct journal *j, struct emx_error *err);
/* Are begun and done shards what they were?  Reads those whose stamp is another. */
EMX_CHECKED enum emx_status checkpoint_verify(struct scan *s, const struct journal *j, struct emx_error *err);

#endif
