#include "count/region.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    HUGE_PAGE = 2 << 20,
    RESERVE = 256, /* times the first size: a table of 512 KiB grows to 128 MiB where it stands */
};

void regions_init(struct regions *r, struct budget *budget)
{
    *r = (struct regions){.budget = budget, .next = r};
    pthread_mutex_init(&r->mutex, NULL);
}

void regions_link(struct regions *pools, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pools[i].next = &pools[(i + 1) % n];
}

static void unmap(struct regions *r, struct region *region)
{
    munmap(region->base, region->n_reserved);
    budget_give(r->budget, region->n_bytes);
    *region = (struct region){0};
}

static void trim_one(struct regions *r)
{
    pthread_mutex_lock(&r->mutex);
    while (r->n_unused)
        unmap(r, &r->unused[--r->n_unused]);
    pthread_mutex_unlock(&r->mutex);
}

void regions_finish(struct regions *r)
{
    trim_one(r);
    free(r->unused);
    pthread_mutex_destroy(&r->mutex);
}

void regions_trim(struct regions *r)
{
    struct regions *pool = r;

    do {
        trim_one(pool);
        pool = pool->next;
    } while (pool != r);
}

/* Room in the budget, if need be by letting go of what is unused. */
static bool find_room(struct regions *r, size_t n_bytes)
{
    if (budget_take(r->budget, n_bytes))
        return true;
    regions_trim(r);
    return budget_take(r->budget, n_bytes);
}

static void wish_for_huge_pages(const struct region *region)
{
    if (region->n_bytes >= HUGE_PAGE)
        madvise(region->base, region->n_bytes, MADV_HUGEPAGE); /* without them only speed is lost */
}

static void *map(size_t n_bytes)
{
    void *base = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return base == MAP_FAILED ? NULL : base;
}

/* Without the budget. */
static bool map_region(const struct regions *r, size_t n_bytes, struct region *ret)
{
    uint64_t most = r->budget->limit < SIZE_MAX ? r->budget->limit : SIZE_MAX;
    size_t reserve = n_bytes < most / RESERVE ? n_bytes * RESERVE : n_bytes;

    *ret = (struct region){.base = map(reserve), .n_bytes = n_bytes, .n_reserved = reserve};
    if (!ret->base)
        *ret = (struct region){.base = map(n_bytes), .n_bytes = n_bytes, .n_reserved = n_bytes};
    if (ret->base)
        wish_for_huge_pages(ret);
    return ret->base;
}

static bool map_new(struct regions *r, size_t n_bytes, struct region *ret)
{
    if (!find_room(r, n_bytes))
        return false;
    if (map_region(r, n_bytes, ret))
        return true;
    budget_give(r->budget, n_bytes);
    return false;
}

/* To a place with more addresses; the budget has the larger size already. */
static bool move(struct regions *r, struct region *region, size_t n_before, size_t n_bytes)
{
    struct region larger;

    if (!map_region(r, n_bytes, &larger))
        return false;
    memcpy(larger.base, region->base, n_before);
    munmap(region->base, region->n_reserved);
    *region = larger;
    return true;
}

static bool take_largest(struct regions *r, size_t n_bytes, struct region *ret)
{
    size_t best = 0;
    bool found;

    pthread_mutex_lock(&r->mutex);
    for (size_t i = 1; i < r->n_unused; i++)
        best = r->unused[i].n_bytes > r->unused[best].n_bytes ? i : best;
    found = r->n_unused && r->unused[best].n_bytes >= n_bytes;
    if (found) {
        *ret = r->unused[best];
        r->unused[best] = r->unused[--r->n_unused];
    }
    pthread_mutex_unlock(&r->mutex);
    return found;
}

static void clear(struct region *region, size_t begin, size_t end)
{
    size_t dirty = region->n_dirty < end ? region->n_dirty : end;

    if (begin < dirty)
        memset((char *)region->base + begin, 0, dirty - begin);
}

bool regions_take(struct regions *r, size_t n_bytes, struct region *ret)
{
    if (!take_largest(r, n_bytes, ret) && !map_new(r, n_bytes, ret))
        return false;
    clear(ret, 0, n_bytes);
    return true;
}

bool regions_extend(struct regions *r, struct region *region, size_t n_before, size_t n_bytes)
{
    size_t more = n_bytes > region->n_bytes ? n_bytes - region->n_bytes : 0;

    if (!find_room(r, more))
        return false;
    if (n_bytes > region->n_reserved) {
        if (!move(r, region, n_before, n_bytes)) {
            budget_give(r->budget, more);
            return false;
        }
    } else if (more) {
        region->n_bytes = n_bytes;
        wish_for_huge_pages(region);
    }
    return true;
}

void regions_shrink(struct regions *r, struct region *region, size_t n_bytes)
{
    size_t rest = region->n_bytes > n_bytes ? region->n_bytes - n_bytes : 0;

    if (!rest || madvise((char *)region->base + n_bytes, rest, MADV_DONTNEED) != 0)
        return;
    region->n_bytes = n_bytes;
    region->n_dirty = region->n_dirty < n_bytes ? region->n_dirty : n_bytes;
    budget_give(r->budget, rest);
}

void regions_give(struct regions *r, struct region *region, size_t n_used)
{
    if (!region->base)
        return;
    region->n_dirty = region->n_dirty > n_used ? region->n_dirty : n_used;
    pthread_mutex_lock(&r->mutex);
    if (r->n_unused == r->cap_unused) {
        size_t cap = r->cap_unused ? 2 * r->cap_unused : 16;
        struct region *larger = realloc(r->unused, cap * sizeof(*larger));

        if (larger) {
            r->unused = larger;
            r->cap_unused = cap;
        }
    }
    if (r->n_unused < r->cap_unused)
        r->unused[r->n_unused++] = *region;
    else
        unmap(r, region);
    pthread_mutex_unlock(&r->mutex);
    *region = (struct region){0};
}
