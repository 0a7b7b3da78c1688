/*
 * sums_file.h - sums over documents in a checkpoint
 *
 * They are not in the journal, since they may be gigabytes, nor among the runs of the data file, since each checkpoint
 * has all of them anew.  They lie in two files in turn, of which the journal names the one that belongs to it, with its
 * checksum; docs/checkpoints.md has the layout.
 */
#ifndef SCAN_SUMS_FILE_H
#define SCAN_SUMS_FILE_H

#include "scan/journal.h"

struct scan;

#define SUMS_NAME "checkpoint.sums-" /* 0 or 1 */

/* All threads pause.  `place` says in which file; its size and checksum are filled. */
EMX_CHECKED enum emx_status sums_file_write(const struct scan *s, struct journal_sums *place, struct emx_error *err);

/*
 * Domains and begun shards of the scan, which are restored but for this, get what they had.  EMX_ERR_CORRUPT if the
 * file is not the one that the journal is about; EMX_ERR_IO, EMX_ERR_MEMORY.
 */
EMX_CHECKED enum emx_status sums_file_read(struct scan *s, const struct journal *j, struct emx_error *err);

/* The two files, those of them that there are. */
EMX_CHECKED enum emx_status sums_files_remove(const char *folder, struct emx_error *err);

#endif
