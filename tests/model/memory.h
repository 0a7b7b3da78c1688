/*
 * memory.h - the memory that virtual threads share: where it is, who may touch it, and bugs planted in its operations
 *
 * Code that runs in virtual threads is compiled with -fsanitize=thread, but memory.c takes the place of the
 * sanitizer's library.  Each atomic access becomes an operation of explore.h.  A plain access does not; but it is
 * checked: where two threads touch a word and one of them writes and one does so plainly, a mutex must order them
 * (vector clocks, as in FastTrack).  Without such races, where plain accesses fall between the operations makes no
 * difference.
 */
#ifndef MODEL_MEMORY_H
#define MODEL_MEMORY_H

#include <stddef.h>

/* What the operations do wrong. */
enum planted_bug {
    NO_BUG,
    EXCHANGE_IN_TWO_STEPS, /* compare, and only later store */
    ADD_IN_TWO_STEPS,
    LOSER_READS_NOTHING, /* who loses the race for an empty slot does not see who won it */
    DRAINED_BY_BOTH,     /* who loses the race for an overflow mark takes it off, too */
    NOBODY_WAKES,
};
extern enum planted_bug planted_bug;

/* Forget all; before each execution. */
void memory_reset(void);

/* Not zeroed; at the same place in each execution in which the thread asks for the same. NULL if there is no more. */
void *memory_take(size_t n_bytes);
void memory_give(void *p);
size_t memory_size(const void *p);

/* Mutexes, by number, order what threads do. */
void memory_acquire(unsigned thread, size_t mutex);
void memory_release(unsigned thread, size_t mutex);

/* Plain accesses that the compiler does not report. */
void memory_read(const void *p, size_t n_bytes);
void memory_write(const void *p, size_t n_bytes);

#endif
