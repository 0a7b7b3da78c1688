/*
 * test_table_model.c - src/count/table*.c under all interleavings of its threads
 *
 * The code that is checked is the code that ships: it is compiled once more, with -fsanitize=thread, so that the
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
 * MODEL_DEEP=N in the environment adds larger scenarios, each up to N million executions (some 10 seconds a million).
 */
#include "../test.h"
#include "count/pairs.h"
#include "explore.h"
#include "memory.h"
#include "scenarios.h"
#include "table_under_model.h"
#include "util/clock.h"

/* What happened in some execution of some scenario: that all of it did is checked, too. */
static struct {
    uint64_t grown_by_one, moved_by_several, moved_late, spilled, overflowed, refused, made_small;
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

enum { NEVER_SMALL = 64, ALWAYS_SMALL = 0 }; /* bits that a count must have in a small slot */

static uint64_t half_field(const struct scenario *s)
{
    return UINT64_C(1) << ((s->slots == SMALL ? 31 : 63) - (KEY_BITS - s->lines_log2 + PROBE_BITS));
}

static void add_by_table(struct table_adder *a, const struct block *b)
{
    for (size_t i = 0; i < MAX_ADDITIONS && b->add[i].count; i++)
        table_add(a, b->add[i].hash, b->add[i].count);
}

/* As if these had come to the ring. */
static void add_by_kernel(struct table_adder *a, const struct block *b)
{
    for (size_t n = 0; n < MAX_ADDITIONS && b->add[n].count; n++)
        a->ring[a->n_ring++] = b->alone ? b->add[n].hash : b->add[n].hash << (64 - a->view.key.bits) | b->add[n].count;
    pairs_kernel_plain.flush(a);
}

static void add_block(struct running *r, struct table_adder *a, const struct block *b)
{
    struct emx_error err;

    table_enter(r->table, a, b->alone);
    seen.moved_late += a->n_spill != 0;
    if (r->scenario->overlook)
        table_overlook(r->table);
    if (b->kernel)
        add_by_kernel(a, b);
    else
        add_by_table(a, b);
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

/* So that the whole count is in the field: at once it would be carried. */
static void fill_field(struct table_adder *a, uint64_t hash, const struct scenario *s)
{
    uint64_t most = half_field(s) / 2 - 1, left = half_field(s) - s->near_overflow;

    for (; left > most; left -= most)
        table_add(a, hash, most);
    table_add(a, hash, left);
}

static void begin(void *context)
{
    struct running *r = context;
    const struct scenario *s = r->scenario;
    const struct pair_key key = {KEY_BITS / 2, KEY_BITS, (1 << KEY_BITS) - 1};
    struct table_adder a = {0};

    *r = (struct running){.scenario = s, .budget.limit = s->limit ? s->limit * LINE_WORDS * 8 : UINT64_MAX};
    r->regions.budget = &r->budget;
    table_small_count_bits = s->slots == SMALL ? ALWAYS_SMALL : NEVER_SMALL;
    if (table_create(key, s->lines_log2, &r->regions, &r->table, NULL))
        abort();
    table_small_count_bits = s->slots == LARGE ? NEVER_SMALL : ALWAYS_SMALL;
    table_enter(r->table, &a, true);
    for (unsigned i = 0; i < s->n_filled; i++)
        table_add(&a, FILLED(i), 1);
    for (unsigned c = 0; c < 2; c++) {
        for (unsigned i = 0; i < s->crowds[c].n; i++)
            table_add(&a, CROWDED(s, c, i), 1);
    }
    if (s->near_overflow) {
        fill_field(&a, KEY_A, s);
        fill_field(&a, KEY_B, s);
    }
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
    for (unsigned c = 0; c < 2; c++) {
        for (unsigned i = 0; i < s->crowds[c].n; i++)
            count += CROWDED(s, c, i) == hash;
    }
    if (s->near_overflow && (hash == KEY_A || hash == KEY_B))
        count += half_field(s) - s->near_overflow;
    for (unsigned t = 0; t < s->n_threads; t++) {
        for (size_t i = 0; i < MAX_BLOCKS * MAX_ADDITIONS; i++) {
            const struct addition *a = &s->blocks[t][i / MAX_ADDITIONS].add[i % MAX_ADDITIONS];

            count += a->hash == hash ? a->count : 0;
        }
    }
    return count;
}

/* Entries of equal keys in one: a count that has overflowed comes in two. */
static size_t read_table(const struct table *t, struct table_entry *ret, size_t cap)
{
    struct table_cursor c = table_cursor_begin(t, 0, 1);
    struct table_entry some[MOST_LINE_SLOTS];
    size_t n = 0, k;

    while ((k = table_cursor_next(&c, some, MOST_LINE_SLOTS)) > 0) {
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

/* All that was to be counted. */
static uint64_t expected_total(const struct scenario *s)
{
    uint64_t total =
        s->n_filled + s->crowds[0].n + s->crowds[1].n + (s->near_overflow ? 2 * (half_field(s) - s->near_overflow) : 0);

    for (unsigned t = 0; t < s->n_threads; t++) {
        for (size_t i = 0; i < MAX_BLOCKS * MAX_ADDITIONS; i++)
            total += s->blocks[t][i / MAX_ADDITIONS].add[i % MAX_ADDITIONS].count;
    }
    return total;
}

static const char *check_counts(const struct running *r)
{
    struct table_entry entries[MAX_KEYS];
    size_t n = read_table(r->table, entries, MAX_KEYS);
    uint64_t sum = 0;

    for (size_t i = 0; i < n && i < MAX_KEYS; i++) {
        uint64_t right = expected(r->scenario, pair_key_mix(table_key(r->table), entries[i].key));

        seen.overflowed += entries[i].count >= half_field(r->scenario);
        sum += entries[i].count;
        if (entries[i].count > right || (entries[i].count < right && !r->refused))
            return "a count is wrong";
    }
    return sum + r->not_counted == expected_total(r->scenario) ? NULL : "a key is not counted, or more than once";
}

static struct table_view view_of(struct table *t)
{
    struct table_adder a = {0};

    table_enter(t, &a, true);
    if (table_leave(&a, NULL))
        abort();
    return a.view;
}

static const char *end(void *context)
{
    struct running *r = context;
    const char *wrong;

    seen.refused += r->refused;
    if (!table_validate(r->table, &wrong))
        return wrong;
    wrong = check_counts(r);
    if (wrong)
        return wrong;
    if (r->refused != (r->scenario->limit != 0))
        return "memory was refused, or was not";
    seen.grown_by_one += (r->movers & (r->movers - 1)) == 0 && view_of(r->table).n_lines_log2 > r->scenario->lines_log2;
    seen.made_small += r->scenario->slots == SMALL_AFTER_GROWTH && view_of(r->table).small;
    table_destroy(&r->table);
    return atomic_load(&r->budget.used) ? "memory is lost" : NULL;
}

/* Executions for each of the deep scenarios: millions by MODEL_DEEP. */
static uint64_t deep_executions(void)
{
    const char *value = getenv("MODEL_DEEP");

    return value ? strtoull(value, NULL, 10) * 1000000 : 0;
}

static void explore_scenario(const struct scenario *s, struct explored *ret)
{
    struct running running = {.scenario = s};
    struct program p = {s->n_threads, begin, thread_main, watch, end, &running, false};

    explore(&p, s->deep ? deep_executions() : 3000000, ret);
}

static void every_interleaving_counts_exactly(void)
{
    for (size_t i = 0; i < N_SCENARIOS; i++) {
        const struct scenario *s = &scenarios[i];
        double started = clock_seconds();
        struct explored e;

        if (s->deep && !deep_executions())
            continue;
        explore_scenario(s, &e);
        printf("%8" PRIu64 " executions%s, up to %zu operations, %.2f s: %s\n", e.n_executions,
               e.all ? "" : ", not all", e.longest, clock_seconds() - started, s->name);
        if (e.failed)
            printf("%s\n", e.reason);
        fflush(stdout);
        CHECK(!e.failed);
        CHECK(e.all || s->deep);
    }
}

static void everything_that_can_happen_happened(void)
{
    CHECK(seen.grown_by_one);
    CHECK(seen.moved_by_several);
    CHECK(seen.moved_late);
    CHECK(seen.spilled);
    CHECK(seen.overflowed);
    CHECK(seen.refused);
    CHECK(seen.made_small);
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
        if (s.deep && !deep_executions())
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
