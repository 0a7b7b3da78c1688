/*
 * info_csv.c - state files as CSV: a line a domain, or a line a shard
 */
#include "info.h"
#include "report.h"

#include <inttypes.h>

static void begin(struct info *i)
{
    if (i->skipped)
        fputs("state,domain,path,what,byte_begin,byte_end,token_begin,token_end,reason\n", i->out);
    else if (i->shards)
        fputs("state,domain,path,format,codec,dtype,bytes,tokens,documents,pairs,xxh3,index_xxh3\n", i->out);
    else
        fputs("state,domain,shards,tokens,documents,documents_without_eod,pairs,token_types,pair_types,max_token,"
              "pairs_mode,window,eod,eod_first,vocabulary,sample_tokens\n",
              i->out);
}

/* A number, or nothing where it was not set. */
static void print_optional(uint64_t n, bool is_set, FILE *out)
{
    fputc(',', out);
    if (is_set)
        fprintf(out, "%" PRIu64, n);
}

static void print_names(const char *state, const char *domain, FILE *out)
{
    report_csv_text(state, out);
    fputc(',', out);
    report_csv_text(domain, out);
}

static void print_domain(const char *state, const struct emx_domain *d, FILE *out)
{
    const struct emx_domain_settings *s = &d->settings;

    print_names(state, d->name, out);
    fprintf(out, ",%zu,%" PRIu64 ",%" PRIu64 ",%" PRIu64, d->n_shards, d->n_tokens, d->n_documents,
            d->n_documents_without_eod);
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu32, d->n_pairs, d->tokens.n_types, d->n_pair_types,
            d->max_token);
    fprintf(out, ",%s", info_pairs_name(s->pairs));
    print_optional(s->window, s->pairs == EMX_PAIRS_WINDOW, out);
    print_optional(s->eod, s->eod != EMX_NO_TOKEN, out);
    fprintf(out, ",%s", s->eod_first ? "true" : "false");
    print_optional(s->vocabulary, s->vocabulary != 0, out);
    print_optional(s->sample_tokens, s->sample_tokens != 0, out);
    fputc('\n', out);
}

static void print_shard(const char *state, const char *domain, const struct emx_shard_record *r, FILE *out)
{
    print_names(state, domain, out);
    fputc(',', out);
    report_csv_text(r->path, out);
    fprintf(out, ",%s,%s,%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%016" PRIx64 ",", r->format, r->codec,
            r->dtype, r->n_bytes, r->n_tokens, r->n_documents, r->n_pairs, r->xxh3);
    if (r->index_xxh3)
        fprintf(out, "%016" PRIx64, r->index_xxh3);
    fputc('\n', out);
}

static void print_skipped(const char *state, const struct emx_skipped *s, FILE *out)
{
    bool frame = s->what == EMX_SKIPPED_FRAME;

    print_names(state, s->domain, out);
    fputc(',', out);
    report_csv_text(s->path, out);
    fprintf(out, ",%s", info_skipped_name(s->what));
    print_optional(s->byte_begin, frame, out);
    print_optional(s->byte_end, frame, out);
    print_optional(s->token_begin, frame, out);
    print_optional(s->token_end, frame, out);
    fputc(',', out);
    report_csv_text(s->reason, out);
    fputc('\n', out);
}

static void print_state(struct info *i, const char *name, const struct emx_state *s)
{
    for (size_t k = 0; i->skipped && k < emx_state_n_skipped(s); k++)
        print_skipped(name, emx_state_skipped(s, k), i->out);
    if (i->skipped)
        return;
    for (size_t d = 0; d < emx_state_n_domains(s); d++) {
        const struct emx_domain *domain = emx_state_domain(s, d);

        if (!i->shards)
            print_domain(name, domain, i->out);
        for (size_t k = 0; i->shards && k < domain->n_shards; k++)
            print_shard(name, domain->name, &domain->shards[k], i->out);
    }
}

static void end(struct info *i)
{
    (void)i;
}

const struct info_format info_csv = {"csv", begin, print_state, end};
