#include "pipeline/meeting.h"

void meeting_init(struct meeting *m, unsigned n_threads)
{
    *m = (struct meeting){.n_threads = n_threads};
    pthread_mutex_init(&m->mutex, NULL);
    pthread_cond_init(&m->all_here, NULL);
}

void meeting_finish(struct meeting *m)
{
    pthread_cond_destroy(&m->all_here);
    pthread_mutex_destroy(&m->mutex);
}

/* Called with the mutex. */
static void hold_if_complete(struct meeting *m)
{
    if (m->n_here == 0 || m->n_here < m->n_threads)
        return;
    m->n_here = 0;
    m->n_held++;
    m->has_leader = false;
    pthread_cond_broadcast(&m->all_here);
}

bool meeting_attend(struct meeting *m)
{
    unsigned long n_held;
    bool leads;

    pthread_mutex_lock(&m->mutex);
    n_held = m->n_held;
    m->n_here++;
    hold_if_complete(m);
    while (m->n_held == n_held)
        pthread_cond_wait(&m->all_here, &m->mutex);
    leads = !m->has_leader;
    m->has_leader = true;
    pthread_mutex_unlock(&m->mutex);
    return leads;
}

void meeting_leave(struct meeting *m, unsigned n_threads)
{
    pthread_mutex_lock(&m->mutex);
    m->n_threads -= n_threads;
    hold_if_complete(m);
    pthread_mutex_unlock(&m->mutex);
}
