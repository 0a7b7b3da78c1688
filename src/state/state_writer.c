/*
 * state_writer.c - the sections of each domain in their order
 *
 * What is known only after the rows (spectra, totals) comes after them.
 */
#include "state/block_encode.h"
#include "state/covariance.h"
#include "state/domain_codec.h"
#include "state/domain_tally.h"
#include "state/section_writer.h"
#include "state/skipped.h"
#include "util/memory_text.h"

#include <assert.h>
#include <stdlib.h>

enum phase {
    BETWEEN_DOMAINS,
    TAILS_NEXT, /* domain begun */
    PAIRS_NEXT, /* section of pairs open */
};

struct emx_state_writer {
    struct section_writer file;
    enum phase phase;
    uint32_t n_domains;
    struct emx_domain domain; /* in progress; name is ours, shards are gone */
    struct shard_sums sums;
    struct domain_tally tally;
    struct state_encoder *encoder; /* for rows that come one by one */
    struct state_block block;
    struct emx_pair_count *rows; /* [n_rows] of PAIR_BLOCK_ROWS, not yet encoded */
    size_t n_rows;
    size_t last_block_rows; /* of the block appended last, 0 if none */
    uint64_t last_key;
    bool has_covariance; /* the domain that ended last */
};

static enum emx_status out_of_memory(struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
}

/* Say where rows were wrong; `err` has what was wrong with them. */
static enum emx_status domain_failed(const struct emx_state_writer *w, enum emx_status status, struct emx_error *err)
{
    struct emx_error inner;

    if (!err)
        return status;
    inner = *err;
    return emx_fail(err, status, "%s: domain %.200s: %.500s", outfile_name(w->file.out), w->domain.name, inner.message);
}

/* A small section is put together in memory: what was printed there becomes the section. */
static enum emx_status write_text_section(struct emx_state_writer *w, struct memory_text *m, enum section_type type,
                                          uint32_t domain, struct emx_error *err)
{
    enum emx_status status = memory_text_close(m) ? EMX_OK : out_of_memory(err);

    section_begin(&w->file);
    if (status == EMX_OK)
        status = section_write(&w->file, m->bytes, m->len, err);
    if (status == EMX_OK)
        status = section_end(&w->file, type, domain, err);
    memory_text_finish(m);
    return status;
}

static enum emx_status write_small_section(struct emx_state_writer *w, enum section_type type,
                                           const struct emx_shard_record *shards, struct emx_error *err)
{
    struct memory_text m;

    if (!memory_text_open(&m))
        return out_of_memory(err);
    if (type == SECTION_SHARDS)
        shards_encode(shards, w->domain.n_shards, m.stream);
    else if (type == SECTION_SPECTRA)
        spectra_encode(&w->domain, m.stream);
    else
        domain_encode(&w->domain, m.stream);
    return write_text_section(w, &m, type, w->n_domains, err);
}

enum emx_status emx_state_writer_create(const char *path, struct emx_state_writer **ret, struct emx_error *err)
{
    struct emx_state_writer *w = calloc(1, sizeof(*w));
    enum emx_status status;

    if (!w)
        return out_of_memory(err);
    w->rows = malloc(PAIR_BLOCK_ROWS * sizeof(*w->rows));
    status = w->rows ? state_encoder_create(&w->encoder, err) : out_of_memory(err);
    if (status == EMX_OK)
        status = section_writer_open(&w->file, path, err);
    if (status != EMX_OK)
        emx_state_writer_destroy(&w);
    else
        *ret = w;
    return status;
}

static void forget_domain(struct emx_state_writer *w)
{
    free((char *)w->domain.name);
    w->domain = (struct emx_domain){0};
}

void emx_state_writer_destroy(struct emx_state_writer **ptr)
{
    struct emx_state_writer *w = *ptr;

    if (!w)
        return;
    section_writer_close(&w->file);
    domain_tally_finish(&w->tally);
    state_encoder_destroy(&w->encoder);
    state_block_finish(&w->block);
    forget_domain(w);
    free(w->rows);
    free(w);
    *ptr = NULL;
}

static int compare_shards(const void *a, const void *b)
{
    return shard_compare(a, b);
}

/* A copy of the shards in their order. */
static enum emx_status sort_shards(const struct emx_domain *d, struct emx_shard_record **ret, struct emx_error *err)
{
    struct emx_shard_record *sorted = malloc((d->n_shards ? d->n_shards : 1) * sizeof(*sorted));

    if (!sorted)
        return out_of_memory(err);
    if (d->n_shards)
        memcpy(sorted, d->shards, d->n_shards * sizeof(*sorted));
    qsort(sorted, d->n_shards, sizeof(*sorted), compare_shards);
    *ret = sorted;
    for (size_t i = 1; i < d->n_shards; i++)
        if (shard_compare(&sorted[i - 1], &sorted[i]) == 0)
            return emx_fail(err, EMX_ERR_ARG, "shard %s is there twice", sorted[i].path);
    return EMX_OK;
}

/* Replace the last domain by a copy of this one, as far as it is known. */
static enum emx_status adopt_domain(struct emx_state_writer *w, const struct emx_domain *d, struct emx_error *err)
{
    char *name;

    if (w->n_domains >= MAX_DOMAINS || d->n_shards > MAX_SHARDS)
        return emx_fail(err, EMX_ERR_RANGE, "%s: more than 2^20 domains or 2^31 shards", outfile_name(w->file.out));
    if (w->domain.name && strcmp(w->domain.name, d->name) >= 0)
        return emx_fail(err, EMX_ERR_ARG, "%s: domain %.200s comes after %.200s: names must ascend",
                        outfile_name(w->file.out), d->name, w->domain.name);
    name = strdup(d->name);
    if (!name)
        return out_of_memory(err);
    forget_domain(w);
    w->domain = (struct emx_domain){
        .name = name,
        .settings = d->settings,
        .n_shards = d->n_shards,
        .n_documents = d->n_documents,
        .n_documents_without_eod = d->n_documents_without_eod,
    };
    return EMX_OK;
}

static enum emx_status begin_domain(struct emx_state_writer *w, const struct emx_domain *d, struct emx_error *err)
{
    struct emx_shard_record *sorted = NULL;
    enum emx_status status = sort_shards(d, &sorted, err);
    const char *wrong = NULL;

    if (status == EMX_OK) {
        wrong = settings_check(&w->domain);
        if (!wrong)
            wrong = shards_check(sorted, d->n_shards, &w->sums);
        if (wrong)
            status = emx_fail(err, EMX_ERR_ARG, "%s", wrong);
    }
    if (status == EMX_OK)
        status = domain_tally_init(&w->tally, err);
    status = status == EMX_OK ? write_small_section(w, SECTION_SHARDS, sorted, err) : domain_failed(w, status, err);
    free(sorted);
    return status;
}

enum emx_status emx_state_writer_begin_domain(struct emx_state_writer *w, const struct emx_domain *domain,
                                              struct emx_error *err)
{
    enum emx_status status;

    assert(w->phase == BETWEEN_DOMAINS);
    status = adopt_domain(w, domain, err);
    if (status == EMX_OK)
        status = begin_domain(w, domain, err);
    if (status != EMX_OK)
        return status;
    w->phase = TAILS_NEXT;
    w->n_rows = w->last_block_rows = 0;
    section_begin(&w->file);
    return EMX_OK;
}

static enum emx_status write_block(struct emx_state_writer *w, const struct state_block *b, struct emx_error *err)
{
    return section_write(&w->file, b->stored, b->n_stored, err);
}

/* Tails are a pair table with one first token, 0. */
static enum emx_status write_tails(struct emx_state_writer *w, const struct emx_pair_count *rows, size_t n,
                                   struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (size_t at = 0; at < n && status == EMX_OK; at += w->n_rows) {
        for (w->n_rows = 0; w->n_rows < PAIR_BLOCK_ROWS && at + w->n_rows < n; w->n_rows++) {
            const struct emx_pair_count *row = &rows[at + w->n_rows];

            w->rows[w->n_rows] = (struct emx_pair_count){.second = row->first, .count = row->count};
        }
        status = encode_block_uncounted(w->encoder, w->rows, w->n_rows, &w->block, err);
        if (status == EMX_OK)
            status = write_block(w, &w->block, err);
    }
    w->n_rows = 0;
    return status;
}

enum emx_status emx_state_writer_tails(struct emx_state_writer *w, const struct emx_pair_count *rows, size_t n,
                                       struct emx_error *err)
{
    enum emx_status status;

    assert(w->phase == TAILS_NEXT);
    status = domain_tally_add_tails(&w->tally, rows, n, err);
    if (status != EMX_OK)
        return domain_failed(w, status, err);
    status = write_tails(w, rows, n, err);
    if (status == EMX_OK)
        status = section_end(&w->file, SECTION_TAILS, w->n_domains, err);
    w->phase = PAIRS_NEXT;
    section_begin(&w->file);
    return status;
}

/* A domain without tails has an empty section of them. */
static enum emx_status begin_pairs(struct emx_state_writer *w, struct emx_error *err)
{
    return w->phase == TAILS_NEXT ? emx_state_writer_tails(w, NULL, 0, err) : EMX_OK;
}

static enum emx_status check_order(struct emx_state_writer *w, const struct state_block *b, struct emx_error *err)
{
    if (w->last_block_rows && w->last_block_rows != PAIR_BLOCK_ROWS)
        return emx_fail(err, EMX_ERR_ARG, "a block of %zu rows is not the last", w->last_block_rows);
    if (w->last_block_rows && w->last_key >= b->first_key)
        return emx_fail(err, EMX_ERR_ARG, "block that begins with pair (%llu, %llu) does not ascend",
                        (unsigned long long)(b->first_key >> 32), (unsigned long long)(b->first_key & UINT32_MAX));
    return EMX_OK;
}

enum emx_status state_writer_append_block(struct emx_state_writer *w, const struct state_block *b,
                                          struct emx_error *err)
{
    enum emx_status status = begin_pairs(w, err);

    assert(w->phase == PAIRS_NEXT);
    if (status != EMX_OK)
        return status;
    status = check_order(w, b, err);
    for (size_t i = 0; i < b->n_runs && status == EMX_OK; i++)
        status = domain_tally_add_run(&w->tally, &b->runs[i], err);
    if (status != EMX_OK)
        return domain_failed(w, status, err);
    if (w->tally.max_token < b->max_token)
        w->tally.max_token = b->max_token;
    w->last_block_rows = b->n_rows;
    w->last_key = b->last_key;
    return write_block(w, b, err);
}

static enum emx_status encode_and_append(struct emx_state_writer *w, const struct emx_pair_count *rows, size_t n,
                                         struct emx_error *err)
{
    enum emx_status status = state_encode_block(w->encoder, rows, n, &w->block, err);

    return status == EMX_OK ? state_writer_append_block(w, &w->block, err) : domain_failed(w, status, err);
}

enum emx_status emx_state_writer_pairs(struct emx_state_writer *w, const struct emx_pair_count *rows, size_t n,
                                       struct emx_error *err)
{
    enum emx_status status = begin_pairs(w, err);

    assert(w->phase == PAIRS_NEXT);
    while (n && status == EMX_OK) {
        size_t part = PAIR_BLOCK_ROWS - w->n_rows;

        if (part > n)
            part = n;
        if (part == PAIR_BLOCK_ROWS) { /* nothing is waiting: no need to copy */
            status = encode_and_append(w, rows, part, err);
        } else {
            memcpy(w->rows + w->n_rows, rows, part * sizeof(*rows));
            w->n_rows += part;
            if (w->n_rows == PAIR_BLOCK_ROWS) {
                w->n_rows = 0;
                status = encode_and_append(w, w->rows, PAIR_BLOCK_ROWS, err);
            }
        }
        rows += part;
        n -= part;
    }
    return status;
}

/* `pairs`: of blocks that were encoded elsewhere, or NULL. */
static enum emx_status take_spectra(struct emx_state_writer *w, const struct emx_spectrum_builder *pairs,
                                    struct emx_error *err)
{
    enum emx_status status = state_encoder_take_spectrum(w->encoder, w->tally.pairs);

    if (status == EMX_OK && pairs)
        status = emx_spectrum_builder_merge(w->tally.pairs, pairs);
    if (status != EMX_OK)
        return out_of_memory(err);
    return domain_tally_close(&w->tally, err);
}

static enum emx_status view_spectra(struct emx_state_writer *w, struct emx_error *err)
{
    enum emx_status status = emx_spectrum_builder_view(w->tally.tokens, &w->domain.tokens);

    if (status == EMX_OK)
        status = emx_spectrum_builder_view(w->tally.pairs, &w->domain.pairs);
    if (status == EMX_OK)
        status = emx_spectrum_builder_view(w->tally.firsts, &w->domain.firsts);
    return status == EMX_OK ? EMX_OK : emx_fail(err, status, "spectra: %s", emx_status_str(status));
}

/* Fill in what the rows gave. */
static enum emx_status complete_domain(struct emx_state_writer *w, struct emx_error *err)
{
    enum emx_status status = view_spectra(w, err);
    const char *wrong;

    if (status != EMX_OK)
        return status;
    w->domain.n_tails = w->tally.n_tails;
    w->domain.n_pairs = w->tally.n_pairs;
    w->domain.n_pair_types = w->tally.n_pair_types;
    w->domain.n_tokens = w->tally.n_tails + w->tally.n_pairs;
    w->domain.max_token = w->tally.max_token;
    wrong = totals_check(&w->domain, &w->sums);
    return wrong ? emx_fail(err, EMX_ERR_ARG, "%s", wrong) : EMX_OK;
}

enum emx_status state_writer_end_domain_parallel(struct emx_state_writer *w, const struct emx_spectrum_builder *pairs,
                                                 struct emx_error *err)
{
    enum emx_status status = begin_pairs(w, err);

    assert(w->phase == PAIRS_NEXT);
    if (status == EMX_OK && w->n_rows)
        status = encode_and_append(w, w->rows, w->n_rows, err);
    if (status == EMX_OK)
        status = section_end(&w->file, SECTION_PAIRS, w->n_domains, err);
    if (status == EMX_OK)
        status = take_spectra(w, pairs, err);
    if (status != EMX_OK)
        return status;
    status = complete_domain(w, err);
    if (status != EMX_OK)
        return domain_failed(w, status, err);
    status = write_small_section(w, SECTION_SPECTRA, NULL, err);
    if (status == EMX_OK)
        status = write_small_section(w, SECTION_DOMAIN, NULL, err);
    domain_tally_finish(&w->tally);
    w->n_domains++;
    w->has_covariance = false;
    w->phase = BETWEEN_DOMAINS;
    return status;
}

enum emx_status covariance_append(struct emx_state_writer *w, const struct emx_covariance *c, const wide *sums,
                                  struct emx_error *err)
{
    const char *wrong = covariance_check(c, &w->domain);
    enum emx_status status;

    assert(w->phase == BETWEEN_DOMAINS && w->n_domains && !w->has_covariance);
    if (!wrong)
        wrong = covariance_check_sums(c, sums);
    if (wrong)
        return emx_fail(err, EMX_ERR_ARG, "%s: domain %.200s has %s", outfile_name(w->file.out), w->domain.name, wrong);
    section_begin(&w->file);
    status = covariance_write(c, sums, &w->file, err);
    w->has_covariance = true;
    return status == EMX_OK ? section_end(&w->file, SECTION_COVARIANCE, w->n_domains - 1, err) : status;
}

enum emx_status emx_state_writer_end_domain(struct emx_state_writer *w, struct emx_error *err)
{
    return state_writer_end_domain_parallel(w, NULL, err);
}

enum emx_status emx_state_writer_skipped(struct emx_state_writer *w, const struct emx_skipped *skipped, size_t n,
                                         struct emx_error *err)
{
    struct emx_skipped *sorted;
    struct memory_text m;
    const char *wrong;
    enum emx_status status = EMX_OK;

    assert(w->phase == BETWEEN_DOMAINS);
    if (n == 0)
        return EMX_OK;
    sorted = malloc(n * sizeof(*sorted));
    if (!sorted)
        return out_of_memory(err);
    memcpy(sorted, skipped, n * sizeof(*sorted));
    n = skipped_sort(sorted, n);
    wrong = skipped_check(sorted, n);
    if (wrong)
        status = emx_fail(err, EMX_ERR_ARG, "%s: %s", outfile_name(w->file.out), wrong);
    else if (!memory_text_open(&m))
        status = out_of_memory(err);
    if (status == EMX_OK) {
        skipped_encode(sorted, n, m.stream);
        status = write_text_section(w, &m, SECTION_SKIPPED, 0, err);
    }
    free(sorted);
    return status;
}

enum emx_status emx_state_writer_commit(struct emx_state_writer *w, struct emx_error *err)
{
    assert(w->phase == BETWEEN_DOMAINS);
    return section_writer_commit(&w->file, err);
}
