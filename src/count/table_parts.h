/*
 * table_parts.h - what the files of the table share
 *
 *     table.c           create, destroy, and the door: who is inside, who waits, when the table grows
 *     table_add.c       a key into its lines
 *     table_grow.c      lines to twice as many, slots to half their size
 *     table_read.c      at rest: entries, and taking the table apart
 *     table_validate.c
 */
#ifndef COUNT_TABLE_PARTS_H
#define COUNT_TABLE_PARTS_H

#include "count/carries.h"
#include "count/table.h"

#include <pthread.h>

#ifndef TABLE_SMALL_COUNT_BITS
#define TABLE_SMALL_COUNT_BITS SMALL_COUNT_BITS
#endif

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
    struct growth {
        bool going_on;
        struct table_view to; /* twice the lines, or as many of small slots, in the same memory */
        uint64_t n_steps, n_taken, n_done, n_used;
    } growth;
    struct carries carries;
};

static inline uint64_t n_lines(const struct table_view *v)
{
    return UINT64_C(1) << v->n_lines_log2;
}

static inline void *line_at(const struct table_view *v, uint64_t line)
{
    return (uint64_t *)v->slots + line * LINE_WORDS;
}

static inline size_t bytes_of_lines(unsigned lines_log2)
{
    return (LINE_WORDS * sizeof(uint64_t)) << lines_log2;
}

/*
 * What a table takes of the budget.  A pair of a small slot takes 8 bytes when it is sorted (count/pile.h); at most
 * FULL_LOAD of 16 in a line do, so half as much again is set aside for them and not touched before.
 */
static inline size_t bytes_for(unsigned lines_log2, bool small)
{
    return bytes_of_lines(lines_log2) + (small ? bytes_of_lines(lines_log2) / 2 : 0);
}

/* Is there room for SMALL_COUNT_BITS of count in 32? */
static inline bool small_fits(struct pair_key key, unsigned lines_log2)
{
    return key.bits - lines_log2 + PROBE_BITS + TABLE_SMALL_COUNT_BITS <= 32;
}

/* Bits below the count in a slot. */
static inline unsigned count_shift(const struct table_view *v)
{
    return v->shift + PROBE_BITS;
}

/* Lines from a key's own to number d of those where it is looked for: 0, 1, 3, 6, ... */
static inline uint64_t probe_offset(uint64_t d)
{
    return d * (d + 1) / 2;
}

/* The hash of the key in a slot of a line. */
static inline uint64_t slot_hash(const struct table_view *v, uint64_t line, uint64_t slot)
{
    uint64_t home = (line - probe_offset((slot & PROBE_LINES) - 1)) & (n_lines(v) - 1);

    return home << v->shift | (slot & v->tag_mask) >> PROBE_BITS;
}

/* table.c */
void table_view_set(struct table_view *v, const struct region *region, struct pair_key key, unsigned lines_log2,
                    bool small);

/* table_add.c: remember a key until the table has grown; put a part of a count on the carry list. */
void table_spill(struct table_adder *a, uint64_t hash, uint64_t count);
void table_carry(struct table_adder *a, uint64_t hash, uint64_t count);

/*
 * table_grow.c, called with the mutex.  _begin() when nobody is inside: sets `refused` where there is no memory.
 * _help() takes steps until there is none left to take, and lets go of the mutex for each and to wait.
 */
void table_growth_begin(struct table *t);
void table_growth_help(struct table *t, struct table_adder *a);
void table_wait(struct table *t); /* table.c: until something has changed */

#endif
