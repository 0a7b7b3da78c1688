/*
 * shards.h - from the words a user types to the list of shards, and the formats that are known
 */
#ifndef EMX_SHARDS_H
#define EMX_SHARDS_H

#include <emx/status.h>
#include <stdbool.h>
#include <stddef.h>

/* Filled by the functions below only, which know how much room there is. */
struct emx_shard_list {
    char **paths; /* [n] owned */
    size_t n;
};

/*
 * Append to *list (zeroed at first) the shards that `word` names, in byte order of path:
 *
 *     -                   standard input
 *     a file              itself
 *     a Megatron prefix   PREFIX.bin (or .bin.zst, ...) where PREFIX itself is no file and PREFIX.idx exists
 *     a folder            the files below it that look like shards by name (.bin .npy .ds .mds .json .jsonl .ndjson,
 *                         each also with .zst .zstd .gz); an MDS folder the shards of its index.json, in any depth.
 *                         Hidden files, side files (.idx .index .metadata .loss, index.json, ...) and validation
 *                         shards of llm.c (*_val_*.bin, *_val_*.npy) are left out; name these to have them
 *     a glob pattern      what matches, side files left out
 *
 * EMX_ERR_IO if it does not exist or a folder cannot be read; EMX_ERR_EMPTY if a folder or pattern holds no shard;
 * EMX_ERR_ARG if it holds one shard twice, plain and compressed; EMX_ERR_RANGE if folders lie in themselves by links,
 * or too deep.
 */
EMX_API EMX_CHECKED enum emx_status emx_shards_find(const char *word, struct emx_shard_list *list,
                                                    struct emx_error *err);
/* Append a copy of path, whether there is such a file or not.  EMX_ERR_MEMORY. */
EMX_API EMX_CHECKED enum emx_status emx_shard_list_add(struct emx_shard_list *list, const char *path,
                                                       struct emx_error *err);
EMX_API void emx_shard_list_finish(struct emx_shard_list *list);

struct emx_shard_format {
    const char *name;    /* as in --format */
    const char *summary; /* one line for --help */
};

/* The table of formats; *ret_n entries, static storage. */
EMX_API const struct emx_shard_format *emx_shard_formats(size_t *ret_n);

#endif
