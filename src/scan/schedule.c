#include "scan/schedule.h"

#include <stdlib.h>

struct entry {        /* of a domain */
    size_t first;     /* of order[]: shards that nobody had begun when the scan did */
    size_t next, end; /* of them, those that nobody has begun, as far as this rank knows */
    uint64_t n_bytes; /* in them */
    uint64_t n_bytes_all;
    unsigned n_threads;
    size_t n_begun, n_completed; /* by this rank */
    bool is_taken;               /* by schedule_take_counted() */
};

struct schedule {
    pthread_mutex_t mutex;
    struct shard *shards;   /* [n_shards] */
    struct domain *domains; /* [n_domains] */
    size_t n_domains;
    struct share *share;
    unsigned n_threads, n_asked; /* threads that there are, and that have their first shard */
    uint64_t n_bytes;            /* of all shards */
    struct shard **order;        /* [n_shards] by domain, then size, largest first */
    struct entry *entries;       /* [n_domains] */
    struct shard **open;         /* [n_open] begun and not ended; at most one a thread */
    unsigned *n_on;              /* [n_shards] threads on each shard */
    size_t n_open;
    struct shard **restored; /* [n_restored] begun by this rank in an earlier scan */
    size_t n_restored;
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
        struct shard *shard = &s->shards[i];

        if (shard->n_spans && !shard->finished)
            s->restored[s->n_restored++] = shard;
        else if (!shard->finished && !shard->is_taken)
            s->order[n++] = shard;
    }
    n_shards = n;
    qsort(s->order, n_shards, sizeof(struct shard *), by_domain_and_size);
    for (size_t i = 0; i < n_shards; i++) {
        struct entry *e = &s->entries[s->order[i]->domain - s->domains];

        if (e->end == 0)
            e->first = e->next = i;
        e->end = i + 1;
        e->n_bytes = add_sizes(e->n_bytes, s->order[i]->size);
        s->n_bytes = add_sizes(s->n_bytes, s->order[i]->size);
    }
    for (size_t i = 0; i < s->n_domains; i++)
        s->entries[i].n_bytes_all = s->entries[i].n_bytes;
}

enum emx_status schedule_create(struct shard *shards, size_t n_shards, struct domain *domains, size_t n_domains,
                                unsigned n_threads, struct share *share, struct schedule **ret, struct emx_error *err)
{
    struct schedule *s = calloc(1, sizeof(*s));

    if (!s)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu shards", n_shards);
    pthread_mutex_init(&s->mutex, NULL);
    s->shards = shards;
    s->domains = domains;
    s->n_domains = n_domains;
    s->n_threads = n_threads;
    s->share = share;
    s->order = calloc(n_shards, sizeof(struct shard *));
    s->open = calloc(n_shards, sizeof(struct shard *));
    s->restored = calloc(n_shards, sizeof(struct shard *));
    s->n_on = calloc(n_shards, sizeof(*s->n_on));
    s->entries = calloc(n_domains, sizeof(*s->entries));
    if (!s->order || !s->open || !s->restored || !s->n_on || !s->entries) {
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
    free(s->restored);
    free(s->n_on);
    free(s->entries);
    free(s);
    *ps = NULL;
}

static void forget_until(struct schedule *s, struct entry *e, size_t next)
{
    for (; e->next < next; e->next++) {
        uint64_t size = s->order[e->next]->size;

        e->n_bytes -= size < e->n_bytes ? size : e->n_bytes;
    }
}

/* NULL: other ranks have begun all that was left. */
static struct shard *begin_shard(struct schedule *s, struct entry *e)
{
    uint64_t claimed = share_claim(s->share, (size_t)(e - s->entries));

    if (claimed >= e->end - e->first) {
        forget_until(s, e, e->end);
        return NULL;
    }
    forget_until(s, e, e->first + (size_t)claimed + 1);
    e->n_begun++;
    return s->open[s->n_open++] = s->order[e->first + (size_t)claimed];
}

static struct shard *begin_restored(struct schedule *s)
{
    struct shard *shard = s->restored[--s->n_restored];

    s->entries[shard->domain - s->domains].n_begun++;
    return s->open[s->n_open++] = shard;
}

static bool has_more(const struct entry *e)
{
    return e->next < e->end;
}

/* Where this thread stands if the threads of all ranks divide the bytes. */
static struct entry *entry_of_thread(struct schedule *s)
{
    const struct emx_cluster *c = s->share->cluster;
    double at = ((double)c->rank + ((double)s->n_asked + 0.5) / s->n_threads) / c->size * (double)s->n_bytes;
    size_t i = 0;

    while (i + 1 < s->n_domains && at >= (double)s->entries[i].n_bytes_all)
        at -= (double)s->entries[i++].n_bytes_all;
    return &s->entries[i];
}

static bool is_better(const struct entry *a, const struct entry *b)
{
    if (a->n_threads != b->n_threads)
        return a->n_threads < b->n_threads;
    if (!a->n_begun != !b->n_begun)
        return a->n_begun;
    return a->n_bytes > b->n_bytes;
}

static struct shard *begin_any(struct schedule *s)
{
    for (;;) {
        struct entry *best = NULL;
        struct shard *shard;

        for (size_t i = 0; i < s->n_domains; i++) {
            struct entry *e = &s->entries[i];

            if (has_more(e) && (!best || is_better(e, best)))
                best = e;
        }
        if (!best)
            return NULL;
        shard = begin_shard(s, best);
        if (shard)
            return shard;
    }
}

static struct shard *begin_first(struct schedule *s)
{
    struct entry *e = entry_of_thread(s);

    s->n_asked++;
    return s->share->cluster->size > 1 && has_more(e) ? begin_shard(s, e) : NULL;
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
        if (!s->n_restored && has_more(e))
            shard = begin_shard(s, e);
    }
    if (s->n_restored)
        shard = begin_restored(s);
    else if (!previous)
        shard = begin_first(s);
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
        more = has_more(&s->entries[i]);
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

void schedule_completed(struct schedule *s, struct shard *shard)
{
    pthread_mutex_lock(&s->mutex);
    s->entries[shard->domain - s->domains].n_completed++;
    pthread_mutex_unlock(&s->mutex);
}

struct domain *schedule_take_counted(struct schedule *s)
{
    struct domain *found = NULL;

    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < s->n_domains && !found; i++) {
        struct entry *e = &s->entries[i];

        if (!has_more(e) && e->n_begun && e->n_completed == e->n_begun && !e->is_taken)
            found = &s->domains[i];
        if (found)
            e->is_taken = true;
    }
    pthread_mutex_unlock(&s->mutex);
    return found;
}
