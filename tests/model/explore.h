/*
 * explore.h - run a few virtual threads in every order that makes a difference
 *
 * Virtual threads are coroutines.  One runs until its next operation (an atomic access, the taking of a mutex), and
 * stops there until the explorer lets it go on: so an execution is a list of choices, and the explorer goes through
 * the tree of choices, depth first, replaying a prefix to come back to a state.  begin() must make the same
 * state each time.
 *
 * Reduction.  Two operations depend on each other if they touch the same object and one of them writes (takes it, for a
 * mutex).  Executions that differ only in the order of independent operations end alike, and of each such class
 * at least one is run: source-set dynamic partial order reduction with sleep sets (Abdulla, Aronis, Jonsson, Sagonas,
 * "Optimal dynamic partial order reduction", POPL 2014, algorithm 1).  No bound on preemptions.
 *
 * Giving a mutex back and waking are not operations of their own: they belong to the operation before, since nothing
 * that another thread may do in between tells the difference.
 */
#ifndef MODEL_EXPLORE_H
#define MODEL_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_THREADS = 4 };

struct program {
    unsigned n_threads;
    void (*begin)(void *context);                   /* before each execution */
    void (*thread)(unsigned thread, void *context); /* what each virtual thread does */
    void (*watch)(unsigned thread, void *context);  /* after each operation */
    const char *(*end)(void *context);              /* after all have finished: what is wrong, or NULL */
    void *context;
    bool every_order; /* without reduction, to test it */
};

struct explored {
    uint64_t n_executions; /* complete ones */
    uint64_t n_cut;        /* given up: they would have repeated others */
    uint64_t n_operations;
    size_t longest;    /* operations of one execution */
    bool all;          /* the tree was searched to its end */
    bool failed;       /* the last execution went wrong */
    char reason[2000]; /* how, and the order of its operations */
};

/* Until the first failure, or max_executions. */
void explore(const struct program *p, uint64_t max_executions, struct explored *ret);

/* --- called by what runs in virtual threads; outside of them nothing is interleaved ------------------ */

enum operation_kind { OP_LOAD, OP_STORE, OP_ADD, OP_EXCHANGE, OP_LOCK };

/* The virtual thread that runs, or -1: before and after. */
int running_thread(void);

/* Wait until the explorer lets this operation happen; the caller then does it at once. */
void operation(enum operation_kind kind, const void *object);

/* The exchange failed: it only read. */
void operation_only_read(void);

/* Give up this execution; in a virtual thread it does not return. */
void execution_failed(const char *reason);

void lock(const void *mutex);
void unlock(const void *mutex);
void wait_for(const void *condition, const void *mutex);
void wake_all(const void *condition);

#endif
