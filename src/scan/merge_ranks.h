/*
 * merge_ranks.h - a domain's runs on all ranks to blocks of the state file: on each rank those of its keys
 */
#ifndef SCAN_MERGE_RANKS_H
#define SCAN_MERGE_RANKS_H

#include "scan/block_edges.h"
#include "scan/exchange.h"
#include "scan/seal.h"

/* What it works with, for one domain after the other. */
struct rank_merger {
    struct exchange exchange;
    struct sealer *sealer;        /* borrowed */
    struct run *runs;             /* [size] rows of this rank's keys, from each rank */
    uint64_t *n_rows;             /* [size] of the merged rows of each rank */
    struct block_edges *edges;    /* [size] */
    struct emx_pair_count *head;  /* [PAIR_BLOCK_ROWS] the first of this rank */
    struct emx_pair_count *added; /* [PAIR_BLOCK_ROWS] from ranks behind it, for its last block */
    size_t n_added;
    size_t *n_send, *n_received; /* [size] bytes */
};

EMX_CHECKED enum emx_status rank_merger_init(struct rank_merger *m, struct emx_cluster *c, struct sealer *sealer,
                                             struct emx_error *err);
/* Accepts a zeroed merger. */
void rank_merger_finish(struct rank_merger *m);

/*
 * Collective: exchange what `mine` has, merge what is this rank's, and seal it.  Every block of all ranks is full but
 * the last of the domain.  Fails on all ranks together.
 */
EMX_CHECKED enum emx_status merge_ranks(struct rank_merger *m, const struct run *mine, struct sealed *ret,
                                        struct emx_error *err);

#endif
