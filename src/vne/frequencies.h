/*
 * frequencies.h - in how many documents each token is
 *
 * Thread-safety: one thread at a time; frequencies of several threads add up, in any order.
 */
#ifndef VNE_FREQUENCIES_H
#define VNE_FREQUENCIES_H

#include "vne/documents.h"

struct frequencies {
    uint64_t *documents; /* [n_tokens] with the token in them */
    uint64_t n_documents;
    size_t n_tokens; /* ids from there on are passed by */
    uint64_t *last;  /* [n_tokens] number of the last document that the token was in, from 1 on */
};

/* EMX_ERR_MEMORY. */
EMX_CHECKED enum emx_status frequencies_init(struct frequencies *f, size_t n_tokens, struct emx_error *err);
void frequencies_finish(struct frequencies *f);

/* A document begins, and some of its tokens; one that turns out to be none stays counted. */
void frequencies_begin(struct frequencies *f);
void frequencies_tokens(struct frequencies *f, const uint32_t *tokens, size_t n);
void frequencies_add(struct frequencies *f, const struct frequencies *other);

/*
 * log(documents / documents with the token), 0 for a token that is in all or in none: ret[n_tokens].
 * Source: Sparck Jones (1972), "A statistical interpretation of term specificity".
 */
void frequencies_weigh(const struct frequencies *f, double *ret);

#endif
