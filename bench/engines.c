/*
 * engines.c - this project's tables, one a thread or one for all, and their naive twin
 */
#include "engine.h"

#include "../tests/ref/naive_pairs.h"
#include "bench.h"
#include "count/pairs.h"
#include "count/rows.h"
#include "pipeline/limits.h"

enum { FIRST_LINES_LOG2 = 15 /* 2 MiB, as a scan begins a large shard */ };

struct own {
    struct budget budget;
    struct regions regions;
    struct placement *placement;
    unsigned n_threads, n_tables;
    struct table *tables[MAX_THREADS];
    struct table_adder *adders[MAX_THREADS]; /* each on cache lines of its own */
};

static void *own_open(uint32_t vocabulary, unsigned n_threads, unsigned n_tables)
{
    struct own *o = must_allocate(sizeof(*o));
    struct emx_error err;

    *o = (struct own){.budget.limit = machine_memory(), .n_threads = n_threads, .n_tables = n_tables};
    regions_init(&o->regions, &o->budget);
    if (placement_create(NULL, n_threads, false, &o->placement, &err) != EMX_OK)
        die("%s", err.message);
    for (unsigned i = 0; i < n_tables; i++) {
        if (table_create(pair_key_for(vocabulary), FIRST_LINES_LOG2, &o->regions, &o->tables[i], &err) != EMX_OK)
            die("%s", err.message);
    }
    for (unsigned i = 0; i < n_threads; i++) {
        o->adders[i] = aligned_alloc(64, (sizeof(*o->adders[i]) + 63) / 64 * 64);
        if (!o->adders[i])
            die("out of memory for a thread");
        *o->adders[i] = (struct table_adder){0};
    }
    return o;
}

static void *private_open(uint32_t vocabulary, unsigned n_threads)
{
    return own_open(vocabulary, n_threads, n_threads);
}

static void *shared_open(uint32_t vocabulary, unsigned n_threads)
{
    return own_open(vocabulary, n_threads, 1);
}

static void own_count(struct table *table, struct table_adder *adder, bool alone, const void *x, size_t n, size_t width)
{
    struct emx_error err;

    table_enter(table, adder, alone);
    if (width == 2)
        pairs_count_u16(adder, x, n);
    else
        pairs_count_u32(adder, x, n);
    pairs_flush(adder);
    if (table_leave(adder, &err) != EMX_OK)
        die("%s", err.message);
}

static uint64_t own_n_distinct(void *state)
{
    return table_n_used(((struct own *)state)->tables[0]);
}

static void private_count(void *state, unsigned thread, const void *x, size_t n, size_t width)
{
    struct own *o = state;

    own_count(o->tables[thread], o->adders[thread], true, x, n, width);
}

static void shared_count(void *state, unsigned thread, const void *x, size_t n, size_t width)
{
    struct own *o = state;

    own_count(o->tables[0], o->adders[thread], false, x, n, width);
}

/* Merged and sorted, as for a state file. */
static void own_read(void *state, rows_fn *visit, void *context)
{
    struct own *o = state;
    struct rows_space space = {0};
    struct rows_options options = {.placement = o->placement, .space = &space};
    struct rows *rows = NULL;
    const struct emx_pair_count *piece;
    struct emx_error err;
    size_t n = 1;

    if (rows_create(o->tables, o->n_tables, &options, &rows, &err) != EMX_OK)
        die("%s", err.message);
    while (n) {
        if (rows_next(rows, &piece, &n, &err) != EMX_OK)
            die("%s", err.message);
        visit(piece, n, context);
    }
    rows_destroy(&rows);
    rows_space_finish(&space);
}

static uint64_t own_bytes(void *state)
{
    struct own *o = state;
    uint64_t n = 0;

    for (unsigned i = 0; i < o->n_tables; i++)
        n += table_n_bytes(o->tables[i]);
    return n;
}

static void own_close(void *state)
{
    struct own *o = state;

    for (unsigned i = 0; i < o->n_tables; i++)
        table_destroy(&o->tables[i]);
    for (unsigned i = 0; i < o->n_threads; i++) {
        table_adder_finish(o->adders[i]);
        free(o->adders[i]);
    }
    placement_destroy(&o->placement);
    regions_finish(&o->regions);
    free(o);
}

const struct engine engine_private = {
    .name = "private",
    .open = private_open,
    .count = private_count,
    .n_distinct = own_n_distinct,
    .read = own_read,
    .bytes = own_bytes,
    .close = own_close,
};

const struct engine engine_shared = {
    .name = "shared",
    .open = shared_open,
    .count = shared_count,
    .n_distinct = own_n_distinct,
    .read = own_read,
    .bytes = own_bytes,
    .close = own_close,
};

static void *naive_open(uint32_t vocabulary, unsigned n_threads)
{
    struct naive_pairs *p = must_allocate(sizeof(*p));

    (void)vocabulary, (void)n_threads;
    *p = (struct naive_pairs){0};
    return p;
}

static void naive_count(void *state, unsigned thread, const void *x, size_t n, size_t width)
{
    const struct tokens t = {.x = (void *)(uintptr_t)x, .n = n, .width = width};

    (void)thread;
    for (size_t i = 0; i + 1 < n; i++)
        naive_pairs_add(state, tokens_at(&t, i), tokens_at(&t, i + 1));
}

static void naive_finish(void *state)
{
    naive_pairs_count(state);
}

static void naive_read(void *state, rows_fn *visit, void *context)
{
    struct naive_pairs *p = state;

    visit(p->rows, p->n, context);
}

static void naive_close(void *state)
{
    naive_pairs_finish(state);
    free(state);
}

const struct engine engine_naive = {
    .name = "naive",
    .max_threads = 1,
    .open = naive_open,
    .count = naive_count,
    .finish = naive_finish,
    .read = naive_read,
    .close = naive_close,
};
