/* Which table a thread counts in, and where its memory comes from, on machines that are made up. */
#include "pipeline/threads.h"
#include "scan/shard.h"
#include "test.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { N_NODES = 2, N_THREADS = 16 /* of 2 nodes with 2 L3 caches of 4 cores */ };

static struct placement *placement;
static struct budget budget;
static struct regions *regions; /* [placement_n_nodes()] */
static struct domain domain;
static const struct emx_scan_domain given = {.name = "d", .settings = {.eod = EMX_NO_TOKEN}};

static void begin_on(const struct machine_model *model, unsigned n_threads)
{
    budget = (struct budget){.limit = UINT64_C(1) << 30};
    CHECK(placement_create(model, n_threads, true, &placement, NULL) == EMX_OK);
    regions = calloc(placement_n_nodes(placement), sizeof(*regions));
    for (unsigned i = 0; i < placement_n_nodes(placement); i++)
        regions_init(&regions[i], &budget);
    regions_link(regions, placement_n_nodes(placement));
    domain_init(&domain, &given, placement, regions);
}

static void begin(void)
{
    begin_on(&(struct machine_model){.synthetic = "numa:2 l3:2 core:4 pu:1"}, N_THREADS);
    CHECK(placement_n_nodes(placement) == N_NODES);
}

static void end(void)
{
    domain_finish(&domain);
    for (unsigned i = 0; i < placement_n_nodes(placement); i++)
        regions_finish(&regions[i]);
    free(regions);
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

/* --- on this machine ------------------------------------------------------------------------------------- */

enum { N_KEYS = 400 * 1000 /* more than a first table holds */, PAGE = 4096 };

/* What a thread found of its memory: pages, and those that lie on another node than planned. */
struct found {
    size_t n_pages, n_wrong;
    int refused; /* errno of the system that would not tell */
};

static bool is_first_round = true;

static void look_at(const void *memory, size_t n_bytes, unsigned number, struct found *found)
{
    enum { NODE_OF_ADDRESS = 3 /* MPOL_F_NODE | MPOL_F_ADDR */ };

    for (size_t at = 0; at < n_bytes; at += PAGE) {
        int node = -1;

        if (syscall(SYS_get_mempolicy, &node, NULL, 0, (const char *)memory + at, NODE_OF_ADDRESS) != 0)
            found->refused = errno;
        found->n_pages++;
        found->n_wrong += node != (int)number;
    }
}

static void fill_table(struct table *table, bool alone, struct table_adder *adder)
{
    struct pair_key key = table_key(table);

    table_enter(table, adder, alone);
    for (uint32_t i = 0; i < N_KEYS; i++) {
        table_add(adder, pair_key_mix(key, pair_key_pack(key, i & 1023, i >> 10)), 1);
        if (i % 65536 == 65535) { /* a block's end, where it may grow */
            if (table_leave(adder, NULL) != EMX_OK)
                abort();
            table_enter(table, adder, alone);
        }
    }
}

static void look_at_table(unsigned thread, struct found *found)
{
    struct table_adder adder = {0};
    bool alone;
    struct table *table = table_for(thread, &alone);

    fill_table(table, alone, &adder);
    look_at(adder.view.slots, (LINE_WORDS * sizeof(uint64_t)) << adder.view.n_lines_log2,
            placement_node_number(placement, placement_node(placement, thread)), found);
    if (table_leave(&adder, NULL) != EMX_OK)
        abort();
    table_adder_finish(&adder);
}

/* Only the first threads of a process are sure to get memory from malloc() that no other thread has touched. */
static void look_at_buffers(unsigned thread, struct found *found)
{
    struct block block;

    if (block_init(&block, 27, NULL) != EMX_OK)
        abort();
    memset(block.bytes, 1, BLOCK_BYTES);
    look_at(block.bytes, BLOCK_BYTES, placement_node_number(placement, placement_node(placement, thread)), found);
    block_finish(&block);
}

static void look_at_own_memory(unsigned thread, void *context)
{
    struct found *found = &((struct found *)context)[thread];

    if (is_first_round)
        look_at_buffers(thread, found);
    look_at_table(thread, found);
}

static void check_found(const struct found *found, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (found[i].refused)
            printf("the system does not tell where memory lies (%s): not checked\n", strerror(found[i].refused));
        CHECK(found[i].n_pages > (N_KEYS * sizeof(uint32_t)) / PAGE);
        CHECK(found[i].refused || found[i].n_wrong == 0);
    }
}

/* Twice, since the second time memory is used again; with cores left over threads are bound to nodes. */
static void check_memory(unsigned n_threads)
{
    begin_on(NULL, n_threads);
    for (int round = 0; round < 2; round++) {
        struct found *found = calloc(placement_n_threads(placement), sizeof(*found));
        struct threads threads;

        CHECK(threads_start(&threads, placement, look_at_own_memory, found, NULL) == EMX_OK);
        CHECK(threads.n == placement_n_threads(placement));
        threads_join(&threads);
        check_found(found, placement_n_threads(placement));
        is_first_round = false;
        domain_release_tables(&domain);
        free(found);
    }
    end();
}

static void memory_lies_where_it_is_planned(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    check_memory(0);
    check_memory(n > 1 ? (unsigned)n - 1 : 1);
}

int main(void)
{
    RUN(memory_lies_where_it_is_planned); /* first: see look_at_buffers() */
    RUN(with_memory_each_thread_has_its_own);
    RUN(tight_memory_is_shared_within_a_cache);
    RUN(the_last_memory_is_shared_by_all);
    RUN(memory_is_used_again_on_its_node);
    RUN(a_full_budget_frees_the_memory_of_all_nodes);
    return test_summary();
}
