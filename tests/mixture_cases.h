/*
 * mixture_cases.h - mixtures to write: their domains, what was counted of them, their shards
 *
 * A case owns nothing but itself; strings are literals, or live in its `space`.
 */
#ifndef TESTS_MIXTURE_CASES_H
#define TESTS_MIXTURE_CASES_H

#include <emx/mixture.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASE_DOMAINS 200
#define CASE_SHARDS 400

struct mixture_case {
    struct emx_mixture mixture;
    struct emx_mixture_domain domains[CASE_DOMAINS];
    struct emx_domain counted[CASE_DOMAINS];
    struct emx_shard_record shards[CASE_SHARDS];
    uint64_t rows[CASE_DOMAINS][2]; /* one count, one number of types */
    char space[CASE_DOMAINS][24];
    size_t n_shards;
};

static inline void case_init(struct mixture_case *c)
{
    memset(c, 0, sizeof(*c));
    c->mixture =
        (struct emx_mixture){c->domains, 0, "conditional", EMX_WEIGHTS_DEFAULTS, "corpus.emx", NULL, NULL, 0, false};
}

/* A domain whose tokens are all alike, and that no shard is known of yet. */
static inline void case_domain(struct mixture_case *c, const char *name, double proportion, uint64_t n_tokens,
                               uint64_t n_documents)
{
    size_t i = c->mixture.n_domains++;
    struct emx_domain *d = &c->counted[i];

    if (i == CASE_DOMAINS)
        abort();
    *d = (struct emx_domain){.name = name, .n_tokens = n_tokens, .n_documents = n_documents};
    d->settings = (struct emx_domain_settings){.eod = EMX_NO_TOKEN};
    d->shards = c->shards + c->n_shards;
    c->rows[i][0] = n_tokens;
    c->rows[i][1] = 1;
    if (emx_spectrum_view(&c->rows[i][0], &c->rows[i][1], n_tokens > 0, &d->tokens) != EMX_OK)
        abort();
    d->pairs = d->firsts = d->tokens;
    d->n_pairs = n_tokens;
    d->n_pair_types = n_tokens > 0;
    c->domains[i] =
        (struct emx_mixture_domain){name, proportion, 2.5 + (double)i / 8, d, i == 1 ? NAN : (double)i / 1024, 0.0625};
}

/* A shard of the last domain. */
static inline void case_shard(struct mixture_case *c, const char *path, const char *format, const char *codec,
                              uint64_t n_tokens)
{
    struct emx_domain *d = &c->counted[c->mixture.n_domains - 1];

    if (c->n_shards == CASE_SHARDS)
        abort();
    d->n_shards++;
    c->shards[c->n_shards++] = (struct emx_shard_record){
        .path = path,
        .format = format,
        .codec = codec,
        .dtype = "u16",
        .n_bytes = 2 * n_tokens,
        .xxh3 = 0xFEDCBA9876543210u + n_tokens,
        .n_tokens = n_tokens,
        .n_documents = 1,
    };
}

/* The last domain takes what the others leave of 1. */
static inline void case_rest(struct mixture_case *c)
{
    double sum = 0;

    for (size_t i = 0; i + 1 < c->mixture.n_domains; i++)
        sum += c->domains[i].proportion;
    c->domains[c->mixture.n_domains - 1].proportion = 1 - sum;
}

#endif
