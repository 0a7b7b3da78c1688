#include "pipeline/threads.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

struct thread_start {
    const struct placement *placement;
    thread_fn *fn;
    void *context;
    unsigned thread;
};

static void *thread_main(void *argument)
{
    struct thread_start *s = argument;

    placement_bind(s->placement, s->thread);
    s->fn(s->thread, s->context);
    return NULL;
}

/* As many as the system starts, maybe none. */
static enum emx_status start(struct threads *t, const struct placement *p, thread_fn *fn, void *context,
                             struct emx_error *err)
{
    unsigned n = placement_n_threads(p);
    sigset_t all, before;

    *t = (struct threads){.ids = calloc(n, sizeof(*t->ids)), .starts = calloc(n, sizeof(*t->starts))};
    if (!t->ids || !t->starts) {
        threads_join(t);
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %u threads", n);
    }
    sigfillset(&all); /* signals are for the caller's thread */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < n; i++) {
        t->starts[t->n] = (struct thread_start){p, fn, context, t->n};
        if (pthread_create(&t->ids[t->n], NULL, thread_main, &t->starts[t->n]) == 0)
            t->n++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return EMX_OK;
}

enum emx_status threads_start(struct threads *t, const struct placement *p, thread_fn *fn, void *context,
                              struct emx_error *err)
{
    enum emx_status status = start(t, p, fn, context, err);

    if (!status && t->n == 0) {
        threads_join(t);
        status = emx_fail(err, EMX_ERR_MEMORY, "the system refuses to start a thread");
    }
    return status;
}

void threads_join(struct threads *t)
{
    for (unsigned i = 0; i < t->n; i++)
        pthread_join(t->ids[i], NULL);
    free(t->ids);
    free(t->starts);
    *t = (struct threads){0};
}

struct item_loop {
    item_fn *fn;
    void *context;
    size_t n_items;
    _Atomic size_t next;
};

static void loop_items(unsigned thread, void *context)
{
    struct item_loop *loop = context;
    size_t i;

    /* relaxed: the number alone is shared; threads_join() orders the work */
    while ((i = atomic_fetch_add_explicit(&loop->next, 1, memory_order_relaxed)) < loop->n_items)
        loop->fn(i, thread, loop->context);
}

enum emx_status threads_for(const struct placement *p, size_t n_items, item_fn *fn, void *context,
                            struct emx_error *err)
{
    struct item_loop loop = {.fn = fn, .context = context, .n_items = n_items};
    struct threads t;
    enum emx_status status;

    if (placement_n_threads(p) == 1 || n_items < 2) {
        loop_items(0, &loop);
        return EMX_OK;
    }
    status = start(&t, p, loop_items, &loop, err);
    if (!status && t.n == 0)
        loop_items(0, &loop);
    if (!status)
        threads_join(&t);
    return status;
}
