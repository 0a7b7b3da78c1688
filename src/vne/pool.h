/*
 * pool.h - memory of documents, for those that come after them
 *
 * Once a sample is full, most documents that come make another go.  The allocator, asked for lengths in no order by
 * several threads, took half as long as adding up the rows of those documents that stay.  So pieces have one of a few
 * sizes, eight to a doubling; they are cut out of chunks, and when they are given back wait for a document of their
 * size.  Chunks are given up all at once.  What is longer than 15 KiB is the allocator's.
 *
 * The kernel clears fresh pages, which takes longer than to fill them with tokens: so a few chunks that pools gave up
 * are kept for others.
 */
#ifndef VNE_POOL_H
#define VNE_POOL_H

#include "util/budget.h"

#include <pthread.h>
#include <stddef.h>

/* Of pools.  Thread-safety: any thread. */
struct chunk_store {
    struct budget *budget; /* or NULL: of which all their memory is taken, and what is kept */
    pthread_mutex_t mutex;
    struct chunk *kept; /* guarded by the mutex */
    uint64_t n_bytes, most_bytes;
};

/* Borrows the budget.  Keeps up to 64 MiB, or a sixteenth of the budget if that is less. */
void chunk_store_init(struct chunk_store *s, struct budget *budget);
/* All pools of it are cleared. */
void chunk_store_finish(struct chunk_store *s);

enum { POOL_SIZES = 64 };

/* Zeroed but for the store, which is borrowed: empty.  Thread-safety: one thread at a time. */
struct pool {
    struct chunk_store *store;
    void *given[POOL_SIZES]; /* pieces of each size, linked by their first bytes */
    unsigned char *at;       /* what is left of the last chunk, */
    size_t left;             /* so many bytes */
    struct chunk *chunks;
};

/* Of how many bytes to make a piece that has so many; itself for a size that was made so. */
size_t pool_size(size_t bytes);
/* A piece of that size, aligned for a pointer; NULL: no memory is left. */
void *pool_take(struct pool *p, size_t size);
void pool_give(struct pool *p, void *memory, size_t size);
/* Forget all pieces.  Those of more than 15 KiB have been given back. */
void pool_clear(struct pool *p);

#endif
