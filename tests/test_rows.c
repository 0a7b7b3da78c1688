/* Tables taken apart into sorted rows, against a plain sort of everything that was added to them. */
#include "count/rows.h"
#include "failing_memory.h"
#include "pipeline/threads.h"
#include "ref/naive_pairs.h"
#include "test.h"

WRAP(void *, aligned_alloc, (size_t alignment, size_t n), (alignment, n))

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

/* --- what is added ------------------------------------------------------------------------------------- */

enum shape { EVEN, SKEWED, ONE_FIRST, FEW, LOW };

struct trial {
    unsigned token_bits[4]; /* of each table, 0: no more tables */
    enum shape shape;
    size_t n;           /* keys added to each table */
    unsigned max_count; /* log2 */
    unsigned n_threads;
    enum rows_drop drop;
};

static uint32_t token_of(const struct trial *t, unsigned bits, uint64_t *random)
{
    double u = (double)(test_random(random) >> 11) * 0x1p-53, limit = (double)(UINT32_C(1) << bits);

    if (t->shape == FEW)
        return (uint32_t)(u * 4);
    if (t->shape == LOW) /* and rarely as high as can be */
        return test_random(random) % 5000 ? (uint32_t)(u * 1000) : (uint32_t)limit - 1;
    return (uint32_t)(t->shape == EVEN ? u * limit : u * u * u * limit);
}

static void naive_add(struct naive_pairs *p, uint32_t first, uint32_t second, uint64_t count)
{
    naive_pairs_add(p, first, second);
    p->rows[p->n - 1].count = count;
}

static uint32_t eod_of(const struct trial *t)
{
    return t->shape == ONE_FIRST ? 3 : 1;
}

/* A table of random pairs and counts, added once alone and once as if shared; and the same pairs to the twin. */
static struct table *fill_table(const struct trial *t, unsigned bits, struct naive_pairs *naive, uint64_t *random)
{
    struct pair_key key = pair_key_for(UINT32_C(1) << bits);
    struct table *table;
    struct table_adder adder = {0};

    if (table_create(key, 0, &regions, &table, NULL))
        abort();
    for (size_t i = 0; i < t->n; i++) {
        uint32_t first = token_of(t, bits, random), second = token_of(t, bits, random);
        uint64_t count = (test_random(random) >> (64 - t->max_count) >> test_random(random) % t->max_count) + 1;

        if (t->shape == ONE_FIRST)
            first = 5;
        if (i % 1000 == 0)
            table_enter(table, &adder, i % 2000 == 0);
        table_add(&adder, pair_key_mix(key, pair_key_pack(key, first, second)), count);
        naive_add(naive, first, second, count);
        if ((i + 1) % 1000 == 0 || i + 1 == t->n)
            CHECK(table_leave(&adder, NULL) == EMX_OK);
    }
    table_adder_finish(&adder);
    return table;
}

/* Take what the rule drops out of the sorted twin; its firsts are counted in tails. */
static void naive_drop(struct naive_pairs *p, enum rows_drop drop, uint32_t eod, uint64_t *tails)
{
    size_t k = 0;

    for (size_t i = 0; i < p->n; i++) {
        if ((drop == ROWS_DROP_AFTER && p->rows[i].first == eod) ||
            (drop == ROWS_DROP_BEFORE && p->rows[i].second == eod))
            tails[p->rows[i].first] += p->rows[i].count;
        else
            p->rows[k++] = p->rows[i];
    }
    p->n = k;
}

/* --- both ways ----------------------------------------------------------------------------------------- */

/* All rows, or the status of what failed. */
static enum emx_status collect(struct table *const *tables, size_t n_tables, const struct rows_options *options,
                               struct emx_pair_count *out, size_t cap, size_t *ret_n, size_t *ret_pieces)
{
    const struct emx_pair_count *piece;
    struct rows *rows;
    size_t k = 1;
    enum emx_status status = rows_create(tables, n_tables, options, &rows, NULL);

    *ret_n = *ret_pieces = 0;
    if (status)
        return status;
    while (!status && k) {
        status = rows_next(rows, &piece, &k, NULL);
        if (status || *ret_n + k > cap)
            break;
        memcpy(out + *ret_n, piece, k * sizeof(*out));
        *ret_n += k;
        ++*ret_pieces;
    }
    CHECK(status || k == 0);
    rows_destroy(&rows);
    return status;
}

static void check_rows(const struct emx_pair_count *rows, size_t n, const struct naive_pairs *naive)
{
    CHECK(n == naive->n);
    CHECK(naive_pairs_n_wrong(naive, rows, n) == 0);
}

static void check_tails(const struct tally *tails, const uint64_t *naive, size_t n_tokens)
{
    size_t wrong = tails->n > n_tokens;

    for (size_t i = 0; i < n_tokens; i++)
        wrong += naive[i] != (i < tails->n ? tails->count[i] : 0);
    CHECK(wrong == 0);
}

/* Of the widest table. */
static size_t vocabulary_of(const struct trial *t)
{
    unsigned bits = 0;

    for (size_t i = 0; i < 4; i++)
        bits = t->token_bits[i] > bits ? t->token_bits[i] : bits;
    return (size_t)1 << bits;
}

static void check_trial(const struct trial *t)
{
    size_t n_tokens = vocabulary_of(t);
    uint64_t random = seed + t->n, *tails_of_twin = calloc(n_tokens, sizeof(*tails_of_twin));
    struct naive_pairs naive = {0};
    struct table *tables[4];
    struct placement *p = place(t->n_threads);
    struct rows_space space = {0};
    struct tally tails;
    struct rows_options options = {.rule = {t->drop, eod_of(t), &tails}, .placement = p, .space = &space};
    struct emx_pair_count *rows;
    size_t n_tables = 0, n = 0, pieces;

    if (!tails_of_twin)
        abort();
    tally_init(&tails);
    for (; n_tables < 4 && t->token_bits[n_tables]; n_tables++)
        tables[n_tables] = fill_table(t, t->token_bits[n_tables], &naive, &random);
    naive_pairs_count(&naive);
    naive_drop(&naive, t->drop, eod_of(t), tails_of_twin);
    rows = malloc((naive.n + 1) * sizeof(*rows));
    CHECK(rows && collect(tables, n_tables, &options, rows, naive.n, &n, &pieces) == EMX_OK);
    check_rows(rows, n, &naive);
    check_tails(&tails, tails_of_twin, n_tokens);
    while (n_tables)
        table_destroy(&tables[--n_tables]);
    rows_space_finish(&space);
    tally_finish(&tails);
    placement_destroy(&p);
    naive_pairs_finish(&naive);
    free(tails_of_twin);
    free(rows);
}

/* --- tests --------------------------------------------------------------------------------------------- */

static void tables_of_all_widths(void)
{
    for (unsigned bits = 16; bits <= 24; bits += (unsigned)test_few(1, 4)) {
        check_trial(&(struct trial){.token_bits = {bits}, .shape = EVEN, .n = 150000, .max_count = 8, .n_threads = 1});
        check_trial(
            &(struct trial){.token_bits = {bits}, .shape = SKEWED, .n = 150000, .max_count = 8, .n_threads = 2});
    }
}

static void several_tables_add_up(void)
{
    check_trial(&(struct trial){{16, 16}, SKEWED, 200000, 8, 1, ROWS_DROP_NONE});
    check_trial(&(struct trial){{16, 16, 16, 16}, SKEWED, 100000, 8, 8, ROWS_DROP_AFTER});
    check_trial(&(struct trial){{16, 24, 18, 20}, SKEWED, 100000, 8, 3, ROWS_DROP_BEFORE});
    check_trial(&(struct trial){{16, 16, 16}, FEW, 100000, 30, 2, ROWS_DROP_NONE});
}

static void counts_that_no_word_holds(void)
{
    check_trial(&(struct trial){{16}, SKEWED, 20000, 34, 1, ROWS_DROP_NONE});
    check_trial(&(struct trial){{24}, SKEWED, 50000, 24, 1, ROWS_DROP_AFTER});
    check_trial(&(struct trial){{24, 24, 20}, SKEWED, 20000, 24, 3, ROWS_DROP_BEFORE});
    check_trial(&(struct trial){{24}, FEW, 20000, 24, 8, ROWS_DROP_NONE});
    check_trial(&(struct trial){{16}, FEW, 5000, 34, 1, ROWS_DROP_AFTER});
}

static void one_first_token_has_all_pairs(void)
{
    check_trial(&(struct trial){{16}, ONE_FIRST, 100000, 4, 2, ROWS_DROP_NONE});
    check_trial(&(struct trial){{24, 24}, ONE_FIRST, 500000, 4, 2, ROWS_DROP_AFTER});
}

static void tokens_far_below_what_they_might_be(void)
{
    check_trial(&(struct trial){{24}, LOW, 150000, 20, 2, ROWS_DROP_NONE});
    check_trial(&(struct trial){{16, 24, 20}, LOW, 50000, 4, 3, ROWS_DROP_AFTER});
}

static void few_and_none(void)
{
    check_trial(&(struct trial){{16}, FEW, 0, 4, 2, ROWS_DROP_NONE});
    check_trial(&(struct trial){{24, 16}, FEW, 1, 4, 5, ROWS_DROP_NONE});
    check_trial(&(struct trial){{0}, FEW, 1, 4, 2, ROWS_DROP_NONE});
    check_trial(&(struct trial){{17}, FEW, 40, 4, 1, ROWS_DROP_AFTER});
}

static void failing_memory_is_an_error(void)
{
    const struct trial t = {{16, 20}, SKEWED, 2000, 24, 1, ROWS_DROP_AFTER};
    struct emx_pair_count *rows = malloc(2 * t.n * sizeof(*rows));
    size_t n, pieces;
    bool done = false;

    for (unsigned k = 1; !done; k += (unsigned)test_slower()) {
        uint64_t random = seed;
        struct naive_pairs naive = {0};
        struct table *tables[2] = {fill_table(&t, 16, &naive, &random), fill_table(&t, 20, &naive, &random)};
        struct rows_space space = {0};
        struct tally tails;
        struct rows_options options = {
            .rule = {t.drop, eod_of(&t), &tails}, .placement = placement_here(), .space = &space};
        enum emx_status status;

        tally_init(&tails);
        failed = false;
        until_failure = k;
        status = collect(tables, 2, &options, rows, 2 * t.n, &n, &pieces);
        until_failure = 0;
        CHECK(status == (failed ? EMX_ERR_MEMORY : EMX_OK));
        done = !failed;
        rows_space_finish(&space);
        tally_finish(&tails);
        table_destroy(&tables[0]);
        table_destroy(&tables[1]);
        naive_pairs_finish(&naive);
    }
    free(rows);
}

int main(void)
{
    seed = test_seed();
    regions_init(&regions, &plenty);
    RUN(tables_of_all_widths);
    RUN(several_tables_add_up);
    RUN(counts_that_no_word_holds);
    RUN(one_first_token_has_all_pairs);
    RUN(tokens_far_below_what_they_might_be);
    RUN(few_and_none);
    RUN(failing_memory_is_an_error);
    regions_finish(&regions);
    CHECK(plenty.used == 0);
    return test_summary();
}
