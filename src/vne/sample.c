#include "vne/sample.h"

#include <endian.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum {
    AT_ONCE = 256, /* documents that one thread ends before another may: milliseconds */
    STEPS = 1024,  /* that hashes are counted in; those wanted lie in half as many at least */
    FIRST_SHIFT = 54,
    LATE_PART = 16, /* of those wanted, and as many more, may wait beyond it before they are left out */
    LATE = 64,
};

struct entry {
    uint64_t hash;
    struct sampled *document; /* with what it points to behind it */
    size_t bytes;             /* that this takes */
};

struct sample {
    size_t n_wanted, dimension;
    pthread_mutex_t mutex;
    /* guarded by the mutex */
    struct entry *entries; /* [n] of cap, in no order; a few are not wanted any more */
    size_t n, cap;
    size_t n_good;         /* of hashes up to `most` */
    size_t in_step[STEPS]; /* those with so many steps of 2^shift below their hash; up to `last` they count as good */
    unsigned shift, last;
    unsigned n_ending; /* threads that read documents which are no more in the list */
    struct pool pool;
    _Atomic uint64_t most; /* only hashes up to it are wanted; falls */
    _Atomic int64_t spare; /* bytes that documents longer than their sums may take, or less than 0 */
};

uint64_t sample_path_hash(const char *path, uint64_t seed)
{
    return XXH3_64bits_withSeed(path, strlen(path), seed);
}

uint64_t sample_hash(uint64_t path_hash, uint64_t index)
{
    index = htole64(index);
    return XXH3_64bits_withSeed(&index, sizeof(index), path_hash);
}

enum emx_status sample_create(uint64_t n_wanted, size_t dimension, struct chunk_store *store, struct sample **ret,
                              struct emx_error *err)
{
    struct sample *s = calloc(1, sizeof(*s));

    if (!s)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a sample");
    s->n_wanted = n_wanted < SIZE_MAX ? (size_t)n_wanted : SIZE_MAX;
    s->dimension = dimension;
    s->shift = FIRST_SHIFT;
    s->last = STEPS - 1;
    s->most = UINT64_MAX;
    s->pool.store = store;
    s->spare = SAMPLE_SPARE_BYTES;
    if (store->budget && store->budget->limit / 8 < SAMPLE_SPARE_BYTES)
        s->spare = (int64_t)(store->budget->limit / 8);
    pthread_mutex_init(&s->mutex, NULL);
    *ret = s;
    return EMX_OK;
}

/* --- memory ------------------------------------------------------------------------------------------------- */

static size_t sum_bytes(const struct sample *s)
{
    return s->dimension * sizeof(int64_t);
}

/* What a document takes with so many bytes behind it. */
static size_t bytes_with(size_t bytes)
{
    return pool_size(sizeof(struct sampled) + bytes);
}

/* The entry's document, with so many bytes behind it; NULL: no memory is left. */
static struct sampled *take_memory(struct sample *s, size_t bytes, struct entry *e)
{
    e->bytes = bytes_with(bytes);
    pthread_mutex_lock(&s->mutex);
    e->document = pool_take(&s->pool, e->bytes);
    pthread_mutex_unlock(&s->mutex);
    return e->document;
}

/* What a document takes of the room for others. */
static int64_t surplus(const struct sample *s, const struct entry *e)
{
    return (int64_t)e->bytes - (int64_t)bytes_with(sum_bytes(s));
}

static void leave_out(struct sample *s, const struct entry *e)
{
    s->spare += surplus(s, e);
    pool_give(&s->pool, e->document, e->bytes);
}

/* Accepts NULL. */
void sample_destroy(struct sample **s)
{
    if (!*s)
        return;
    for (size_t i = 0; i < (*s)->n; i++)
        leave_out(*s, &(*s)->entries[i]);
    pool_clear(&(*s)->pool);
    free((*s)->entries);
    pthread_mutex_destroy(&(*s)->mutex);
    free(*s);
    *s = NULL;
}

bool sample_wants(const struct sample *s, uint64_t hash)
{
    /* Relaxed: an old value only lets more through, and sample_offer() looks again. */
    return hash <= atomic_load_explicit(&s->most, memory_order_relaxed);
}

bool sample_has_room(const struct sample *s, size_t n_bytes)
{
    /* Relaxed: a thread may be a document late. */
    return n_bytes <= sum_bytes(s) ||
           (int64_t)(n_bytes - sum_bytes(s)) <= atomic_load_explicit(&s->spare, memory_order_relaxed);
}

/* --- the least hashes ----------------------------------------------------------------------------------------- */

/*
 * Documents that are not wanted any more stay in the list until there are many of them.  Which these are is known at
 * once, to a step, by counting: if there are enough below the last step, nothing in it is wanted.
 */

static bool is_good(const struct sample *s, const struct entry *e)
{
    return e->hash >> s->shift <= s->last;
}

static void count_steps(struct sample *s)
{
    memset(s->in_step, 0, sizeof(s->in_step));
    for (size_t i = 0; i < s->n; i++) {
        if (is_good(s, &s->entries[i]))
            s->in_step[s->entries[i].hash >> s->shift]++;
    }
}

static void lower_most(struct sample *s)
{
    if (s->n_good - s->in_step[s->last] < s->n_wanted)
        return;
    do {
        s->n_good -= s->in_step[s->last--];
        if (s->last < STEPS / 2 && s->shift > 0) {
            s->shift--;
            s->last = 2 * s->last + 1;
            count_steps(s);
        }
    } while (s->n_good - s->in_step[s->last] >= s->n_wanted);
    atomic_store_explicit(&s->most, ((uint64_t)(s->last + 1) << s->shift) - 1, memory_order_relaxed);
}

static void leave_out_late(struct sample *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        if (is_good(s, &s->entries[i]))
            s->entries[n++] = s->entries[i];
        else
            leave_out(s, &s->entries[i]);
    }
    s->n = n;
}

/* Room for one more. */
static bool reserve(struct sample *s)
{
    size_t cap = s->cap ? 2 * s->cap : 64;
    struct entry *grown;

    if (s->n < s->cap)
        return true;
    grown = reallocarray(s->entries, cap, sizeof(*grown));
    if (!grown)
        return false;
    s->entries = grown;
    s->cap = cap;
    return true;
}

static bool add(struct sample *s, const struct entry *e)
{
    if (!reserve(s))
        return false;
    s->entries[s->n++] = *e;
    s->n_good++;
    s->in_step[e->hash >> s->shift]++;
    lower_most(s);
    if (s->n - s->n_good > s->n_wanted / LATE_PART + LATE)
        leave_out_late(s);
    return true;
}

static enum emx_status no_memory(const struct sample *s, struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a sample of %zu documents", s->n_wanted);
}

/* Takes the document, also after a failure. */
static enum emx_status give(struct sample *s, const struct entry *e, struct emx_error *err)
{
    bool good, added;

    pthread_mutex_lock(&s->mutex);
    s->spare -= surplus(s, e);
    good = is_good(s, e);
    added = good && add(s, e);
    if (!added)
        leave_out(s, e);
    pthread_mutex_unlock(&s->mutex);
    return good && !added ? no_memory(s, err) : EMX_OK;
}

static int by_hash(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return (x->hash > y->hash) - (x->hash < y->hash);
}

/* Not more than are wanted: of the last step some may have to go. */
static void settle(struct sample *s)
{
    size_t n = 0;

    if (s->n > s->n_good)
        leave_out_late(s);
    if (s->n <= s->n_wanted)
        return;
    for (size_t i = 0; i < s->n; i++) {
        struct entry e = s->entries[i];

        if (e.hash >> s->shift < s->last) {
            s->entries[i] = s->entries[n];
            s->entries[n++] = e;
        }
    }
    qsort(s->entries + n, s->n - n, sizeof(*s->entries), by_hash);
    while (s->n > s->n_wanted)
        leave_out(s, &s->entries[--s->n]);
    s->n_good = s->n;
    s->in_step[s->last] = s->n - n;
}

/* --- documents ------------------------------------------------------------------------------------------------- */

enum emx_status sample_offer(struct sample *s, uint64_t hash, const struct bag_part *document, struct emx_error *err)
{
    struct entry e = {.hash = hash};
    struct sampled *d = take_memory(s, sum_bytes(s), &e);

    if (!d)
        return no_memory(s, err);
    *d = (struct sampled){.part = *document};
    d->part.sum = memcpy(d + 1, document->sum, sum_bytes(s));
    return give(s, &e, err);
}

static bool fit_in_two_bytes(const uint32_t *tokens, size_t n)
{
    uint32_t all = 0;

    for (size_t i = 0; i < n; i++)
        all |= tokens[i];
    return all <= UINT16_MAX;
}

static void narrow(const uint32_t *tokens, size_t n, uint16_t *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = (uint16_t)tokens[i];
}

enum emx_status sample_offer_tokens(struct sample *s, uint64_t hash, const void *tokens, size_t n, size_t width,
                                    struct emx_error *err)
{
    bool narrows = width == 4 && fit_in_two_bytes(tokens, n);
    struct entry e = {.hash = hash};
    struct sampled *d;

    if (!sample_wants(s, hash))
        return EMX_OK;
    d = take_memory(s, n * (narrows ? 2 : width), &e);
    if (!d)
        return no_memory(s, err);
    *d = (struct sampled){.tokens = d + 1, .n = n, .width = narrows ? 2 : width};
    if (narrows)
        narrow(tokens, n, (uint16_t *)(d + 1));
    else if (n)
        memcpy(d + 1, tokens, n * width);
    return give(s, &e, err);
}

uint64_t sample_n(struct sample *s)
{
    uint64_t n;

    pthread_mutex_lock(&s->mutex);
    settle(s);
    n = s->n;
    pthread_mutex_unlock(&s->mutex);
    return n;
}

const struct sampled *sample_document(const struct sample *s, size_t i, uint64_t *ret_hash)
{
    *ret_hash = s->entries[i].hash;
    return s->entries[i].document;
}

static void forget_all(struct sample *s)
{
    pool_clear(&s->pool);
    memset(s->in_step, 0, sizeof(s->in_step));
    s->n_good = 0;
}

enum emx_status sample_move(struct sample *s, struct sample *to, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    while (s->n && !status) {
        const struct entry *e = &s->entries[--s->n];
        const struct sampled *d = e->document;

        status = d->part.sum ? sample_offer(to, e->hash, &d->part, err)
                             : sample_offer_tokens(to, e->hash, d->tokens, d->n, d->width, err);
        leave_out(s, e);
    }
    if (!status)
        forget_all(s);
    return status;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static enum emx_status end(const struct sampled *d, struct bags *b, struct emx_error *err)
{
    if (d->part.sum)
        bags_add_part(b, &d->part);
    else if (d->width == 2)
        bags_u16(b, d->tokens, d->n);
    else
        bags_u32(b, d->tokens, d->n);
    return bags_end(b, err);
}

enum emx_status sample_end(struct sample *s, struct bags *b, bool *ret_any, struct emx_error *err)
{
    struct entry taken[AT_ONCE];
    size_t n;
    enum emx_status status = EMX_OK;

    pthread_mutex_lock(&s->mutex);
    settle(s);
    n = s->n < AT_ONCE ? s->n : AT_ONCE;
    s->n -= n;
    s->n_good -= n;
    for (size_t i = 0; i < n; i++) {
        taken[i] = s->entries[s->n + i];
        s->in_step[taken[i].hash >> s->shift]--;
    }
    s->n_ending++;
    pthread_mutex_unlock(&s->mutex);
    for (size_t i = 0; i < n && !status; i++) {
        if (i + 1 < n)
            __builtin_prefetch(taken[i + 1].document);
        status = end(taken[i].document, b, err);
    }
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < n; i++)
        leave_out(s, &taken[i]);
    if (--s->n_ending == 0 && s->n == 0)
        pool_clear(&s->pool);
    pthread_mutex_unlock(&s->mutex);
    *ret_any = n > 0;
    return status;
}
