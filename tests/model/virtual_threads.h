/*
 * virtual_threads.h - coroutines that stop before each operation, and their mutexes; the half of explore.h that runs
 *
 *     virtual_start -> (virtual_enabled, virtual_resume)* -> virtual_all_finished
 */
#ifndef MODEL_VIRTUAL_THREADS_H
#define MODEL_VIRTUAL_THREADS_H

#include "explore.h"

struct next_operation {
    enum operation_kind kind;
    const void *object;
};

/* What came to light while an operation was done. */
struct happened {
    bool wrote;
    int woken_by;    /* the event that woke the thread from its wait for a condition, or -1 */
    int released_by; /* the event that gave back the mutex which this one takes, or -1 */
};

/* Run all threads of the program up to their first operation: nothing that they do before concerns the others. */
void virtual_start(const struct program *p);

/* The set (bit t for thread t) of those that can go on. */
unsigned virtual_enabled(void);
struct next_operation virtual_next(unsigned thread);

/* Let a thread do its next operation, as the event of this number, and run to the one after. */
struct happened virtual_resume(unsigned thread, int event);

bool virtual_all_finished(void);

/* The running thread never goes on; nothing where none runs. */
void virtual_abandon(void);

static inline bool may_write(enum operation_kind kind)
{
    return kind != OP_LOAD;
}

#endif
