/*
 * density.c - the sum of v v^T over documents, in integers
 *
 *     document -> integers q = round(2^24 v) -> columns of a block -> products[] += block block^T (BLAS) -> total[] +=
 * products[]
 *
 * When `block` has no free column it is multiplied.  When a sum in products[] could pass 2^53, these are carried over
 * to total[], 128-bit integers.  No sum over a set of documents, in any order, is larger than their `bound`:
 *
 *     |sum_j q_ji q_jk| <= sum_j |q_ji q_jk| <= sum_j max_i q_ji^2
 *
 * so as long as that is at most 2^53 all that BLAS computes on its way, in whatever order, are integers that double
 * has.
 *
 * In a precise matrix q = round(2^40 v) is halved, q = 2^20 h + l with |h| <= 2^20 and |l| <= 2^19, and three products
 * are enough (Karatsuba and Ofman 1962):
 *
 *     sum q_i q_k = 2^40 sum h_i h_k + 2^20 (sum m_i m_k - sum h_i h_k - sum l_i l_k) + sum l_i l_k,    m = h + l
 *
 * As |m| < 2^21, no sum over the 256 documents of a block reaches 2^50, and each is carried over at once.
 */
#include "vne/density.h"
#include "linalg/symmetric.h"
#include "vne/rounded.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_DOCUMENTS = 256, /* wide enough for BLAS to run at full speed; 600 KiB at dimension 300 */
    LOW_BITS = EMX_DENSITY_PRECISE_BITS / 2
};
static const double largest_sum = 0x1p53;

struct emx_density {
    size_t dimension;
    bool precise;
    double grid; /* how many units the length 1 has */
    uint64_t n_documents, n_left_out;
    double *block;    /* [BLOCK_DOCUMENTS][dimension] integers; of a precise matrix their high halves */
    double *low;      /* ... and the low ones, likewise; else NULL */
    size_t n_block;   /* documents in it */
    double *products; /* [dimension x dimension] column-major, lower triangle; in a precise matrix 0 between blocks */
    double bound;     /* of what is in block and products; not kept of a precise matrix */
    wide *total;      /* [dimension * (dimension + 1) / 2] the lower triangle, column by column */
};

static size_t triangle(size_t n)
{
    return n * (n + 1) / 2;
}

enum emx_status emx_density_create(size_t dimension, bool precise, struct emx_density **ret, struct emx_error *err)
{
    struct emx_density *d;

    if (dimension < 1 || dimension > EMX_MAX_DIMENSION)
        return emx_fail(err, EMX_ERR_RANGE, "vectors of %zu dimensions: there must be 1 to %d", dimension,
                        EMX_MAX_DIMENSION);
    d = calloc(1, sizeof(*d));
    if (d) {
        d->dimension = dimension;
        d->precise = precise;
        d->grid = ldexp(1, emx_density_bits(precise));
        d->low = precise ? calloc(BLOCK_DOCUMENTS * dimension, sizeof(*d->low)) : NULL;
        d->block = calloc(BLOCK_DOCUMENTS * dimension, sizeof(*d->block));
        d->products = calloc(dimension * dimension, sizeof(*d->products));
        d->total = calloc(triangle(dimension), sizeof(*d->total));
    }
    if (!d || !d->block || (precise && !d->low) || !d->products || !d->total) {
        emx_density_destroy(&d);
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a matrix of %zu x %zu", dimension, dimension);
    }
    *ret = d;
    return EMX_OK;
}

void emx_density_destroy(struct emx_density **d)
{
    if (!*d)
        return;
    free((*d)->block);
    free((*d)->low);
    free((*d)->products);
    free((*d)->total);
    free(*d);
    *d = NULL;
}

static void clear_products(struct emx_density *d)
{
    memset(d->products, 0, d->dimension * d->dimension * sizeof(*d->products));
    d->bound = 0;
}

void emx_density_reset(struct emx_density *d)
{
    d->n_documents = d->n_left_out = 0;
    d->n_block = 0;
    clear_products(d);
    memset(d->total, 0, triangle(d->dimension) * sizeof(*d->total));
}

size_t emx_density_dimension(const struct emx_density *d)
{
    return d->dimension;
}

uint64_t emx_density_n_documents(const struct emx_density *d)
{
    return d->n_documents;
}

uint64_t emx_density_n_left_out(const struct emx_density *d)
{
    return d->n_left_out;
}

/* --- adding -------------------------------------------------------------------------------------------- */

/* products[], so many times, to total[]. */
static inline void carry(struct emx_density *d, int64_t times)
{
    wide *total = d->total;

    for (size_t k = 0; k < d->dimension; k++) {
        const double *column = d->products + k * d->dimension;

        for (size_t i = k; i < d->dimension; i++)
            *total++ += (wide)(int64_t)column[i] * times;
    }
    clear_products(d);
}

static void multiply_halves(struct emx_density *d)
{
    const int64_t unit = INT64_C(1) << LOW_BITS;

    linalg_add_outer_products(d->dimension, d->n_block, d->block, d->products);
    carry(d, unit * unit - unit);
    linalg_add_outer_products(d->dimension, d->n_block, d->low, d->products);
    carry(d, 1 - unit);
    for (size_t i = 0; i < d->n_block * d->dimension; i++)
        d->block[i] += d->low[i];
    linalg_add_outer_products(d->dimension, d->n_block, d->block, d->products);
    carry(d, unit);
}

static void multiply(struct emx_density *d)
{
    if (d->n_block && d->precise)
        multiply_halves(d);
    else if (d->n_block)
        linalg_add_outer_products(d->dimension, d->n_block, d->block, d->products);
    d->n_block = 0;
}

/* All that was added is in total[] after it. */
static void carry_over(struct emx_density *d)
{
    multiply(d);
    if (!d->precise)
        carry(d, 1);
}

/* Sums and maxima are of every LANES-th number first, so that vectors can be used; the order is always the same. */
enum { LANES = 4 };

static double sum_of_squares(const double *x, size_t n, double scale)
{
    double sums[LANES] = {0};
    size_t i = 0;

    for (; i + LANES <= n; i += LANES) {
        for (size_t k = 0; k < LANES; k++)
            sums[k] += (x[i + k] * scale) * (x[i + k] * scale);
    }
    for (; i < n; i++)
        sums[i % LANES] += (x[i] * scale) * (x[i] * scale);
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* A power of two that brings numbers to where their squares are neither huge nor tiny; 0 if all numbers are 0. */
static double scale_of(const double *x, size_t n)
{
    double largest = 0;
    int exponent;

    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(x[i]));
    if (largest == 0)
        return 0;
    frexp(largest, &exponent);
    return ldexp(1, exponent < -1000 ? 1000 : -exponent);
}

/* The length of x times *ret_scale. */
static double length(const double *x, size_t n, double *ret_scale)
{
    double squares = sum_of_squares(x, n, 1);

    *ret_scale = 1;
    if (squares > 0x1p-900 && squares < 0x1p900)
        return sqrt(squares);
    *ret_scale = scale_of(x, n);
    return sqrt(sum_of_squares(x, n, *ret_scale));
}

static double largest_of(const double *x, size_t n)
{
    double largest[LANES] = {0}, one;
    size_t i = 0;

    for (; i + LANES <= n; i += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            one = fabs(x[i + k]);
            largest[k] = one > largest[k] ? one : largest[k];
        }
    }
    for (; i < n; i++)
        largest[0] = fmax(largest[0], fabs(x[i]));
    return fmax(fmax(largest[0], largest[1]), fmax(largest[2], largest[3]));
}

/* q = round(grid * x * scale / len) */
static void round_unit(const double *x, size_t n, double scale, double len, double grid, double *q)
{
    for (size_t i = 0; i < n; i++)
        q[i] = rounded(x[i] * scale / len * grid);
}

/* Products and block have room for q, which is behind the block, or get it. */
static void make_room(struct emx_density *d, const double *q)
{
    double largest = largest_of(q, d->dimension);

    if (d->bound + largest * largest > largest_sum) {
        carry_over(d);
        memmove(d->block, q, d->dimension * sizeof(*q));
    }
    d->bound += largest * largest;
}

/* Of q, which becomes the high half: in units of 2^LOW_BITS. */
static void split(double *q, size_t n, double *low)
{
    const double unit = (double)(INT64_C(1) << LOW_BITS);

    for (size_t i = 0; i < n; i++) {
        double high = rounded(q[i] / unit);

        low[i] = q[i] - high * unit;
        q[i] = high;
    }
}

enum emx_status emx_density_add(struct emx_density *d, const double *x)
{
    double scale, len = length(x, d->dimension, &scale);
    double *q = d->block + d->n_block * d->dimension;

    if (!isfinite(len))
        return EMX_ERR_ARG;
    if (len == 0) {
        d->n_left_out++;
        return EMX_OK;
    }
    if (d->n_documents >= EMX_MAX_DOCUMENTS)
        return EMX_ERR_RANGE;
    round_unit(x, d->dimension, scale, len, d->grid, q);
    if (d->precise)
        split(q, d->dimension, d->low + d->n_block * d->dimension);
    else
        make_room(d, q);
    d->n_documents++;
    if (++d->n_block == BLOCK_DOCUMENTS)
        multiply(d);
    return EMX_OK;
}

enum emx_status emx_density_merge(struct emx_density *d, struct emx_density *other)
{
    if (d->dimension != other->dimension || d->precise != other->precise)
        return EMX_ERR_ARG;
    if (other->n_documents > EMX_MAX_DOCUMENTS - d->n_documents)
        return EMX_ERR_RANGE;
    carry_over(d);
    carry_over(other);
    for (size_t i = 0; i < triangle(d->dimension); i++)
        d->total[i] += other->total[i];
    d->n_documents += other->n_documents;
    d->n_left_out += other->n_left_out;
    return EMX_OK;
}

/* --- results ------------------------------------------------------------------------------------------- */

static double trace(const struct emx_density *d)
{
    const wide *diagonal = d->total;
    wide sum = 0;

    for (size_t k = 0; k < d->dimension; diagonal += d->dimension - k, k++)
        sum += *diagonal;
    return (double)sum;
}

enum emx_status emx_density_matrix(struct emx_density *d, double *ret)
{
    const wide *total = d->total;
    size_t n = d->dimension;
    double all;

    if (d->n_documents == 0)
        return EMX_ERR_EMPTY;
    carry_over(d);
    all = trace(d);
    for (size_t k = 0; k < n; k++) {
        for (size_t i = k; i < n; i++)
            ret[k * n + i] = ret[i * n + k] = (double)*total++ / all;
    }
    return EMX_OK;
}

enum emx_status emx_density_spectrum(struct emx_density *d, double *ret, struct emx_error *err)
{
    size_t n = d->dimension;
    bool done;

    if (d->n_documents == 0)
        return emx_fail(err, EMX_ERR_EMPTY, "no document has a direction, so there is no spectrum");
    (void)!emx_density_matrix(d, d->products); /* which it has emptied before */
    done = linalg_eigenvalues(n, d->products, ret);
    clear_products(d);
    if (!done)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for the eigenvalues of a matrix of %zu x %zu", n, n);
    for (size_t i = 0; i < n; i++)
        ret[i] = ret[i] > 0 ? ret[i] : 0;
    return EMX_OK;
}

/* --- as integers ----------------------------------------------------------------------------------------- */

const wide *density_sums(struct emx_density *d)
{
    carry_over(d);
    return d->total;
}

void density_load(struct emx_density *d, const wide *sums, uint64_t n_documents, uint64_t n_left_out)
{
    emx_density_reset(d);
    memcpy(d->total, sums, triangle(d->dimension) * sizeof(*sums));
    d->n_documents = n_documents;
    d->n_left_out = n_left_out;
}
