/*
 * mixture -> checked once here -> blend (what the consumer is told) -> the consumer's syntax.  A new consumer is
 * one file (or a few lines beside its relatives), a line in consumers.h and a row of this table.
 */
#include "report/mixture.h"
#include "report/consumers.h"

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

enum { N_FORMATS = sizeof(formats) / sizeof(formats[0]) };

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

static enum emx_status write_blend(const struct blend *b, char **ret_text, char **ret_note, struct emx_error *err)
{
    struct text string = {0}, note = {0};
    char *string_data, *note_data;
    bool no_note;

    b->format->consumer->write(&string, b);
    mixture_add_notes(&note, b);
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
    status = mixture_check(m, err);
    if (status == EMX_OK)
        status = blend_create(m, f, &b, err);
    if (status == EMX_OK)
        status = mixture_check_blend(b, err);
    if (status == EMX_OK && f->consumer->check)
        status = f->consumer->check(b, err);
    if (status == EMX_OK)
        status = write_blend(b, ret_text, ret_note, err);
    blend_destroy(&b);
    return status;
}
