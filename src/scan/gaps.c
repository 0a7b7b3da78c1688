#include "scan/gaps.h"

#include <stdlib.h>
#include <string.h>

void gaps_finish(struct gaps *g)
{
    for (size_t i = 0; i < g->n; i++)
        free(g->list[i].reason);
    free(g->list);
    *g = (struct gaps){0};
}

static bool reserve(struct gaps *g)
{
    size_t cap = g->cap ? 2 * g->cap : 8;
    struct gap *grown;

    if (g->n < g->cap)
        return true;
    grown = reallocarray(g->list, cap, sizeof(*grown));
    if (!grown)
        return false;
    g->list = grown;
    g->cap = cap;
    return true;
}

bool gaps_add(struct gaps *g, const struct gap *gap)
{
    char *reason = strdup(gap->reason);

    if (!reason || !reserve(g)) {
        free(reason);
        return false;
    }
    g->list[g->n] = *gap;
    g->list[g->n++].reason = reason;
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct gap *x = a, *y = b;

    return (x->stored_begin > y->stored_begin) - (x->stored_begin < y->stored_begin);
}

void gaps_sort(struct gaps *g)
{
    if (g->n)
        qsort(g->list, g->n, sizeof(*g->list), by_place);
}

bool gaps_cover(const struct gaps *g, uint64_t begin, uint64_t end)
{
    for (size_t i = 0; i < g->n && begin < end; i++) {
        if (g->list[i].begin <= begin && g->list[i].end > begin)
            begin = g->list[i].end;
    }
    return begin >= end;
}

/* The first token that is whole again. */
static uint64_t token_after(const struct gap *gap, size_t size)
{
    return gap->end / size + (gap->end % size != 0);
}

bool gaps_next_run(const struct gaps *g, size_t size, size_t *at, uint64_t *begin, uint64_t *end)
{
    *begin = *end;
    while (*at <= g->n) {
        size_t i = (*at)++;
        uint64_t stop = i < g->n ? g->list[i].begin / size : UINT64_MAX;

        if (i && token_after(&g->list[i - 1], size) > *begin)
            *begin = token_after(&g->list[i - 1], size);
        *end = stop;
        if (*begin < stop)
            return true;
        *end = *begin;
    }
    return false;
}

uint64_t gaps_n_tokens(const struct gaps *g, size_t size)
{
    uint64_t begin = 0, end = 0, last = 0, n = 0;
    size_t at = 0;

    while (gaps_next_run(g, size, &at, &begin, &end)) {
        n += begin - last;
        last = end;
    }
    return n;
}
