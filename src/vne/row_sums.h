/*
 * row_sums.h - sum up the rows of documents' tokens, for some tokens and columns at a time
 *
 * Of a document's tokens each is named once, with how often it comes.  A document's sums are kept in registers while
 * one row after the other is added; so a number of a row costs a multiplication, an addition and the way from memory,
 * and it is the last that takes long: rows are fetched ROWS_AHEAD before they are added, and there are so few,
 * PART_TOKENS, that those of many documents come from the cache (batch.h).
 *
 * Numbers of rows are int16_t and sums int32_t; or, precise, both are doubles that are integers.
 */
#ifndef VNE_ROW_SUMS_H
#define VNE_ROW_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ROWS_AHEAD = 32,
    MOST_IN_SUM = INT16_MAX, /* tokens, so that no sum overflows */
    PART_TOKENS = 4096,      /* with BLOCK_COLUMNS columns 512 KiB, about a second level cache */
    BLOCK_COLUMNS = 64,
    COLUMN_STEP = 16,
    PRECISE_COLUMNS = COLUMN_STEP, /* 512 KiB again */
    PRECISE_BITS = 38,             /* of a number of a precise row, beside its sign: sums stay below 2^53 */
};

/* How often a token comes in a document; `row` is its number among those of the part. */
struct token_count {
    uint16_t row, n;
};

/* The tokens of a part that a document has: of a list of counts, those from the end of the run before. */
struct token_run {
    uint32_t document, end;
};

/*
 * sums[document of the run][width] += n times the row, over the counts of the run, for all runs.  rows[][width]: their
 * columns are where row_place() says; width COLUMN_STEP, twice, three times or four times that.  Runs end at even
 * numbers (a count of 0 makes it so).  All n of a document together are at most MOST_IN_SUM.  Behind the last count
 * come ROWS_AHEAD more that have rows.  Precise: width is PRECISE_COLUMNS, and columns are in their order.
 */
typedef void row_sums_fn(const void *rows, size_t width, const struct token_count *counts, const struct token_run *runs,
                         size_t n_runs, void *sums);

row_sums_fn row_sums_plain, row_sums_avx2, row_sums_precise;

/* Those that this processor can run, the best first; plain is the last. *ret_n is at most 2. */
void row_sums_kernels(bool precise, row_sums_fn *ret[2], size_t *ret_n);

/*
 * Where in a row a column is: of each 16 the second and the third four are exchanged, so that what 256-bit instructions
 * take from two rows, the lower four of both halves, are neighbours.
 */
static inline size_t row_place(size_t column)
{
    return (column & ~(size_t)12) | (column & 4) << 1 | (column & 8) >> 1;
}

#endif
