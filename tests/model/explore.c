#include "explore.h"

#include "memory.h"
#include "virtual_threads.h"

#include <stdio.h>
#include <string.h>

enum { MAX_OPERATIONS = 1000 /* of one execution: more is a loop without end */ };

/* A set of threads is a word with bit t for thread t. */
struct event {
    unsigned thread;
    struct next_operation op;
    struct happened happened;
    /* [thread]: this many first events of the execution hold all events of the thread that happen before this one */
    size_t clock[MAX_THREADS];
    /* the state before it */
    unsigned enabled;
    unsigned sleeping; /* whatever begins with one of these has been run, or will be, elsewhere */
    unsigned wanted;   /* to be tried from here */
    struct next_operation next[MAX_THREADS];
};

static const struct program *program;
static struct explored *result;
static struct event events[MAX_OPERATIONS + 1];
static size_t n_events;

void execution_failed(const char *reason)
{
    if (!result->failed)
        snprintf(result->reason, sizeof(result->reason), "%s", reason);
    result->failed = true;
    virtual_abandon();
}

/* --- which orders to try ---------------------------------------------------------------------------- */

static bool depends(const struct event *e, const struct next_operation *op, bool writes)
{
    return e->op.object == op->object && (e->happened.wrote || writes);
}

static void join(size_t *clock, const struct event *e)
{
    for (unsigned t = 0; t < MAX_THREADS; t++)
        clock[t] = clock[t] > e->clock[t] ? clock[t] : e->clock[t];
}

static bool happens_before(size_t i, const size_t *clock)
{
    return clock[events[i].thread] > i;
}

/*
 * Events `first` and `second` depend on each other and nothing orders them otherwise.  To see them in the other order,
 * begin before the first with one of the threads that can begin the rest without it (the initials of the events
 * after it that do not happen after it).
 */
static void reverse(size_t first, size_t second)
{
    size_t begins[MAX_THREADS]; /* each thread's first event of the rest */
    unsigned seen = 0, initials = 0;
    struct event *state = &events[first];

    for (size_t i = first + 1; i <= second; i++) {
        unsigned t = events[i].thread;
        bool initial = !(seen >> t & 1);

        if (i < second && happens_before(first, events[i].clock))
            continue;
        for (unsigned u = 0; u < program->n_threads && initial; u++)
            initial = u == t || !(seen >> u & 1) || !happens_before(begins[u], events[i].clock);
        if (!(seen >> t & 1))
            begins[t] = i;
        seen |= 1u << t;
        initials |= initial ? 1u << t : 0;
    }
    if (initials & (state->wanted | state->sleeping))
        return;
    if (initials >> events[second].thread & 1)
        initials = 1u << events[second].thread;
    initials &= -initials;
    if (!(initials & state->enabled))
        execution_failed("the explorer wants to run a thread that cannot run");
    state->wanted |= initials;
}

/* Order the newest event after what it depends on. */
static void order_event(size_t k)
{
    struct event *e = &events[k];
    size_t races[MAX_OPERATIONS], n_races = 0;

    memset(e->clock, 0, sizeof(e->clock));
    for (size_t i = k; i-- > 0;) {
        if (events[i].thread == e->thread) {
            join(e->clock, &events[i]);
            break;
        }
    }
    for (size_t i = k; i-- > 0;) {
        if (!depends(&events[i], &e->op, e->happened.wrote) || happens_before(i, e->clock))
            continue;
        if ((int)i != e->happened.woken_by) /* else it could not have been the other way round */
            races[n_races++] = i;
        join(e->clock, &events[i]);
    }
    if (e->happened.woken_by >= 0)
        join(e->clock, &events[e->happened.woken_by]);
    if (e->happened.released_by >= 0)
        join(e->clock, &events[e->happened.released_by]);
    e->clock[e->thread] = k + 1;
    for (size_t i = 0; i < n_races; i++)
        reverse(races[i], k);
}

/* --- one execution ---------------------------------------------------------------------------------- */

static unsigned lowest(unsigned set)
{
    return (unsigned)__builtin_ctz(set);
}

/* Describe the state and choose who goes on: the same thread as before if it can.  False if all has been seen. */
static bool choose(struct event *e, unsigned sleeping, unsigned before)
{
    unsigned can = e->enabled & ~sleeping;

    e->sleeping = sleeping;
    if (!can)
        return false;
    e->thread = can >> before & 1 ? before : lowest(can);
    e->wanted = program->every_order ? e->enabled : 1u << e->thread;
    for (unsigned t = 0; t < program->n_threads; t++)
        e->next[t] = virtual_next(t);
    return true;
}

static void run_event(struct event *e)
{
    e->op = virtual_next(e->thread);
    e->happened = virtual_resume(e->thread, (int)(e - events));
    result->n_operations++;
    program->watch(e->thread, program->context);
}

/* Those that sleep on: what they would do next does not depend on the event. */
static unsigned still_sleeping(const struct event *e)
{
    unsigned set = 0;

    for (unsigned t = 0; t < program->n_threads; t++) {
        if (e->sleeping >> t & 1 && t != e->thread && !depends(e, &e->next[t], may_write(e->next[t].kind)))
            set |= 1u << t;
    }
    return set;
}

static bool is_replay(const struct event *e)
{
    struct next_operation op = virtual_next(e->thread);

    return op.kind == e->op.kind && op.object == e->op.object;
}

/* The first n_planned choices are made; false if the rest was cut. */
static bool run_threads(size_t n_planned)
{
    unsigned sleeping = 0, before = 0;

    for (; !result->failed; n_events++) {
        struct event *e = &events[n_events];

        e->enabled = virtual_enabled();
        if (!e->enabled)
            break;
        if (n_events == MAX_OPERATIONS)
            execution_failed("no end in sight");
        else if (n_events >= n_planned && !choose(e, sleeping, before))
            return false;
        else if (n_events + 1 < n_planned && !is_replay(e))
            execution_failed("a replay went another way");
        if (result->failed)
            break;
        run_event(e);
        if (n_events + 1 >= n_planned)
            order_event(n_events);
        sleeping = program->every_order ? 0 : still_sleeping(e);
        before = e->thread;
    }
    return true;
}

/* As in "thread 1: lock, load 8 times, add". */
static void append_order(void)
{
    static const char *const names[] = {"load", "store", "add", "exchange", "lock"};
    size_t n = strlen(result->reason), times;

    for (size_t i = 0; i < n_events && n + 64 < sizeof(result->reason); i += times) {
        const struct event *e = &events[i];
        bool goes_on = i > 0 && e->thread == e[-1].thread;

        for (times = 1; i + times < n_events && e[times].thread == e->thread && e[times].op.kind == e->op.kind;)
            times++;
        if (!goes_on)
            n += (size_t)sprintf(result->reason + n, "\n    thread %u:", e->thread);
        n += (size_t)sprintf(result->reason + n, goes_on ? ", %s" : " %s", names[e->op.kind]);
        if (times > 1)
            n += (size_t)sprintf(result->reason + n, " %zu times", times);
    }
}

static void run_execution(size_t n_planned)
{
    bool complete;

    n_events = 0;
    memory_reset();
    program->begin(program->context);
    virtual_start(program);
    complete = run_threads(n_planned);
    result->longest = result->longest > n_events ? result->longest : n_events;
    if (!complete) {
        result->n_cut++;
        return;
    }
    result->n_executions++;
    if (!result->failed && !virtual_all_finished())
        execution_failed("deadlock");
    if (!result->failed) {
        const char *wrong = program->end(program->context);

        if (wrong)
            execution_failed(wrong);
    }
    if (result->failed)
        append_order();
}

/* Change the last choice that has something left to try; 0 if none has, else how many choices are made. */
static size_t next_plan(void)
{
    while (n_events-- > 0) {
        struct event *e = &events[n_events];
        unsigned todo;

        e->sleeping |= 1u << e->thread;
        todo = e->wanted & ~e->sleeping;
        if (todo) {
            e->thread = lowest(todo);
            return n_events + 1;
        }
    }
    return 0;
}

void explore(const struct program *p, uint64_t max_executions, struct explored *ret)
{
    size_t n_planned = 0;

    *ret = (struct explored){0};
    program = p;
    result = ret;
    do {
        run_execution(n_planned);
        if (ret->failed)
            return;
        n_planned = next_plan();
    } while (n_planned && ret->n_executions + ret->n_cut < max_executions);
    ret->all = !n_planned;
}
