#include "scan/skips.h"

#include <stdlib.h>
#include <string.h>

void skips_init(struct skips *s, const struct emx_scan_options *options, struct share *share)
{
    *s = (struct skips){.options = options, .share = share};
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
static enum emx_status append(struct skips *s, const struct emx_skipped *what, struct emx_error *err)
{
    const struct emx_scan_options *o = s->options;
    char *reason = strdup(what->reason);

    if (!reason || !reserve(s)) {
        free(reason);
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for the list of what is skipped");
    }
    s->items[s->n] = *what;
    s->items[s->n].reason = reason;
    if (o->skipped && s->share->cluster->rank == 0)
        o->skipped(&s->items[s->n], o->context);
    s->n++;
    return EMX_OK;
}

enum emx_status skips_adopt(struct skips *s, const struct emx_skipped *what, struct emx_error *err)
{
    enum emx_status status;

    pthread_mutex_lock(&s->mutex);
    status = append(s, what, err);
    pthread_mutex_unlock(&s->mutex);
    return status;
}

enum emx_status skips_add(struct skips *s, const struct emx_skipped *what, struct emx_error *err)
{
    uint64_t most = s->options->max_bad;

    if (share_skip(s->share) >= most && most)
        return emx_fail(err, EMX_ERR_FORMAT, "%s (more than %llu broken: the most that may be skipped)", what->reason,
                        (unsigned long long)most);
    return skips_adopt(s, what, err);
}
