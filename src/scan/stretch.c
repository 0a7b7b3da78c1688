#include "scan/stretch.h"

#include <stdlib.h>

void document_part_finish(struct document_part *p)
{
    free(p->bag.sum);
    free(p->tokens);
    *p = (struct document_part){0};
}

void stretch_finish(struct stretch *s)
{
    document_part_finish(&s->head);
    document_part_finish(&s->tail);
    *s = (struct stretch){0};
}

void stretches_finish(struct stretches *s)
{
    for (size_t i = 0; i < s->n; i++)
        stretch_finish(&s->list[i]);
    free(s->list);
    sample_destroy(&s->sample);
    *s = (struct stretches){0};
}

bool stretches_add(struct stretches *s, const struct stretch *x)
{
    size_t cap = s->cap ? 2 * s->cap : 8;
    struct stretch *grown;

    if (s->n == s->cap) {
        grown = reallocarray(s->list, cap, sizeof(*grown));
        if (!grown)
            return false;
        s->list = grown;
        s->cap = cap;
    }
    s->list[s->n++] = *x;
    return true;
}

bool stretches_meet(struct stretches *s, const struct stretch *x, struct stretch *ret, bool *ret_kept)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->list[i].end == x->begin || s->list[i].begin == x->end) {
            *ret = s->list[i];
            s->list[i] = s->list[--s->n];
            return true;
        }
    }
    *ret_kept = stretches_add(s, x);
    return false;
}
