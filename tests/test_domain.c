/* Which table a thread counts in, and where its memory comes from, on machines that are made up. */
#include "scan/domain.h"
#include "test.h"

enum { N_NODES = 2, N_THREADS = 16 /* of 2 nodes with 2 L3 caches of 4 cores */ };

static struct placement *placement;
static struct budget budget;
static struct regions regions[N_NODES];
static struct domain domain;
static const struct emx_scan_domain given = {.name = "d", .settings = {.eod = EMX_NO_TOKEN}};

static void begin(void)
{
    struct machine_model model = {.synthetic = "numa:2 l3:2 core:4 pu:1"};

    budget = (struct budget){.limit = UINT64_C(1) << 30};
    CHECK(placement_create(&model, N_THREADS, true, &placement, NULL) == EMX_OK);
    CHECK(placement_n_nodes(placement) == N_NODES);
    for (int i = 0; i < N_NODES; i++)
        regions_init(&regions[i], &budget);
    regions_link(regions, N_NODES);
    domain_init(&domain, &given, placement, regions);
}

static void end(void)
{
    domain_finish(&domain);
    for (int i = 0; i < N_NODES; i++)
        regions_finish(&regions[i]);
    CHECK(budget.used == 0);
    placement_destroy(&placement);
}

static struct table *table_for(unsigned thread, bool *ret_alone)
{
    struct table *table = NULL;

    CHECK(domain_table(&domain, thread, pair_key_for(1 << 16), 1 << 20, &table, ret_alone, NULL) == EMX_OK);
    return table;
}

/* Leave this share of the budget; returns what was taken. */
static uint64_t leave(double share)
{
    uint64_t n = budget.limit - budget.used - (uint64_t)((double)budget.limit * share);

    CHECK(budget_take(&budget, n));
    return n;
}

static void with_memory_each_thread_has_its_own(void)
{
    struct table *tables[N_THREADS];
    bool alone;

    begin();
    for (unsigned i = 0; i < N_THREADS; i++) {
        tables[i] = table_for(i, &alone);
        CHECK(alone && table_for(i, &alone) == tables[i] && alone);
        for (unsigned k = 0; k < i; k++)
            CHECK(tables[k] != tables[i]);
    }
    end();
}

static void tight_memory_is_shared_within_a_cache(void)
{
    struct table *tables[N_THREADS];
    uint64_t taken;
    bool alone;

    begin();
    taken = leave(0.4);
    for (unsigned i = 0; i < N_THREADS; i++) {
        tables[i] = table_for(i, &alone);
        CHECK(alone == (i % 4 == 0));
        CHECK(tables[i] == tables[i / 4 * 4] && (i < 4 || tables[i] != tables[i - 4]));
    }
    CHECK(domain.n_tables == 4);
    CHECK(table_for(0, &alone) == tables[0] && !alone); /* others have joined */
    budget_give(&budget, taken);
    CHECK(table_for(1, &alone) != tables[0] && alone);
    end();
}

static void the_last_memory_is_shared_by_all(void)
{
    uint64_t taken;
    bool alone;
    struct table *first, *near;

    begin();
    taken = leave(0.2);
    first = table_for(9, &alone);
    CHECK(alone);
    for (unsigned i = 0; i < N_THREADS; i++)
        CHECK(table_for(i, &alone) == first && !alone);
    budget_give(&budget, taken);
    near = table_for(2, &alone);
    taken = leave(0.2);
    CHECK(near != first && alone);
    CHECK(table_for(1, &alone) == near && table_for(4, &alone) == first); /* the nearer one, if there is one */
    budget_give(&budget, taken);
    end();
}

static void begin_and_release(unsigned thread)
{
    bool alone;

    table_for(thread, &alone);
    domain_release_tables(&domain);
}

static void memory_is_used_again_on_its_node(void)
{
    void *base[N_NODES];

    begin();
    for (unsigned i = 0; i < N_NODES; i++) {
        begin_and_release(i * 8);
        CHECK(regions[i].n_unused == 1);
        base[i] = regions[i].unused[0].base;
    }
    for (unsigned i = 0; i < N_THREADS; i++) {
        begin_and_release(i);
        CHECK(regions[0].n_unused == 1 && regions[1].n_unused == 1);
        CHECK(regions[0].unused[0].base == base[0] && regions[1].unused[0].base == base[1]);
    }
    end();
}

static void a_full_budget_frees_the_memory_of_all_nodes(void)
{
    uint64_t taken;

    begin();
    begin_and_release(0);
    taken = budget.limit - budget.used - (1 << 19); /* a table is 2 MiB */
    CHECK(budget_take(&budget, taken));
    begin_and_release(N_THREADS - 1);
    CHECK(regions[0].n_unused == 0 && regions[1].n_unused == 1);
    budget_give(&budget, taken);
    end();
}

int main(void)
{
    RUN(with_memory_each_thread_has_its_own);
    RUN(tight_memory_is_shared_within_a_cache);
    RUN(the_last_memory_is_shared_by_all);
    RUN(memory_is_used_again_on_its_node);
    RUN(a_full_budget_frees_the_memory_of_all_nodes);
    return test_summary();
}
