/*
 * merge_runs.h - several runs on disk to one sequence of rows
 *
 * Order of calls: merge_create -> merge_next until it yields none -> merge_destroy; as with rows.h.
 *
 * The first keys of all blocks tell where to cut the keys into ranges with about as many rows each.  Threads take
 * ranges; a range's rows of all runs are read and sorted together, in the cache, and equal keys are added; those of
 * runs that are minus are subtracted, and rows of which nothing is left go.
 */
#ifndef SCAN_MERGE_RUNS_H
#define SCAN_MERGE_RUNS_H

#include "count/rows.h"
#include "scan/run.h"

struct merge;

/* runs[n_runs], file and space are borrowed until merge_destroy(). */
EMX_CHECKED enum emx_status merge_create(const struct run *runs, size_t n_runs, const struct temp_file *file,
                                         const struct placement *placement, struct rows_space *space,
                                         struct merge **ret, struct emx_error *err);
void merge_destroy(struct merge **m);

/* The next piece of rows, borrowed until the next call; *ret_n is 0 at the end. */
EMX_CHECKED enum emx_status merge_next(struct merge *m, const struct emx_pair_count **ret, size_t *ret_n,
                                       struct emx_error *err);

#endif
