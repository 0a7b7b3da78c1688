/*
 * counts.c - vectors of tokens from counted pairs: a truncated decomposition of their mutual information
 *
 * A is [tokens][contexts]; a context is a token as right neighbour (y) or as left one (n_tokens + x).  It is never
 * stored: each multiplication with it goes over all pairs of the state.
 *
 *     contexts = random signs
 *     tokens   = A contexts, orthonormal                              (n_iterations + 1 times, the next begins with
 *     contexts = A^T tokens                                            these contexts)
 *     tokens   = tokens T,  T T^T = contexts^T contexts               so tokens = U S of A = U S V^T, cut off
 *
 * Source: Halko, Martinsson, Tropp (2011), "Finding structure with randomness", algorithm 4.4; arXiv 0909.4061.
 */
#include "embed/embed.h"
#include "embed/merged_pairs.h"
#include "linalg/subspace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a context's share: Levy, Goldberg and Dagan (2015), "Improving distributional similarity", section 3.1. */
static const double smoothing = 0.75;
enum {
    N_ITERATIONS = 1,
    SPARE = 16, /* dimensions that are found and cut off, since the last ones found are the worst */
};

struct counts {
    struct emx_state *state;
    size_t n_ids;                   /* token ids are below */
    uint32_t *row_of;               /* [n_ids] number of a token among those that are in pairs, or NO_ROW */
    size_t n_tokens, n_columns;     /* in pairs; dimensions, and spare ones */
    double *first, *second;         /* [n_tokens] (at first, by id) how often it is the first, the second of a pair */
    double *first_log, *second_log; /* [n_tokens] log of the smoothed share of that */
    float *tokens;                  /* [n_tokens][n_columns] */
    float *contexts;                /* [2 * n_tokens][n_columns] */
};

static enum emx_status refuse_memory(const struct counts *c, struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_MEMORY, "out of memory for vectors of %zu tokens", c->n_ids);
}

/* --- passes over all pairs --------------------------------------------------------------------------------------- */

typedef void pair_fn(struct counts *c, const struct emx_pair_count *pair);

static enum emx_status for_each_pair(struct counts *c, pair_fn *fn, struct emx_error *err)
{
    struct merged_pairs pairs;
    struct emx_pair_count pair;
    bool more = true;
    enum emx_status status = merged_pairs_init(&pairs, c->state, err);

    if (status)
        return status;
    while (!status && more) {
        status = merged_pairs_next(&pairs, &pair, &more, err);
        if (!status && more)
            fn(c, &pair);
    }
    merged_pairs_finish(&pairs);
    return status;
}

static void count_pair(struct counts *c, const struct emx_pair_count *pair)
{
    c->first[pair->first] += (double)pair->count;
    c->second[pair->second] += (double)pair->count;
}

/* --- mutual information ------------------------------------------------------------------------------------------ */

static void smooth(const double *count, size_t n, double *ret_log)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += pow(count[i], smoothing);
    for (size_t i = 0; i < n; i++)
        ret_log[i] = count[i] > 0 ? smoothing * log(count[i]) - log(sum) : 0;
}

/* The two entries of A that a pair makes: log P(y | x) / Q(y) for y to the right of x, and for x to the left of y. */
struct entries {
    float right, left; /* entry (x, y), entry (y, n_tokens + x); 0 where not positive */
};

static struct entries entries_of(const struct counts *c, size_t x, size_t y, uint64_t count)
{
    double joint = log((double)count);
    double right = joint - log(c->first[x]) - c->second_log[y], left = joint - log(c->second[y]) - c->first_log[x];

    return (struct entries){right > 0 ? (float)right : 0, left > 0 ? (float)left : 0};
}

static void add(float *restrict to, const float *restrict from, float factor, size_t n)
{
    for (size_t i = 0; i < n && factor > 0; i++)
        to[i] += factor * from[i];
}

static float *token_row(const struct counts *c, size_t token)
{
    return c->tokens + token * c->n_columns;
}

static float *context_row(const struct counts *c, size_t context)
{
    return c->contexts + context * c->n_columns;
}

/* tokens += A contexts */
static void add_to_tokens(struct counts *c, const struct emx_pair_count *pair)
{
    size_t x = c->row_of[pair->first], y = c->row_of[pair->second];
    struct entries e = entries_of(c, x, y, pair->count);

    add(token_row(c, x), context_row(c, y), e.right, c->n_columns);
    add(token_row(c, y), context_row(c, c->n_tokens + x), e.left, c->n_columns);
}

/* contexts += A^T tokens */
static void add_to_contexts(struct counts *c, const struct emx_pair_count *pair)
{
    size_t x = c->row_of[pair->first], y = c->row_of[pair->second];
    struct entries e = entries_of(c, x, y, pair->count);

    add(context_row(c, y), token_row(c, x), e.right, c->n_columns);
    add(context_row(c, c->n_tokens + x), token_row(c, y), e.left, c->n_columns);
}

/* --- the decomposition ------------------------------------------------------------------------------------------- */

static void fill_with_signs(struct counts *c, uint64_t seed)
{
    uint64_t state = seed, bits = 0;

    for (size_t i = 0; i < 2 * c->n_tokens * c->n_columns; i++, bits >>= 1) {
        if (i % 64 == 0) { /* splitmix64 */
            bits = state += 0x9e3779b97f4a7c15;
            bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
            bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
            bits ^= bits >> 31;
        }
        c->contexts[i] = bits & 1 ? 1 : -1;
    }
}

static enum emx_status iterate(struct counts *c, struct emx_error *err)
{
    enum emx_status status;

    memset(c->tokens, 0, c->n_tokens * c->n_columns * sizeof(*c->tokens));
    status = for_each_pair(c, add_to_tokens, err);
    if (!status && !linalg_orthonormalise(c->n_tokens, c->n_columns, c->tokens))
        status = refuse_memory(c, err);
    if (status)
        return status;
    memset(c->contexts, 0, 2 * c->n_tokens * c->n_columns * sizeof(*c->contexts));
    return for_each_pair(c, add_to_contexts, err);
}

/* Of the first `dimension` columns: frequent tokens have long rows, and would outweigh the others in a document. */
static void copy_unit_rows(const struct counts *c, const float *rows, size_t n_columns, size_t dimension, float *ret)
{
    for (size_t i = 0; i < c->n_tokens; i++) {
        double sum = 0;

        for (size_t k = 0; k < n_columns; k++)
            sum += (double)rows[i * n_columns + k] * (double)rows[i * n_columns + k];
        for (size_t k = 0; k < n_columns && sum > 0; k++)
            ret[i * dimension + k] = (float)((double)rows[i * n_columns + k] / sqrt(sum));
    }
}

/* The contexts are used up. */
static enum emx_status finish_rows(struct counts *c, size_t dimension, float *ret, struct emx_error *err)
{
    float *root = calloc(c->n_columns * c->n_columns, sizeof(*root));
    size_t n = c->n_columns < dimension ? c->n_columns : dimension;

    if (!root || !linalg_gram_root(2 * c->n_tokens, c->n_columns, c->contexts, root)) {
        free(root);
        return refuse_memory(c, err);
    }
    linalg_transform(c->n_tokens, c->n_columns, n, c->tokens, root, c->contexts);
    copy_unit_rows(c, c->contexts, n, dimension, ret);
    free(root);
    return EMX_OK;
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static enum emx_status count(struct counts *c, struct emx_error *err)
{
    uint64_t n_pairs = 0;

    for (size_t i = 0; i < emx_state_n_domains(c->state); i++) {
        const struct emx_domain *d = emx_state_domain(c->state, i);

        n_pairs += d->n_pairs;
        c->n_ids = d->max_token >= c->n_ids ? (size_t)d->max_token + 1 : c->n_ids;
    }
    if (n_pairs == 0)
        return emx_fail(err, EMX_ERR_EMPTY, "no pairs were counted, so tokens have no vectors");
    c->first = calloc(c->n_ids, sizeof(*c->first));
    c->second = calloc(c->n_ids, sizeof(*c->second));
    c->row_of = calloc(c->n_ids, sizeof(*c->row_of));
    if (!c->first || !c->second || !c->row_of)
        return refuse_memory(c, err);
    return for_each_pair(c, count_pair, err);
}

/* Vocabularies are larger than what a small corpus uses of them. */
static void number_tokens(struct counts *c)
{
    for (size_t id = 0; id < c->n_ids; id++) {
        bool is_there = c->first[id] > 0 || c->second[id] > 0;

        c->row_of[id] = is_there ? (uint32_t)c->n_tokens : NO_ROW;
        c->first[c->n_tokens] = c->first[id];
        c->second[c->n_tokens] = c->second[id];
        c->n_tokens += is_there;
    }
}

static enum emx_status allocate(struct counts *c, size_t dimension, struct emx_error *err)
{
    c->n_columns = dimension + SPARE < c->n_tokens ? dimension + SPARE : c->n_tokens;
    c->first_log = calloc(c->n_tokens, sizeof(*c->first_log));
    c->second_log = calloc(c->n_tokens, sizeof(*c->second_log));
    c->tokens = calloc(c->n_tokens * c->n_columns, sizeof(*c->tokens)); /* below 2^24 * 2^13 */
    c->contexts = calloc(2 * c->n_tokens * c->n_columns, sizeof(*c->contexts));
    if (!c->first_log || !c->second_log || !c->tokens || !c->contexts)
        return refuse_memory(c, err);
    return EMX_OK;
}

static enum emx_status make_rows(struct counts *c, size_t dimension, uint64_t seed, float **ret, struct emx_error *err)
{
    enum emx_status status = count(c, err);

    if (status)
        return status;
    number_tokens(c);
    status = allocate(c, dimension, err);
    if (status)
        return status;
    smooth(c->first, c->n_tokens, c->first_log);
    smooth(c->second, c->n_tokens, c->second_log);
    fill_with_signs(c, seed);
    for (int i = 0; i <= N_ITERATIONS && !status; i++)
        status = iterate(c, err);
    if (status)
        return status;
    *ret = calloc(c->n_tokens * dimension, sizeof(**ret));
    return *ret ? finish_rows(c, dimension, *ret, err) : refuse_memory(c, err);
}

enum emx_status emx_embeddings_from_counts(struct emx_state *s, size_t dimension, uint64_t seed,
                                           struct emx_embeddings **ret, struct emx_error *err)
{
    struct counts c = {.state = s};
    float *rows = NULL;
    enum emx_status status;

    if (dimension < 1 || dimension > EMX_MAX_DIMENSION)
        return emx_fail(err, EMX_ERR_RANGE, "vectors of %zu dimensions: there must be 1 to %d", dimension,
                        EMX_MAX_DIMENSION);
    status = make_rows(&c, dimension, seed, &rows, err);
    free(c.first);
    free(c.second);
    free(c.first_log);
    free(c.second_log);
    free(c.tokens);
    free(c.contexts);
    if (status)
        free(rows);
    else
        status = embed_adopt("counts", rows, c.n_tokens, dimension, ret, err);
    if (status) {
        free(c.row_of);
        return status;
    }
    (*ret)->n_tokens = (uint32_t)c.n_ids;
    (*ret)->row_of = c.row_of;
    return EMX_OK;
}
