/*
 * OLMo-core: a source mixture in YAML.  Its .npy files have no header.  Ratios must sum to 1 and be above 0; a
 * build fails where a source has fewer tokens than its ratio asks for, times max_repetition_ratio.
 */
#include "report/consumers.h"

/* Tokens of all domains, if all were counted whole; else 0. */
static uint64_t tokens_counted(const struct blend *b)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < b->n; i++) {
        const struct emx_domain *d = b->entries[i].domain->counted;

        if (!d || d->n_tokens == 0 || d->settings.sample_tokens || __builtin_add_overflow(sum, d->n_tokens, &sum))
            return 0;
    }
    return sum;
}

/* Rounded up to hundredths, so that a training run over as many tokens as there are finds enough of each source. */
static void add_repetition(struct text *t, const struct blend_entry *e, uint64_t n_tokens)
{
    double ratio = e->share * (double)n_tokens / (double)e->domain->counted->n_tokens;
    uint64_t whole = (uint64_t)ratio;
    unsigned hundredths = (unsigned)((ratio - (double)whole) * 100) + 1;

    if (ratio > 1)
        text_addf(t, "    max_repetition_ratio: %llu.%02u\n", (unsigned long long)(whole + hundredths / 100),
                  hundredths % 100);
}

static void add_source(struct text *t, const struct blend_entry *e, uint64_t n_tokens)
{
    text_add(t, "  - source_name: ");
    text_add_quoted(t, e->label);
    text_addf(t, "\n    target_ratio: %s\n", e->number);
    if (n_tokens)
        add_repetition(t, e, n_tokens);
    text_add(t, "    paths:\n");
    for (size_t i = 0; i < e->n_paths; i++) {
        text_add(t, "      - ");
        text_add_quoted(t, e->paths[i]);
        text_add(t, "\n");
    }
}

static void write_sources(struct text *t, const struct blend *b)
{
    uint64_t n_tokens = tokens_counted(b);

    blend_add_comment(t, b);
    if (n_tokens)
        text_addf(t, "# max_repetition_ratio suffices to train on %llu tokens\n", (unsigned long long)n_tokens);
    text_add(t, "sources:\n");
    for (size_t i = 0; i < b->n; i++)
        add_source(t, &b->entries[i], n_tokens);
}

const struct emx_mixture_consumer to_olmo_core = {
    .unit = PATH_FILES, .shards = "dolma", .name_suffix = "/*.npy", .drops_zeros = true, .write = write_sources};
