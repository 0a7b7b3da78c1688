/*
 * table_grow.c - lines to twice as many
 *
 * A table grows where it stands, so that only the second half is new memory.  A line goes to lines 2i and 2i + 1: so
 * the upper half of the lines goes to new memory, and can do so in any order, the quarter below it to where the upper
 * half was, the eighth below that to where the quarter was, and so on.  Threads take steps of MOVE_LINES lines, from
 * the last lines down; before each half of what is left they wait for each other.  A step goes from its last line down,
 * so the one that is left at the end, lines 0 .. MOVE_LINES - 1, needs no halves.
 */
#include "count/table_parts.h"

#include <string.h>

#ifndef TABLE_MOVE_LINES
#define TABLE_MOVE_LINES 4096
#endif
enum { MOVE_LINES = TABLE_MOVE_LINES /* lines of a step: 256 KiB, some hundred microseconds */ };

/*
 * The highest bit of the remainder goes over to the line, and every key keeps the index of its slot, so that no two
 * want the same.  Keys that stand after their own line have no place there; they wait.
 */
static void line_split(struct table_adder *a, const struct table_view *to, const uint64_t *words, uint64_t line)
{
    uint64_t *low = to->slots + 2 * line * LINE_SLOTS, *high = low + LINE_SLOTS;
    uint64_t n = 0;

    for (unsigned i = 0; i < LINE_SLOTS; i++) {
        uint64_t w = words[i], at_home = (w & PROBE_LINES) == 1;
        uint64_t moved = ((w >> 1 & ~to->tag_mask) | (w & to->tag_mask)) & -at_home;
        uint64_t is_high = -(w >> (to->shift + PROBE_BITS) & 1);

        low[i] = moved & ~is_high;
        high[i] = moved & is_high;
        n += at_home;
    }
    a->n_new += n;
}

/* Displaced keys whose own line has not been split yet: it is one of the NEAR_LINES below. */
enum { NEAR_LINES = 15 };
struct waiting {
    struct spilled_key keys[(NEAR_LINES + 1) * LINE_SLOTS];
    unsigned n;
};

struct range {
    uint64_t begin, end; /* lines */
};

/* The displaced keys of a line; those whose own is far below, which are very few, are added when the table has grown.
 */
static void keys_wait(struct table_adder *a, const struct table_view *from, struct range range, const uint64_t *words,
                      uint64_t line, struct waiting *waiting)
{
    for (unsigned i = 0; i < LINE_SLOTS; i++) {
        struct spilled_key k = {slot_hash(from, line, words[i]), words[i] >> count_shift(from)};
        uint64_t home = k.hash >> from->shift;

        if ((words[i] & PROBE_LINES) <= 1)
            continue;
        if (home >= range.begin && home + NEAR_LINES >= line)
            waiting->keys[waiting->n++] = k;
        else
            table_spill(a, k.hash, k.count);
    }
}

/* Into the lines before `end`, which only this thread writes; the key is not there yet.  False if they have no room. */
static bool place(struct table_adder *a, const struct table_view *to, uint64_t end, struct spilled_key k)
{
    uint64_t line = k.hash >> to->shift, word = k.count * to->increment | (k.hash & to->remainder_mask) << PROBE_BITS;

    for (unsigned d = 0; d < PROBE_LINES && line < end; line += ++d) {
        for (unsigned i = 0; i < LINE_SLOTS; i++) {
            uint64_t *slot = &to->slots[line * LINE_SLOTS + (k.hash + i) % LINE_SLOTS];

            if (*slot)
                continue;
            *slot = word | (d + 1);
            a->n_new++;
            return true;
        }
    }
    return false;
}

/* Of the keys that wait, those whose own line has been split by now. */
static void keys_follow(struct table_adder *a, const struct table_view *from, const struct table_view *to,
                        struct range range, uint64_t line, struct waiting *waiting)
{
    unsigned n = 0;

    for (unsigned i = 0; i < waiting->n; i++) {
        struct spilled_key k = waiting->keys[i];

        if (k.hash >> from->shift < line)
            waiting->keys[n++] = k;
        else if (!place(a, to, 2 * range.end, k))
            table_spill(a, k.hash, k.count);
    }
    waiting->n = n;
}

static void split_range(struct table_adder *a, const struct table_view *from, const struct table_view *to,
                        struct range range)
{
    struct waiting waiting;
    uint64_t words[LINE_SLOTS];

    waiting.n = 0;
    for (uint64_t line = range.end; line-- > range.begin;) {
        memcpy(words, from->slots + line * LINE_SLOTS, sizeof(words));
        line_split(a, to, words, line);
        keys_wait(a, from, range, words, line, &waiting);
        if (waiting.n)
            keys_follow(a, from, to, range, line, &waiting);
    }
}

/* The steps are numbered from the last lines down. */
static struct range range_of(const struct growth *g, uint64_t step)
{
    uint64_t all = n_lines(&g->to) / 2, end = all - step * MOVE_LINES;

    return (struct range){end > MOVE_LINES ? end - MOVE_LINES : 0, end};
}

/* Steps before this one that write where it reads, or read where it writes, are those before its half. */
static uint64_t n_to_wait_for(const struct growth *g, uint64_t step)
{
    uint64_t left = g->n_steps - step, half = 1; /* of the steps in order of lines: half < left <= 2 * half, or 1 */

    while (left > 2 * half)
        half *= 2;
    return left > 1 ? g->n_steps - 2 * half : g->n_steps - 1;
}

void table_growth_begin(struct table *t)
{
    unsigned lines_log2 = t->view.n_lines_log2;

    t->want = false;
    t->refused = !regions_extend(t->regions, &t->region, bytes_for(lines_log2), bytes_for(lines_log2 + 1));
    if (t->refused)
        return;
    table_view_set(&t->view, &t->region, t->key, lines_log2); /* it may have moved */
    t->growth = (struct growth){.going_on = true};
    table_view_set(&t->growth.to, &t->region, t->key, lines_log2 + 1);
    t->growth.n_steps = n_lines(&t->view) > MOVE_LINES ? n_lines(&t->view) / MOVE_LINES : 1;
}

static void growth_end(struct table *t)
{
    t->view = t->growth.to;
    t->n_used = t->growth.n_used;
    t->growth.going_on = false;
}

void table_growth_help(struct table *t, struct table_adder *a)
{
    struct growth *g = &t->growth;

    while (g->going_on && g->n_taken < g->n_steps) {
        struct range range;

        if (g->n_done < n_to_wait_for(g, g->n_taken)) {
            table_wait(t);
            continue;
        }
        range = range_of(g, g->n_taken++);
        pthread_mutex_unlock(&t->mutex);
        a->n_new = 0;
        split_range(a, &t->view, &g->to, range);
        pthread_mutex_lock(&t->mutex);
        g->n_used += a->n_new;
        a->n_new = 0;
        g->n_done++;
        if (g->n_done == g->n_steps)
            growth_end(t);
        if (!g->going_on || g->n_done == n_to_wait_for(g, g->n_taken))
            pthread_cond_broadcast(&t->changed);
    }
}
