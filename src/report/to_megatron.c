/*
 * Megatron-LM and its relatives: lists of weights and prefixes (a shard PREFIX.bin is named without ".bin").
 * Megatron splits words at white space, without quotes, and takes a list of an even number of words for pairs
 * when each first word reads as a number; weights must be above 0.
 */
#include "report/consumers.h"
#include "util/utf8.h"

#include <string.h>

enum { MAX_DATASETS = 32766 };

/* White space as Python's str.split() sees it. */
static bool is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static bool has_space(const char *s)
{
    size_t len;

    for (; *s; s += len)
        if (is_space(utf8_decode(s, &len)))
            return true;
    return false;
}

/* Skip digits, which single underscores may part; false if there is none. */
static bool skip_digits(const char **s)
{
    const char *p = *s;

    while (*p >= '0' && *p <= '9')
        p += p[1] == '_' && p[2] >= '0' && p[2] <= '9' ? 2 : 1;
    if (p == *s)
        return false;
    *s = p;
    return true;
}

/* Would Python's float() accept it? */
static bool reads_as_number(const char *s)
{
    bool digits;

    s += *s == '+' || *s == '-';
    if (strcasecmp(s, "inf") == 0 || strcasecmp(s, "infinity") == 0 || strcasecmp(s, "nan") == 0)
        return true;
    digits = skip_digits(&s);
    if (*s == '.') {
        s++;
        digits |= skip_digits(&s);
    }
    if (!digits)
        return false;
    if (*s == 'e' || *s == 'E') {
        s += s[1] == '+' || s[1] == '-' ? 2 : 1;
        if (!skip_digits(&s))
            return false;
    }
    return *s == '\0';
}

/* Megatron strips each prefix. */
static bool is_stripped(const char *s)
{
    const char *last = s;
    size_t len;

    for (const char *p = s; *p; p += len) {
        last = p;
        utf8_decode(p, &len);
    }
    return is_space(utf8_decode(s, &len)) || is_space(utf8_decode(last, &len));
}

static enum emx_status check_prefix(const struct blend_entry *e, struct emx_error *err)
{
    const char *prefix = e->paths[0], *name = e->domain->name;

    if (*prefix == '\0')
        return emx_fail(err, EMX_ERR_ARG, "domain %s has an empty path prefix", name);
    if (is_stripped(prefix))
        return emx_fail(err, EMX_ERR_ARG, "the prefix \"%s\" of domain %s begins or ends with white space", prefix,
                        name);
    if (reads_as_number(prefix))
        return emx_fail(err, EMX_ERR_ARG, "the prefix \"%s\" of domain %s would be read as a number", prefix, name);
    return EMX_OK;
}

static enum emx_status check_prefixes(const struct blend *b, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    if (b->n > MAX_DATASETS)
        return emx_fail(err, EMX_ERR_ARG, "%zu prefixes are more than the %d that Megatron can blend", b->n,
                        MAX_DATASETS);
    for (size_t i = 0; i < b->n && status == EMX_OK; i++)
        status = check_prefix(&b->entries[i], err);
    return status;
}

static enum emx_status check_words(const struct blend *b, struct emx_error *err)
{
    for (size_t i = 0; i < b->n; i++) {
        const char *prefix = b->entries[i].paths[0], *name = b->entries[i].domain->name;

        if (has_space(prefix))
            return emx_fail(err, EMX_ERR_ARG,
                            "the prefix \"%s\" of domain %s holds white space, at which Megatron splits its words",
                            prefix, name);
        if (*prefix == '-')
            return emx_fail(err, EMX_ERR_ARG, "the prefix \"%s\" of domain %s would be read as an option", prefix,
                            name);
    }
    return check_prefixes(b, err);
}

static void write_words(struct text *t, const struct blend *b)
{
    for (size_t i = 0; i < b->n; i++)
        text_addf(t, "%s %s\n", b->entries[i].number, b->entries[i].paths[0]);
}

static void write_per_split(struct text *t, const struct blend *b)
{
    text_add(t, "{\n  \"train\": [");
    for (size_t i = 0; i < b->n; i++) {
        text_addf(t, "%s\n    \"%s\", ", i ? "," : "", b->entries[i].number);
        text_add_quoted(t, b->entries[i].paths[0]);
    }
    text_add(t, "\n  ],\n  \"valid\": null,\n  \"test\": null\n}\n");
}

static void note_per_split(struct text *t, const struct blend *b)
{
    (void)b;
    text_add(t, "\"valid\" and \"test\" are null: name held-out data there, and do not give --split.");
}

static void write_nemo(struct text *t, const struct blend *b)
{
    blend_add_comment(t, b);
    text_add(t, "model:\n  data:\n    data_prefix:\n");
    for (size_t i = 0; i < b->n; i++) {
        text_addf(t, "      - %s\n      - ", b->entries[i].number);
        text_add_quoted(t, b->entries[i].paths[0]);
        text_add(t, "\n");
    }
}

static void add_neox_split(struct text *t, const struct blend *b, const char *split)
{
    text_addf(t, "  \"%s-data-paths\": [", split);
    blend_add_paths(t, b);
    text_addf(t, "],\n  \"%s-data-weights\": [", split);
    blend_add_numbers(t, b);
    text_add(t, "]");
}

static void write_gpt_neox(struct text *t, const struct blend *b)
{
    blend_add_comment(t, b);
    text_add(t, "{\n");
    add_neox_split(t, b, "train");
    text_add(t, ",\n");
    add_neox_split(t, b, "valid");
    text_add(t, ",\n");
    add_neox_split(t, b, "test");
    text_add(t, "\n}\n");
}

static void note_gpt_neox(struct text *t, const struct blend *b)
{
    (void)b;
    text_add(t, "GPT-NeoX wants all three splits: the valid and test paths name the training data; replace them by "
                "held-out data.");
}

const struct emx_mixture_consumer to_megatron = {
    .unit = PATH_PREFIX, .shards = "megatron", .drops_zeros = true, .check = check_words, .write = write_words};

const struct emx_mixture_consumer to_megatron_per_split = {.unit = PATH_PREFIX,
                                                           .shards = "megatron",
                                                           .drops_zeros = true,
                                                           .check = check_words,
                                                           .write = write_per_split,
                                                           .note = note_per_split};

const struct emx_mixture_consumer to_nemo = {
    .unit = PATH_PREFIX, .shards = "megatron", .drops_zeros = true, .check = check_prefixes, .write = write_nemo};

const struct emx_mixture_consumer to_gpt_neox = {.unit = PATH_PREFIX,
                                                 .shards = "megatron",
                                                 .drops_zeros = true,
                                                 .check = check_prefixes,
                                                 .write = write_gpt_neox,
                                                 .note = note_gpt_neox};
