/*
 * state_verify.c - check all that a state file says against its rows
 *
 * Opening has checked the small sections and cursors check the form of the tables, so what is left is the bytes of
 * every section against its checksum, and totals and spectra against those that the rows give.
 */
#include "entropy/spectrum_builder.h"
#include "state/covariance.h"
#include "state/domain_tally.h"
#include "state/pair_cursor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

#define CHUNK_BYTES ((size_t)1 << 20)

static enum emx_status hash_section(const struct emx_state *s, const struct section *section, unsigned char *chunk,
                                    XXH3_state_t *hash, struct emx_error *err)
{
    XXH3_64bits_reset(hash);
    for (uint64_t at = 0; at < section->len;) {
        size_t n = section->len - at < CHUNK_BYTES ? (size_t)(section->len - at) : CHUNK_BYTES;
        enum emx_status status = file_read_at(s->file, section->offset + at, chunk, n, err);

        if (status != EMX_OK)
            return status;
        XXH3_64bits_update(hash, chunk, n);
        at += n;
    }
    if (XXH3_64bits_digest(hash) != section->xxh3)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: checksum of the section at byte %" PRIu64 " does not match",
                        state_name(s), section->offset);
    return EMX_OK;
}

static enum emx_status verify_checksums(const struct emx_state *s, struct emx_error *err)
{
    unsigned char *chunk = malloc(CHUNK_BYTES);
    XXH3_state_t *hash = XXH3_createState();
    enum emx_status status = EMX_OK;

    if (!chunk || !hash)
        status = emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", state_name(s));
    for (size_t i = 0; status == EMX_OK && i < s->n_sections; i++)
        status = hash_section(s, &s->sections[i], chunk, hash, err);
    XXH3_freeState(hash);
    free(chunk);
    return status;
}

static enum emx_status tally_tails(struct emx_state *s, size_t domain, struct domain_tally *t, struct emx_error *err)
{
    struct emx_pair_cursor *c = NULL;
    enum emx_status status = emx_tail_cursor_create(s, domain, &c, err);
    const struct emx_pair_count *rows;
    size_t n = 1;

    while (status == EMX_OK && n) {
        status = pair_cursor_rows(c, &rows, &n, err);
        if (status == EMX_OK)
            status = domain_tally_add_tails(t, rows, n, err);
    }
    emx_pair_cursor_destroy(&c);
    return status;
}

/* Rows as they come: runs may be in parts, which the tally allows. */
static enum emx_status tally_rows(struct domain_tally *t, const struct emx_pair_count *rows, size_t n,
                                  struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < n && status == EMX_OK; i++) {
        struct state_run run = {.first = rows[i].first, .n_rows = 1, .sum = rows[i].count};

        if (t->max_token < rows[i].first)
            t->max_token = rows[i].first;
        if (t->max_token < rows[i].second)
            t->max_token = rows[i].second;
        status = domain_tally_add_run(t, &run, err);
        if (status == EMX_OK && spectrum_builder_add(t->pairs, rows[i].count) != EMX_OK)
            status = emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    }
    return status;
}

static enum emx_status tally_pairs(struct emx_state *s, size_t domain, struct domain_tally *t, struct emx_error *err)
{
    struct emx_pair_cursor *c = NULL;
    enum emx_status status = emx_pair_cursor_create(s, domain, &c, err);
    const struct emx_pair_count *rows;
    size_t n = 1;

    while (status == EMX_OK && n) {
        status = pair_cursor_rows(c, &rows, &n, err);
        if (status == EMX_OK)
            status = tally_rows(t, rows, n, err);
    }
    emx_pair_cursor_destroy(&c);
    return status;
}

static enum emx_status domain_is_wrong(const struct emx_state *s, size_t domain, const char *what,
                                       struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_CORRUPT, "%s: domain %.200s has %s that its rows do not give", state_name(s),
                    s->domains[domain].domain.name, what);
}

static bool same_spectrum(const struct emx_spectrum *a, const struct emx_spectrum *b)
{
    for (size_t i = 0; i < a->len && i < b->len; i++)
        if (a->count[i] != b->count[i] || a->types[i] != b->types[i])
            return false;
    return a->len == b->len;
}

static enum emx_status compare_spectrum(struct emx_state *s, size_t domain, struct emx_spectrum_builder *counted,
                                        const struct emx_spectrum *stored, const char *what, struct emx_error *err)
{
    struct emx_spectrum found;
    enum emx_status status = emx_spectrum_builder_view(counted, &found);

    if (status == EMX_ERR_MEMORY)
        return emx_fail(err, status, "%s: out of memory", state_name(s));
    if (status != EMX_OK || !same_spectrum(&found, stored))
        return domain_is_wrong(s, domain, what, err);
    return EMX_OK;
}

static enum emx_status compare_tally(struct emx_state *s, size_t domain, struct domain_tally *t, struct emx_error *err)
{
    const struct emx_domain *d = &s->domains[domain].domain;
    enum emx_status status;

    if (t->n_tails != d->n_tails || t->n_pairs != d->n_pairs || t->n_pair_types != d->n_pair_types ||
        t->max_token != d->max_token)
        return domain_is_wrong(s, domain, "totals", err);
    status = compare_spectrum(s, domain, t->tokens, &d->tokens, "a spectrum of tokens", err);
    if (status == EMX_OK)
        status = compare_spectrum(s, domain, t->pairs, &d->pairs, "a spectrum of pairs", err);
    if (status == EMX_OK)
        status = compare_spectrum(s, domain, t->firsts, &d->firsts, "a spectrum of first tokens", err);
    return status;
}

static enum emx_status verify_covariance(struct emx_state *s, size_t domain, struct emx_error *err)
{
    wide *sums = NULL;
    enum emx_status status = EMX_OK;

    if (emx_state_domain(s, domain)->covariance)
        status = covariance_load(s, domain, &sums, err);
    free(sums);
    return status;
}

static enum emx_status verify_domain(struct emx_state *s, size_t domain, struct emx_error *err)
{
    struct domain_tally t;
    enum emx_status status = domain_tally_init(&t, err);

    if (status == EMX_OK)
        status = tally_tails(s, domain, &t, err);
    if (status == EMX_OK)
        status = tally_pairs(s, domain, &t, err);
    if (status == EMX_OK)
        status = domain_tally_close(&t, err);
    if (status == EMX_OK)
        status = compare_tally(s, domain, &t, err);
    domain_tally_finish(&t);
    return status == EMX_ERR_RANGE || status == EMX_ERR_ARG ? domain_is_wrong(s, domain, "totals", err) : status;
}

enum emx_status emx_state_verify(struct emx_state *s, struct emx_error *err)
{
    enum emx_status status = verify_checksums(s, err);

    for (size_t i = 0; status == EMX_OK && i < s->n_domains; i++) {
        status = verify_domain(s, i, err);
        if (status == EMX_OK)
            status = verify_covariance(s, i, err);
    }
    return status;
}
