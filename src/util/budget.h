/*
 * budget.h - the memory that the user allowed, shared by whatever grows with the data
 *
 * Tables and sort buffers take from it before they allocate and give back after they free.  What is bounded
 * by the number of threads (decoders, blocks) does not: it is the stated constant beside --memory.
 * Thread-safety: any thread.
 */
#ifndef UTIL_BUDGET_H
#define UTIL_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct budget {
    uint64_t limit;
    _Atomic uint64_t used;
};

static inline bool budget_take(struct budget *b, uint64_t bytes)
{
    uint64_t used = atomic_load_explicit(&b->used, memory_order_relaxed);

    do { /* relaxed: a number, it guards no other data */
        if (bytes > b->limit || used > b->limit - bytes)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&b->used, &used, used + bytes, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

/* More than is left, too: of what cannot do with less.  Others find nothing until it is given back. */
static inline void budget_take_all(struct budget *b, uint64_t bytes)
{
    atomic_fetch_add_explicit(&b->used, bytes, memory_order_relaxed);
}

static inline void budget_give(struct budget *b, uint64_t bytes)
{
    atomic_fetch_sub_explicit(&b->used, bytes, memory_order_relaxed);
}

static inline uint64_t budget_left(struct budget *b)
{
    uint64_t used = atomic_load_explicit(&b->used, memory_order_relaxed);

    return used < b->limit ? b->limit - used : 0;
}

#endif
