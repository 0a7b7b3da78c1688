/*
 * meeting.h - where running threads wait for each other, while some of them may end
 *
 * Thread-safety: any thread that takes part.
 */
#ifndef PIPELINE_MEETING_H
#define PIPELINE_MEETING_H

#include <pthread.h>
#include <stdbool.h>

struct meeting {
    pthread_mutex_t mutex;
    pthread_cond_t all_here;
    /* guarded by the mutex */
    unsigned n_threads, n_here;
    unsigned long n_held; /* meetings so far */
    bool has_leader;      /* of the last meeting */
};

void meeting_init(struct meeting *m, unsigned n_threads);
void meeting_finish(struct meeting *m);

/* Wait until all threads that take part are here; true for one of them. */
bool meeting_attend(struct meeting *m);
/* This many threads take part no more. */
void meeting_leave(struct meeting *m, unsigned n_threads);

#endif
