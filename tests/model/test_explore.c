/* The explorer itself: its reduction loses no outcome of small random programs, and it sees races and deadlocks. */
#include "../test.h"
#include "explore.h"
#include "memory.h"

enum { N_THREADS = 3, MAX_STEPS = 4, WORDS = 2, MAX_OUTCOMES = 50000 };

enum step { LOAD, STORE, ADD, EXCHANGE, LOCKED, N_STEPS };

static struct {
    unsigned n_threads;
    size_t n_steps[N_THREADS];
    enum step step[N_THREADS][MAX_STEPS];
    unsigned word[N_THREADS][MAX_STEPS];
    bool wait; /* all but the last thread wait for the last */
} small;

static uint64_t shared[WORDS], guarded, outcome[N_THREADS];
static bool flag;
static const char mutex, condition;

static struct {
    uint64_t *found;
    size_t n;
} outcomes[2], *collecting;

static void begin(void *context)
{
    (void)context;
    memset(shared, 0, sizeof(shared));
    memset(outcome, 0, sizeof(outcome));
    guarded = 0;
    flag = false;
}

static uint64_t exchange_if_zero(uint64_t *p, uint64_t value)
{
    uint64_t before = *p;

    operation(OP_EXCHANGE, p);
    before = *p;
    if (before)
        operation_only_read();
    else
        *p = value;
    return before;
}

static uint64_t do_step(enum step step, uint64_t *p, uint64_t value)
{
    uint64_t before = 0;

    switch (step) {
    case LOAD:
        operation(OP_LOAD, p);
        return *p;
    case STORE:
        operation(OP_STORE, p);
        *p = value;
        return 0;
    case ADD:
        operation(OP_ADD, p);
        before = *p;
        *p += value;
        return before;
    case EXCHANGE:
        return exchange_if_zero(p, value);
    default:
        lock(&mutex);
        before = guarded;
        guarded = 3 * guarded + value;
        operation(OP_ADD, p); /* held over an operation */
        *p += guarded;
        unlock(&mutex);
        return before;
    }
}

static void meet(unsigned thread)
{
    lock(&mutex);
    if (thread == small.n_threads - 1) {
        flag = true;
        wake_all(&condition);
    }
    while (!flag)
        wait_for(&condition, &mutex);
    outcome[thread] = outcome[thread] * 1000003 + guarded;
    unlock(&mutex);
}

static void thread_main(unsigned thread, void *context)
{
    (void)context;
    for (size_t i = 0; i < small.n_steps[thread]; i++) {
        uint64_t value = do_step(small.step[thread][i], &shared[small.word[thread][i]], 1 + thread + 10 * i);

        outcome[thread] = outcome[thread] * 1000003 + value + 1;
    }
    if (small.wait)
        meet(thread);
}

static void watch(unsigned thread, void *context)
{
    (void)thread;
    (void)context;
}

static const char *end(void *context)
{
    uint64_t all = guarded;

    (void)context;
    for (unsigned i = 0; i < N_THREADS; i++)
        all = (all ^ outcome[i]) * UINT64_C(0x9E3779B97F4A7C15);
    for (unsigned i = 0; i < WORDS; i++)
        all = (all ^ shared[i]) * UINT64_C(0x9E3779B97F4A7C15);
    if (collecting->n < MAX_OUTCOMES)
        collecting->found[collecting->n++] = all;
    return NULL;
}

static int order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void sort_distinct(void)
{
    size_t n = 0;

    qsort(collecting->found, collecting->n, sizeof(uint64_t), order);
    for (size_t i = 0; i < collecting->n; i++) {
        if (n == 0 || collecting->found[n - 1] != collecting->found[i])
            collecting->found[n++] = collecting->found[i];
    }
    collecting->n = n;
}

static uint64_t explore_small(bool every_order)
{
    const struct program p = {small.n_threads, begin, thread_main, watch, end, NULL, every_order};
    struct explored e;

    collecting = &outcomes[every_order];
    collecting->n = 0;
    explore(&p, MAX_OUTCOMES, &e);
    if (e.failed)
        printf("%s\n", e.reason);
    CHECK(!e.failed && e.all);
    sort_distinct();
    return e.n_executions;
}

static void make_small(uint64_t *random)
{
    small.n_threads = 2 + (unsigned)(test_random(random) % 2);
    small.wait = test_random(random) % 3 == 0;
    for (unsigned t = 0; t < small.n_threads; t++) {
        small.n_steps[t] = 1 + test_random(random) % (small.n_threads == 2 ? MAX_STEPS : small.wait ? 1 : 2);
        for (size_t i = 0; i < small.n_steps[t]; i++) {
            small.step[t][i] = (enum step)(test_random(random) % N_STEPS);
            small.word[t][i] = (unsigned)(test_random(random) % WORDS);
        }
    }
}

static void reduction_loses_no_outcome(void)
{
    uint64_t random = test_seed(), n_reduced = 0, n_every = 0;

    for (int i = 0; i < 2; i++)
        outcomes[i].found = malloc(MAX_OUTCOMES * sizeof(uint64_t));
    for (int i = 0; i < test_rounds(400); i++) {
        make_small(&random);
        n_reduced += explore_small(false);
        n_every += explore_small(true);
        CHECK(outcomes[0].n == outcomes[1].n);
        CHECK(memcmp(outcomes[0].found, outcomes[1].found, outcomes[0].n * sizeof(uint64_t)) == 0);
    }
    CHECK(n_reduced < n_every);
    printf("%" PRIu64 " executions instead of %" PRIu64 "\n", n_reduced, n_every);
    for (int i = 0; i < 2; i++)
        free(outcomes[i].found);
}

static const char other_mutex;

static void lock_both(unsigned thread, void *context)
{
    (void)context;
    lock(thread ? &mutex : &other_mutex);
    lock(thread ? &other_mutex : &mutex);
    unlock(&mutex);
    unlock(&other_mutex);
}

static uint64_t *word;

static void begin_with_word(void *context)
{
    (void)context;
    word = memory_take(sizeof(*word));
}

/* Plain or atomic, under the mutex or not. */
static void touch_word(unsigned thread, void *context)
{
    const char *how = context;

    if (how[thread] == 'm')
        lock(&mutex);
    if (how[thread] == 'a')
        operation(OP_STORE, word);
    else
        memory_write(word, sizeof(*word));
    if (how[thread] == 'm')
        unlock(&mutex);
}

static const char *nothing_wrong(void *context)
{
    (void)context;
    return NULL;
}

static bool is_found(void (*thread)(unsigned, void *), const char *how, const char *reason)
{
    char context[3];
    const struct program p = {2, begin_with_word, thread, watch, nothing_wrong, strcpy(context, how), false};
    struct explored e;

    explore(&p, MAX_OUTCOMES, &e);
    CHECK(e.failed || e.all);
    return e.failed && strstr(e.reason, reason);
}

static void deadlocks_and_races_are_seen(void)
{
    CHECK(is_found(lock_both, "", "deadlock"));
    CHECK(is_found(touch_word, "pp", "two threads touch a word"));
    CHECK(is_found(touch_word, "mp", "two threads touch a word"));
    CHECK(!is_found(touch_word, "mm", ""));
    CHECK(!is_found(touch_word, "aa", ""));
}

int main(void)
{
    RUN(reduction_loses_no_outcome);
    RUN(deadlocks_and_races_are_seen);
    return test_summary();
}
