/* Plans of threads on machines that are made up: what holds for every number of threads on each of them. */
#include "pipeline/placement.h"
#include "pipeline/threads.h"
#include "test.h"

#include <stdatomic.h>
#include <unistd.h>

enum { MOST_PROCESSORS = 256 };

/* A machine of which the test knows by itself what lies where: hwloc numbers processors along the description. */
struct machine {
    const char *synthetic;
    unsigned n_nodes, caches_in_node, cores_in_cache, processors_in_core; /* no L3: one "cache" a node */
};

static const struct machine machines[] = {
    {"core:1 pu:1", 1, 1, 1, 1},
    {"numa:1 core:4 pu:1", 1, 1, 4, 1},
    {"pack:1 core:8 pu:2", 1, 1, 8, 2},
    {"pack:1 l3:4 core:4 pu:2", 1, 4, 4, 2},
    {"numa:2 core:6 pu:1", 2, 1, 6, 1},
    {"pack:2 numa:1 l3:1 core:8 pu:2", 2, 1, 8, 2},
    {"pack:2 l3:1 numa:2 core:3 pu:1", 4, 1, 3, 1}, /* nodes smaller than the L3 */
    {"pack:2 numa:2 l3:4 core:4 pu:2", 4, 4, 4, 2}, /* an EPYC with four nodes */
    {"numa:8 core:1 pu:2", 8, 1, 1, 2},
    {"numa:8 l3:8 core:1 pu:1", 8, 1, 8, 1}, /* an L3 to a core: the node is what cores share */
    {"numa:8 l3:2 core:4 pu:4", 8, 2, 4, 4},
};
enum { N_MACHINES = sizeof(machines) / sizeof(machines[0]) };

static unsigned processors_in_node(const struct machine *m)
{
    return m->caches_in_node * m->cores_in_cache * m->processors_in_core;
}

static unsigned n_processors(const struct machine *m)
{
    return m->n_nodes * processors_in_node(m);
}

static struct placement *plan_model(const struct machine_model *model, unsigned n, bool bind)
{
    struct placement *p = NULL;
    struct emx_error err = {0};

    if (placement_create(model, n, bind, &p, &err) != EMX_OK) {
        printf("%s\n", err.message);
        exit(1);
    }
    return p;
}

static struct placement *plan(const char *synthetic, unsigned n)
{
    return plan_model(&(struct machine_model){.synthetic = synthetic}, n, true);
}

/* The first processor that the thread may run on, and how many there are. */
static unsigned reach(const struct placement *p, unsigned thread, unsigned *ret_first)
{
    unsigned n = 0;

    for (unsigned i = 0; i < MOST_PROCESSORS; i++) {
        if (!placement_may_run(p, thread, i))
            continue;
        if (n++ == 0)
            *ret_first = i;
    }
    return n;
}

/* --- on every machine, with every number of threads ----------------------------------------------------- */

static void for_all(void (*check)(const struct machine *m, const struct placement *p))
{
    for (unsigned i = 0; i < N_MACHINES; i++) {
        for (unsigned n = 1; n <= 2 * n_processors(&machines[i]) + 1;
             n += (n < 20 ? 1 : 7) + (unsigned)test_slower() / 4) {
            struct placement *p = plan(machines[i].synthetic, n);
            int before = test_checks_failed;

            CHECK(placement_n_threads(p) == n);
            check(&machines[i], p);
            placement_destroy(&p);
            if (test_checks_failed != before) {
                printf("  ... with %u threads on %s\n", n, machines[i].synthetic);
                return;
            }
        }
    }
}

static bool is_full(const struct machine *m, unsigned n)
{
    return n >= n_processors(m) / m->processors_in_core && n <= n_processors(m);
}

static void check_binding(const struct machine *m, const struct placement *p)
{
    bool full = is_full(m, placement_n_threads(p));
    unsigned expected = full ? 1 : m->n_nodes > 1 ? processors_in_node(m) : n_processors(m);

    for (unsigned i = 0; i < placement_n_threads(p); i++) {
        unsigned first = 0, n = reach(p, i, &first);

        CHECK(n == expected);
        CHECK((placement_processor(p, i) == (int)first) == full);
        CHECK(full || placement_processor(p, i) == -1);
        CHECK(m->n_nodes == 1 || placement_node_number(p, placement_node(p, i)) == first / processors_in_node(m));
        CHECK(full || n == 1 || first % n == 0); /* a whole node */
    }
}

static void full_plans_bind_to_processors_others_to_nodes(void)
{
    for_all(check_binding);
}

static void check_cores(const struct machine *m, const struct placement *p)
{
    unsigned on[MOST_PROCESSORS] = {0}, in_core[MOST_PROCESSORS] = {0};
    unsigned n = placement_n_threads(p), n_cores = n_processors(m) / m->processors_in_core;

    for (unsigned i = 0; is_full(m, n) && i < n; i++) {
        unsigned at = (unsigned)placement_processor(p, i);

        CHECK(++on[at] == 1);
        in_core[at / m->processors_in_core]++;
    }
    for (unsigned i = 0; is_full(m, n) && i < n_cores; i++)
        CHECK(in_core[i] >= n / n_cores && in_core[i] <= (n + n_cores - 1) / n_cores);
}

static void no_core_gets_more_before_all_have_as_many(void)
{
    for_all(check_cores);
}

static void check_shares(const struct machine *m, const struct placement *p)
{
    unsigned in_node[MOST_PROCESSORS] = {0}, n = placement_n_threads(p);

    for (unsigned i = 0; i < n; i++) {
        CHECK(placement_node(p, i) < placement_n_nodes(p));
        CHECK(i == 0 || placement_node(p, i) >= placement_node(p, i - 1)); /* along the machine */
        in_node[placement_node(p, i)]++;
    }
    for (unsigned i = 0; i < placement_n_nodes(p); i++)
        CHECK(in_node[i] >= n / m->n_nodes && in_node[i] <= (n + m->n_nodes - 1) / m->n_nodes);
    CHECK(placement_n_nodes(p) == m->n_nodes);
}

static void nodes_get_their_share(void)
{
    for_all(check_shares);
}

static unsigned cache_of(const struct machine *m, unsigned processor)
{
    return processor / (m->cores_in_cache * m->processors_in_core);
}

static void check_domains(const struct machine *m, const struct placement *p)
{
    unsigned n = placement_n_threads(p), n_domains = 0;

    for (unsigned i = 1; i < n; i++) {
        unsigned a = 0, b = 0;
        bool same_node = placement_node(p, i - 1) == placement_node(p, i);
        bool same = placement_domain(p, i - 1) == placement_domain(p, i);

        reach(p, i - 1, &a);
        reach(p, i, &b);
        CHECK(same == (is_full(m, n) ? cache_of(m, a) == cache_of(m, b) : same_node));
    }
    for (unsigned i = 0; i < n; i++)
        n_domains = placement_domain(p, i) >= n_domains ? placement_domain(p, i) + 1 : n_domains;
    CHECK(n_domains == placement_n_domains(p));
}

static void memory_domains_are_what_several_cores_share(void)
{
    for_all(check_domains);
}

static void check_words(const struct machine *m, const struct placement *p)
{
    char line[512], expected[64];
    unsigned n = 0;

    while (placement_describe(p, n, line, sizeof(line)))
        n++;
    CHECK(n == (m->n_nodes > 1 ? 1 + m->n_nodes : 1));
    CHECK(placement_describe(p, 0, line, sizeof(line)));
    snprintf(expected, sizeof(expected), "plan: %u thread", placement_n_threads(p));
    CHECK(strncmp(line, expected, strlen(expected)) == 0);
}

static void plans_have_a_line_and_one_for_each_of_several_nodes(void)
{
    for_all(check_words);
}

static void a_plan_in_words(void)
{
    struct placement *p = plan("pack:2 numa:1 l3:2 core:2 pu:2", 11);
    char line[512];

    CHECK(placement_describe(p, 0, line, sizeof(line)));
    CHECK_STR(line, "plan: 11 threads, each bound to a processor; usable: 16 processors, 8 cores, 2 NUMA nodes; "
                    "4 memory domains");
    CHECK(placement_describe(p, 1, line, sizeof(line)));
    CHECK_STR(line, "plan: NUMA node 0: 6 threads in 2 memory domains, processors 0-7");
    placement_destroy(&p);
}

/* --- defaults and limits -------------------------------------------------------------------------------- */

static void the_default_is_all_processors(void)
{
    struct placement *p = plan("pack:2 core:4 pu:2", 0), *here = plan_model(NULL, 0, true);

    CHECK(placement_n_threads(p) == 16);
    CHECK(placement_n_threads(here) >= 1 && placement_n_threads(here) <= (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
    CHECK(placement_memory(here) > 0);
    placement_destroy(&p);
    placement_destroy(&here);
    CHECK(placement_create(&(struct machine_model){.synthetic = "no such machine"}, 1, true, &p, NULL) == EMX_ERR_ARG);
    CHECK(placement_create(&(struct machine_model){.xml = "<no/>"}, 1, true, &p, NULL) == EMX_ERR_ARG);
}

static void a_quota_is_spread_over_the_nodes(void)
{
    struct machine_model model = {.synthetic = "numa:2 core:8 pu:2", .quota_processors = 6};
    struct placement *p = plan_model(&model, 0, true);

    CHECK(placement_n_threads(p) == 6 && placement_n_nodes(p) == 2);
    CHECK(placement_node(p, 2) == 0 && placement_node(p, 3) == 1 && placement_processor(p, 0) == -1);
    placement_destroy(&p);
    model.quota_processors = 1000;
    p = plan_model(&model, 0, true);
    CHECK(placement_n_threads(p) == 32);
    placement_destroy(&p);
}

static void unbound_threads_are_on_one_node(void)
{
    struct placement *p = plan_model(&(struct machine_model){.synthetic = "numa:4 l3:2 core:2 pu:1"}, 16, false);

    CHECK(placement_n_nodes(p) == 1 && placement_n_domains(p) == 1);
    for (unsigned i = 0; i < 16; i++)
        CHECK(placement_node(p, i) == 0 && placement_domain(p, i) == 0 && placement_processor(p, i) == -1);
    placement_bind(p, 0);
    CHECK(placement_n_refused(p) == 0);
    placement_destroy(&p);
}

static void the_affinity_mask_holds(void)
{
    /* two cores of node 0, one of them without its sibling; three of node 2; nothing of nodes 1 and 3 */
    struct machine_model model = {.synthetic = "numa:4 core:4 pu:2", .allowed = "2-3,6,16-21"};
    static const unsigned node_2_first[] = {16, 18, 20};

    for (unsigned n = 0; n <= 20; n++) {
        struct placement *p = plan_model(&model, n, true);
        unsigned first = 0;

        CHECK(placement_n_nodes(p) == 2 && placement_n_threads(p) == (n ? n : 9));
        for (unsigned i = 0; i < placement_n_threads(p); i++) {
            CHECK(placement_node_number(p, placement_node(p, i)) == (placement_node(p, i) ? 2 : 0));
            for (unsigned k = 0; k < 32; k++)
                CHECK(!placement_may_run(p, i, k) || k == 2 || k == 3 || k == 6 || (k >= 16 && k <= 21));
        }
        for (unsigned i = 0; n == 5 && i < 3; i++) { /* as many as cores */
            CHECK(reach(p, 2 + i, &first) == 1 && first == node_2_first[i]);
        }
        placement_destroy(&p);
    }
}

static void an_affinity_of_one_core_a_cache_leaves_the_node(void)
{
    struct machine_model model = {.synthetic = "numa:2 l3:4 core:4 pu:1", .allowed = "0,4,8,12,16,17,20,24"};
    struct placement *p = plan_model(&model, 8, true);

    for (unsigned i = 1; i < 4; i++)
        CHECK(placement_domain(p, i) == placement_domain(p, 0));
    CHECK(placement_domain(p, 4) == placement_domain(p, 5)); /* the one L3 of which two cores are left */
    CHECK(placement_domain(p, 4) != placement_domain(p, 6) && placement_domain(p, 6) == placement_domain(p, 7));
    CHECK(placement_n_domains(p) == 3);
    placement_destroy(&p);
}

static void this_threads_affinity_is_kept(void)
{
    cpu_set_t before, one;
    int first = 0;
    struct placement *p;

    CHECK(sched_getaffinity(0, sizeof(before), &before) == 0);
    while (!CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
    p = plan_model(NULL, 0, true);
    CHECK(placement_n_threads(p) == 1 && placement_processor(p, 0) == first);
    placement_destroy(&p);
    CHECK(sched_setaffinity(0, sizeof(before), &before) == 0);
}

/* --- memory that is not beside processors ---------------------------------------------------------------- */

static void high_bandwidth_memory_of_a_package_waits(void)
{
    struct placement *p = plan("pack:2 [numa(memory=8GB)] [numa(memory=1GB)] l3:1 core:4 pu:1", 8);

    CHECK(placement_n_nodes(p) == 2);
    CHECK(placement_node_number(p, 0) == 0 && placement_node_number(p, 1) == 2);
    CHECK(placement_memory(p) == UINT64_C(18000000000));
    placement_destroy(&p);
}

static void a_machine_that_hides_its_memory_has_nodes(void)
{
    struct placement *p = plan("pack:4 [numa(memory=0)] core:2 pu:1", 8);

    CHECK(placement_n_nodes(p) == 4 && placement_node(p, 7) == 3 && placement_memory(p) == UINT64_MAX);
    placement_destroy(&p);
}

/*
 * Packages of two, one and three cores, each with a node; node 1 has no memory, and node 3 is memory beside no
 * processor, as CXL is.  `latencies`: hwloc's table of them, or "".
 */
static char *uneven_machine(const char *latencies)
{
    static const struct {
        unsigned first, n, mask, memory;
    } packages[] = {{0, 2, 0x3, 1000}, {2, 1, 0x4, 0}, {3, 3, 0x38, 500}};
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    fprintf(f, "<topology version=\"2.0\"><object type=\"Machine\" os_index=\"0\" cpuset=\"0x3f\" "
               "complete_cpuset=\"0x3f\" allowed_cpuset=\"0x3f\" nodeset=\"0xf\" complete_nodeset=\"0xf\" "
               "allowed_nodeset=\"0xf\"><object type=\"NUMANode\" os_index=\"3\" cpuset=\"0x0\" "
               "complete_cpuset=\"0x0\" nodeset=\"0x8\" complete_nodeset=\"0x8\" local_memory=\"9000\"/>");
    for (unsigned i = 0; i < 3; i++) {
        unsigned nodes = 1u << i;

        fprintf(f,
                "<object type=\"Package\" os_index=\"%u\" cpuset=\"0x%x\" complete_cpuset=\"0x%x\" nodeset=\"0x%x\" "
                "complete_nodeset=\"0x%x\"><object type=\"NUMANode\" os_index=\"%u\" cpuset=\"0x%x\" "
                "complete_cpuset=\"0x%x\" nodeset=\"0x%x\" complete_nodeset=\"0x%x\" local_memory=\"%u\"/>",
                i, packages[i].mask, packages[i].mask, nodes, nodes, i, packages[i].mask, packages[i].mask, nodes,
                nodes, packages[i].memory);
        for (unsigned k = packages[i].first; k < packages[i].first + packages[i].n; k++)
            fprintf(f,
                    "<object type=\"Core\" os_index=\"%u\" cpuset=\"0x%x\" complete_cpuset=\"0x%x\" nodeset=\"0x%x\" "
                    "complete_nodeset=\"0x%x\"><object type=\"PU\" os_index=\"%u\" cpuset=\"0x%x\" "
                    "complete_cpuset=\"0x%x\" nodeset=\"0x%x\" complete_nodeset=\"0x%x\"/></object>",
                    k, 1u << k, 1u << k, nodes, nodes, k, 1u << k, 1u << k, nodes, nodes);
        fputs("</object>", f);
    }
    fprintf(f, "</object>%s</topology>", latencies);
    fclose(f);
    return text;
}

static struct placement *plan_uneven(const char *latencies, unsigned n)
{
    char *xml = uneven_machine(latencies);
    struct placement *p = plan_model(&(struct machine_model){.xml = xml}, n, true);

    free(xml);
    return p;
}

/* Which node the one core without memory uses, from one to the next of a full plan. */
static void check_uneven(const char *latencies, unsigned expected)
{
    struct placement *p = plan_uneven(latencies, 0);

    CHECK(placement_n_threads(p) == 6 && placement_memory(p) == 10500);
    for (unsigned i = 0; i < 6; i++) {
        unsigned number = placement_node_number(p, placement_node(p, i));

        CHECK(placement_processor(p, i) == (int)i);
        CHECK(number == (i == 2 ? expected : i < 2 ? 0u : 2u));
    }
    placement_destroy(&p);
}

static void processors_without_memory_use_the_nearest(void)
{
    static const char latencies[] =
        "<distances2 type=\"NUMANode\" nbobjs=\"4\" kind=\"5\" name=\"NUMALatency\" indexing=\"os\">"
        "<indexes length=\"8\">0 1 2 3 </indexes>"
        "<u64values length=\"48\">10 40 40 40 40 10 20 30 40 20 10 40 40 30 40 10 </u64values></distances2>";

    check_uneven("", 0);
    check_uneven(latencies, 2);
}

static void uneven_nodes_get_uneven_shares(void)
{
    struct placement *p = plan_uneven("", 4);
    unsigned in_node[2] = {0};

    CHECK(placement_n_nodes(p) == 2);
    for (unsigned i = 0; i < 4; i++)
        in_node[placement_node(p, i)]++;
    CHECK(in_node[0] == 2 && in_node[1] == 2); /* three cores each, with the one that borrows memory */
    placement_destroy(&p);
    p = plan_model(&(struct machine_model){.synthetic = "numa:2 core:8 pu:1", .allowed = "0-7,8-9"}, 5, true);
    CHECK(placement_node(p, 3) == 0 && placement_node(p, 4) == 1);
    placement_destroy(&p);
}

/* --- applying the plan ---------------------------------------------------------------------------------- */

/* What placement_bind() asks of hwloc; whether it is refused, and what policy it finds. */
static struct {
    bool refuse;
    int policy;
    _Atomic unsigned n_processors, n_memory;
    unsigned long processors[3], memory[3]; /* of the first calls: bits of processors and of nodes */
} asked;

enum { FIRST_TOUCH = 1, INTERLEAVED = 3 /* as in hwloc.h, which only src/pipeline includes */ };

int __real_hwloc_set_cpubind(void *topology, const void *set, int flags);
int __wrap_hwloc_set_cpubind(void *topology, const void *set, int flags);
int __wrap_hwloc_set_membind(void *topology, const void *set, int policy, int flags);
int __wrap_hwloc_get_membind(void *topology, void *set, int *policy, int flags);
unsigned long hwloc_bitmap_to_ulong(const void *set);

int __wrap_hwloc_set_cpubind(void *topology, const void *set, int flags)
{
    unsigned i = asked.n_processors++;

    if (i < 3)
        asked.processors[i] = hwloc_bitmap_to_ulong(set);
    return asked.refuse ? -1 : __real_hwloc_set_cpubind(topology, set, flags);
}

int __wrap_hwloc_set_membind(void *topology, const void *set, int policy, int flags)
{
    unsigned i = asked.n_memory++;

    (void)topology, (void)policy, (void)flags;
    if (i < 3)
        asked.memory[i] = hwloc_bitmap_to_ulong(set);
    return -1; /* as containers do; nothing may depend on it */
}

int __wrap_hwloc_get_membind(void *topology, void *set, int *policy, int flags)
{
    (void)topology, (void)set, (void)flags;
    *policy = asked.policy;
    return 0;
}

static struct placement *plan_and_bind(const char *synthetic, unsigned n, bool bind)
{
    struct placement *p = plan_model(&(struct machine_model){.synthetic = synthetic}, n, bind);

    asked.n_processors = asked.n_memory = 0;
    for (unsigned i = 0; i < n; i++)
        placement_bind(p, i);
    return p;
}

static void threads_and_their_memory_are_bound_to_nodes(void)
{
    struct placement *p = plan_and_bind("numa:2 core:4 pu:1", 3, true);

    CHECK(asked.n_processors == 3 && asked.n_memory == 3 && placement_n_refused(p) == 0);
    CHECK(asked.processors[0] == 0x0f && asked.processors[1] == 0x0f && asked.processors[2] == 0xf0);
    CHECK(asked.memory[0] == 1 && asked.memory[1] == 1 && asked.memory[2] == 2);
    placement_destroy(&p);
    p = plan_and_bind("numa:2 core:4 pu:1", 8, true);
    CHECK(asked.n_processors == 8 && asked.processors[2] == 0x04 && asked.n_memory == 8);
    placement_destroy(&p);
}

static void memory_is_left_alone_where_it_cannot_matter(void)
{
    struct placement *p = plan_and_bind("numa:1 core:4 pu:1", 4, true);

    CHECK(asked.n_processors == 4 && asked.n_memory == 0);
    placement_destroy(&p);
    p = plan_and_bind("numa:1 core:4 pu:1", 3, true);
    CHECK(asked.n_processors == 0 && asked.n_memory == 0);
    placement_destroy(&p);
    p = plan_and_bind("numa:2 core:4 pu:1", 8, false);
    CHECK(asked.n_processors == 0 && asked.n_memory == 0);
    placement_destroy(&p);
    asked.policy = INTERLEAVED; /* as numactl does it */
    p = plan_and_bind("numa:2 core:4 pu:1", 8, true);
    CHECK(asked.n_processors == 8 && asked.n_memory == 0);
    placement_destroy(&p);
    asked.policy = FIRST_TOUCH;
}

static void refusals_are_counted(void)
{
    struct placement *p;

    asked.refuse = true;
    p = plan_and_bind("numa:2 core:4 pu:1", 8, true);
    CHECK(placement_n_refused(p) == 8 && asked.n_memory == 0);
    placement_destroy(&p);
    asked.refuse = false;
}

/* --- threads -------------------------------------------------------------------------------------------- */

static void mark_item(size_t item, unsigned thread, void *context)
{
    (void)thread;
    atomic_fetch_add(&((_Atomic int *)context)[item], 1);
}

static void check_items(const struct placement *p)
{
    _Atomic int done[1000];
    size_t wrong = 0;

    for (size_t i = 0; i < 1000; i++)
        done[i] = 0;
    CHECK(threads_for(p, 1000, mark_item, done, NULL) == EMX_OK);
    for (size_t i = 0; i < 1000; i++)
        wrong += done[i] != 1;
    CHECK(wrong == 0);
}

static void each_item_is_done_once(void)
{
    struct placement *crowded = plan_model(NULL, 8, true), *elsewhere = plan("numa:4 core:2 pu:1", 5);

    check_items(crowded);
    check_items(elsewhere);
    check_items(placement_here());
    placement_destroy(&crowded);
    placement_destroy(&elsewhere);
}

static void check_place(size_t item, unsigned thread, void *context)
{
    const struct placement *p = context;
    cpu_set_t mask;

    (void)item;
    CHECK(sched_getaffinity(0, sizeof(mask), &mask) == 0);
    for (unsigned i = 0; i < MOST_PROCESSORS; i++)
        CHECK(!CPU_ISSET(i, &mask) || placement_may_run(p, thread, i));
}

static void threads_run_where_they_are_planned(void)
{
    struct placement *p = plan_model(NULL, 0, true);

    CHECK(threads_for(p, 100, check_place, p, NULL) == EMX_OK);
    CHECK(placement_n_refused(p) == 0);
    placement_destroy(&p);
}

int main(void)
{
    asked.policy = FIRST_TOUCH;
    RUN(full_plans_bind_to_processors_others_to_nodes);
    RUN(no_core_gets_more_before_all_have_as_many);
    RUN(nodes_get_their_share);
    RUN(memory_domains_are_what_several_cores_share);
    RUN(plans_have_a_line_and_one_for_each_of_several_nodes);
    RUN(a_plan_in_words);
    RUN(the_default_is_all_processors);
    RUN(a_quota_is_spread_over_the_nodes);
    RUN(unbound_threads_are_on_one_node);
    RUN(the_affinity_mask_holds);
    RUN(an_affinity_of_one_core_a_cache_leaves_the_node);
    RUN(this_threads_affinity_is_kept);
    RUN(high_bandwidth_memory_of_a_package_waits);
    RUN(a_machine_that_hides_its_memory_has_nodes);
    RUN(processors_without_memory_use_the_nearest);
    RUN(uneven_nodes_get_uneven_shares);
    RUN(threads_and_their_memory_are_bound_to_nodes);
    RUN(memory_is_left_alone_where_it_cannot_matter);
    RUN(refusals_are_counted);
    RUN(each_item_is_done_once);
    RUN(threads_run_where_they_are_planned);
    return test_summary();
}
