/* entromix's own JSON: both kinds of weights, and all that they came from; described in docs/mixture-json.md */
#include "report/consumers.h"
#include "report/decimal.h"

#include <emx/emx.h>

#include <math.h>

enum { MIXTURE_JSON_VERSION = 1 };

static void add_string(struct text *t, const char *key, const char *value)
{
    text_addf(t, "\"%s\": ", key);
    if (value)
        text_add_quoted(t, value);
    else
        text_add(t, "null");
}

static void add_real(struct text *t, const char *key, double value)
{
    text_addf(t, "\"%s\": ", key);
    if (isfinite(value))
        text_add_decimal(t, value);
    else
        text_add(t, "null");
}

static void add_count(struct text *t, const char *key, uint64_t value)
{
    text_addf(t, "\"%s\": %llu", key, (unsigned long long)value);
}

/* null where `none` stands for "none". */
static void add_optional(struct text *t, const char *key, uint64_t value, uint64_t none)
{
    if (value == none)
        text_addf(t, "\"%s\": null", key);
    else
        add_count(t, key, value);
}

static const char *pairs_name(enum emx_pairs_mode mode)
{
    switch (mode) {
    case EMX_PAIRS_WITHIN_DOCUMENT:
        return "within-document";
    case EMX_PAIRS_STREAM:
        return "stream";
    case EMX_PAIRS_WINDOW:
        return "window";
    }
    return NULL;
}

static void add_settings(struct text *t, const struct emx_domain_settings *s)
{
    text_add(t, "        \"settings\": {");
    add_string(t, "pairs", pairs_name(s->pairs));
    text_add(t, ", ");
    add_optional(t, "window", s->window, 0);
    text_add(t, ", ");
    add_optional(t, "eod", s->eod, EMX_NO_TOKEN);
    text_addf(t, ", \"eod_first\": %s, ", s->eod_first ? "true" : "false");
    add_optional(t, "vocabulary", s->vocabulary, 0);
    text_add(t, ", ");
    add_optional(t, "sample_tokens", s->sample_tokens, 0);
    text_add(t, "},\n");
}

static void add_entropies(struct text *t, const struct emx_domain *d)
{
    struct emx_entropies e;

    emx_entropies_compute(&d->tokens, &d->pairs, &d->firsts, &e);
    text_add(t, "        \"entropies\": {");
    add_real(t, "shannon", e.shannon);
    text_add(t, ", ");
    add_real(t, "joint", e.joint);
    text_add(t, ", ");
    add_real(t, "conditional", e.conditional);
    text_add(t, "},\n");
}

static void add_shard(struct text *t, const struct emx_shard_record *s)
{
    text_add(t, "          {");
    add_string(t, "path", s->path);
    text_add(t, ", ");
    add_string(t, "format", s->format);
    text_add(t, ", ");
    add_string(t, "codec", s->codec);
    text_add(t, ", ");
    add_string(t, "dtype", s->dtype);
    text_add(t, ", ");
    add_count(t, "bytes", s->n_bytes);
    text_addf(t, ", \"xxh3\": \"%016llx\", ", (unsigned long long)s->xxh3);
    if (s->index_xxh3)
        text_addf(t, "\"index_xxh3\": \"%016llx\", ", (unsigned long long)s->index_xxh3);
    else
        text_add(t, "\"index_xxh3\": null, ");
    add_count(t, "tokens", s->n_tokens);
    text_add(t, ", ");
    add_count(t, "documents", s->n_documents);
    text_add(t, ", ");
    add_count(t, "pairs", s->n_pairs);
    text_add(t, "}");
}

static void add_counted(struct text *t, const struct emx_domain *d)
{
    if (!d) {
        text_add(t, "      \"counted\": null\n");
        return;
    }
    text_add(t, "      \"counted\": {\n        ");
    add_count(t, "tokens", d->n_tokens);
    text_add(t, ", ");
    add_count(t, "token_types", d->tokens.n_types);
    text_add(t, ", ");
    add_count(t, "documents", d->n_documents);
    text_add(t, ",\n        ");
    add_count(t, "pairs", d->n_pairs);
    text_add(t, ", ");
    add_count(t, "pair_types", d->pairs.n_types);
    text_add(t, ",\n");
    add_settings(t, &d->settings);
    add_entropies(t, d);
    text_add(t, "        \"shards\": [");
    for (size_t i = 0; i < d->n_shards; i++) {
        text_add(t, i ? ",\n" : "\n");
        add_shard(t, &d->shards[i]);
    }
    text_add(t, d->n_shards ? "\n        ]\n      }\n" : "]\n      }\n");
}

static void add_domain(struct text *t, const struct blend_entry *e, const char *probability)
{
    text_add(t, "    {\n      ");
    add_string(t, "name", e->label);
    text_addf(t, ",\n      \"proportion\": %s,\n      ", e->number);
    add_real(t, "proportion_error", e->domain->proportion_error);
    text_addf(t, ",\n      \"document_probability\": %s,\n      ", probability ? probability : "null");
    add_real(t, "entropy", e->domain->entropy);
    text_add(t, ",\n      ");
    add_real(t, "entropy_error", e->domain->entropy_error);
    text_add(t, ",\n");
    add_counted(t, e->domain->counted);
    text_add(t, "    }");
}

static void add_origin(struct text *t, const struct emx_mixture *m)
{
    text_addf(t, "{\n  \"format\": \"entromix-mixture\",\n  \"version\": %d,\n  ", MIXTURE_JSON_VERSION);
    text_addf(t, "\"tool\": \"entromix %s\",\n  ", emx_version());
    add_string(t, "source", m->source);
    text_add(t, ",\n  ");
    add_string(t, "proxy", m->proxy);
    text_add(t, ",\n  ");
    add_string(t, "estimator", m->proxy && !m->estimator ? "plugin" : m->estimator);
    text_add(t, ",\n  ");
    add_optional(t, "at_tokens", m->at_tokens, 0);
    text_addf(t, ",\n  \"first_component_removed\": %s,\n  ", m->first_component_removed ? "true" : "false");
    add_real(t, "temperature", m->options.temperature);
    text_add(t, ",\n  ");
    add_real(t, "floor", m->options.floor);
    text_add(t, ",\n  ");
    add_real(t, "cap", m->options.cap);
    text_add(t, ",\n");
}

static void write_json(struct text *t, const struct blend *b)
{
    char **probability = document_decimals(b, &t->failed);

    add_origin(t, b->mixture);
    text_add(t, "  \"domains\": [");
    for (size_t i = 0; i < b->n; i++) {
        text_add(t, i ? ",\n" : "\n");
        add_domain(t, &b->entries[i], probability ? probability[i] : NULL);
    }
    text_add(t, "\n  ]\n}\n");
    document_decimals_free(probability, b->n);
}

const struct emx_mixture_consumer to_json = {.write = write_json};
