/* Lingua: weights of sub-folders of root_dir, in YAML; a document is drawn for each choice */
#include "report/consumers.h"

static void write_sources(struct text *t, const struct blend *b)
{
    blend_add_comment(t, b);
    text_add(t, "data:\n  sources:\n");
    for (size_t i = 0; i < b->n; i++) {
        text_add(t, "    ");
        text_add_quoted(t, b->entries[i].paths[0]);
        text_addf(t, ": %s\n", b->entries[i].number);
    }
}

const struct emx_mixture_consumer to_lingua = {.check = blend_check_yaml_keys, .write = write_sources};
