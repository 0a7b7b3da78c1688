/* Thread plans on synthetic topologies. */
#include "pipeline/placement.h"
#include "pipeline/threads.h"
#include "test.h"

#include <stdatomic.h>
#include <unistd.h>

static struct placement *plan(const char *synthetic, unsigned n, bool bind)
{
    struct placement *p = NULL;

    CHECK(placement_create(synthetic, n, bind, &p, NULL) == EMX_OK);
    return p;
}

/* Each thread on a processor of its own. */
static void check_distinct(const char *synthetic, unsigned n)
{
    struct placement *p = plan(synthetic, n, true);
    bool used[256] = {false};

    CHECK(placement_n_threads(p) == n);
    for (unsigned i = 0; i < n; i++) {
        int cpu = placement_processor(p, i);

        CHECK(cpu >= 0 && cpu < 256 && !used[cpu]);
        if (cpu >= 0)
            used[cpu] = true;
    }
    placement_destroy(&p);
}

static void full_plans_use_each_processor_once(void)
{
    check_distinct("pack:1 core:4 pu:1", 4);
    check_distinct("pack:2 core:8 pu:2", 32);
    check_distinct("pack:2 numa:2 core:4 pu:1", 16);
    check_distinct("numa:8 core:2 pu:1", 16);
}

static void cores_come_before_siblings(void)
{
    struct placement *p = plan("pack:2 core:4 pu:2", 8, true);
    bool used[8] = {false};

    for (unsigned i = 0; i < 8; i++) {
        int core = placement_processor(p, i) / 2; /* synthetic siblings are numbered next to each other */

        CHECK(core >= 0 && core < 8 && !used[core]);
        if (core >= 0)
            used[core] = true;
    }
    placement_destroy(&p);
}

static void partial_and_crowded_plans_do_not_bind(void)
{
    struct placement *few = plan("core:8 pu:1", 3, true), *many = plan("core:4 pu:1", 5, true),
                     *unbound = plan("core:4 pu:1", 4, false);

    CHECK(placement_processor(few, 0) == -1 && placement_processor(many, 4) == -1);
    CHECK(placement_processor(unbound, 0) == -1);
    placement_destroy(&few);
    placement_destroy(&many);
    placement_destroy(&unbound);
}

static void the_default_is_all_processors(void)
{
    struct placement *p = plan("pack:2 core:4 pu:2", 0, true), *here = plan(NULL, 0, true);

    CHECK(placement_n_threads(p) == 16);
    CHECK(placement_n_threads(here) >= 1 && placement_n_threads(here) <= (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
    placement_destroy(&p);
    placement_destroy(&here);
    CHECK(placement_create("no such machine", 1, true, &p, NULL) == EMX_ERR_ARG);
}

/* --- threads --- */

static void mark_item(size_t item, unsigned thread, void *context)
{
    (void)thread;
    atomic_fetch_add(&((_Atomic int *)context)[item], 1);
}

static void each_item_is_done_once(void)
{
    struct placement *p = plan(NULL, 8, true);
    static _Atomic int done[1000];
    size_t wrong = 0;

    CHECK(threads_for(p, 1000, mark_item, done, NULL) == EMX_OK);
    for (size_t i = 0; i < 1000; i++)
        wrong += done[i] != 1;
    CHECK(wrong == 0);
    placement_destroy(&p);
}

int main(void)
{
    RUN(full_plans_use_each_processor_once);
    RUN(cores_come_before_siblings);
    RUN(partial_and_crowded_plans_do_not_bind);
    RUN(the_default_is_all_processors);
    RUN(each_item_is_done_once);
    return test_summary();
}
