/*
 * words.h - what fuzz targets share that take words for the shards of a corpus
 *
 * Words are not looked up: what shards.h declares is defined here in place of the library's, so that nothing depends on
 * the disk.
 */
#ifndef FUZZ_WORDS_H
#define FUZZ_WORDS_H

#include "cli/corpus.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void hold(bool condition)
{
    if (!condition)
        abort();
}

enum emx_status emx_shard_list_add(struct emx_shard_list *list, const char *path, struct emx_error *err)
{
    char **grown = realloc(list->paths, (list->n + 1) * sizeof(*grown));

    (void)err;
    hold(grown && path[0]);
    list->paths = grown;
    list->paths[list->n] = strdup(path);
    hold(list->paths[list->n++] != NULL);
    return EMX_OK;
}

/* A word is a shard, unless it begins with '!'. */
enum emx_status emx_shards_find(const char *word, struct emx_shard_list *list, struct emx_error *err)
{
    if (word[0] == '!')
        return emx_fail(err, EMX_ERR_IO, "%s: is not there", word);
    return emx_shard_list_add(list, word, err);
}

void emx_shard_list_finish(struct emx_shard_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->paths[i]);
    free(list->paths);
}

const struct emx_shard_format *emx_shard_formats(size_t *ret_n)
{
    static const struct emx_shard_format raw = {"raw", "tokens without a header"};

    *ret_n = 1;
    return &raw;
}

static inline void check_settings(const struct emx_domain_settings *s)
{
    hold(s->eod < EMX_MAX_VOCABULARY || s->eod == EMX_NO_TOKEN);
    hold(s->vocabulary <= EMX_MAX_VOCABULARY && s->sample_tokens <= INT64_MAX);
    hold((s->pairs == EMX_PAIRS_WINDOW) == (s->window >= 2));
}

/* What an option, or a key, may say of a domain. */
static inline void check_domain_args(const struct emx_scan_domain *d)
{
    hold(!d->dtype || d->dtype[0] == 'u' || d->dtype[0] == 'i');
    hold(!d->column || d->column[0]);
    check_settings(&d->settings);
}

#endif
