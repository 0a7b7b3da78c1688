/*
 * block_stream.h - the sealed blocks of each rank, in order, to the writer of rank 0
 *
 * The checksum of a section is of all its bytes in order, so all of them pass one process, and they pass it while they
 * are written: a file that ranks wrote in parts would have to be read again.
 */
#ifndef SCAN_BLOCK_STREAM_H
#define SCAN_BLOCK_STREAM_H

#include "scan/scan.h"

/*
 * Collective: this rank's blocks, which are used up, and on rank 0 those of all to the writer (elsewhere NULL).
 * Fails on all ranks together.
 */
EMX_CHECKED enum emx_status stream_blocks(struct scan *s, struct sealed *sealed, struct emx_state_writer *w,
                                          struct emx_error *err);

#endif
