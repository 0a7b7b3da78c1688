#include "pipeline/limits.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first two words of a small file as numbers; "max" and what is missing are UINT64_MAX. */
static void read_words(const char *root, const char *folder, const char *name, uint64_t ret[2])
{
    char path[PATH_MAX], text[128] = "";
    const char *p = text;
    FILE *f;

    ret[0] = ret[1] = UINT64_MAX;
    if (snprintf(path, sizeof(path), "%s%s/%s", root, folder, name) >= (int)sizeof(path) || !(f = fopen(path, "r")))
        return;
    if (!fgets(text, sizeof(text), f))
        text[0] = 0;
    fclose(f);
    for (int i = 0; i < 2 && *p; i++) {
        char *end;
        unsigned long long value = strtoull(p, &end, 10);

        if (end != p && *p != '-')
            ret[i] = value;
        p = end != p ? end : p + strcspn(p, " \n");
        p += strspn(p, " \n");
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void take_quota(uint64_t quota, uint64_t period, struct job_limits *limits)
{
    if (quota != UINT64_MAX && period != UINT64_MAX && period > 0 && quota > 0)
        limits->n_processors = least(limits->n_processors, quota / period + (quota % period != 0));
}

/* Limits of a cgroup and of all above it hold; `folder` is cut back on the way up. */
static void read_hierarchy(const char *root, const char *base, char *group, bool v2, bool memory,
                           struct job_limits *limits)
{
    for (;;) {
        char folder[PATH_MAX];
        uint64_t word[2], period[2];
        char *slash;

        if (snprintf(folder, sizeof(folder), "%s%s", base, group) >= (int)sizeof(folder))
            return;
        if (memory) {
            read_words(root, folder, v2 ? "memory.max" : "memory.limit_in_bytes", word);
            limits->memory_bytes = least(limits->memory_bytes, word[0]);
        }
        if (v2) {
            read_words(root, folder, "cpu.max", word);
            take_quota(word[0], word[1], limits);
        } else if (!memory) {
            read_words(root, folder, "cpu.cfs_quota_us", word);
            read_words(root, folder, "cpu.cfs_period_us", period);
            take_quota(word[0], period[0], limits);
        }
        slash = strrchr(group, '/');
        if (!slash)
            return;
        *slash = 0;
    }
}

void cgroup_limits_read(const char *root, struct job_limits *ret)
{
    char path[PATH_MAX], line[PATH_MAX];
    FILE *f;

    *ret = (struct job_limits){UINT64_MAX, UINT64_MAX};
    if (snprintf(path, sizeof(path), "%s/proc/self/cgroup", root) >= (int)sizeof(path) || !(f = fopen(path, "r")))
        return;
    while (fgets(line, sizeof(line), f)) { /* "0::/a/b" (v2) or "4:memory:/a/b" (v1) */
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;

        if (!group)
            continue;
        *group++ = 0;
        group[strcspn(group, "\n")] = 0;
        controllers++;
        if (!*controllers)
            read_hierarchy(root, "/sys/fs/cgroup", group, true, true, ret);
        else if (strstr(controllers, "memory"))
            read_hierarchy(root, "/sys/fs/cgroup/memory", group, false, true, ret);
        else if (strstr(controllers, "cpu,") || strcmp(controllers, "cpu") == 0)
            read_hierarchy(root, "/sys/fs/cgroup/cpu", group, false, false, ret);
    }
    fclose(f);
}

/* UINT64_MAX if the variable is not set, or no number above 0. */
static uint64_t variable(const char *name)
{
    const char *text = getenv(name);
    char *end;
    unsigned long long value;

    if (!text || *text < '0' || *text > '9')
        return UINT64_MAX;
    value = strtoull(text, &end, 10);
    return *end || value == 0 ? UINT64_MAX : value;
}

static uint64_t times(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

void slurm_limits_read(struct job_limits *ret)
{
    uint64_t n_processors = variable("SLURM_CPUS_PER_TASK"), on_node = variable("SLURM_CPUS_ON_NODE");
    uint64_t per_processor = variable("SLURM_MEM_PER_CPU"), n = n_processors < UINT64_MAX ? n_processors : on_node;

    ret->n_processors = n_processors;
    ret->memory_bytes = times(variable("SLURM_MEM_PER_NODE"), UINT64_C(1) << 20);
    if (per_processor < UINT64_MAX && n < UINT64_MAX)
        ret->memory_bytes = least(ret->memory_bytes, times(times(per_processor, n), UINT64_C(1) << 20));
}

void job_limits_read(struct job_limits *ret)
{
    struct job_limits slurm;

    slurm_limits_read(&slurm);
    cgroup_limits_read("", ret);
    ret->memory_bytes = least(ret->memory_bytes, slurm.memory_bytes);
    ret->n_processors = least(ret->n_processors, slurm.n_processors);
}

uint64_t machine_memory(void)
{
    struct job_limits limits;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t physical = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_C(1) << 32;

    job_limits_read(&limits);
    return least(physical, limits.memory_bytes);
}
