/*
 * fuzz_manifest.c - any bytes as a manifest: what is accepted can be scanned
 */
#include "cli/manifest.h"
#include "words.h"

static void check_domain(const struct corpus *corpus, const struct emx_scan_domain *d)
{
    hold(d->name[0] && !strpbrk(d->name, "=/"));
    hold(d->n_shards > 0);
    hold(corpus_find(corpus, d->name, strlen(d->name))->shards.paths == (char **)d->shards);
    check_domain_args(d);
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
