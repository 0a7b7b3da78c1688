#include "count/sort_words.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool reach(struct word_sorter *s, size_t n)
{
    if (n <= s->cap)
        return true;
    free(s->words);
    free(s->other);
    s->words = malloc(n * sizeof(*s->words));
    s->other = malloc(n * sizeof(*s->other));
    s->cap = s->words && s->other ? n : 0;
    return s->cap;
}

bool word_sorter_begin(struct word_sorter *s, unsigned token_bits, uint64_t first_key, uint64_t last_key, size_t n)
{
    uint64_t span = last_key - first_key;
    unsigned bits = span ? 64 - (unsigned)__builtin_clzll(span) : 0;

    if (!reach(s, n))
        return false;
    s->n = 0;
    s->token_bits = token_bits;
    s->count_bits = 64 - 2 * token_bits;
    s->base = first_key << s->count_bits;
    s->n_digits = (bits + SORT_DIGIT_BITS - 1) / SORT_DIGIT_BITS;
    s->digit_bits = s->n_digits ? (bits + s->n_digits - 1) / s->n_digits : 0;
    for (unsigned d = 0; d < s->n_digits; d++)
        memset(s->seen[d], 0, sizeof(uint32_t) << s->digit_bits);
    return true;
}

static inline __attribute__((always_inline)) size_t digit_of(const struct word_sorter *s, uint64_t word, unsigned d)
{
    return (size_t)(word >> (s->count_bits + d * s->digit_bits)) & (((size_t)1 << s->digit_bits) - 1);
}

/* n_digits is a constant at each place of use. */
static inline __attribute__((always_inline)) void add(struct word_sorter *s, const uint64_t *words, size_t n,
                                                      unsigned n_digits)
{
    uint64_t *to = s->words + s->n;

    for (size_t i = 0; i < n; i++) {
        to[i] = words[i] - s->base;
        for (unsigned d = 0; d < n_digits; d++)
            s->seen[d][digit_of(s, to[i], d)]++;
    }
}

void word_sorter_add(struct word_sorter *s, const uint64_t *words, size_t n)
{
    assert(n <= s->cap - s->n);
    switch (s->n_digits) {
    case 2:
        add(s, words, n, 2);
        break;
    case 3:
        add(s, words, n, 3);
        break;
    default:
        add(s, words, n, s->n_digits);
    }
    s->n += n;
}

/* Where each value of the digit begins. */
static void sum_up(uint32_t *seen, size_t n)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t k = seen[i];

        seen[i] = sum;
        sum += k;
    }
}

static inline struct emx_pair_count row_of(const struct word_sorter *s, uint64_t word)
{
    uint64_t key = (word + s->base) >> s->count_bits;

    return (struct emx_pair_count){(uint32_t)(key >> s->token_bits),
                                   (uint32_t)key & ((UINT32_C(1) << s->token_bits) - 1),
                                   word & ((UINT64_C(1) << s->count_bits) - 1)};
}

size_t word_sorter_rows(struct word_sorter *s, struct emx_pair_count *ret)
{
    unsigned last = s->n_digits ? s->n_digits - 1 : 0;

    for (unsigned d = 0; d < s->n_digits; d++)
        sum_up(s->seen[d], (size_t)1 << s->digit_bits);
    for (unsigned d = 0; d < last; d++) {
        uint64_t *swap = s->words;

        for (size_t i = 0; i < s->n; i++)
            s->other[s->seen[d][digit_of(s, s->words[i], d)]++] = s->words[i];
        s->words = s->other;
        s->other = swap;
    }
    if (s->n_digits == 0) {
        for (size_t i = 0; i < s->n; i++)
            ret[i] = row_of(s, s->words[i]);
    } else {
        for (size_t i = 0; i < s->n; i++)
            ret[s->seen[last][digit_of(s, s->words[i], last)]++] = row_of(s, s->words[i]);
    }
    return s->n;
}

size_t rows_add_equal(struct emx_pair_count *rows, size_t n)
{
    size_t k = 0;

    for (size_t i = 1; i < n; i++) {
        if (rows[i].first == rows[k].first && rows[i].second == rows[k].second)
            rows[k].count += rows[i].count;
        else
            rows[++k] = rows[i];
    }
    return n ? k + 1 : 0;
}

void word_sorter_finish(struct word_sorter *s)
{
    free(s->words);
    free(s->other);
    *s = (struct word_sorter){0};
}
