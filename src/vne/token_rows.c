#include "vne/token_rows.h"

#include "embed/embed.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static double weight_of(const double *weights, size_t n_weights, uint32_t token)
{
    return weights && token < n_weights ? weights[token] : 1;
}

static double scale_for(double largest)
{
    int exponent;

    if (largest == 0)
        return 1;
    if (frexp(largest, &exponent) * 0x1p23 >= 0x1p23 - 0.5)
        exponent++;
    return ldexp(1, exponent - 23);
}

static void find_scales(struct token_rows *r, const struct emx_embeddings *e, const double *weights, size_t n_weights,
                        float *x)
{
    for (uint32_t token = 0; token < r->n_tokens; token++) {
        double weight = weight_of(weights, n_weights, token);

        r->has_vector[token] = emx_embeddings_vector(e, token, x);
        for (size_t i = 0; i < r->dimension && r->has_vector[token]; i++)
            r->scale[i] = fmax(r->scale[i], fabs(weight * (double)x[i]));
    }
    for (size_t i = 0; i < r->dimension; i++)
        r->scale[i] = scale_for(r->scale[i]);
}

static void round_rows(struct token_rows *r, const struct emx_embeddings *e, const double *weights, size_t n_weights,
                       float *x)
{
    for (uint32_t token = 0; token < r->n_tokens; token++) {
        double weight = weight_of(weights, n_weights, token);
        int32_t *row = r->rows + token * r->dimension;

        if (!emx_embeddings_vector(e, token, x))
            continue;
        for (size_t i = 0; i < r->dimension; i++)
            row[i] = (int32_t)lrint(weight * (double)x[i] / r->scale[i]);
    }
}

enum emx_status token_rows_create(const struct emx_embeddings *e, const double *weights, size_t n_weights,
                                  struct token_rows **ret, struct emx_error *err)
{
    struct token_rows *r = calloc(1, sizeof(*r));
    float *x = malloc(emx_embeddings_dimension(e) * sizeof(*x));

    if (r) {
        r->dimension = emx_embeddings_dimension(e);
        r->n_tokens = emx_embeddings_n_tokens(e);
        r->is_matrix = !e->row_of;
        r->rows = calloc(r->n_tokens * r->dimension, sizeof(*r->rows));
        r->has_vector = calloc(r->n_tokens, sizeof(*r->has_vector));
        r->scale = calloc(r->dimension, sizeof(*r->scale));
    }
    if (!x || !r || !r->rows || !r->has_vector || !r->scale) {
        free(x);
        token_rows_destroy(&r);
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %u vectors of %zu dimensions",
                        emx_embeddings_n_tokens(e), emx_embeddings_dimension(e));
    }
    find_scales(r, e, weights, n_weights, x);
    round_rows(r, e, weights, n_weights, x);
    free(x);
    *ret = r;
    return EMX_OK;
}

void token_rows_destroy(struct token_rows **r)
{
    if (!*r)
        return;
    free((*r)->rows);
    free((*r)->has_vector);
    free((*r)->scale);
    free(*r);
    *r = NULL;
}

static uint64_t hash_u64(uint64_t x, uint64_t hash)
{
    x = htole64(x);
    return XXH3_64bits_withSeed(&x, sizeof(x), hash);
}

/* Each row hashed with the hash of those before as the seed. */
uint64_t token_rows_checksum(const struct token_rows *r)
{
    uint32_t numbers[EMX_MAX_DIMENSION];
    uint64_t hash = hash_u64(r->dimension, r->is_matrix), bits;

    for (size_t i = 0; i < r->dimension; i++) {
        memcpy(&bits, &r->scale[i], sizeof(bits));
        hash = hash_u64(bits, hash);
    }
    for (uint32_t token = 0; token < r->n_tokens; token++) {
        for (size_t i = 0; i < r->dimension; i++)
            numbers[i] = htole32((uint32_t)r->rows[token * r->dimension + i]);
        hash = XXH3_64bits_withSeed(numbers, r->dimension * sizeof(*numbers), hash_u64(r->has_vector[token], hash));
    }
    return hash;
}
