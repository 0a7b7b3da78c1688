/*
 * LLM Foundry: a mapping of Mosaic streams, each of a folder of MDS shards, in YAML.  All streams have `proportion`
 * (relative, of samples, which are windows of tokens), and each a `local` folder of its own.
 */
#include "report/consumers.h"

/* Scanned folders are read where they are; others are fetched into a cache. */
static void add_stream(struct text *t, const struct blend_entry *e)
{
    text_add(t, "      ");
    text_add_quoted(t, e->label);
    text_add(t, ": {");
    if (!e->scanned) {
        text_add(t, "remote: ");
        text_add_quoted(t, e->paths[0]);
        text_add(t, ", ");
    }
    text_add(t, "local: ");
    if (e->scanned) {
        text_add_quoted(t, e->paths[0]);
    } else {
        struct text cache = {0};

        text_add(&cache, "cache/");
        text_add(&cache, e->label);
        text_add_quoted(t, cache.data ? cache.data : "");
        t->failed |= cache.failed;
        text_finish(&cache);
    }
    text_addf(t, ", proportion: %s}\n", e->number);
}

static void write_streams(struct text *t, const struct blend *b)
{
    blend_add_comment(t, b);
    text_add(t, "train_loader:\n  name: text\n  dataset:\n    streams:\n");
    for (size_t i = 0; i < b->n; i++)
        add_stream(t, &b->entries[i]);
}

const struct emx_mixture_consumer to_llm_foundry = {.unit = PATH_FOLDER,
                                                    .shards = "mds",
                                                    .reads_compressed = true,
                                                    .check = blend_check_yaml_keys,
                                                    .write = write_streams};
