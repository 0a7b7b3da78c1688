/*
 * pairs_kernel.h - the inner loop of counting, made once for each kind of processor
 *
 * A file that includes this has defined
 *
 *     KERNEL                           the name of the kernel it makes
 *     line_matches(line, mask, value)  bits 0..7: which of the 8 slots, under mask, are equal to value
 *     small_matches(line, mask, value) bits 0..15: which of the 16 small slots are
 *     MATCHES_WHILE_OTHERS_WRITE       each slot is read whole, and before all that follows; false where the thread
 *                                      sanitizer would not believe it
 *
 * A branch that the processor cannot predict costs as much as everything else that is done for a pair.  So the slot
 * where a key's search begins is looked at first, and a thread that is alone in the table keeps the commonest of the
 * keys that want a slot in it: nine of ten pairs of real text are found there.  For the others a vector
 * comparison of the whole line spares the branches of a search.
 */
#include "count/pairs.h"

#include <stdlib.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* Slots that hold the value under the mask, a bit each.  `small` is a constant at each place of use, here and below. */
INLINE unsigned matches(const void *line, uint64_t mask, uint64_t value, bool small)
{
    return small ? small_matches(line, (uint32_t)mask, (uint32_t)value) : line_matches(line, mask, value);
}

INLINE unsigned slots_with(const struct table_view *v, const void *line, uint64_t tag, bool small)
{
    return matches(line, v->tag_mask, tag & v->tag_mask, small);
}

INLINE unsigned empty_slots(const void *line, bool small)
{
    return matches(line, ~UINT64_C(0), 0, small);
}

INLINE void *line_of(const struct table_view *v, uint64_t hash)
{
    return (uint64_t *)v->slots + (hash >> v->shift) * LINE_WORDS;
}

/* Of the first line; in slots of 8 bytes with bits above, which masks take off. */
INLINE uint64_t tag_of(const struct table_view *v, uint64_t hash, bool small)
{
    uint64_t tag = hash << PROBE_BITS | 1;

    return small ? tag & v->tag_mask : tag;
}

/* False if the count is full: then table_add() has to look after it. */
INLINE bool add_found(const struct table_view *v, void *line, unsigned slot, bool small)
{
    uint64_t w = slot_get(line, slot, small);

    if (__builtin_expect((w & v->mark) != 0, 0))
        return false;
    slot_set(line, slot, w + v->increment, small);
    return true;
}

/* The first empty slot of the line from where the search begins. */
INLINE unsigned first_empty(unsigned empty, uint64_t hash, bool small)
{
    unsigned n = line_n_slots(small), start = (unsigned)(hash % n);

    empty = (empty >> start | empty << (n - start)) & ((1u << n) - 1);
    return ((unsigned)__builtin_ctz(empty) + start) % n;
}

INLINE void insert(struct table_adder *a, const struct table_view *v, void *line, unsigned empty, uint64_t hash,
                   uint64_t tag, bool small)
{
    slot_set(line, first_empty(empty, hash, small), v->increment | (tag & v->tag_mask), small);
    a->n_new++;
}

/* A key whose own line is full of others.  Lines that run over the end of the table are left to table_add(). */
INLINE void add_to_lines_behind(struct table_adder *a, const struct table_view *v, uint64_t *line, uint64_t hash,
                                uint64_t tag, bool small)
{
    const uint64_t *end = (uint64_t *)v->slots + ((uint64_t)LINE_WORDS << v->n_lines_log2);

    for (unsigned d = 1; d < PROBE_LINES && (line += d * LINE_WORDS) < end; d++) {
        unsigned found = slots_with(v, line, tag + d, small), empty;

        if (found && add_found(v, line, (unsigned)__builtin_ctz(found), small))
            return;
        if (found)
            break;
        empty = empty_slots(line, small);
        if (empty) {
            insert(a, v, line, empty, hash, tag + d, small);
            return;
        }
    }
    table_add(a, hash, 1);
}

static __attribute__((noinline)) void add_displaced(struct table_adder *a, const struct table_view *v, void *line,
                                                    uint64_t hash, uint64_t tag)
{
    if (v->small)
        add_to_lines_behind(a, v, line, hash, tag, true);
    else
        add_to_lines_behind(a, v, line, hash, tag, false);
}

/* The slot where the search begins, `first`, holds w: another key, none, or the key itself with a full count. */
INLINE void add_beyond_first(struct table_adder *a, const struct table_view *v, void *line, unsigned first, uint64_t w,
                             uint64_t hash, uint64_t tag, bool small)
{
    unsigned found = slots_with(v, line, tag, small), empty;
    unsigned slot = (unsigned)__builtin_ctz(found | 1u << line_n_slots(small));

    if (!found) {
        empty = empty_slots(line, small);
        if (empty)
            insert(a, v, line, empty, hash, tag, small);
        else
            add_displaced(a, v, line, hash, tag);
    } else if (!add_found(v, line, slot, small)) {
        table_add(a, hash, 1);
    } else if (slot_get(line, slot, small) > w) { /* the counts are on top */
        slot_set(line, first, slot_get(line, slot, small), small);
        slot_set(line, slot, w, small);
    }
}

INLINE void add_alone(struct table_adder *a, const struct table_view *v, uint64_t hash, bool small)
{
    void *line = line_of(v, hash);
    unsigned first = (unsigned)(hash % line_n_slots(small));
    uint64_t w = slot_get(line, first, small), tag = tag_of(v, hash, small);

    if (__builtin_expect(((w ^ tag) & v->match_mask) == 0, 1))
        slot_set(line, first, w + v->increment, small);
    else
        add_beyond_first(a, v, line, first, w, hash, tag, small);
}

INLINE uint64_t hash_of(struct pair_key key, uint32_t first, uint32_t second, bool narrow)
{
    if (narrow) /* the same bijection, with constants */
        key = (struct pair_key){.token_bits = 16, .bits = 32, .mask = UINT32_MAX};
    return pair_key_mix(key, pair_key_pack(key, first, second));
}

INLINE void prefetch(const struct table_view *v, uint64_t hash)
{
    __builtin_prefetch(line_of(v, hash), 1);
}

INLINE uint32_t token(const void *x, size_t i, size_t width)
{
    return width == 2 ? ((const uint16_t *)x)[i] : ((const uint32_t *)x)[i];
}

/*
 * Until the ring is full, hashes only enter; from then on the oldest leaves as the newest enters.  The order in the
 * ring does not matter, so it starts anywhere.  `width` and `narrow` (n == 32) are constants, too.
 */
INLINE void count_alone(struct table_adder *a, const void *x, size_t n, size_t width, bool narrow, bool small)
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
        add_alone(a, &v, oldest, small);
    }
}

/* --- in a shared table --------------------------------------------------------------------------------- */

/* Add to a slot that holds the key; false if it is full. */
INLINE bool add_shared(const struct table_view *v, void *line, unsigned slot, uint64_t w, uint64_t count, bool small)
{
    if (w & v->mark)
        return false;
    if (small)
        return slot_exchange(line, slot, &w, w + count * v->increment, true);
    __atomic_fetch_add((large_slot *)line + slot, count * v->increment, __ATOMIC_RELAXED);
    return true;
}

/*
 * Add to the slot that a vector comparison finds, or insert where it finds the first empty one.  It sees the slots of
 * the line one after the other while others write; what it has seen of a slot in use stays true, and an empty one is
 * tried by exchange: see table.h.  False: the general way is needed.
 */
INLINE bool add_by_comparison(struct table_adder *a, const struct table_view *v, void *line, uint64_t hash,
                              uint64_t count, uint64_t tag, bool small)
{
    unsigned empty, found, slot;
    uint64_t none = 0;

    if (!MATCHES_WHILE_OTHERS_WRITE)
        return false;
    empty = empty_slots(line, small);
    __asm__ volatile("" ::: "memory"); /* a slot that is filled in between must be seen by the second */
    found = slots_with(v, line, tag, small);
    if (found) {
        slot = (unsigned)__builtin_ctz(found);
        return add_shared(v, line, slot, slot_load(line, slot, small), count, small);
    }
    if (!empty ||
        !slot_exchange(line, first_empty(empty, hash, small), &none, count * v->increment | (tag & v->tag_mask), small))
        return false;
    a->n_new++;
    return true;
}

/* A word is a hash above its count; count 0: nothing. */
INLINE void add_word(struct table_adder *a, const struct table_view *v, uint64_t word, bool small)
{
    uint64_t hash = word >> (64 - v->key.bits), count = word << v->key.bits >> v->key.bits;
    void *line = line_of(v, hash);
    unsigned first = (unsigned)(hash % line_n_slots(small));
    uint64_t tag = tag_of(v, hash, small), w;

    if (__builtin_expect(count > (small ? v->quarter : MOST_AT_ONCE), 0)) {
        table_add(a, hash, count);
        return;
    }
    w = slot_load(line, first, small);
    if (((w ^ tag) & v->match_mask) == 0 && add_shared(v, line, first, w, count, small))
        return;
    if (count && !add_by_comparison(a, v, line, hash, count, tag, small))
        table_add(a, hash, count);
}

INLINE void drain_to(struct table_adder *a, bool small)
{
    const struct table_view v = a->view;

    for (size_t i = 0; i < a->n_ring; i++)
        prefetch(&v, a->ring[i] >> (64 - v.key.bits));
    for (size_t i = 0; i < a->n_ready; i++)
        add_word(a, &v, a->ready[i], small);
    memcpy(a->ready, a->ring, a->n_ring * sizeof(*a->ring));
    a->n_ready = a->n_ring;
    a->n_ring = 0;
}

static void drain(struct table_adder *a)
{
    if (a->view.small)
        drain_to(a, true);
    else
        drain_to(a, false);
}

/*
 * In a shared table an addition locks its line, which costs as much as several pairs, and common pairs are wanted by
 * all threads at once.  So each thread sums up pairs in a small cache of its own before: a word of hash and count for
 * each of the hash's low bits.  Whether a pair is there or drives another out is decided without a branch: the word
 * that was there is written behind the ring, which becomes longer only if it was another.  A count that is full runs
 * over into the hash, and so looks like another pair.
 */
INLINE void count_shared(struct table_adder *a, const void *x, size_t n, size_t width, bool narrow)
{
    const struct table_view v = a->view;
    const unsigned count_bits = 64 - v.key.bits;
    uint64_t *front = a->front;
    size_t n_ring = a->n_ring;

    for (size_t i = 0; i + 1 < n; i++) {
        uint64_t hash = hash_of(v.key, token(x, i, width), token(x, i + 1, width), narrow);
        uint64_t w = front[hash % FRONT_SIZE], is_here = (w + 1) >> count_bits == hash;

        front[hash % FRONT_SIZE] = is_here ? w + 1 : hash << count_bits | 1;
        a->ring[n_ring] = w;
        n_ring += !is_here;
        if (__builtin_expect(n_ring == RING_SIZE, 0)) {
            a->n_ring = n_ring;
            a->n_front_misses += n_ring;
            drain(a);
            n_ring = 0;
        }
    }
    a->n_ring = n_ring;
}

/* Should the n tokens that come go through the cache?  Where it does not help, it is passed by for a while. */
static bool use_front(struct table_adder *a, size_t n)
{
    if (!a->front)
        a->front = calloc(FRONT_SIZE, sizeof(*a->front)); /* without memory: without a cache */
    if (a->n_front_pairs >= FRONT_TRIAL) {
        a->front_rest = a->n_front_misses > a->n_front_pairs / 2 ? FRONT_REST : 0;
        a->n_front_pairs = a->n_front_misses = 0;
    }
    if (a->front_rest > 0) {
        a->front_rest -= n < a->front_rest ? n : a->front_rest;
        return false;
    }
    a->n_front_pairs += n;
    return a->front;
}

INLINE void count_shared_plainly(struct table_adder *a, const void *x, size_t n, size_t width, bool narrow)
{
    const struct table_view v = a->view;
    const unsigned count_bits = 64 - v.key.bits;

    for (size_t i = 0; i + 1 < n; i++) {
        a->ring[a->n_ring++] = hash_of(v.key, token(x, i, width), token(x, i + 1, width), narrow) << count_bits | 1;
        if (__builtin_expect(a->n_ring == RING_SIZE, 0))
            drain(a);
    }
}

INLINE void count_run(struct table_adder *a, const void *x, size_t n, size_t width, bool narrow)
{
    if (a->alone && a->view.small)
        count_alone(a, x, n, width, narrow, true);
    else if (a->alone)
        count_alone(a, x, n, width, narrow, false);
    else if (use_front(a, n))
        count_shared(a, x, n, width, narrow);
    else
        count_shared_plainly(a, x, n, width, narrow);
}

static void count_u16(struct table_adder *a, const uint16_t *x, size_t n)
{
    if (a->view.key.bits == 32)
        count_run(a, x, n, 2, true);
    else
        count_run(a, x, n, 2, false);
}

static void count_u32(struct table_adder *a, const uint32_t *x, size_t n)
{
    count_run(a, x, n, 4, false);
}

static void flush_front(struct table_adder *a)
{
    for (size_t i = 0; a->front && i < FRONT_SIZE; i++) {
        if (!a->front[i])
            continue;
        a->ring[a->n_ring++] = a->front[i];
        a->front[i] = 0;
        if (a->n_ring == RING_SIZE)
            drain(a);
    }
}

INLINE void flush_alone(struct table_adder *a, bool small)
{
    const struct table_view v = a->view;

    for (size_t i = 0; i < a->n_ring; i++)
        add_alone(a, &v, a->ring[i], small);
    a->n_ring = 0;
}

static void flush(struct table_adder *a)
{
    if (a->alone && a->view.small) {
        flush_alone(a, true);
    } else if (a->alone) {
        flush_alone(a, false);
    } else {
        flush_front(a);
        drain(a);
        drain(a); /* what the first has prefetched */
    }
}

const struct pairs_kernel KERNEL = {count_u16, count_u32, flush};
