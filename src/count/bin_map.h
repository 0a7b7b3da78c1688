/*
 * bin_map.h - which ranges of keys have about as many pairs, from a sample
 */
#ifndef COUNT_BIN_MAP_H
#define COUNT_BIN_MAP_H

#include "count/table.h"

/* How words are made, and which range of keys each bin has. */
struct bin_map {
    unsigned token_bits; /* of each token in the key */
    unsigned count_bits; /* 64 - 2 * token_bits */
    unsigned shift;      /* key >> shift is the step */
    uint16_t *bin_of;    /* [n_steps] the bin of a step, ascending; the last is also that of all steps beyond */
    size_t n_steps;
    uint64_t *begin; /* [n_bins + 1] the least key of each bin, and one more than the largest key there may be */
    size_t n_bins;
};

/* Bins for the keys of all tables, which are at rest.  EMX_ERR_MEMORY; on failure _finish() may still be called. */
EMX_CHECKED enum emx_status bin_map_init(struct bin_map *m, struct table *const *tables, size_t n_tables,
                                         struct emx_error *err);
void bin_map_finish(struct bin_map *m);

static inline size_t bin_of_key(const struct bin_map *m, uint64_t key)
{
    uint64_t step = key >> m->shift;

    return m->bin_of[step < m->n_steps ? step : m->n_steps - 1];
}

#endif
