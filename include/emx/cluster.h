/*
 * cluster.h - several processes, on one machine or many, that do one scan together
 *
 *     emx_cluster_join() -> emx_scan() with emx_scan_options.cluster -> emx_cluster_leave()
 *
 * Processes that mpirun started together join each other; any other process is alone.  Each makes the same calls with
 * the same arguments.  docs/mpi.md tells how the work is shared.
 */
#ifndef EMX_CLUSTER_H
#define EMX_CLUSTER_H

#include <emx/status.h>

struct emx_cluster;

/*
 * Join the processes of this job, once a process, and wait for all of them.  A process that was not started by mpirun
 * is alone, and has not touched MPI.  EMX_ERR_ARG: started by mpirun as one of several, but this library was built or
 * installed without MPI; EMX_ERR_MEMORY.
 */
EMX_API EMX_CHECKED enum emx_status emx_cluster_join(struct emx_cluster **ret, struct emx_error *err);

/* Wait for all and part.  Sets *c to NULL; accepts NULL there. */
EMX_API void emx_cluster_leave(struct emx_cluster **c);

/* 0 .. size - 1.  Rank 0 writes the state file, and is the one to talk to the user. */
EMX_API unsigned emx_cluster_rank(const struct emx_cluster *c);
EMX_API unsigned emx_cluster_size(const struct emx_cluster *c);

/*
 * Do all go on?  Each process tells how it fared, in `status` and, if that is not EMX_OK, *err; where one has failed,
 * all return what the first of these failed with (EMX_ERR_STOPPED only if all of these were stopped), in *err with its
 * rank before it.  `err` is not NULL.
 */
EMX_API EMX_CHECKED enum emx_status emx_cluster_agree(struct emx_cluster *c, enum emx_status status,
                                                      struct emx_error *err);

#endif
