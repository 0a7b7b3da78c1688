/*
 * collect.h - what is small of a domain from all ranks to rank 0: records of shards, tails, spectra; and sums
 * over documents, piece by piece
 *
 * All are collective, and fail on all ranks together.
 */
#ifndef SCAN_COLLECT_H
#define SCAN_COLLECT_H

#include "scan/scan.h"

/* Records of the shards that each rank counted, and what their formats say about EOD: for rank 0. */
EMX_CHECKED enum emx_status collect_records(struct scan *s, struct emx_error *err);

/* What each rank skipped. */
EMX_CHECKED enum emx_status collect_skips(struct scan *s, struct emx_error *err);

/* The domain's tails are the sums of all ranks'; on rank 0. */
EMX_CHECKED enum emx_status collect_tails(struct scan *s, struct domain *d, struct emx_error *err);

/* What is summed up of the domain's documents, of all ranks; on rank 0, where none is left in the sample. */
EMX_CHECKED enum emx_status collect_documents(struct scan *s, struct domain *d, struct emx_error *err);

/* Add the spectra of the other ranks to rank 0's. */
EMX_CHECKED enum emx_status collect_spectrum(struct scan *s, struct emx_spectrum_builder *b, struct emx_error *err);

#endif
