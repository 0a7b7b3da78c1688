#include "vne/sample.h"

#include "vne/recycled.h"

#include <endian.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { AT_ONCE = 256 /* documents that one thread ends before another may: milliseconds */ };

struct entry {
    uint64_t hash;
    struct sampled *document; /* with what it points to behind it */
    size_t bytes;             /* that this takes */
};

struct sample {
    size_t n_wanted, dimension;
    struct budget *budget; /* or NULL */
    pthread_mutex_t mutex;
    /* guarded by the mutex */
    struct entry *heap; /* [n] of cap; once full the largest hash is at its top */
    size_t n, cap;
    struct recycled recycled;
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

enum emx_status sample_create(uint64_t n_wanted, size_t dimension, struct budget *budget, struct sample **ret,
                              struct emx_error *err)
{
    struct sample *s = calloc(1, sizeof(*s));

    if (!s)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a sample");
    s->n_wanted = n_wanted < SIZE_MAX ? (size_t)n_wanted : SIZE_MAX;
    s->dimension = dimension;
    s->most = UINT64_MAX;
    s->budget = budget;
    s->spare = SAMPLE_SPARE_BYTES;
    if (budget && budget->limit / 8 < SAMPLE_SPARE_BYTES)
        s->spare = (int64_t)(budget->limit / 8);
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
    return recycled_size(sizeof(struct sampled) + bytes);
}

/* The entry's document, with so many bytes behind it; NULL: no memory is left. */
static struct sampled *take_memory(struct sample *s, size_t bytes, struct entry *e)
{
    e->bytes = bytes_with(bytes);
    pthread_mutex_lock(&s->mutex);
    e->document = recycled_take(&s->recycled, e->bytes);
    pthread_mutex_unlock(&s->mutex);
    if (e->document)
        return e->document;
    e->document = malloc(e->bytes);
    if (e->document && s->budget)
        budget_take_all(s->budget, e->bytes);
    return e->document;
}

static void give_memory(const struct sample *s, void *memory, size_t bytes)
{
    if (s->budget)
        budget_give(s->budget, bytes);
    free(memory);
}

static void give_recycled(struct sample *s)
{
    size_t bytes;

    for (void *memory; (memory = recycled_take_any(&s->recycled, &bytes));)
        give_memory(s, memory, bytes);
}

/* Accepts NULL. */
void sample_destroy(struct sample **s)
{
    if (!*s)
        return;
    for (size_t i = 0; i < (*s)->n; i++)
        give_memory(*s, (*s)->heap[i].document, (*s)->heap[i].bytes);
    give_recycled(*s);
    free((*s)->heap);
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

/* --- the heap ------------------------------------------------------------------------------------------------ */

static void sink(struct sample *s, size_t at)
{
    struct entry x = s->heap[at];

    for (size_t child; (child = 2 * at + 1) < s->n; at = child) {
        if (child + 1 < s->n && s->heap[child + 1].hash > s->heap[child].hash)
            child++;
        if (s->heap[child].hash <= x.hash)
            break;
        s->heap[at] = s->heap[child];
    }
    s->heap[at] = x;
}

/* Room for one more. */
static bool reserve(struct sample *s)
{
    size_t cap = s->cap ? 2 * s->cap : 64;
    struct entry *grown;

    if (s->n < s->cap)
        return true;
    grown = reallocarray(s->heap, cap, sizeof(*grown));
    if (!grown)
        return false;
    s->heap = grown;
    s->cap = cap;
    return true;
}

/* What a document takes of the room for others. */
static int64_t surplus(const struct sample *s, const struct entry *e)
{
    return (int64_t)e->bytes - (int64_t)bytes_with(sum_bytes(s));
}

static bool add(struct sample *s, const struct entry *e)
{
    if (!reserve(s))
        return false;
    s->heap[s->n] = *e;
    if (++s->n == s->n_wanted) {
        for (size_t i = s->n / 2; i-- > 0;)
            sink(s, i);
    }
    return true;
}

/* *e is what is not taken, then. */
static void exchange(struct sample *s, struct entry *e)
{
    struct entry last = s->heap[0];

    if (e->hash >= last.hash)
        return;
    s->heap[0] = *e;
    sink(s, 0);
    *e = last;
}

static enum emx_status no_memory(const struct sample *s, struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a sample of %zu documents", s->n_wanted);
}

static void leave_out(struct sample *s, const struct entry *e)
{
    s->spare += surplus(s, e);
    if (!recycled_keep(&s->recycled, e->document, e->bytes))
        give_memory(s, e->document, e->bytes);
}

/* Takes the document, also after a failure. */
static enum emx_status give(struct sample *s, struct entry e, struct emx_error *err)
{
    bool is_full, added = false;

    pthread_mutex_lock(&s->mutex);
    s->spare -= surplus(s, &e);
    is_full = s->n == s->n_wanted;
    if (is_full)
        exchange(s, &e);
    else
        added = add(s, &e);
    if (!added)
        leave_out(s, &e);
    if (s->n == s->n_wanted)
        atomic_store_explicit(&s->most, s->heap[0].hash, memory_order_relaxed);
    pthread_mutex_unlock(&s->mutex);
    return added || is_full ? EMX_OK : no_memory(s, err);
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
    return give(s, e, err);
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
    return give(s, e, err);
}

uint64_t sample_n(struct sample *s)
{
    uint64_t n;

    pthread_mutex_lock(&s->mutex);
    n = s->n;
    pthread_mutex_unlock(&s->mutex);
    return n;
}

const struct sampled *sample_document(const struct sample *s, size_t i, uint64_t *ret_hash)
{
    *ret_hash = s->heap[i].hash;
    return s->heap[i].document;
}

enum emx_status sample_move(struct sample *s, struct sample *to, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    while (s->n && !status) {
        struct entry *e = &s->heap[--s->n];

        s->spare += surplus(s, e);
        status = give(to, *e, err);
    }
    give_recycled(s);
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
    n = s->n < AT_ONCE ? s->n : AT_ONCE;
    s->n -= n;
    for (size_t i = 0; i < n; i++)
        taken[i] = s->heap[s->n + i];
    give_recycled(s);
    pthread_mutex_unlock(&s->mutex);
    for (size_t i = 0; i < n; i++) {
        if (!status)
            status = end(taken[i].document, b, err);
        give_memory(s, taken[i].document, taken[i].bytes);
    }
    *ret_any = n > 0;
    return status;
}
