/*
 * mds_index.h - index.json of an MDS folder: which shards there are and how large each has to be
 *
 * A shard holds all that is needed to read it; the index serves to list the shards and to verify them.
 */
#ifndef IO_MDS_INDEX_H
#define IO_MDS_INDEX_H

#include "io/file.h"

/* A shard's file, raw or compressed. */
struct mds_file {
    const char *basename;  /* may hold one folder; NULL: there is no such file */
    uint64_t n_bytes;      /* UINT64_MAX: not said */
    const char *hash_name; /* one that content_hash.h knows; NULL: none */
    const char *hash_hex;
};

struct mds_entry {
    struct mds_file raw, zip;
    uint64_t n_samples; /* UINT64_MAX: not said */
};

struct mds_index;

#define MDS_INDEX_BYTES ((size_t)256 << 20) /* a larger one is refused; */
enum { MDS_INDEX_TAKES = 8 };               /* about so many times its size it takes in memory */

/* EMX_OK and *ret NULL if the text is something else than an index of MDS shards. */
EMX_CHECKED enum emx_status mds_index_parse(const char *path, const char *text, size_t len, struct mds_index **ret,
                                            struct emx_error *err);
/* The same from a file. */
EMX_CHECKED enum emx_status mds_index_load(const struct file_space *space, const char *path, struct mds_index **ret,
                                           struct emx_error *err);
void mds_index_destroy(struct mds_index **x);

/* Number of shards; entry i of them, valid as long as the index. */
size_t mds_index_n(const struct mds_index *x);
struct mds_entry mds_index_entry(const struct mds_index *x, size_t i);

#endif
