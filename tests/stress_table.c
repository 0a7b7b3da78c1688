/*
 * stress_table.c - many more threads than processors in one table, from tiny, for some seconds
 *
 *     stress_table [SECONDS]     or STRESS_SECONDS in the environment; 3 without either
 *
 * In rounds, each with a new table and other sizes: threads count skewed pairs in blocks, some of them alone, by every
 * way into the table, with now and then a count so large that fields overflow.  Each keeps its own plain array of
 * counts, and the table must hold exactly the sum of these.
 */
#include "count/pairs.h"
#include "pipeline/threads.h"
#include "test.h"
#include "util/clock.h"

enum {
    N_THREADS = 8,
    MAX_TOKENS = 600, /* distinct ones */
    MAX_BLOCK = 2000,
};

struct counter {
    uint64_t random;
    uint64_t *counts; /* [n_tokens * n_tokens] */
    uint64_t n_blocks;
    bool failed;
};

/* One round: what the threads share.  All but the table is constant while they run. */
struct round {
    struct table *table;
    uint32_t n_tokens, step; /* tokens are multiples of step */
    unsigned alone_percent;
    unsigned large_percent; /* blocks with a large count */
    size_t max_block;
    double deadline;
    struct counter counters[N_THREADS];
};

static struct budget plenty = {.limit = UINT64_C(1) << 33};
static struct regions regions;
static uint64_t n_blocks, n_rounds, n_carried;

static uint32_t skewed(struct counter *c, uint32_t n)
{
    double u = (double)(test_random(&c->random) >> 11) * 0x1p-53;

    return (uint32_t)(u * u * u * n);
}

static uint64_t *count_of(const struct round *r, struct counter *c, uint32_t first, uint32_t second)
{
    return &c->counts[(size_t)(first / r->step) * r->n_tokens + second / r->step];
}

/* A run of tokens through the kernels, or one pair at a time. */
static void add_run(const struct round *r, struct counter *c, struct table_adder *a)
{
    uint32_t wide[MAX_BLOCK];
    uint16_t narrow[MAX_BLOCK];
    size_t n = 2 + test_random(&c->random) % (r->max_block - 1);
    bool fits = table_key(r->table).token_bits == 16;

    for (size_t i = 0; i < n; i++) {
        wide[i] = skewed(c, r->n_tokens) * r->step;
        narrow[i] = (uint16_t)wide[i];
    }
    if (test_random(&c->random) % 4 == 0) {
        for (size_t i = 0; i + 1 < n; i++)
            pairs_count_one(a, wide[i], wide[i + 1]);
    } else if (fits && test_random(&c->random) % 2) {
        pairs_count_u16(a, narrow, n);
    } else {
        pairs_count_u32(a, wide, n);
    }
    for (size_t i = 0; i + 1 < n; i++)
        ++*count_of(r, c, wide[i], wide[i + 1]);
}

/* A few additions overflow the field of a small table. */
static void add_large(const struct round *r, struct counter *c, struct table_adder *a)
{
    struct pair_key key = table_key(r->table);
    uint32_t first = skewed(c, r->n_tokens < 4 ? r->n_tokens : 4) * r->step, second = skewed(c, r->n_tokens) * r->step;
    uint64_t count = 1 + (test_random(&c->random) >> (64 - 26));

    table_add(a, pair_key_mix(key, pair_key_pack(key, first, second)), count);
    *count_of(r, c, first, second) += count;
}

static void count_until_deadline(unsigned thread, void *context)
{
    struct round *r = context;
    struct counter *c = &r->counters[thread];
    struct table_adder a = {0};

    while (!c->failed && clock_seconds() < r->deadline) {
        table_enter(r->table, &a, test_random(&c->random) % 100 < r->alone_percent);
        add_run(r, c, &a);
        if (test_random(&c->random) % 100 < r->large_percent)
            add_large(r, c, &a);
        pairs_flush(&a);
        c->failed = table_leave(&a, NULL) != EMX_OK || table_n_used(r->table) > (uint64_t)r->n_tokens * r->n_tokens;
        c->n_blocks++;
    }
    table_adder_finish(&a);
}

/* Take what the table holds off the sum of what the threads have counted; nothing must be left. */
static void check_counts(struct round *r)
{
    size_t n_pairs = (size_t)r->n_tokens * r->n_tokens, wrong = 0, n;
    struct pair_key key = table_key(r->table);
    struct counter *sum = &r->counters[0];
    struct table_cursor cursor = table_cursor_begin(r->table, 0, 1);
    struct table_entry entries[64];

    for (unsigned t = 1; t < N_THREADS; t++) {
        for (size_t i = 0; i < n_pairs; i++)
            sum->counts[i] += r->counters[t].counts[i];
    }
    while ((n = table_cursor_next(&cursor, entries, 64)) > 0) {
        for (size_t i = 0; i < n; i++)
            *count_of(r, sum, (uint32_t)(entries[i].key >> key.token_bits),
                      (uint32_t)(entries[i].key & ((1u << key.token_bits) - 1))) -= entries[i].count;
    }
    n_carried += cursor.carry;
    for (size_t i = 0; i < n_pairs; i++)
        wrong += sum->counts[i] != 0;
    CHECK(wrong == 0);
}

static void make_round(struct round *r, uint64_t *random)
{
    static const uint32_t vocabularies[] = {65536, 65536, 262144, 1 << 24}, tokens[] = {3, 20, 120, MAX_TOKENS};
    uint32_t vocabulary = vocabularies[test_random(random) % 4];

    *r = (struct round){
        .n_tokens = tokens[test_random(random) % 4],
        .alone_percent = (unsigned[]){0, 0, 10, 50}[test_random(random) % 4],
        .large_percent = (unsigned[]){0, 1, 20}[test_random(random) % 3],
        .max_block = (size_t[]){40, 300, MAX_BLOCK}[test_random(random) % 3],
    };
    r->step = vocabulary / r->n_tokens;
    for (unsigned t = 0; t < N_THREADS; t++) {
        r->counters[t].random = test_random(random);
        r->counters[t].counts = calloc((size_t)r->n_tokens * r->n_tokens, sizeof(uint64_t));
        if (!r->counters[t].counts)
            abort();
    }
    CHECK(table_create(pair_key_for(vocabulary), 0, &regions, &r->table, NULL) == EMX_OK);
}

static void run_round(uint64_t *random, struct placement *p, double seconds)
{
    struct round *r = malloc(sizeof(*r));
    struct threads threads;
    const char *reason = "none";

    make_round(r, random);
    r->deadline = clock_seconds() + seconds;
    CHECK(threads_start(&threads, p, count_until_deadline, r, NULL) == EMX_OK);
    threads_join(&threads);
    CHECK(table_validate(r->table, &reason));
    if (reason)
        printf("invalid: %s\n", reason);
    check_counts(r);
    for (unsigned t = 0; t < N_THREADS; t++) {
        CHECK(!r->counters[t].failed);
        n_blocks += r->counters[t].n_blocks;
        free(r->counters[t].counts);
    }
    table_destroy(&r->table);
    free(r);
}

static double seconds_to_run;

static void threads_that_crowd_a_growing_table_count_exactly(void)
{
    uint64_t random = test_seed();
    double deadline = clock_seconds() + seconds_to_run;
    struct placement *p;

    if (placement_create(NULL, N_THREADS, false, &p, NULL))
        abort();
    regions_init(&regions, &plenty);
    do {
        run_round(&random, p, 0.5 / (1 + (double)(n_rounds % 25)));
        n_rounds++;
    } while (clock_seconds() < deadline && !test_checks_failed);
    regions_finish(&regions);
    placement_destroy(&p);
    CHECK(plenty.used == 0);
    printf("%" PRIu64 " rounds, %" PRIu64 " blocks, %" PRIu64 " places for overflow\n", n_rounds, n_blocks, n_carried);
}

int main(int argc, char **argv)
{
    const char *seconds = argc > 1 ? argv[1] : getenv("STRESS_SECONDS");

    seconds_to_run = seconds ? strtod(seconds, NULL) : 3;
    RUN(threads_that_crowd_a_growing_table_count_exactly);
    return test_summary();
}
