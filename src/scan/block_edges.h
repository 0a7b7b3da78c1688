/*
 * block_edges.h - where the blocks of a state file lie that several ranks encode together
 *
 * Rank after rank, each has some rows of a domain; all of them are cut into blocks of PAIR_BLOCK_ROWS, as one rank
 * would cut them.  A block belongs to the rank that has its first row; the rows of it that later ranks have, at the
 * beginning of theirs, they give to that rank.
 */
#ifndef SCAN_BLOCK_EDGES_H
#define SCAN_BLOCK_EDGES_H

#include <stddef.h>
#include <stdint.h>

struct block_edges {
    size_t n_head;  /* rows at its beginning that this rank gives away, below PAIR_BLOCK_ROWS */
    unsigned owner; /* to this rank, which is before it; if n_head is not 0 */
};

/* Of n_rows[size] rows of each rank: ret[size]. */
void block_edges(const uint64_t *n_rows, unsigned size, struct block_edges *ret);

#endif
