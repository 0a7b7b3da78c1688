/*
 * pairs_kernel.h - the inner loop of counting, made once for each kind of processor
 *
 * A file that includes this has defined
 *
 *     KERNEL                           the name of the kernel it makes
 *     line_matches(line, mask, value)  bits 0..7: which of the 8 slots, under mask, are equal to value
 *
 * A branch that the processor cannot predict costs as much as everything else that is done for a pair.  So the slot
 * where a key's search begins is looked at first, and a thread that is alone in the table keeps the commonest of the
 * keys that want a slot in it: nine of ten pairs of real text are found there.  For the others a vector
 * comparison of the whole line spares the branches of a search.
 */
#include "count/pairs.h"

#include <string.h>

/* Bits 0..7: slots that hold the tag. */
static inline __attribute__((always_inline)) unsigned slots_with(const struct table_view *v, const uint64_t *line,
                                                                 uint64_t tag)
{
    return line_matches(line, v->tag_mask, tag & v->tag_mask);
}

/* False if the count is full: then table_add() has to look after it. */
static inline __attribute__((always_inline)) bool add_found(const struct table_view *v, uint64_t *slot)
{
    if (__builtin_expect((*slot & OVERFLOW_MARK) != 0, 0))
        return false;
    *slot += v->increment;
    return true;
}

/* A new key takes the first empty slot of the line from where its search begins. */
static inline __attribute__((always_inline)) void insert(struct table_adder *a, const struct table_view *v,
                                                         uint64_t *line, unsigned empty, uint64_t hash, uint64_t tag)
{
    unsigned start = (unsigned)(hash % LINE_SLOTS);

    empty = (empty >> start | empty << (LINE_SLOTS - start)) & 0xFF;
    line[((unsigned)__builtin_ctz(empty) + start) % LINE_SLOTS] = v->increment | (tag & v->tag_mask);
    a->n_new++;
}

/* A key whose own line is full of others.  Lines that run over the end of the table are left to table_add(). */
static __attribute__((noinline)) void add_displaced(struct table_adder *a, const struct table_view *v, uint64_t *line,
                                                    uint64_t hash, uint64_t tag)
{
    const uint64_t *end = v->slots + ((uint64_t)LINE_SLOTS << v->n_lines_log2);

    for (unsigned d = 1; d < PROBE_LINES && (line += LINE_SLOTS) < end; d++) {
        unsigned found = slots_with(v, line, tag + d), empty;

        if (found && add_found(v, line + __builtin_ctz(found)))
            return;
        if (found)
            break;
        empty = line_matches(line, ~UINT64_C(0), 0);
        if (empty) {
            insert(a, v, line, empty, hash, tag + d);
            return;
        }
    }
    table_add(a, hash, 1);
}

/* The slot where the search begins, `first`, holds w: another key, none, or the key itself with a full count. */
static inline __attribute__((always_inline)) void add_beyond_first(struct table_adder *a, const struct table_view *v,
                                                                   uint64_t *line, uint64_t *first, uint64_t w,
                                                                   uint64_t hash, uint64_t tag)
{
    unsigned found = slots_with(v, line, tag), empty;
    uint64_t *slot = line + __builtin_ctz(found | 1u << LINE_SLOTS);

    if (!found) {
        empty = line_matches(line, ~UINT64_C(0), 0);
        if (empty)
            insert(a, v, line, empty, hash, tag);
        else
            add_displaced(a, v, line, hash, tag);
    } else if (!add_found(v, slot)) {
        table_add(a, hash, 1);
    } else if (*slot > w) { /* the counts are on top */
        *first = *slot;
        *slot = w;
    }
}

/* `narrow` (n == 32) and `alone` are constants at each place of use, and their branches are compiled away. */
static inline __attribute__((always_inline)) void add_hash(struct table_adder *a, const struct table_view *v,
                                                           uint64_t hash, bool alone)
{
    uint64_t *line = v->slots + (hash >> v->shift) * LINE_SLOTS, *slot = line + hash % LINE_SLOTS;
    uint64_t tag = hash << DISTANCE_BITS | 1; /* and bits above, which the masks take off */
    uint64_t w = __atomic_load_n(slot, __ATOMIC_RELAXED);

    if (__builtin_expect(((w ^ tag) & v->match_mask) == 0, 1)) {
        if (alone)
            *slot = w + v->increment;
        else
            __atomic_fetch_add(slot, v->increment, __ATOMIC_RELAXED);
    } else if (alone) {
        add_beyond_first(a, v, line, slot, w, hash, tag);
    } else {
        table_add(a, hash, 1);
    }
}

static inline __attribute__((always_inline)) uint64_t hash_of(struct pair_key key, uint32_t first, uint32_t second,
                                                              bool narrow)
{
    if (narrow) /* the same bijection, with constants */
        key = (struct pair_key){.token_bits = 16, .bits = 32, .mask = UINT32_MAX};
    return pair_key_mix(key, pair_key_pack(key, first, second));
}

static inline __attribute__((always_inline)) void prefetch(const struct table_view *v, uint64_t hash)
{
    __builtin_prefetch(v->slots + (hash >> v->shift) * LINE_SLOTS, 1);
}

static inline __attribute__((always_inline)) uint32_t token(const void *x, size_t i, size_t width)
{
    return width == 2 ? ((const uint16_t *)x)[i] : ((const uint32_t *)x)[i];
}

/*
 * Until the ring is full, hashes only enter; from then on the oldest leaves as the newest enters.  The order in the
 * ring does not matter, so it starts anywhere.
 */
static inline __attribute__((always_inline)) void count_run(struct table_adder *a, const void *x, size_t n,
                                                            size_t width, bool narrow, bool alone)
{
    const struct table_view v = a->view;
    size_t i = 0;

    for (; i + 1 < n && a->n_ring < RING_SIZE; i++) {
        uint64_t hash = hash_of(v.key, token(x, i, width), token(x, i + 1, width), narrow);

        prefetch(&v, hash);
        a->ring[a->n_ring++] = hash;
    }
    for (; i + 1 < n; i++) {
        uint64_t *place = &a->ring[i % RING_SIZE];
        uint64_t oldest = *place, hash = hash_of(v.key, token(x, i, width), token(x, i + 1, width), narrow);

        prefetch(&v, hash);
        *place = hash;
        add_hash(a, &v, oldest, alone);
    }
}

static void count_u16_narrow_alone(struct table_adder *a, const uint16_t *x, size_t n)
{
    count_run(a, x, n, 2, true, true);
}

static void count_u16_narrow_shared(struct table_adder *a, const uint16_t *x, size_t n)
{
    count_run(a, x, n, 2, true, false);
}

static void count_u16(struct table_adder *a, const uint16_t *x, size_t n)
{
    if (a->view.key.bits == 32 && a->alone)
        count_u16_narrow_alone(a, x, n);
    else if (a->view.key.bits == 32)
        count_u16_narrow_shared(a, x, n);
    else
        count_run(a, x, n, 2, false, a->alone);
}

static void count_u32_alone(struct table_adder *a, const uint32_t *x, size_t n)
{
    count_run(a, x, n, 4, false, true);
}

static void count_u32(struct table_adder *a, const uint32_t *x, size_t n)
{
    if (a->alone)
        count_u32_alone(a, x, n);
    else
        count_run(a, x, n, 4, false, false);
}

const struct pairs_kernel KERNEL = {count_u16, count_u32};
