#include "vne/sample.h"

#include <endian.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct entry {
    uint64_t hash;
    struct bag_part part;
};

struct sample {
    size_t n_wanted, dimension;
    pthread_mutex_t mutex;
    /* guarded by the mutex */
    struct entry *heap; /* [n] of cap; once full the largest hash is at its top */
    size_t n, cap;
    _Atomic uint64_t most; /* only hashes up to it are wanted; falls */
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

enum emx_status sample_create(uint64_t n_wanted, size_t dimension, struct sample **ret, struct emx_error *err)
{
    struct sample *s = calloc(1, sizeof(*s));

    if (!s)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a sample");
    s->n_wanted = n_wanted < SIZE_MAX ? (size_t)n_wanted : SIZE_MAX;
    s->dimension = dimension;
    s->most = UINT64_MAX;
    pthread_mutex_init(&s->mutex, NULL);
    *ret = s;
    return EMX_OK;
}

static void forget(struct sample *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->heap[i].part.sum);
    free(s->heap);
    s->heap = NULL;
    s->n = s->cap = 0;
}

void sample_destroy(struct sample **s)
{
    if (!*s)
        return;
    forget(*s);
    pthread_mutex_destroy(&(*s)->mutex);
    free(*s);
    *s = NULL;
}

bool sample_wants(const struct sample *s, uint64_t hash)
{
    /* Relaxed: an old value only lets more through, and sample_offer() looks again. */
    return hash <= atomic_load_explicit(&s->most, memory_order_relaxed);
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

static void fill(const struct sample *s, struct entry *e, uint64_t hash, const struct bag_part *document)
{
    e->hash = hash;
    e->part.n_tokens = document->n_tokens;
    e->part.n_without_vector = document->n_without_vector;
    memcpy(e->part.sum, document->sum, s->dimension * sizeof(*document->sum));
}

static bool add(struct sample *s, uint64_t hash, const struct bag_part *document)
{
    struct entry *e;

    if (!reserve(s))
        return false;
    e = &s->heap[s->n];
    e->part.sum = malloc(s->dimension * sizeof(*e->part.sum));
    if (!e->part.sum)
        return false;
    fill(s, e, hash, document);
    if (++s->n == s->n_wanted) {
        for (size_t i = s->n / 2; i-- > 0;)
            sink(s, i);
    }
    return true;
}

enum emx_status sample_offer(struct sample *s, uint64_t hash, const struct bag_part *document, struct emx_error *err)
{
    bool done = true;

    pthread_mutex_lock(&s->mutex);
    if (s->n < s->n_wanted) {
        done = add(s, hash, document);
    } else if (hash < s->heap[0].hash) {
        fill(s, &s->heap[0], hash, document);
        sink(s, 0);
    }
    if (done && s->n == s->n_wanted)
        atomic_store_explicit(&s->most, s->heap[0].hash, memory_order_relaxed);
    pthread_mutex_unlock(&s->mutex);
    return done ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "out of memory for a sample of %zu documents", s->n_wanted);
}

uint64_t sample_n(const struct sample *s)
{
    return s->n;
}

const struct bag_part *sample_document(const struct sample *s, size_t i, uint64_t *ret_hash)
{
    *ret_hash = s->heap[i].hash;
    return &s->heap[i].part;
}

enum emx_status sample_move(struct sample *s, struct sample *to, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < s->n && !status; i++)
        status = sample_offer(to, s->heap[i].hash, &s->heap[i].part, err);
    forget(s);
    return status;
}

enum emx_status sample_take(struct sample *s, struct bags *b, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < s->n && !status; i++) {
        bags_add_part(b, &s->heap[i].part);
        status = bags_end(b, err);
    }
    forget(s);
    return status;
}
