/*
 * shard_args.c - the table of what can be said of shards
 */
#include "corpus.h"

#include <string.h>

static bool format_choice(size_t i, struct opt_choice *ret)
{
    size_t n;
    const struct emx_shard_format *formats = emx_shard_formats(&n);

    if (i >= n)
        return false;
    *ret = (struct opt_choice){formats[i].name, formats[i].summary};
    return true;
}

static bool dtype_choice(size_t i, struct opt_choice *ret)
{
    static const char *const names[] = {"u8",  "u16",   "u32",   "u64",   "i8",    "i16",   "i32",
                                        "i64", "u16be", "u32be", "u64be", "i16be", "i32be", "i64be"};

    if (i >= sizeof(names) / sizeof(names[0]))
        return false;
    *ret = (struct opt_choice){names[i], NULL};
    return true;
}

/* Number, or the word that stands for having none. */
static enum emx_status parse_or_none(const struct opt *o, const char *text, const char *word, uint32_t none, void *to,
                                     struct emx_error *err)
{
    if (strcmp(text, word) == 0) {
        *(uint32_t *)to = none;
        return EMX_OK;
    }
    return opt_u32(o, text, to, err);
}

static enum emx_status parse_eod(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    return parse_or_none(o, text, "none", EMX_NO_TOKEN, to, err);
}

static enum emx_status parse_vocabulary(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    return parse_or_none(o, text, "none", 0, to, err);
}

static enum emx_status parse_sample(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    if (strcmp(text, "all") == 0) {
        *(uint64_t *)to = 0;
        return EMX_OK;
    }
    return opt_tokens(o, text, to, err);
}

static enum emx_status parse_window(const char *text, struct pairs_args *pairs, struct emx_error *err)
{
    uint64_t n = 0;

    if (opt_number(text, &n, err) != EMX_OK)
        return EMX_ERR_ARG;
    if (n < 2 || n > UINT32_MAX)
        return emx_fail(err, EMX_ERR_ARG, "a window has from 2 to %u tokens, not %s", UINT32_MAX, text);
    *pairs = (struct pairs_args){EMX_PAIRS_WINDOW, (uint32_t)n};
    return EMX_OK;
}

static enum emx_status parse_pairs(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    struct pairs_args *pairs = to;

    (void)o;
    if (strncmp(text, "window:", 7) == 0)
        return parse_window(text + 7, pairs, err);
    if (strcmp(text, "within-document") == 0)
        *pairs = (struct pairs_args){EMX_PAIRS_WITHIN_DOCUMENT, 0};
    else if (strcmp(text, "stream") == 0)
        *pairs = (struct pairs_args){EMX_PAIRS_STREAM, 0};
    else
        return emx_fail(err, EMX_ERR_ARG, "'%s' is not known; it is one of within-document, stream or window:N", text);
    return EMX_OK;
}

#define TO(field) offsetof(struct shard_args, field)

const struct opt shard_rows[] = {
    {"format", 0, "FORMAT", "what the shards are; without it, their content tells", TO(format), opt_choose, 0, 0,
     format_choice},
    {"dtype", 0, "TYPE",
     "type of a token where the format does not say: u8, u16, u32, u64, i8, i16, i32 or i64, big-endian with 'be' "
     "added (u16be)",
     TO(dtype), opt_choose, 0, 0, dtype_choice},
    {"column", 0, "NAME", "key or column with the tokens (JSONL, MDS)", TO(column), opt_text, 0, 0, NULL},
    {"eod", 0, "ID", "token that ends a document; 'none' if there is none (default)", TO(eod), parse_eod, 0,
     EMX_MAX_VOCABULARY - 1, NULL},
    {"eod-first", 0, NULL, "that token begins a document instead of ending it", TO(eod_first), opt_flag, 0, 0, NULL},
    {"vocabulary", 0, "N", "every token must be below N; 'none' for no check (default)", TO(vocabulary),
     parse_vocabulary, 1, EMX_MAX_VOCABULARY, NULL},
    {"pairs", 0, "MODE",
     "pairs of tokens that count: within-document (default), stream (also across document ends) or window:N (within "
     "runs of N tokens)",
     TO(pairs), parse_pairs, 0, 0, NULL},
    {"sample", 0, "TOKENS",
     "take about that many tokens of a domain, the same from each shard; K, M, B, T may follow; 'all' (default)",
     TO(sample_tokens), parse_sample, 1, INT64_MAX, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};
