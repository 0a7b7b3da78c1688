/*
 * sort_words.h - words of a key above a count, sorted into rows by radix
 *
 *     word_sorter_begin -> word_sorter_add* -> word_sorter_rows        once a range of keys
 *
 * While words are added, every digit of every key is counted, so that each digit takes one pass; the last pass writes
 * rows.  Words that fit in the cache with as many again are sorted at a few nanoseconds each.
 */
#ifndef COUNT_SORT_WORDS_H
#define COUNT_SORT_WORDS_H

#include <emx/state.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SORT_DIGIT_BITS = 9, /* at most */
    SORT_DIGITS = 6,     /* 48 bits of key */
};

struct word_sorter {
    uint64_t *words, *other; /* [cap] */
    size_t n, cap;
    uint64_t base;       /* the least key, in place */
    unsigned count_bits; /* below the key */
    unsigned token_bits;
    unsigned n_digits, digit_bits;
    uint32_t seen[SORT_DIGITS][1 << SORT_DIGIT_BITS];
};

/*
 * Sort n words at most, of keys from first_key to last_key.  Works on a zeroed sorter; false without memory.
 * Buffers serve one sort after the other.
 */
bool word_sorter_begin(struct word_sorter *s, unsigned token_bits, uint64_t first_key, uint64_t last_key, size_t n);
void word_sorter_add(struct word_sorter *s, const uint64_t *words, size_t n);
/* Rows of all words, ascending by key; equal keys stay apart.  Returns how many. */
size_t word_sorter_rows(struct word_sorter *s, struct emx_pair_count *ret);
void word_sorter_finish(struct word_sorter *s);

/* Make one row of each run of equal keys; returns how many. */
size_t rows_add_equal(struct emx_pair_count *rows, size_t n);

#endif
