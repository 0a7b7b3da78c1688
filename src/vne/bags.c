/*
 * bags.c - tokens -> how often each comes -> sum of their rows -> density matrix
 *
 * Most tokens come several times in a document, so they are counted before their rows are added.
 */
#include "vne/bags.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_TOKENS = INT16_MAX /* that are counted before their rows are added */ };

struct bags {
    const struct token_rows *rows;
    struct bag_sums *to;
    uint16_t *counts;    /* [n_tokens of rows] of the tokens in different[], else 0 */
    uint32_t *different; /* [MOST_TOKENS] in the order they came */
    size_t n_different, n_counted;
    struct bag_part part; /* what else is in the open document; its n_tokens also count what is in counts[] */
    double *x;            /* [dimension] */
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

enum emx_status bags_create(const struct token_rows *rows, struct bags **ret, struct emx_error *err)
{
    struct bags *b = calloc(1, sizeof(*b));

    if (b) {
        b->rows = rows;
        b->counts = calloc(rows->n_tokens, sizeof(*b->counts));
        b->different = calloc(MOST_TOKENS + 1, sizeof(*b->different));
        b->part.sum = calloc(rows->dimension, sizeof(*b->part.sum));
        b->x = calloc(rows->dimension, sizeof(*b->x));
    }
    if (!b || !b->counts || !b->different || !b->part.sum || !b->x) {
        bags_destroy(&b);
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for documents of %u tokens", rows->n_tokens);
    }
    *ret = b;
    return EMX_OK;
}

void bags_destroy(struct bags **b)
{
    if (!*b)
        return;
    free((*b)->counts);
    free((*b)->different);
    free((*b)->part.sum);
    free((*b)->x);
    free(*b);
    *b = NULL;
}

enum emx_status bags_to(struct bags *b, struct bag_sums *sums, struct emx_error *err)
{
    enum emx_status status = bags_flush(b, err);

    b->to = sums;
    return status;
}

/* --- the open document ------------------------------------------------------------------------------------- */

/* What was counted goes to the part. */
static void settle(struct bags *b)
{
    const struct token_rows *r = b->rows;

    for (size_t k = 0; k < b->n_different; k++) {
        uint32_t token = b->different[k];
        const int32_t *row = r->rows + token * r->dimension;
        int64_t n = b->counts[token];

        for (size_t i = 0; i < r->dimension; i++)
            b->part.sum[i] += n * row[i];
        b->part.n_without_vector += r->has_vector[token] ? 0 : (uint64_t)n;
        b->counts[token] = 0;
    }
    b->n_different = b->n_counted = 0;
}

/* Up to MOST_TOKENS in all. */
static inline __attribute__((always_inline)) size_t count(struct bags *b, const void *tokens, size_t n, size_t width)
{
    size_t n_different = b->n_different;
    size_t i = 0;

    for (; i < n; i++) {
        uint32_t token = width == 2 ? ((const uint16_t *)tokens)[i] : ((const uint32_t *)tokens)[i];

        if (token >= b->rows->n_tokens) {
            if (b->rows->is_matrix)
                break;
            b->part.n_without_vector++;
            continue;
        }
        b->different[n_different] = token;
        n_different += b->counts[token]++ == 0;
    }
    b->n_different = n_different;
    b->n_counted += i;
    b->part.n_tokens += i;
    return i;
}

size_t bags_u16(struct bags *b, const uint16_t *tokens, size_t n)
{
    size_t done = 0, most, now;

    do {
        if (b->n_counted == MOST_TOKENS)
            settle(b);
        most = smaller(n - done, MOST_TOKENS - b->n_counted);
        now = count(b, tokens + done, most, sizeof(*tokens));
        done += now;
    } while (now == most && done < n);
    return done;
}

size_t bags_u32(struct bags *b, const uint32_t *tokens, size_t n)
{
    size_t done = 0, most, now;

    do {
        if (b->n_counted == MOST_TOKENS)
            settle(b);
        most = smaller(n - done, MOST_TOKENS - b->n_counted);
        now = count(b, tokens + done, most, sizeof(*tokens));
        done += now;
    } while (now == most && done < n);
    return done;
}

void bags_add_part(struct bags *b, const struct bag_part *part)
{
    for (size_t i = 0; i < b->rows->dimension; i++)
        b->part.sum[i] += part->sum[i];
    b->part.n_tokens += part->n_tokens;
    b->part.n_without_vector += part->n_without_vector;
}

/* --- its end -------------------------------------------------------------------------------------------------- */

static void clear(struct bags *b)
{
    memset(b->part.sum, 0, b->rows->dimension * sizeof(*b->part.sum));
    b->part.n_tokens = b->part.n_without_vector = 0;
}

enum emx_status bags_end(struct bags *b, struct emx_error *err)
{
    enum emx_status status;

    settle(b);
    for (size_t i = 0; i < b->rows->dimension; i++)
        b->x[i] = (double)b->part.sum[i] * b->rows->scale[i];
    status = emx_density_add(b->to->density, b->x);
    b->to->n_tokens += b->part.n_tokens;
    b->to->n_without_vector += b->part.n_without_vector;
    clear(b);
    return status ? emx_fail(err, status, "more than %llu documents", (unsigned long long)EMX_MAX_DOCUMENTS) : EMX_OK;
}

void bags_end_part(struct bags *b, struct bag_part *ret)
{
    settle(b);
    memcpy(ret->sum, b->part.sum, b->rows->dimension * sizeof(*ret->sum));
    ret->n_tokens = b->part.n_tokens;
    ret->n_without_vector = b->part.n_without_vector;
    clear(b);
}

void bags_drop(struct bags *b)
{
    settle(b);
    clear(b);
}

enum emx_status bags_flush(struct bags *b, struct emx_error *err)
{
    (void)b;
    (void)err;
    return EMX_OK;
}
