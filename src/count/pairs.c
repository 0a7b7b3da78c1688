#include "count/pairs.h"

/*
 * The common case of table_add(): the key stands in the first slot where it belongs.  `narrow` (n == 32),
 * `alone` are constants at each place of use, and their branches are compiled away.
 */
static inline __attribute__((always_inline)) void add_hash(struct table_adder *a, const struct table_view *v,
                                                           uint64_t hash, bool alone)
{
    uint64_t *slot = v->slots + (hash >> v->shift) * LINE_SLOTS + hash % LINE_SLOTS;
    uint64_t remainder = hash & (v->tag_mask >> DISTANCE_BITS);
    uint64_t tag = remainder << DISTANCE_BITS | 1;
    uint64_t w = __atomic_load_n(slot, __ATOMIC_RELAXED);

    /* A count at the mark goes the general way too: two increments below it the field is far from wrapping. */
    if (__builtin_expect((w & v->tag_mask) != tag || (int64_t)(w + v->increment) < 0, 0))
        table_add(a, hash, 1);
    else if (alone)
        *slot = w + v->increment;
    else
        __atomic_fetch_add(slot, v->increment, __ATOMIC_RELAXED);
}

static inline __attribute__((always_inline)) uint64_t hash_of(struct pair_key key, uint32_t first, uint32_t second,
                                                              bool narrow)
{
    if (narrow) /* n = 32: the same bijection in 32-bit arithmetic */
        key = (struct pair_key){.token_bits = 16, .bits = 32, .mask = UINT32_MAX};
    return pair_key_mix(key, pair_key_pack(key, first, second));
}

static inline __attribute__((always_inline)) void prefetch(const struct table_view *v, uint64_t hash)
{
    __builtin_prefetch(v->slots + (hash >> v->shift) * LINE_SLOTS + hash % LINE_SLOTS, 1);
}

/* Returns how many pairs went into the ring before it was full. */
static size_t fill_ring(struct table_adder *a, const void *x, size_t n_pairs, size_t width)
{
    const uint16_t *x16 = x;
    const uint32_t *x32 = x;
    size_t i = 0;

    for (; i < n_pairs && a->n_ring < RING_SIZE; i++) {
        uint32_t first = width == 2 ? x16[i] : x32[i], second = width == 2 ? x16[i + 1] : x32[i + 1];
        uint64_t hash = hash_of(a->view.key, first, second, false);

        prefetch(&a->view, hash);
        a->ring[a->n_ring++] = hash;
    }
    return i;
}

/*
 * The inner loop: the oldest hash leaves the ring as the newest enters.  The ring starts at `at` so that
 * its order, which does not matter, need not be restored.
 */
static inline __attribute__((always_inline)) void count_run(struct table_adder *a, const void *x, size_t begin,
                                                            size_t n_pairs, size_t width, bool narrow, bool alone)
{
    const struct table_view v = a->view;
    const uint16_t *x16 = x;
    const uint32_t *x32 = x;
    uint32_t first = width == 2 ? x16[begin] : x32[begin];

    for (size_t i = begin; i < n_pairs; i++) {
        uint32_t second = width == 2 ? x16[i + 1] : x32[i + 1];
        uint64_t *place = &a->ring[i % RING_SIZE];
        uint64_t oldest = *place, hash = hash_of(v.key, first, second, narrow);

        prefetch(&v, hash);
        *place = hash;
        add_hash(a, &v, oldest, alone);
        first = second;
    }
}

static void count_u16_narrow_alone(struct table_adder *a, const void *x, size_t begin, size_t n_pairs)
{
    count_run(a, x, begin, n_pairs, 2, true, true);
}

static void count_u16_narrow_shared(struct table_adder *a, const void *x, size_t begin, size_t n_pairs)
{
    count_run(a, x, begin, n_pairs, 2, true, false);
}

static void count_u32_narrow(struct table_adder *a, const void *x, size_t begin, size_t n_pairs)
{
    count_run(a, x, begin, n_pairs, 4, true, a->alone);
}

static void count_u32_alone(struct table_adder *a, const void *x, size_t begin, size_t n_pairs)
{
    count_run(a, x, begin, n_pairs, 4, false, true);
}

static void count_u32_shared(struct table_adder *a, const void *x, size_t begin, size_t n_pairs)
{
    count_run(a, x, begin, n_pairs, 4, false, false);
}

static void count_u16_wide(struct table_adder *a, const void *x, size_t begin, size_t n_pairs)
{
    count_run(a, x, begin, n_pairs, 2, false, a->alone);
}

void pairs_count_u16(struct table_adder *a, const uint16_t *x, size_t n)
{
    size_t begin = n > 1 ? fill_ring(a, x, n - 1, sizeof(*x)) : 0;

    if (n < 2 || begin == n - 1)
        return;
    if (a->view.key.bits != 32)
        count_u16_wide(a, x, begin, n - 1);
    else if (a->alone)
        count_u16_narrow_alone(a, x, begin, n - 1);
    else
        count_u16_narrow_shared(a, x, begin, n - 1);
}

void pairs_count_u32(struct table_adder *a, const uint32_t *x, size_t n)
{
    size_t begin = n > 1 ? fill_ring(a, x, n - 1, sizeof(*x)) : 0;

    if (n < 2 || begin == n - 1)
        return;
    if (a->view.key.bits == 32)
        count_u32_narrow(a, x, begin, n - 1);
    else if (a->alone)
        count_u32_alone(a, x, begin, n - 1);
    else
        count_u32_shared(a, x, begin, n - 1);
}

void pairs_count_one(struct table_adder *a, uint32_t first, uint32_t second)
{
    table_add(a, hash_of(a->view.key, first, second, false), 1);
}

void pairs_flush(struct table_adder *a)
{
    for (size_t i = 0; i < a->n_ring; i++)
        table_add(a, a->ring[i], 1);
    a->n_ring = 0;
}
