#include "vne/batch.h"

#include "vne/row_sums.h"

#include <stdlib.h>
#include <string.h>

enum {
    KEPT_TIMES = 2,                   /* what a batch may grow by, of its counts, before it gives back */
    DOCUMENT_COUNTS = PART_TOKENS + 1 /* all tokens of a part, and one that makes their number even */
};

/* Tokens of documents that are in a part of the vocabulary. */
struct part {
    struct token_count *counts; /* [n] of cap, and ROWS_AHEAD more */
    struct token_run *runs;     /* [n_runs] of most_documents */
    size_t n, n_runs, cap;
};

struct batch {
    const struct token_rows *rows;
    row_sums_fn *sum_up;
    struct part *parts; /* [n_parts] */
    size_t n_parts;
    size_t most_counts;
    size_t n_counts, n_grown; /* of all parts; by how much their room has grown */
    size_t n_documents, most_documents;
    size_t sum_bytes;
    unsigned char *sums; /* block by block of columns: [most_documents][width] of int32_t or, precise, double */
};

static bool resize(struct part *p, size_t cap)
{
    struct token_count *counts = realloc(p->counts, (cap + ROWS_AHEAD) * sizeof(*counts));

    if (!counts)
        return false;
    memset(counts + p->n, 0, (cap + ROWS_AHEAD - p->n) * sizeof(*counts));
    p->counts = counts;
    p->cap = cap;
    return true;
}

static size_t count_parts(size_t n_tokens)
{
    return (n_tokens + PART_TOKENS - 1) / PART_TOKENS;
}

/* As many as have sums, or runs, of the size of the counts. */
static size_t count_documents(size_t most_counts, size_t n_columns, size_t n_parts)
{
    return most_counts / (n_columns > n_parts ? n_columns : n_parts) + 1;
}

static size_t bytes_of_sum(bool precise)
{
    return precise ? sizeof(double) : sizeof(int32_t);
}

size_t batch_bytes(size_t n_tokens, size_t dimension, bool precise, size_t most_counts)
{
    size_t n_columns = (dimension + COLUMN_STEP - 1) / COLUMN_STEP * COLUMN_STEP, n_parts = count_parts(n_tokens);
    size_t n_documents = count_documents(most_counts, n_columns, n_parts);
    size_t grown = (KEPT_TIMES + 2) * most_counts; /* parts double */

    return n_parts *
               ((DOCUMENT_COUNTS + ROWS_AHEAD) * sizeof(struct token_count) + n_documents * sizeof(struct token_run)) +
           grown * sizeof(struct token_count) + n_documents * n_columns * bytes_of_sum(precise);
}

struct batch *batch_create(const struct token_rows *rows, size_t most_documents, size_t most_counts)
{
    struct batch *b = calloc(1, sizeof(*b));
    row_sums_fn *kernels[2];
    size_t n_kernels, most;
    bool done;

    if (!b)
        return NULL;
    row_sums_kernels(rows->precise, kernels, &n_kernels);
    b->rows = rows;
    b->most_counts = most_counts;
    b->sum_up = kernels[0];
    b->n_parts = count_parts(rows->n_tokens);
    most = count_documents(most_counts, rows->n_columns, b->n_parts);
    b->most_documents = most_documents < most ? most_documents : most;
    b->parts = calloc(b->n_parts, sizeof(*b->parts));
    b->sum_bytes = bytes_of_sum(rows->precise);
    b->sums = calloc(b->most_documents * rows->n_columns, b->sum_bytes);
    done = b->parts && b->sums;
    for (size_t i = 0; i < b->n_parts && done; i++) {
        b->parts[i].runs = calloc(b->most_documents, sizeof(struct token_run));
        done = b->parts[i].runs && resize(&b->parts[i], DOCUMENT_COUNTS);
    }
    if (!done)
        batch_destroy(&b);
    return b;
}

void batch_destroy(struct batch **b)
{
    if (!*b)
        return;
    for (size_t i = 0; (*b)->parts && i < (*b)->n_parts; i++) {
        free((*b)->parts[i].counts);
        free((*b)->parts[i].runs);
    }
    free((*b)->parts);
    free((*b)->sums);
    free(*b);
    *b = NULL;
}

/* --- adding ------------------------------------------------------------------------------------------------- */

static bool reserve(struct batch *b, struct part *p)
{
    size_t cap = 2 * p->cap;

    if (p->cap - p->n >= DOCUMENT_COUNTS)
        return true;
    if (!resize(p, cap))
        return false;
    b->n_grown += cap / 2;
    return true;
}

/* What was listed since the last run. */
static void end_run(struct batch *b, struct part *p)
{
    size_t begin = p->n_runs ? p->runs[p->n_runs - 1].end : 0;

    if (p->n == begin)
        return;
    if (p->n % 2)
        p->counts[p->n++] = (struct token_count){0, 0};
    p->runs[p->n_runs++] = (struct token_run){(uint32_t)b->n_documents, (uint32_t)p->n};
    b->n_counts += p->n - begin;
}

static inline struct token_count take_count(uint32_t token, uint16_t *counts)
{
    struct token_count taken = {(uint16_t)(token % PART_TOKENS), counts[token]};

    counts[token] = 0;
    return taken;
}

bool batch_add(struct batch *b, const uint32_t *tokens, size_t n, uint16_t *counts)
{
    size_t i = 0;

    for (size_t k = 0; k < b->n_parts; k++) {
        if (!reserve(b, &b->parts[k]))
            return false;
    }
    /* Two at once, or each would wait for the part's n that the one before has just written. */
    for (; i + 2 <= n; i += 2) {
        struct part *p = &b->parts[tokens[i] / PART_TOKENS], *q = &b->parts[tokens[i + 1] / PART_TOKENS];
        size_t at = p->n, next = q->n + (p == q);

        p->counts[at] = take_count(tokens[i], counts);
        q->counts[next] = take_count(tokens[i + 1], counts);
        p->n = at + 1;
        q->n = next + 1;
    }
    if (i < n) {
        struct part *p = &b->parts[tokens[i] / PART_TOKENS];

        p->counts[p->n++] = take_count(tokens[i], counts);
    }
    for (size_t k = 0; k < b->n_parts; k++)
        end_run(b, &b->parts[k]);
    b->n_documents++;
    return true;
}

size_t batch_n_documents(const struct batch *b)
{
    return b->n_documents;
}

bool batch_is_full(const struct batch *b)
{
    return b->n_counts >= b->most_counts || b->n_documents == b->most_documents;
}

/* --- sums ---------------------------------------------------------------------------------------------------- */

void batch_sum_up(struct batch *b)
{
    const struct token_rows *r = b->rows;

    memset(b->sums, 0, b->n_documents * r->n_columns * b->sum_bytes);
    for (size_t first = 0; first < r->n_columns; first += r->block_columns) {
        for (size_t i = 0; i < b->n_parts; i++)
            b->sum_up(token_rows_block(r, first, i * PART_TOKENS), token_rows_width(r, first), b->parts[i].counts,
                      b->parts[i].runs, b->parts[i].n_runs, b->sums + first * b->n_documents * b->sum_bytes);
    }
}

/* Sums of the i-th document from column `first` on: *ret_n of them, as many as there are in a block. */
static const void *sums_of(const struct batch *b, size_t i, size_t first, size_t *ret_n)
{
    size_t width = token_rows_width(b->rows, first), left = b->rows->dimension - first;

    *ret_n = left < width ? left : width;
    return b->sums + (first * b->n_documents + i * width) * b->sum_bytes;
}

void batch_vector(const struct batch *b, size_t i, double *ret)
{
    for (size_t first = 0, n; first < b->rows->dimension; first += b->rows->block_columns) {
        const void *sums = sums_of(b, i, first, &n);
        const double *precise = sums, *scale = b->rows->scale + first;
        const int32_t *narrow = sums;

        if (b->rows->precise) {
            for (size_t k = 0; k < n; k++)
                ret[first + k] = precise[k] * scale[k];
        } else {
            for (size_t k = 0; k < n; k++)
                ret[first + k] = narrow[k] * scale[k];
        }
    }
}

void batch_add_to(const struct batch *b, size_t i, int64_t *sum)
{
    for (size_t first = 0, n; first < b->rows->dimension; first += b->rows->block_columns) {
        const void *sums = sums_of(b, i, first, &n);

        for (size_t k = 0; k < n; k++)
            sum[first + k] += b->rows->precise ? (int64_t)((const double *)sums)[k] : ((const int32_t *)sums)[k];
    }
}

/* Which parts are long changes from domain to domain. */
static void give_back_room(struct batch *b)
{
    for (size_t i = 0; i < b->n_parts; i++) {
        if (b->parts[i].cap > DOCUMENT_COUNTS && !resize(&b->parts[i], DOCUMENT_COUNTS))
            return;
    }
    b->n_grown = 0;
}

void batch_clear(struct batch *b)
{
    for (size_t i = 0; i < b->n_parts; i++)
        b->parts[i].n = b->parts[i].n_runs = 0;
    b->n_counts = b->n_documents = 0;
    if (b->n_grown > KEPT_TIMES * b->most_counts)
        give_back_room(b);
}
