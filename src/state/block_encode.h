/*
 * block_encode.h - what the writer needs of an encoder beyond writer.h
 */
#ifndef STATE_BLOCK_ENCODE_H
#define STATE_BLOCK_ENCODE_H

#include "state/writer.h"

/* As state_encode_block(), but leaves the spectrum alone: for tails. */
EMX_CHECKED enum emx_status encode_block_uncounted(struct state_encoder *e, const struct emx_pair_count *rows, size_t n,
                                                   struct state_block *ret, struct emx_error *err);

#endif
