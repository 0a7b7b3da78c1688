/*
 * sample.h - which documents of a domain are taken: those whose hash is least
 */
#ifndef VNE_SAMPLE_H
#define VNE_SAMPLE_H

#include <emx/state.h>

/* Of document `number` of the shard with that checksum. */
uint64_t sample_hash(uint64_t xxh3, uint64_t number, uint64_t seed);

/* The largest hash that is taken, so that there are n_wanted documents (0: all) of the domain; false: no memory. */
bool sample_threshold(const struct emx_domain *d, uint64_t n_wanted, uint64_t seed, uint64_t *ret);

#endif
