#include "count/carries.h"

#include "count/key.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 };

static struct carry *find(struct carry *entries, size_t cap, uint64_t hash)
{
    size_t i = (size_t)(hash * KEY_MULTIPLIER >> 20) & (cap - 1);

    while (entries[i].count && entries[i].hash != hash)
        i = (i + 1) & (cap - 1);
    return &entries[i];
}

static bool grow(struct carries *c)
{
    size_t cap = c->cap ? 2 * c->cap : FIRST_CAP;
    struct carry *larger = calloc(cap, sizeof(*larger));

    if (!larger)
        return false;
    for (size_t i = 0; i < c->cap; i++) {
        if (c->entries[i].count)
            *find(larger, cap, c->entries[i].hash) = c->entries[i];
    }
    free(c->entries);
    c->entries = larger;
    c->cap = cap;
    return true;
}

bool carries_add(struct carries *c, uint64_t hash, uint64_t count)
{
    struct carry *entry;

    if (2 * (c->n + 1) > c->cap && !grow(c))
        return false;
    entry = find(c->entries, c->cap, hash);
    if (!entry->count) {
        entry->hash = hash;
        c->n++;
    }
    entry->count += count;
    return true;
}

bool carries_have(const struct carries *c, uint64_t hash)
{
    return c->cap && find(c->entries, c->cap, hash)->count;
}

void carries_empty(struct carries *c)
{
    if (c->entries)
        memset(c->entries, 0, c->cap * sizeof(*c->entries));
    c->n = 0;
}

void carries_finish(struct carries *c)
{
    free(c->entries);
    *c = (struct carries){0};
}
