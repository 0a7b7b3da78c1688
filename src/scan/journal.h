/*
 * journal.h - all that a checkpoint knows, to bytes and back; docs/checkpoints.md has the layout
 *
 * Pairs are not in it: it tells where the runs lie in the data file.  Decoding believes nothing, and a checksum covers
 * every byte.
 */
#ifndef SCAN_JOURNAL_H
#define SCAN_JOURNAL_H

#include "scan/shard.h"

struct journal_tail {
    uint32_t token;
    uint64_t count;
};

/* What was counted: tails, and runs of pairs. */
struct journal_counts {
    struct journal_tail *tails; /* [n_tails] ascending */
    size_t n_tails;
    struct run_directory *runs; /* [n_runs] */
    size_t n_runs;
};

struct journal_domain {
    struct emx_scan_domain given; /* strings; `shards` is unused */
    bool eod_order_known, eod_first;
    uint64_t n_tokens, n_pair_types;   /* for progress */
    struct journal_counts plus, minus; /* minus: of skipped shards (take_back.h) */
};

struct journal_shard {
    const char *path;
    struct file_stamp stamp; /* when the first scan began */
    enum journal_stage { JOURNAL_NEW, JOURNAL_BEGUN, JOURNAL_DONE, JOURNAL_SKIPPED } stage;
    /* done: all of it, but the path; begun: n_bytes and xxh3 of what was read so far */
    struct emx_shard_record record;
    uint64_t n_without_eod;
    const char *reason; /* skipped */
    /* begun */
    struct shard_sums sums;
    struct span *spans; /* [n_spans] ascending, none in another */
    size_t n_spans;
};

/* Of what documents are summed up, and the file of what was (sums_file.h). */
struct journal_sums {
    const char *source; /* of the vectors; NULL: documents are not summed up */
    uint64_t vectors;   /* checksum of the vectors as they are added */
    uint32_t dimension;
    uint64_t n_requested, seed; /* a sample of so many documents; 0: all */
    uint32_t slot;              /* 0 or 1 */
    uint64_t n_bytes, xxh3;
};

struct journal {
    enum emx_on_error on_error;
    struct journal_sums sums;
    uint64_t id, n_data_bytes;      /* of the data file */
    struct journal_domain *domains; /* [n_domains] */
    size_t n_domains;
    struct journal_shard *shards; /* [n_shards] the domains' one after the other */
    size_t n_shards;
    char *bytes; /* that strings of a decoded one point into */
};

/* Frees the arrays, too. */
void journal_finish(struct journal *j);

/* *ret_bytes is malloc'ed.  EMX_ERR_MEMORY. */
EMX_CHECKED enum emx_status journal_encode(const struct journal *j, char **ret_bytes, size_t *ret_n,
                                           struct emx_error *err);

/*
 * Takes ownership of bytes[n], also on failure.  `path` is for messages.  EMX_ERR_CORRUPT, _VERSION, _MEMORY; on
 * failure *ret is empty.
 */
EMX_CHECKED enum emx_status journal_decode(char *bytes, size_t n, const char *path, struct journal *ret,
                                           struct emx_error *err);

#endif
