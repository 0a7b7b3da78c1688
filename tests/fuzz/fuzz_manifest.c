/*
 * fuzz_manifest.c - any bytes as a manifest: what is accepted can be scanned
 *
 * Words are not looked up: what shards.h declares is defined below in place of the library's, so that nothing depends
 * on the disk.
 */
#include "cli/manifest.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hold(bool condition)
{
    if (!condition)
        abort();
}

/* A word is a shard, unless it begins with '!'. */
enum emx_status emx_shards_find(const char *word, struct emx_shard_list *list, struct emx_error *err)
{
    char **grown = realloc(list->paths, (list->n + 1) * sizeof(*grown));

    hold(grown && word[0]);
    list->paths = grown;
    if (word[0] == '!')
        return emx_fail(err, EMX_ERR_IO, "%s: is not there", word);
    list->paths[list->n] = strdup(word);
    hold(list->paths[list->n++] != NULL);
    return EMX_OK;
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

static void check_settings(const struct emx_domain_settings *s)
{
    hold(s->eod < EMX_MAX_VOCABULARY || s->eod == EMX_NO_TOKEN);
    hold(s->vocabulary <= EMX_MAX_VOCABULARY && s->sample_tokens <= INT64_MAX);
    hold((s->pairs == EMX_PAIRS_WINDOW) == (s->window >= 2));
}

static void check_domain(const struct corpus *corpus, const struct emx_scan_domain *d)
{
    hold(d->name[0] && !strpbrk(d->name, "=/"));
    hold(d->n_shards > 0);
    hold(corpus_find(corpus, d->name, strlen(d->name))->shards.paths == (char **)d->shards);
    hold(!d->dtype || d->dtype[0] == 'u' || d->dtype[0] == 'i');
    hold(!d->column || d->column[0]);
    check_settings(&d->settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct shard_args args = SHARD_ARGS_DEFAULTS;
    struct corpus corpus = {0};
    struct emx_error err = {.message = ""};
    enum emx_status status = manifest_parse("folder/m.yaml", (const char *)data, size, &args, &corpus, &err);

    if (status == EMX_OK) {
        const struct emx_scan_domain *domains = corpus_view(&corpus);

        hold(domains && corpus.n > 0);
        for (size_t i = 0; i < corpus.n; i++)
            check_domain(&corpus, &domains[i]);
    } else {
        hold(strncmp(err.message, "folder/m.yaml:", 14) == 0);
        hold(err.status == status);
    }
    corpus_finish(&corpus);
    return 0;
}
