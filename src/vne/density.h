/* density.h - a density matrix as bytes */
#ifndef VNE_DENSITY_H
#define VNE_DENSITY_H

#include <emx/vne.h>

/* Bytes that the sums of a matrix take: 16 for each entry of the lower triangle. */
size_t density_stored_bytes(size_t dimension);

/* The sums of v_i v_k times 2^48, 128-bit integers, little-endian: the lower triangle, column by column. */
void density_store(struct emx_density *d, unsigned char *ret);

/* Into a matrix as after emx_density_create(); false if the sums are not those of so many documents. */
bool density_load(struct emx_density *d, const unsigned char *stored, uint64_t n_documents, uint64_t n_left_out);

#endif
