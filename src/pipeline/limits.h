/*
 * limits.h - what this process may use of its machine
 *
 * What counts is the smallest of the machine and the cgroup (v1 or v2), not the machine's size.  What the affinity mask
 * and cpusets leave is placement.h's business.
 */
#ifndef PIPELINE_LIMITS_H
#define PIPELINE_LIMITS_H

#include <stdint.h>

/* Bytes of memory: of the machine, or less if a cgroup says so. */
uint64_t machine_memory(void);

struct cgroup_limits {
    uint64_t memory_bytes;
    uint64_t n_processors; /* the quota, rounded up */
};

/* Read below `root`, which is "" but in tests.  Values that no file states are UINT64_MAX. */
void cgroup_limits_read(const char *root, struct cgroup_limits *ret);

#endif
