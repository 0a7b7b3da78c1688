#include "count/table_parts.h"

#include <stdlib.h>

void table_spill(struct table_adder *a, uint64_t hash, uint64_t count)
{
    if (a->n_spill == a->cap_spill) {
        size_t cap = a->cap_spill ? 2 * a->cap_spill : 1024;
        struct spilled_key *larger = realloc(a->spill, cap * sizeof(*larger));

        if (!larger) {
            a->no_memory = true;
            return;
        }
        a->spill = larger;
        a->cap_spill = cap;
    }
    a->spill[a->n_spill++] = (struct spilled_key){hash, count};
}

void table_carry(struct table_adder *a, uint64_t hash, uint64_t count)
{
    pthread_mutex_lock(&a->table->mutex);
    if (!carries_add(&a->table->carries, hash, count))
        a->no_memory = true;
    pthread_mutex_unlock(&a->table->mutex);
}

/* Where a search is. */
struct at {
    void *line;
    uint64_t slot; /* of the line */
};

/* Move the marked half of a full count field to the carries; the word that is left. */
static uint64_t drain(struct table_adder *a, struct at at, uint64_t hash, bool small)
{
    const struct table_view *v = &a->view;
    uint64_t w = slot_load(at.line, at.slot, small);

    while (w & v->mark) {
        if (!slot_exchange(at.line, at.slot, &w, w & ~v->mark, small))
            continue;
        w &= ~v->mark;
        table_carry(a, hash, v->mark / v->increment);
    }
    return w;
}

/* Add to a slot that holds the key, at most a quarter of the field. */
static inline __attribute__((always_inline)) void slot_add(struct table_adder *a, const struct table_view *v,
                                                           struct at at, uint64_t hash, uint64_t count, bool shared,
                                                           bool small)
{
    uint64_t amount = count << count_shift(v), w = slot_load(at.line, at.slot, small);

    do {
        if (w & v->mark)
            w = drain(a, at, hash, small);
        if (!shared)
            slot_set(at.line, at.slot, w + amount, small);
    } while (shared && !slot_exchange(at.line, at.slot, &w, w + amount, small));
    if ((w + amount) & v->mark)
        drain(a, at, hash, small);
}

enum found { FOUND_FULL_LINE, FOUND_EMPTY_SLOT, FOUND_AND_ADDED };

/* Look for the key in all slots of a line. */
static inline __attribute__((always_inline)) enum found line_find(struct table_adder *a, const struct table_view *v,
                                                                  void *line, uint64_t tag, uint64_t hash,
                                                                  uint64_t count, bool shared, bool small)
{
    enum found found = FOUND_FULL_LINE;

    for (unsigned i = 0; i < line_n_slots(small); i++) {
        uint64_t w = slot_load(line, i, small);

        if (w && (w & v->tag_mask) == tag) {
            slot_add(a, v, (struct at){line, i}, hash, count, shared, small);
            return FOUND_AND_ADDED;
        }
        if (!w)
            found = FOUND_EMPTY_SLOT;
    }
    return found;
}

/*
 * Give the key the first empty slot from where its search begins; or add, where another thread was faster with the same
 * key.  False if others have filled the line meanwhile.
 */
static inline __attribute__((always_inline)) bool line_insert(struct table_adder *a, const struct table_view *v,
                                                              void *line, uint64_t tag, uint64_t hash, uint64_t count,
                                                              bool shared, bool small)
{
    const unsigned n = line_n_slots(small);
    uint64_t word = count << count_shift(v) | tag;

    for (unsigned i = 0; i < n; i++) {
        struct at at = {line, (hash + i) % n};
        uint64_t w = slot_load(line, at.slot, small);

        if (!w && !shared)
            slot_set(line, at.slot, word, small);
        /* a failed exchange leaves the winner's word in w */
        if (!w && (!shared || slot_exchange(line, at.slot, &w, word, small))) {
            a->n_new++;
            return true;
        }
        if ((w & v->tag_mask) == tag) {
            slot_add(a, v, at, hash, count, shared, small);
            return true;
        }
    }
    return false;
}

/* False if PROBE_LINES lines have no room. */
static inline __attribute__((always_inline)) bool view_add(struct table_adder *a, const struct table_view *v,
                                                           uint64_t hash, uint64_t count, bool shared, bool small)
{
    uint64_t remainder = (hash & v->remainder_mask) << PROBE_BITS;
    uint64_t last = n_lines(v) - 1, number = hash >> v->shift;

    for (unsigned d = 0; d < PROBE_LINES && d <= last; number += ++d) {
        void *line = line_at(v, number & last);
        uint64_t tag = remainder | (d + 1);
        enum found found = line_find(a, v, line, tag, hash, count, shared, small);

        if (found == FOUND_AND_ADDED ||
            (found == FOUND_EMPTY_SLOT && line_insert(a, v, line, tag, hash, count, shared, small)))
            return true;
    }
    return false;
}

static bool add(struct table_adder *a, uint64_t hash, uint64_t count)
{
    if (a->view.small)
        return a->alone ? view_add(a, &a->view, hash, count, false, true)
                        : view_add(a, &a->view, hash, count, true, true);
    return a->alone ? view_add(a, &a->view, hash, count, false, false)
                    : view_add(a, &a->view, hash, count, true, false);
}

void table_add(struct table_adder *a, uint64_t hash, uint64_t count)
{
    uint64_t rest = count & (a->view.quarter - 1);

    if (!add(a, hash, rest)) {
        a->no_room = true;
        table_spill(a, hash, count);
    } else if (count > rest) {
        table_carry(a, hash, count - rest);
    }
}
