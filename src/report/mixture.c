/*
 * mixture -> checked once here -> blend (what the consumer is told) -> the consumer's syntax.  A new consumer is
 * one file (or a few lines beside its relatives), a line in consumers.h and a row of this table.
 */
#include "report/consumers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct emx_mixture_format formats[] = {
    {"json", "entromix's own, with all that the weights came from", false, &to_json},
    {"csv", "a row a domain: shares of tokens, of documents, entropy, counts", false, &to_csv},
    {"megatron", "Megatron-LM: words for --data-path or --data-args-path", false, &to_megatron},
    {"megatron-per-split", "Megatron-LM: JSON for --per-split-data-args-path", false, &to_megatron_per_split},
    {"nemo", "NeMo: data_prefix list, YAML", false, &to_nemo},
    {"gpt-neox", "GPT-NeoX: paths and weights of each split, YAML", false, &to_gpt_neox},
    {"llm-foundry", "LLM Foundry: Mosaic streams, YAML", false, &to_llm_foundry},
    {"olmo-core", "OLMo-core: source mixture, YAML", false, &to_olmo_core},
    {"nanotron", "nanotron: dataset folders and weights, YAML", false, &to_nanotron},
    {"levanter", "Levanter, Marin: datasets and train_weights, YAML", false, &to_levanter},
    {"doremi", "DoReMi: train and eval domain weights, JSON", false, &to_doremi},
    {"regmix", "RegMix, TinyLlama: train and valid weights, YAML", false, &to_regmix},
    {"open-lm", "open_lm, DCLM: command-line words", false, &to_open_lm},
    {"litdata", "litdata, LitGPT: CombinedStreamingDataset, Python", false, &to_litdata},
    {"hf-datasets", "Hugging Face datasets: interleave_datasets, Python", true, &to_hf_datasets},
    {"lingua", "Lingua: sources, YAML", true, &to_lingua},
};

enum { N_FORMATS = sizeof(formats) / sizeof(formats[0]), MAX_NAME = 255 };

const struct emx_mixture_format *emx_mixture_formats(size_t *ret_n)
{
    *ret_n = N_FORMATS;
    return formats;
}

static const struct emx_mixture_format *find_format(const char *name)
{
    for (size_t i = 0; i < N_FORMATS; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

/* --- what every consumer relies on -------------------------------------------------------------------- */

static int by_string(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts them; NULL if all differ. */
static const char *find_twice(const char **strings, size_t n)
{
    qsort(strings, n, sizeof(*strings), by_string);
    for (size_t i = 1; i < n; i++)
        if (strcmp(strings[i - 1], strings[i]) == 0)
            return strings[i];
    return NULL;
}

static enum emx_status check_domain(const struct emx_mixture_domain *d, struct emx_error *err)
{
    if (!utf8_is_valid(d->name))
        return emx_fail(err, EMX_ERR_ARG, "the name of domain %s is not UTF-8", d->name);
    if (*d->name == '\0' || strlen(d->name) > MAX_NAME)
        return emx_fail(err, EMX_ERR_ARG, "the name of domain \"%s\" has not 1 to %d bytes", d->name, MAX_NAME);
    if (!(isfinite(d->proportion) && d->proportion >= 0))
        return emx_fail(err, EMX_ERR_ARG, "the proportion of domain %s, %g, is not a number from 0 to 1", d->name,
                        d->proportion);
    return EMX_OK;
}

static enum emx_status check_names_differ(const struct emx_mixture *m, struct emx_error *err)
{
    const char **names = calloc(m->n_domains, sizeof(*names));
    enum emx_status status = EMX_OK;
    const char *twice;

    if (!names)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < m->n_domains; i++)
        names[i] = m->domains[i].name;
    twice = find_twice(names, m->n_domains);
    if (twice)
        status = emx_fail(err, EMX_ERR_ARG, "two domains have the name %s", twice);
    free(names);
    return status;
}

static enum emx_status check_mixture(const struct emx_mixture *m, struct emx_error *err)
{
    enum emx_status status = EMX_OK;
    long double sum = 0;

    if (m->n_domains == 0)
        return emx_fail(err, EMX_ERR_EMPTY, "the mixture has no domain");
    for (size_t i = 0; i < m->n_domains && status == EMX_OK; i++) {
        status = check_domain(&m->domains[i], err);
        sum += m->domains[i].proportion;
    }
    if (status == EMX_OK && !(fabsl(sum - 1) <= 1e-9L))
        status = emx_fail(err, EMX_ERR_ARG, "the proportions sum to %.12g, not 1", (double)sum);
    if (status == EMX_OK && m->path_template && m->n_domains > 1 && !strstr(m->path_template, "{domain}"))
        status = emx_fail(err, EMX_ERR_ARG, "the path \"%s\" without {domain} in it is the same for all domains",
                          m->path_template);
    return status == EMX_OK ? check_names_differ(m, err) : status;
}

static size_t count_paths(const struct blend *b)
{
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++)
        n += b->entries[i].n_paths;
    return n;
}

/* One folder or file drawn for two domains would be drawn with neither's weight. */
static enum emx_status check_paths(const struct blend *b, struct emx_error *err)
{
    size_t n = 0, n_paths = count_paths(b);
    const char **strings = calloc(n_paths + b->n + 1, sizeof(*strings)), *twice;
    enum emx_status status = EMX_OK;

    if (!strings)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; k < b->entries[i].n_paths; k++)
            strings[n++] = b->entries[i].paths[k];
    for (size_t i = 0; i < n && status == EMX_OK; i++)
        if (!utf8_is_valid(strings[i]))
            status = emx_fail(err, EMX_ERR_ARG, "the path %s is not UTF-8, so the file cannot name it", strings[i]);
    twice = find_twice(strings, n);
    if (twice && status == EMX_OK)
        status =
            emx_fail(err, EMX_ERR_ARG, "%s would be named for more than one domain: give each its own path", twice);
    for (size_t i = 0; i < b->n; i++)
        strings[i] = b->entries[i].label;
    twice = find_twice(strings, b->n);
    if (twice && status == EMX_OK)
        status =
            emx_fail(err, EMX_ERR_ARG, "%s would be the name of two parts of the mixture: rename the domain", twice);
    free(strings);
    return status;
}

/* --- notes -------------------------------------------------------------------------------------------- */

typedef bool (*entry_test)(const struct blend_entry *e);

static bool is_named(const struct blend_entry *e)
{
    return !e->scanned;
}

static bool is_compressed(const struct blend_entry *e)
{
    for (size_t i = 0; e->scanned && i < e->domain->counted->n_shards; i++)
        if (strcmp(e->domain->counted->shards[i].codec, "none") != 0)
            return true;
    return false;
}

static bool is_sampled(const struct blend_entry *e)
{
    return e->scanned && e->domain->counted->settings.sample_tokens != 0;
}

static bool is_empty(const struct blend_entry *e)
{
    return e->share > 0 && e->domain->counted && e->domain->counted->n_tokens == 0;
}

/* Were documents counted with nothing to tell them apart, each shard as one? */
static bool has_no_document_ends(const struct blend_entry *e)
{
    const struct emx_domain *d = e->domain->counted;

    return d && d->n_shards > 0 && d->settings.eod == EMX_NO_TOKEN && d->n_documents <= d->n_shards;
}

/* A sentence about the entries that pass the test, with the first one's name. */
static void add_note(struct text *t, const struct blend *b, entry_test test, const char *sentence)
{
    const char *first = NULL;
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++) {
        if (!test(&b->entries[i]))
            continue;
        first = first ? first : b->entries[i].label;
        n++;
    }
    if (n == 0)
        return;
    text_addf(t, "%sdomain %s", t->len ? " " : "", first);
    if (n > 1)
        text_addf(t, " and %zu more", n - 1);
    text_addf(t, ": %s", sentence);
}

static void add_notes(struct text *t, const struct blend *b)
{
    const struct emx_mixture_consumer *c = b->format->consumer;

    if (c->unit == PATH_ELSEWHERE && !b->mixture->path_template)
        add_note(t, b, is_named,
                 "the domain's name stands for its data, give a path with {domain} in it to name that.");
    if (c->unit > PATH_ELSEWHERE && !b->mixture->path_template)
        add_note(t, b, is_named,
                 "what was scanned is not in a format that this trainer reads, so the domain's name stands for its "
                 "data; give a path with {domain} in it to name that.");
    if (!c->reads_compressed)
        add_note(t, b, is_compressed,
                 "the shards are compressed; this trainer reads them decompressed, at the paths named.");
    add_note(t, b, is_sampled, "only the shards that were sampled are named.");
    add_note(t, b, is_empty, "it has a weight but no token was counted.");
    if (b->format->per_document)
        add_note(t, b, has_no_document_ends,
                 "nothing told documents apart, so each shard counts as one; scan with an end-of-document token.");
    if (c->note) {
        size_t len = t->len;

        text_add(t, len ? " " : "");
        c->note(t, b);
        if (!t->failed && len && t->len == len + 1)
            t->data[t->len = len] = '\0';
    }
}

/* --- writing ------------------------------------------------------------------------------------------ */

static enum emx_status write_blend(const struct blend *b, char **ret_text, char **ret_note, struct emx_error *err)
{
    struct text string = {0}, note = {0};
    char *string_data, *note_data;
    bool no_note;

    b->format->consumer->write(&string, b);
    add_notes(&note, b);
    no_note = note.len == 0 && !note.failed;
    string_data = text_take(&string);
    note_data = text_take(&note);
    if (!string_data || !note_data) {
        free(string_data);
        free(note_data);
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    }
    if (no_note || !ret_note) {
        free(note_data);
        note_data = NULL;
    }
    *ret_text = string_data;
    if (ret_note)
        *ret_note = note_data;
    return EMX_OK;
}

enum emx_status emx_mixture_format_string(const struct emx_mixture *m, const char *format, char **ret_text,
                                          char **ret_note, struct emx_error *err)
{
    const struct emx_mixture_format *f = find_format(format);
    struct blend *b = NULL;
    enum emx_status status;

    if (!f)
        return emx_fail(err, EMX_ERR_ARG, "there is no mixture format \"%s\"", format);
    status = check_mixture(m, err);
    if (status == EMX_OK)
        status = blend_create(m, f, &b, err);
    if (status == EMX_OK)
        status = check_paths(b, err);
    if (status == EMX_OK && f->consumer->check)
        status = f->consumer->check(b, err);
    if (status == EMX_OK)
        status = write_blend(b, ret_text, ret_note, err);
    blend_destroy(&b);
    return status;
}
