/*
 * table.c - create and destroy, and the door: who is inside, who waits, when the table grows
 *
 * A thread that leaves a block and finds the table too full, or keys without room, sets `want`.  From then on nobody
 * enters; when the last one has left, all threads that wait at the door help to grow (table_grow.c).  The one that
 * finishes the last step opens the door.  The mutex orders all of it: what was moved is seen by whoever enters
 * afterwards, because both took it.
 */
#include "count/table_parts.h"

#include <stdlib.h>
#include <string.h>

/*
 * Of the slots.  Emptier, sorting reads more of them; fuller, more keys stand out of their own line, each a miss that
 * was not prefetched.  Lines of 16 run over later than lines of 8.
 */
#define MAX_LOAD 0.65
#define MAX_LOAD_SMALL 0.73
#define PAGE_LINES_LOG2 6
#define FULL_LOAD 0.85 /* where it may not grow */
#define FULL_LOAD_SMALL 0.75

void table_view_set(struct table_view *v, const struct region *region, struct pair_key key, unsigned lines_log2,
                    bool small)
{
    *v = (struct table_view){
        .slots = region->base,
        .small = small,
        .mark = UINT64_C(1) << (small ? 31 : 63),
        .shift = key.bits - lines_log2,
        .n_lines_log2 = lines_log2,
        .increment = UINT64_C(1) << (key.bits - lines_log2 + PROBE_BITS),
        .key = key,
    };
    v->tag_mask = v->increment - 1;
    v->match_mask = v->tag_mask | v->mark;
    v->remainder_mask = v->tag_mask >> PROBE_BITS;
    v->quarter = v->mark / v->increment / 2;
}

enum emx_status table_create(struct pair_key key, unsigned lines_log2, struct regions *regions, struct table **ret,
                             struct emx_error *err)
{
    struct table *t = calloc(1, sizeof(*t));
    unsigned least = key.bits > 36 ? key.bits - 36 : 0; /* leaves 24 bits of count */
    bool small;

    if (!t)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a pair table");
    if (lines_log2 < least)
        lines_log2 = least;
    if (lines_log2 > key.bits - 3)
        lines_log2 = key.bits - 3;
    small = small_fits(key, lines_log2);
    t->key = key;
    t->regions = regions;
    t->least_lines_log2 = least > PAGE_LINES_LOG2 ? least : PAGE_LINES_LOG2;
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->changed, NULL);
    if (!regions_take(regions, bytes_for(lines_log2, small), &t->region)) {
        table_destroy(&t);
        return emx_fail(err, EMX_ERR_MEMORY, "the memory limit leaves no room for another pair table: raise --memory");
    }
    table_view_set(&t->view, &t->region, key, lines_log2, small);
    *ret = t;
    return EMX_OK;
}

void table_destroy(struct table **pt)
{
    struct table *t = *pt;

    if (!t)
        return;
    regions_give(t->regions, &t->region, bytes_of_lines(t->view.n_lines_log2));
    carries_finish(&t->carries);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->mutex);
    free(t);
    *pt = NULL;
}

void table_wait(struct table *t)
{
    t->n_waiting++;
    pthread_cond_wait(&t->changed, &t->mutex);
    t->n_waiting--;
}

static double load(const struct table *t)
{
    return (double)t->n_used / (double)(n_lines(&t->view) * line_n_slots(t->view.small));
}

static bool too_full(const struct table *t)
{
    return load(t) > (t->view.small ? MAX_LOAD_SMALL : MAX_LOAD);
}

/* Lines of which the remainder tells the first slot. */
static bool can_grow(const struct table *t)
{
    return t->view.n_lines_log2 < t->key.bits - (t->view.small ? 4 : 3);
}

/* Called with the mutex: wait, helping, until the door is open. */
static void wait_for_growth(struct table *t, struct table_adder *a)
{
    while (t->want || t->growth.going_on) {
        if (t->want && t->n_inside == 0) {
            table_growth_begin(t);
            pthread_cond_broadcast(&t->changed);
        }
        table_growth_help(t, a);
        if (t->want || t->growth.going_on)
            table_wait(t);
    }
}

void table_enter(struct table *t, struct table_adder *a, bool alone)
{
    a->table = t;
    pthread_mutex_lock(&t->mutex);
    wait_for_growth(t, a);
    while (t->n_inside && (alone || t->alone)) {
        table_wait(t);
        wait_for_growth(t, a);
    }
    t->n_inside++;
    t->alone = a->alone = alone;
    a->view = t->view;
    pthread_mutex_unlock(&t->mutex);
}

static enum emx_status leave_once(struct table_adder *a, struct emx_error *err)
{
    struct table *t = a->table;
    bool no_room = a->no_room, refused;

    a->no_room = false;
    pthread_mutex_lock(&t->mutex);
    t->n_used += a->n_new;
    a->n_new = 0;
    if (no_room || (too_full(t) && !t->refused))
        t->want = can_grow(t);
    if (--t->n_inside == 0)
        pthread_cond_broadcast(&t->changed);
    wait_for_growth(t, a);
    refused = t->refused;
    pthread_mutex_unlock(&t->mutex);
    if (refused && no_room)
        return emx_fail(err, EMX_ERR_MEMORY, "the pair tables do not fit in the memory limit: raise --memory");
    if (a->no_memory)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for the pair tables");
    return EMX_OK;
}

enum emx_status table_add_spilled(struct table_adder *a, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    while (!status && a->n_spill) {
        size_t n = a->n_spill;
        struct spilled_key *spill = a->spill;

        a->spill = NULL;
        a->n_spill = a->cap_spill = 0;
        table_enter(a->table, a, a->alone);
        for (size_t i = 0; i < n; i++)
            table_add(a, spill[i].hash, spill[i].count);
        free(spill);
        status = leave_once(a, err);
    }
    return status;
}

enum emx_status table_leave(struct table_adder *a, struct emx_error *err)
{
    enum emx_status status = leave_once(a, err);

    return status ? status : table_add_spilled(a, err);
}

bool table_has_spilled(const struct table_adder *a)
{
    return a->n_spill && !a->no_memory;
}

void table_adder_finish(struct table_adder *a)
{
    free(a->spill);
    free(a->front);
    *a = (struct table_adder){0};
}

struct pair_key table_key(const struct table *t)
{
    return t->key;
}

uint64_t table_n_used(struct table *t)
{
    uint64_t n;

    pthread_mutex_lock(&t->mutex);
    n = t->n_used;
    pthread_mutex_unlock(&t->mutex);
    return n;
}

uint64_t table_n_bytes(struct table *t)
{
    uint64_t n;

    pthread_mutex_lock(&t->mutex);
    n = bytes_of_lines(t->view.n_lines_log2);
    pthread_mutex_unlock(&t->mutex);
    return n;
}

double table_load(struct table *t)
{
    double part;

    pthread_mutex_lock(&t->mutex);
    part = load(t);
    pthread_mutex_unlock(&t->mutex);
    return part;
}

uint64_t table_n_spare_bytes(struct table *t)
{
    uint64_t n, least = bytes_of_lines(t->least_lines_log2);

    pthread_mutex_lock(&t->mutex);
    n = t->region.n_bytes > least ? t->region.n_bytes - least : 0;
    pthread_mutex_unlock(&t->mutex);
    return n;
}

bool table_is_full(struct table *t)
{
    bool full;

    pthread_mutex_lock(&t->mutex);
    full = t->refused && load(t) > (t->view.small ? FULL_LOAD_SMALL : FULL_LOAD);
    pthread_mutex_unlock(&t->mutex);
    return full;
}

void table_empty(struct table *t, bool shrink)
{
    size_t n_bytes = bytes_of_lines(t->view.n_lines_log2), least = bytes_of_lines(t->least_lines_log2);

    pthread_mutex_lock(&t->mutex);
    if (shrink && t->view.n_lines_log2 >= t->least_lines_log2) {
        t->region.n_dirty = t->region.n_dirty > n_bytes ? t->region.n_dirty : n_bytes;
        regions_shrink(t->regions, &t->region, least);
        table_view_set(&t->view, &t->region, t->key, t->least_lines_log2, false);
        n_bytes = least;
    }
    memset(t->region.base, 0, n_bytes);
    carries_empty(&t->carries);
    t->n_used = 0;
    t->refused = false;
    pthread_mutex_unlock(&t->mutex);
}
