#include "memory.h"

#include "explore.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    ARENA_BYTES = 64 << 10,
    ARENAS = MAX_THREADS + 1, /* the last for before and after */
    HEADER_BYTES = 64,
    WORDS = ARENAS * ARENA_BYTES / 8,
    MUTEXES = 4,
};

enum access { PLAIN, ATOMIC };

/* When each thread last touched a word, by its own clock; 0: never. */
struct word {
    uint64_t execution; /* of another one: never touched */
    uint32_t read[2][MAX_THREADS], wrote[2][MAX_THREADS];
};

enum planted_bug planted_bug;

static _Alignas(64) unsigned char arenas[ARENAS][ARENA_BYTES];
static size_t used[ARENAS];
static uint64_t execution;
static struct word words[WORDS];
static uint32_t clocks[MAX_THREADS][MAX_THREADS], released[MUTEXES][MAX_THREADS];

/* --- arenas ----------------------------------------------------------------------------------------- */

void memory_reset(void)
{
    execution++;
    memset(used, 0, sizeof(used));
    memset(clocks, 0, sizeof(clocks));
    memset(released, 0, sizeof(released));
    for (unsigned t = 0; t < MAX_THREADS; t++)
        clocks[t][t] = 1;
}

void *memory_take(size_t n_bytes)
{
    int thread = running_thread();
    size_t arena = thread < 0 ? MAX_THREADS : (size_t)thread;
    size_t n = HEADER_BYTES + (n_bytes + 63) / 64 * 64;
    unsigned char *p = arenas[arena] + used[arena];

    if (n > ARENA_BYTES - used[arena]) {
        execution_failed("more memory than the model has");
        return NULL;
    }
    used[arena] += n;
    memcpy(p, &n_bytes, sizeof(n_bytes));
    return p + HEADER_BYTES;
}

size_t memory_size(const void *p)
{
    size_t n_bytes;

    memcpy(&n_bytes, (const unsigned char *)p - HEADER_BYTES, sizeof(n_bytes));
    return n_bytes;
}

void memory_give(void *p)
{
    if (p)
        memory_write(p, memory_size(p)); /* who touches it later races with this */
}

/* --- races ------------------------------------------------------------------------------------------ */

void memory_acquire(unsigned thread, size_t mutex)
{
    for (unsigned u = 0; u < MAX_THREADS; u++) {
        if (clocks[thread][u] < released[mutex][u])
            clocks[thread][u] = released[mutex][u];
    }
}

void memory_release(unsigned thread, size_t mutex)
{
    memcpy(released[mutex], clocks[thread], sizeof(released[mutex]));
    clocks[thread][thread]++;
}

static bool unordered(const uint32_t *times, unsigned thread)
{
    for (unsigned u = 0; u < MAX_THREADS; u++) {
        if (u != thread && times[u] > clocks[thread][u])
            return true;
    }
    return false;
}

static void touch_word(struct word *w, unsigned thread, enum access access, bool write)
{
    bool race;

    if (w->execution != execution)
        *w = (struct word){.execution = execution};
    race = unordered(w->wrote[PLAIN], thread) || (access == PLAIN && unordered(w->wrote[ATOMIC], thread));
    if (write)
        race |= unordered(w->read[PLAIN], thread) || (access == PLAIN && unordered(w->read[ATOMIC], thread));
    if (race)
        execution_failed("two threads touch a word, and nothing orders them");
    (write ? w->wrote : w->read)[access][thread] = clocks[thread][thread];
}

static void touch(const void *p, size_t n_bytes, enum access access, bool write)
{
    size_t at = (size_t)((const unsigned char *)p - arenas[0]); /* huge for what is below */
    int thread = running_thread();

    if (thread < 0 || at >= sizeof(arenas) || !n_bytes)
        return;
    for (size_t i = at / 8; i <= (at + n_bytes - 1) / 8 && i < WORDS; i++)
        touch_word(&words[i], (unsigned)thread, access, write);
}

void memory_read(const void *p, size_t n_bytes)
{
    touch(p, n_bytes, PLAIN, false);
}

void memory_write(const void *p, size_t n_bytes)
{
    touch(p, n_bytes, PLAIN, true);
}

/* --- atomic operations ------------------------------------------------------------------------------ */

#define OVERFLOW_MARK (UINT64_C(1) << 63)

static uint64_t load(volatile uint64_t *p)
{
    operation(OP_LOAD, (const void *)p);
    touch((const void *)p, sizeof(*p), ATOMIC, false);
    return *p;
}

static void store(volatile uint64_t *p, uint64_t value)
{
    operation(OP_STORE, (const void *)p);
    touch((const void *)p, sizeof(*p), ATOMIC, true);
    *p = value;
}

static uint64_t add(volatile uint64_t *p, uint64_t amount)
{
    uint64_t before;

    if (planted_bug == ADD_IN_TWO_STEPS) {
        before = load(p);
        store(p, before + amount);
        return before;
    }
    operation(OP_ADD, (const void *)p);
    touch((const void *)p, sizeof(*p), ATOMIC, true);
    before = *p;
    *p = before + amount;
    return before;
}

static bool exchange_in_two_steps(volatile uint64_t *p, uint64_t *expected, uint64_t value)
{
    uint64_t found = load(p);

    if (found != *expected) {
        *expected = found;
        return false;
    }
    store(p, value);
    return true;
}

static bool exchange(volatile uint64_t *p, uint64_t *expected, uint64_t value)
{
    if (planted_bug == EXCHANGE_IN_TWO_STEPS)
        return exchange_in_two_steps(p, expected, value);
    operation(OP_EXCHANGE, (const void *)p);
    touch((const void *)p, sizeof(*p), ATOMIC, true);
    if (*p == *expected) {
        *p = value;
        return true;
    }
    operation_only_read();
    if (planted_bug == LOSER_READS_NOTHING && *expected == 0)
        return false;
    if (planted_bug == DRAINED_BY_BOTH && *expected & OVERFLOW_MARK)
        return true;
    *expected = *p;
    return false;
}

/* --- what the compiler calls ------------------------------------------------------------------------ */

typedef volatile uint64_t atomic_word;

uint64_t __tsan_atomic64_load(const atomic_word *p, int order);
void __tsan_atomic64_store(atomic_word *p, uint64_t value, int order);
uint64_t __tsan_atomic64_fetch_add(atomic_word *p, uint64_t amount, int order);
int __tsan_atomic64_compare_exchange_strong(atomic_word *p, uint64_t *expected, uint64_t value, int order, int failure);
int __tsan_atomic64_compare_exchange_weak(atomic_word *p, uint64_t *expected, uint64_t value, int order, int failure);
uint64_t __tsan_atomic64_compare_exchange_val(atomic_word *p, uint64_t expected, uint64_t value, int order,
                                              int failure);

uint64_t __tsan_atomic64_load(const atomic_word *p, int order)
{
    (void)order;
    return load((atomic_word *)p);
}

void __tsan_atomic64_store(atomic_word *p, uint64_t value, int order)
{
    (void)order;
    store(p, value);
}

uint64_t __tsan_atomic64_fetch_add(atomic_word *p, uint64_t amount, int order)
{
    (void)order;
    return add(p, amount);
}

int __tsan_atomic64_compare_exchange_strong(atomic_word *p, uint64_t *expected, uint64_t value, int order, int failure)
{
    (void)order;
    (void)failure;
    return exchange(p, expected, value);
}

int __tsan_atomic64_compare_exchange_weak(atomic_word *p, uint64_t *expected, uint64_t value, int order, int failure)
{
    (void)order;
    (void)failure;
    return exchange(p, expected, value);
}

uint64_t __tsan_atomic64_compare_exchange_val(atomic_word *p, uint64_t expected, uint64_t value, int order, int failure)
{
    (void)order;
    (void)failure;
    exchange(p, &expected, value); /* which leaves in expected what was found */
    return expected;
}

void __tsan_init(void);
void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);

void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller)
{
    (void)caller;
}

void __tsan_func_exit(void)
{
}

#define PLAIN_ACCESS(name, n_bytes, write)                                                                             \
    void __tsan_##name(void *p);                                                                                       \
    void __tsan_##name(void *p)                                                                                        \
    {                                                                                                                  \
        touch(p, n_bytes, PLAIN, write);                                                                               \
    }
PLAIN_ACCESS(read1, 1, false)
PLAIN_ACCESS(read2, 2, false)
PLAIN_ACCESS(read4, 4, false)
PLAIN_ACCESS(read8, 8, false)
PLAIN_ACCESS(read16, 16, false)
PLAIN_ACCESS(unaligned_read2, 2, false)
PLAIN_ACCESS(unaligned_read4, 4, false)
PLAIN_ACCESS(unaligned_read8, 8, false)
PLAIN_ACCESS(unaligned_read16, 16, false)
PLAIN_ACCESS(write1, 1, true)
PLAIN_ACCESS(write2, 2, true)
PLAIN_ACCESS(write4, 4, true)
PLAIN_ACCESS(write8, 8, true)
PLAIN_ACCESS(write16, 16, true)
PLAIN_ACCESS(unaligned_write2, 2, true)
PLAIN_ACCESS(unaligned_write4, 4, true)
PLAIN_ACCESS(unaligned_write8, 8, true)
PLAIN_ACCESS(unaligned_write16, 16, true)

#define PLAIN_RANGE(name, write)                                                                                       \
    void __tsan_##name(void *p, size_t n_bytes);                                                                       \
    void __tsan_##name(void *p, size_t n_bytes)                                                                        \
    {                                                                                                                  \
        touch(p, n_bytes, PLAIN, write);                                                                               \
    }
PLAIN_RANGE(read_range, false)
PLAIN_RANGE(write_range, true)
