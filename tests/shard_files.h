/* shard_files.h - made shards as files of the test's own folder */
#ifndef TESTS_SHARD_FILES_H
#define TESTS_SHARD_FILES_H

#include "own_folder.h"
#include "shard_makers.h"

/* All files of the shard, or none. */
static inline void write_shard(const struct made_shard *m)
{
    const struct made_file *const all[] = {&m->shard, &m->side, &m->metadata};

    for (size_t i = 0; i < 3; i++) {
        if (all[i]->path)
            write_bytes(all[i]->path, all[i]->bytes.data, all[i]->bytes.len);
    }
}

static inline void remove_shard(const struct made_shard *m)
{
    const struct made_file *const all[] = {&m->shard, &m->side, &m->metadata};

    for (size_t i = 0; i < 3; i++) {
        if (all[i]->path)
            remove(path_of(all[i]->path));
    }
}

#endif
