#include "vne/pool.h"

#include <stdlib.h>
#include <sys/mman.h>

enum {
    STEPS = 8,               /* to a doubling */
    LEAST_LOG2 = 6,          /* of the least size */
    FIRST_CHUNK = 8 << 10,   /* each has twice as many bytes as the one before */
    LARGEST_CHUNK = 2 << 20, /* a huge page */
    LINE = 64,
    MOST_KEPT = 64 << 20,
    KEPT_PART = 16, /* of a budget */
};

struct chunk {
    struct chunk *next;
    size_t bytes;
};

/* 64, 72, ..., 120, 128, 144, ..., 15 KiB */
static size_t size_number(unsigned i)
{
    return (size_t)(STEPS + i % STEPS) << (i / STEPS + LEAST_LOG2 - 3);
}

/* The number of the least size that has so many bytes, POOL_SIZES or more if there is none. */
static unsigned number_for(size_t bytes)
{
    unsigned log2;

    if (bytes <= 1 << LEAST_LOG2)
        return 0;
    log2 = 63 - (unsigned)__builtin_clzll(bytes - 1);
    return (log2 - LEAST_LOG2) * STEPS + (unsigned)((bytes - 1) >> (log2 - 3)) - STEPS + 1;
}

size_t pool_size(size_t bytes)
{
    unsigned i = number_for(bytes);

    return i < POOL_SIZES ? size_number(i) : (bytes + 7) / 8 * 8;
}

/* --- chunks ----------------------------------------------------------------------------------------------------- */

void chunk_store_init(struct chunk_store *s, struct budget *budget)
{
    *s = (struct chunk_store){.budget = budget, .most_bytes = MOST_KEPT};
    if (budget && budget->limit / KEPT_PART < s->most_bytes)
        s->most_bytes = budget->limit / KEPT_PART;
    pthread_mutex_init(&s->mutex, NULL);
}

static void *take_bytes(const struct chunk_store *s, size_t align, size_t bytes)
{
    void *memory = aligned_alloc(align, bytes);

    if (memory && s->budget)
        budget_take_all(s->budget, bytes);
    return memory;
}

static void give_bytes(const struct chunk_store *s, void *memory, size_t bytes)
{
    if (s->budget)
        budget_give(s->budget, bytes);
    free(memory);
}

void chunk_store_finish(struct chunk_store *s)
{
    for (struct chunk *c = s->kept, *next; c; c = next) {
        next = c->next;
        give_bytes(s, c, c->bytes);
    }
    pthread_mutex_destroy(&s->mutex);
}

static struct chunk *take_kept(struct chunk_store *s)
{
    struct chunk *c;

    pthread_mutex_lock(&s->mutex);
    c = s->kept;
    if (c) {
        s->kept = c->next;
        s->n_bytes -= c->bytes;
    }
    pthread_mutex_unlock(&s->mutex);
    return c;
}

static void give_chunk(struct chunk_store *s, struct chunk *c)
{
    bool keeps;

    pthread_mutex_lock(&s->mutex);
    keeps = c->bytes == LARGEST_CHUNK && s->n_bytes + c->bytes <= s->most_bytes;
    if (keeps) {
        c->next = s->kept;
        s->kept = c;
        s->n_bytes += c->bytes;
    }
    pthread_mutex_unlock(&s->mutex);
    if (!keeps)
        give_bytes(s, c, c->bytes);
}

static struct chunk *new_chunk(const struct chunk_store *s, size_t bytes)
{
    bool is_large = bytes >= LARGEST_CHUNK;
    struct chunk *c;

    bytes = is_large ? LARGEST_CHUNK : bytes;
    c = take_bytes(s, is_large ? LARGEST_CHUNK : LINE, bytes);
    if (c && is_large)
        (void)madvise(c, bytes, MADV_HUGEPAGE); /* without them only speed is lost */
    if (c)
        c->bytes = bytes;
    return c;
}

static bool add_chunk(struct pool *p)
{
    struct chunk *c = take_kept(p->store);

    if (!c)
        c = new_chunk(p->store, p->chunks ? 2 * p->chunks->bytes : FIRST_CHUNK);
    if (!c)
        return false;
    c->next = p->chunks;
    p->chunks = c;
    p->at = (unsigned char *)c + LINE;
    p->left = c->bytes - LINE;
    return true;
}

/* --- pieces ----------------------------------------------------------------------------------------------------- */

void *pool_take(struct pool *p, size_t size)
{
    unsigned i = number_for(size);
    void *memory;

    if (i >= POOL_SIZES)
        return take_bytes(p->store, sizeof(void *), size);
    memory = p->given[i];
    if (memory) {
        p->given[i] = *(void **)memory;
        __builtin_prefetch(p->given[i], 1); /* it has not been touched for long, and is written next */
        return memory;
    }
    while (p->left < size) {
        if (!add_chunk(p))
            return NULL;
    }
    memory = p->at;
    p->at += size;
    p->left -= size;
    return memory;
}

void pool_give(struct pool *p, void *memory, size_t size)
{
    unsigned i = number_for(size);

    if (i >= POOL_SIZES) {
        give_bytes(p->store, memory, size);
        return;
    }
    *(void **)memory = p->given[i];
    p->given[i] = memory;
}

void pool_clear(struct pool *p)
{
    struct chunk_store *store = p->store;

    for (struct chunk *c = p->chunks, *next; c; c = next) {
        next = c->next;
        give_chunk(store, c);
    }
    *p = (struct pool){.store = store};
}
