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

/* Move the marked half of a full count field to the carries. */
static void drain(struct table_adder *a, uint64_t *slot, uint64_t hash)
{
    uint64_t w = __atomic_load_n(slot, __ATOMIC_RELAXED);

    while (w & OVERFLOW_MARK) {
        if (!__atomic_compare_exchange_n(slot, &w, w & ~OVERFLOW_MARK, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            continue;
        pthread_mutex_lock(&a->table->mutex);
        if (!carries_add(&a->table->carries, hash, OVERFLOW_MARK / a->view.increment))
            a->no_memory = true;
        pthread_mutex_unlock(&a->table->mutex);
        return;
    }
}

/* Add to a slot that holds the key. */
static inline __attribute__((always_inline)) void slot_add(struct table_adder *a, const struct table_view *v,
                                                           uint64_t *slot, uint64_t hash, uint64_t count, bool shared)
{
    uint64_t amount = count << count_shift(v), w;

    if (shared)
        w = __atomic_fetch_add(slot, amount, __ATOMIC_RELAXED);
    else
        *slot = (w = *slot) + amount;
    if ((w + amount) & OVERFLOW_MARK)
        drain(a, slot, hash);
}

enum found { FOUND_FULL_LINE, FOUND_EMPTY_SLOT, FOUND_AND_ADDED };

/* Look for the key in all slots of a line. */
static inline __attribute__((always_inline)) enum found line_find(struct table_adder *a, const struct table_view *v,
                                                                  uint64_t *line, uint64_t tag, uint64_t hash,
                                                                  uint64_t count, bool shared)
{
    enum found found = FOUND_FULL_LINE;

    for (unsigned i = 0; i < LINE_SLOTS; i++) {
        uint64_t w = __atomic_load_n(&line[i], __ATOMIC_RELAXED);

        if (w && (w & v->tag_mask) == tag) {
            slot_add(a, v, &line[i], hash, count, shared);
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
                                                              uint64_t *line, uint64_t tag, uint64_t hash,
                                                              uint64_t count, bool shared)
{
    uint64_t word = count << count_shift(v) | tag;

    for (unsigned i = 0; i < LINE_SLOTS; i++) {
        uint64_t *slot = &line[(hash + i) % LINE_SLOTS], w = __atomic_load_n(slot, __ATOMIC_RELAXED);

        if (!w && !shared)
            *slot = word;
        /* a failed exchange leaves the winner's word in w */
        if (!w && (!shared || __atomic_compare_exchange_n(slot, &w, word, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))) {
            a->n_new++;
            return true;
        }
        if ((w & v->tag_mask) == tag) {
            slot_add(a, v, slot, hash, count, shared);
            return true;
        }
    }
    return false;
}

/* False if PROBE_LINES lines have no room. */
static inline __attribute__((always_inline)) bool view_add(struct table_adder *a, const struct table_view *v,
                                                           uint64_t hash, uint64_t count, bool shared)
{
    uint64_t remainder = (hash & v->remainder_mask) << PROBE_BITS;
    uint64_t last = n_lines(v) - 1, number = hash >> v->shift;

    for (unsigned d = 0; d < PROBE_LINES && d <= last; number += ++d) {
        uint64_t *line = v->slots + (number & last) * LINE_SLOTS, tag = remainder | (d + 1);
        enum found found = line_find(a, v, line, tag, hash, count, shared);

        if (found == FOUND_AND_ADDED ||
            (found == FOUND_EMPTY_SLOT && line_insert(a, v, line, tag, hash, count, shared)))
            return true;
    }
    return false;
}

static inline __attribute__((always_inline)) void add_or_spill(struct table_adder *a, uint64_t hash, uint64_t count)
{
    if (a->alone ? view_add(a, &a->view, hash, count, false) : view_add(a, &a->view, hash, count, true))
        return;
    a->no_room = true;
    table_spill(a, hash, count);
}

void table_add(struct table_adder *a, uint64_t hash, uint64_t count)
{
    /* a quarter of the field at most at a time: see "overflow" in table.h */
    const uint64_t most = (UINT64_C(1) << 61) / a->view.increment;

    for (; count > most; count -= most)
        add_or_spill(a, hash, most);
    add_or_spill(a, hash, count);
}
