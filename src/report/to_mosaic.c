/*
 * LLM Foundry: a mapping of Mosaic streams, each of a folder of MDS shards, in YAML.  All streams have `proportion`
 * (relative, of samples, which are windows of tokens), and each a `local` folder of its own.
 */
#include "report/consumers.h"
#include "report/mixture.h"

static enum emx_status check_keys(const struct blend *b, struct emx_error *err)
{
    enum emx_status status = blend_check_yaml_keys(b, err);

    return status == EMX_OK ? mixture_check_labels(b, err) : status;
}

static void add_cache(struct text *t, const char *label)
{
    struct text path = {0};

    text_addf(&path, "cache/%s", label);
    text_add_quoted(t, path.failed ? "" : path.data);
    t->failed |= path.failed;
    text_finish(&path);
}

/* Scanned folders are read where they are; others are fetched into a cache. */
static void add_stream(struct text *t, const struct blend_entry *e)
{
    text_add(t, "      ");
    text_add_quoted(t, e->label);
    text_add(t, e->scanned ? ": {local: " : ": {remote: ");
    text_add_quoted(t, e->paths[0]);
    if (!e->scanned) {
        text_add(t, ", local: ");
        add_cache(t, e->label);
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

const struct emx_mixture_consumer to_llm_foundry = {
    .unit = PATH_FOLDER, .shards = "mds", .reads_compressed = true, .check = check_keys, .write = write_streams};
