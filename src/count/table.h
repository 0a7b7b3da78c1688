/*
 * table.h - the lock-free hash map that counts pairs
 *
 * Order of calls, for each thread that counts:
 *
 *     table_enter -> (pairs_count ...)* -> table_leave        a "block", up to about a millisecond of work
 *
 * A table grows only between blocks, when no thread is inside one; every thread that waits to enter then moves
 * a part of the slots (table_grow.c tells how).  So nothing on the path of a pair looks at a lock or at a flag.
 *
 * Slots.  A table is an array of lines of 64 bytes: one cache line, of 8 slots of 8 bytes or of 16 of 4.  Slots are of
 * 8 bytes while the table is small, and of 4 from the size on at which a key's line tells so much of it that
 * SMALL_COUNT_BITS of the 32 are left for the count: from 2^13 lines at 2^16 tokens, 2^17 at 2^18.  Most counts are
 * small, and those that are not overflow exactly.  A slot of b bits is 0 (empty) or
 *
 *     bits b-1 .. T     count; its highest bit is the overflow mark.  0 only if all of it was carried
 *     bits T-1 .. 5     remainder: the low n - p bits of the key's hash (n bits of hash, 2^p lines)
 *     bits   4 .. 0     1 + d where this line is the d-th in which the key is looked for
 *
 * where T = n - p + 5.  Line + remainder give back the hash, and the hash the key.  A key stands in one of PROBE_LINES
 * lines, in any slot of the line: its own is number 0, and number d is d lines after number d - 1, so that keys which
 * find no room do not pile up behind full lines.  A line is passed over only when it is full: so a search that meets
 * an empty slot in a line need not look at the next.  Most keys stand where the search begins, in slot (hash mod 8, or
 * 16) of their own line.
 *
 * Changes of a slot, and why each is safe with other threads in the table:
 *
 *     0 -> (1, tag)          by compare-and-swap: one thread wins, the others read again.  A thread has seen that no
 *                            slot of the line holds the key, and tries the empty ones in the order that begins at its
 *                            first.  Another with the same key tries them in the same order and, since slots are
 *                            not emptied, meets the winner's slot before any that is still empty: no key gets two.
 *     (c, tag) -> (c+k, tag) by compare-and-swap, and only where c is not marked: k is at most a quarter of the field,
 *                            so c + k is in it.  The kernels do it by fetch-add in slots of 8 bytes, where they have
 *                            seen no mark: k is at most MOST_AT_ONCE, and it takes 2^14 threads at once to pass the
 *                            quarter that is left of 2^24.  The tag never changes while a thread is inside, so what
 *                            was compared still holds.
 *     overflow               a thread that sees the mark takes half the field off the slot with compare-and-swap and
 *                            puts it on the table's carry list.  Of larger counts than a quarter all but a rest goes
 *                            there at once, when the key has its slot.
 *     exchange of two slots  of a line: only by a thread that is alone inside, which so keeps common keys where
 *                            their search begins.  The line stays as full as it was.
 *     nothing -> 0           never.
 *
 * All of these are relaxed: a slot is one word that guards nothing else, and whoever reads the counts has
 * joined the counting threads or taken the table's mutex.
 *
 * A key that finds no room in its PROBE_LINES lines goes to the thread's own spill list and is added again
 * after the table has grown; so do a few that stand out of place where threads share the work of growing.  That cannot
 * count it twice: within a block slots are never freed, so a key either has its slot or has none.
 *
 * A table that only one thread uses (its owner) is counted in with plain additions, 3 times as fast.
 */
#ifndef COUNT_TABLE_H
#define COUNT_TABLE_H

#include "count/key.h"
#include "count/region.h"
#include "count/slot.h"

#include <emx/status.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    LINE_WORDS = 8, /* of 8 bytes */
    MOST_LINE_SLOTS = 16,
    PROBE_BITS = 5,
    PROBE_LINES =
        (1 << PROBE_BITS) - 1, /* 85 % full, 2^19 lines of Zipf pairs need 20; lines one after the other, 49 */
    MOST_AT_ONCE = 256,        /* added by fetch-add */
    SMALL_COUNT_BITS = 8,      /* a count that is larger overflows every 128th time */
};

/* Slots of a line. */
static inline unsigned line_n_slots(bool small)
{
    return small ? MOST_LINE_SLOTS : LINE_WORDS;
}

struct table;

/* Where and how to count during one block; constants of the table that the inner loop wants in registers. */
struct table_view {
    void *slots;
    bool small;              /* of 4 bytes, 16 a line */
    uint64_t mark;           /* the highest bit of a slot */
    uint64_t tag_mask;       /* 2^T - 1 */
    uint64_t match_mask;     /* the tag and the overflow mark: a marked slot does not match, and is drained */
    uint64_t remainder_mask; /* 2^(n-p) - 1 */
    uint64_t increment;      /* 2^T: one more in the count field */
    uint64_t quarter;        /* of the counts that the field holds: the most that is added at once */
    unsigned shift;          /* n - p: hash >> shift is the line */
    unsigned n_lines_log2;
    struct pair_key key;
};

struct spilled_key {
    uint64_t hash, count;
};

/* Pairs that are on their way to the table: see pairs.h. */
enum {
    RING_SIZE = 64,        /* on real text 32 takes 3 % longer; hashing by vector in batches of 128, 6 % */
    FRONT_SIZE = 1 << 14,  /* on real text, with two threads, 2^12 takes 13 % longer, 2^15 6 % */
    FRONT_TRIAL = 1 << 17, /* pairs after which the cache is judged by its misses */
    FRONT_REST = 1 << 23,  /* pairs that pass it by if it has failed */
};

/* One thread's hold on a table. */
struct table_adder {
    struct table *table;
    struct table_view view;
    bool alone;     /* plain additions */
    uint64_t n_new; /* slots filled since table_enter() */
    struct spilled_key *spill;
    size_t n_spill, cap_spill;
    bool no_room;   /* a key of this block found none */
    bool no_memory; /* the spill list could not grow */
    /* alone: hashes, prefetched; shared: words of hash and count, which the cache `front` has let go */
    uint64_t ring[RING_SIZE];
    size_t n_ring;
    uint64_t ready[RING_SIZE]; /* words that are prefetched */
    size_t n_ready;
    uint64_t *front; /* [FRONT_SIZE] NULL before it is needed */
    uint64_t n_front_pairs, n_front_misses, front_rest;
};

/*
 * An empty table of at least 2^lines_log2 lines; `regions` outlives it.
 * EMX_ERR_MEMORY if the budget or the machine has no room.
 */
EMX_CHECKED enum emx_status table_create(struct pair_key key, unsigned lines_log2, struct regions *regions,
                                         struct table **ret, struct emx_error *err);
void table_destroy(struct table **t);

/*
 * Hold the table for a block.  *a is zeroed before the first use of an adder and belongs to one thread and one
 * table.  `alone`: wait until nobody is inside and keep others out until table_leave(), for plain additions.
 */
void table_enter(struct table *t, struct table_adder *a, bool alone);

/* End the block: let waiting growth go on, add what spilled.  EMX_ERR_MEMORY if the table must grow and cannot. */
EMX_CHECKED enum emx_status table_leave(struct table_adder *a, struct emx_error *err);
/*
 * After table_leave() failed for want of memory, and room was made: add what spilled.  table_has_spilled() tells
 * whether that is of use: no key is lost yet, all that lacks is room.
 */
EMX_CHECKED enum emx_status table_add_spilled(struct table_adder *a, struct emx_error *err);
bool table_has_spilled(const struct table_adder *a);
void table_adder_finish(struct table_adder *a);

/* Add `count` to a key, by its hash; the general way, which the fast path in pairs.c falls back to. */
void table_add(struct table_adder *a, uint64_t hash, uint64_t count);

/*
 * The keys of a table that all threads have left: part `part` of `n_parts`, so that threads can share the work.  Counts
 * that overflowed come as further entries of the same key, in part 0.
 */
struct table_entry {
    uint64_t key, count;
};
struct table_cursor {
    const struct table *table;
    uint64_t begin, line, end;
    size_t carry;
    bool has_carries;
};
struct table_cursor table_cursor_begin(const struct table *t, size_t part, size_t n_parts);
/* The next entries, up to cap (at least MOST_LINE_SLOTS); 0 at the end. */
size_t table_cursor_next(struct table_cursor *c, struct table_entry *ret, size_t cap);
/* Were the last entries of those that overflowed? */
bool table_cursor_is_in_carries(const struct table_cursor *c);

/*
 * The memory of the same part of the slots, for whoever takes the table apart: behind the cursor, words that it has
 * read may be written over.  Then the table can only be emptied or destroyed.
 */
uint64_t *table_part_words(struct table *t, size_t part, size_t n_parts, size_t *ret_n);
/* How many of these words the cursor of the part has read, and how many entries the slots of a word have at most. */
size_t table_cursor_n_words(const struct table_cursor *c);
unsigned table_word_slots(const struct table *t);

struct pair_key table_key(const struct table *t);
uint64_t table_n_used(struct table *t);  /* slots in use; any thread, any time */
uint64_t table_n_bytes(struct table *t); /* of its lines; any thread, any time */
double table_load(struct table *t);      /* of its slots, the part in use; any thread, any time */

/* Bytes that table_empty() would give back; any thread, any time. */
uint64_t table_n_spare_bytes(struct table *t);
/* It may not grow, and is so full that searches are long.  Any thread, any time. */
bool table_is_full(struct table *t);

/*
 * Forget all keys, also after the table was taken apart; with `shrink` keep only as much memory as a table must have.
 * By the thread that is alone in the table, which then leaves without having added anything.
 */
void table_empty(struct table *t, bool shrink);

/* Check every invariant above that can be seen at rest; false and a reason if one is broken. */
bool table_validate(const struct table *t, const char **ret_reason);

#endif
