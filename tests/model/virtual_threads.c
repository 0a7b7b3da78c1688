#include "virtual_threads.h"

#include "memory.h"

#include <setjmp.h>
#include <string.h>
#include <ucontext.h>

enum { MAX_MUTEXES = 4, STACK_BYTES = 128 << 10 };

/* Entered by its context once, then by jumps: these need no system call. */
struct coroutine {
    ucontext_t context;
    jmp_buf stopped;
    bool started, finished;
    char stack[STACK_BYTES];
    struct next_operation next; /* where it stopped */
    const void *waits_for;      /* a condition */
    int woken_by;               /* event, or -1 */
};

struct mutex {
    const void *object;
    bool taken;
    int released_by; /* event, or -1 */
};

static const struct program *program;
static jmp_buf scheduler;
static struct coroutine coroutines[MAX_THREADS];
static struct mutex mutexes[MAX_MUTEXES];
static int running = -1, event;
static struct happened happened; /* in the event that runs now */

int running_thread(void)
{
    return running;
}

/* --- coroutines -------------------------------------------------------------------------------------- */

/* These three are not inlined: what returns twice may spoil the variables of the function around it. */
static __attribute__((noinline)) void prepare_stack(struct coroutine *c)
{
    getcontext(&c->context);
    c->context.uc_stack = (stack_t){.ss_sp = c->stack, .ss_size = sizeof(c->stack)};
}

static __attribute__((noinline)) void back_to_scheduler(void)
{
    if (!_setjmp(coroutines[running].stopped))
        _longjmp(scheduler, 1);
}

static __attribute__((noinline)) void resume(unsigned thread)
{
    struct coroutine *c = &coroutines[thread];
    bool enter = !c->started;

    running = (int)thread;
    c->started = true;
    if (!_setjmp(scheduler)) {
        if (enter)
            setcontext(&c->context);
        _longjmp(c->stopped, 1);
    }
    running = -1;
}

static void coroutine_main(void)
{
    program->thread((unsigned)running, program->context);
    coroutines[running].finished = true;
    back_to_scheduler();
}

void virtual_start(const struct program *p)
{
    program = p;
    event = -1;
    memset(mutexes, 0, sizeof(mutexes));
    for (unsigned t = 0; t < p->n_threads; t++) {
        struct coroutine *c = &coroutines[t];

        if (!c->context.uc_stack.ss_sp)
            prepare_stack(c);
        c->waits_for = NULL;
        c->woken_by = -1;
        c->finished = c->started = false;
        makecontext(&c->context, coroutine_main, 0);
        resume(t);
    }
}

struct next_operation virtual_next(unsigned thread)
{
    return coroutines[thread].next;
}

struct happened virtual_resume(unsigned thread, int number)
{
    event = number;
    happened = (struct happened){.wrote = may_write(coroutines[thread].next.kind), .woken_by = -1, .released_by = -1};
    resume(thread);
    return happened;
}

bool virtual_all_finished(void)
{
    for (unsigned t = 0; t < program->n_threads; t++) {
        if (!coroutines[t].finished)
            return false;
    }
    return true;
}

void virtual_abandon(void)
{
    if (running >= 0)
        back_to_scheduler();
}

/* --- operations -------------------------------------------------------------------------------------- */

void operation(enum operation_kind kind, const void *object)
{
    if (running < 0)
        return;
    coroutines[running].next = (struct next_operation){kind, object};
    back_to_scheduler();
}

void operation_only_read(void)
{
    happened.wrote = false;
}

static struct mutex *find_mutex(const void *object)
{
    size_t i = 0;

    while (i < MAX_MUTEXES - 1 && mutexes[i].object && mutexes[i].object != object)
        i++;
    if (mutexes[i].object && mutexes[i].object != object)
        execution_failed("more mutexes than the model has");
    if (!mutexes[i].object)
        mutexes[i] = (struct mutex){.object = object, .released_by = -1};
    return &mutexes[i];
}

void lock(const void *mutex)
{
    struct mutex *m;

    if (running < 0)
        return;
    operation(OP_LOCK, mutex);
    m = find_mutex(mutex);
    m->taken = true;
    happened.released_by = m->released_by;
    happened.woken_by = coroutines[running].woken_by;
    coroutines[running].woken_by = -1;
    memory_acquire((unsigned)running, (size_t)(m - mutexes));
}

void unlock(const void *mutex)
{
    struct mutex *m;

    if (running < 0)
        return;
    m = find_mutex(mutex);
    if (!m->taken)
        execution_failed("a mutex is given back that nobody holds");
    m->taken = false;
    m->released_by = event;
    memory_release((unsigned)running, (size_t)(m - mutexes));
}

void wait_for(const void *condition, const void *mutex)
{
    if (running < 0) {
        execution_failed("outside of threads nobody can wake this one");
        return;
    }
    unlock(mutex);
    coroutines[running].waits_for = condition;
    lock(mutex);
}

void wake_all(const void *condition)
{
    for (unsigned t = 0; running >= 0 && planted_bug != NOBODY_WAKES && t < program->n_threads; t++) {
        if (coroutines[t].waits_for != condition)
            continue;
        coroutines[t].waits_for = NULL;
        coroutines[t].woken_by = event;
    }
}

unsigned virtual_enabled(void)
{
    unsigned set = 0;

    for (unsigned t = 0; t < program->n_threads; t++) {
        const struct coroutine *c = &coroutines[t];

        if (!c->finished && !c->waits_for && (c->next.kind != OP_LOCK || !find_mutex(c->next.object)->taken))
            set |= 1u << t;
    }
    return set;
}
