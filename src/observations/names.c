#include "observations/names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The first place in `sorted` whose name is not before this one. */
static size_t lower_bound(const struct names *s, const char *name)
{
    size_t lo = 0, hi = s->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(s->names[s->sorted[mid]], name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool is_at(const struct names *s, size_t place, const char *name)
{
    return place < s->n && strcmp(s->names[s->sorted[place]], name) == 0;
}

size_t names_find(const struct names *s, const char *name)
{
    size_t place = lower_bound(s, name);

    return is_at(s, place, name) ? s->sorted[place] : SIZE_MAX;
}

static bool grow(struct names *s)
{
    size_t cap = 2 * s->cap + 16;
    char **names = reallocarray(s->names, cap, sizeof(*names));
    size_t *sorted;

    if (!names)
        return false;
    s->names = names;
    sorted = reallocarray(s->sorted, cap, sizeof(*sorted));
    if (!sorted)
        return false;
    s->sorted = sorted;
    s->cap = cap;
    return true;
}

size_t names_add(struct names *s, const char *name)
{
    size_t place = lower_bound(s, name);
    char *copy;

    if (is_at(s, place, name))
        return s->sorted[place];
    if (s->n == s->cap && !grow(s))
        return SIZE_MAX;
    copy = strdup(name);
    if (!copy)
        return SIZE_MAX;
    memmove(s->sorted + place + 1, s->sorted + place, (s->n - place) * sizeof(*s->sorted));
    s->sorted[place] = s->n;
    s->names[s->n] = copy;
    return s->n++;
}

void names_finish(struct names *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->names[i]);
    free(s->names);
    free(s->sorted);
    *s = (struct names){0};
}
