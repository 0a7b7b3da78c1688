/* test_bags.c - sums of documents in batches, parts and samples, against vectors added token by token */
#include "test.h"
#include "vne/bags.h"
#include "vne/batch.h"
#include "vne/pool.h"
#include "vne/row_sums.h"
#include "vne/waiting.h"

enum { VOCABULARY = 300, DIMENSION = 90, N_DOCUMENTS = 700, MOST_TOKENS = 400 };

static uint64_t seed;
static bool precise; /* rows and matrices are */

/* --- documents ---------------------------------------------------------------------------------------------- */

struct document {
    uint32_t tokens[MOST_TOKENS];
    uint16_t narrow[MOST_TOKENS];
    size_t n;
};

static struct document documents[N_DOCUMENTS];
static float vectors[VOCABULARY * DIMENSION];

static void make_documents(void)
{
    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        struct document *d = &documents[i];

        d->n = test_random(&seed) % MOST_TOKENS >> test_random(&seed) % 9;
        for (size_t k = 0; k < d->n; k++)
            d->narrow[k] = (uint16_t)(d->tokens[k] = random_token(&seed, VOCABULARY));
    }
}

static struct token_rows *make_rows(const double *weights, size_t n_weights)
{
    struct emx_embeddings *e = NULL;
    struct token_rows *rows = NULL;

    for (size_t i = 0; i < VOCABULARY * DIMENSION; i++)
        vectors[i] = (float)ldexp((double)(test_random(&seed) >> 40) - 0x1p23, (int)(i % DIMENSION % 20) * 3 - 40);
    CHECK(emx_embeddings_from_rows(vectors, VOCABULARY, DIMENSION, &e, NULL) == EMX_OK);
    if (!e || token_rows_create(e, weights, n_weights, precise, placement_here(), &rows, NULL) != EMX_OK)
        abort();
    emx_embeddings_close(&e);
    return rows;
}

static int64_t number(const struct token_rows *rows, size_t token, size_t column)
{
    size_t first = column / rows->block_columns * rows->block_columns;
    const void *row = token_rows_block(rows, first, token);

    return precise ? (int64_t)((const double *)row)[column - first] : ((const int16_t *)row)[row_place(column - first)];
}

static size_t batch_counts = BATCH_COUNTS;

static struct bags *make_bags(const struct token_rows *rows, struct bag_sums *sums)
{
    struct bags *b = NULL;

    *sums = (struct bag_sums){.domain = "made"};
    if (emx_density_create(DIMENSION, precise, &sums->density, NULL) != EMX_OK ||
        bags_create(rows, batch_counts, &b, NULL) != EMX_OK)
        abort();
    CHECK(bags_to(b, sums, NULL) == EMX_OK);
    return b;
}

/* --- the plain way -------------------------------------------------------------------------------------------- */

static void add_plainly(const struct token_rows *rows, const struct document *d, struct emx_density *density)
{
    double x[DIMENSION] = {0};

    for (size_t i = 0; i < DIMENSION; i++) {
        for (size_t k = 0; k < d->n; k++)
            x[i] += rint((double)vectors[d->tokens[k] * DIMENSION + i] / rows->scale[i]);
        x[i] *= rows->scale[i];
    }
    CHECK(emx_density_add(density, x) == EMX_OK);
}

static void check_same(struct emx_density *a, struct emx_density *b)
{
    static double one[DIMENSION * DIMENSION], other[DIMENSION * DIMENSION];

    CHECK(emx_density_n_documents(a) == emx_density_n_documents(b));
    CHECK(emx_density_n_left_out(a) == emx_density_n_left_out(b));
    CHECK(emx_density_matrix(a, one) == EMX_OK && emx_density_matrix(b, other) == EMX_OK);
    CHECK(memcmp(one, other, sizeof(one)) == 0);
}

static struct emx_density *plain(const struct token_rows *rows)
{
    struct emx_density *density = NULL;

    if (emx_density_create(DIMENSION, precise, &density, NULL) != EMX_OK)
        abort();
    for (size_t i = 0; i < N_DOCUMENTS; i++)
        add_plainly(rows, &documents[i], density);
    return density;
}

/* --- kernels ------------------------------------------------------------------------------------------------- */

/* Runs of several documents, one of them twice, into sums that are not 0. */
static void kernels_sum_alike(void)
{
    enum { N_ROWS = 50, N_COUNTS = 40, N_RUNS = 4 };
    static _Alignas(64) int16_t rows[N_ROWS * BLOCK_COLUMNS];
    struct token_count counts[N_COUNTS + ROWS_AHEAD] = {{0, 0}};
    row_sums_fn *kernels[2];
    size_t n_kernels;

    row_sums_kernels(false, kernels, &n_kernels);
    CHECK(n_kernels >= 1 && kernels[n_kernels - 1] == row_sums_plain);
    for (size_t i = 0; i < N_ROWS * BLOCK_COLUMNS; i++)
        rows[i] = (int16_t)(test_random(&seed) % (2 * INT16_MAX + 1) - INT16_MAX);
    for (size_t lap = 0; lap < 400; lap++) {
        size_t width = (1 + lap % 4) * COLUMN_STEP, n = test_random(&seed) % (N_COUNTS / 2 + 1) * 2;
        uint32_t first_end = n ? (uint32_t)(test_random(&seed) % n / 2 * 2) : 0, end = (uint32_t)n;
        struct token_run runs[N_RUNS] = {{2, first_end}, {0, (first_end + end) / 4 * 2}, {1, end}, {2, end}};
        int32_t expected[3 * BLOCK_COLUMNS], sums[3 * BLOCK_COLUMNS];

        for (size_t k = 0; k < n; k++)
            counts[k] = (struct token_count){(uint16_t)(test_random(&seed) % N_ROWS),
                                             (uint16_t)(test_random(&seed) % (MOST_IN_SUM / n))};
        if (n && lap % 8 < 4) { /* one that comes as often as can be */
            memset(counts, 0, n * sizeof(*counts));
            counts[n - 1].n = MOST_IN_SUM;
        }
        for (size_t i = 0; i < 3 * width; i++)
            expected[i] = (int32_t)(test_random(&seed) % 1000) - 500;
        for (size_t i = 0; i + 1 < n_kernels; i++) {
            int32_t before[3 * BLOCK_COLUMNS];

            memcpy(before, expected, sizeof(before));
            memcpy(sums, expected, sizeof(sums));
            kernels[n_kernels - 1](rows, width, counts, runs, N_RUNS, expected);
            kernels[i](rows, width, counts, runs, N_RUNS, sums);
            CHECK(memcmp(sums, expected, 3 * width * sizeof(*sums)) == 0);
            memcpy(expected, before, sizeof(before));
        }
    }
}

/* --- properties ------------------------------------------------------------------------------------------------ */

static void rows_are_the_vectors_within_half_a_step(void)
{
    double weights[7] = {0.5, 0, 3, 1e-3, 0.25, 7, 1};
    const int n_bits = precise ? PRECISE_BITS : 15;
    struct token_rows *rows = make_rows(weights, 7);

    CHECK(rows->n_tokens == VOCABULARY && rows->dimension == DIMENSION);
    for (size_t i = 0; i < DIMENSION; i++) {
        double largest = 0;

        for (size_t t = 0; t < VOCABULARY; t++) {
            double x = (t < 7 ? weights[t] : 1) * (double)vectors[t * DIMENSION + i];

            largest = fmax(largest, fabs(x));
            CHECK(fabs((double)number(rows, t, i) * rows->scale[i] - x) <= rows->scale[i] / 2);
            CHECK(llabs(number(rows, t, i)) < INT64_C(1) << n_bits);
        }
        CHECK(rows->scale[i] < largest * ldexp(0x1.0001p1, -n_bits));
    }
    token_rows_destroy(&rows);
}

static void batches_are_as_token_by_token(void)
{
    struct token_rows *rows = make_rows(NULL, 0);
    struct bag_sums sums;
    struct bags *b = make_bags(rows, &sums);
    struct emx_density *expected = plain(rows);
    uint64_t n_tokens = 0;

    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        const struct document *d = &documents[i];
        size_t half = d->n / 2;

        CHECK(bags_u16(b, d->narrow, half) == half);
        CHECK(bags_u32(b, d->tokens + half, d->n - half) == d->n - half);
        CHECK(bags_end(b, NULL) == EMX_OK);
        n_tokens += d->n;
    }
    CHECK(bags_flush(b, NULL) == EMX_OK);
    CHECK(sums.n_tokens == n_tokens && sums.n_without_vector == 0);
    check_same(sums.density, expected);
    bags_destroy(&b);
    emx_density_destroy(&sums.density);
    emx_density_destroy(&expected);
    token_rows_destroy(&rows);
}

/* Two readers: one has the first tokens of each document, the other the rest, and what the first had. */
static void parts_add_up_in_any_order(void)
{
    struct token_rows *rows = make_rows(NULL, 0);
    struct bag_sums sums, none;
    struct bags *b = make_bags(rows, &sums), *first = make_bags(rows, &none);
    struct emx_density *expected = plain(rows);
    int64_t sum[DIMENSION];
    struct bag_part part = {.sum = sum};

    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        const struct document *d = &documents[N_DOCUMENTS - 1 - i];
        size_t cut = d->n ? test_random(&seed) % d->n : 0;

        CHECK(bags_u16(first, d->narrow, cut) == cut);
        bags_end_part(first, &part);
        CHECK(part.n_tokens == cut && part.n_without_vector == 0);
        if (i % 2)
            bags_add_part(b, &part);
        CHECK(bags_u32(b, d->tokens + cut, d->n - cut) == d->n - cut);
        if (i % 2 == 0)
            bags_add_part(b, &part);
        CHECK(bags_end(b, NULL) == EMX_OK);
    }
    CHECK(bags_flush(b, NULL) == EMX_OK && bags_flush(first, NULL) == EMX_OK);
    CHECK(emx_density_n_documents(none.density) == 0 && none.n_tokens == 0);
    check_same(sums.density, expected);
    bags_destroy(&b);
    bags_destroy(&first);
    emx_density_destroy(&sums.density);
    emx_density_destroy(&none.density);
    emx_density_destroy(&expected);
    token_rows_destroy(&rows);
}

/* More tokens than are counted at once, and one of them over and over. */
static void long_documents_do_not_overflow(void)
{
    enum { N = 300000 };
    struct token_rows *rows = make_rows(NULL, 0);
    struct bag_sums sums;
    struct bags *b = make_bags(rows, &sums);
    uint16_t *tokens = calloc(N, sizeof(*tokens));
    int64_t sum[DIMENSION], expected[DIMENSION] = {0};
    struct bag_part part = {.sum = sum};

    for (size_t i = 0; i < N; i++) {
        tokens[i] = i % 3 ? 5 : (uint16_t)random_token(&seed, VOCABULARY);
        for (size_t k = 0; k < DIMENSION; k++)
            expected[k] += number(rows, tokens[i], k);
    }
    CHECK(bags_u16(b, tokens, N) == N);
    bags_end_part(b, &part);
    CHECK(part.n_tokens == N && memcmp(sum, expected, sizeof(sum)) == 0);
    free(tokens);
    bags_destroy(&b);
    emx_density_destroy(&sums.density);
    token_rows_destroy(&rows);
}

/* Of parts: two halves may be as long as together fit, or longer. */
static void sums_take_a_limited_number_of_tokens(void)
{
    struct token_rows *rows = make_rows(NULL, 0);
    struct bag_sums sums;
    struct bags *b = make_bags(rows, &sums);
    int64_t sum[DIMENSION];
    struct bag_part half = {sum, rows->most_tokens / 2, 0};
    struct emx_error err;

    for (size_t k = 0; k < DIMENSION; k++)
        sum[k] = (k % 2 ? 1 : -1) * ((INT64_C(1) << (precise ? PRECISE_BITS : 15)) - 1) * (int64_t)half.n_tokens;
    for (uint32_t one = 0; one < 2; one++) {
        bags_add_part(b, &half);
        bags_add_part(b, &half);
        CHECK(bags_u32(b, &one, one) == one);
        CHECK(bags_end(b, &err) == (one ? EMX_ERR_ARG : EMX_OK));
    }
    CHECK(strncmp(err.message, "domain 'made': a document of ", 29) == 0);
    CHECK(bags_flush(b, NULL) == EMX_OK && emx_density_n_documents(sums.density) == 1);
    bags_destroy(&b);
    emx_density_destroy(&sums.density);
    token_rows_destroy(&rows);
}

static void tokens_beyond_the_matrix_are_pointed_at(void)
{
    struct token_rows *rows = make_rows(NULL, 0);
    struct bag_sums sums;
    struct bags *b = make_bags(rows, &sums);
    uint32_t tokens[5] = {1, 2, 3, VOCABULARY, 4};
    uint16_t narrow[3] = {7, UINT16_MAX, 8};

    CHECK(bags_u32(b, tokens, 5) == 3);
    bags_drop(b);
    CHECK(bags_u16(b, narrow, 3) == 1);
    bags_drop(b);
    CHECK(bags_end(b, NULL) == EMX_OK && bags_flush(b, NULL) == EMX_OK);
    CHECK(emx_density_n_documents(sums.density) == 0 && emx_density_n_left_out(sums.density) == 1);
    CHECK(sums.n_tokens == 0);
    bags_destroy(&b);
    emx_density_destroy(&sums.density);
    token_rows_destroy(&rows);
}

/* --- samples -------------------------------------------------------------------------------------------------- */

enum { N_WANTED = 250 };

/* The documents of the N_WANTED least hashes. */
static struct emx_density *plain_sample(const struct token_rows *rows, const uint64_t *hashes)
{
    struct emx_density *density = NULL;

    if (emx_density_create(DIMENSION, precise, &density, NULL) != EMX_OK)
        abort();
    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        size_t n_less = 0;

        for (size_t k = 0; k < N_DOCUMENTS; k++)
            n_less += hashes[k] < hashes[i];
        if (n_less < N_WANTED)
            add_plainly(rows, &documents[i], density);
    }
    return density;
}

static void offer_sum(const struct document *d, uint64_t hash, struct bags *b, struct sample *s)
{
    int64_t sum[DIMENSION];
    struct bag_part part = {.sum = sum};

    CHECK(bags_u32(b, d->tokens, d->n) == d->n);
    bags_end_part(b, &part);
    CHECK(sample_offer(s, hash, &part, NULL) == EMX_OK);
}

/* One is dropped before. */
static void offer_in_pieces(const struct document *d, uint64_t hash, struct waiting *w, struct sample *s)
{
    size_t cut = d->n ? test_random(&seed) % d->n : 0;

    waiting_to(w, s);
    CHECK(waiting_add(w, d->tokens, cut) == cut);
    waiting_drop(w);
    CHECK(waiting_add(w, d->tokens, cut) == cut);
    CHECK(waiting_add(w, d->tokens + cut, d->n - cut) == d->n - cut);
    CHECK(waiting_offer(w, hash, NULL) == EMX_OK);
}

static void offer(const struct document *d, uint64_t hash, unsigned way, struct bags *b, struct waiting *w,
                  struct sample *s)
{
    if (way == 0)
        CHECK(sample_offer_tokens(s, hash, d->tokens, d->n, 4, NULL) == EMX_OK);
    else if (way == 1)
        CHECK(sample_offer_tokens(s, hash, d->narrow, d->n, 2, NULL) == EMX_OK);
    else if (way == 2)
        offer_sum(d, hash, b, s);
    else
        offer_in_pieces(d, hash, w, s);
}

static void memory_comes_back_as_large(void)
{
    struct budget budget = {.limit = 1 << 20};
    struct chunk_store store;
    struct pool p = {.store = &store};

    chunk_store_init(&store, &budget);
    for (size_t bytes = 1; bytes < 40000; bytes += 1 + bytes / 50) {
        size_t size = pool_size(bytes), less = pool_size(bytes - 1), more = pool_size(size + 1);
        void *memory = pool_take(&p, size), *smaller = pool_take(&p, less), *larger = pool_take(&p, more), *again;

        CHECK(memory && smaller && larger && more > size);
        CHECK(size >= bytes && (size <= 64 || 8 * size <= 9 * bytes + 8) && pool_size(size) == size);
        memset(memory, 1, size);
        pool_give(&p, memory, size);
        again = pool_take(&p, size);
        CHECK(again && (again == memory || size > 15 << 10)); /* longer ones are the allocator's */
        pool_give(&p, again, size);
        pool_give(&p, smaller, less);
        pool_give(&p, larger, more);
    }
    CHECK(budget.used > 0);
    pool_clear(&p);
    chunk_store_finish(&store);
    CHECK(budget.used == 0 && !p.chunks);
}

/* One document takes all the room, until it has to go; the second half of the others come by another sample. */
static void samples_have_the_least_hashes(void)
{
    struct token_rows *rows = make_rows(NULL, 0);
    struct bag_sums sums;
    struct bags *b = make_bags(rows, &sums);
    struct waiting w = {0};
    struct sample *s = NULL, *other = NULL;
    struct budget budget = {.limit = (uint64_t)8 * SAMPLE_SPARE_BYTES};
    struct chunk_store store;
    uint16_t *long_one = calloc(SAMPLE_SPARE_BYTES, 1);
    uint64_t hashes[N_DOCUMENTS];
    struct emx_density *expected;
    bool any = true;

    chunk_store_init(&store, &budget);
    if (sample_create(N_WANTED, DIMENSION, &store, &s, NULL) != EMX_OK ||
        sample_create(N_WANTED, DIMENSION, &store, &other, NULL) != EMX_OK || waiting_init(&w, rows, b, NULL) != EMX_OK)
        abort();
    CHECK(sample_has_room(s, SAMPLE_SPARE_BYTES));
    CHECK(sample_offer_tokens(s, UINT64_MAX, long_one, SAMPLE_SPARE_BYTES / 2, 2, NULL) == EMX_OK);
    CHECK(!sample_has_room(s, SAMPLE_SPARE_BYTES) && sample_has_room(s, 8 * DIMENSION));
    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        hashes[i] = test_random(&seed) >> 1;
        offer(&documents[i], hashes[i], (unsigned)(i + i / 4) % 4, b, &w, i < N_DOCUMENTS / 2 ? s : other);
    }
    CHECK(sample_move(other, s, NULL) == EMX_OK && sample_n(other) == 0 && sample_n(s) == N_WANTED);
    CHECK(budget.used > 0 && budget.used < (uint64_t)(N_WANTED * (8 * DIMENSION + 100)));
    CHECK(sample_has_room(s, SAMPLE_SPARE_BYTES) && !sample_wants(s, UINT64_MAX));
    while (any)
        CHECK(sample_end(s, b, &any, NULL) == EMX_OK);
    CHECK(budget.used == 0);
    CHECK(bags_flush(b, NULL) == EMX_OK);
    expected = plain_sample(rows, hashes);
    check_same(sums.density, expected);
    free(long_one);
    waiting_finish(&w);
    sample_destroy(&s);
    sample_destroy(&other);
    chunk_store_finish(&store);
    bags_destroy(&b);
    emx_density_destroy(&sums.density);
    emx_density_destroy(&expected);
    token_rows_destroy(&rows);
}

static void run_all(void)
{
    batch_counts = BATCH_COUNTS;
    RUN(rows_are_the_vectors_within_half_a_step);
    RUN(batches_are_as_token_by_token);
    batch_counts = 1000;
    RUN(batches_are_as_token_by_token);
    RUN(parts_add_up_in_any_order);
    RUN(long_documents_do_not_overflow);
    RUN(sums_take_a_limited_number_of_tokens);
    RUN(tokens_beyond_the_matrix_are_pointed_at);
    RUN(memory_comes_back_as_large);
    RUN(samples_have_the_least_hashes);
}

int main(void)
{
    seed = test_seed();
    make_documents();
    RUN(kernels_sum_alike);
    run_all();
    precise = true;
    run_all();
    return test_summary();
}
