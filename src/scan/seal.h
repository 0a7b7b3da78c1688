/*
 * seal.h - a counted domain's tables to encoded blocks of sorted rows
 *
 * Blocks take a small part of the memory of the tables, so a domain is sealed, and its tables serve others, as soon as
 * its last shard is counted: by the thread that counted it while others still count, by all threads once nothing is
 * left to count.
 */
#ifndef SCAN_SEAL_H
#define SCAN_SEAL_H

#include "pipeline/threads.h"
#include "scan/merge_runs.h"
#include "scan/spill.h"
#include "state/writer.h"

struct sealed {
    struct state_block *blocks; /* [n_blocks] in order; without bytes and runs where these are on disk */
    size_t n_blocks;
    struct block_place {
        uint64_t stored, runs;          /* where in the temporary file */
    } * places;                         /* [n_blocks] NULL: all blocks are in memory */
    struct emx_spectrum_builder *pairs; /* spectrum of the counts of pairs */
    uint64_t n_taken;                   /* bytes of the budget */
};

/* What sealing works with, for one domain after the other. */
struct sealer {
    const struct placement *placement;
    struct spiller *spiller;         /* borrowed */
    struct state_encoder **encoders; /* [n_threads] */
    struct state_block *staging;     /* [n_threads] */
    struct emx_error *errors;        /* [n_threads] */
    size_t n_threads;
    bool (*go_on)(void *context); /* asked between pieces, by the caller's thread; NULL: always.  False: _STOPPED */
    void *context;
    struct emx_pair_count *rest; /* [n_rest] rows of the last piece that did not fill a block */
    size_t n_rest;
    struct table **tables; /* of the domain that is sorted, */
    struct run *runs;      /* or merged */
};

EMX_CHECKED enum emx_status sealer_init(struct sealer *s, const struct placement *p, struct spiller *spiller,
                                        struct emx_error *err);
void sealer_finish(struct sealer *s);

/* threads_for(), and what an item left in the errors of its thread. */
EMX_CHECKED enum emx_status sealer_for(struct sealer *s, size_t n_items, item_fn *fn, void *context,
                                       struct emx_error *err);

/* Seal the domain and release its tables; no thread counts in it any more. */
EMX_CHECKED enum emx_status seal_domain(struct sealer *s, struct domain *d, struct sealed *ret, struct emx_error *err);
/* The same for a domain that other ranks count, too: its rows become one run, d->runs[0], which may have none. */
EMX_CHECKED enum emx_status seal_to_run(struct sealer *s, struct domain *d, struct emx_error *err);

/* Where sorted rows come from, piece by piece: rows_next() or merge_next() of the source, for two. */
typedef enum emx_status next_rows_fn(void *source, const struct emx_pair_count **ret, size_t *ret_n,
                                     struct emx_error *err);
next_rows_fn next_of_rows, next_of_merge;

/* A domain that is in its tables to sorted rows; these live until rows_destroy() and the sealer's next domain. */
EMX_CHECKED enum emx_status sealer_sort(struct sealer *s, struct domain *d, struct rows **ret, struct emx_error *err);
/* One that is in runs, too (domain_is_in_runs()), to a merge of all that it has, less what was taken back. */
EMX_CHECKED enum emx_status sealer_merge(struct sealer *s, struct domain *d, struct merge **ret, struct emx_error *err);

/* Any rows of a domain to blocks, which do not stay in memory. */
EMX_CHECKED enum emx_status seal_rows(struct sealer *s, next_rows_fn *next, void *source, struct sealed *ret,
                                      struct emx_error *err);

/* Bring block i to memory, if it is not there; state_block_finish() lets it go. */
EMX_CHECKED enum emx_status sealed_fetch(struct sealed *s, const struct spill *spill, size_t i, struct emx_error *err);
void sealed_finish(struct sealed *s, struct budget *budget);

#endif
