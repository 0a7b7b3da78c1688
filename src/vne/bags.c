/*
 * bags.c - tokens -> how often each comes -> batch of documents -> density matrix
 *
 * Most tokens come several times in a document, so they are counted before their rows are added.  What is more than one
 * list of counts, because it is long or was given in parts, is summed up at once instead of in the batch.
 */
#include "vne/bags.h"

#include "vne/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct bags {
    const struct token_rows *rows;
    struct bag_sums *to;
    uint16_t *counts;    /* [n_tokens of rows] of the tokens in different[], else 0 */
    uint32_t *different; /* [MOST_IN_SUM + 1] in the order they came */
    size_t n_different, n_counted;
    struct bag_part part; /* of the open document; sum: if has_sum, without what is in counts[] */
    bool has_sum;
    struct batch *documents; /* that ended */
    struct batch *alone;     /* for what is summed up at once */
    double *x;               /* [dimension] */
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t bags_bytes(size_t n_tokens, size_t dimension, bool precise, size_t batch_counts)
{
    return n_tokens * sizeof(uint16_t) + (MOST_IN_SUM + 1) * sizeof(uint32_t) +
           dimension * (sizeof(int64_t) + sizeof(double)) + batch_bytes(n_tokens, dimension, precise, batch_counts) +
           batch_bytes(n_tokens, dimension, precise, 0);
}

enum emx_status bags_create(const struct token_rows *rows, size_t batch_counts, struct bags **ret,
                            struct emx_error *err)
{
    struct bags *b = calloc(1, sizeof(*b));

    if (b) {
        b->rows = rows;
        b->counts = calloc(rows->n_tokens, sizeof(*b->counts));
        b->different = calloc(MOST_IN_SUM + 1, sizeof(*b->different));
        b->part.sum = calloc(rows->dimension, sizeof(*b->part.sum));
        b->documents = batch_create(rows, SIZE_MAX, batch_counts);
        b->alone = batch_create(rows, 1, 1);
        b->x = calloc(rows->dimension, sizeof(*b->x));
    }
    if (!b || !b->counts || !b->different || !b->part.sum || !b->documents || !b->alone || !b->x) {
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
    batch_destroy(&(*b)->documents);
    batch_destroy(&(*b)->alone);
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

static bool add_counts(struct bags *b, struct batch *to)
{
    size_t n = b->n_different;

    for (size_t i = 0; i < n && !b->rows->is_matrix; i++)
        b->part.n_without_vector += b->rows->has_vector[b->different[i]] ? 0 : b->counts[b->different[i]];
    if (!batch_add(to, b->different, n, b->counts))
        return false;
    b->n_different = b->n_counted = 0;
    return true;
}

/* Tokens without a vector count to the limit, too, though they add nothing: one number to tell the user. */
static bool is_too_long(const struct bags *b)
{
    return b->part.n_tokens > b->rows->most_tokens;
}

static void sum_at_once(struct bags *b)
{
    bool added = add_counts(b, b->alone);

    assert(added);
    (void)added;
    batch_sum_up(b->alone);
    if (!is_too_long(b))
        batch_add_to(b->alone, 0, b->part.sum);
    batch_clear(b->alone);
    b->has_sum = true;
}

/* Up to MOST_IN_SUM in all. */
static inline __attribute__((always_inline)) size_t count(struct bags *b, const void *tokens, size_t n, size_t width)
{
    const uint32_t n_tokens = b->rows->n_tokens;
    uint32_t *different = b->different;
    uint16_t *counts = b->counts;
    size_t n_different = b->n_different, i = 0;

    for (; i < n; i++) {
        uint32_t token = width == 2 ? ((const uint16_t *)tokens)[i] : ((const uint32_t *)tokens)[i];
        uint16_t before;

        if (__builtin_expect(token >= n_tokens, 0)) {
            if (b->rows->is_matrix)
                break;
            b->part.n_without_vector++;
            continue;
        }
        before = counts[token];
        different[n_different] = token; /* stays if it is the first */
        counts[token] = (uint16_t)(before + 1);
        n_different += before == 0;
    }
    b->n_different = n_different;
    b->n_counted += i;
    b->part.n_tokens += i;
    return i;
}

static inline __attribute__((always_inline)) size_t count_all(struct bags *b, const unsigned char *tokens, size_t n,
                                                              size_t width)
{
    size_t done = 0, most, now;

    do {
        if (b->n_counted == MOST_IN_SUM)
            sum_at_once(b);
        most = smaller(n - done, MOST_IN_SUM - b->n_counted);
        now = count(b, tokens + done * width, most, width);
        done += now;
    } while (now == most && done < n);
    return done;
}

size_t bags_u16(struct bags *b, const uint16_t *tokens, size_t n)
{
    return count_all(b, (const unsigned char *)tokens, n, sizeof(*tokens));
}

size_t bags_u32(struct bags *b, const uint32_t *tokens, size_t n)
{
    return count_all(b, (const unsigned char *)tokens, n, sizeof(*tokens));
}

void bags_add_part(struct bags *b, const struct bag_part *part)
{
    b->part.n_tokens += part->n_tokens;
    if (!is_too_long(b)) {
        for (size_t i = 0; i < b->rows->dimension; i++)
            b->part.sum[i] += part->sum[i];
    }
    b->part.n_without_vector += part->n_without_vector;
    b->has_sum = true;
}

/* --- its end -------------------------------------------------------------------------------------------------- */

static void clear(struct bags *b)
{
    if (b->has_sum)
        memset(b->part.sum, 0, b->rows->dimension * sizeof(*b->part.sum));
    b->has_sum = false;
    b->part.n_tokens = b->part.n_without_vector = 0;
}

static enum emx_status add_direction(struct bags *b, struct emx_error *err)
{
    enum emx_status status = emx_density_add(b->to->density, b->x);

    return status ? emx_fail(err, status, "domain '%s': more than %llu documents", b->to->domain,
                             (unsigned long long)EMX_MAX_DOCUMENTS)
                  : EMX_OK;
}

/* To the batch. */
static enum emx_status end_later(struct bags *b, struct emx_error *err)
{
    if (!add_counts(b, b->documents))
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a document");
    return batch_is_full(b->documents) ? bags_flush(b, err) : EMX_OK;
}

static enum emx_status add_sum(struct bags *b, struct emx_error *err)
{
    sum_at_once(b);
    if (is_too_long(b))
        return emx_fail(err, EMX_ERR_ARG, "domain '%s': a document of %llu tokens is longer than the %llu of a sum%s",
                        b->to->domain, (unsigned long long)b->part.n_tokens, (unsigned long long)b->rows->most_tokens,
                        b->rows->precise ? " that is precise" : "");
    for (size_t i = 0; i < b->rows->dimension; i++)
        b->x[i] = (double)b->part.sum[i] * b->rows->scale[i];
    return add_direction(b, err);
}

enum emx_status bags_end(struct bags *b, struct emx_error *err)
{
    enum emx_status status = b->has_sum ? add_sum(b, err) : end_later(b, err);

    b->to->n_tokens += b->part.n_tokens;
    b->to->n_without_vector += b->part.n_without_vector;
    clear(b);
    return status;
}

void bags_end_part(struct bags *b, struct bag_part *ret)
{
    sum_at_once(b);
    memcpy(ret->sum, b->part.sum, b->rows->dimension * sizeof(*ret->sum));
    ret->n_tokens = b->part.n_tokens;
    ret->n_without_vector = b->part.n_without_vector;
    clear(b);
}

void bags_drop(struct bags *b)
{
    for (size_t i = 0; i < b->n_different; i++)
        b->counts[b->different[i]] = 0;
    b->n_different = b->n_counted = 0;
    clear(b);
}

enum emx_status bags_flush(struct bags *b, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    batch_sum_up(b->documents);
    for (size_t i = 0; i < batch_n_documents(b->documents) && !status; i++) {
        batch_vector(b->documents, i, b->x);
        status = add_direction(b, err);
    }
    batch_clear(b->documents);
    return status;
}
