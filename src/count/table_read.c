#include "count/table_parts.h"

struct table_cursor table_cursor_begin(const struct table *t, size_t part, size_t n_parts)
{
    return (struct table_cursor){
        .table = t,
        .line = n_lines(&t->view) * part / n_parts,
        .end = n_lines(&t->view) * (part + 1) / n_parts,
        .has_carries = part == 0,
    };
}

static size_t read_carries(struct table_cursor *c, struct table_entry *ret, size_t cap)
{
    const struct table *t = c->table;
    size_t n = 0;

    for (; c->has_carries && c->carry < t->carries.cap && n < cap; c->carry++) {
        if (t->carries.entries[c->carry].count)
            ret[n++] = (struct table_entry){pair_key_unmix(t->key, t->carries.entries[c->carry].hash),
                                            t->carries.entries[c->carry].count};
    }
    return n;
}

/* The entries of a line; empty slots are undone too, since a branch would cost more, and written over. */
static inline size_t read_line(const struct table *t, uint64_t line, struct table_entry *ret)
{
    const struct table_view *v = &t->view;
    const uint64_t *slots = v->slots + line * LINE_SLOTS;
    size_t n = 0;

    for (unsigned i = 0; i < LINE_SLOTS; i++) {
        ret[n] = (struct table_entry){pair_key_unmix(t->key, slot_hash(v, line, slots[i])), slots[i] >> count_shift(v)};
        n += slots[i] != 0;
    }
    return n;
}

size_t table_cursor_next(struct table_cursor *c, struct table_entry *ret, size_t cap)
{
    size_t n = 0;

    for (; c->line < c->end && n + LINE_SLOTS <= cap; c->line++)
        n += read_line(c->table, c->line, ret + n);
    return n ? n : read_carries(c, ret, cap);
}

uint64_t *table_part_slots(struct table *t, size_t part, size_t n_parts, size_t *ret_n)
{
    struct table_cursor c = table_cursor_begin(t, part, n_parts);

    *ret_n = (size_t)(c.end - c.line) * LINE_SLOTS;
    return t->view.slots + c.line * LINE_SLOTS;
}
