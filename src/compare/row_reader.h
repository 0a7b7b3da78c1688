/*
 * row_reader.h - a domain's table by rows: all pairs of one first token, and the token's own count, at a time
 */
#ifndef COMPARE_ROW_READER_H
#define COMPARE_ROW_READER_H

#include "state/pair_cursor.h"

#define ROWS_OVER UINT32_MAX

struct row_reader {
    /* The row at hand. */
    uint32_t first;               /* ROWS_OVER at the end */
    uint64_t n_tokens, n_pairs;   /* of the token; of it as the first of a pair */
    struct emx_pair_count *pairs; /* [n] ascending by second */
    size_t n, cap;
    /* What is to come. */
    struct table_part {
        struct emx_pair_cursor *cursor;
        const struct emx_pair_count *next;
        size_t left;
    } table, tails;
};

/* Stands before the first row.  On failure _close() may still be called, as on a zeroed reader. */
EMX_CHECKED enum emx_status row_reader_open(struct row_reader *r, struct emx_state *s, size_t domain,
                                            struct emx_error *err);
EMX_CHECKED enum emx_status row_reader_next(struct row_reader *r, struct emx_error *err);
void row_reader_close(struct row_reader *r);

#endif
