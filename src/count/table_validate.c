#include "count/table_parts.h"

/* Is the key where a search finds it and nowhere else: are the lines before its own full, and of other keys? */
static bool reachable(const struct table_view *v, uint64_t line, unsigned index, uint64_t w)
{
    uint64_t hash = slot_hash(v, line, w), last = n_lines(v) - 1;
    uint64_t tag = w & v->tag_mask & ~(uint64_t)PROBE_LINES;
    unsigned number = (unsigned)(w & PROBE_LINES) - 1;

    for (unsigned d = 0; d <= number; d++) {
        const void *slots = line_at(v, ((hash >> v->shift) + probe_offset(d)) & last);

        for (unsigned i = 0; i < line_n_slots(v->small); i++) {
            uint64_t other = slot_get(slots, i, v->small);

            if (d == number && i == index)
                continue;
            if ((d < number && !other) || (other && (other & v->tag_mask) == (tag | (d + 1))))
                return false;
        }
    }
    return true;
}

bool table_validate(const struct table *t, const char **ret_reason)
{
    const struct table_view *v = &t->view;
    uint64_t n = 0;

    *ret_reason = NULL;
    for (uint64_t line = 0; line < n_lines(v); line++) {
        for (unsigned i = 0; i < line_n_slots(v->small); i++) {
            uint64_t w = slot_get(line_at(v, line), i, v->small);

            if (!w)
                continue;
            n++;
            if (!(w & PROBE_LINES))
                *ret_reason = "a slot in use has no number of its line";
            else if (!(w / v->increment) && !carries_have(&t->carries, slot_hash(v, line, w)))
                *ret_reason = "a count is 0";
            else if (!reachable(v, line, i, w))
                *ret_reason = "a key stands where a search does not find it, or twice";
        }
    }
    if (n != t->n_used)
        *ret_reason = "the number of slots in use is wrong";
    if (t->n_inside || t->want || t->growth.going_on)
        *ret_reason = "a thread is still inside or growing";
    return !*ret_reason;
}
