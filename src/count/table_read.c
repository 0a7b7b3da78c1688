#include "count/table_parts.h"

struct table_cursor table_cursor_begin(const struct table *t, size_t part, size_t n_parts)
{
    uint64_t begin = n_lines(&t->view) * part / n_parts;

    return (struct table_cursor){
        .table = t,
        .begin = begin,
        .line = begin,
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
static inline __attribute__((always_inline)) size_t read_line(const struct table *t, const struct table_view *v,
                                                              uint64_t line, struct table_entry *ret, bool small)
{
    const void *slots = line_at(v, line);
    size_t n = 0;

    for (unsigned i = 0; i < line_n_slots(small); i++) {
        uint64_t w = slot_get(slots, i, small);

        ret[n] = (struct table_entry){pair_key_unmix(t->key, slot_hash(v, line, w)), w >> count_shift(v)};
        n += w != 0;
    }
    return n;
}

size_t table_cursor_next(struct table_cursor *c, struct table_entry *ret, size_t cap)
{
    const struct table_view *v = &c->table->view;
    size_t n = 0, most = line_n_slots(v->small);

    for (; c->line < c->end && n + most <= cap; c->line++)
        n +=
            v->small ? read_line(c->table, v, c->line, ret + n, true) : read_line(c->table, v, c->line, ret + n, false);
    return n ? n : read_carries(c, ret, cap);
}

bool table_cursor_is_in_carries(const struct table_cursor *c)
{
    return c->carry > 0;
}

size_t table_cursor_n_words(const struct table_cursor *c)
{
    return (size_t)(c->line - c->begin) * LINE_WORDS;
}

uint64_t *table_part_words(struct table *t, size_t part, size_t n_parts, size_t *ret_n)
{
    struct table_cursor c = table_cursor_begin(t, part, n_parts);

    *ret_n = (size_t)(c.end - c.line) * LINE_WORDS;
    return line_at(&t->view, c.line);
}

unsigned table_word_slots(const struct table *t)
{
    return t->view.small ? 2 : 1;
}
