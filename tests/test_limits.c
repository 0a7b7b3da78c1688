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

int main(void)
{
    RUN(the_tightest_cgroup_of_version_2_holds);
    RUN(cgroups_of_version_1_are_read);
    RUN(no_cgroup_is_no_limit);
    return test_summary();
}
