/*
 * exchange.h - a domain's rows from the ranks that counted them to the ranks that merge them
 *
 * Each rank merges a range of keys.  The ranges are cut where samples of all ranks' rows say that they have about as
 * many rows each.  Rows travel in the blocks of their runs, 1.6 bytes a row; a block that lies across the edge of a
 * range is cut.  They go in rounds, so that no message is large and a rank needs the buffers of one round, whatever the
 * size of the domain.
 */
#ifndef SCAN_EXCHANGE_H
#define SCAN_EXCHANGE_H

#include "cluster/cluster.h"
#include "scan/run.h"

struct exchange {
    struct emx_cluster *cluster;
    struct temp_file *file;
    struct run_reader reader;
    struct state_encoder *encoder;
    struct state_block staging;
    size_t n_part;                  /* bytes to one rank in one round, at most */
    unsigned char *send, *received; /* [size][n_part] */
    struct range_sample *samples;
    uint64_t *bounds;            /* [size + 1] keys: rank k's range is from bounds[k] to below bounds[k + 1] */
    size_t *next;                /* [size] block to send to each */
    size_t *n_send, *n_received; /* [size] bytes of a round */
    size_t *sizes;               /* [size] of a number of bytes, each */
    uint64_t n_bytes_sent;       /* to other ranks, so far */
};

/* Cluster and file are borrowed. */
EMX_CHECKED enum emx_status exchange_init(struct exchange *x, struct emx_cluster *c, struct temp_file *f,
                                          struct emx_error *err);
/* Accepts a zeroed exchange. */
void exchange_finish(struct exchange *x);

/*
 * Collective: send what `mine` has to whom it belongs, and take what is this rank's from all: ret[k] is a run of the
 * rows that rank k had of this rank's range.  Fails on all ranks together.
 */
EMX_CHECKED enum emx_status exchange_run(struct exchange *x, const struct run *mine, struct run *ret,
                                         struct emx_error *err);

#endif
