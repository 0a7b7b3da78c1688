#include "count/tally.h"

#include <stdlib.h>
#include <string.h>

void tally_init(struct tally *t)
{
    *t = (struct tally){0};
    pthread_mutex_init(&t->mutex, NULL);
}

void tally_finish(struct tally *t)
{
    free(t->count);
    pthread_mutex_destroy(&t->mutex);
    *t = (struct tally){0};
}

/* Called with the mutex. */
static enum emx_status reach(struct tally *t, uint32_t token, struct emx_error *err)
{
    size_t n = t->n ? t->n : 1024;
    uint64_t *larger;

    if (token < t->n)
        return EMX_OK;
    while (n <= token)
        n *= 2;
    larger = realloc(t->count, n * sizeof(*larger));
    if (!larger)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for the counts of %zu tokens", n);
    memset(larger + t->n, 0, (n - t->n) * sizeof(*larger));
    t->count = larger;
    t->n = n;
    return EMX_OK;
}

enum emx_status tally_add(struct tally *t, const uint32_t *tokens, size_t n, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    pthread_mutex_lock(&t->mutex);
    for (size_t i = 0; i < n && !status; i++) {
        status = reach(t, tokens[i], err);
        if (!status)
            t->count[tokens[i]]++;
    }
    pthread_mutex_unlock(&t->mutex);
    return status;
}

enum emx_status tally_add_many(struct tally *t, uint32_t token, uint64_t count, struct emx_error *err)
{
    enum emx_status status;

    pthread_mutex_lock(&t->mutex);
    status = reach(t, token, err);
    if (!status)
        t->count[token] += count;
    pthread_mutex_unlock(&t->mutex);
    return status;
}

bool tally_subtract(struct tally *t, const struct tally *from)
{
    for (size_t i = 0; i < from->n; i++) {
        if (from->count[i] == 0)
            continue;
        if (i >= t->n || t->count[i] < from->count[i])
            return false;
        t->count[i] -= from->count[i];
    }
    return true;
}
