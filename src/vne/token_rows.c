#include "vne/token_rows.h"

#include "embed/embed.h"
#include "vne/rounded.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xxhash.h>

enum { HUGE_PAGE = 2 << 20, NARROW_BITS = 15, SUM_BITS = 63 };

/* What rows are made of. */
struct source {
    const struct emx_embeddings *embeddings;
    const double *weights;
    size_t n_weights;
    float *vector; /* [dimension] */
    double *x;     /* [dimension] */
};

/* The vector of a token times its weight into s->x; false if it has none. */
static bool weighted(struct source *s, uint32_t token)
{
    double weight = s->weights && token < s->n_weights ? s->weights[token] : 1;

    if (!emx_embeddings_vector(s->embeddings, token, s->vector))
        return false;
    for (size_t i = 0; i < s->embeddings->dimension; i++)
        s->x[i] = weight * (double)s->vector[i];
    return true;
}

/* Numbers of a row as they are kept, one behind the other. */
union numbers {
    int16_t narrow[EMX_MAX_DIMENSION];
    double precise[EMX_MAX_DIMENSION];
    uint64_t bits[EMX_MAX_DIMENSION];
};

enum { FOUR = 4 * sizeof(int16_t) };

/* Columns of a narrow row, in fours, which stay together (row_place()). */
static void place_fours(int16_t *to, const int16_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i += 4)
        memcpy(to + row_place(i), numbers + i, FOUR);
}

static void take_fours(const int16_t *from, size_t n, int16_t *ret)
{
    for (size_t i = 0; i < n; i += 4)
        memcpy(ret + i, from + row_place(i), FOUR);
}

static void put_row(struct token_rows *r, uint32_t token, const union numbers *numbers)
{
    for (size_t first = 0; first < r->n_columns; first += r->block_columns) {
        size_t width = token_rows_width(r, first), at = first * r->n_tokens + token * width;

        if (r->precise)
            memcpy((double *)r->rows + at, numbers->precise + first, width * sizeof(double));
        else
            place_fours((int16_t *)r->rows + at, numbers->narrow + first, width);
    }
}

static void get_row(const struct token_rows *r, uint32_t token, union numbers *ret)
{
    for (size_t first = 0; first < r->n_columns; first += r->block_columns) {
        size_t width = token_rows_width(r, first);

        if (r->precise)
            memcpy(ret->precise + first, token_rows_block(r, first, token), width * sizeof(double));
        else
            take_fours(token_rows_block(r, first, token), width, ret->narrow + first);
    }
}

/* The power of two that takes numbers of up to `largest` to less than 2^bits, rounded. */
static double scale_for(double largest, int bits)
{
    int exponent;
    double fraction = frexp(largest, &exponent);

    if (largest == 0)
        return 1;
    return ldexp(1, exponent - bits + (ldexp(fraction, bits) >= ldexp(1, bits) - 0.5));
}

/* These loops are of what compilers make vectors of: no calls, no branches. */
static void find_scales(struct token_rows *r, struct source *s)
{
    double *scale = r->scale;

    for (uint32_t token = 0; token < r->n_tokens; token++) {
        r->has_vector[token] = weighted(s, token);
        for (size_t i = 0; i < r->dimension && r->has_vector[token]; i++) {
            double x = fabs(s->x[i]);

            scale[i] = x > scale[i] ? x : scale[i];
        }
    }
    for (size_t i = 0; i < r->dimension; i++)
        scale[i] = scale_for(scale[i], r->precise ? PRECISE_BITS : NARROW_BITS);
}

static void round_row(const struct token_rows *r, const double *x, union numbers *ret)
{
    const double *scale = r->scale;

    if (r->precise) {
        for (size_t i = 0; i < r->dimension; i++)
            ret->precise[i] = rounded(x[i] / scale[i]);
    } else {
        for (size_t i = 0; i < r->dimension; i++)
            ret->narrow[i] = (int16_t)(int32_t)rounded(x[i] / scale[i]);
    }
}

static void round_rows(struct token_rows *r, struct source *s)
{
    union numbers numbers = {.bits = {0}};

    for (uint32_t token = 0; token < r->n_tokens; token++) {
        if (!weighted(s, token))
            continue;
        round_row(r, s->x, &numbers);
        put_row(r, token, &numbers);
    }
}

/* Rows are read all over the place, so there are to be few pages. */
static void *allocate_rows(size_t n_bytes)
{
    size_t n_mapped = (n_bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *rows = aligned_alloc(HUGE_PAGE, n_mapped);

    if (!rows)
        return NULL;
    (void)madvise(rows, n_mapped, MADV_HUGEPAGE);
    memset(rows, 0, n_bytes);
    return rows;
}

enum emx_status token_rows_create(const struct emx_embeddings *e, const double *weights, size_t n_weights, bool precise,
                                  struct token_rows **ret, struct emx_error *err)
{
    struct source s = {e, weights, n_weights, NULL, NULL};
    struct token_rows *r = calloc(1, sizeof(*r));
    enum emx_status status = EMX_OK;

    s.vector = malloc(e->dimension * sizeof(*s.vector));
    s.x = malloc(e->dimension * sizeof(*s.x));
    if (r) {
        r->dimension = e->dimension;
        r->n_columns = (r->dimension + COLUMN_STEP - 1) / COLUMN_STEP * COLUMN_STEP;
        r->n_tokens = e->n_tokens;
        r->is_matrix = !e->row_of;
        r->precise = precise;
        r->block_columns = precise ? PRECISE_COLUMNS : BLOCK_COLUMNS;
        r->number_bytes = token_rows_number_bytes(precise);
        r->most_tokens = UINT64_C(1) << (SUM_BITS - (precise ? PRECISE_BITS : NARROW_BITS));
        r->rows = allocate_rows(r->n_tokens * r->n_columns * r->number_bytes);
        r->has_vector = calloc(r->n_tokens, sizeof(*r->has_vector));
        r->scale = calloc(r->dimension, sizeof(*r->scale));
    }
    if (!s.vector || !s.x || !r || !r->rows || !r->has_vector || !r->scale) {
        status =
            emx_fail(err, EMX_ERR_MEMORY, "out of memory for %u vectors of %zu dimensions", e->n_tokens, e->dimension);
    } else {
        find_scales(r, &s);
        round_rows(r, &s);
        if (e->file)
            status = file_check_unchanged(e->file, err);
    }
    if (status)
        token_rows_destroy(&r);
    else
        *ret = r;
    free(s.vector);
    free(s.x);
    return status;
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

static void to_little_endian(const struct token_rows *r, union numbers *numbers)
{
    if (r->precise) {
        for (size_t i = 0; i < r->dimension; i++)
            numbers->bits[i] = htole64(numbers->bits[i]);
    } else {
        for (size_t i = 0; i < r->dimension; i++)
            numbers->narrow[i] = (int16_t)htole16((uint16_t)numbers->narrow[i]);
    }
}

/* Each row hashed with the hash of those before as the seed. */
uint64_t token_rows_checksum(const struct token_rows *r)
{
    union numbers numbers;
    uint64_t hash = hash_u64(r->dimension, (r->precise ? 2 : 0) + r->is_matrix), bits;

    for (size_t i = 0; i < r->dimension; i++) {
        memcpy(&bits, &r->scale[i], sizeof(bits));
        hash = hash_u64(bits, hash);
    }
    for (uint32_t token = 0; token < r->n_tokens; token++) {
        get_row(r, token, &numbers);
        to_little_endian(r, &numbers);
        hash = XXH3_64bits_withSeed(&numbers, r->dimension * r->number_bytes, hash_u64(r->has_vector[token], hash));
    }
    return hash;
}
