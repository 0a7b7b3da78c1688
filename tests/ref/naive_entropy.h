/*
 * naive_entropy.h - the plain twin of entropy.c: definitions over a table of pairs, with 113-bit mantissas
 */
#ifndef TESTS_REF_NAIVE_ENTROPY_H
#define TESTS_REF_NAIVE_ENTROPY_H

#include <emx/state.h>

__extension__ typedef __float128 quad;
/* glibc has it on every x86-64; its header hides it from clang. */
extern quad logf128(quad x);

/* sum_i p_i log(1 / p_i), p_i = count[i] / sum of counts. */
static inline quad naive_entropy(const uint64_t *count, size_t n)
{
    quad total = 0, h = 0;

    for (size_t i = 0; i < n; i++)
        total += (quad)count[i];
    for (size_t i = 0; i < n; i++)
        if (count[i])
            h += (quad)count[i] / total * logf128(total / (quad)count[i]);
    return h;
}

/* - sum P(x,x') log P(x'|x) over rows sorted by first. */
static inline quad naive_conditional(const struct emx_pair_count *rows, size_t n)
{
    quad total = 0, h = 0;

    for (size_t i = 0; i < n; i++)
        total += (quad)rows[i].count;
    for (size_t i = 0, j; i < n; i = j) {
        quad first = 0;

        for (j = i; j < n && rows[j].first == rows[i].first; j++)
            first += (quad)rows[j].count;
        for (j = i; j < n && rows[j].first == rows[i].first; j++)
            h += (quad)rows[j].count / total * logf128(first / (quad)rows[j].count);
    }
    return h;
}

#endif
