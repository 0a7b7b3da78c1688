/*
 * Python snippets.  litdata draws blocks of tokens, and wants iterate_over_all=False beside weights; Hugging Face
 * datasets draws rows, refuses zeros and probabilities that do not sum to 1.
 */
#include "report/consumers.h"

static void write_litdata(struct text *t, const struct blend *b)
{
    blend_add_comment(t, b);
    text_add(t, "from litdata import CombinedStreamingDataset, StreamingDataset, TokensLoader\n"
                "\n"
                "SOURCES = [\n");
    for (size_t i = 0; i < b->n; i++) {
        text_add(t, "    (");
        text_add_quoted(t, b->entries[i].paths[0]);
        text_addf(t, ", %s),\n", b->entries[i].number);
    }
    text_add(t, "]\n"
                "\n"
                "\n"
                "def mixture(block_size, seed=42):\n"
                "    return CombinedStreamingDataset(\n"
                "        datasets=[\n"
                "            StreamingDataset(folder, item_loader=TokensLoader(block_size=block_size), shuffle=True)\n"
                "            for folder, _ in SOURCES\n"
                "        ],\n"
                "        weights=tuple(weight for _, weight in SOURCES),\n"
                "        seed=seed,\n"
                "        iterate_over_all=False,\n"
                "    )\n");
}

static void add_load_arguments(struct text *t, const struct blend_entry *e)
{
    if (!e->scanned) {
        text_add(t, "{\"path\": ");
        text_add_quoted(t, e->paths[0]);
        text_add(t, "}");
        return;
    }
    text_add(t, "{\"path\": \"json\", \"data_files\": [");
    for (size_t i = 0; i < e->n_paths; i++) {
        text_add(t, i ? ", " : "");
        text_add_quoted(t, e->paths[i]);
    }
    text_add(t, "]}");
}

static void write_hf_datasets(struct text *t, const struct blend *b)
{
    blend_add_comment(t, b);
    text_add(t, "from datasets import interleave_datasets, load_dataset\n"
                "\n"
                "# name, probability of drawing a document, arguments of load_dataset()\n"
                "SOURCES = [\n");
    for (size_t i = 0; i < b->n; i++) {
        text_add(t, "    (");
        text_add_quoted(t, b->entries[i].label);
        text_addf(t, ", %s, ", b->entries[i].number);
        add_load_arguments(t, &b->entries[i]);
        text_add(t, "),\n");
    }
    text_add(t, "]\n"
                "\n"
                "\n"
                "def mixture(seed=42):\n"
                "    return interleave_datasets(\n"
                "        [load_dataset(**arguments, split=\"train\", streaming=True) for _, _, arguments in SOURCES],\n"
                "        probabilities=[probability for _, probability, _ in SOURCES],\n"
                "        seed=seed,\n"
                "        stopping_strategy=\"all_exhausted\",\n"
                "    )\n");
}

const struct emx_mixture_consumer to_litdata = {.unit = PATH_ELSEWHERE, .write = write_litdata};
const struct emx_mixture_consumer to_hf_datasets = {
    .unit = PATH_FILES, .shards = "jsonl", .reads_compressed = true, .drops_zeros = true, .write = write_hf_datasets};
