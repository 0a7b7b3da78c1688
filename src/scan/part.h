/*
 * part.h - the shards of one of several scans that together are one
 *
 * Every scan is given the same domains and takes its part.  Shards are dealt by size, the largest first, each to the
 * part that has the fewest bytes so far; equals by path, then name of the domain, and to the part of the lower number.
 * So the parts depend on the sizes and paths only, each shard is in just one, and no part has more bytes than another
 * and the smallest shard of the fuller one.
 */
#ifndef SCAN_PART_H
#define SCAN_PART_H

#include <emx/scan.h>

struct part {
    struct emx_scan_domain *domains; /* [n_domains] those of which it has shards, as given but for these */
    size_t n_domains;
    const char **shards; /* of all of them */
};

/*
 * Part number `index`, from 0, of `count`.  Strings are borrowed.  EMX_ERR_ARG if there is no such part, or a domain is
 * sampled (samples do not merge) or has standard input or a pipe (others cannot have it); EMX_ERR_MEMORY; EMX_ERR_IO
 * for a shard that is missing, but if `allow_missing` that counts as empty.
 */
EMX_CHECKED enum emx_status part_take(const struct emx_scan_domain *domains, size_t n_domains, uint32_t index,
                                      uint32_t count, bool allow_missing, struct part *ret, struct emx_error *err);
/* Accepts a zeroed one. */
void part_finish(struct part *p);

#endif
