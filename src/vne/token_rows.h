/*
 * token_rows.h - the vectors of tokens as integers, so that sums of them are exact in any order
 *
 * Component i of a vector is q * scale[i], |q| < 2^15, with scale[i] the least power of two for which that holds.  So a
 * component differs from the one in the file by at most scale[i] / 2, which is at most 2^-15 of the largest there is of
 * it.  The weight of a token is in its row.
 *
 * Rows lie in blocks of BLOCK_COLUMNS columns, block after block, each column of a row where row_place() says
 * (row_sums.h): the rows that some tokens have in a block are read again and again for the documents of a batch.
 *
 * Immutable once made.  Thread-safety: any thread.
 */
#ifndef VNE_TOKEN_ROWS_H
#define VNE_TOKEN_ROWS_H

#include "vne/row_sums.h"

#include <emx/embeddings.h>
#include <stdbool.h>

struct token_rows {
    size_t dimension;
    size_t n_columns;  /* dimension rounded up to COLUMN_STEP; what is beyond is 0 */
    uint32_t n_tokens; /* there is a row for each token below */
    bool is_matrix;    /* a token from n_tokens on is an error, not just one without a vector */
    int16_t *rows;     /* see token_rows_block() */
    bool *has_vector;  /* [n_tokens] */
    double *scale;     /* [dimension] */
};

/*
 * weights[n_weights] of tokens, finite and not negative, 1 from there on; NULL: all 1.
 * EMX_ERR_MEMORY: it takes 2 bytes a number.
 */
EMX_CHECKED enum emx_status token_rows_create(const struct emx_embeddings *e, const double *weights, size_t n_weights,
                                              struct token_rows **ret, struct emx_error *err);
void token_rows_destroy(struct token_rows **r);

/* Tells other vectors or weights apart: equal rows give equal sums. */
uint64_t token_rows_checksum(const struct token_rows *r);

/* Columns of the block that begins with column `first`, a multiple of BLOCK_COLUMNS. */
static inline size_t token_rows_width(const struct token_rows *r, size_t first)
{
    return r->n_columns - first < BLOCK_COLUMNS ? r->n_columns - first : BLOCK_COLUMNS;
}

/* That block: [n_tokens][width]. */
static inline const int16_t *token_rows_block(const struct token_rows *r, size_t first)
{
    return r->rows + first * r->n_tokens;
}

#endif
