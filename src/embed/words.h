/*
 * words.h - vectors that are keyed by words, for the tokens of a vocabulary
 *
 *     words_init() -> words_offer() each word of the file in order -> words_finish_into() or words_finish()
 *
 * A token takes the first vector of its own text, or else the first of its text in lower case.  Vectors that no token
 * wants are not kept.
 */
#ifndef EMBED_WORDS_H
#define EMBED_WORDS_H

#include "embed/embed.h"
#include "embed/vocabulary.h"

struct words {
    const char *path;
    size_t dimension;
    struct vocabulary vocabulary;
    uint32_t *heads; /* [n_heads] first token of a chain, by hash of its text or its text in lower case */
    size_t n_heads;  /* a power of two */
    uint32_t *next;  /* [2 * vocabulary.n] links 2 * token for its text, 2 * token + 1 for its lower case */
    uint32_t *row_of;
    bool *is_exact; /* [vocabulary.n] row_of was found by the text itself */
    float *rows;    /* [n_rows][dimension] */
    size_t n_rows, cap_rows;
};

/* EMX_ERR_ARG if there is no vocabulary. */
EMX_CHECKED enum emx_status words_init(struct words *w, const struct embedding_source *s, size_t dimension,
                                       struct emx_error *err);
/* A word (no NUL needed) and its vector[dimension]. */
EMX_CHECKED enum emx_status words_offer(struct words *w, const char *word, size_t len, const float *vector,
                                        struct emx_error *err);
/* Hand over what was found; EMX_ERR_FORMAT if no token has a vector. */
EMX_CHECKED enum emx_status words_finish_into(struct words *w, struct emx_embeddings *e, struct emx_error *err);
void words_finish(struct words *w);

#endif
