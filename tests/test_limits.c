/* Limits of cgroups, from made-up files. */
#include "pipeline/limits.h"
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

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
    struct job_limits limits;

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
    struct job_limits limits;

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
    struct job_limits limits;

    make_root();
    cgroup_limits_read(root, &limits);
    CHECK(limits.memory_bytes == UINT64_MAX && limits.n_processors == UINT64_MAX);
    CHECK(machine_memory() > 0);
    remove_root();
}

struct slurm_case {
    const char *per_task, *on_node, *per_node, *per_processor;
    uint64_t n_processors, n_mib;
};

static void set(const char *name, const char *value)
{
    CHECK((value ? setenv(name, value, 1) : unsetenv(name)) == 0);
}

static void set_all(const struct slurm_case *c)
{
    set("SLURM_CPUS_PER_TASK", c->per_task);
    set("SLURM_CPUS_ON_NODE", c->on_node);
    set("SLURM_MEM_PER_NODE", c->per_node);
    set("SLURM_MEM_PER_CPU", c->per_processor);
}

static void what_slurm_has_given_holds(void)
{
    static const struct slurm_case cases[] = {
        {NULL, NULL, NULL, NULL, UINT64_MAX, UINT64_MAX},
        {"4", "8", "2000", NULL, 4, 2000},
        {"4", "8", NULL, "500", 4, 2000},
        {NULL, "8", NULL, "500", UINT64_MAX, 4000},
        {"2", NULL, "900", "500", 2, 900},
        {"2", NULL, "1100", "500", 2, 1000},
        {NULL, NULL, "0", "500", UINT64_MAX, UINT64_MAX},
        {"two", "-3", "", "1x", UINT64_MAX, UINT64_MAX},
        {"18446744073709551615", "1", "18446744073709551614", NULL, UINT64_MAX, UINT64_MAX},
    };
    const struct slurm_case small = {"1", NULL, "64", NULL, 0, 0};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct job_limits limits;

        set_all(&cases[i]);
        slurm_limits_read(&limits);
        CHECK(limits.n_processors == cases[i].n_processors);
        CHECK(limits.memory_bytes == (cases[i].n_mib < UINT64_MAX ? cases[i].n_mib << 20 : UINT64_MAX));
    }
    set_all(&small);
    CHECK(machine_memory() <= 64 << 20);
    set_all(&cases[0]);
    CHECK(machine_memory() > 64 << 20);
}

int main(void)
{
    RUN(the_tightest_cgroup_of_version_2_holds);
    RUN(cgroups_of_version_1_are_read);
    RUN(no_cgroup_is_no_limit);
    RUN(what_slurm_has_given_holds);
    return test_summary();
}
