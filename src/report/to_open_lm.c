/* open_lm: words of its command line, a manifest and a weight for each domain */
#include "report/consumers.h"

static enum emx_status check_manifests(const struct blend *b, struct emx_error *err)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->entries[i].paths[0][0] == '-')
            return emx_fail(err, EMX_ERR_ARG, "the manifest \"%s\" of domain %s would be read as an option",
                            b->entries[i].paths[0], b->entries[i].domain->name);
    return EMX_OK;
}

static void write_words(struct text *t, const struct blend *b)
{
    text_add(t, "--dataset-manifest");
    for (size_t i = 0; i < b->n; i++) {
        text_add(t, " ");
        text_add_shell(t, b->entries[i].paths[0]);
    }
    text_add(t, " --train-data-mix-weights");
    for (size_t i = 0; i < b->n; i++)
        text_addf(t, " %s", b->entries[i].number);
    text_add(t, "\n");
}

const struct emx_mixture_consumer to_open_lm = {
    .unit = PATH_ELSEWHERE, .name_suffix = "/manifest.jsonl", .check = check_manifests, .write = write_words};
