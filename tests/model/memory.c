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

/* A word of n_bytes, 4 or 8. */
static uint64_t peek(const volatile void *p, size_t n_bytes)
{
    return n_bytes == 4 ? *(const volatile uint32_t *)p : *(const volatile uint64_t *)p;
}

static void poke(volatile void *p, uint64_t value, size_t n_bytes)
{
    if (n_bytes == 4)
        *(volatile uint32_t *)p = (uint32_t)value;
    else
        *(volatile uint64_t *)p = value;
}

static uint64_t load(const volatile void *p, size_t n_bytes)
{
    operation(OP_LOAD, (const void *)p);
    touch((const void *)p, n_bytes, ATOMIC, false);
    return peek(p, n_bytes);
}

static void store(volatile void *p, uint64_t value, size_t n_bytes)
{
    operation(OP_STORE, (const void *)p);
    touch((const void *)p, n_bytes, ATOMIC, true);
    poke(p, value, n_bytes);
}

static uint64_t add(volatile void *p, uint64_t amount, size_t n_bytes)
{
    uint64_t before;

    if (planted_bug == ADD_IN_TWO_STEPS) {
        before = load(p, n_bytes);
        store(p, before + amount, n_bytes);
        return before;
    }
    operation(OP_ADD, (const void *)p);
    touch((const void *)p, n_bytes, ATOMIC, true);
    before = peek(p, n_bytes);
    poke(p, before + amount, n_bytes);
    return before;
}

static bool exchange_in_two_steps(volatile void *p, uint64_t *expected, uint64_t value, size_t n_bytes)
{
    uint64_t found = load(p, n_bytes);

    if (found != *expected) {
        *expected = found;
        return false;
    }
    store(p, value, n_bytes);
    return true;
}

static bool exchange(volatile void *p, uint64_t *expected, uint64_t value, size_t n_bytes)
{
    const uint64_t mark = UINT64_C(1) << (8 * n_bytes - 1);

    if (planted_bug == EXCHANGE_IN_TWO_STEPS)
        return exchange_in_two_steps(p, expected, value, n_bytes);
    operation(OP_EXCHANGE, (const void *)p);
    touch((const void *)p, n_bytes, ATOMIC, true);
    if (peek(p, n_bytes) == *expected) {
        poke(p, value, n_bytes);
        return true;
    }
    operation_only_read();
    if (planted_bug == LOSER_READS_NOTHING && *expected == 0)
        return false;
    if (planted_bug == DRAINED_BY_BOTH && *expected & mark)
        return true;
    *expected = peek(p, n_bytes);
    return false;
}

/* --- what the compiler calls ------------------------------------------------------------------------ */

#define ATOMIC_ACCESS(bits)                                                                                            \
    typedef uint##bits##_t word##bits;                                                                                 \
    word##bits __tsan_atomic##bits##_load(const volatile word##bits *p, int order);                                    \
    void __tsan_atomic##bits##_store(volatile word##bits *p, word##bits value, int order);                             \
    word##bits __tsan_atomic##bits##_fetch_add(volatile word##bits *p, word##bits amount, int order);                  \
    int __tsan_atomic##bits##_compare_exchange_strong(volatile word##bits *p, word##bits *expected, word##bits value,  \
                                                      int order, int failure);                                         \
    int __tsan_atomic##bits##_compare_exchange_weak(volatile word##bits *p, word##bits *expected, word##bits value,    \
                                                    int order, int failure);                                           \
    word##bits __tsan_atomic##bits##_compare_exchange_val(volatile word##bits *p, word##bits expected,                 \
                                                          word##bits value, int order, int failure);                   \
                                                                                                                       \
    word##bits __tsan_atomic##bits##_load(const volatile word##bits *p, int order)                                     \
    {                                                                                                                  \
        (void)order;                                                                                                   \
        return (word##bits)load(p, sizeof(*p));                                                                        \
    }                                                                                                                  \
                                                                                                                       \
    void __tsan_atomic##bits##_store(volatile word##bits *p, word##bits value, int order)                              \
    {                                                                                                                  \
        (void)order;                                                                                                   \
        store(p, value, sizeof(*p));                                                                                   \
    }                                                                                                                  \
                                                                                                                       \
    word##bits __tsan_atomic##bits##_fetch_add(volatile word##bits *p, word##bits amount, int order)                   \
    {                                                                                                                  \
        (void)order;                                                                                                   \
        return (word##bits)add(p, amount, sizeof(*p));                                                                 \
    }                                                                                                                  \
                                                                                                                       \
    int __tsan_atomic##bits##_compare_exchange_strong(volatile word##bits *p, word##bits *expected, word##bits value,  \
                                                      int order, int failure)                                          \
    {                                                                                                                  \
        uint64_t found = *expected;                                                                                    \
        bool done = exchange(p, &found, value, sizeof(*p));                                                            \
                                                                                                                       \
        (void)order;                                                                                                   \
        (void)failure;                                                                                                 \
        *expected = (word##bits)found;                                                                                 \
        return done;                                                                                                   \
    }                                                                                                                  \
                                                                                                                       \
    int __tsan_atomic##bits##_compare_exchange_weak(volatile word##bits *p, word##bits *expected, word##bits value,    \
                                                    int order, int failure)                                            \
    {                                                                                                                  \
        return __tsan_atomic##bits##_compare_exchange_strong(p, expected, value, order, failure);                      \
    }                                                                                                                  \
                                                                                                                       \
    word##bits __tsan_atomic##bits##_compare_exchange_val(volatile word##bits *p, word##bits expected,                 \
                                                          word##bits value, int order, int failure)                    \
    {                                                                                                                  \
        __tsan_atomic##bits##_compare_exchange_strong(p, &expected, value, order, failure);                            \
        return expected; /* what was found */                                                                          \
    }
ATOMIC_ACCESS(32)
ATOMIC_ACCESS(64)

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
