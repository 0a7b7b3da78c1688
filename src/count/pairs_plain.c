/* pairs_plain.c - for any processor */
#include "count/pairs.h"

static inline unsigned line_matches(const void *line, uint64_t mask, uint64_t value)
{
    unsigned matches = 0;

    for (unsigned i = 0; i < LINE_WORDS; i++)
        matches |= (unsigned)((__atomic_load_n((const large_slot *)line + i, __ATOMIC_ACQUIRE) & mask) == value) << i;
    return matches;
}

static inline unsigned small_matches(const void *line, uint32_t mask, uint32_t value)
{
    unsigned matches = 0;

    for (unsigned i = 0; i < MOST_LINE_SLOTS; i++)
        matches |= (unsigned)((__atomic_load_n((const small_slot *)line + i, __ATOMIC_ACQUIRE) & mask) == value) << i;
    return matches;
}

#define MATCHES_WHILE_OTHERS_WRITE true
#define KERNEL pairs_kernel_plain
#include "count/pairs_kernel.h"
