/*
 * test_table_model.c - src/count/table.c under all interleavings of its threads
 *
 * The code that is checked is the code that ships: table.c is compiled once more, with -fsanitize=thread, so that the
 * compiler reports each access to memory to memory.c, and with mutexes, conditions and allocation from the model.
 * A scenario is a tiny table, what it holds, and what two or three threads add to it in which blocks.  explore.c
 * runs it in all orders of atomic accesses and of critical sections (up to orders of independent ones, which end
 * alike). Each execution must end (no deadlock, no loop), have no data race, leave a table that table_validate()
 * accepts, and count each key exactly.  Then bugs are planted, one at a time, and the same scenarios must find each.
 *
 * Interleavings are sequentially consistent, although all atomic operations of the table are relaxed.  That loses
 * nothing: a search reads many slots, but what it does is decided by one at a time, and the operations on one word have
 * one order that all threads agree on (coherence; C11 5.1.2.4), in which every exchange and every addition takes the
 * newest value.  An older value that a relaxed load may return is an empty slot, which the exchange corrects, or a
 * smaller count under the same tag, as tags never change.  What else threads share is guarded by the mutex, and that
 * this is so is checked: two accesses that are not both atomic must be ordered by it.
 *
 * MODEL_DEEP=1 in the environment adds larger scenarios (minutes).
 */
#include "../test.h"
#include "explore.h"
#include "memory.h"
#include "table_under_model.h"
#include "util/clock.h"

enum { MAX_FILLED = 24, MAX_BLOCKS = 3, MAX_ADDITIONS = 4, KEY_BITS = 32 };

struct addition {
    uint64_t hash, count;
};

struct block {
    bool alone;
    struct addition add[MAX_ADDITIONS]; /* as far as counts are not 0 */
};

struct scenario {
    const char *name;
    unsigned lines_log2;
    unsigned n_filled; /* keys FILLED(i) that are there already */
    unsigned n_threads;
    uint64_t limit; /* of the budget, in lines; 0: none */
    bool deep;
    bool overlook;          /* a planted bug: growth overlooks those inside */
    uint64_t near_overflow; /* KEY_A begins with so much less than half the field */
    struct block blocks[MAX_THREADS - 1][MAX_BLOCKS];
};

/* A key by its line in a table of 16 lines, a number, and its first slot. */
#define KEY(line, number, slot) ((uint64_t)(line) << (KEY_BITS - 4) | (uint64_t)(number) << 3 | (slot))
#define FILLED(i) KEY((i)*5 % 16, 100 + (i), (i) % 8)
#define KEY_A KEY(1, 1, 6)
#define KEY_B KEY(9, 2, 6)
#define KEY_C KEY(3, 3, 7)
#define KEY_D KEY(14, 4, 5)
#define ADD(...)                                                                                                       \
    {                                                                                                                  \
        .add = { __VA_ARGS__ }                                                                                         \
    }
#define ADD_ALONE(...)                                                                                                 \
    {                                                                                                                  \
        .alone = true, .add = { __VA_ARGS__ }                                                                          \
    }

static const struct scenario scenarios[] = {
    {.name = "two threads add the same new key, and another that begins in its slot",
     .n_threads = 2,
     .blocks = {{ADD({KEY_A, 1}, {KEY_B, 1})}, {ADD({KEY_B, 1}, {KEY_A, 1})}}},
    {.name = "three threads add the same new key",
     .n_threads = 3,
     .blocks = {{ADD({KEY_A, 1})}, {ADD({KEY_A, 2})}, {ADD({KEY_A, 3})}}},
    {.name = "a count overflows while others add to it",
     .n_threads = 2,
     .near_overflow = 1,
     .blocks = {{ADD({KEY_A, 1}, {KEY_A, 1})}, {ADD({KEY_A, 2}, {KEY_A, 1})}}},
    {.name = "a line becomes too full and the table grows",
     .n_filled = 5,
     .n_threads = 2,
     .blocks = {{ADD({KEY_A, 1}), ADD({FILLED(0), 1})}, {ADD({KEY_B, 1}, {KEY_A, 1}), ADD({FILLED(1), 1})}}},
    {.name = "keys find no room and are added after growth",
     .n_filled = 5,
     .n_threads = 2,
     .blocks = {{ADD({KEY_A, 1}, {KEY_C, 1}, {KEY_B, 1})}, {ADD({KEY_D, 1}, {KEY_A, 1})}}},
    {.name = "a key overflows, the table grows, the key goes on",
     .n_filled = 4,
     .n_threads = 2,
     .near_overflow = 1,
     .blocks = {{ADD({KEY_B, 1}, {KEY_A, 1})}, {ADD({KEY_A, 1}), ADD({KEY_A, 1})}}},
    {.name = "several threads move the lines of a larger table",
     .lines_log2 = 2,
     .n_filled = 20,
     .n_threads = 2,
     .blocks = {{ADD({KEY_A, 1})}, {ADD({KEY_A, 1}), ADD({FILLED(2), 1})}}},
    {.name = "three threads, growth by the last one out",
     .n_filled = 5,
     .n_threads = 3,
     .blocks = {{ADD({KEY_A, 1})}, {ADD({KEY_A, 1})}, {ADD({FILLED(0), 1})}}},
    {.name = "one thread alone, another shares, and the table grows",
     .n_filled = 5,
     .n_threads = 2,
     .blocks = {{ADD_ALONE({KEY_A, 1}, {KEY_B, 1}), ADD({KEY_A, 1})}, {ADD({KEY_A, 1}), ADD_ALONE({KEY_B, 1})}}},
    {.name = "two threads take turns alone, a third shares",
     .n_filled = 5,
     .n_threads = 3,
     .blocks = {{ADD_ALONE({KEY_A, 1})}, {ADD_ALONE({KEY_A, 1})}, {ADD({KEY_A, 1})}}},
    {.name = "no memory to grow",
     .n_filled = 8,
     .n_threads = 2,
     .limit = 1,
     .blocks = {{ADD({KEY_A, 1}), ADD({KEY_A, 1})}, {ADD({FILLED(0), 1}, {KEY_A, 1})}}},
    {.name = "two threads see a count overflow, a third adds",
     .n_threads = 3,
     .near_overflow = 1,
     .blocks = {{ADD({KEY_A, 1})}, {ADD({KEY_A, 1})}, {ADD({KEY_A, 1})}}},
    {.name = "three threads fill a line beyond its room",
     .n_filled = 6,
     .n_threads = 3,
     .deep = true,
     .blocks = {{ADD({KEY_A, 1}, {KEY_B, 1})}, {ADD({KEY_A, 1}, {KEY_C, 1})}, {ADD({KEY_C, 1}, {KEY_A, 1})}}},
    {.name = "three threads move the lines of a larger table",
     .lines_log2 = 2,
     .n_filled = 20,
     .n_threads = 3,
     .deep = true,
     .blocks = {{ADD({KEY_A, 1}), ADD({KEY_B, 1})}, {ADD({KEY_A, 1})}, {ADD({FILLED(2), 1})}}},
};
enum { N_SCENARIOS = sizeof(scenarios) / sizeof(*scenarios) };

/* What happened in some execution of some scenario: that all of it did is checked, too. */
static struct {
    uint64_t grown, moved_by_several, spilled, overflowed, refused;
} seen;

struct running {
    const struct scenario *scenario;
    struct budget budget;
    struct regions regions;
    struct table *table;
    unsigned movers; /* set of threads */
    uint64_t steps_taken;
    bool refused;
    uint64_t not_counted; /* by blocks that were refused memory: at most */
};

static uint64_t half_field(const struct scenario *s)
{
    return UINT64_C(1) << (63 - (KEY_BITS - s->lines_log2 + DISTANCE_BITS));
}

static void add_block(struct running *r, struct table_adder *a, const struct block *b)
{
    struct emx_error err;

    table_enter(r->table, a, b->alone);
    if (r->scenario->overlook)
        table_overlook(r->table);
    for (size_t i = 0; i < MAX_ADDITIONS && b->add[i].count; i++)
        table_add(a, b->add[i].hash, b->add[i].count);
    if (r->scenario->overlook)
        table_remember(r->table);
    seen.spilled += a->n_spill != 0;
    if (table_leave(a, &err)) {
        r->refused = true;
        for (size_t i = 0; i < a->n_spill; i++)
            r->not_counted += a->spill[i].count;
        a->n_spill = 0;
    }
}

static void thread_main(unsigned thread, void *context)
{
    struct running *r = context;
    struct table_adder a = {0};

    for (size_t i = 0; i < MAX_BLOCKS && r->scenario->blocks[thread][i].add[0].count; i++)
        add_block(r, &a, &r->scenario->blocks[thread][i]);
    table_adder_finish(&a);
}

static void begin(void *context)
{
    struct running *r = context;
    const struct scenario *s = r->scenario;
    struct table_adder a = {0};

    *r = (struct running){.scenario = s, .budget.limit = s->limit ? s->limit * LINE_SLOTS * 8 : UINT64_MAX};
    r->regions.budget = &r->budget;
    if (table_create(pair_key_for(65536), s->lines_log2, &r->regions, &r->table, NULL))
        abort();
    table_enter(r->table, &a, true);
    for (unsigned i = 0; i < s->n_filled; i++)
        table_add(&a, FILLED(i), 1);
    if (s->near_overflow)
        table_add(&a, KEY_A, half_field(s) - s->near_overflow);
    if (table_leave(&a, NULL))
        abort();
    table_adder_finish(&a);
}

static void watch(unsigned thread, void *context)
{
    struct running *r = context;
    uint64_t taken = table_steps_taken(r->table);

    if (taken < r->steps_taken)
        r->movers = 0;
    if (taken != r->steps_taken)
        r->movers |= 1u << thread;
    r->steps_taken = taken;
    seen.moved_by_several += (r->movers & (r->movers - 1)) != 0;
}

static uint64_t expected(const struct scenario *s, uint64_t hash)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < s->n_filled; i++)
        count += FILLED(i) == hash;
    if (s->near_overflow && hash == KEY_A)
        count += half_field(s) - s->near_overflow;
    for (unsigned t = 0; t < s->n_threads; t++) {
        for (size_t i = 0; i < MAX_BLOCKS; i++) {
            for (size_t k = 0; k < MAX_ADDITIONS; k++)
                count += s->blocks[t][i].add[k].hash == hash ? s->blocks[t][i].add[k].count : 0;
        }
    }
    return count;
}

/* Entries of equal keys in one: a count that has overflowed comes in two. */
static size_t read_table(const struct table *t, struct table_entry *ret, size_t cap)
{
    struct table_cursor c = table_cursor_begin(t, 0, 1);
    struct table_entry some[LINE_SLOTS];
    size_t n = 0, k;

    while ((k = table_cursor_next(&c, some, LINE_SLOTS)) > 0) {
        for (size_t i = 0; i < k; i++) {
            size_t at = 0;

            while (at < n && ret[at].key != some[i].key)
                at++;
            if (at == n && n++ < cap)
                ret[at] = (struct table_entry){.key = some[i].key};
            if (at < cap)
                ret[at].count += some[i].count;
        }
    }
    return n;
}

static const char *check_counts(const struct running *r)
{
    struct table_entry entries[MAX_FILLED + 16];
    size_t n = read_table(r->table, entries, MAX_FILLED + 16);
    uint64_t total = 0, sum = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t right = expected(r->scenario, pair_key_mix(table_key(r->table), entries[i].key));

        seen.overflowed += entries[i].count >= half_field(r->scenario);
        sum += entries[i].count;
        if (entries[i].count > right || (entries[i].count < right && !r->refused))
            return "a count is wrong";
    }
    for (unsigned i = 0; i < r->scenario->n_filled; i++)
        total += expected(r->scenario, FILLED(i));
    total += expected(r->scenario, KEY_A) + expected(r->scenario, KEY_B) + expected(r->scenario, KEY_C) +
             expected(r->scenario, KEY_D);
    return sum + r->not_counted == total ? NULL : "a key is not counted, or more than once";
}

static const char *end(void *context)
{
    struct running *r = context;
    const char *wrong;

    seen.grown += r->steps_taken != 0;
    seen.refused += r->refused;
    if (!table_validate(r->table, &wrong))
        return wrong;
    wrong = check_counts(r);
    if (wrong)
        return wrong;
    if (r->refused != (r->scenario->limit != 0))
        return "memory was refused, or was not";
    table_destroy(&r->table);
    return atomic_load(&r->budget.used) ? "memory is lost" : NULL;
}

static void explore_scenario(const struct scenario *s, struct explored *ret)
{
    struct running running = {.scenario = s};
    struct program p = {s->n_threads, begin, thread_main, watch, end, &running, false};

    explore(&p, s->deep ? UINT64_C(100000000) : 3000000, ret);
}

static bool deep(void)
{
    const char *value = getenv("MODEL_DEEP");

    return value && strcmp(value, "1") == 0;
}

static void every_interleaving_counts_exactly(void)
{
    for (size_t i = 0; i < N_SCENARIOS; i++) {
        double started = clock_seconds();
        struct explored e;

        if (scenarios[i].deep && !deep())
            continue;
        explore_scenario(&scenarios[i], &e);
        printf("%8" PRIu64 " executions (%" PRIu64 " cut), up to %zu operations, %.2f s: %s\n", e.n_executions, e.n_cut,
               e.longest, clock_seconds() - started, scenarios[i].name);
        if (e.failed)
            printf("%s\n", e.reason);
        CHECK(!e.failed);
        CHECK(e.all);
    }
}

static void everything_that_can_happen_happened(void)
{
    CHECK(seen.grown);
    CHECK(seen.moved_by_several);
    CHECK(seen.spilled);
    CHECK(seen.overflowed);
    CHECK(seen.refused);
}

/* One scenario after the other, until one sees the bug. */
static void find(const char *bug, bool overlook)
{
    uint64_t n_executions = 0;
    struct explored e = {0};
    size_t i = 0;

    for (; i < N_SCENARIOS && !e.failed; i++) {
        struct scenario s = scenarios[i];

        s.overlook = overlook;
        if (s.deep && !deep())
            continue;
        explore_scenario(&s, &e);
        n_executions += e.n_executions;
    }
    CHECK(e.failed);
    if (e.failed)
        printf("bug: %s\n    found in execution %" PRIu64 ", in \"%s\"\n    %s\n", bug, n_executions,
               scenarios[i - 1].name, e.reason);
}

static void planted_bugs_are_found(void)
{
    static const char *const names[] = {
        [EXCHANGE_IN_TWO_STEPS] = "compare-and-swap in two steps",
        [ADD_IN_TWO_STEPS] = "addition in two steps",
        [LOSER_READS_NOTHING] = "the loser of a slot goes on with what it had read before",
        [DRAINED_BY_BOTH] = "overflow drained twice",
        [NOBODY_WAKES] = "the last one out wakes nobody",
    };

    for (planted_bug = NO_BUG + 1; planted_bug <= NOBODY_WAKES; planted_bug++)
        find(names[planted_bug], false);
    planted_bug = NO_BUG;
    find("growth while a thread is inside", true);
}

int main(void)
{
    RUN(every_interleaving_counts_exactly);
    RUN(everything_that_can_happen_happened);
    RUN(planted_bugs_are_found);
    return test_summary();
}
