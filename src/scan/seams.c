#include "scan/seams.h"

#include "count/pairs.h"

#include <assert.h>
#include <string.h>

/* --- tokens across two pieces -------------------------------------------------------------------------- */

/* A token whose bytes lie in two or more pieces becomes a block of its own.  `counting`: else it is only looked at. */
static enum emx_status count_split_token(struct counter *c, struct shard *s, const uint8_t *bytes, uint64_t begin,
                                         bool counting, struct emx_error *err)
{
    size_t size = shard_token_size(s);
    uint32_t token;
    struct block b = {.tokens = &token, .width = 4, .n = 1, .index = begin / size};
    enum emx_status status;

    tokens_decode(bytes, s->open.flat.type, 1, &token);
    if (counting ? s->failure && !domain_has_token(s->domain, token) : domain_has_token(s->domain, token))
        return EMX_OK; /* counting: of a shard that is taken back, so it is left out both times */
    b.span = (struct span){.begin = begin, .end = begin + size, .n = 1, .first = token, .last = token};
    status = count_block(c, s, &b, err);
    return status ? status : shard_add_block(s, &b, err);
}

/* The spans are sorted, before and after. */
static enum emx_status count_split_tokens(struct counter *c, struct shard *s, bool counting, struct emx_error *err)
{
    size_t n_spans = s->n_spans, size = shard_token_size(s), n = 0;
    uint8_t bytes[16];
    uint64_t begin = 0;
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < n_spans && !status; i++) {
        struct span span = s->spans[i]; /* adding a block may move the array */

        if (n && span.begin != begin + n) /* a gap: the rest of the token is still to come */
            n = 0;
        if (n) {
            memcpy(bytes + n, span.head, sizeof(span.head));
            n += span.n_head;
        }
        if (n == size) {
            status = count_split_token(c, s, bytes, begin, counting, err);
            n = 0;
        }
        if (span.n_tail) {
            memcpy(bytes, span.tail, sizeof(span.tail));
            n = span.n_tail;
            begin = span.end - n;
        }
    }
    if (s->n_spans > n_spans)
        shard_sort_spans(s);
    return status;
}

/* --- two spans to one ---------------------------------------------------------------------------------- */

/* Between counter_enter() and counter_leave(). */
static void count_seam(struct counter *c, struct shard *s, const struct span *before, const struct span *after)
{
    const struct emx_domain_settings *settings = &s->domain->settings;
    uint64_t index = (after->begin + after->n_head) / shard_token_size(s);
    bool is_document_end = before->end_after || after->end_before || shard_index_ends_at(s, index);
    bool is_break = settings->pairs == EMX_PAIRS_WINDOW
                        ? index % settings->window == 0
                        : settings->pairs == EMX_PAIRS_WITHIN_DOCUMENT && is_document_end;

    if (is_document_end)
        s->sums.n_plain_ends += count_is_plain_end(s, before->last, after->first);
    if (is_break)
        counter_push_tail(c, before->last);
    else
        pairs_count_one(&c->adder, before->last, after->first);
}

/* Bytes of tokens that are not whole: what `next` begins with may end one, or be the middle of one. */
static void join_bytes(struct span *to, const struct span *next, size_t size)
{
    if (next->n_head && !to->n && !to->n_tail) {
        memcpy(to->head + to->n_head, next->head, next->n_head);
        to->n_head = (uint8_t)(to->n_head + next->n_head);
    } else if (next->n_head) {
        if (to->n_tail + next->n_head < (int)size)
            memcpy(to->tail + to->n_tail, next->head, next->n_head);
        to->n_tail = (uint8_t)((to->n_tail + next->n_head) % (int)size);
    }
    if (next->n_tail) {
        memcpy(to->tail, next->tail, sizeof(to->tail));
        to->n_tail = next->n_tail;
    }
}

static void join(struct counter *c, struct shard *s, struct span *to, const struct span *next)
{
    struct span after = *next;

    join_bytes(to, next, shard_token_size(s));
    to->end = next->end > to->end ? next->end : to->end;
    if (!next->n) { /* may still carry a document's end */
        to->end_after |= next->end_before || next->end_after;
        return;
    }
    after.end_before |= to->end_after;
    if (to->n) {
        count_seam(c, s, to, &after);
    } else {
        to->first = next->first;
        to->end_before |= after.end_before;
    }
    to->n += next->n;
    to->check += next->check;
    to->last = next->last;
    to->end_after = next->end_after;
}

/* To pairs a gap is the end of a document.  Bytes of tokens that lie partly in it are lost. */
static void join_over_gap(struct counter *c, struct shard *s, struct span *to, const struct span *next)
{
    to->end = next->end;
    to->n_tail = (uint8_t)(next->end % shard_token_size(s));
    memcpy(to->tail, next->tail, sizeof(to->tail));
    to->check += next->check;
    if (!next->n)
        return;
    if (to->n) {
        counter_push_tail(c, to->last);
        s->sums.n_plain_ends += count_is_plain_end(s, to->last, next->first);
    } else {
        to->first = next->first;
    }
    to->n += next->n;
    to->last = next->last;
    to->end_after = next->end_after;
}

static void join_all(struct counter *c, struct shard *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_spans; i++) {
        if (n && s->spans[i].begin <= s->spans[n - 1].end)
            join(c, s, &s->spans[n - 1], &s->spans[i]);
        else if (n && gaps_cover(&s->gaps, s->spans[n - 1].end, s->spans[i].begin))
            join_over_gap(c, s, &s->spans[n - 1], &s->spans[i]);
        else
            s->spans[n++] = s->spans[i];
    }
    s->n_spans = n;
}

static uint32_t largest_edge(const struct shard *s)
{
    uint32_t largest = 0;

    for (size_t i = 0; i < s->n_spans; i++) {
        largest = s->spans[i].first > largest ? s->spans[i].first : largest;
        largest = s->spans[i].last > largest ? s->spans[i].last : largest;
    }
    return largest;
}

enum emx_status seams_join(struct counter *c, struct shard *s, struct emx_error *err)
{
    enum emx_status status;

    shard_sort_spans(s);
    status = s->failure ? EMX_OK : count_split_tokens(c, s, false, err);
    if (!status)
        status = count_split_tokens(c, s, true, err);
    if (status || s->n_spans < 2)
        return status;
    status = counter_enter(c, s, largest_edge(s), err);
    if (status)
        return status;
    join_all(c, s);
    return counter_leave(c, s, err);
}

/* --- the shard ----------------------------------------------------------------------------------------- */

static uint64_t n_tails_of_runs(const struct shard *s, uint32_t window)
{
    uint64_t begin = 0, end = 0, n_positions = shard_n_positions(s), n = 0;
    size_t at = 0;

    while (gaps_next_run(&s->gaps, shard_token_size(s), &at, &begin, &end)) {
        end = end < n_positions ? end : n_positions;
        if (begin < end)
            n += window ? (end - 1) / window - begin / window + 1 : 1;
    }
    return n;
}

static uint64_t n_tails(const struct shard *s, bool plain_edge)
{
    const struct emx_domain_settings *settings = &s->domain->settings;

    if (s->sums.n_tokens == 0)
        return 0;
    switch (settings->pairs) {
    case EMX_PAIRS_WINDOW:
        return n_tails_of_runs(s, settings->window);
    case EMX_PAIRS_STREAM:
        return n_tails_of_runs(s, 0);
    default:
        return s->sums.n_eod + s->sums.n_plain_ends + plain_edge;
    }
}

static void sum_up(const struct shard *s, struct emx_shard_record *ret, uint64_t *ret_documents_without_eod)
{
    const struct emx_domain_settings *settings = &s->domain->settings;
    const struct span *whole = s->spans;
    bool plain_edge = s->sums.n_tokens && count_is_plain_end(s, whole->last, whole->first);
    bool own_document = plain_edge && !(s->open.documents_cross_shards && settings->eod != EMX_NO_TOKEN);

    ret->n_pairs = s->sums.n_tokens - n_tails(s, plain_edge);
    ret->n_documents = s->sums.n_eod + s->sums.n_plain_ends + own_document;
    *ret_documents_without_eod = (s->open.has_index || s->open.ends_in_batch) && settings->eod != EMX_NO_TOKEN
                                     ? s->sums.n_plain_ends + plain_edge
                                     : 0;
}

static enum emx_status count_last_tail(struct counter *c, struct shard *s, struct emx_error *err)
{
    enum emx_status status;

    if (!s->sums.n_tokens)
        return EMX_OK;
    status = counter_enter(c, s, s->spans->last, err);
    if (status)
        return status;
    counter_push_tail(c, s->spans->last);
    return counter_leave(c, s, err);
}

enum emx_status seams_complete(struct counter *c, struct shard *s, struct emx_shard_record *ret,
                               uint64_t *ret_documents_without_eod, struct emx_error *err)
{
    enum emx_status status = count_last_tail(c, s, err);

    if (status)
        return status;
    assert(s->n_spans <= 1 && (s->n_spans == 0 || s->spans->n == s->sums.n_tokens));
    shard_describe(s, ret);
    sum_up(s, ret, ret_documents_without_eod);
    return EMX_OK;
}
