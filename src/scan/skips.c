#include "scan/skips.h"

#include <stdlib.h>
#include <string.h>

void skips_init(struct skips *s, const struct emx_scan_options *options)
{
    *s = (struct skips){.options = options};
    pthread_mutex_init(&s->mutex, NULL);
}

void skips_finish(struct skips *s)
{
    for (size_t i = 0; i < s->n; i++)
        free((char *)s->items[i].reason);
    free(s->items);
    pthread_mutex_destroy(&s->mutex);
}

static bool reserve(struct skips *s)
{
    size_t cap = s->cap ? 2 * s->cap : 16;
    struct emx_skipped *larger;

    if (s->n < s->cap)
        return true;
    larger = realloc(s->items, cap * sizeof(*larger));
    if (!larger)
        return false;
    s->items = larger;
    s->cap = cap;
    return true;
}

/* Called with the mutex. */
static enum emx_status add(struct skips *s, const struct emx_skipped *what, struct emx_error *err)
{
    const struct emx_scan_options *o = s->options;
    char *reason;

    if (o->max_bad && s->n >= o->max_bad)
        return emx_fail(err, EMX_ERR_FORMAT, "%s (more than %llu broken: the most that may be skipped)", what->reason,
                        (unsigned long long)o->max_bad);
    reason = strdup(what->reason);
    if (!reason || !reserve(s)) {
        free(reason);
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for the list of what is skipped");
    }
    s->items[s->n] = *what;
    s->items[s->n].reason = reason;
    if (o->skipped)
        o->skipped(&s->items[s->n], o->context);
    s->n++;
    return EMX_OK;
}

enum emx_status skips_add(struct skips *s, const struct emx_skipped *what, struct emx_error *err)
{
    enum emx_status status;

    pthread_mutex_lock(&s->mutex);
    status = add(s, what, err);
    pthread_mutex_unlock(&s->mutex);
    return status;
}
