#include "scan/stretch.h"

#include <stdlib.h>

void stretch_finish(struct stretch *s)
{
    free(s->head.bag.sum);
    free(s->tail.bag.sum);
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

void document_part_join(struct document_part *a, struct document_part *b, size_t dimension)
{
    if (!a->bag.sum) {
        a->bag.sum = b->bag.sum;
        b->bag.sum = NULL;
    }
    for (size_t i = 0; b->bag.sum && i < dimension; i++)
        a->bag.sum[i] += b->bag.sum[i];
    a->bag.n_tokens += b->bag.n_tokens;
    a->bag.n_without_vector += b->bag.n_without_vector;
    free(b->bag.sum);
    b->bag.sum = NULL;
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
