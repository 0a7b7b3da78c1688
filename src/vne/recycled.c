#include "vne/recycled.h"

enum { STEPS = 8 /* to a doubling */, LEAST = 64 };

/* 64, 72, ..., 120, 128, 144, ..., 15 KiB */
static size_t size_number(unsigned i)
{
    return (size_t)(STEPS + i % STEPS) * (LEAST / STEPS) << i / STEPS;
}

/* The number of the least size that has so many bytes; RECYCLED_SIZES: none. */
static unsigned number_for(size_t bytes)
{
    unsigned i = 0;

    while (i + STEPS < RECYCLED_SIZES && size_number(i + STEPS) <= bytes)
        i += STEPS;
    while (i < RECYCLED_SIZES && size_number(i) < bytes)
        i++;
    return i;
}

size_t recycled_size(size_t bytes)
{
    unsigned i = number_for(bytes);

    return i < RECYCLED_SIZES ? size_number(i) : bytes;
}

void *recycled_take(struct recycled *s, size_t size)
{
    unsigned i = number_for(size);

    return i < RECYCLED_SIZES && s->n[i] ? s->memory[i][--s->n[i]] : NULL;
}

bool recycled_keep(struct recycled *s, void *memory, size_t size)
{
    unsigned i = number_for(size);

    if (i == RECYCLED_SIZES || s->n[i] == RECYCLED_MOST)
        return false;
    __builtin_prefetch(memory, 1); /* it has not been touched for long, and is written soon */
    s->memory[i][s->n[i]++] = memory;
    return true;
}

void *recycled_take_any(struct recycled *s, size_t *ret_size)
{
    for (unsigned i = 0; i < RECYCLED_SIZES; i++) {
        *ret_size = size_number(i);
        if (s->n[i])
            return s->memory[i][--s->n[i]];
    }
    return NULL;
}
