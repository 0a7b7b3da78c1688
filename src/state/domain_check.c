/*
 * domain_check.c - what must hold of a domain in a state file, whatever its tables are
 */
#include "state/domain_codec.h"

#include "state/layout.h"

int shard_compare(const struct emx_shard_record *a, const struct emx_shard_record *b)
{
    int order = strcmp(a->path, b->path);

    return order ? order : (a->xxh3 > b->xxh3) - (a->xxh3 < b->xxh3);
}

static const char *check_name(const char *name, const char *empty, const char *too_long)
{
    size_t len = strlen(name);

    return len == 0 ? empty : len > MAX_NAME_BYTES ? too_long : NULL;
}

const char *settings_check(const struct emx_domain *d)
{
    const struct emx_domain_settings *s = &d->settings;

    if ((unsigned)s->pairs > EMX_PAIRS_WINDOW)
        return "an unknown way of pairing";
    if ((s->pairs == EMX_PAIRS_WINDOW) != (s->window != 0))
        return "a window without its way of pairing, or the reverse";
    if (s->eod >= EMX_MAX_VOCABULARY && s->eod != EMX_NO_TOKEN)
        return "an end-of-document token of 2^24 or more";
    if (s->vocabulary > EMX_MAX_VOCABULARY)
        return "a vocabulary above 2^24";
    if (d->n_documents_without_eod > d->n_documents)
        return "more documents without end token than documents";
    return check_name(d->name, "an empty name", "a name above 65535 bytes");
}

static const char *check_strings(const struct emx_shard_record *s)
{
    const char *wrong = check_name(s->path, "a shard without path", "a shard's path above 65535 bytes");

    if (!wrong)
        wrong = check_name(s->format, "a shard without format", "a shard's format above 65535 bytes");
    if (!wrong)
        wrong = check_name(s->codec, "a shard without codec", "a shard's codec above 65535 bytes");
    if (!wrong)
        wrong = check_name(s->dtype, "a shard without dtype", "a shard's dtype above 65535 bytes");
    return wrong;
}

const char *shards_check(const struct emx_shard_record *shards, size_t n, struct shard_sums *ret)
{
    bool overflow = false;

    *ret = (struct shard_sums){0};
    for (size_t i = 0; i < n; i++) {
        const struct emx_shard_record *s = &shards[i];
        const char *wrong = check_strings(s);

        if (wrong)
            return wrong;
        if (i && shard_compare(s - 1, s) >= 0)
            return "shards that do not ascend";
        overflow |= __builtin_add_overflow(ret->n_tokens, s->n_tokens, &ret->n_tokens);
        overflow |= __builtin_add_overflow(ret->n_documents, s->n_documents, &ret->n_documents);
        overflow |= __builtin_add_overflow(ret->n_pairs, s->n_pairs, &ret->n_pairs);
    }
    return overflow ? "shards of 2^64 tokens or more" : NULL;
}

static const char *check_spectra(const struct emx_domain *d)
{
    if (d->tokens.n_total != d->n_tokens)
        return "a spectrum of tokens of another total";
    if (d->pairs.n_total != d->n_pairs || d->pairs.n_types != d->n_pair_types)
        return "a spectrum of pairs of another total";
    if (d->firsts.n_total != d->n_pairs || d->firsts.n_types > d->tokens.n_types)
        return "a spectrum of first tokens of another total";
    if (d->tokens.n_types > (uint64_t)d->max_token + 1)
        return "more types than token numbers";
    return NULL;
}

const char *totals_check(const struct emx_domain *d, const struct shard_sums *sums)
{
    if (d->n_tokens > MAX_TOTAL || d->n_pairs > d->n_tokens || d->n_tails != d->n_tokens - d->n_pairs)
        return "totals that do not agree";
    if (d->max_token >= (d->settings.vocabulary ? d->settings.vocabulary : EMX_MAX_VOCABULARY))
        return "a token at or above the vocabulary";
    if (d->n_shards &&
        (sums->n_tokens != d->n_tokens || sums->n_documents != d->n_documents || sums->n_pairs != d->n_pairs))
        return "shards that do not add up to the domain";
    return check_spectra(d);
}
