#include "report/shard_paths.h"
#include "util/path.h"

#include <stdlib.h>
#include <string.h>

bool shards_fit(const struct emx_domain *d, const struct emx_mixture_consumer *c)
{
    if (!d || d->n_shards == 0 || !c->shards)
        return false;
    for (size_t i = 0; i < d->n_shards; i++)
        if (strcmp(d->shards[i].format, c->shards) != 0 || strcmp(d->shards[i].path, "-") == 0)
            return false;
    return true;
}

static char *prefix_of(const char *path)
{
    size_t len = path_length_without_codec(path), cut = path_cut(path, len, ".bin");

    return strndup(path, cut ? cut : len);
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static char *path_for(const char *path, const struct emx_mixture_consumer *c)
{
    if (c->unit == PATH_FOLDER)
        return folder_of(path);
    if (c->unit == PATH_PREFIX)
        return prefix_of(path);
    return c->reads_compressed ? strdup(path) : strndup(path, path_length_without_codec(path));
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct shard_path *)a)->path, ((const struct shard_path *)b)->path);
}

static void join_equal(struct shard_paths *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++) {
        if (n > 0 && strcmp(p->paths[n - 1].path, p->paths[i].path) == 0) {
            p->paths[n - 1].n_tokens += p->paths[i].n_tokens;
            free(p->paths[i].path);
        } else {
            p->paths[n++] = p->paths[i];
        }
    }
    p->n = n;
}

enum emx_status shard_paths_init(const struct emx_domain *d, const struct emx_mixture_consumer *c,
                                 struct shard_paths *ret)
{
    struct shard_paths p = {calloc(d->n_shards, sizeof(*p.paths)), 0};

    *ret = (struct shard_paths){0};
    if (!p.paths)
        return EMX_ERR_MEMORY;
    for (; p.n < d->n_shards; p.n++) {
        p.paths[p.n] = (struct shard_path){path_for(d->shards[p.n].path, c), d->shards[p.n].n_tokens};
        if (!p.paths[p.n].path) {
            shard_paths_finish(&p);
            return EMX_ERR_MEMORY;
        }
    }
    qsort(p.paths, p.n, sizeof(*p.paths), by_path);
    join_equal(&p);
    *ret = p;
    return EMX_OK;
}

void shard_paths_finish(struct shard_paths *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->paths[i].path);
    free(p->paths);
    *p = (struct shard_paths){0};
}
