#include "vne/sample.h"

#include <endian.h>
#include <stdlib.h>
#include <xxhash.h>

uint64_t sample_hash(uint64_t xxh3, uint64_t number, uint64_t seed)
{
    uint64_t key[2] = {htole64(xxh3), htole64(number)};

    return XXH3_64bits_withSeed(key, sizeof(key), seed);
}

/* A heap with the largest at its top. */
static void sink(uint64_t *heap, size_t n, size_t at)
{
    uint64_t x = heap[at];

    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && heap[child + 1] > heap[child])
            child++;
        if (heap[child] <= x)
            break;
        heap[at] = heap[child];
    }
    heap[at] = x;
}

static void offer(uint64_t *heap, size_t n_wanted, size_t *n, uint64_t hash)
{
    if (*n < n_wanted) {
        heap[(*n)++] = hash;
        for (size_t i = n_wanted / 2; *n == n_wanted && i-- > 0;)
            sink(heap, n_wanted, i);
    } else if (hash < heap[0]) {
        heap[0] = hash;
        sink(heap, n_wanted, 0);
    }
}

bool sample_threshold(const struct emx_domain *d, uint64_t n_wanted, uint64_t seed, uint64_t *ret)
{
    uint64_t *heap;
    size_t n = 0;

    *ret = UINT64_MAX;
    if (n_wanted == 0 || n_wanted >= d->n_documents)
        return true;
    if (n_wanted > SIZE_MAX / sizeof(*heap))
        return false;
    heap = malloc((size_t)n_wanted * sizeof(*heap));
    if (!heap)
        return false;
    for (size_t i = 0; i < d->n_shards; i++) {
        for (uint64_t k = 0; k < d->shards[i].n_documents; k++)
            offer(heap, (size_t)n_wanted, &n, sample_hash(d->shards[i].xxh3, k, seed));
    }
    if (n == n_wanted)
        *ret = heap[0];
    free(heap);
    return true;
}
