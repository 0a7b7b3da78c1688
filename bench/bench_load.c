/*
 * bench_load - nanoseconds a pair at 50 % to 90 % load
 *
 *     bench_load [FILE...]      FILE: headerless u16 tokens, maybe compressed: real text instead of Zipf tokens
 *
 * A table whose budget lets it grow no further is filled from a stream, and stops at each load: there the last
 * TIMED pairs are counted LAPS times again, by one thread that has the table alone and by one and two that share it.
 * So no pair is new, and what is timed is searching and adding at that load; "-" where a pair finds no place in the
 * lines where it may stand. Lines are TSV.
 */
#include "bench.h"
#include "count/pairs.h"
#include "pipeline/threads.h"

#include <stdatomic.h>

enum {
    N_PAIRS = 40000000,
    LINES_LOG2_REAL = 17, /* of slots that 40 million pairs fill: 2^21 of real text, 2^23 of Zipf tokens */
    LINES_LOG2_ZIPF = 19,
    TIMED = 4 << 20,
    LAPS = 7,
    BLOCK = 16384,
};
static const double loads[] = {0.5, 0.6, 0.7, 0.8, 0.9};
enum { N_LOADS = sizeof(loads) / sizeof(loads[0]) };

struct filling {
    struct budget budget;
    struct regions regions;
    struct table *table;
    const struct tokens *tokens;
    _Atomic size_t next; /* pair that nobody has counted yet */
    size_t end;
    bool alone;
};

/* False if the table is too full for these. */
static bool count_block(struct filling *f, struct table_adder *a, bool alone, size_t begin)
{
    const char *x = (const char *)f->tokens->x + begin * f->tokens->width;
    struct emx_error err;

    table_enter(f->table, a, alone);
    if (f->tokens->width == 2)
        pairs_count_u16(a, (const void *)x, BLOCK + 1);
    else
        pairs_count_u32(a, (const void *)x, BLOCK + 1);
    pairs_flush(a);
    return table_leave(a, &err) == EMX_OK;
}

/* Count on until the table has the load; the number of pairs until there, 0 if it never has it. */
static size_t fill_to(struct filling *f, double wanted, size_t n_filled)
{
    struct table_adder a = {0};
    bool fits = true;

    for (; fits && table_load(f->table) < wanted && n_filled + BLOCK < f->tokens->n; n_filled += BLOCK)
        fits = count_block(f, &a, true, n_filled);
    table_adder_finish(&a);
    return fits && table_load(f->table) >= wanted ? n_filled : 0;
}

static void count_blocks(unsigned thread, void *context)
{
    struct filling *f = context;
    struct table_adder a = {0};
    size_t begin;

    (void)thread;
    while ((begin = atomic_fetch_add(&f->next, BLOCK)) < f->end) {
        if (!count_block(f, &a, f->alone, begin))
            die("bench_load: pairs that the table holds do not fit");
    }
    table_adder_finish(&a);
}

static double time_again(struct filling *f, size_t n_filled, unsigned n_threads)
{
    struct placement *placement = NULL;
    struct threads threads;
    struct emx_error err;
    double start = clock_seconds();

    f->next = n_filled - TIMED;
    f->end = n_filled;
    if (placement_create(NULL, n_threads, true, &placement, &err) != EMX_OK ||
        threads_start(&threads, placement, count_blocks, f, &err) != EMX_OK)
        die("%s", err.message);
    threads_join(&threads);
    placement_destroy(&placement);
    return clock_seconds() - start;
}

static void bench_at(struct filling *f, size_t n_filled)
{
    double seconds[3][LAPS];

    for (int lap = 0; lap < LAPS; lap++) {
        for (unsigned way = 0; way < 3; way++) {
            f->alone = way == 0;
            seconds[way][lap] = time_again(f, n_filled, way == 2 ? 2 : 1);
        }
    }
    printf("%s\t%" PRIu32 "\t%.3f", f->tokens->name, f->tokens->vocabulary, table_load(f->table));
    for (unsigned way = 0; way < 3; way++)
        printf("\t%.2f", median(seconds[way], LAPS) * 1e9 / TIMED);
    putchar('\n');
    fflush(stdout);
}

static void bench_stream(struct tokens t, unsigned lines_log2)
{
    struct filling f = {.budget.limit = UINT64_C(96) << lines_log2, .tokens = &t};
    struct emx_error err;
    size_t n_filled = TIMED / BLOCK * BLOCK;
    struct table_adder a = {0};

    regions_init(&f.regions, &f.budget);
    if (table_create(pair_key_for(t.vocabulary), lines_log2, &f.regions, &f.table, &err) != EMX_OK)
        die("%s", err.message);
    for (size_t i = 0; i < n_filled; i += BLOCK)
        count_block(&f, &a, true, i);
    table_adder_finish(&a);
    for (size_t i = 0; i < N_LOADS; i++) {
        n_filled = n_filled ? fill_to(&f, loads[i], n_filled) : 0;
        if (n_filled)
            bench_at(&f, n_filled);
        else
            printf("%s\t%" PRIu32 "\t%.3f\t-\t-\t-\n", t.name, t.vocabulary, loads[i]);
    }
    table_destroy(&f.table);
    regions_finish(&f.regions);
    tokens_finish(&t);
}

int main(int argc, char **argv)
{
    static const uint32_t vocabularies[] = {50257, 128256, 256000};

    puts("stream\tvocabulary\tload\talone_ns\tshared_ns\tshared_by_2_ns");
    for (size_t i = 0; i < 3; i++) {
        if (argc > 1) {
            struct tokens text = tokens_read((const char *const *)argv + 1, (size_t)argc - 1, 2, 50257);

            bench_stream(tokens_repeat(&text, N_PAIRS, vocabularies[i]), LINES_LOG2_REAL);
            tokens_finish(&text);
        }
        bench_stream(tokens_zipf(N_PAIRS, vocabularies[i], 1), LINES_LOG2_ZIPF);
    }
    return 0;
}
