/*
 * domain_tally.c - totals and spectra of a domain, from its tails and the row sums of its pairs
 */
#include "state/domain_tally.h"

#include "state/layout.h"

#include <stdlib.h>

enum emx_status domain_tally_init(struct domain_tally *t, struct emx_error *err)
{
    *t = (struct domain_tally){0};
    if (emx_spectrum_builder_create(&t->tokens) != EMX_OK || emx_spectrum_builder_create(&t->pairs) != EMX_OK ||
        emx_spectrum_builder_create(&t->firsts) != EMX_OK)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    return EMX_OK;
}

void domain_tally_finish(struct domain_tally *t)
{
    emx_spectrum_builder_destroy(&t->tokens);
    emx_spectrum_builder_destroy(&t->pairs);
    emx_spectrum_builder_destroy(&t->firsts);
    free(t->tails);
    *t = (struct domain_tally){0};
}

static enum emx_status reserve_tails(struct domain_tally *t, size_t n, struct emx_error *err)
{
    size_t cap = t->n_tail_types + n;
    struct tail *tails;

    if (n > EMX_MAX_VOCABULARY || cap > EMX_MAX_VOCABULARY)
        return emx_fail(err, EMX_ERR_RANGE, "more than %u tails", EMX_MAX_VOCABULARY);
    if (cap <= t->cap)
        return EMX_OK;
    if (cap < 2 * t->cap)
        cap = 2 * t->cap;
    tails = realloc(t->tails, cap * sizeof(*tails));
    if (!tails)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    t->tails = tails;
    t->cap = cap;
    return EMX_OK;
}

static enum emx_status add_tail(struct domain_tally *t, const struct emx_pair_count *row, struct emx_error *err)
{
    const struct tail *last = t->n_tail_types ? &t->tails[t->n_tail_types - 1] : NULL;

    if (row->first >= EMX_MAX_VOCABULARY || row->count > MAX_TOTAL - t->n_tails)
        return emx_fail(err, EMX_ERR_RANGE, "tail %u with count %llu is out of range", row->first,
                        (unsigned long long)row->count);
    if (row->second != EMX_NO_TOKEN || row->count == 0 || (last && last->token >= row->first))
        return emx_fail(err, EMX_ERR_ARG, "tail %u, count %llu: tails must ascend, counts be at least 1", row->first,
                        (unsigned long long)row->count);
    t->tails[t->n_tail_types++] = (struct tail){.token = row->first, .count = row->count};
    t->n_tails += row->count;
    return EMX_OK;
}

enum emx_status domain_tally_add_tails(struct domain_tally *t, const struct emx_pair_count *rows, size_t n,
                                       struct emx_error *err)
{
    enum emx_status status = reserve_tails(t, n, err);

    for (size_t i = 0; i < n && status == EMX_OK; i++)
        status = add_tail(t, &rows[i], err);
    if (t->n_tail_types && t->tails[t->n_tail_types - 1].token > t->max_token)
        t->max_token = t->tails[t->n_tail_types - 1].token;
    return status;
}

/* Tokens that are no first of a pair, up to below `token`. */
static enum emx_status add_lone_tails(struct domain_tally *t, uint32_t token)
{
    enum emx_status status = EMX_OK;

    while (status == EMX_OK && t->next_tail < t->n_tail_types && t->tails[t->next_tail].token < token)
        status = emx_spectrum_builder_add(t->tokens, t->tails[t->next_tail++].count);
    return status;
}

static enum emx_status close_row(struct domain_tally *t)
{
    enum emx_status status = add_lone_tails(t, t->open.first);
    uint64_t count = t->open.sum;

    if (status == EMX_OK)
        status = emx_spectrum_builder_add(t->firsts, count);
    if (t->next_tail < t->n_tail_types && t->tails[t->next_tail].token == t->open.first)
        count += t->tails[t->next_tail++].count;
    if (status == EMX_OK)
        status = emx_spectrum_builder_add(t->tokens, count);
    t->open.sum = 0;
    return status;
}

enum emx_status domain_tally_add_run(struct domain_tally *t, const struct state_run *run, struct emx_error *err)
{
    if (run->sum > MAX_TOTAL - t->n_tails - t->n_pairs)
        return emx_fail(err, EMX_ERR_RANGE, "tokens are 2^63 or more");
    if (t->open.sum && t->open.first != run->first && close_row(t) != EMX_OK)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    t->open.first = run->first;
    t->open.sum += run->sum;
    t->n_pairs += run->sum;
    t->n_pair_types += run->n_rows;
    return EMX_OK;
}

enum emx_status domain_tally_close(struct domain_tally *t, struct emx_error *err)
{
    enum emx_status status = t->open.sum ? close_row(t) : EMX_OK;

    if (status == EMX_OK)
        status = add_lone_tails(t, UINT32_MAX);
    return status == EMX_OK ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "out of memory");
}
