/* Thread plans on synthetic topologies, cgroup limits from made-up files. */
#include "pipeline/machine.h"
#include "pipeline/threads.h"
#include "test.h"

#include <stdatomic.h>
#include <sys/stat.h>
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

/* --- cgroups --- */

static char root[64];

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[512], command[600];
    FILE *f;

    snprintf(command, sizeof(command), "mkdir -p '%s%s'", root, folder);
    CHECK(system(command) == 0);
    snprintf(path, sizeof(path), "%s%s/%s", root, folder, name);
    f = fopen(path, "w");
    CHECK(f && fputs(text, f) >= 0);
    if (f)
        fclose(f);
}

static void remove_root(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    CHECK(system(command) == 0);
}

static void make_root(void)
{
    strcpy(root, "/tmp/emx-machine-XXXXXX");
    CHECK(mkdtemp(root) != NULL);
}

static void the_tightest_cgroup_of_version_2_holds(void)
{
    struct cgroup_limits limits;

    make_root();
    write_file("/proc/self", "cgroup", "0::/a/b/c\n");
    write_file("/sys/fs/cgroup/a", "memory.max", "1073741824\n");
    write_file("/sys/fs/cgroup/a", "cpu.max", "max 100000\n");
    write_file("/sys/fs/cgroup/a/b", "memory.max", "4294967296\n");
    write_file("/sys/fs/cgroup/a/b", "cpu.max", "250000 100000\n");
    write_file("/sys/fs/cgroup/a/b/c", "memory.max", "max\n");
    cgroup_limits_read(root, &limits);
    CHECK(limits.memory_bytes == 1073741824);
    CHECK(limits.n_processors == 3);
    remove_root();
}

static void cgroups_of_version_1_are_read(void)
{
    struct cgroup_limits limits;

    make_root();
    write_file("/proc/self", "cgroup", "5:memory:/job/1\n4:cpu,cpuacct:/job/2\n1:name=systemd:/x\n");
    write_file("/sys/fs/cgroup/memory/job/1", "memory.limit_in_bytes", "536870912\n");
    write_file("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "9223372036854771712\n");
    write_file("/sys/fs/cgroup/cpu/job/2", "cpu.cfs_quota_us", "-1\n");
    write_file("/sys/fs/cgroup/cpu/job", "cpu.cfs_quota_us", "400000\n");
    write_file("/sys/fs/cgroup/cpu/job", "cpu.cfs_period_us", "100000\n");
    cgroup_limits_read(root, &limits);
    CHECK(limits.memory_bytes == 536870912);
    CHECK(limits.n_processors == 4);
    remove_root();
}

static void no_cgroup_is_no_limit(void)
{
    struct cgroup_limits limits;

    make_root();
    cgroup_limits_read(root, &limits);
    CHECK(limits.memory_bytes == UINT64_MAX && limits.n_processors == UINT64_MAX);
    CHECK(machine_memory() > 0);
    remove_root();
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
    RUN(the_tightest_cgroup_of_version_2_holds);
    RUN(cgroups_of_version_1_are_read);
    RUN(no_cgroup_is_no_limit);
    RUN(each_item_is_done_once);
    return test_summary();
}
