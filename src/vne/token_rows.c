#include "vne/token_rows.h"

#include "embed/embed.h"
#include "pipeline/threads.h"
#include "vne/rounded.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xxhash.h>

enum { HUGE_PAGE = 2 << 20, NARROW_BITS = 15, SUM_BITS = 63 };

enum { TOKENS_AT_ONCE = 512 };

/* Rows while they are made by all threads, some tokens at a time. */
struct making {
    struct token_rows *rows;
    const struct emx_embeddings *embeddings;
    const double *weights;
    size_t n_weights;
    double *largest; /* [n_threads][dimension] of the numbers that the thread saw, without their signs */
};

/* The vector of a token times its weight; false if it has none. */
static bool weighted(const struct making *m, uint32_t token, double *ret)
{
    double weight = m->weights && token < m->n_weights ? m->weights[token] : 1;
    float vector[EMX_MAX_DIMENSION];

    if (!emx_embeddings_vector(m->embeddings, token, vector))
        return false;
    for (size_t i = 0; i < m->embeddings->dimension; i++)
        ret[i] = weight * (double)vector[i];
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

static uint32_t end_of(const struct making *m, size_t item)
{
    size_t end = (item + 1) * TOKENS_AT_ONCE, n = m->rows->n_tokens;

    return (uint32_t)(end < n ? end : n);
}

/* These loops are of what compilers make vectors of: no calls, no branches. */
static void find_largest(size_t item, unsigned thread, void *context)
{
    const struct making *m = context;
    struct token_rows *r = m->rows;
    double *largest = m->largest + thread * r->dimension, numbers[EMX_MAX_DIMENSION];

    for (uint32_t token = (uint32_t)(item * TOKENS_AT_ONCE); token < end_of(m, item); token++) {
        r->has_vector[token] = weighted(m, token, numbers);
        for (size_t i = 0; i < r->dimension && r->has_vector[token]; i++) {
            double x = fabs(numbers[i]);

            largest[i] = x > largest[i] ? x : largest[i];
        }
    }
}

static void find_scales(const struct making *m, unsigned n_threads)
{
    struct token_rows *r = m->rows;

    for (size_t i = 0; i < r->dimension; i++) {
        double largest = 0;

        for (unsigned k = 0; k < n_threads; k++)
            largest = fmax(largest, m->largest[k * r->dimension + i]);
        r->scale[i] = scale_for(largest, r->precise ? PRECISE_BITS : NARROW_BITS);
    }
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

static void round_rows(size_t item, unsigned thread, void *context)
{
    const struct making *m = context;
    union numbers numbers = {.bits = {0}}, none = numbers;
    double x[EMX_MAX_DIMENSION];

    (void)thread;
    for (uint32_t token = (uint32_t)(item * TOKENS_AT_ONCE); token < end_of(m, item); token++) {
        bool has_vector = weighted(m, token, x);

        if (has_vector)
            round_row(m->rows, x, &numbers);
        put_row(m->rows, token, has_vector ? &numbers : &none);
    }
}

/* Rows are read all over the place, so there are to be few pages. */
static void *allocate_rows(size_t n_bytes)
{
    size_t n_mapped = (n_bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *rows = aligned_alloc(HUGE_PAGE, n_mapped);

    if (rows)
        (void)madvise(rows, n_mapped, MADV_HUGEPAGE);
    return rows;
}

static struct token_rows *allocate(const struct emx_embeddings *e, bool precise)
{
    struct token_rows *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
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
    if (!r->rows || !r->has_vector || !r->scale)
        token_rows_destroy(&r);
    return r;
}

enum emx_status token_rows_create(const struct emx_embeddings *e, const double *weights, size_t n_weights, bool precise,
                                  const struct placement *placement, struct token_rows **ret, struct emx_error *err)
{
    unsigned n_threads = placement_n_threads(placement);
    struct making m = {allocate(e, precise), e, weights, n_weights, calloc(n_threads * e->dimension, sizeof(double))};
    size_t n_items = (e->n_tokens + TOKENS_AT_ONCE - 1) / TOKENS_AT_ONCE;
    enum emx_status status = EMX_OK;

    if (!m.rows || !m.largest)
        status =
            emx_fail(err, EMX_ERR_MEMORY, "out of memory for %u vectors of %zu dimensions", e->n_tokens, e->dimension);
    if (!status)
        status = threads_for(placement, n_items, find_largest, &m, err);
    if (!status) {
        find_scales(&m, n_threads);
        status = threads_for(placement, n_items, round_rows, &m, err);
    }
    if (!status && e->file)
        status = file_check_unchanged(e->file, err);
    if (status)
        token_rows_destroy(&m.rows);
    else
        *ret = m.rows;
    free(m.largest);
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
