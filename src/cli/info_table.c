/*
 * info_table.c - state files as tables for people
 */
#include "columns.h"
#include "human.h"
#include "info.h"

#include <inttypes.h>
#include <string.h>

static void print_columns(struct info *i, struct columns *c)
{
    i->failed |= !c || !columns_print(c, i->out);
    columns_destroy(c);
}

static void print_totals(struct info *i, const char *name, const struct emx_state *s)
{
    struct human_number a, b;
    uint64_t n_tokens = 0;
    size_t n_shards = 0, n = emx_state_n_domains(s);

    for (size_t d = 0; d < n; d++) {
        n_tokens += emx_state_domain(s, d)->n_tokens;
        n_shards += emx_state_domain(s, d)->n_shards;
    }
    fprintf(i->out, "%s: %zu domain%s, %s shard%s, %s tokens\n\n", name, n, n == 1 ? "" : "s",
            human_grouped(&a, n_shards), n_shards == 1 ? "" : "s", human_grouped(&b, n_tokens));
}

static void print_domains(struct info *i, const struct emx_state *s)
{
    static const char *const headers[] = {"DOMAIN",     ">SHARDS", ">TOKENS",    ">TYPES",
                                          ">DOCUMENTS", ">PAIRS",  ">PAIR TYPES"};
    struct columns *c = columns_create(headers, sizeof(headers) / sizeof(headers[0]));
    struct human_number n;

    for (size_t d = 0; c && d < emx_state_n_domains(s); d++) {
        const struct emx_domain *domain = emx_state_domain(s, d);

        columns_cell(c, "%s", domain->name);
        columns_cell(c, "%s", human_grouped(&n, domain->n_shards));
        columns_cell(c, "%s", human_grouped(&n, domain->n_tokens));
        columns_cell(c, "%s", human_grouped(&n, domain->tokens.n_types));
        columns_cell(c, "%s", human_grouped(&n, domain->n_documents));
        columns_cell(c, "%s", human_grouped(&n, domain->n_pairs));
        columns_cell(c, "%s", human_grouped(&n, domain->n_pair_types));
    }
    print_columns(i, c);
}

static bool same_settings(const struct emx_domain_settings *a, const struct emx_domain_settings *b)
{
    return a->pairs == b->pairs && a->window == b->window && a->eod == b->eod && a->eod_first == b->eod_first &&
           a->vocabulary == b->vocabulary && a->sample_tokens == b->sample_tokens;
}

static bool all_have_settings(const struct emx_state *s, const struct emx_domain_settings *settings)
{
    for (size_t d = 0; d < emx_state_n_domains(s); d++) {
        if (!same_settings(settings, &emx_state_domain(s, d)->settings))
            return false;
    }
    return true;
}

/* domain: NULL where all have the same. */
static void print_settings(const char *domain, const struct emx_domain_settings *s, FILE *out)
{
    struct human_number n;

    fprintf(out, "%s%s: pairs %s", domain ? "Settings of " : "Settings", domain ? domain : "",
            info_pairs_name(s->pairs));
    if (s->pairs == EMX_PAIRS_WINDOW)
        fprintf(out, ":%" PRIu32, s->window);
    if (s->eod == EMX_NO_TOKEN)
        fputs(", no eod", out);
    else
        fprintf(out, ", eod %" PRIu32 "%s", s->eod, s->eod_first ? " first" : "");
    if (s->vocabulary == 0)
        fputs(", no vocabulary", out);
    else
        fprintf(out, ", vocabulary %" PRIu32, s->vocabulary);
    if (s->sample_tokens > 0)
        fprintf(out, ", sample of %s tokens", human_grouped(&n, s->sample_tokens));
    fputc('\n', out);
}

static void print_all_settings(struct info *i, const struct emx_state *s)
{
    size_t n = emx_state_n_domains(s);

    fputc('\n', i->out);
    if (n > 0 && all_have_settings(s, &emx_state_domain(s, 0)->settings)) {
        print_settings(NULL, &emx_state_domain(s, 0)->settings, i->out);
        return;
    }
    for (size_t d = 0; d < n; d++)
        print_settings(emx_state_domain(s, d)->name, &emx_state_domain(s, d)->settings, i->out);
}

static bool same_vectors(const struct emx_covariance *a, const struct emx_covariance *b)
{
    return a->vectors == b->vectors && a->precise == b->precise && a->dimension == b->dimension &&
           strcmp(a->weighting, b->weighting) == 0 && strcmp(a->source, b->source) == 0;
}

/* One line for neighbours that were measured alike. */
static void print_covariances(struct info *i, const struct emx_state *s)
{
    const struct emx_covariance *last = NULL;
    struct human_number n;

    for (size_t d = 0; d < emx_state_n_domains(s); d++) {
        const struct emx_domain *domain = emx_state_domain(s, d);
        const struct emx_covariance *c = domain->covariance;

        if (!c)
            continue;
        if (!last || !same_vectors(last, c))
            fprintf(i->out, "%sSums over documents: %" PRIu32 " dimensions, vectors from %s, weighting %s%s: ",
                    last ? "\n" : "", c->dimension, c->source, c->weighting, c->precise ? ", precise" : "");
        fprintf(i->out, "%s%s of %s", last && same_vectors(last, c) ? ", " : "", human_grouped(&n, c->n_documents),
                domain->name);
        last = c;
    }
    if (last)
        fputc('\n', i->out);
}

/* An index whose documents do not end in the declared token is worth a look: perhaps the token is wrong. */
static void print_odd_ends(struct info *i, const struct emx_state *s)
{
    struct human_number a, b;

    for (size_t d = 0; d < emx_state_n_domains(s); d++) {
        const struct emx_domain *domain = emx_state_domain(s, d);

        if (domain->n_documents_without_eod > 0)
            fprintf(i->out, "%s: %s of %s documents do not end in the eod token\n", domain->name,
                    human_grouped(&a, domain->n_documents_without_eod), human_grouped(&b, domain->n_documents));
    }
}

static void add_shard(struct columns *c, const char *domain, const struct emx_shard_record *r)
{
    struct human_number n;

    columns_cell(c, "%s", domain);
    columns_cell(c, "%s", r->format);
    columns_cell(c, "%s", r->codec);
    columns_cell(c, "%s", r->dtype);
    columns_cell(c, "%s", human_grouped(&n, r->n_bytes));
    columns_cell(c, "%s", human_grouped(&n, r->n_tokens));
    columns_cell(c, "%s", human_grouped(&n, r->n_documents));
    columns_cell(c, "%016" PRIx64, r->xxh3);
    columns_cell(c, "%s", r->path);
}

static void print_shards(struct info *i, const struct emx_state *s)
{
    static const char *const headers[] = {"DOMAIN",  "FORMAT",     "CODEC", "DTYPE", ">BYTES",
                                          ">TOKENS", ">DOCUMENTS", "XXH3",  "SHARD"};
    struct columns *c = columns_create(headers, sizeof(headers) / sizeof(headers[0]));

    for (size_t d = 0; c && d < emx_state_n_domains(s); d++) {
        const struct emx_domain *domain = emx_state_domain(s, d);

        for (size_t k = 0; k < domain->n_shards; k++)
            add_shard(c, domain->name, &domain->shards[k]);
    }
    fputc('\n', i->out);
    print_columns(i, c);
}

static void add_skipped(struct columns *c, const struct emx_skipped *s)
{
    bool frame = s->what == EMX_SKIPPED_FRAME;

    columns_cell(c, "%s", s->domain);
    columns_cell(c, "%s", info_skipped_name(s->what));
    if (frame)
        columns_cell(c, "%" PRIu64 " .. %" PRIu64, s->byte_begin, s->byte_end);
    else
        columns_cell(c, "all");
    if (frame)
        columns_cell(c, "%" PRIu64 " .. %" PRIu64, s->token_begin, s->token_end);
    else
        columns_cell(c, "all");
    columns_cell(c, "%s", s->reason);
}

static void print_skipped(struct info *i, const struct emx_state *s)
{
    static const char *const headers[] = {"SKIPPED OF", "WHAT", ">BYTES", ">TOKENS", "BECAUSE"};
    struct columns *c;

    if (emx_state_n_skipped(s) == 0)
        return;
    c = columns_create(headers, sizeof(headers) / sizeof(headers[0]));
    for (size_t k = 0; c && k < emx_state_n_skipped(s); k++)
        add_skipped(c, emx_state_skipped(s, k));
    fputc('\n', i->out);
    print_columns(i, c);
}

static void begin(struct info *i)
{
    (void)i;
}

static void print_state(struct info *i, const char *name, const struct emx_state *s)
{
    if (i->n_states > 0)
        fputc('\n', i->out);
    print_totals(i, name, s);
    print_domains(i, s);
    print_all_settings(i, s);
    print_covariances(i, s);
    print_odd_ends(i, s);
    print_skipped(i, s);
    if (i->shards)
        print_shards(i, s);
}

static void end(struct info *i)
{
    (void)i;
}

const struct info_format info_table = {"table", begin, print_state, end};
