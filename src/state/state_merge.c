/*
 * state_merge.c - many state files into one
 *
 * Domains are taken in order of name.  Those of one name are checked against each other, and their tables merged
 * row by row: of each input a cursor holds one block, so memory grows with the number of inputs and not with the
 * tables.  All conflicts are found before anything is written.
 */
#include "state/covariance.h"
#include "state/row_merge.h"
#include "state/skipped.h"

#include <stdlib.h>

#define ROWS_AT_ONCE 4096

/* Domain `domain` of input `input`. */
struct part {
    size_t input, domain;
};

struct merge {
    struct emx_state **states; /* [n] */
    size_t *next;              /* [n] domain of each that was not taken yet */
    size_t n;
    struct part *parts; /* [n_parts] of n: the domains of the name that is merged now */
    size_t n_parts;
    struct emx_pair_cursor **cursors; /* [n] */
    struct row_merge *rows;
    struct emx_pair_count *buffer;           /* [ROWS_AT_ONCE] */
    const struct emx_merge_options *options; /* or NULL */
    const struct covariances {
        const struct emx_covariance *const *heads;
        const wide *const *sums;
    } * given; /* of the only input's domains, in place of those it has; or NULL */
};

static enum emx_status out_of_memory(struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
}

static const struct emx_domain *part_domain(const struct merge *m, size_t i)
{
    return emx_state_domain(m->states[m->parts[i].input], m->parts[i].domain);
}

static const char *part_file(const struct merge *m, size_t i)
{
    return state_name(m->states[m->parts[i].input]);
}

/* Smallest name of a domain that was not taken yet; NULL at the end. */
static const char *next_name(const struct merge *m)
{
    const char *name = NULL;

    for (size_t i = 0; i < m->n; i++) {
        if (m->next[i] < emx_state_n_domains(m->states[i])) {
            const char *candidate = emx_state_domain(m->states[i], m->next[i])->name;

            if (!name || strcmp(candidate, name) < 0)
                name = candidate;
        }
    }
    return name;
}

/* Take the domains of the next name; false at the end. */
static bool take_domain(struct merge *m)
{
    const char *name = next_name(m);

    m->n_parts = 0;
    for (size_t i = 0; name && i < m->n; i++) {
        if (m->next[i] < emx_state_n_domains(m->states[i]) &&
            strcmp(emx_state_domain(m->states[i], m->next[i])->name, name) == 0)
            m->parts[m->n_parts++] = (struct part){.input = i, .domain = m->next[i]++};
    }
    return name != NULL;
}

/* What the second does otherwise than the first, for a message; NULL if nothing. */
static const char *difference(const struct emx_domain_settings *a, const struct emx_domain_settings *b)
{
    if (a->pairs != b->pairs || a->window != b->window)
        return "pairs tokens otherwise";
    if (a->eod != b->eod || a->eod_first != b->eod_first)
        return "ends documents otherwise";
    if (a->vocabulary != b->vocabulary)
        return "declares another vocabulary";
    return a->sample_tokens != b->sample_tokens ? "samples otherwise" : NULL;
}

static enum emx_status check_settings(const struct merge *m, struct emx_error *err)
{
    const struct emx_domain *a = part_domain(m, 0);

    for (size_t i = 1; i < m->n_parts; i++) {
        const char *what = difference(&a->settings, &part_domain(m, i)->settings);

        if (what)
            return emx_fail(err, EMX_ERR_ARG, "%.300s: domain %.200s %s than in %.300s", part_file(m, i), a->name, what,
                            part_file(m, 0));
    }
    if (m->n_parts > 1 && a->settings.sample_tokens)
        return emx_fail(err, EMX_ERR_ARG,
                        "%.300s: domain %.200s is sampled, a sample cannot be joined to that of %.300s",
                        part_file(m, 1), a->name, part_file(m, 0));
    return EMX_OK;
}

/* A shard and the part that counted it. */
struct counted_shard {
    struct emx_shard_record record;
    size_t part;
};

static int compare_shards(const void *a, const void *b)
{
    const struct counted_shard *x = a, *y = b;

    return shard_compare(&x->record, &y->record);
}

static size_t count_shards(const struct merge *m)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n_parts; i++)
        n += part_domain(m, i)->n_shards;
    return n;
}

/* All shards of the parts in their order; *ret has n = count_shards(m). */
static enum emx_status collect_shards(const struct merge *m, size_t n, struct counted_shard **ret,
                                      struct emx_error *err)
{
    struct counted_shard *all = calloc(n + 1, sizeof(*all));
    size_t at = 0;

    if (!all)
        return out_of_memory(err);
    for (size_t i = 0; i < m->n_parts; i++) {
        const struct emx_domain *d = part_domain(m, i);

        for (size_t k = 0; k < d->n_shards; k++)
            all[at++] = (struct counted_shard){.record = d->shards[k], .part = i};
    }
    qsort(all, n, sizeof(*all), compare_shards);
    *ret = all;
    return EMX_OK;
}

static enum emx_status check_shards(const struct merge *m, struct emx_error *err)
{
    struct counted_shard *all = NULL;
    size_t n = count_shards(m);
    enum emx_status status = collect_shards(m, n, &all, err);

    for (size_t i = 1; i < n && status == EMX_OK; i++)
        if (compare_shards(&all[i - 1], &all[i]) == 0)
            status = emx_fail(err, EMX_ERR_ARG, "shard %.300s of domain %.100s is counted in %.200s and in %.200s",
                              all[i].record.path, part_domain(m, 0)->name, part_file(m, all[i - 1].part),
                              part_file(m, all[i].part));
    free(all);
    return status;
}

static enum emx_status check_conflicts(struct merge *m, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    while (status == EMX_OK && take_domain(m)) {
        status = check_settings(m, err);
        if (status == EMX_OK)
            status = check_shards(m, err);
    }
    memset(m->next, 0, m->n * sizeof(*m->next));
    return status;
}

static enum emx_status add_documents(const struct merge *m, struct emx_domain *to, struct emx_error *err)
{
    for (size_t i = 0; i < m->n_parts; i++) {
        const struct emx_domain *d = part_domain(m, i);

        if (__builtin_add_overflow(to->n_documents, d->n_documents, &to->n_documents) ||
            __builtin_add_overflow(to->n_documents_without_eod, d->n_documents_without_eod,
                                   &to->n_documents_without_eod))
            return emx_fail(err, EMX_ERR_RANGE, "documents of domain %.200s are 2^64 or more", d->name);
    }
    return EMX_OK;
}

static enum emx_status begin_domain(const struct merge *m, struct emx_state_writer *w, struct emx_error *err)
{
    struct emx_domain joined = {.name = part_domain(m, 0)->name, .settings = part_domain(m, 0)->settings};
    struct emx_shard_record *shards;
    enum emx_status status = add_documents(m, &joined, err);

    if (status != EMX_OK)
        return status;
    shards = malloc((count_shards(m) + 1) * sizeof(*shards));
    if (!shards)
        return out_of_memory(err);
    for (size_t i = 0; i < m->n_parts; i++) {
        const struct emx_domain *d = part_domain(m, i);

        if (d->n_shards)
            memcpy(shards + joined.n_shards, d->shards, d->n_shards * sizeof(*shards));
        joined.n_shards += d->n_shards;
    }
    joined.shards = shards;
    status = emx_state_writer_begin_domain(w, &joined, err);
    free(shards);
    return status;
}

static void close_cursors(struct merge *m)
{
    for (size_t i = 0; i < m->n; i++)
        emx_pair_cursor_destroy(&m->cursors[i]);
}

static enum emx_status open_tables(struct merge *m, bool tails, struct emx_error *err)
{
    for (size_t i = 0; i < m->n_parts; i++) {
        struct emx_state *s = m->states[m->parts[i].input];
        enum emx_status status = tails ? emx_tail_cursor_create(s, m->parts[i].domain, &m->cursors[i], err)
                                       : emx_pair_cursor_create(s, m->parts[i].domain, &m->cursors[i], err);

        if (status != EMX_OK)
            return status;
    }
    return row_merge_begin(m->rows, m->cursors, m->n_parts, err);
}

static enum emx_status next_rows(struct merge *m, struct emx_pair_count *rows, size_t *ret_n, struct emx_error *err)
{
    enum emx_status status = row_merge_next(m->rows, rows, ROWS_AT_ONCE, ret_n, err);

    if (status == EMX_ERR_RANGE)
        return emx_fail(err, status, "domain %.200s has a count of 2^63 or more in all inputs together",
                        part_domain(m, 0)->name);
    return status;
}

/* Tails are at most one a token of the vocabulary: these are held in memory. */
static enum emx_status collect_tails(struct merge *m, struct emx_pair_count **tails, size_t *n, struct emx_error *err)
{
    enum emx_status status = open_tables(m, true, err);
    size_t got = ROWS_AT_ONCE;

    while (status == EMX_OK && got == ROWS_AT_ONCE) {
        struct emx_pair_count *grown = realloc(*tails, (*n + ROWS_AT_ONCE) * sizeof(*grown));

        if (!grown)
            return out_of_memory(err);
        *tails = grown;
        status = next_rows(m, grown + *n, &got, err);
        *n += status == EMX_OK ? got : 0;
    }
    return status;
}

static enum emx_status merge_tails(struct merge *m, struct emx_state_writer *w, struct emx_error *err)
{
    struct emx_pair_count *tails = NULL;
    size_t n = 0;
    enum emx_status status = collect_tails(m, &tails, &n, err);

    if (status == EMX_OK)
        status = emx_state_writer_tails(w, tails, n, err);
    free(tails);
    close_cursors(m);
    return status;
}

static enum emx_status merge_pairs(struct merge *m, struct emx_state_writer *w, struct emx_error *err)
{
    enum emx_status status = open_tables(m, false, err);
    size_t n = ROWS_AT_ONCE;

    while (status == EMX_OK && n == ROWS_AT_ONCE) {
        status = next_rows(m, m->buffer, &n, err);
        if (status == EMX_OK)
            status = emx_state_writer_pairs(w, m->buffer, n, err);
    }
    close_cursors(m);
    return status;
}

/* --- covariances ------------------------------------------------------------------------------------------- */

static void warn_of_covariance(const struct merge *m, size_t part, const char *why)
{
    struct emx_error line;

    if (!m->options || !m->options->warn)
        return;
    emx_fail(&line, EMX_OK, "domain %.200s: its covariance of documents is left out, since %.300s %s",
             part_domain(m, 0)->name, part_file(m, part), why);
    m->options->warn(line.message, m->options->context);
}

/* Those of all parts as one head; false if there is none or they do not join. */
static bool join_heads(const struct merge *m, struct emx_covariance *ret)
{
    bool any = false;

    for (size_t i = 0; i < m->n_parts; i++)
        any |= part_domain(m, i)->covariance != NULL;
    for (size_t i = 0; any && i < m->n_parts; i++) {
        const struct emx_covariance *c = part_domain(m, i)->covariance;
        const char *why = c ? NULL : "has none";

        if (!why && i > 0)
            why = covariance_difference(ret, c);
        if (!why && i > 0 && !covariance_add(ret, c))
            why = "has too many documents";
        if (!why && i == 0)
            *ret = *c;
        if (why) {
            warn_of_covariance(m, i, why);
            return false;
        }
    }
    return any;
}

static enum emx_status add_part(const struct merge *m, size_t i, wide **sums, struct emx_error *err)
{
    wide *more = NULL;
    enum emx_status status = covariance_load(m->states[m->parts[i].input], m->parts[i].domain, &more, err);

    if (status == EMX_OK && *sums) {
        covariance_add_sums(part_domain(m, i)->covariance->dimension, *sums, more);
        free(more);
    } else if (status == EMX_OK) {
        *sums = more;
    }
    return status;
}

static enum emx_status merge_covariances(const struct merge *m, struct emx_state_writer *w, struct emx_error *err)
{
    struct emx_covariance head;
    wide *sums = NULL;
    enum emx_status status = EMX_OK;

    if (!join_heads(m, &head))
        return EMX_OK;
    for (size_t i = 0; i < m->n_parts && status == EMX_OK; i++)
        status = add_part(m, i, &sums, err);
    if (status == EMX_OK)
        status = covariance_append(w, &head, sums, err);
    free(sums);
    return status;
}

static enum emx_status write_covariance(const struct merge *m, struct emx_state_writer *w, struct emx_error *err)
{
    size_t domain = m->parts[0].domain;

    if (!m->given)
        return merge_covariances(m, w, err);
    return m->given->heads[domain] ? covariance_append(w, m->given->heads[domain], m->given->sums[domain], err)
                                   : EMX_OK;
}

/* --- all domains -------------------------------------------------------------------------------------------- */

static enum emx_status merge_domains(struct merge *m, struct emx_state_writer *w, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    while (status == EMX_OK && take_domain(m)) {
        status = begin_domain(m, w, err);
        if (status == EMX_OK)
            status = merge_tails(m, w, err);
        if (status == EMX_OK)
            status = merge_pairs(m, w, err);
        if (status == EMX_OK)
            status = emx_state_writer_end_domain(w, err);
        if (status == EMX_OK)
            status = write_covariance(m, w, err);
    }
    return status;
}

static enum emx_status write_output(struct merge *m, const char *output, struct emx_error *err)
{
    struct emx_state_writer *w = NULL;
    enum emx_status status = emx_state_writer_create(output, &w, err);

    if (status == EMX_OK)
        status = merge_domains(m, w, err);
    if (status == EMX_OK)
        status = skipped_merge(m->states, m->n, w, err);
    if (status == EMX_OK)
        status = emx_state_writer_commit(w, err);
    emx_state_writer_destroy(&w);
    return status;
}

static void merge_finish(struct merge *m)
{
    if (m->cursors)
        close_cursors(m);
    for (size_t i = 0; m->states && i < m->n; i++)
        emx_state_close(&m->states[i]);
    row_merge_destroy(&m->rows);
    free(m->states);
    free(m->next);
    free(m->parts);
    free(m->cursors);
    free(m->buffer);
}

/* For n states, which are still to be opened. */
static enum emx_status merge_init(struct merge *m, size_t n, struct emx_error *err)
{
    *m = (struct merge){.n = n};
    m->states = calloc(n, sizeof(*m->states));
    m->next = calloc(n, sizeof(*m->next));
    m->parts = calloc(n, sizeof(*m->parts));
    m->cursors = calloc(n, sizeof(*m->cursors));
    m->buffer = malloc(ROWS_AT_ONCE * sizeof(*m->buffer));
    if (!m->states || !m->next || !m->parts || !m->cursors || !m->buffer)
        return out_of_memory(err);
    return row_merge_create(n, &m->rows, err);
}

enum emx_status covariance_replace(struct emx_state *s, const struct emx_covariance *const *heads,
                                   const wide *const *sums, const char *output, struct emx_error *err)
{
    struct covariances given = {heads, sums};
    struct merge m;
    enum emx_status status = merge_init(&m, 1, err);

    m.given = &given;
    if (status == EMX_OK) {
        m.states[0] = s;
        status = write_output(&m, output, err);
        m.states[0] = NULL; /* the caller's */
    }
    merge_finish(&m);
    return status;
}

enum emx_status emx_state_merge(const char *const *inputs, size_t n_inputs, const char *output,
                                const struct emx_merge_options *options, struct emx_error *err)
{
    struct merge m;
    enum emx_status status;

    if (n_inputs == 0)
        return emx_fail(err, EMX_ERR_ARG, "there is no state file to merge");
    status = merge_init(&m, n_inputs, err);
    m.options = options;
    for (size_t i = 0; i < n_inputs && status == EMX_OK; i++)
        status = emx_state_open(inputs[i], &m.states[i], err);
    if (status == EMX_OK)
        status = check_conflicts(&m, err);
    if (status == EMX_OK)
        status = write_output(&m, output, err);
    merge_finish(&m);
    return status;
}
