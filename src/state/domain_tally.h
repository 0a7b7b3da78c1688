/*
 * domain_tally.h - totals and spectra of a domain, from its tails and the row sums of its pairs
 *
 * A token's unigram count is its row sum plus its tail; both come ascending, so one walk finds it.
 * Order of calls: _init(), _add_tails()*, _add_run()*, _close(), _finish() at any time.
 */
#ifndef STATE_DOMAIN_TALLY_H
#define STATE_DOMAIN_TALLY_H

#include "state/writer.h"

struct tail {
    uint32_t token;
    uint64_t count;
};

struct domain_tally {
    struct emx_spectrum_builder *tokens, *pairs, *firsts;
    struct tail *tails; /* [n_tail_types], ascending by token */
    size_t n_tail_types, cap;
    size_t next_tail;      /* the first whose token's row may still come */
    struct state_run open; /* row in progress; sum 0 if none */
    uint64_t n_tails, n_pairs, n_pair_types;
    uint32_t max_token;
};

/* On failure _finish() may still be called, as on a zeroed tally. */
EMX_CHECKED enum emx_status domain_tally_init(struct domain_tally *t, struct emx_error *err);
void domain_tally_finish(struct domain_tally *t);

/* Rows as in emx_state_writer_tails(), one part after the other.  EMX_ERR_ARG, _RANGE, _MEMORY. */
EMX_CHECKED enum emx_status domain_tally_add_tails(struct domain_tally *t, const struct emx_pair_count *rows, size_t n,
                                                   struct emx_error *err);

/* Some or all pairs of one first token; firsts do not descend.  Counts of pairs the caller puts into t->pairs. */
EMX_CHECKED enum emx_status domain_tally_add_run(struct domain_tally *t, const struct state_run *run,
                                                 struct emx_error *err);

/* All is added: spectra of tokens and firsts are complete. */
EMX_CHECKED enum emx_status domain_tally_close(struct domain_tally *t, struct emx_error *err);

#endif
