#include "scan/schedule.h"

#include <stdlib.h>

struct entry {        /* of a domain */
    size_t next, end; /* of order[]: shards that nobody has begun */
    uint64_t n_bytes; /* in them */
    unsigned n_threads;
};

struct schedule {
    pthread_mutex_t mutex;
    struct shard *shards;   /* [n_shards] */
    struct domain *domains; /* [n_domains] */
    size_t n_domains;
    struct shard **order;  /* [n_shards] by domain, then size, largest first */
    struct entry *entries; /* [n_domains] */
    struct shard **open;   /* [n_open] begun and not ended; at most one a thread */
    unsigned *n_on;        /* [n_shards] threads on each shard */
    size_t n_open;
};

static int by_domain_and_size(const void *a, const void *b)
{
    const struct shard *x = *(struct shard *const *)a, *y = *(struct shard *const *)b;

    if (x->domain != y->domain)
        return x->domain < y->domain ? -1 : 1;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return (x > y) - (x < y);
}

static uint64_t add_sizes(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void fill(struct schedule *s, size_t n_shards)
{
    size_t n = 0;

    for (size_t i = 0; i < n_shards; i++) {
        if (!s->shards[i].finished) /* by an earlier scan */
            s->order[n++] = &s->shards[i];
    }
    n_shards = n;
    qsort(s->order, n_shards, sizeof(struct shard *), by_domain_and_size);
    for (size_t i = 0; i < n_shards; i++) {
        struct entry *e = &s->entries[s->order[i]->domain - s->domains];

        if (e->end == 0)
            e->next = i;
        e->end = i + 1;
        e->n_bytes = add_sizes(e->n_bytes, s->order[i]->size);
    }
}

enum emx_status schedule_create(struct shard *shards, size_t n_shards, struct domain *domains, size_t n_domains,
                                struct schedule **ret, struct emx_error *err)
{
    struct schedule *s = calloc(1, sizeof(*s));

    if (!s)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu shards", n_shards);
    pthread_mutex_init(&s->mutex, NULL);
    s->shards = shards;
    s->domains = domains;
    s->n_domains = n_domains;
    s->order = calloc(n_shards, sizeof(struct shard *));
    s->open = calloc(n_shards, sizeof(struct shard *));
    s->n_on = calloc(n_shards, sizeof(*s->n_on));
    s->entries = calloc(n_domains, sizeof(*s->entries));
    if (!s->order || !s->open || !s->n_on || !s->entries) {
        schedule_destroy(&s);
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu shards", n_shards);
    }
    fill(s, n_shards);
    *ret = s;
    return EMX_OK;
}

void schedule_destroy(struct schedule **ps)
{
    struct schedule *s = *ps;

    if (!s)
        return;
    pthread_mutex_destroy(&s->mutex);
    free(s->order);
    free(s->open);
    free(s->n_on);
    free(s->entries);
    free(s);
    *ps = NULL;
}

static struct shard *begin_shard(struct schedule *s, struct entry *e)
{
    struct shard *shard = s->order[e->next++];

    e->n_bytes -= shard->size < e->n_bytes ? shard->size : e->n_bytes;
    s->open[s->n_open++] = shard;
    return shard;
}

static bool is_better(const struct entry *a, const struct entry *b)
{
    return a->n_threads != b->n_threads ? a->n_threads < b->n_threads : a->n_bytes > b->n_bytes;
}

static struct shard *begin_any(struct schedule *s)
{
    struct entry *best = NULL;

    for (size_t i = 0; i < s->n_domains; i++) {
        struct entry *e = &s->entries[i];

        if (e->next < e->end && (!best || is_better(e, best)))
            best = e;
    }
    return best ? begin_shard(s, best) : NULL;
}

static struct shard *join_any(struct schedule *s)
{
    struct shard *best = NULL;

    for (size_t i = 0; i < s->n_open; i++) {
        struct shard *shard = s->open[i];

        if (!best || s->n_on[shard - s->shards] < s->n_on[best - s->shards])
            best = shard;
    }
    return best;
}

struct shard *schedule_next(struct schedule *s, struct shard *previous)
{
    struct shard *shard = NULL;
    struct entry *e;

    pthread_mutex_lock(&s->mutex);
    if (previous) {
        e = &s->entries[previous->domain - s->domains];
        s->n_on[previous - s->shards]--;
        e->n_threads--;
        if (e->next < e->end)
            shard = begin_shard(s, e);
    }
    if (!shard)
        shard = begin_any(s);
    if (!shard)
        shard = join_any(s);
    if (shard) {
        s->n_on[shard - s->shards]++;
        s->entries[shard->domain - s->domains].n_threads++;
    }
    pthread_mutex_unlock(&s->mutex);
    return shard;
}

bool schedule_has_more(struct schedule *s)
{
    bool more = false;

    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < s->n_domains && !more; i++)
        more = s->entries[i].next < s->entries[i].end;
    pthread_mutex_unlock(&s->mutex);
    return more;
}

void schedule_ended(struct schedule *s, struct shard *shard)
{
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < s->n_open; i++) {
        if (s->open[i] == shard) {
            s->open[i] = s->open[--s->n_open];
            break;
        }
    }
    pthread_mutex_unlock(&s->mutex);
}
