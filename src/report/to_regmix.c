/*
 * DoReMi (JSON) and RegMix (YAML): weights for training and for evaluation, by name of domain.  RegMix names
 * shards by a prefix, train_NAME-* and valid_NAME-*.
 */
#include "report/consumers.h"

#include <stdlib.h>
#include <string.h>

static int by_label(const void *a, const void *b)
{
    const struct blend_entry *const *x = a, *const *y = b;

    return strcmp((*x)->label, (*y)->label);
}

static void add_domain_weights(struct text *t, const struct blend_entry *const *entries, size_t n, const char *key)
{
    text_addf(t, "  \"%s\": {", key);
    for (size_t i = 0; i < n; i++) {
        text_add(t, i ? ",\n    " : "\n    ");
        text_add_quoted(t, entries[i]->label);
        text_addf(t, ": %s", entries[i]->number);
    }
    text_add(t, "\n  }");
}

/* DoReMi works through domains in order of name, and so is the file, for whoever reads it beside a log. */
static void write_doremi(struct text *t, const struct blend *b)
{
    const struct blend_entry **sorted = calloc(b->n + 1, sizeof(*sorted));

    t->failed |= !sorted;
    if (!sorted)
        return;
    for (size_t i = 0; i < b->n; i++)
        sorted[i] = &b->entries[i];
    qsort(sorted, b->n, sizeof(*sorted), by_label);
    text_add(t, "{\n");
    add_domain_weights(t, sorted, b->n, "train_domain_weights");
    text_add(t, ",\n");
    add_domain_weights(t, sorted, b->n, "eval_domain_weights");
    text_add(t, "\n}\n");
    free(sorted);
}

static void add_split(struct text *t, const struct blend *b, const char *split)
{
    text_addf(t, "%s:\n", split);
    for (size_t i = 0; i < b->n; i++) {
        struct text key = {0};

        text_addf(&key, "%s_%s", split, b->entries[i].paths[0]);
        text_add(t, "  ");
        text_add_quoted(t, key.data ? key.data : "");
        text_addf(t, ": %s\n", b->entries[i].number);
        t->failed |= key.failed;
        text_finish(&key);
    }
}

static void write_regmix(struct text *t, const struct blend *b)
{
    blend_add_comment(t, b);
    add_split(t, b, "train");
    add_split(t, b, "valid");
}

static void note_regmix(struct text *t, const struct blend *b)
{
    (void)b;
    text_add(
        t,
        "RegMix wants a \"valid\" mixture: it names valid_* shards with the weights of training; change it to what you "
        "hold out.");
}

const struct emx_mixture_consumer to_doremi = {.drops_zeros = true, .write = write_doremi};
const struct emx_mixture_consumer to_regmix = {
    .check = blend_check_yaml_keys, .write = write_regmix, .note = note_regmix};
