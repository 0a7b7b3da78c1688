#include "state/covariance.h"

#include "state/state_file.h"

#include <emx/vne.h>

#include <inttypes.h>
#include <stdlib.h>

#define FIXED_BYTES 80u /* of the head, before its two strings */
#define MOST_HEAD_BYTES (FIXED_BYTES + 2 * (MAX_NAME_BYTES + 1))
#define MOST_WIDTH 16u /* bytes of a sum */

enum { SUMS_AT_ONCE = 4096 };

/* --- checks ------------------------------------------------------------------------------------------------ */

static uint64_t n_taken(const struct emx_covariance *c)
{
    return c->n_documents + c->n_left_out;
}

const char *covariance_difference(const struct emx_covariance *a, const struct emx_covariance *b)
{
    if (a->precise != b->precise)
        return "has sums of another precision";
    if (a->vectors != b->vectors || a->dimension != b->dimension)
        return "has other vectors of tokens";
    if (strcmp(a->weighting, b->weighting) != 0)
        return "weights tokens otherwise";
    if (a->n_requested != b->n_requested || a->seed != b->seed)
        return "takes other documents";
    if (a->n_requested && n_taken(b) > a->n_requested - n_taken(a))
        return "is a sample, and samples do not join";
    return NULL;
}

bool covariance_add(struct emx_covariance *to, const struct emx_covariance *from)
{
    if (from->n_documents > EMX_MAX_DOCUMENTS - to->n_documents)
        return false;
    to->n_documents += from->n_documents;
    to->n_left_out += from->n_left_out;
    to->n_tokens += from->n_tokens;
    to->n_tokens_without_vector += from->n_tokens_without_vector;
    if (strcmp(from->source, to->source) < 0) /* files of one content have one name, whatever the order */
        to->source = from->source;
    return true;
}

void covariance_add_sums(size_t dimension, wide *to, const wide *from)
{
    for (size_t i = 0; i < covariance_n_sums(dimension); i++)
        to[i] += from[i];
}

static bool is_text(const char *s)
{
    size_t len = s ? strlen(s) : 0;

    return len >= 1 && len <= MAX_NAME_BYTES;
}

const char *covariance_check(const struct emx_covariance *c, const struct emx_domain *d)
{
    bool all = c->n_requested == 0 || c->n_requested > d->n_documents;

    if (c->dimension < 1 || c->dimension > EMX_MAX_DIMENSION)
        return "a covariance of no or too many dimensions";
    if (!is_text(c->weighting) || !is_text(c->source))
        return "a covariance of which nothing tells where it is from";
    if (c->n_documents > EMX_MAX_DOCUMENTS || c->n_left_out > d->n_documents ||
        n_taken(c) != (all ? d->n_documents : c->n_requested))
        return "a covariance of more or fewer documents than were taken";
    if (c->n_tokens > d->n_tokens || c->n_tokens_without_vector > c->n_tokens)
        return "a covariance of more tokens than there are";
    return NULL;
}

/* Each document's vector has a length of 2^24, or 2^40, but for rounding.  Within that range nothing overflows. */
const char *covariance_check_sums(const struct emx_covariance *c, const wide *sums)
{
    wide all = (wide)c->n_documents << 2 * emx_density_bits(c->precise), slack = all / 1024, trace = 0;

    for (size_t i = 0; i < covariance_n_sums(c->dimension); i++) {
        if (sums[i] > all + slack || sums[i] < -all - slack)
            return "a covariance out of range";
    }
    for (size_t k = 0, at = 0; k < c->dimension; at += c->dimension - k, k++) {
        trace += sums[at];
        if (sums[at] < 0)
            return "a covariance with a negative variance";
        if (trace > all + slack)
            break;
    }
    if (trace > all + slack || trace < all - slack)
        return "a covariance of another number of documents";
    return NULL;
}

/* --- to bytes ---------------------------------------------------------------------------------------------- */

/* Bytes that the largest of the sums takes, at least 1. */
static uint32_t width_of(const struct emx_covariance *c, const wide *sums)
{
    unsigned_wide all = 0;
    uint32_t width = 1;

    for (size_t i = 0; i < covariance_n_sums(c->dimension); i++)
        all |= (unsigned_wide)(sums[i] < 0 ? ~sums[i] : sums[i]);
    while (width < MOST_WIDTH && all >> (8 * width - 1))
        width++;
    return width;
}

static size_t encode_head(const struct emx_covariance *c, uint32_t width, unsigned char *to)
{
    size_t n_weighting = strlen(c->weighting) + 1, n_source = strlen(c->source) + 1;
    size_t n = FIXED_BYTES + n_weighting + n_source;

    put_u32(to + 8, (uint32_t)n);
    put_u32(to + 12, c->dimension);
    put_u32(to + 16, width);
    put_u32(to + 20, c->precise);
    put_u64(to + 24, c->vectors);
    put_u64(to + 32, c->n_requested);
    put_u64(to + 40, c->seed);
    put_u64(to + 48, c->n_documents);
    put_u64(to + 56, c->n_left_out);
    put_u64(to + 64, c->n_tokens);
    put_u64(to + 72, c->n_tokens_without_vector);
    memcpy(to + FIXED_BYTES, c->weighting, n_weighting);
    memcpy(to + FIXED_BYTES + n_weighting, c->source, n_source);
    put_u64(to, XXH3_64bits(to + 8, n - 8));
    return n;
}

static enum emx_status write_sums(const struct emx_covariance *c, const wide *sums, uint32_t width,
                                  unsigned char *buffer, struct section_writer *w, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (size_t at = 0, n; at < covariance_n_sums(c->dimension) && status == EMX_OK; at += n) {
        n = covariance_n_sums(c->dimension) - at;
        n = n < SUMS_AT_ONCE ? n : SUMS_AT_ONCE;
        for (size_t i = 0; i < n; i++) {
            for (uint32_t k = 0; k < width; k++)
                buffer[i * width + k] = (unsigned char)((unsigned_wide)sums[at + i] >> 8 * k);
        }
        status = section_write(w, buffer, n * width, err);
    }
    return status;
}

enum emx_status covariance_write(const struct emx_covariance *c, const wide *sums, struct section_writer *w,
                                 struct emx_error *err)
{
    uint32_t width = width_of(c, sums);
    unsigned char *buffer =
        malloc(MOST_HEAD_BYTES > SUMS_AT_ONCE * MOST_WIDTH ? MOST_HEAD_BYTES : SUMS_AT_ONCE * MOST_WIDTH);
    enum emx_status status;

    if (!buffer)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    status = section_write(w, buffer, encode_head(c, width, buffer), err);
    if (status == EMX_OK)
        status = write_sums(c, sums, width, buffer, w, err);
    free(buffer);
    return status;
}

/* --- and back ---------------------------------------------------------------------------------------------- */

size_t covariance_head_bytes(const unsigned char *begin, uint64_t section_len)
{
    uint32_t n = get_u32(begin + 8);

    return n > FIXED_BYTES && n <= MOST_HEAD_BYTES && n <= section_len ? n : 0;
}

/* Does it have exactly two strings at its end? */
static bool decode_strings(const char *bytes, size_t n, struct emx_covariance *ret)
{
    const char *p = bytes + FIXED_BYTES, *end = memchr(p, '\0', n - FIXED_BYTES);

    if (!end || end + 1 == bytes + n || memchr(end + 1, '\0', (size_t)(bytes + n - end - 1)) != bytes + n - 1)
        return false;
    ret->weighting = p;
    ret->source = end + 1;
    return true;
}

const char *covariance_decode(const char *bytes, size_t n, uint64_t section_len, struct emx_covariance *ret)
{
    uint32_t width = get_u32(bytes + 16);

    if (XXH3_64bits(bytes + 8, n - 8) != get_u64(bytes))
        return "a covariance whose head does not match its checksum";
    *ret = (struct emx_covariance){.dimension = get_u32(bytes + 12),
                                   .precise = get_u32(bytes + 20),
                                   .vectors = get_u64(bytes + 24),
                                   .n_requested = get_u64(bytes + 32),
                                   .seed = get_u64(bytes + 40),
                                   .n_documents = get_u64(bytes + 48),
                                   .n_left_out = get_u64(bytes + 56),
                                   .n_tokens = get_u64(bytes + 64),
                                   .n_tokens_without_vector = get_u64(bytes + 72)};
    if (get_u32(bytes + 20) > 1 || !decode_strings(bytes, n, ret))
        return "a covariance whose head is damaged";
    if (ret->dimension > EMX_MAX_DIMENSION || width < 1 || width > MOST_WIDTH ||
        section_len - n != covariance_n_sums(ret->dimension) * width)
        return "a covariance that is cut off or too long";
    return NULL;
}

void covariance_decode_sums(const struct emx_covariance *c, const unsigned char *bytes, uint64_t n, wide *ret)
{
    size_t n_sums = covariance_n_sums(c->dimension), width = (size_t)n / n_sums;

    for (size_t i = 0; i < n_sums; i++, bytes += width) {
        unsigned_wide sum = bytes[width - 1] & 0x80 ? ~(unsigned_wide)0 : 0;

        for (size_t k = width; k-- > 0;)
            sum = sum << 8 | bytes[k];
        ret[i] = (wide)sum;
    }
}

/* --- of an open state ---------------------------------------------------------------------------------------- */

static enum emx_status damaged(const struct emx_state *s, size_t domain, const char *wrong, struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_CORRUPT, "%s: domain %.200s has %s", state_name(s), s->domains[domain].domain.name,
                    wrong);
}

enum emx_status covariance_load(struct emx_state *s, size_t domain, wide **ret, struct emx_error *err)
{
    const struct emx_covariance *c = s->domains[domain].domain.covariance;
    const struct section *section = &s->tables[domain].covariance;
    unsigned char *bytes = malloc((size_t)section->len);
    wide *sums = calloc(covariance_n_sums(c->dimension), sizeof(*sums));
    const char *wrong = NULL;
    enum emx_status status;

    if (bytes && sums)
        status = file_read_at(s->file, section->offset, bytes, (size_t)section->len, err);
    else
        status = emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", state_name(s));
    if (status == EMX_OK && XXH3_64bits(bytes, (size_t)section->len) != section->xxh3)
        status = damaged(s, domain, "a covariance that does not match its checksum", err);
    if (status == EMX_OK) {
        size_t n_head = get_u32(bytes + 8);

        covariance_decode_sums(c, bytes + n_head, section->len - n_head, sums);
        wrong = covariance_check_sums(c, sums);
        if (!wrong && section->len - n_head != covariance_n_sums(c->dimension) * width_of(c, sums))
            wrong = "a covariance in more bytes than it takes";
    }
    if (wrong)
        status = damaged(s, domain, wrong, err);
    free(bytes);
    if (status == EMX_OK)
        *ret = sums;
    else
        free(sums);
    return status;
}
