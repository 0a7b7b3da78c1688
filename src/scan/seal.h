/*
 * seal.h - a counted domain's tables to encoded blocks of sorted rows
 *
 * Blocks take a small part of the memory of the tables, so a domain is sealed, and its tables serve others, as soon as
 * its last shard is counted: by the thread that counted it while others still count, by all threads once nothing is
 * left to count.
 */
#ifndef SCAN_SEAL_H
#define SCAN_SEAL_H

#include "scan/domain.h"
#include "state/writer.h"

struct sealed {
    struct state_block *blocks; /* [n_blocks] in order */
    size_t n_blocks;
    struct emx_spectrum_builder *pairs; /* spectrum of the counts of pairs */
    uint64_t n_taken;                   /* bytes of the budget */
};

/* What sealing works with, for one domain after the other. */
struct sealer {
    const struct placement *placement;
    struct budget *budget;
    struct state_encoder **encoders; /* [n_threads] */
    struct state_block *staging;     /* [n_threads] */
    struct emx_error *errors;        /* [n_threads] */
    size_t n_threads;
    struct rows_space space;
    struct emx_pair_count *rest; /* [n_rest] rows of the last piece that did not fill a block */
    size_t n_rest;
};

EMX_CHECKED enum emx_status sealer_init(struct sealer *s, const struct placement *p, struct budget *budget,
                                        struct emx_error *err);
void sealer_finish(struct sealer *s);

/* Seal the domain and release its tables; no thread counts in it any more. */
EMX_CHECKED enum emx_status seal_domain(struct sealer *s, struct domain *d, struct sealed *ret, struct emx_error *err);
void sealed_finish(struct sealed *s, struct budget *budget);

#endif
