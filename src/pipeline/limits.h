/*
 * limits.h - what this process may use of its machine
 *
 * What counts is the smallest of the machine, the cgroup (v1 or v2) and what Slurm has given to the task, not the
 * machine's size: where Slurm is set up without cgroups, its variables are all that tells.  What the affinity mask and
 * cpusets leave is placement.h's business.
 */
#ifndef PIPELINE_LIMITS_H
#define PIPELINE_LIMITS_H

#include <stdint.h>

/* Bytes of memory: of the machine, or less if a cgroup or Slurm says so. */
uint64_t machine_memory(void);

struct job_limits {
    uint64_t memory_bytes;
    uint64_t n_processors; /* the quota, rounded up */
};

/* All that limits this process, but for the machine.  Values that nothing states are UINT64_MAX; so below. */
void job_limits_read(struct job_limits *ret);

/* Read below `root`, which is "" but in tests. */
void cgroup_limits_read(const char *root, struct job_limits *ret);

/*
 * From the environment: SLURM_CPUS_PER_TASK; SLURM_MEM_PER_NODE, or SLURM_MEM_PER_CPU for each processor of the task
 * (if that is not stated, of the job on this node), in MiB; 0 is no limit.
 */
void slurm_limits_read(struct job_limits *ret);

#endif
