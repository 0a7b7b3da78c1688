/*
 * recycled.h - memory of documents that had to go, for those that come
 *
 * Once a sample is full, most documents that come make another go.  The allocator, asked for lengths in no order by
 * several threads, took half as long as adding up the rows of those documents that stay.  Sizes are rounded up, eight
 * to a doubling, and a few pieces of each are kept: 3 MiB at most.
 *
 * Thread-safety: one thread at a time.
 */
#ifndef VNE_RECYCLED_H
#define VNE_RECYCLED_H

#include <stdbool.h>
#include <stddef.h>

enum { RECYCLED_SIZES = 64, RECYCLED_MOST = 16 /* of a size */ };

/* Zeroed: none is kept. */
struct recycled {
    void *memory[RECYCLED_SIZES][RECYCLED_MOST];
    size_t n[RECYCLED_SIZES];
};

/* Of how many bytes to make a piece that has so many; itself for a size that was made so. */
size_t recycled_size(size_t bytes);
/* A piece of that size, or NULL. */
void *recycled_take(struct recycled *s, size_t size);
/* False if there is no place for it: it stays the caller's. */
bool recycled_keep(struct recycled *s, void *memory, size_t size);
/* Any piece, and its size; NULL: none is left. */
void *recycled_take_any(struct recycled *s, size_t *ret_size);

#endif
