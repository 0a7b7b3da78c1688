/*
 * domain_codec.c - the small sections of a domain, to bytes and back
 */
#include "state/domain_codec.h"

#include "state/fields.h"

#include <stdlib.h>

static void write_leb128(FILE *to, uint64_t v)
{
    unsigned char bytes[LEB128_MAX_BYTES];

    fwrite(bytes, (size_t)(put_leb128(bytes, v) - bytes), 1, to);
}

void shards_encode(const struct emx_shard_record *shards, size_t n, FILE *to)
{
    for (size_t i = 0; i < n; i++) {
        const struct emx_shard_record *s = &shards[i];

        write_u64(to, s->n_bytes);
        write_u64(to, s->xxh3);
        write_u64(to, s->index_xxh3);
        write_u64(to, s->n_tokens);
        write_u64(to, s->n_documents);
        write_u64(to, s->n_pairs);
        write_string(to, s->path);
        write_string(to, s->format);
        write_string(to, s->codec);
        write_string(to, s->dtype);
    }
}

static void encode_spectrum(const struct emx_spectrum *s, FILE *to)
{
    write_leb128(to, s->len);
    for (size_t i = 0; i < s->len; i++) {
        write_leb128(to, s->count[i] - (i ? s->count[i - 1] : 0));
        write_leb128(to, s->types[i]);
    }
}

void spectra_encode(const struct emx_domain *d, FILE *to)
{
    encode_spectrum(&d->tokens, to);
    encode_spectrum(&d->pairs, to);
    encode_spectrum(&d->firsts, to);
}

void domain_encode(const struct emx_domain *d, FILE *to)
{
    write_u32(to, (uint32_t)d->settings.pairs);
    write_u32(to, d->settings.window);
    write_u32(to, d->settings.eod);
    write_u32(to, d->settings.eod_first);
    write_u32(to, d->settings.vocabulary);
    write_u32(to, d->max_token);
    write_u64(to, d->settings.sample_tokens);
    write_u64(to, d->n_tokens);
    write_u64(to, d->n_documents);
    write_u64(to, d->n_documents_without_eod);
    write_u64(to, d->n_pairs);
    write_u64(to, d->n_pair_types);
    write_u64(to, d->n_tails);
    write_u64(to, d->n_shards);
    write_string(to, d->name);
}

void stored_domain_finish(struct stored_domain *d)
{
    free(d->shard_bytes);
    free(d->domain_bytes);
    free(d->shards);
    free(d->spectra);
    free(d->covariance_bytes);
    *d = (struct stored_domain){0};
}

static bool decode_shard(const char **p, const char *end, struct emx_shard_record *s)
{
    const char *fixed = *p;

    if (end - *p < SHARD_FIXED_BYTES)
        return false;
    s->n_bytes = get_u64(fixed);
    s->xxh3 = get_u64(fixed + 8);
    s->index_xxh3 = get_u64(fixed + 16);
    s->n_tokens = get_u64(fixed + 24);
    s->n_documents = get_u64(fixed + 32);
    s->n_pairs = get_u64(fixed + 40);
    *p += SHARD_FIXED_BYTES;
    return (s->path = read_string(p, end)) && (s->format = read_string(p, end)) && (s->codec = read_string(p, end)) &&
           (s->dtype = read_string(p, end));
}

static const char *decode_shards(struct stored_domain *d, uint64_t n, bool *ret_memory)
{
    const char *p = d->shard_bytes, *end = p + d->n_shard_bytes;

    if (n > MAX_SHARDS || n > d->n_shard_bytes / SHARD_FIXED_BYTES)
        return "more shards than its shard records have room for";
    d->shards = malloc((size_t)(n ? n : 1) * sizeof(*d->shards));
    if (!d->shards) {
        *ret_memory = true;
        return "out of memory";
    }
    for (size_t i = 0; i < n; i++)
        if (!decode_shard(&p, end, &d->shards[i]))
            return "shard records that are cut off";
    d->domain.shards = d->shards;
    d->domain.n_shards = (size_t)n;
    return p == end ? NULL : "bytes after its shard records";
}

/* Numbers of one spectrum into `numbers` (all counts, then all types), which has room for n. */
static const unsigned char *decode_spectrum(const unsigned char *p, const unsigned char *end, uint64_t *numbers,
                                            size_t n, size_t *ret_len)
{
    uint64_t len, step, count = 0;

    p = get_leb128(p, end, &len);
    if (!p || len > n / 2)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        p = get_leb128(p, end, &step);
        if (!p || __builtin_add_overflow(count, step, &count))
            return NULL;
        numbers[i] = count;
        p = get_leb128(p, end, &numbers[len + i]);
        if (!p)
            return NULL;
    }
    *ret_len = (size_t)len;
    return p;
}

static const char *decode_spectra(struct stored_domain *d, const unsigned char *p, size_t n, bool *ret_memory)
{
    struct emx_spectrum *const spectra[] = {&d->domain.tokens, &d->domain.pairs, &d->domain.firsts};
    const unsigned char *end = p + n;
    uint64_t *numbers;

    /* Each number takes at least one byte, so n is room for all. */
    d->spectra = numbers = malloc((n ? n : 1) * sizeof(*numbers));
    if (!numbers) {
        *ret_memory = true;
        return "out of memory";
    }
    for (size_t i = 0; i < 3; i++) {
        size_t len;

        p = decode_spectrum(p, end, numbers, n - (size_t)(numbers - d->spectra), &len);
        if (!p)
            return "spectra that are cut off or out of range";
        if (emx_spectrum_view(numbers, numbers + len, len, spectra[i]) != EMX_OK)
            return "a spectrum that does not ascend or adds up to 2^64";
        numbers += 2 * len;
    }
    return p == end ? NULL : "bytes after its spectra";
}

static const char *decode_domain(struct stored_domain *d, uint64_t *ret_n_shards)
{
    struct emx_domain *to = &d->domain;
    const char *p = d->domain_bytes;

    if (d->n_domain_bytes <= DOMAIN_FIXED_BYTES ||
        memchr(p + DOMAIN_FIXED_BYTES, '\0', d->n_domain_bytes - DOMAIN_FIXED_BYTES) != p + d->n_domain_bytes - 1)
        return "no name that ends with its section";
    if (get_u32(p) > EMX_PAIRS_WINDOW || get_u32(p + 12) > 1)
        return "unknown settings";
    to->settings.pairs = (enum emx_pairs_mode)get_u32(p);
    to->settings.window = get_u32(p + 4);
    to->settings.eod = get_u32(p + 8);
    to->settings.eod_first = get_u32(p + 12);
    to->settings.vocabulary = get_u32(p + 16);
    to->max_token = get_u32(p + 20);
    to->settings.sample_tokens = get_u64(p + 24);
    to->n_tokens = get_u64(p + 32);
    to->n_documents = get_u64(p + 40);
    to->n_documents_without_eod = get_u64(p + 48);
    to->n_pairs = get_u64(p + 56);
    to->n_pair_types = get_u64(p + 64);
    to->n_tails = get_u64(p + 72);
    *ret_n_shards = get_u64(p + 80);
    to->name = p + DOMAIN_FIXED_BYTES;
    return NULL;
}

const char *stored_domain_decode(struct stored_domain *d, const unsigned char *spectra, size_t n_spectra,
                                 bool *ret_memory)
{
    struct shard_sums sums;
    uint64_t n_shards = 0;
    const char *wrong = decode_domain(d, &n_shards);

    *ret_memory = false;
    if (!wrong)
        wrong = decode_shards(d, n_shards, ret_memory);
    if (!wrong)
        wrong = decode_spectra(d, spectra, n_spectra, ret_memory);
    if (!wrong)
        wrong = settings_check(&d->domain);
    if (!wrong)
        wrong = shards_check(d->shards, (size_t)n_shards, &sums);
    return wrong ? wrong : totals_check(&d->domain, &sums);
}
