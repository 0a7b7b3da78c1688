/*
 * embeddings.h - vectors of tokens: from the files of any model, or from what was counted
 *
 * Formats (emx_embedding_formats()), recognised by content:
 *
 *     npy           a matrix of f16, f32 or f64, row = token id         memory-mapped
 *     safetensors   one matrix of f16, bf16, f32 or f64 in it, likewise memory-mapped
 *     fasttext      a fastText model, .bin, not quantised: vectors also of words that it never saw, from n-grams
 *     text          lines "word v1 ... vD": GloVe, fastText .vec and word2vec with their first line "N D"
 *     word2vec      word2vec's and gensim's binary files
 *
 * The last three are keyed by words, so they need a vocabulary file that says which token is which text:
 *
 *     vocab.json, or a tokenizer.json       {"text": id, ...}, or that at "model", "vocab"
 *     anything else                         one text a line, the first is token 0
 *
 * A token finds its vector by its text: bytes of byte-level BPE are decoded, the mark of a word's beginning (a blank,
 * or U+2581) is dropped, and where nothing is found the text is tried in lower case (ASCII).
 */
#ifndef EMX_EMBEDDINGS_H
#define EMX_EMBEDDINGS_H

#include <emx/state.h>

struct emx_embeddings;

struct emx_embedding_format {
    const char *name;
    const char *summary; /* one line for --help */
};

/* The table of formats; *ret_n entries, static storage. */
EMX_API const struct emx_embedding_format *emx_embedding_formats(size_t *ret_n);

struct emx_embeddings_options {
    const char *format;     /* NULL: recognised by content */
    const char *tensor;     /* of safetensors; NULL: one of the usual names, or the only matrix */
    const char *vocabulary; /* file of token texts; NULL: none */
    uint32_t n_tokens;      /* there must be a row for each token below; 0: not checked */
};

/*
 * Open, check and, where the format is no matrix, read.  Every number must be finite and at least one not 0.
 * A matrix has a vector for each of its rows; of words, tokens without one have no vector, and at least one must have.
 *
 * EMX_ERR_IO; EMX_ERR_FORMAT what the file holds; EMX_ERR_CORRUPT cut off; EMX_ERR_RANGE fewer rows than n_tokens, more
 * than EMX_MAX_DIMENSION columns; EMX_ERR_ARG a vocabulary is missing, or `tensor`.
 */
EMX_API EMX_CHECKED enum emx_status emx_embeddings_open(const char *path, const struct emx_embeddings_options *options,
                                                        struct emx_embeddings **ret, struct emx_error *err);

/* A copy of rows[n_rows x dimension]. */
EMX_API EMX_CHECKED enum emx_status emx_embeddings_from_rows(const float *rows, size_t n_rows, size_t dimension,
                                                             struct emx_embeddings **ret, struct emx_error *err);

/*
 * Without any model: vectors from the pairs that were counted, of all domains of a state added up (so that domains
 * compare).  With n(x, y) the counts of pairs and Q(y) ~ n(y)^0.75 the smoothed share of y as a second token,
 *
 *     M(x, y) = max(0, log P(y | x) / Q(y))        positive pointwise mutual information
 *
 * for y to the right of x, and likewise for neighbours to the left, beside it.  With M = U S V^T, cut off at
 * `dimension` (found by a randomised method, so nearly), the vector of a token is its row of U S, as a unit vector:
 * that keeps what many pairs agree on, and drops what the chance of a single one makes of a rare token.
 *
 * Deterministic: equal states, dimension and seed give equal bits, with the same BLAS library on the same kind of
 * processor.  Tokens that are in no pair have no vector.  Takes 16 * dimension bytes a token that is in one, and five
 * passes over the tables, in four of which each pair costs 2 * dimension multiplications.
 *
 * EMX_ERR_EMPTY: there are no pairs; EMX_ERR_RANGE: dimension; EMX_ERR_MEMORY; and what reading a state can return.
 *
 * Source: Levy, Goldberg and Dagan (2015), "Improving distributional similarity with lessons learned from word
 * embeddings", sections 2 and 3.
 */
EMX_API EMX_CHECKED enum emx_status emx_embeddings_from_counts(struct emx_state *s, size_t dimension, uint64_t seed,
                                                               struct emx_embeddings **ret, struct emx_error *err);

EMX_API void emx_embeddings_close(struct emx_embeddings **e);

EMX_API const char *emx_embeddings_format(const struct emx_embeddings *e);
EMX_API size_t emx_embeddings_dimension(const struct emx_embeddings *e);
/* Token ids are below it. */
EMX_API uint32_t emx_embeddings_n_tokens(const struct emx_embeddings *e);
/* Those that have a vector. */
EMX_API uint32_t emx_embeddings_n_vectors(const struct emx_embeddings *e);

/* The vector of a token into ret[dimension]; false if it has none.  Thread-safety: any thread. */
EMX_API bool emx_embeddings_vector(const struct emx_embeddings *e, uint32_t token, float *ret);

#endif
