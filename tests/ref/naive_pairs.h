/*
 * naive_pairs.h - the plain twin of table and rows: write every pair down, sort, count equal neighbours
 */
#ifndef TESTS_REF_NAIVE_PAIRS_H
#define TESTS_REF_NAIVE_PAIRS_H

#include <emx/state.h>
#include <stdlib.h>

struct naive_pairs {
    struct emx_pair_count *rows; /* [n], one a pair seen until naive_pairs_count() */
    size_t n, cap;
};

static inline void naive_pairs_add(struct naive_pairs *p, uint32_t first, uint32_t second)
{
    if (p->n == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 1024;
        p->rows = realloc(p->rows, p->cap * sizeof(*p->rows));
        if (!p->rows)
            abort();
    }
    p->rows[p->n++] = (struct emx_pair_count){first, second, 1};
}

static inline int naive_pairs_order(const void *a, const void *b)
{
    const struct emx_pair_count *x = a, *y = b;

    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->second > y->second) - (x->second < y->second);
}

/* Afterwards rows are distinct and sorted. */
static inline void naive_pairs_count(struct naive_pairs *p)
{
    size_t k = 0;

    if (p->n == 0)
        return;
    qsort(p->rows, p->n, sizeof(*p->rows), naive_pairs_order);
    for (size_t i = 1; i < p->n; i++) {
        if (naive_pairs_order(&p->rows[i], &p->rows[k]) == 0)
            p->rows[k].count += p->rows[i].count;
        else
            p->rows[++k] = p->rows[i];
    }
    p->n = k + 1;
}

/* After counting: how many of these rows differ from the twin's, up to the shorter end. */
static inline size_t naive_pairs_n_wrong(const struct naive_pairs *p, const struct emx_pair_count *rows, size_t n)
{
    size_t wrong = 0;

    for (size_t i = 0; i < n && i < p->n; i++)
        wrong += naive_pairs_order(&rows[i], &p->rows[i]) != 0 || rows[i].count != p->rows[i].count;
    return wrong;
}

static inline void naive_pairs_finish(struct naive_pairs *p)
{
    free(p->rows);
    *p = (struct naive_pairs){0};
}

#endif
