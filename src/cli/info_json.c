/*
 * info_json.c - state files as JSON
 */
#include "info.h"
#include "report.h"

#include <inttypes.h>

static void set(struct info *i, json_t *object, const char *key, json_t *value)
{
    i->failed |= json_object_set_new(object, key, value) != 0;
}

static void set_count(struct info *i, json_t *object, const char *key, uint64_t n)
{
    set(i, object, key, report_json_count(n));
}

static void set_optional(struct info *i, json_t *object, const char *key, uint64_t n, bool is_set)
{
    set(i, object, key, is_set ? report_json_count(n) : json_null());
}

static void set_checksum(struct info *i, json_t *object, const char *key, uint64_t xxh3, bool is_set)
{
    char digits[17];

    snprintf(digits, sizeof(digits), "%016" PRIx64, xxh3);
    set(i, object, key, is_set ? json_string(digits) : json_null());
}

static json_t *settings_json(struct info *i, const struct emx_domain_settings *s)
{
    json_t *j = json_object();

    set(i, j, "pairs", json_string(info_pairs_name(s->pairs)));
    set_optional(i, j, "window", s->window, s->pairs == EMX_PAIRS_WINDOW);
    set_optional(i, j, "eod", s->eod, s->eod != EMX_NO_TOKEN);
    set(i, j, "eod_first", json_boolean(s->eod_first));
    set_optional(i, j, "vocabulary", s->vocabulary, s->vocabulary != 0);
    set_optional(i, j, "sample_tokens", s->sample_tokens, s->sample_tokens != 0);
    return j;
}

static json_t *shard_json(struct info *i, const struct emx_shard_record *r)
{
    json_t *j = json_object();

    set(i, j, "path", report_json_text(r->path));
    set(i, j, "format", report_json_text(r->format));
    set(i, j, "codec", report_json_text(r->codec));
    set(i, j, "dtype", report_json_text(r->dtype));
    set_count(i, j, "bytes", r->n_bytes);
    set_count(i, j, "tokens", r->n_tokens);
    set_count(i, j, "documents", r->n_documents);
    set_count(i, j, "pairs", r->n_pairs);
    set_checksum(i, j, "xxh3", r->xxh3, true);
    set_checksum(i, j, "index_xxh3", r->index_xxh3, r->index_xxh3 != 0);
    return j;
}

static json_t *covariance_json(struct info *i, const struct emx_covariance *c)
{
    json_t *j;

    if (!c)
        return json_null();
    j = json_object();
    set_count(i, j, "dimension", c->dimension);
    set(i, j, "source", report_json_text(c->source));
    set(i, j, "weighting", report_json_text(c->weighting));
    set(i, j, "precise", json_boolean(c->precise));
    set_checksum(i, j, "vectors", c->vectors, true);
    set_count(i, j, "documents_requested", c->n_requested);
    set_count(i, j, "seed", c->seed);
    set_count(i, j, "documents", c->n_documents);
    set_count(i, j, "documents_left_out", c->n_left_out);
    set_count(i, j, "tokens", c->n_tokens);
    set_count(i, j, "tokens_without_vector", c->n_tokens_without_vector);
    return j;
}

static json_t *domain_json(struct info *i, const struct emx_domain *d)
{
    json_t *j = json_object(), *shards = json_array();

    set(i, j, "name", report_json_text(d->name));
    set_count(i, j, "tokens", d->n_tokens);
    set_count(i, j, "documents", d->n_documents);
    set_count(i, j, "documents_without_eod", d->n_documents_without_eod);
    set_count(i, j, "pairs", d->n_pairs);
    set_count(i, j, "token_types", d->tokens.n_types);
    set_count(i, j, "pair_types", d->n_pair_types);
    set_count(i, j, "max_token", d->max_token);
    set(i, j, "settings", settings_json(i, &d->settings));
    set(i, j, "covariance", covariance_json(i, d->covariance));
    for (size_t k = 0; k < d->n_shards; k++)
        i->failed |= json_array_append_new(shards, shard_json(i, &d->shards[k])) != 0;
    set(i, j, "shards", shards);
    return j;
}

static json_t *range_json(struct info *i, uint64_t begin, uint64_t end)
{
    json_t *j = json_array();

    i->failed |= json_array_append_new(j, report_json_count(begin)) != 0;
    i->failed |= json_array_append_new(j, report_json_count(end)) != 0;
    return j;
}

static json_t *skipped_json(struct info *i, const struct emx_skipped *s)
{
    json_t *j = json_object();
    bool frame = s->what == EMX_SKIPPED_FRAME;

    set(i, j, "domain", report_json_text(s->domain));
    set(i, j, "path", report_json_text(s->path));
    set(i, j, "what", json_string(info_skipped_name(s->what)));
    set(i, j, "bytes", frame ? range_json(i, s->byte_begin, s->byte_end) : json_null());
    set(i, j, "tokens", frame ? range_json(i, s->token_begin, s->token_end) : json_null());
    set(i, j, "reason", report_json_text(s->reason));
    return j;
}

static void begin(struct info *i)
{
    i->document = json_array();
}

static void add_state(struct info *i, const char *name, const struct emx_state *s)
{
    json_t *j = json_object(), *domains = json_array(), *skipped = json_array();

    set(i, j, "state", report_json_text(name));
    set_count(i, j, "version", EMX_STATE_VERSION);
    for (size_t d = 0; d < emx_state_n_domains(s); d++)
        i->failed |= json_array_append_new(domains, domain_json(i, emx_state_domain(s, d))) != 0;
    set(i, j, "domains", domains);
    for (size_t k = 0; k < emx_state_n_skipped(s); k++)
        i->failed |= json_array_append_new(skipped, skipped_json(i, emx_state_skipped(s, k))) != 0;
    set(i, j, "skipped", skipped);
    i->failed |= json_array_append_new(i->document, j) != 0;
}

static void end(struct info *i)
{
    i->failed |= !report_print_json(json_pack("{s:o}", "states", i->document), i->out);
}

const struct info_format info_json = {"json", begin, add_state, end};
