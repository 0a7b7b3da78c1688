#include "scan/block_edges.h"

#include "state/writer.h"

void block_edges(const uint64_t *n_rows, unsigned size, struct block_edges *ret)
{
    uint64_t at = 0;
    unsigned owner = 0; /* of the block that the rank before ended in */

    for (unsigned k = 0; k < size; k++) {
        size_t n_to_edge = (size_t)(-at % PAIR_BLOCK_ROWS);

        ret[k].n_head = n_to_edge < n_rows[k] ? n_to_edge : (size_t)n_rows[k];
        ret[k].owner = owner;
        if (n_rows[k] > ret[k].n_head)
            owner = k;
        at += n_rows[k];
    }
}
