/*
 * threads.h - run a function on all threads of a placement
 *
 * The only place that starts threads.  Where the system refuses to start one, those that did start do all
 * the work: functions take their share at run time, never by number of threads.
 */
#ifndef PIPELINE_THREADS_H
#define PIPELINE_THREADS_H

#include "pipeline/placement.h"

#include <pthread.h>

/* `thread` is 0 .. n_threads - 1. */
typedef void thread_fn(unsigned thread, void *context);

struct threads {
    pthread_t *ids;
    struct thread_start *starts;
    unsigned n;
};

/* Start them; EMX_ERR_MEMORY if not even one can be started.  threads_join() waits for all. */
EMX_CHECKED enum emx_status threads_start(struct threads *t, const struct placement *p, thread_fn *fn, void *context,
                                          struct emx_error *err);
void threads_join(struct threads *t);

/*
 * fn(item, thread, context) for each item below n_items, taken in order by whichever thread is free; waits.  If not
 * even one thread can be started, the caller's does it all.  EMX_ERR_MEMORY: nothing was done.
 */
typedef void item_fn(size_t item, unsigned thread, void *context);
EMX_CHECKED enum emx_status threads_for(const struct placement *p, size_t n_items, item_fn *fn, void *context,
                                        struct emx_error *err);

#endif
