#include "scan/bagged_bytes.h"

#include "state/covariance.h"
#include "state/layout.h"

#include <stdlib.h>
#include <string.h>

enum {
    SUM_BYTES = 16,
    SUMS_AT_ONCE = 4096,
    DOMAIN_NUMBERS = 6,
    STRETCH_BYTES = 64,
    PART_NUMBERS = 6,
    ENTRY_NUMBERS = 4,
    MOST_TOKENS = BLOCK_BYTES, /* of a document that is not summed up: it lies in one block */
    TOKENS_AT_ONCE = 4096,
};

static void put_numbers(const struct bytes_out *to, const uint64_t *x, size_t n)
{
    unsigned char bytes[8 * DOMAIN_NUMBERS];

    for (size_t i = 0; i < n; i++)
        put_u64(bytes + 8 * i, x[i]);
    to->put(to->context, bytes, 8 * n);
}

/* Zeros if there are not as many. */
static bool take_numbers(const struct bytes_in *from, uint64_t *ret, size_t n)
{
    unsigned char bytes[8 * DOMAIN_NUMBERS] = {0};
    bool any = from->take(from->context, bytes, 8 * n);

    for (size_t i = 0; i < n; i++)
        ret[i] = any ? get_u64(bytes + 8 * i) : 0;
    return any;
}

static void put_vector(const struct bytes_out *to, const int64_t *x, size_t dimension)
{
    unsigned char bytes[8 * EMX_MAX_DIMENSION];

    for (size_t i = 0; i < dimension; i++)
        put_u64(bytes + 8 * i, (uint64_t)x[i]);
    to->put(to->context, bytes, 8 * dimension);
}

static bool take_vector(const struct bytes_in *from, int64_t *ret, size_t dimension)
{
    unsigned char bytes[8 * EMX_MAX_DIMENSION];

    if (!from->take(from->context, bytes, 8 * dimension))
        return false;
    for (size_t i = 0; i < dimension; i++)
        ret[i] = (int64_t)get_u64(bytes + 8 * i);
    return true;
}

static enum emx_status no_memory(struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_MEMORY, "out of memory for the sums over a domain's documents");
}

/* --- samples ------------------------------------------------------------------------------------------------- */

static uint64_t n_in(struct sample *s)
{
    return s ? sample_n(s) : 0;
}

/* [n] of `width` bytes. */
static void put_tokens(const struct bytes_out *to, const void *tokens, size_t n, size_t width)
{
    unsigned char bytes[4 * TOKENS_AT_ONCE];

    for (size_t at = 0, now; at < n; at += now) {
        now = n - at < TOKENS_AT_ONCE ? n - at : TOKENS_AT_ONCE;
        for (size_t i = 0; i < now; i++)
            put_u32(bytes + 4 * i,
                    width == 2 ? ((const uint16_t *)tokens)[at + i] : ((const uint32_t *)tokens)[at + i]);
        to->put(to->context, bytes, 4 * now);
    }
}

/* ret NULL: to nowhere. */
static bool take_tokens(const struct bytes_in *from, uint32_t *ret, size_t n)
{
    unsigned char bytes[4 * TOKENS_AT_ONCE];

    for (size_t at = 0, now; at < n; at += now) {
        now = n - at < TOKENS_AT_ONCE ? n - at : TOKENS_AT_ONCE;
        if (!from->take(from->context, bytes, 4 * now))
            return false;
        for (size_t i = 0; i < now && ret; i++)
            ret[at + i] = get_u32(bytes + 4 * i);
    }
    return true;
}

static void put_sample(const struct bytes_out *to, struct sample *s, size_t dimension)
{
    const uint64_t n = n_in(s);

    for (size_t i = 0; i < n; i++) {
        uint64_t hash;
        const struct sampled *d = sample_document(s, i, &hash);

        if (d->part.sum) {
            put_numbers(to, (uint64_t[]){hash, 0, d->part.n_tokens, d->part.n_without_vector}, ENTRY_NUMBERS);
            put_vector(to, d->part.sum, dimension);
        } else {
            put_numbers(to, (uint64_t[]){hash, 1, d->n, 0}, ENTRY_NUMBERS);
            put_tokens(to, d->tokens, d->n, d->width);
        }
    }
}

static enum emx_status take_sum(const struct bytes_in *from, const uint64_t *x, size_t dimension, struct sample *s,
                                struct emx_error *err)
{
    int64_t sum[EMX_MAX_DIMENSION];

    if (!take_vector(from, sum, dimension))
        return EMX_ERR_CORRUPT;
    return sample_offer(s, x[0], &(struct bag_part){sum, x[2], x[3]}, err);
}

static enum emx_status take_waiting(const struct bytes_in *from, const uint64_t *x, struct sample *s,
                                    struct emx_error *err)
{
    uint32_t *tokens;
    enum emx_status status;

    if (x[2] > MOST_TOKENS || x[3])
        return EMX_ERR_CORRUPT;
    tokens = malloc((size_t)(x[2] ? x[2] : 1) * sizeof(*tokens));
    status = tokens ? EMX_OK : no_memory(err);
    if (!take_tokens(from, tokens, (size_t)x[2]))
        status = EMX_ERR_CORRUPT;
    if (!status)
        status = sample_offer_tokens(s, x[0], tokens, (size_t)x[2], sizeof(*tokens), err);
    free(tokens);
    return status;
}

static enum emx_status take_sample(const struct bytes_in *from, uint64_t n, size_t dimension, struct sample *s,
                                   struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (uint64_t i = 0; i < n; i++) {
        uint64_t x[ENTRY_NUMBERS];
        enum emx_status one;

        if (!take_numbers(from, x, ENTRY_NUMBERS) || x[1] > 1)
            return EMX_ERR_CORRUPT;
        one = x[1] ? take_waiting(from, x, s, err) : take_sum(from, x, dimension, s, err);
        if (one == EMX_ERR_CORRUPT)
            return one;
        status = status ? status : one;
    }
    return status;
}

/* --- sums of a domain ------------------------------------------------------------------------------------------ */

static void put_sums(const struct bytes_out *to, const wide *sums, size_t n)
{
    unsigned char bytes[SUM_BYTES * SUMS_AT_ONCE];

    for (size_t at = 0, now; at < n; at += now) {
        now = n - at < SUMS_AT_ONCE ? n - at : SUMS_AT_ONCE;
        for (size_t i = 0; i < now; i++) {
            put_u64(bytes + SUM_BYTES * i, (uint64_t)sums[at + i]);
            put_u64(bytes + SUM_BYTES * i + 8, (uint64_t)(sums[at + i] >> 64));
        }
        to->put(to->context, bytes, SUM_BYTES * now);
    }
}

/* Added to sums[n]; NULL: to nothing. */
static bool take_sums(const struct bytes_in *from, wide *sums, size_t n)
{
    unsigned char bytes[SUM_BYTES * SUMS_AT_ONCE];

    for (size_t at = 0, now; at < n; at += now) {
        now = n - at < SUMS_AT_ONCE ? n - at : SUMS_AT_ONCE;
        if (!from->take(from->context, bytes, SUM_BYTES * now))
            return false;
        for (size_t i = 0; i < now && sums; i++) {
            unsigned_wide high = get_u64(bytes + SUM_BYTES * i + 8);

            sums[at + i] += (wide)(high << 64 | get_u64(bytes + SUM_BYTES * i));
        }
    }
    return true;
}

void bagged_put(const struct bagged *b, size_t dimension, const struct bytes_out *to)
{
    const uint64_t x[DOMAIN_NUMBERS] = {b->n_documents,      b->n_left_out,   b->n_tokens,
                                        b->n_without_vector, b->sums != NULL, n_in(b->sample)};

    put_numbers(to, x, DOMAIN_NUMBERS);
    if (b->sums)
        put_sums(to, b->sums, covariance_n_sums(dimension));
    put_sample(to, b->sample, dimension);
}

enum emx_status bagged_take(struct bagged *b, size_t dimension, const struct bytes_in *from, struct emx_error *err)
{
    uint64_t x[DOMAIN_NUMBERS];
    size_t n = covariance_n_sums(dimension);
    enum emx_status status;

    if (!take_numbers(from, x, DOMAIN_NUMBERS) || x[4] > 1 || (x[5] && !b->sample))
        return EMX_ERR_CORRUPT;
    b->n_documents += x[0];
    b->n_left_out += x[1];
    b->n_tokens += x[2];
    b->n_without_vector += x[3];
    if (x[4] && !b->sums)
        b->sums = calloc(n, sizeof(*b->sums));
    if (x[4] && !take_sums(from, b->sums, n))
        return EMX_ERR_CORRUPT;
    status = take_sample(from, x[5], dimension, b->sample, err);
    return x[4] && !b->sums ? no_memory(err) : status;
}

/* --- stretches of a shard ---------------------------------------------------------------------------------------- */

static void put_part(const struct bytes_out *to, const struct document_part *p, size_t dimension)
{
    const uint64_t x[PART_NUMBERS] = {p->begin,        p->is_unwanted,          p->bag.sum != NULL,
                                      p->bag.n_tokens, p->bag.n_without_vector, p->n};

    put_numbers(to, x, PART_NUMBERS);
    if (p->bag.sum)
        put_vector(to, p->bag.sum, dimension);
    put_tokens(to, p->tokens, p->n, sizeof(*p->tokens));
}

static enum emx_status take_part(const struct bytes_in *from, size_t dimension, struct document_part *ret,
                                 struct emx_error *err)
{
    uint64_t x[PART_NUMBERS];

    if (!take_numbers(from, x, PART_NUMBERS) || x[1] > 1 || x[2] > 1 || x[5] > MOST_PART_TOKENS)
        return EMX_ERR_CORRUPT;
    *ret = (struct document_part){
        .begin = x[0], .is_unwanted = x[1], .bag = {.n_tokens = x[3], .n_without_vector = x[4]}, .n = (size_t)x[5]};
    ret->bag.sum = x[2] ? malloc(dimension * sizeof(*ret->bag.sum)) : NULL;
    ret->tokens = x[5] ? malloc(ret->n * sizeof(*ret->tokens)) : NULL;
    if ((x[2] && !ret->bag.sum) || (x[5] && !ret->tokens))
        return no_memory(err);
    if (ret->bag.sum && !take_vector(from, ret->bag.sum, dimension))
        return EMX_ERR_CORRUPT;
    return take_tokens(from, ret->tokens, ret->n) ? EMX_OK : EMX_ERR_CORRUPT;
}

static void put_stretch(const struct bytes_out *to, const struct stretch *s, size_t dimension)
{
    const unsigned char flags[] = {s->end_before, s->end_after, s->n_head, s->n_tail, s->is_cut, 0, 0, 0};
    unsigned char bytes[STRETCH_BYTES];

    put_u64(bytes, s->begin);
    put_u64(bytes + 8, s->end);
    put_u64(bytes + 16, s->index);
    put_u64(bytes + 24, s->next_index);
    put_u32(bytes + 32, s->first);
    put_u32(bytes + 36, s->last);
    memcpy(bytes + 40, flags, sizeof(flags));
    memcpy(bytes + 48, s->bytes_before, sizeof(s->bytes_before));
    memcpy(bytes + 56, s->bytes_after, sizeof(s->bytes_after));
    to->put(to->context, bytes, sizeof(bytes));
    put_part(to, &s->head, dimension);
    put_part(to, &s->tail, dimension);
}

static bool is_possible(const struct stretch *s, const unsigned char *flags)
{
    return s->begin <= s->end && s->index <= s->next_index && s->n_head < sizeof(s->bytes_before) &&
           s->n_tail < sizeof(s->bytes_after) && flags[0] <= 1 && flags[1] <= 1 && flags[4] <= 1;
}

/* What it has is the caller's, also after a failure. */
static enum emx_status take_stretch(const struct bytes_in *from, size_t dimension, struct stretch *ret,
                                    struct emx_error *err)
{
    unsigned char bytes[STRETCH_BYTES];
    const unsigned char *flags = bytes + 40;
    enum emx_status status;

    *ret = (struct stretch){0};
    if (!from->take(from->context, bytes, sizeof(bytes)))
        return EMX_ERR_CORRUPT;
    *ret = (struct stretch){.begin = get_u64(bytes),
                            .end = get_u64(bytes + 8),
                            .index = get_u64(bytes + 16),
                            .next_index = get_u64(bytes + 24),
                            .first = get_u32(bytes + 32),
                            .last = get_u32(bytes + 36),
                            .end_before = flags[0],
                            .end_after = flags[1],
                            .n_head = flags[2],
                            .n_tail = flags[3],
                            .is_cut = flags[4]};
    memcpy(ret->bytes_before, bytes + 48, sizeof(ret->bytes_before));
    memcpy(ret->bytes_after, bytes + 56, sizeof(ret->bytes_after));
    if (!is_possible(ret, flags))
        return EMX_ERR_CORRUPT;
    status = take_part(from, dimension, &ret->head, err);
    return status ? status : take_part(from, dimension, &ret->tail, err);
}

void stretches_put(const struct stretches *s, size_t dimension, const struct bytes_out *to)
{
    put_numbers(to, (uint64_t[]){s->n, n_in(s->sample)}, 2);
    for (size_t i = 0; i < s->n; i++)
        put_stretch(to, &s->list[i], dimension);
    put_sample(to, s->sample, dimension);
}

enum emx_status stretches_take(struct stretches *s, size_t dimension, uint64_t n_wanted, struct chunk_store *store,
                               const struct bytes_in *from, struct emx_error *err)
{
    uint64_t x[2];
    enum emx_status status = EMX_OK;

    if (!take_numbers(from, x, 2))
        return EMX_ERR_CORRUPT;
    for (uint64_t i = 0; i < x[0] && !status; i++) {
        struct stretch one;

        status = take_stretch(from, dimension, &one, err);
        if (!status && !stretches_add(s, &one))
            status = no_memory(err);
        if (status)
            stretch_finish(&one);
    }
    if (status || !x[1])
        return status;
    if (!n_wanted)
        return EMX_ERR_CORRUPT;
    status = sample_create(n_wanted, dimension, store, &s->sample, err);
    return status ? status : take_sample(from, x[1], dimension, s->sample, err);
}
