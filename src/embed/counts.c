/*
 * counts.c - vectors of tokens from counted pairs: a random projection of their mutual information
 */
#include "embed/embed.h"
#include "embed/merged_pairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a context's share: Levy, Goldberg and Dagan (2015), "Improving distributional similarity", section 3.1. */
static const double smoothing = 0.75;

struct counts {
    struct emx_state *state;
    size_t n_tokens, dimension;
    uint64_t seed;
    double *first, *second;         /* [n_tokens] how often a token is the first, the second of a pair */
    double *first_log, *second_log; /* [n_tokens] log of the smoothed share of that */
    size_t stride;                  /* dimension, rounded up to a multiple of 4 */
    float *rows;                    /* [n_tokens][stride], in the end [n_tokens][dimension] */
};

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

/* --- random vectors ---------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

/* The signs of four bits, as sign bits of floats: a line for each value of the four. */
#define MINUS 0x80000000
#define SIGNS(a, b)                                                                                                    \
    {0, 0, a, b}, {MINUS, 0, a, b}, {0, MINUS, a, b},                                                                  \
    {                                                                                                                  \
        MINUS, MINUS, a, b                                                                                             \
    }
static const uint32_t signs[16][4] = {SIGNS(0, 0), SIGNS(MINUS, 0), SIGNS(0, MINUS), SIGNS(MINUS, MINUS)};

/* row[4] += weight with those signs; a compiler makes one vector addition of it. */
static void add_four(float *row, uint32_t weight, const uint32_t sign[4])
{
    for (size_t i = 0; i < 4; i++) {
        uint32_t bits = weight ^ sign[i];
        float signed_weight;

        memcpy(&signed_weight, &bits, sizeof(bits));
        row[i] += signed_weight;
    }
}

/* row += weight * (the signs of that context, made from its number and the seed); rows are multiples of 4 long. */
static void add_signs(const struct counts *c, uint64_t context, float weight, float *row)
{
    uint64_t state = mix(c->seed ^ mix(context + 1)), bits = 0;
    uint32_t weight_bits;

    memcpy(&weight_bits, &weight, sizeof(weight_bits));
    for (size_t i = 0; i < c->stride; i += 4, bits >>= 4) {
        if (i % 64 == 0)
            bits = mix(state += 0x9e3779b97f4a7c15);
        add_four(row + i, weight_bits, signs[bits & 15]);
    }
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

/* log P(y | x) / Q(y) for y to the right of x, and for x to the left of y: contexts 2 y and 2 x + 1. */
static void project_pair(struct counts *c, const struct emx_pair_count *pair)
{
    uint64_t x = pair->first, y = pair->second;
    double joint = log((double)pair->count);
    double right = joint - log(c->first[x]) - c->second_log[y], left = joint - log(c->second[y]) - c->first_log[x];

    if (right > 0)
        add_signs(c, 2 * y, (float)right, c->rows + x * c->stride);
    if (left > 0)
        add_signs(c, 2 * x + 1, (float)left, c->rows + y * c->stride);
}

/* In place, for tokens of many neighbours would outweigh the others in a document. */
static void make_unit_vectors(struct counts *c)
{
    for (size_t i = 0; i < c->n_tokens; i++) {
        const float *row = c->rows + i * c->stride;
        float *unit = c->rows + i * c->dimension;
        double sum = 0;

        for (size_t k = 0; k < c->dimension; k++)
            sum += (double)row[k] * (double)row[k];
        for (size_t k = 0; k < c->dimension; k++)
            unit[k] = sum > 0 ? (float)((double)row[k] / sqrt(sum)) : 0;
    }
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static enum emx_status allocate(struct counts *c, struct emx_error *err)
{
    uint64_t n_pairs = 0;

    for (size_t i = 0; i < emx_state_n_domains(c->state); i++) {
        const struct emx_domain *d = emx_state_domain(c->state, i);

        n_pairs += d->n_pairs;
        c->n_tokens = d->max_token >= c->n_tokens ? (size_t)d->max_token + 1 : c->n_tokens;
    }
    if (n_pairs == 0)
        return emx_fail(err, EMX_ERR_EMPTY, "no pairs were counted, so tokens have no vectors");
    c->first = calloc(c->n_tokens, sizeof(*c->first));
    c->second = calloc(c->n_tokens, sizeof(*c->second));
    c->first_log = calloc(c->n_tokens, sizeof(*c->first_log));
    c->second_log = calloc(c->n_tokens, sizeof(*c->second_log));
    c->rows = calloc(c->n_tokens * c->stride, sizeof(*c->rows)); /* below 2^24 * 2^12 */
    if (!c->first || !c->second || !c->first_log || !c->second_log || !c->rows)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for vectors of %zu tokens", c->n_tokens);
    return EMX_OK;
}

static enum emx_status make_rows(struct counts *c, struct emx_error *err)
{
    enum emx_status status = allocate(c, err);

    if (!status)
        status = for_each_pair(c, count_pair, err);
    if (status)
        return status;
    smooth(c->first, c->n_tokens, c->first_log);
    smooth(c->second, c->n_tokens, c->second_log);
    status = for_each_pair(c, project_pair, err);
    make_unit_vectors(c);
    return status;
}

enum emx_status emx_embeddings_from_counts(struct emx_state *s, size_t dimension, uint64_t seed,
                                           struct emx_embeddings **ret, struct emx_error *err)
{
    struct counts c = {.state = s, .dimension = dimension, .seed = seed};
    enum emx_status status;

    if (dimension < 1 || dimension > EMX_MAX_DIMENSION)
        return emx_fail(err, EMX_ERR_RANGE, "vectors of %zu dimensions: there must be 1 to %d", dimension,
                        EMX_MAX_DIMENSION);
    c.stride = (dimension + 3) / 4 * 4;
    status = make_rows(&c, err);
    if (!status)
        status = embed_adopt("counts", c.rows, c.n_tokens, dimension, ret, err);
    else
        free(c.rows);
    free(c.first);
    free(c.second);
    free(c.first_log);
    free(c.second_log);
    return status;
}
