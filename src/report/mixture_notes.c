/* Sentences about a mixture that no one would guess from the file. */
#include "report/mixture.h"

#include <string.h>

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

/* Was perhaps nothing there to tell documents apart, so that each shard counts as one? */
static bool has_no_document_ends(const struct blend_entry *e)
{
    const struct emx_domain *d = e->domain->counted;

    return d && d->n_shards > 0 && d->settings.eod == EMX_NO_TOKEN && d->n_documents <= d->n_shards;
}

/* A sentence about the domains with an entry that passes the test, with the first one's name. */
static void add_note(struct text *t, const struct blend *b, entry_test test, const char *sentence)
{
    const struct emx_mixture_domain *first = NULL, *last = NULL;
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++) {
        const struct blend_entry *e = &b->entries[i];

        if (e->domain == last || !test(e))
            continue;
        first = first ? first : e->domain;
        last = e->domain;
        n++;
    }
    if (n == 0)
        return;
    text_addf(t, "%sdomain %s", t->len ? " " : "", first->name);
    if (n > 1)
        text_addf(t, " and %zu more", n - 1);
    text_addf(t, ": %s", sentence);
}

static void note_left_out(struct text *t, const struct blend *b)
{
    const char *first = NULL;
    size_t n = 0;

    for (size_t i = 0; i < b->mixture->n_domains; i++) {
        const struct emx_mixture_domain *d = &b->mixture->domains[i];

        if (d->proportion > 0)
            continue;
        first = first ? first : d->name;
        n++;
    }
    if (n == 1)
        text_addf(t, "domain %s is left out, as its weight is 0.", first);
    if (n > 1)
        text_addf(t, "%zu domains, the first of them %s, are left out, as their weights are 0.", n, first);
}

static void add_own_note(struct text *t, const struct blend *b)
{
    struct text own = {0};

    b->format->consumer->note(&own, b);
    if (own.len)
        text_addf(t, "%s%s", t->len ? " " : "", own.data);
    t->failed |= own.failed;
    text_finish(&own);
}

void mixture_add_notes(struct text *t, const struct blend *b)
{
    const struct emx_mixture_consumer *c = b->format->consumer;

    if (c->drops_zeros)
        note_left_out(t, b);
    if (c->unit == PATH_ELSEWHERE && !b->mixture->path_template)
        add_note(t, b, is_named,
                 "the domain's name stands for its data; give a path with {domain} in it to name that.");
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
                 "no end-of-document token was given, and there are no more documents than shards; is each shard one "
                 "document?");
    if (c->note)
        add_own_note(t, b);
}
