#include "count/large_counts.h"

#include <assert.h>
#include <stdlib.h>

static bool reserve(struct large_counts *l, size_t more)
{
    size_t cap = l->cap ? 2 * l->cap : 64;
    struct large_count *larger;

    if (more <= l->cap - l->n)
        return true;
    while (cap - l->n < more)
        cap *= 2;
    larger = realloc(l->items, cap * sizeof(*larger));
    if (!larger)
        return false;
    l->items = larger;
    l->cap = cap;
    return true;
}

bool large_counts_push(struct large_counts *l, uint64_t key, uint64_t count)
{
    if (!reserve(l, 1))
        return false;
    l->items[l->n++] = (struct large_count){key, count};
    return true;
}

bool large_counts_append(struct large_counts *l, const struct large_counts *from)
{
    if (!reserve(l, from->n))
        return false;
    for (size_t i = 0; i < from->n; i++)
        l->items[l->n++] = from->items[i];
    return true;
}

static int by_key(const void *a, const void *b)
{
    const struct large_count *x = a, *y = b;

    return (x->key > y->key) - (x->key < y->key);
}

void large_counts_sort(struct large_counts *l)
{
    if (l->n)
        qsort(l->items, l->n, sizeof(*l->items), by_key);
}

void large_counts_finish(struct large_counts *l)
{
    free(l->items);
    *l = (struct large_counts){0};
}

/* The first that is not below this key. */
static size_t find(const struct large_counts *l, uint64_t key)
{
    size_t low = 0, high = l->n;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (l->items[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint64_t key_of(const struct emx_pair_count *row, unsigned token_bits)
{
    return (uint64_t)row->first << token_bits | row->second;
}

void large_counts_add(const struct large_counts *l, uint64_t begin, uint64_t end, unsigned token_bits,
                      struct emx_pair_count *rows, size_t n)
{
    size_t at = 0;

    for (size_t i = l->n ? find(l, begin) : 0; i < l->n && l->items[i].key < end; i++) {
        size_t high = n;

        while (at < high) {
            size_t middle = (at + high) / 2;

            if (key_of(&rows[middle], token_bits) < l->items[i].key)
                at = middle + 1;
            else
                high = middle;
        }
        assert(at < n && key_of(&rows[at], token_bits) == l->items[i].key);
        rows[at].count += l->items[i].count;
    }
}
