/*
 * table.c - slots, growth, overflow
 *
 * Growth doubles the lines.  A thread that has a table to itself splits its lines where they stand.  A table that is
 * shared moves: a thread that leaves a block and finds the table too full (or has spilled keys) sets `want`.
 * From then on nobody enters; the last one to leave allocates the larger array, and all threads that wait at the
 * door take steps from a counter: first each range of lines is split, then each range's displaced keys are added.
 * The one that finishes the last step installs the new array and opens the door.  The mutex orders all of it: what
 * a mover wrote is seen by whoever enters afterwards, because both took it.  Moving only reads the old array.
 */
#include "count/table.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#ifndef TABLE_MOVE_LINES
#define TABLE_MOVE_LINES 4096
#endif
enum {
    MOVE_LINES = TABLE_MOVE_LINES, /* lines a thread moves at a time: 256 KiB, some hundred microseconds */
    FIRST_CARRIES = 64,
};
#define MAX_LOAD 0.65 /* of the slots: emptier, sorting reads more of them; fuller, searches lengthen */
#define PAGE_LINES_LOG2 6
#define FULL_LOAD 0.85 /* where it may not grow */

struct carry {
    uint64_t hash, count;
};

struct table {
    struct pair_key key;
    struct regions *regions;
    unsigned least_lines_log2;

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* guarded by the mutex */
    struct table_view view; /* also read by those inside, who keep it from changing */
    struct region region;   /* its slots */
    uint64_t n_used;
    unsigned n_inside, n_waiting;
    bool alone;   /* the one inside keeps others out */
    bool want;    /* the table should grow as soon as nobody is inside */
    bool refused; /* the budget had no room for a larger array: fill this one to the brim */
    bool moving;
    struct table_view next;
    struct region next_region;
    uint64_t n_ranges, n_steps_taken, n_steps_done, n_moved;
    struct carry *carries; /* open addressing by hash; count 0: free */
    size_t n_carries, cap_carries;
};

static uint64_t n_lines(const struct table_view *v)
{
    return UINT64_C(1) << v->n_lines_log2;
}

/* Bits below the count in a slot. */
static unsigned count_shift(const struct table_view *v)
{
    return v->shift + DISTANCE_BITS;
}

static void view_set(struct table_view *v, const struct region *region, struct pair_key key, unsigned lines_log2)
{
    *v = (struct table_view){
        .slots = region->base,
        .shift = key.bits - lines_log2,
        .n_lines_log2 = lines_log2,
        .increment = UINT64_C(1) << (key.bits - lines_log2 + DISTANCE_BITS),
        .key = key,
    };
    v->tag_mask = v->increment - 1;
    v->match_mask = v->tag_mask | OVERFLOW_MARK;
    v->remainder_mask = v->tag_mask >> DISTANCE_BITS;
}

static size_t bytes_for(unsigned lines_log2)
{
    return (LINE_SLOTS * sizeof(uint64_t)) << lines_log2;
}

enum emx_status table_create(struct pair_key key, unsigned lines_log2, struct regions *regions, struct table **ret,
                             struct emx_error *err)
{
    struct table *t = calloc(1, sizeof(*t));
    unsigned least = key.bits > 36 ? key.bits - 36 : 0; /* leaves 24 bits of count */

    if (!t)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a pair table");
    if (lines_log2 < least)
        lines_log2 = least;
    if (lines_log2 > key.bits - 3)
        lines_log2 = key.bits - 3;
    t->key = key;
    t->regions = regions;
    t->least_lines_log2 = least > PAGE_LINES_LOG2 ? least : PAGE_LINES_LOG2;
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->changed, NULL);
    if (!regions_take(regions, bytes_for(lines_log2), &t->region)) {
        table_destroy(&t);
        return emx_fail(err, EMX_ERR_MEMORY, "the memory limit leaves no room for another pair table: raise --memory");
    }
    view_set(&t->view, &t->region, key, lines_log2);
    *ret = t;
    return EMX_OK;
}

void table_destroy(struct table **pt)
{
    struct table *t = *pt;

    if (!t)
        return;
    regions_give(t->regions, &t->region, bytes_for(t->view.n_lines_log2));
    regions_give(t->regions, &t->next_region, bytes_for(t->next.n_lines_log2));
    free(t->carries);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->mutex);
    free(t);
    *pt = NULL;
}

/* --- overflow --------------------------------------------------------------------------------------- */

static struct carry *carry_find(struct carry *carries, size_t cap, uint64_t hash)
{
    size_t i = (size_t)(hash * KEY_MULTIPLIER >> 20) & (cap - 1);

    while (carries[i].count && carries[i].hash != hash)
        i = (i + 1) & (cap - 1);
    return &carries[i];
}

static bool carries_grow(struct table *t)
{
    size_t cap = t->cap_carries ? 2 * t->cap_carries : FIRST_CARRIES;
    struct carry *larger = calloc(cap, sizeof(*larger));

    if (!larger)
        return false;
    for (size_t i = 0; i < t->cap_carries; i++) {
        if (t->carries[i].count)
            *carry_find(larger, cap, t->carries[i].hash) = t->carries[i];
    }
    free(t->carries);
    t->carries = larger;
    t->cap_carries = cap;
    return true;
}

/* Called with the mutex. */
static bool carry_add(struct table *t, uint64_t hash, uint64_t count)
{
    struct carry *c;

    if (2 * (t->n_carries + 1) > t->cap_carries && !carries_grow(t))
        return false;
    c = carry_find(t->carries, t->cap_carries, hash);
    if (!c->count) {
        c->hash = hash;
        t->n_carries++;
    }
    c->count += count;
    return true;
}

/* Move the marked half of a full count field to the carries. */
static void drain(struct table_adder *a, uint64_t *slot, uint64_t hash)
{
    uint64_t w = __atomic_load_n(slot, __ATOMIC_RELAXED);

    while (w & OVERFLOW_MARK) {
        if (!__atomic_compare_exchange_n(slot, &w, w & ~OVERFLOW_MARK, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            continue;
        pthread_mutex_lock(&a->table->mutex);
        if (!carry_add(a->table, hash, OVERFLOW_MARK / a->view.increment))
            a->no_memory = true;
        pthread_mutex_unlock(&a->table->mutex);
        return;
    }
}

/* --- adding ----------------------------------------------------------------------------------------- */

static void spill_push(struct table_adder *a, uint64_t hash, uint64_t count)
{
    if (a->n_spill == a->cap_spill) {
        size_t cap = a->cap_spill ? 2 * a->cap_spill : 1024;
        struct spilled_key *larger = realloc(a->spill, cap * sizeof(*larger));

        if (!larger) {
            a->no_memory = true;
            return;
        }
        a->spill = larger;
        a->cap_spill = cap;
    }
    a->spill[a->n_spill++] = (struct spilled_key){hash, count};
}

/* Add to a slot that holds the key. */
static inline __attribute__((always_inline)) void slot_add(struct table_adder *a, const struct table_view *v,
                                                           uint64_t *slot, uint64_t hash, uint64_t count, bool shared)
{
    uint64_t amount = count << count_shift(v), w;

    if (shared)
        w = __atomic_fetch_add(slot, amount, __ATOMIC_RELAXED);
    else
        *slot = (w = *slot) + amount;
    if ((w + amount) & OVERFLOW_MARK)
        drain(a, slot, hash);
}

enum found { FOUND_FULL_LINE, FOUND_EMPTY_SLOT, FOUND_AND_ADDED };

/* Look for the key in all slots of a line. */
static inline __attribute__((always_inline)) enum found line_find(struct table_adder *a, const struct table_view *v,
                                                                  uint64_t *line, uint64_t tag, uint64_t hash,
                                                                  uint64_t count, bool shared)
{
    enum found found = FOUND_FULL_LINE;

    for (unsigned i = 0; i < LINE_SLOTS; i++) {
        uint64_t w = __atomic_load_n(&line[i], __ATOMIC_RELAXED);

        if (w && (w & v->tag_mask) == tag) {
            slot_add(a, v, &line[i], hash, count, shared);
            return FOUND_AND_ADDED;
        }
        if (!w)
            found = FOUND_EMPTY_SLOT;
    }
    return found;
}

/*
 * Give the key the first empty slot from where its search begins; or add, where another thread was faster with the same
 * key.  False if others have filled the line meanwhile.
 */
static inline __attribute__((always_inline)) bool line_insert(struct table_adder *a, const struct table_view *v,
                                                              uint64_t *line, uint64_t tag, uint64_t hash,
                                                              uint64_t count, bool shared)
{
    uint64_t word = count << count_shift(v) | tag;

    for (unsigned i = 0; i < LINE_SLOTS; i++) {
        uint64_t *slot = &line[(hash + i) % LINE_SLOTS], w = __atomic_load_n(slot, __ATOMIC_RELAXED);

        if (!w && !shared)
            *slot = word;
        /* a failed exchange leaves the winner's word in w */
        if (!w && (!shared || __atomic_compare_exchange_n(slot, &w, word, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))) {
            a->n_new++;
            return true;
        }
        if ((w & v->tag_mask) == tag) {
            slot_add(a, v, slot, hash, count, shared);
            return true;
        }
    }
    return false;
}

/* False if PROBE_LINES lines have no room. */
static inline __attribute__((always_inline)) bool view_add(struct table_adder *a, const struct table_view *v,
                                                           uint64_t hash, uint64_t count, bool shared)
{
    uint64_t remainder = (hash & v->remainder_mask) << DISTANCE_BITS;
    uint64_t last = n_lines(v) - 1;

    for (unsigned d = 0; d < PROBE_LINES && d <= last; d++) {
        uint64_t *line = v->slots + (((hash >> v->shift) + d) & last) * LINE_SLOTS, tag = remainder | (d + 1);
        enum found found = line_find(a, v, line, tag, hash, count, shared);

        if (found == FOUND_AND_ADDED ||
            (found == FOUND_EMPTY_SLOT && line_insert(a, v, line, tag, hash, count, shared)))
            return true;
    }
    return false;
}

void table_add(struct table_adder *a, uint64_t hash, uint64_t count)
{
    /* a quarter of the field at most at a time: see "overflow" in table.h */
    const uint64_t most = (UINT64_C(1) << 61) / a->view.increment;

    for (; count > most; count -= most) {
        if (!view_add(a, &a->view, hash, most, !a->alone))
            spill_push(a, hash, most);
    }
    if (!view_add(a, &a->view, hash, count, !a->alone))
        spill_push(a, hash, count);
}

/* --- growth ----------------------------------------------------------------------------------------- */

static uint64_t slot_hash(const struct table_view *v, uint64_t line, uint64_t slot)
{
    uint64_t distance = (slot & PROBE_LINES) - 1;
    uint64_t home = (line - distance) & (n_lines(v) - 1);

    return home << v->shift | (slot & v->tag_mask) >> DISTANCE_BITS;
}

/*
 * A line of the old table becomes two of the new one: the highest bit of the remainder goes over to the line, and every
 * key keeps the index of its slot, so that no two want the same.  Keys that stand after their own line have no place
 * there; they are left to displaced_add().
 */
static void line_split(struct table_adder *a, const struct table_view *to, const uint64_t *words, uint64_t line)
{
    uint64_t *low = to->slots + 2 * line * LINE_SLOTS, *high = low + LINE_SLOTS;
    uint64_t n = 0;

    for (unsigned i = 0; i < LINE_SLOTS; i++) {
        uint64_t w = words[i], at_home = (w & PROBE_LINES) == 1;
        uint64_t moved = ((w >> 1 & ~to->tag_mask) | (w & to->tag_mask)) & -at_home;
        uint64_t is_high = -(w >> (to->shift + DISTANCE_BITS) & 1);

        low[i] = moved & ~is_high;
        high[i] = moved & is_high;
        n += at_home;
    }
    a->n_new += n;
}

/* A key and its count, from a slot of the old table. */
static inline __attribute__((always_inline)) void displaced_add(struct table_adder *a, const struct table_view *to,
                                                                struct spilled_key k, bool shared)
{
    if (!view_add(a, to, k.hash, k.count, shared))
        spill_push(a, k.hash, k.count);
}

static struct spilled_key slot_key(const struct table_view *v, uint64_t line, uint64_t w)
{
    return (struct spilled_key){slot_hash(v, line, w), w >> count_shift(v)};
}

static bool is_displaced(uint64_t w)
{
    return (w & PROBE_LINES) > 1;
}

/*
 * The way of a thread that has the table alone: in the array itself, so that only the second half is new memory.  From
 * the last line down, every line goes to lines 2i and 2i + 1, which are it and lines that have gone already.
 * Displaced keys wait until their own line has gone, those of the last lines to the very end: they may run
 * over the end of the table.
 */
struct waiting {
    struct spilled_key keys[2 * PROBE_LINES * LINE_SLOTS];
    unsigned n;
};

static void keys_wait(struct waiting *waiting, const struct table_view *from, const uint64_t *words, uint64_t line)
{
    for (unsigned i = 0; i < LINE_SLOTS; i++) {
        if (is_displaced(words[i]))
            waiting->keys[waiting->n++] = slot_key(from, line, words[i]);
    }
}

/* Add those whose own line is `line` or a later one; all but the last lines'. */
static void keys_follow(struct table_adder *a, const struct table_view *to, const struct table_view *from,
                        struct waiting *waiting, uint64_t line)
{
    unsigned n = 0;

    for (unsigned i = 0; i < waiting->n; i++) {
        uint64_t home = waiting->keys[i].hash >> from->shift;

        if (home >= line && home + PROBE_LINES < n_lines(from))
            displaced_add(a, to, waiting->keys[i], false);
        else
            waiting->keys[n++] = waiting->keys[i];
    }
    waiting->n = n;
}

static void split_in_place(struct table_adder *a, const struct table_view *to, const struct table_view *from)
{
    struct waiting waiting;
    uint64_t words[LINE_SLOTS];

    waiting.n = 0;
    for (uint64_t line = n_lines(from); line-- > 0;) {
        memcpy(words, to->slots + line * LINE_SLOTS, sizeof(words));
        line_split(a, to, words, line);
        keys_wait(&waiting, from, words, line);
        if (waiting.n)
            keys_follow(a, to, from, &waiting, line);
    }
    for (unsigned i = 0; i < waiting.n; i++)
        displaced_add(a, to, waiting.keys[i], false);
}

static void grow_in_place(struct table *t, struct table_adder *a)
{
    struct table_view from = t->view;

    t->want = false;
    if (!regions_extend(t->regions, &t->region, bytes_for(from.n_lines_log2), bytes_for(from.n_lines_log2 + 1))) {
        t->refused = true;
        return;
    }
    view_set(&t->view, &t->region, t->key, from.n_lines_log2 + 1);
    t->refused = false;
    a->n_new = 0;
    split_in_place(a, &t->view, &from);
    t->n_used = a->n_new;
    a->n_new = 0;
}

/* Called with the mutex by the last one out. */
static void growth_begin(struct table *t)
{
    t->want = false;
    if (!regions_take(t->regions, bytes_for(t->view.n_lines_log2 + 1), &t->next_region)) {
        t->refused = true;
        return;
    }
    view_set(&t->next, &t->next_region, t->key, t->view.n_lines_log2 + 1);
    t->moving = true;
    t->n_ranges = (n_lines(&t->view) + MOVE_LINES - 1) / MOVE_LINES;
    t->n_steps_taken = t->n_steps_done = t->n_moved = 0;
}

static void growth_end(struct table *t)
{
    regions_give(t->regions, &t->region, bytes_for(t->view.n_lines_log2));
    t->region = t->next_region;
    t->next_region = (struct region){0};
    t->view = t->next;
    t->next = (struct table_view){0};
    t->n_used = t->n_moved;
    t->moving = t->refused = false;
}

/* Step i < n_ranges splits the lines of range i; step n_ranges + i moves its displaced keys. */
static void growth_step(struct table *t, struct table_adder *a, uint64_t step)
{
    const struct table_view *from = &t->view, *to = &t->next;
    uint64_t begin = step % t->n_ranges * MOVE_LINES;
    uint64_t end = begin + MOVE_LINES < n_lines(from) ? begin + MOVE_LINES : n_lines(from);

    for (uint64_t line = begin; line < end; line++) {
        const uint64_t *words = from->slots + line * LINE_SLOTS;

        if (step < t->n_ranges) {
            line_split(a, to, words, line);
            continue;
        }
        for (unsigned i = 0; i < LINE_SLOTS; i++) {
            if (is_displaced(words[i]))
                displaced_add(a, to, slot_key(from, line, words[i]), true);
        }
    }
}

static void wait_for_change(struct table *t)
{
    t->n_waiting++;
    pthread_cond_wait(&t->changed, &t->mutex);
    t->n_waiting--;
}

/*
 * Called with the mutex while the table is moving; returns with it when there is no step left to take.  Splitting a
 * line overwrites two, so displaced keys wait until all lines are split.
 */
static void growth_help(struct table *t, struct table_adder *a)
{
    while (t->moving && t->n_steps_taken < 2 * t->n_ranges) {
        uint64_t step;

        if (t->n_steps_taken >= t->n_ranges && t->n_steps_done < t->n_ranges) {
            wait_for_change(t);
            continue;
        }
        step = t->n_steps_taken++;
        pthread_mutex_unlock(&t->mutex);
        a->n_new = 0;
        growth_step(t, a, step);
        pthread_mutex_lock(&t->mutex);
        t->n_moved += a->n_new;
        a->n_new = 0;
        t->n_steps_done++;
        if (t->n_steps_done == 2 * t->n_ranges)
            growth_end(t);
        if (t->n_steps_done == t->n_ranges || !t->moving)
            pthread_cond_broadcast(&t->changed);
    }
}

static bool too_full(const struct table *t)
{
    return (double)t->n_used > MAX_LOAD * (double)(n_lines(&t->view) * LINE_SLOTS);
}

/* Called with the mutex: wait, helping, until the door is open. */
static void wait_for_growth(struct table *t, struct table_adder *a)
{
    while (t->want || t->moving) {
        if (t->want && t->n_inside == 0) {
            if (t->alone && t->n_waiting == 0)
                grow_in_place(t, a);
            else
                growth_begin(t);
            pthread_cond_broadcast(&t->changed);
        }
        growth_help(t, a);
        if (t->want || t->moving)
            wait_for_change(t);
    }
}

void table_enter(struct table *t, struct table_adder *a, bool alone)
{
    a->table = t;
    pthread_mutex_lock(&t->mutex);
    wait_for_growth(t, a);
    while (t->n_inside && (alone || t->alone)) {
        wait_for_change(t);
        wait_for_growth(t, a);
    }
    t->n_inside++;
    t->alone = a->alone = alone;
    a->view = t->view;
    pthread_mutex_unlock(&t->mutex);
}

static enum emx_status leave_once(struct table_adder *a, struct emx_error *err)
{
    struct table *t = a->table;
    bool refused;

    pthread_mutex_lock(&t->mutex);
    t->n_used += a->n_new;
    a->n_new = 0;
    if (a->n_spill || (too_full(t) && !t->refused))
        t->want = t->view.n_lines_log2 < t->key.bits - 3;
    if (--t->n_inside == 0)
        pthread_cond_broadcast(&t->changed);
    wait_for_growth(t, a);
    refused = t->refused;
    pthread_mutex_unlock(&t->mutex);
    if (refused && a->n_spill)
        return emx_fail(err, EMX_ERR_MEMORY, "the pair tables do not fit in the memory limit: raise --memory");
    if (a->no_memory)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for the pair tables");
    return EMX_OK;
}

enum emx_status table_add_spilled(struct table_adder *a, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    while (!status && a->n_spill) {
        size_t n = a->n_spill;
        struct spilled_key *spill = a->spill;

        a->spill = NULL;
        a->n_spill = a->cap_spill = 0;
        table_enter(a->table, a, a->alone);
        for (size_t i = 0; i < n; i++)
            table_add(a, spill[i].hash, spill[i].count);
        free(spill);
        status = leave_once(a, err);
    }
    return status;
}

enum emx_status table_leave(struct table_adder *a, struct emx_error *err)
{
    enum emx_status status = leave_once(a, err);

    return status ? status : table_add_spilled(a, err);
}

bool table_has_spilled(const struct table_adder *a)
{
    return a->n_spill && !a->no_memory;
}

void table_adder_finish(struct table_adder *a)
{
    free(a->spill);
    free(a->front);
    *a = (struct table_adder){0};
}

/* --- at rest ---------------------------------------------------------------------------------------- */

struct table_cursor table_cursor_begin(const struct table *t, size_t part, size_t n_parts)
{
    return (struct table_cursor){
        .table = t,
        .line = n_lines(&t->view) * part / n_parts,
        .end = n_lines(&t->view) * (part + 1) / n_parts,
        .has_carries = part == 0,
    };
}

static size_t read_carries(struct table_cursor *c, struct table_entry *ret, size_t cap)
{
    const struct table *t = c->table;
    size_t n = 0;

    for (; c->has_carries && c->carry < t->cap_carries && n < cap; c->carry++) {
        if (t->carries[c->carry].count)
            ret[n++] =
                (struct table_entry){pair_key_unmix(t->key, t->carries[c->carry].hash), t->carries[c->carry].count};
    }
    return n;
}

/* The entries of a line; empty slots are undone too, since a branch would cost more, and written over. */
static inline size_t read_line(const struct table *t, uint64_t line, struct table_entry *ret)
{
    const struct table_view *v = &t->view;
    const uint64_t *slots = v->slots + line * LINE_SLOTS;
    size_t n = 0;

    for (unsigned i = 0; i < LINE_SLOTS; i++) {
        ret[n] = (struct table_entry){pair_key_unmix(t->key, slot_hash(v, line, slots[i])), slots[i] >> count_shift(v)};
        n += slots[i] != 0;
    }
    return n;
}

size_t table_cursor_next(struct table_cursor *c, struct table_entry *ret, size_t cap)
{
    size_t n = 0;

    for (; c->line < c->end && n + LINE_SLOTS <= cap; c->line++)
        n += read_line(c->table, c->line, ret + n);
    return n ? n : read_carries(c, ret, cap);
}

uint64_t *table_part_slots(struct table *t, size_t part, size_t n_parts, size_t *ret_n)
{
    struct table_cursor c = table_cursor_begin(t, part, n_parts);

    *ret_n = (size_t)(c.end - c.line) * LINE_SLOTS;
    return t->view.slots + c.line * LINE_SLOTS;
}

struct pair_key table_key(const struct table *t)
{
    return t->key;
}

uint64_t table_n_spare_bytes(struct table *t)
{
    uint64_t n, least = bytes_for(t->least_lines_log2);

    pthread_mutex_lock(&t->mutex);
    n = t->region.n_bytes > least ? t->region.n_bytes - least : 0;
    pthread_mutex_unlock(&t->mutex);
    return n;
}

bool table_is_full(struct table *t)
{
    bool full;

    pthread_mutex_lock(&t->mutex);
    full = t->refused && (double)t->n_used > FULL_LOAD * (double)(n_lines(&t->view) * LINE_SLOTS);
    pthread_mutex_unlock(&t->mutex);
    return full;
}

void table_empty(struct table *t, bool shrink)
{
    size_t n_bytes = bytes_for(t->view.n_lines_log2), least = bytes_for(t->least_lines_log2);

    pthread_mutex_lock(&t->mutex);
    if (shrink && t->view.n_lines_log2 >= t->least_lines_log2) {
        t->region.n_dirty = t->region.n_dirty > n_bytes ? t->region.n_dirty : n_bytes;
        regions_shrink(t->regions, &t->region, least);
        view_set(&t->view, &t->region, t->key, t->least_lines_log2);
        n_bytes = least;
    }
    memset(t->region.base, 0, n_bytes);
    if (t->carries)
        memset(t->carries, 0, t->cap_carries * sizeof(*t->carries));
    t->n_carries = 0;
    t->n_used = 0;
    t->refused = false;
    pthread_mutex_unlock(&t->mutex);
}

uint64_t table_n_used(struct table *t)
{
    uint64_t n;

    pthread_mutex_lock(&t->mutex);
    n = t->n_used;
    pthread_mutex_unlock(&t->mutex);
    return n;
}

/* Is the key where a search finds it and nowhere else: are the lines before its own full, and of other keys? */
static bool reachable(const struct table_view *v, uint64_t line, unsigned index, uint64_t w)
{
    uint64_t hash = slot_hash(v, line, w), last = n_lines(v) - 1;
    uint64_t tag = w & v->tag_mask & ~(uint64_t)PROBE_LINES;
    unsigned distance = (unsigned)(w & PROBE_LINES) - 1;

    for (unsigned d = 0; d <= distance; d++) {
        for (unsigned i = 0; i < LINE_SLOTS; i++) {
            uint64_t other = v->slots[(((hash >> v->shift) + d) & last) * LINE_SLOTS + i];

            if (d == distance && i == index)
                continue;
            if ((d < distance && !other) || (other && (other & v->tag_mask) == (tag | (d + 1))))
                return false;
        }
    }
    return true;
}

static bool has_carry(const struct table *t, uint64_t hash)
{
    return t->cap_carries && carry_find(t->carries, t->cap_carries, hash)->count;
}

bool table_validate(const struct table *t, const char **ret_reason)
{
    const struct table_view *v = &t->view;
    uint64_t n = 0;

    *ret_reason = NULL;
    for (uint64_t line = 0; line < n_lines(v); line++) {
        for (unsigned i = 0; i < LINE_SLOTS; i++) {
            uint64_t w = v->slots[line * LINE_SLOTS + i];

            if (!w)
                continue;
            n++;
            if (!(w & PROBE_LINES))
                *ret_reason = "a slot in use has no distance";
            else if (!(w / v->increment) && !has_carry(t, slot_hash(v, line, w)))
                *ret_reason = "a count is 0";
            else if (!reachable(v, line, i, w))
                *ret_reason = "a key stands where a search does not find it, or twice";
        }
    }
    if (n != t->n_used)
        *ret_reason = "the number of slots in use is wrong";
    if (t->n_inside || t->want || t->moving)
        *ret_reason = "a thread is still inside or growing";
    return !*ret_reason;
}
