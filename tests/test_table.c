/* The lock-free table and the rows sorted from it, against the naive twin. */
#include "count/pairs.h"
#include "count/rows.h"
#include "pipeline/threads.h"
#include "ref/naive_pairs.h"
#include "test.h"

static uint64_t seed;
static struct budget plenty = {.limit = UINT64_C(1) << 33};
static struct regions regions;

static struct placement *place(unsigned n)
{
    struct placement *p;

    if (placement_create(NULL, n, false, &p, NULL))
        abort();
    return p;
}

/* Skewed tokens below `vocabulary`: most are small, all occur. */
static void fill_tokens(uint32_t *x, size_t n, uint32_t vocabulary, uint64_t *random)
{
    for (size_t i = 0; i < n; i++) {
        double u = (double)(test_random(random) >> 11) * 0x1p-53;

        x[i] = (uint32_t)(u * u * u * vocabulary);
    }
}

static struct table *new_table(uint32_t vocabulary, unsigned lines_log2)
{
    struct table *t;

    if (table_create(pair_key_for(vocabulary), lines_log2, &regions, &t, NULL))
        abort();
    return t;
}

static void check_valid(const struct table *t)
{
    const char *reason;

    if (!table_validate(t, &reason)) {
        printf("invalid: %s\n", reason);
        CHECK(0);
    }
}

/* All rows of some tables. */
static size_t collect(struct table *const *tables, size_t n_tables, unsigned n_threads, enum rows_drop drop,
                      uint32_t eod, struct tally *tails, struct emx_pair_count *out, size_t cap, size_t *ret_pieces)
{
    struct placement *p = place(n_threads);
    struct rows_space space = {0};
    struct rows_options options = {.rule = {drop, eod, tails}, .placement = p, .space = &space};
    const struct emx_pair_count *piece;
    struct rows *rows;
    size_t n = 0, k;

    CHECK(rows_create(tables, n_tables, &options, &rows, NULL) == EMX_OK);
    *ret_pieces = 0;
    while (rows_next(rows, &piece, &k, NULL) == EMX_OK && k) {
        CHECK(n + k <= cap);
        memcpy(out + n, piece, k * sizeof(*out));
        n += k;
        ++*ret_pieces;
    }
    rows_destroy(&rows);
    rows_space_finish(&space);
    placement_destroy(&p);
    return n;
}

static void check_equal(const struct emx_pair_count *rows, size_t n, const struct naive_pairs *naive)
{
    CHECK(n == naive->n);
    CHECK(naive_pairs_n_wrong(naive, rows, n) == 0);
}

static void hash_is_undone(void)
{
    uint64_t random = seed;
    const uint32_t vocabularies[] = {1, 50257, 65536, 65537, 131072, 262144, 1 << 24};

    for (size_t v = 0; v < sizeof(vocabularies) / sizeof(*vocabularies); v++) {
        struct pair_key key = pair_key_for(vocabularies[v]);

        CHECK(UINT64_C(1) << key.token_bits >= vocabularies[v]);
        for (int i = 0; i < 10000; i++) {
            uint64_t k = test_random(&random) & key.mask, h = pair_key_mix(key, k);

            CHECK(h <= key.mask && pair_key_unmix(key, h) == k);
        }
    }
}

/* Several threads, or one alone, in one table, from a tiny one that grows many times. */
struct shared_count {
    struct table *table;
    const uint32_t *x;
    size_t n;
    bool alone;
    const struct pairs_kernel *kernel; /* NULL: the best */
    _Atomic size_t next;
};

enum { BLOCK = 3001 };

static void count_blocks(unsigned thread, void *context)
{
    struct shared_count *s = context;
    struct table_adder adder = {0};
    size_t begin;

    (void)thread;
    while ((begin = atomic_fetch_add(&s->next, BLOCK - 1)) + 1 < s->n) {
        size_t n = s->n - begin < BLOCK ? s->n - begin : BLOCK;

        table_enter(s->table, &adder, s->alone);
        if (s->kernel)
            s->kernel->count_u32(&adder, s->x + begin, n);
        else
            pairs_count_u32(&adder, s->x + begin, n);
        pairs_flush(&adder);
        CHECK(table_leave(&adder, NULL) == EMX_OK);
    }
    table_adder_finish(&adder);
}

static void check_kernel(uint32_t vocabulary, size_t n, unsigned n_threads, bool alone,
                         const struct pairs_kernel *kernel)
{
    uint64_t random = seed + vocabulary + n;
    uint32_t *x = malloc(n * sizeof(*x));
    struct emx_pair_count *rows = malloc(n * sizeof(*rows));
    struct naive_pairs naive = {0};
    struct shared_count s = {.table = new_table(vocabulary, 0), .x = x, .n = n, .alone = alone, .kernel = kernel};
    struct placement *p = place(n_threads);
    struct threads threads;
    struct tally tails;
    size_t n_rows, pieces;

    tally_init(&tails);
    fill_tokens(x, n, vocabulary, &random);
    for (size_t i = 0; i + 1 < n; i++)
        naive_pairs_add(&naive, x[i], x[i + 1]);
    naive_pairs_count(&naive);
    CHECK(threads_start(&threads, p, count_blocks, &s, NULL) == EMX_OK);
    threads_join(&threads);
    check_valid(s.table);
    CHECK(table_n_used(s.table) == naive.n);
    n_rows = collect(&s.table, 1, n_threads, ROWS_DROP_NONE, 0, &tails, rows, n, &pieces);
    check_equal(rows, n_rows, &naive);
    table_destroy(&s.table);
    tally_finish(&tails);
    placement_destroy(&p);
    naive_pairs_finish(&naive);
    free(rows);
    free(x);
}

static void check_count(uint32_t vocabulary, size_t n, unsigned n_threads, bool alone)
{
    check_kernel(vocabulary, n, n_threads, alone, NULL);
}

static void all_kernels_count_alike(void)
{
    const struct pairs_kernel *kernels[3];
    size_t n;

    pairs_kernels(kernels, &n);
    for (size_t i = 0; i < n; i++) {
        check_kernel(50257, 300000, 1, true, kernels[i]);
        check_kernel(300000, 300000, 1, true, kernels[i]);
        check_kernel(5, 300000, 2, false, kernels[i]);
    }
}

static void one_thread_counts_like_the_naive_twin(void)
{
    check_count(300, 200000, 1, true);
    check_count(50257, 300000, 1, true);
    check_count(200000, 300000, 1, true);
    check_count(1 << 24, 300000, 1, true);
    check_count(2, 1000, 1, true);
}

static void threads_share_a_table(void)
{
    check_count(300, 200000, 8, false);
    check_count(50257, 300000, 8, false);
    check_count(1 << 24, 300000, 8, false);
    check_count(50257, 300000, 5, true); /* each alone, in turn */
}

static void short_and_narrow_tokens(void)
{
    uint64_t random = seed;
    uint16_t x[500];
    uint32_t wide[500];
    struct table *a = new_table(65536, 4), *b = new_table(65536, 4);
    struct table_adder adder = {0};
    struct emx_pair_count rows[500], others[500];
    struct tally tails;
    size_t n, pieces;

    tally_init(&tails);
    for (size_t i = 0; i < 500; i++)
        wide[i] = x[i] = (uint16_t)(test_random(&random) % 20);
    for (size_t k = 0; k < 40; k++) { /* runs of every short length, the ring spans them */
        table_enter(a, &adder, k % 2);
        pairs_count_u16(&adder, x + k, k);
        pairs_flush(&adder);
        CHECK(table_leave(&adder, NULL) == EMX_OK);
        table_enter(b, &adder, false);
        pairs_count_u32(&adder, wide + k, k);
        pairs_flush(&adder);
        CHECK(table_leave(&adder, NULL) == EMX_OK);
    }
    n = collect(&a, 1, 2, ROWS_DROP_NONE, 0, &tails, rows, 500, &pieces);
    CHECK(n == collect(&b, 1, 1, ROWS_DROP_NONE, 0, &tails, others, 500, &pieces));
    CHECK(memcmp(rows, others, n * sizeof(*rows)) == 0);
    table_adder_finish(&adder);
    table_destroy(&a);
    table_destroy(&b);
    tally_finish(&tails);
}

/* Counts near the limit of the field go on exactly, in the table and in the cache before it. */
static void check_overflow(uint32_t vocabulary, unsigned lines_log2)
{
    enum { N = 300001 };
    const uint64_t large = UINT64_C(1000000000000);
    struct table *t = new_table(vocabulary, lines_log2);
    struct pair_key key = table_key(t);
    struct table_adder adder = {0};
    uint64_t hash = pair_key_mix(key, pair_key_pack(key, 7, 9));
    struct emx_pair_count rows[2];
    struct tally tails;
    size_t pieces;
    uint32_t *run = malloc(N * sizeof(*run));

    tally_init(&tails);
    for (size_t i = 0; i < N; i++)
        run[i] = 7 + 2 * (uint32_t)(i % 2);
    for (int shared = 0; shared < 2; shared++) {
        table_enter(t, &adder, !shared);
        table_add(&adder, hash, large);
        pairs_count_u32(&adder, run, N);
        pairs_flush(&adder);
        CHECK(table_leave(&adder, NULL) == EMX_OK);
    }
    check_valid(t);
    CHECK(collect(&t, 1, 3, ROWS_DROP_NONE, 0, &tails, rows, 2, &pieces) == 2);
    CHECK(rows[0].first == 7 && rows[0].second == 9 && rows[0].count == 2 * large + N - 1);
    CHECK(rows[1].count == N - 1);
    free(run);
    table_adder_finish(&adder);
    table_destroy(&t);
    tally_finish(&tails);
}

static void counters_overflow_exactly(void)
{
    check_overflow(1 << 24, 0); /* the smallest field of 8 bytes */
    check_overflow(65536, 13);  /* the smallest of 4 */
    check_overflow(65536, 18);
}

/* Counts that 8 bytes hold and 4 do not, while the slots become small; and so full that sorting takes more memory. */
static void slots_become_small(void)
{
    check_count(60000, 70000, 1, true);
    check_count(60000, 96000, 3, false);
    check_count(200, 400000, 1, true);
    check_count(220, 400000, 4, false);
}

static void tables_add_up_in_small_pieces(void)
{
    enum { N = 400000, TABLES = 3 };
    uint64_t random = seed + 1;
    uint32_t *x = malloc(N * sizeof(*x));
    struct emx_pair_count *rows = malloc(2 * N * sizeof(*rows));
    struct table *tables[TABLES] = {new_table(1 << 20, 14), new_table(1 << 24, 13), new_table(1 << 20, 15)};
    struct naive_pairs naive = {0};
    struct tally tails;
    size_t n, pieces;

    tally_init(&tails);
    fill_tokens(x, N, 1 << 20, &random);
    for (size_t k = 0; k < 4; k++) {
        struct table_adder adder = {0};

        table_enter(tables[k % TABLES], &adder, true);
        for (size_t i = 0; i < N; i++)
            x[i] = (x[i] * 7 + 1) % (1 << 20);
        pairs_count_u32(&adder, x, N);
        pairs_flush(&adder);
        CHECK(table_leave(&adder, NULL) == EMX_OK);
        table_adder_finish(&adder);
        for (size_t i = 0; i + 1 < N; i++)
            naive_pairs_add(&naive, x[i], x[i + 1]);
    }
    naive_pairs_count(&naive);
    rows = realloc(rows, naive.n * sizeof(*rows));
    n = collect(tables, TABLES, 2, ROWS_DROP_NONE, 0, &tails, rows, naive.n, &pieces);
    CHECK(pieces > 1); /* 1.6M pairs found, room for 1M */
    check_equal(rows, n, &naive);
    for (size_t k = 0; k < TABLES; k++)
        table_destroy(&tables[k]);
    naive_pairs_finish(&naive);
    tally_finish(&tails);
    free(rows);
    free(x);
}

static struct table *table_of(const uint32_t *x, size_t n)
{
    struct table *t = new_table(16, 0);
    struct table_adder adder = {0};

    table_enter(t, &adder, true);
    pairs_count_u32(&adder, x, n);
    pairs_flush(&adder);
    CHECK(table_leave(&adder, NULL) == EMX_OK);
    table_adder_finish(&adder);
    return t;
}

static void pairs_across_eod_become_tails(void)
{
    const uint32_t x[] = {5, 1, 2, 0, 1, 2, 0, 0, 3};
    struct table *t = table_of(x, 9), *u = table_of(x, 9);
    struct emx_pair_count rows[16];
    struct tally tails;
    size_t pieces;

    tally_init(&tails);
    CHECK(collect(&t, 1, 1, ROWS_DROP_AFTER, 0, &tails, rows, 16, &pieces) == 3); /* 1,2  2,0  5,1 */
    CHECK(rows[0].count == 2 && rows[1].count == 2 && rows[2].count == 1);
    CHECK(tails.count[0] == 3);
    tally_finish(&tails);
    tally_init(&tails);
    CHECK(collect(&u, 1, 1, ROWS_DROP_BEFORE, 0, &tails, rows, 16, &pieces) == 4); /* 0,1 0,3 1,2 5,1 */
    CHECK(tails.count[2] == 2 && tails.count[0] == 1);
    tally_finish(&tails);
    table_destroy(&t);
    table_destroy(&u);
}

static void a_budget_that_is_too_small_is_refused(void)
{
    struct budget small = {.limit = 1 << 16};
    uint64_t random = seed;
    uint32_t x[20000];
    struct regions few;
    struct table *t;
    struct table_adder adder = {0};
    struct emx_error err;
    enum emx_status status = EMX_OK;

    regions_init(&few, &small);
    CHECK(table_create(pair_key_for(65536), 8, &few, &t, NULL) == EMX_OK);
    for (int i = 0; i < 10 && !status; i++) {
        fill_tokens(x, 20000, 65536, &random);
        table_enter(t, &adder, true);
        pairs_count_u32(&adder, x, 20000);
        pairs_flush(&adder);
        status = table_leave(&adder, &err);
    }
    CHECK(status == EMX_ERR_MEMORY && strstr(err.message, "--memory"));
    CHECK(small.used <= small.limit);
    table_adder_finish(&adder);
    table_destroy(&t);
    regions_finish(&few);
    CHECK(small.used == 0);
}

int main(void)
{
    seed = test_seed();
    regions_init(&regions, &plenty);
    RUN(hash_is_undone);
    RUN(one_thread_counts_like_the_naive_twin);
    RUN(all_kernels_count_alike);
    RUN(threads_share_a_table);
    RUN(short_and_narrow_tokens);
    RUN(counters_overflow_exactly);
    RUN(slots_become_small);
    RUN(tables_add_up_in_small_pieces);
    RUN(pairs_across_eod_become_tails);
    RUN(a_budget_that_is_too_small_is_refused);
    regions_finish(&regions);
    CHECK(plenty.used == 0);
    return test_summary();
}
