/*
 * seal.h - a counted domain's tables to encoded blocks of sorted rows
 *
 * Blocks take a small part of the memory of the tables, so a domain is sealed, and its tables serve others, as soon as
 * its last shard is counted: by the thread that counted it while others still count, by all threads once nothing is
 * left to count.
 */
#ifndef SCAN_SEAL_H
#define SCAN_SEAL_H

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
};

EMX_CHECKED enum emx_status sealer_init(struct sealer *s, const struct placement *p, struct spiller *spiller,
                                        struct emx_error *err);
void sealer_finish(struct sealer *s);

/* Seal the domain and release its tables; no thread counts in it any more. */
EMX_CHECKED enum emx_status seal_domain(struct sealer *s, struct domain *d, struct sealed *ret, struct emx_error *err);
/* Bring block i to memory, if it is not there; state_block_finish() lets it go. */
EMX_CHECKED enum emx_status sealed_fetch(struct sealed *s, const struct spill *spill, size_t i, struct emx_error *err);
void sealed_finish(struct sealed *s, struct budget *budget);

#endif
