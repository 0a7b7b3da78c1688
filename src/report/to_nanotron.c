/* nanotron: a data stage in YAML, with a list of folders of .ds files and a list of their weights */
#include "report/consumers.h"

static void write_stage(struct text *t, const struct blend *b)
{
    blend_add_comment(t, b);
    text_add(t, "data_stages:\n"
                "  - name: stage1\n"
                "    start_training_step: 1\n"
                "    data:\n"
                "      seed: 42\n"
                "      num_loading_workers: 1\n"
                "      dataset:\n"
                "        dataset_folder: [");
    blend_add_paths(t, b);
    text_add(t, "]\n        dataset_weights: [");
    blend_add_numbers(t, b);
    text_add(t, "]\n");
}

const struct emx_mixture_consumer to_nanotron = {
    .unit = PATH_FOLDER, .shards = "datatrove", .drops_zeros = true, .write = write_stage};
