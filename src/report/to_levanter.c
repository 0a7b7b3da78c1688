/*
 * Levanter: datasets and their weights in YAML.  Weights are turned into whole numbers of sequences in each block
 * of 2048, rounded down: a weight below 1/2048 gets none.
 */
#include "report/consumers.h"

enum { BLOCK = 2048 };

static void add_dataset(struct text *t, const struct blend_entry *e)
{
    text_add(t, "    ");
    text_add_quoted(t, e->label);
    text_add(t, ":\n      train_urls:\n");
    for (size_t i = 0; i < e->n_paths; i++) {
        text_add(t, "        - ");
        text_add_quoted(t, e->paths[i]);
        text_add(t, "\n");
    }
}

static void write_data(struct text *t, const struct blend *b)
{
    blend_add_comment(t, b);
    text_add(t, "data:\n  configs:\n");
    for (size_t i = 0; i < b->n; i++)
        add_dataset(t, &b->entries[i]);
    text_add(t, "  train_weights:\n");
    for (size_t i = 0; i < b->n; i++) {
        text_add(t, "    ");
        text_add_quoted(t, b->entries[i].label);
        text_addf(t, ": %s\n", b->entries[i].number);
    }
    text_add(t, "  stop_strategy: restart\n");
}

static void note_small_weights(struct text *t, const struct blend *b)
{
    const char *first = NULL;
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++) {
        if (b->entries[i].share <= 0 || b->entries[i].share * BLOCK >= 1)
            continue;
        first = first ? first : b->entries[i].label;
        n++;
    }
    if (n == 1)
        text_addf(t,
                  "domain %s has a weight below 1/%d: Levanter draws nothing from it unless mixture_block_size is "
                  "raised.",
                  first, BLOCK);
    if (n > 1)
        text_addf(t,
                  "domain %s and %zu more have weights below 1/%d: Levanter draws nothing from them unless "
                  "mixture_block_size is raised.",
                  first, n - 1, BLOCK);
}

const struct emx_mixture_consumer to_levanter = {.unit = PATH_FILES,
                                                 .shards = "jsonl",
                                                 .reads_compressed = true,
                                                 .check = blend_check_yaml_keys,
                                                 .write = write_data,
                                                 .note = note_small_weights};
