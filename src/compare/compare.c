/*
 * compare.c - every domain of a state with every other, each two by a merge of their sorted tables
 *
 * A row, the pairs of one first token, is read whole of either table before its pairs are merged: the shares of a
 * token given the last need the sum of the row.  One walk so gives tokens, pairs, first tokens and next tokens.
 */
#include "compare/contrast.h"
#include "compare/row_reader.h"
#include "pipeline/threads.h"
#include <emx/entropy.h>

#include <stdatomic.h>

struct job {
    struct emx_state *state;
    struct smoother smoother;
    double vocabulary;
    size_t n;                   /* domains */
    struct emx_comparison *ret; /* [n * n] */
    _Atomic bool failed;
    enum emx_status status; /* set by the thread that set `failed` */
    struct emx_error *err;
};

/* Two domains, as far as they are merged. */
struct match {
    struct row_reader rows[2];
    struct contrast tokens, pairs, firsts;
    struct excess next[2]; /* of a token, given the last */
};

/* Divergences of first tokens serve Jensen and Shannon's of next tokens, which needs no smoothing. */
static const struct smoother no_smoother = {EMX_SMOOTHING_NONE, 0};

static void match_init(struct match *m, const struct job *job, const struct emx_domain *const d[2])
{
    m->tokens = (struct contrast){
        .smoother = &job->smoother, .alphabet = job->vocabulary, .total = {d[0]->n_tokens, d[1]->n_tokens}};
    m->pairs = (struct contrast){.smoother = &job->smoother,
                                 .alphabet = job->vocabulary * job->vocabulary,
                                 .total = {d[0]->n_pairs, d[1]->n_pairs}};
    m->firsts = (struct contrast){
        .smoother = &no_smoother, .alphabet = job->vocabulary, .total = {d[0]->n_pairs, d[1]->n_pairs}};
}

static void add_pair(struct match *m, const struct job *job, const uint64_t count[2], const uint64_t row_total[2])
{
    contrast_add(&m->pairs, count);
    excess_add(m->next, &job->smoother, count, row_total, job->vocabulary);
}

/* Merge the rows of one first token; a row that is not there has no pairs. */
static void add_rows(struct match *m, const struct job *job, const bool there[2])
{
    const struct row_reader *r = m->rows;
    const uint64_t tokens[2] = {there[0] ? r[0].n_tokens : 0, there[1] ? r[1].n_tokens : 0};
    const uint64_t firsts[2] = {there[0] ? r[0].n_pairs : 0, there[1] ? r[1].n_pairs : 0};
    size_t i[2] = {0, 0}, n[2] = {there[0] ? r[0].n : 0, there[1] ? r[1].n : 0};

    contrast_add(&m->tokens, tokens);
    if (firsts[0] || firsts[1])
        contrast_add(&m->firsts, firsts);
    while (i[0] < n[0] || i[1] < n[1]) {
        uint64_t at[2], count[2];

        for (int k = 0; k < 2; k++)
            at[k] = i[k] < n[k] ? r[k].pairs[i[k]].second : UINT64_MAX;
        for (int k = 0; k < 2; k++)
            count[k] = at[k] <= at[!k] ? r[k].pairs[i[k]++].count : 0;
        add_pair(m, job, count, firsts);
    }
}

static enum emx_status merge(struct match *m, const struct job *job, struct emx_error *err)
{
    enum emx_status status = row_reader_next(&m->rows[0], err);

    if (status == EMX_OK)
        status = row_reader_next(&m->rows[1], err);
    while (status == EMX_OK && (m->rows[0].first != ROWS_OVER || m->rows[1].first != ROWS_OVER)) {
        const bool there[2] = {m->rows[0].first <= m->rows[1].first, m->rows[1].first <= m->rows[0].first};

        add_rows(m, job, there);
        for (int k = 0; k < 2 && status == EMX_OK; k++) {
            if (there[k])
                status = row_reader_next(&m->rows[k], err);
        }
    }
    return status;
}

static struct emx_comparison result(const struct match *m, const struct emx_domain *const d[2], int direction)
{
    const struct emx_domain *p = d[direction];
    struct emx_comparison c = {0};

    c.tokens.kl = excess_mean(m->tokens.excess, m->tokens.total, direction);
    c.pairs.kl = excess_mean(m->pairs.excess, m->pairs.total, direction);
    c.conditional.kl = excess_mean(m->next, m->pairs.total, direction);
    c.tokens.cross = c.tokens.kl + emx_entropy_shannon(&p->tokens);
    c.pairs.cross = c.pairs.kl + emx_entropy_shannon(&p->pairs);
    c.conditional.cross = c.conditional.kl + emx_entropy_conditional(&p->pairs, &p->firsts);
    c.tokens.jensen = contrast_jensen(&m->tokens);
    c.pairs.jensen = contrast_jensen(&m->pairs);
    c.conditional.jensen = fmax(c.pairs.jensen - contrast_jensen(&m->firsts), 0);
    c.token_overlap = contrast_overlap(&m->tokens, direction);
    c.pair_overlap = contrast_overlap(&m->pairs, direction);
    return c;
}

static enum emx_status compare_two(const struct job *job, size_t a, size_t b, struct emx_error *err)
{
    const struct emx_domain *const d[2] = {emx_state_domain(job->state, a), emx_state_domain(job->state, b)};
    struct match m = {0};
    enum emx_status status;

    match_init(&m, job, d);
    status = row_reader_open(&m.rows[0], job->state, a, err);
    if (status == EMX_OK)
        status = row_reader_open(&m.rows[1], job->state, b, err);
    if (status == EMX_OK)
        status = merge(&m, job, err);
    if (status == EMX_OK) {
        job->ret[a * job->n + b] = result(&m, d, 0);
        job->ret[b * job->n + a] = result(&m, d, 1);
    }
    row_reader_close(&m.rows[0]);
    row_reader_close(&m.rows[1]);
    return status;
}

/* Item k of 0 + 1 + 2 + ... + (n - 1): the k-th two of which the second comes after the first. */
static void find_two(size_t item, size_t *ret_a, size_t *ret_b)
{
    size_t b = (size_t)((1 + sqrt(1 + 8 * (double)item)) / 2);

    while (b * (b - 1) / 2 > item)
        b--;
    while ((b + 1) * b / 2 <= item)
        b++;
    *ret_a = item - b * (b - 1) / 2;
    *ret_b = b;
}

static void compare_item(size_t item, unsigned thread, void *context)
{
    struct job *job = context;
    struct emx_error err;
    enum emx_status status;
    size_t a, b;

    (void)thread;
    if (atomic_load_explicit(&job->failed, memory_order_relaxed)) /* relaxed: only spares work */
        return;
    find_two(item, &a, &b);
    status = compare_two(job, a, b, &err);
    /* relaxed: what the winner writes is read after threads_join() */
    if (status != EMX_OK && !atomic_exchange_explicit(&job->failed, true, memory_order_relaxed)) {
        job->status = status;
        if (job->err)
            *job->err = err;
    }
}

/* A domain and itself; as in _two() of equal tables. */
static struct emx_comparison with_itself(const struct emx_domain *d)
{
    double tokens = d->n_tokens ? 0 : NAN, pairs = d->n_pairs ? 0 : NAN;
    struct emx_comparison c = {
        .tokens = {emx_entropy_shannon(&d->tokens) + tokens, tokens, tokens},
        .pairs = {emx_entropy_shannon(&d->pairs) + pairs, pairs, pairs},
        .conditional = {emx_entropy_conditional(&d->pairs, &d->firsts) + pairs, pairs, pairs},
        .token_overlap = {d->tokens.n_types, 1 + tokens, 1 + tokens, 1 + tokens, 1 + tokens},
        .pair_overlap = {d->pairs.n_types, 1 + pairs, 1 + pairs, 1 + pairs, 1 + pairs},
    };

    return c;
}

static enum emx_status check_options(const struct emx_compare_options *o, struct emx_error *err)
{
    if (o->smoothing == EMX_SMOOTHING_NONE)
        return EMX_OK;
    if (o->smoothing != EMX_SMOOTHING_ADDITIVE && o->smoothing != EMX_SMOOTHING_UNION)
        return emx_fail(err, EMX_ERR_ARG, "there is no smoothing of number %d", (int)o->smoothing);
    if (!(o->amount > 0) || isinf(o->amount))
        return emx_fail(err, EMX_ERR_ARG, "the amount of smoothing, %g, is not a number above 0", o->amount);
    if (o->smoothing == EMX_SMOOTHING_UNION && o->amount > 1)
        return emx_fail(err, EMX_ERR_ARG, "the share of the union, %g, is above 1", o->amount);
    return EMX_OK;
}

static double common_vocabulary(const struct emx_state *s)
{
    uint64_t vocabulary = 1;

    for (size_t i = 0; i < emx_state_n_domains(s); i++) {
        const struct emx_domain *d = emx_state_domain(s, i);

        if (d->settings.vocabulary > vocabulary)
            vocabulary = d->settings.vocabulary;
        if ((uint64_t)d->max_token + 1 > vocabulary)
            vocabulary = (uint64_t)d->max_token + 1;
    }
    return (double)vocabulary;
}

enum emx_status emx_compare(struct emx_state *s, const struct emx_compare_options *options, struct emx_comparison *ret,
                            struct emx_error *err)
{
    size_t n = emx_state_n_domains(s);
    struct job job = {.state = s,
                      .smoother = {options->smoothing, options->amount},
                      .vocabulary = common_vocabulary(s),
                      .n = n,
                      .ret = ret,
                      .err = err};
    struct placement *placement = NULL;
    enum emx_status status = check_options(options, err);

    if (status == EMX_OK)
        status = placement_create(NULL, options->n_threads, false, &placement, err);
    if (status != EMX_OK)
        return status;
    for (size_t i = 0; i < n; i++)
        ret[i * n + i] = with_itself(emx_state_domain(s, i));
    status = threads_for(placement, n < 2 ? 0 : n * (n - 1) / 2, compare_item, &job, err);
    placement_destroy(&placement);
    return status == EMX_OK ? job.status : status;
}
