/*
 * regions_under_model.c - what src/count/region.c is to a table, but at the same place in each execution
 *
 * Not compiled for the model: a table's mutex is held while it takes and gives, which so is a part of one operation.
 */
#include "count/region.h"

#include "memory.h"

#include <string.h>

enum { RESERVE = 2 }; /* times the size: one growth stays in place, the next moves */

bool regions_take(struct regions *r, size_t n_bytes, struct region *ret)
{
    if (!budget_take(r->budget, n_bytes))
        return false;
    *ret = (struct region){.base = memory_take(n_bytes * RESERVE), .n_bytes = n_bytes, .n_reserved = n_bytes * RESERVE};
    if (ret->base)
        memset(ret->base, 0, ret->n_reserved);
    return ret->base;
}

bool regions_extend(struct regions *r, struct region *region, size_t n_before, size_t n_bytes)
{
    struct region larger;

    if (n_bytes <= region->n_reserved && budget_take(r->budget, n_bytes - region->n_bytes)) {
        region->n_bytes = n_bytes;
        memset((char *)region->base + n_before, 0xA5, n_bytes - n_before); /* as if it had been used before */
        return true;
    }
    if (n_bytes <= region->n_reserved || !regions_take(r, n_bytes, &larger))
        return false;
    memset(larger.base, 0xA5, n_bytes);
    memcpy(larger.base, region->base, n_before);
    regions_give(r, region, n_before);
    *region = larger;
    return true;
}

void regions_shrink(struct regions *r, struct region *region, size_t n_bytes)
{
    if (n_bytes >= region->n_bytes)
        return;
    memset((char *)region->base + n_bytes, 0, region->n_bytes - n_bytes);
    budget_give(r->budget, region->n_bytes - n_bytes);
    region->n_bytes = n_bytes;
}

void regions_give(struct regions *r, struct region *region, size_t n_used)
{
    (void)n_used;
    if (!region->base)
        return;
    budget_give(r->budget, region->n_bytes);
    memory_give(region->base);
    *region = (struct region){0};
}
