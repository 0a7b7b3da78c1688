/*
 * table_grow.c - lines to twice as many, slots to half their size
 *
 * A table grows where it stands, so that only the second half is new memory.  A line goes to lines 2i and 2i + 1: so
 * the upper half of the lines goes to new memory, and can do so in any order, the quarter below it to where the upper
 * half was, the eighth below that to where the quarter was, and so on.  Threads take steps of MOVE_LINES lines, from
 * the last lines down; before each half of what is left they wait for each other.  A step goes from its last line down,
 * so the one that is left at the end, lines 0 .. MOVE_LINES - 1, needs no halves.
 *
 * Once in its life a table gets small slots instead, twice as many in the same lines: then no line moves, and steps can
 * be taken in any order.
 */
#include "count/table_parts.h"

#include <string.h>

#ifndef TABLE_MOVE_LINES
#define TABLE_MOVE_LINES 4096
#endif
enum { MOVE_LINES = TABLE_MOVE_LINES /* lines of a step: 256 KiB, some hundred microseconds */ };

struct range {
    uint64_t begin, end; /* lines */
};

/*
 * The highest bit of the remainder goes over to the line, and every key keeps the index of its slot, so that no two
 * want the same.  Keys that stand after their own line have no place there; they wait: true if there are any.
 */
static inline bool split_large(struct table_adder *a, const struct table_view *to, const uint64_t *slots, uint64_t line)
{
    large_slot *low = line_at(to, 2 * line), *high = line_at(to, 2 * line + 1);
    uint64_t any_displaced = 0, n = 0;

    for (unsigned i = 0; i < LINE_WORDS; i++) {
        uint64_t w = slots[i], at_home = (w & PROBE_LINES) == 1;
        uint64_t moved = ((w >> 1 & ~to->tag_mask) | (w & to->tag_mask)) & -at_home;
        uint64_t is_high = -(w >> (to->shift + PROBE_BITS) & 1);

        low[i] = moved & ~is_high;
        high[i] = moved & is_high;
        any_displaced |= w & (PROBE_LINES - 1);
        n += at_home;
    }
    a->n_new += n;
    return any_displaced;
}

/* The slots of a line at once, in as many vectors as the processor needs. */
typedef uint32_t __attribute__((vector_size(64))) small_line;

/* The same; *n_at_home, a slot each, instead of n_new. */
static inline bool split_small(const struct table_view *to, const uint64_t *slots, uint64_t line, small_line *n_at_home)
{
    const uint32_t tag_mask = (uint32_t)to->tag_mask;
    small_line w, at_home, moved, is_high, low, high;
    uint64_t displaced[LINE_WORDS], any_displaced = 0;

    memcpy(&w, slots, sizeof(w));
    at_home = -((((w & PROBE_LINES) ^ 1) - 1) >> 31); /* == 1, which compilers do not make vectors of */
    moved = ((w >> 1 & ~tag_mask) | (w & tag_mask)) & at_home;
    is_high = -(w >> (to->shift + PROBE_BITS) & 1);
    low = moved & ~is_high;
    high = moved & is_high;
    memcpy(line_at(to, 2 * line), &low, sizeof(low));
    memcpy(line_at(to, 2 * line + 1), &high, sizeof(high));
    *n_at_home -= at_home;
    w &= PROBE_LINES - 1;
    memcpy(displaced, &w, sizeof(displaced));
    for (unsigned i = 0; i < LINE_WORDS; i++)
        any_displaced |= displaced[i];
    return any_displaced;
}

/* Two small slots for each: a key goes to that of them where its search begins. */
static void line_shrink(struct table_adder *a, const struct table_view *from, const struct table_view *to,
                        uint64_t line)
{
    uint64_t words[LINE_WORDS];
    void *slots = line_at(to, line);

    memcpy(words, line_at(from, line), sizeof(words));
    memset(slots, 0, sizeof(words));
    for (unsigned i = 0; i < LINE_WORDS; i++) {
        uint64_t hash = slot_hash(from, line, words[i]), count = words[i] >> count_shift(from);
        uint64_t rest = count & (to->quarter - 1);

        if (!words[i])
            continue;
        if ((words[i] & PROBE_LINES) > 1) { /* its own line has room now */
            table_spill(a, hash, count);
            continue;
        }
        slot_set(slots, i + (hash & LINE_WORDS), rest << count_shift(to) | (words[i] & to->tag_mask), true);
        a->n_new++;
        if (count > rest)
            table_carry(a, hash, count - rest);
    }
}

static void shrink_range(struct table_adder *a, const struct table_view *from, const struct table_view *to,
                         struct range range)
{
    for (uint64_t line = range.begin; line < range.end; line++)
        line_shrink(a, from, to, line);
}

/* Displaced keys whose own line has not been split yet: it is one of the NEAR_LINES below. */
enum { NEAR_LINES = 15 };
struct waiting {
    struct spilled_key keys[(NEAR_LINES + 1) * MOST_LINE_SLOTS];
    unsigned n;
};

/* The displaced keys of a line; those whose own is far below, which are very few, are added when the table has grown.
 */
static void keys_wait(struct table_adder *a, const struct table_view *from, struct range range, const void *slots,
                      uint64_t line, struct waiting *waiting)
{
    for (unsigned i = 0; i < line_n_slots(from->small); i++) {
        uint64_t w = slot_get(slots, i, from->small);
        struct spilled_key k = {slot_hash(from, line, w), w >> count_shift(from)};
        uint64_t home = k.hash >> from->shift;

        if ((w & PROBE_LINES) <= 1)
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
        for (unsigned i = 0; i < line_n_slots(to->small); i++) {
            uint64_t slot = (k.hash + i) % line_n_slots(to->small);

            if (slot_get(line_at(to, line), slot, to->small))
                continue;
            slot_set(line_at(to, line), slot, word | (d + 1), to->small);
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

static void split_lines(struct table_adder *a, const struct table_view *from, const struct table_view *to,
                        struct range range)
{
    struct waiting waiting;
    uint64_t slots[LINE_WORDS];
    small_line n_at_home = {0};
    bool any_displaced;

    waiting.n = 0;
    for (uint64_t line = range.end; line-- > range.begin;) {
        memcpy(slots, line_at(from, line), sizeof(slots));
        any_displaced = from->small ? split_small(to, slots, line, &n_at_home) : split_large(a, to, slots, line);
        if (any_displaced)
            keys_wait(a, from, range, slots, line, &waiting);
        if (waiting.n)
            keys_follow(a, from, to, range, line, &waiting);
    }
    for (unsigned i = 0; i < MOST_LINE_SLOTS; i++)
        a->n_new += n_at_home[i];
}

static void move_range(struct table_adder *a, const struct table_view *from, const struct table_view *to,
                       struct range range)
{
    if (to->n_lines_log2 == from->n_lines_log2)
        shrink_range(a, from, to, range);
    else
        split_lines(a, from, to, range);
}

/* The steps are numbered from the last lines down. */
static struct range range_of(const struct table *t, uint64_t step)
{
    uint64_t end = n_lines(&t->view) - step * MOVE_LINES;

    return (struct range){end > MOVE_LINES ? end - MOVE_LINES : 0, end};
}

/* Steps before this one that write where it reads, or read where it writes, are those before its half. */
static uint64_t n_to_wait_for(const struct table *t, uint64_t step)
{
    const struct growth *g = &t->growth;
    uint64_t left = g->n_steps - step, half = 1; /* of the steps in order of lines: half < left <= 2 * half, or 1 */

    if (g->to.n_lines_log2 == t->view.n_lines_log2)
        return 0;
    while (left > 2 * half)
        half *= 2;
    return left > 1 ? g->n_steps - 2 * half : g->n_steps - 1;
}

void table_growth_begin(struct table *t)
{
    unsigned before = t->view.n_lines_log2, after = before + 1;
    bool small = t->view.small;

    if (!small && small_fits(t->key, before)) {
        small = true;
        after = before;
    }
    t->want = false;
    t->refused = !regions_extend(t->regions, &t->region, bytes_of_lines(before), bytes_for(after, small));
    if (t->refused)
        return;
    table_view_set(&t->view, &t->region, t->key, before, t->view.small); /* it may have moved */
    t->growth = (struct growth){.going_on = true};
    table_view_set(&t->growth.to, &t->region, t->key, after, small);
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

        if (g->n_done < n_to_wait_for(t, g->n_taken)) {
            table_wait(t);
            continue;
        }
        range = range_of(t, g->n_taken++);
        pthread_mutex_unlock(&t->mutex);
        a->n_new = 0;
        move_range(a, &t->view, &g->to, range);
        pthread_mutex_lock(&t->mutex);
        g->n_used += a->n_new;
        a->n_new = 0;
        g->n_done++;
        if (g->n_done == g->n_steps)
            growth_end(t);
        if (!g->going_on || g->n_done == n_to_wait_for(t, g->n_taken))
            pthread_cond_broadcast(&t->changed);
    }
}
