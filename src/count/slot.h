/*
 * slot.h - the words of a table's slots, of 8 bytes or of 4
 *
 * `small` is a constant wherever speed matters, so that nothing is left of the choice.  All operations are relaxed: see
 * table.h.
 */
#ifndef COUNT_SLOT_H
#define COUNT_SLOT_H

#include <stdbool.h>
#include <stdint.h>

/* The same memory holds one kind and then the other. */
typedef uint64_t __attribute__((may_alias)) large_slot;
typedef uint32_t __attribute__((may_alias)) small_slot;

static inline __attribute__((always_inline)) uint64_t slot_load(const void *slots, uint64_t i, bool small)
{
    return small ? __atomic_load_n((const small_slot *)slots + i, __ATOMIC_RELAXED)
                 : __atomic_load_n((const large_slot *)slots + i, __ATOMIC_RELAXED);
}

/* By a thread that is alone. */
static inline __attribute__((always_inline)) void slot_set(void *slots, uint64_t i, uint64_t word, bool small)
{
    if (small)
        ((small_slot *)slots)[i] = (uint32_t)word;
    else
        ((large_slot *)slots)[i] = word;
}

/* What a thread reads that is alone. */
static inline __attribute__((always_inline)) uint64_t slot_get(const void *slots, uint64_t i, bool small)
{
    return small ? ((const small_slot *)slots)[i] : ((const large_slot *)slots)[i];
}

/* Compare and swap; *expected becomes what was found if that is not it. */
static inline __attribute__((always_inline)) bool slot_exchange(void *slots, uint64_t i, uint64_t *expected,
                                                                uint64_t word, bool small)
{
    uint32_t found = (uint32_t)*expected;
    bool done;

    if (!small)
        return __atomic_compare_exchange_n((large_slot *)slots + i, expected, word, false, __ATOMIC_RELAXED,
                                           __ATOMIC_RELAXED);
    done = __atomic_compare_exchange_n((small_slot *)slots + i, &found, (uint32_t)word, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED);
    *expected = found;
    return done;
}

#endif
