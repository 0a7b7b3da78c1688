/* pairs_plain.c - for any processor */
#include "count/pairs.h"

static inline unsigned line_matches(const uint64_t *line, uint64_t mask, uint64_t value)
{
    unsigned matches = 0;

    for (unsigned i = 0; i < LINE_SLOTS; i++)
        matches |= (unsigned)((__atomic_load_n(&line[i], __ATOMIC_ACQUIRE) & mask) == value) << i;
    return matches;
}

#define MATCHES_WHILE_OTHERS_WRITE true
#define KERNEL pairs_kernel_plain
#include "count/pairs_kernel.h"
