/*
 * shard_paths.h - the files, folders or prefixes that the scanned shards of a domain lie in
 */
#ifndef REPORT_SHARD_PATHS_H
#define REPORT_SHARD_PATHS_H

#include "report/blend.h"

struct shard_path {
    char *path;
    uint64_t n_tokens; /* of all its shards */
};

struct shard_paths {
    struct shard_path *paths; /* [n] distinct, in byte order */
    size_t n;
};

/* Were all shards of the domain in the consumer's own format, in files with names? */
bool shards_fit(const struct emx_domain *d, const struct emx_mixture_consumer *c);

/* EMX_ERR_MEMORY leaves *ret empty. */
EMX_CHECKED enum emx_status shard_paths_init(const struct emx_domain *d, const struct emx_mixture_consumer *c,
                                             struct shard_paths *ret);
void shard_paths_finish(struct shard_paths *p);

#endif
