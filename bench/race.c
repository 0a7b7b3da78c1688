#include "race.h"

#include "pipeline/threads.h"

#include <malloc.h>
#include <stdatomic.h>

struct race {
    const struct engine *engine;
    void *state;
    struct placement *placement;
    double seconds, cpu_seconds;
    size_t n_malloced; /* before it was opened */
    const struct tokens *tokens;
    _Atomic size_t next;
};

static size_t malloced(void)
{
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}

struct race *race_open(const struct engine *e, uint32_t vocabulary, unsigned n_threads)
{
    struct race *r = must_allocate(sizeof(*r));
    struct emx_error err;

    *r = (struct race){.engine = e};
    if (placement_create(NULL, n_threads, true, &r->placement, &err) != EMX_OK)
        die("%s", err.message);
    r->n_malloced = malloced();
    r->state = e->open(vocabulary, n_threads);
    return r;
}

/* A piece ends with the first token of the next one. */
static void count_pieces(unsigned thread, void *context)
{
    struct race *r = context;
    const struct tokens *t = r->tokens;
    size_t begin, n;

    while ((begin = atomic_fetch_add_explicit(&r->next, PIECE_TOKENS, memory_order_relaxed)) + 1 < t->n) {
        n = t->n - begin < PIECE_TOKENS + 1 ? t->n - begin : PIECE_TOKENS + 1;
        r->engine->count(r->state, thread, (const char *)t->x + begin * t->width, n, t->width);
    }
}

void race_count(struct race *r, const struct tokens *t)
{
    double start = clock_seconds(), cpu_start = cpu_seconds();
    struct threads threads;
    struct emx_error err;

    r->tokens = t;
    atomic_store(&r->next, 0);
    if (placement_n_threads(r->placement) == 1)
        count_pieces(0, r);
    else if (threads_start(&threads, r->placement, count_pieces, r, &err) == EMX_OK)
        threads_join(&threads);
    else
        die("%s", err.message);
    r->cpu_seconds += cpu_seconds() - cpu_start;
    r->seconds += clock_seconds() - start;
}

static void add_rows(const struct emx_pair_count *rows, size_t n, void *context)
{
    struct outcome *o = context;

    for (size_t i = 0; i < n; i++) {
        uint64_t key = ((uint64_t)rows[i].first * 65599 + rows[i].second) % 1000003;

        o->n_pairs += rows[i].count;
        o->checksum += rows[i].count * rows[i].count * key;
    }
    o->n_distinct += n;
}

static uint64_t bytes(const struct race *r)
{
    return r->engine->bytes ? r->engine->bytes(r->state) : malloced() - r->n_malloced;
}

struct progress race_progress(const struct race *r)
{
    return (struct progress){r->cpu_seconds, r->engine->n_distinct(r->state), bytes(r)};
}

struct lap race_read(struct race *r)
{
    struct lap lap = {0};
    double start = clock_seconds(), cpu_start = cpu_seconds();

    if (r->engine->finish)
        r->engine->finish(r->state);
    lap.seconds = r->seconds += clock_seconds() - start;
    lap.cpu_seconds = r->cpu_seconds += cpu_seconds() - cpu_start;
    lap.n_bytes = bytes(r);
    start = clock_seconds();
    r->engine->read(r->state, add_rows, &lap.outcome);
    lap.read_seconds = clock_seconds() - start;
    return lap;
}

void race_close(struct race **pr)
{
    struct race *r = *pr;

    r->engine->close(r->state);
    placement_destroy(&r->placement);
    free(r);
    *pr = NULL;
}

struct lap race_once(const struct engine *e, const struct tokens *t, unsigned n_threads)
{
    struct race *r = race_open(e, t->vocabulary, n_threads);
    struct lap lap;

    race_count(r, t);
    lap = race_read(r);
    race_close(&r);
    return lap;
}
