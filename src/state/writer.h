/*
 * writer.h - writing a state file with many threads
 *
 * Any thread encodes a block of rows with its own encoder; one thread appends the blocks in order:
 *
 *     emx_state_writer_begin_domain(w), emx_state_writer_tails(w)
 *     state_encode_block(e, rows, PAIR_BLOCK_ROWS, &block)    any thread, every block but the last full
 *     state_writer_append_block(w, &block)                    in ascending order of rows
 *     state_encoder_take_spectrum(e, pairs)                   of each encoder, into one builder for the domain
 *     state_writer_end_domain_parallel(w, pairs)              once all blocks are in
 *
 * emx_state_writer_pairs() does the same with one encoder, so the bytes are the same.
 */
#ifndef STATE_WRITER_H
#define STATE_WRITER_H

#include <emx/state.h>

#define PAIR_BLOCK_ROWS 65536

/* All rows of a block with one first token. */
struct state_run {
    uint32_t first;
    uint32_t n_rows;
    uint64_t sum; /* of their counts */
};

/*
 * A block of rows as it is stored.  Zero it before its first use; it may be encoded into again and again, by any
 * encoder, and is finished once.
 */
struct state_block {
    unsigned char *stored; /* [n_stored] */
    size_t n_stored;
    struct state_run *runs; /* [n_runs], ascending by first */
    size_t n_runs;
    size_t n_rows;
    uint64_t first_key, last_key; /* first << 32 | second of the first and of the last row */
    uint64_t sum;                 /* of all counts */
    uint32_t max_token;
};

void state_block_finish(struct state_block *b);

/* One a thread: compressor, buffers, and the spectrum of the counts of all rows it encoded in this domain. */
struct state_encoder;

EMX_CHECKED enum emx_status state_encoder_create(struct state_encoder **ret, struct emx_error *err);
/* Accepts NULL. */
void state_encoder_destroy(struct state_encoder **e);

/*
 * Encode 1 to PAIR_BLOCK_ROWS rows, strictly ascending by (first, second).
 * EMX_ERR_ARG if they do not ascend, or a count is 0; EMX_ERR_RANGE if a token is not below EMX_MAX_VOCABULARY, or
 * a count or the sum of counts is not below 2^63; EMX_ERR_MEMORY.  After a failure the encoder's spectrum is
 * spoilt: give up the domain.
 */
EMX_CHECKED enum emx_status state_encode_block(struct state_encoder *e, const struct emx_pair_count *rows, size_t n,
                                               struct state_block *ret, struct emx_error *err);

EMX_CHECKED enum emx_status state_writer_append_block(struct emx_state_writer *w, const struct state_block *b,
                                                      struct emx_error *err);

/* Add the spectrum of what was encoded since the last call to `into`, and begin another. */
EMX_CHECKED enum emx_status state_encoder_take_spectrum(struct state_encoder *e, struct emx_spectrum_builder *into);

/* `pairs` is the spectrum of the counts of all appended blocks; borrowed. */
EMX_CHECKED enum emx_status state_writer_end_domain_parallel(struct emx_state_writer *w,
                                                             const struct emx_spectrum_builder *pairs,
                                                             struct emx_error *err);

#endif
