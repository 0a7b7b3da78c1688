/*
 * skipped_merge.c - what several states left out, joined
 */
#include "state/skipped.h"

#include <stdlib.h>
#include <string.h>

static int by_shard_path(const void *path, const void *record)
{
    return strcmp(path, ((const struct emx_shard_record *)record)->path);
}

static bool counts_shard(const struct emx_state *s, const struct emx_skipped *what)
{
    size_t low = 0, high = emx_state_n_domains(s);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct emx_domain *d = emx_state_domain(s, middle);
        int order = strcmp(what->domain, d->name);

        if (order == 0)
            return d->n_shards && bsearch(what->path, d->shards, d->n_shards, sizeof(*d->shards), by_shard_path);
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* Of a shard that one state left out and another has counted nothing is missing. */
static bool is_missing(struct emx_state *const *states, size_t n, const struct emx_skipped *what)
{
    for (size_t i = 0; i < n && what->what == EMX_SKIPPED_SHARD; i++) {
        if (counts_shard(states[i], what))
            return false;
    }
    return true;
}

enum emx_status skipped_merge(struct emx_state *const *states, size_t n_states, struct emx_state_writer *w,
                              struct emx_error *err)
{
    struct emx_skipped *all;
    size_t n = 0;
    enum emx_status status;

    for (size_t i = 0; i < n_states; i++)
        n += emx_state_n_skipped(states[i]);
    all = malloc((n + 1) * sizeof(*all));
    if (!all)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    n = 0;
    for (size_t i = 0; i < n_states; i++) {
        for (size_t k = 0; k < emx_state_n_skipped(states[i]); k++) {
            if (is_missing(states, n_states, emx_state_skipped(states[i], k)))
                all[n++] = *emx_state_skipped(states[i], k);
        }
    }
    status = emx_state_writer_skipped(w, all, n, err);
    free(all);
    return status;
}
