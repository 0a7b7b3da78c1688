/*
 * token_rows.h - the vectors of tokens as integers, so that sums of them are exact in any order
 *
 * A column i has the numbers q * scale[i], |q| < 2^23, with scale[i] the least power of two for which that holds.  So a
 * number differs from the one in the file by at most scale[i] / 2, which is at most 2^-23 of the largest of its column.
 * The weight of a token is in its row.
 *
 * Immutable once made.  Thread-safety: any thread.
 */
#ifndef VNE_TOKEN_ROWS_H
#define VNE_TOKEN_ROWS_H

#include <emx/embeddings.h>

struct token_rows {
    size_t dimension;
    uint32_t n_tokens; /* there is a row for each token below */
    bool is_matrix;    /* a token from n_tokens on is an error, not just one without a vector */
    int32_t *rows;     /* [n_tokens][dimension] */
    bool *has_vector;  /* [n_tokens] */
    double *scale;     /* [dimension] */
};

/*
 * weights[n_weights] of tokens, finite and not negative, 1 from there on; NULL: all 1.
 * EMX_ERR_MEMORY: it takes 4 bytes a number.
 */
EMX_CHECKED enum emx_status token_rows_create(const struct emx_embeddings *e, const double *weights, size_t n_weights,
                                              struct token_rows **ret, struct emx_error *err);
void token_rows_destroy(struct token_rows **r);

/* Tells other vectors or weights apart: equal rows give equal sums. */
uint64_t token_rows_checksum(const struct token_rows *r);

#endif
