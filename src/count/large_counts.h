/*
 * large_counts.h - what the count field of a word does not hold
 *
 * A word keeps the low bits of a count, so every key has a word; the high bits, which few counts have, are here and are
 * added once the words have become rows.
 */
#ifndef COUNT_LARGE_COUNTS_H
#define COUNT_LARGE_COUNTS_H

#include <emx/state.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct large_count {
    uint64_t key, count;
};

struct large_counts {
    struct large_count *items; /* [n] */
    size_t n, cap;
};

/* False without memory. */
bool large_counts_push(struct large_counts *l, uint64_t key, uint64_t count);
bool large_counts_append(struct large_counts *l, const struct large_counts *from);
void large_counts_sort(struct large_counts *l);
void large_counts_finish(struct large_counts *l);

/* Add those of keys from `begin` to below `end` to rows, which ascend and have all these keys.  Sorted before. */
void large_counts_add(const struct large_counts *l, uint64_t begin, uint64_t end, unsigned token_bits,
                      struct emx_pair_count *rows, size_t n);

#endif
