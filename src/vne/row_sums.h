/*
 * row_sums.h - sum up the rows of a document's tokens, some columns at a time
 *
 * Of a document's tokens each is named once, with how often it comes.  The sums are kept in registers while one row
 * after the other is added; so a number of a row costs a multiplication, an addition and the way from memory, and it is
 * the last that takes long: rows are fetched ROWS_AHEAD before they are added.
 */
#ifndef VNE_ROW_SUMS_H
#define VNE_ROW_SUMS_H

#include <stddef.h>
#include <stdint.h>

enum { ROWS_AHEAD = 32, MOST_IN_SUM = INT16_MAX /* tokens, so that no sum overflows */ };

struct token_count {
    uint32_t token, n;
};

/*
 * ret[width] = sum of n times the row of the token over counts[n_counts]; rows[][width], width COLUMN_STEP, twice,
 * three times or four times that; n_counts even (a count of 0 makes it so), all n together at most MOST_IN_SUM.
 * Behind counts[n_counts] come ROWS_AHEAD more tokens that have rows.
 */
typedef void row_sums_fn(const int16_t *rows, size_t width, const struct token_count *counts, size_t n_counts,
                         int32_t *ret);

row_sums_fn row_sums_plain, row_sums_avx2;

/* Those that this processor can run, the best first; plain is the last. *ret_n is at most 2. */
void row_sums_kernels(row_sums_fn *ret[2], size_t *ret_n);

#endif
