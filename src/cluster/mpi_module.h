/*
 * mpi_module.h - the door between the library and libentromix_mpi.so
 */
#ifndef CLUSTER_MPI_MODULE_H
#define CLUSTER_MPI_MODULE_H

#include "cluster/cluster.h"

#define MPI_MODULE_FILE "libentromix_mpi.so"
#define MPI_MODULE_JOIN "emx_cluster_join_mpi"

/* As emx_cluster_join(), by MPI. */
typedef enum emx_status mpi_join_fn(struct emx_cluster **ret, struct emx_error *err);

#endif
