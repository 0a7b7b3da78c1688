/*
 * pairs.h - count the adjacent pairs of a run of tokens into a table
 *
 * Pairs go through a ring of RING_SIZE hashes whose lines are being prefetched, so that the table is touched
 * that many pairs later, when the line is there.  The ring lives in the adder and spans runs.
 *
 * In a shared table they go through a small cache of the thread before, as long as it holds at least every second
 * one: see count_shared() in pairs_kernel.h.
 */
#ifndef COUNT_PAIRS_H
#define COUNT_PAIRS_H

#include "count/table.h"

/*
 * Count the n - 1 pairs (x[i], x[i+1]) of a run; between table_enter() and table_leave().  Tokens are
 * below 2^token_bits of the table's key.
 */
void pairs_count_u16(struct table_adder *a, const uint16_t *x, size_t n);
void pairs_count_u32(struct table_adder *a, const uint32_t *x, size_t n);

/* One pair; for the seams between blocks. */
void pairs_count_one(struct table_adder *a, uint32_t first, uint32_t second);

/* Empty ring and cache into the table; before table_leave(). */
void pairs_flush(struct table_adder *a);

/* The inner loops for one kind of processor; they count alike. */
struct pairs_kernel {
    void (*count_u16)(struct table_adder *a, const uint16_t *x, size_t n);
    void (*count_u32)(struct table_adder *a, const uint32_t *x, size_t n);
    void (*flush)(struct table_adder *a);
};
extern const struct pairs_kernel pairs_kernel_plain, pairs_kernel_avx2, pairs_kernel_avx512;

/* Those that this processor can run, the best first; plain is the last. *ret_n is at most 3. */
void pairs_kernels(const struct pairs_kernel *ret[3], size_t *ret_n);

#endif
