#include "vne/batch.h"

#include <stdlib.h>
#include <string.h>

enum {
    MOST_COUNTS = 1 << 18, /* 2 MiB; more do not make the rows of a block come from nearer */
    MOST_NUMBERS = 1 << 18 /* of the sums: 1 MiB, but two documents at least */
};

struct batch {
    const struct token_rows *rows;
    row_sums_fn *sum_up;
    struct token_count *counts; /* [MOST_COUNTS + a document + those that are fetched ahead] */
    size_t n_counts;
    size_t *ends; /* [most_documents] where in counts[] they end */
    size_t n_documents, most_documents;
    int32_t *sums; /* [most_documents][n_columns of rows] */
};

struct batch *batch_create(const struct token_rows *rows)
{
    struct batch *b = calloc(1, sizeof(*b));
    row_sums_fn *kernels[2];
    size_t n_kernels;

    if (!b)
        return NULL;
    row_sums_kernels(kernels, &n_kernels);
    b->rows = rows;
    b->sum_up = kernels[0];
    b->most_documents = MOST_NUMBERS / rows->n_columns + 2;
    b->counts = calloc(MOST_COUNTS + MOST_IN_SUM + ROWS_AHEAD + 1, sizeof(*b->counts));
    b->ends = calloc(b->most_documents, sizeof(*b->ends));
    b->sums = calloc(b->most_documents * rows->n_columns, sizeof(*b->sums));
    if (!b->counts || !b->ends || !b->sums)
        batch_destroy(&b);
    return b;
}

void batch_destroy(struct batch **b)
{
    if (!*b)
        return;
    free((*b)->counts);
    free((*b)->ends);
    free((*b)->sums);
    free(*b);
    *b = NULL;
}

struct token_count *batch_room(struct batch *b)
{
    return b->counts + b->n_counts;
}

/* One more token, that does not count, makes n even. */
static size_t made_even(struct batch *b, size_t n)
{
    b->counts[b->n_counts + n] = (struct token_count){0, 0};
    return n + n % 2;
}

void batch_add(struct batch *b, size_t n)
{
    b->n_counts += made_even(b, n);
    b->ends[b->n_documents++] = b->n_counts;
}

size_t batch_n_documents(const struct batch *b)
{
    return b->n_documents;
}

bool batch_is_full(const struct batch *b)
{
    return b->n_counts >= MOST_COUNTS || b->n_documents == b->most_documents;
}

/* Documents from `from` on. */
static void sum_up(struct batch *b, size_t from)
{
    const struct token_rows *r = b->rows;

    memset(b->counts + b->n_counts, 0, ROWS_AHEAD * sizeof(*b->counts));
    for (size_t first = 0; first < r->n_columns; first += BLOCK_COLUMNS) {
        const int16_t *block = token_rows_block(r, first);
        size_t width = token_rows_width(r, first), begin = from ? b->ends[from - 1] : 0;

        for (size_t i = from; i < b->n_documents; begin = b->ends[i++])
            b->sum_up(block, width, b->counts + begin, b->ends[i] - begin, b->sums + i * r->n_columns + first);
    }
}

const int32_t *batch_sums(struct batch *b)
{
    sum_up(b, 0);
    b->n_counts = b->n_documents = 0;
    return b->sums;
}

const int32_t *batch_sum_room(struct batch *b, size_t n)
{
    size_t begin = b->n_counts;

    batch_add(b, n);
    sum_up(b, b->n_documents - 1);
    b->n_counts = begin;
    b->n_documents--;
    return b->sums + b->n_documents * b->rows->n_columns;
}
