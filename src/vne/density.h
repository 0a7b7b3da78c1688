/* density.h - the integers of a density matrix */
#ifndef VNE_DENSITY_H
#define VNE_DENSITY_H

#include "util/wide.h"

#include <emx/vne.h>

/* The sums of v_i v_k times 4^emx_density_bits(): the lower triangle, column by column.  Valid until documents are
 * added. */
const wide *density_sums(struct emx_density *d);

/* In place of all that was added: sums of so many documents, in whatever unit if no more are added. */
void density_load(struct emx_density *d, const wide *sums, uint64_t n_documents, uint64_t n_left_out);

#endif
