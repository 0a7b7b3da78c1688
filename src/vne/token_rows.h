/*
 * token_rows.h - the vectors of tokens as integers, so that sums of them are exact in any order
 *
 * Component i of a vector is q * scale[i], |q| < 2^15, with scale[i] the least power of two for which that holds.  So a
 * component differs from the one in the file by at most scale[i] / 2, which is at most 2^-15 of the largest there is of
 * it.  The weight of a token is in its row.  Precise rows have |q| < 2^PRECISE_BITS likewise, and q is a double.
 *
 * Rows lie in blocks of so many columns, block after block, each column of a row that is not precise where row_place()
 * says (row_sums.h): the rows that some tokens have in a block are read again and again for the documents of a batch.
 *
 * Immutable once made.  Thread-safety: any thread.
 */
#ifndef VNE_TOKEN_ROWS_H
#define VNE_TOKEN_ROWS_H

#include "pipeline/placement.h"
#include "vne/row_sums.h"

#include <emx/embeddings.h>
#include <stdbool.h>

struct token_rows {
    size_t dimension;
    size_t n_columns;  /* dimension rounded up to COLUMN_STEP; what is beyond is 0 */
    uint32_t n_tokens; /* there is a row for each token below */
    bool is_matrix;    /* a token from n_tokens on is an error, not just one without a vector */
    bool precise;
    size_t block_columns, number_bytes; /* BLOCK_COLUMNS and 2; of precise rows PRECISE_COLUMNS and 8 */
    uint64_t most_tokens;               /* of a document: the sum of more of them could pass 63 bits */
    void *rows;                         /* see token_rows_block() */
    bool *has_vector;                   /* [n_tokens] */
    double *scale;                      /* [dimension] */
};

/*
 * weights[n_weights] of tokens, finite and not negative, 1 from there on; NULL: all 1.  By all threads of the
 * placement. EMX_ERR_MEMORY: it takes token_rows_number_bytes() a number.
 */
EMX_CHECKED enum emx_status token_rows_create(const struct emx_embeddings *e, const double *weights, size_t n_weights,
                                              bool precise, const struct placement *placement, struct token_rows **ret,
                                              struct emx_error *err);
void token_rows_destroy(struct token_rows **r);

static inline size_t token_rows_number_bytes(bool precise)
{
    return precise ? sizeof(double) : sizeof(int16_t);
}

/* Tells other vectors or weights apart: equal rows give equal sums. */
uint64_t token_rows_checksum(const struct token_rows *r);

/* Columns of the block that begins with column `first`, a multiple of block_columns. */
static inline size_t token_rows_width(const struct token_rows *r, size_t first)
{
    return r->n_columns - first < r->block_columns ? r->n_columns - first : r->block_columns;
}

/* That block, from that token on: [n_tokens - token][width] of int16_t or, precise, double. */
static inline const void *token_rows_block(const struct token_rows *r, size_t first, size_t token)
{
    return (const unsigned char *)r->rows +
           (first * r->n_tokens + token * token_rows_width(r, first)) * r->number_bytes;
}

#endif
