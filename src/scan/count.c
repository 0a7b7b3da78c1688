#include "scan/count.h"

#include "count/pairs.h"

#include <stdlib.h>
#include <string.h>

void counter_finish(struct counter *c)
{
    table_adder_finish(&c->adder);
    free(c->tails);
    *c = (struct counter){0};
}

static void push_tail(struct counter *c, uint32_t token)
{
    if (c->n_tails == c->cap_tails) {
        size_t cap = c->cap_tails ? 2 * c->cap_tails : 1024;
        uint32_t *larger = realloc(c->tails, cap * sizeof(*larger));

        if (!larger) {
            c->no_memory = true;
            return;
        }
        c->tails = larger;
        c->cap_tails = cap;
    }
    c->tails[c->n_tails++] = token;
}

/* --- what every token is checked for ------------------------------------------------------------------ */

enum { SURVEY = 8192 /* tokens at a time, so that 16-bit sums, which vectorise best, cannot overflow */ };

struct survey {
    uint32_t max;
    uint64_t n_eod;
};

static struct survey survey_u16(const uint16_t *x, size_t n, uint16_t eod)
{
    struct survey s = {0, 0};

    for (size_t i = 0; i < n; i += SURVEY) {
        size_t end = n - i < SURVEY ? n : i + SURVEY;
        uint16_t max = 0, n_eod = 0;

        for (size_t k = i; k < end; k++) {
            max = x[k] > max ? x[k] : max;
            n_eod = (uint16_t)(n_eod + (x[k] == eod));
        }
        s.max = max > s.max ? max : s.max;
        s.n_eod += n_eod;
    }
    return s;
}

static struct survey survey_u32(const uint32_t *x, size_t n, uint32_t eod)
{
    uint32_t max = 0, n_eod = 0;

    for (size_t i = 0; i < n; i++) {
        max = x[i] > max ? x[i] : max;
        n_eod += x[i] == eod;
    }
    return (struct survey){max, n_eod};
}

static enum emx_status refuse_token(const struct shard *s, const struct block *b, struct emx_error *err)
{
    const char *cause = s->domain->settings.vocabulary ? "the vocabulary" : "the largest vocabulary there can be";
    size_t i = 0;

    while (block_token(b, i) < s->vocabulary)
        i++;
    if (block_token(b, i) == UINT32_MAX)
        return emx_fail(err, EMX_ERR_RANGE,
                        "%s: token number %llu is negative or too large to be one; is --dtype right?", s->name,
                        (unsigned long long)(b->index + i));
    return emx_fail(err, EMX_ERR_RANGE,
                    "%s: token %u at token number %llu (byte %llu of the content) is not below %s, %llu", s->name,
                    block_token(b, i), (unsigned long long)(b->index + i),
                    (unsigned long long)(s->open.flat.offset +
                                         (b->index + i) * (s->open.is_flat ? dtype_size(s->open.flat.type.dtype) : 0)),
                    cause, (unsigned long long)s->vocabulary);
}

static enum emx_status survey_block(const struct shard *s, struct block *b, struct emx_error *err)
{
    uint32_t eod = s->domain->settings.eod;
    struct survey found = {0, 0};

    if (b->width == 4)
        found = survey_u32(b->tokens, b->n, eod);
    else
        found = survey_u16(b->tokens, b->n, (uint16_t)eod);
    if (b->n && found.max >= s->vocabulary)
        return refuse_token(s, b, err);
    if (eod != EMX_NO_TOKEN && (b->width == 4 || eod <= UINT16_MAX))
        b->sums.n_eod = found.n_eod;
    return EMX_OK;
}

/* --- runs --------------------------------------------------------------------------------------------- */

/* Does the end of a document between these two tokens have no EOD token to show it? */
static bool is_plain_end(const struct shard *s, uint32_t before, uint32_t after)
{
    const struct emx_domain_settings *settings = &s->domain->settings;

    return settings->eod == EMX_NO_TOKEN || (settings->eod_first ? after : before) != settings->eod;
}

static void count_run(struct counter *c, const struct block *b, size_t begin, size_t end)
{
    if (b->width == 2)
        pairs_count_u16(&c->adder, (const uint16_t *)b->tokens + begin, end - begin);
    else
        pairs_count_u32(&c->adder, (const uint32_t *)b->tokens + begin, end - begin);
}

/* Document ends inside a block, from the index of the shard or from the batch: 0 < position < b->n. */
struct inner_ends {
    const struct shard *shard;
    const struct block *block;
    size_t next;
};

static struct inner_ends inner_ends_begin(const struct shard *s, const struct block *b)
{
    return (struct inner_ends){s, b, s->open.is_flat ? shard_index_after(s, b->index) : 0};
}

/* The next one, or b->n if there is none. */
static size_t inner_ends_next(struct inner_ends *e)
{
    const struct document_index *index = &e->shard->open.index;

    if (!e->shard->open.is_flat)
        return e->next < e->block->n_ends ? e->block->ends[e->next++] : e->block->n;
    if (e->next < index->n && index->ends[e->next] < e->block->index + e->block->n)
        return (size_t)(index->ends[e->next++] - e->block->index);
    return e->block->n;
}

static void count_documents(struct counter *c, const struct shard *s, struct block *b)
{
    bool cut = s->domain->settings.pairs == EMX_PAIRS_WITHIN_DOCUMENT;
    struct inner_ends ends = inner_ends_begin(s, b);
    size_t run = 0, end;

    while ((end = inner_ends_next(&ends)) < b->n) {
        b->sums.n_plain_ends += is_plain_end(s, block_token(b, end - 1), block_token(b, end));
        if (!cut)
            continue;
        count_run(c, b, run, end);
        push_tail(c, block_token(b, end - 1));
        run = end;
    }
    if (s->domain->settings.pairs != EMX_PAIRS_WINDOW)
        count_run(c, b, run, b->n);
}

static void count_windows(struct counter *c, const struct shard *s, const struct block *b)
{
    uint32_t window = s->domain->settings.window;
    size_t run = 0, end = window - (size_t)(b->index % window);

    for (; end < b->n; end += window) {
        count_run(c, b, run, end);
        push_tail(c, block_token(b, end - 1));
        run = end;
    }
    count_run(c, b, run, b->n);
}

/* --- a block ------------------------------------------------------------------------------------------- */

static enum emx_status enter(struct counter *c, struct shard *s, struct emx_error *err)
{
    uint64_t n_expected = s->size == UINT64_MAX ? UINT64_MAX : s->size * 2; /* two tokens a stored byte: zstd at 4:1 */
    struct table *table;
    bool alone;
    enum emx_status status;

    do {
        uint64_t n_spilled = c->spiller->spill->n_spilled;

        status = domain_table(s->domain, c->thread, s->key, n_expected, &table, &alone, err);
        if (!status) {
            table_enter(table, &c->adder, alone);
            return EMX_OK;
        }
        if (status == EMX_ERR_MEMORY)
            status = spill_make_room(c->spiller, NULL, n_spilled, err);
    } while (!status);
    return status;
}

/* A table that has no room, or is so full that it is slow, makes way. */
static enum emx_status leave_table(struct counter *c, struct emx_error *err)
{
    struct table *table = c->adder.table;
    uint64_t n_spilled = c->spiller->spill->n_spilled;
    enum emx_status status = table_leave(&c->adder, err);

    if (!status && table_is_full(table))
        return spill_make_room(c->spiller, table, n_spilled, err);
    while (status == EMX_ERR_MEMORY && table_has_spilled(&c->adder)) {
        status = spill_make_room(c->spiller, table, n_spilled, err);
        if (status)
            return status;
        n_spilled = c->spiller->spill->n_spilled;
        status = table_add_spilled(&c->adder, err);
    }
    return status;
}

static enum emx_status leave(struct counter *c, struct shard *s, struct emx_error *err)
{
    enum emx_status status;

    pairs_flush(&c->adder);
    status = leave_table(c, err);
    if (!status && c->no_memory)
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory for the ends of documents");
    if (!status)
        status = tally_add(&s->domain->tails, c->tails, c->n_tails, err);
    c->n_tails = 0;
    return status;
}

enum emx_status count_block(struct counter *c, struct shard *s, struct block *b, struct emx_error *err)
{
    enum emx_status status;

    b->sums = (struct shard_sums){0};
    status = survey_block(s, b, err);
    if (!status && b->n)
        status = enter(c, s, err);
    if (status || !b->n)
        return status;
    count_documents(c, s, b);
    if (s->domain->settings.pairs == EMX_PAIRS_WINDOW)
        count_windows(c, s, b);
    s->domain->n_tokens += b->n;
    return leave(c, s, err);
}

/* --- seams --------------------------------------------------------------------------------------------- */

/* A token whose bytes lie in two or more pieces becomes a block of its own. */
static enum emx_status count_split_token(struct counter *c, struct shard *s, const uint8_t *bytes, uint64_t begin,
                                         struct emx_error *err)
{
    size_t size = shard_token_size(s);
    uint32_t token;
    struct block b = {.tokens = &token, .width = 4, .n = 1, .index = begin / size};
    enum emx_status status;

    tokens_decode(bytes, s->open.flat.type, 1, &token);
    b.span = (struct span){.begin = begin, .end = begin + size, .n = 1, .first = token, .last = token};
    status = count_block(c, s, &b, err);
    return status ? status : shard_add_block(s, &b, err);
}

static enum emx_status count_split_tokens(struct counter *c, struct shard *s, struct emx_error *err)
{
    size_t n_spans = s->n_spans, size = shard_token_size(s), n = 0;
    uint8_t bytes[16];
    uint64_t begin = 0;
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < n_spans && !status; i++) {
        struct span span = s->spans[i]; /* adding a block may move the array */

        memcpy(bytes + n, span.head, sizeof(span.head));
        n += span.n_head;
        if (n == size) {
            status = count_split_token(c, s, bytes, begin, err);
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

struct seam {
    bool is_document_end; /* stated by the index or the format */
    bool is_break;
};

static struct seam seam_at(const struct shard *s, const struct span *before, const struct span *after, bool edge)
{
    const struct emx_domain_settings *settings = &s->domain->settings;
    uint64_t index = after->begin / shard_token_size(s);
    struct seam seam = {.is_document_end =
                            edge || before->end_after || after->end_before || shard_index_ends_at(s, index)};

    seam.is_break = settings->pairs == EMX_PAIRS_WINDOW
                        ? index % settings->window == 0
                        : settings->pairs == EMX_PAIRS_WITHIN_DOCUMENT && seam.is_document_end;
    return seam;
}

static void count_seam(struct counter *c, struct shard *s, const struct span *before, const struct span *after,
                       bool edge)
{
    struct seam seam = seam_at(s, before, after, edge);

    if (seam.is_document_end)
        s->sums.n_plain_ends += is_plain_end(s, before->last, after->first);
    if (seam.is_break)
        push_tail(c, before->last);
    else
        pairs_count_one(&c->adder, before->last, after->first);
}

/* Between table_enter() and table_leave(): all seams, and the tail at the end of the shard. */
static void count_span_seams(struct counter *c, struct shard *s, uint32_t *ret_first, uint32_t *ret_last)
{
    const struct span *before = NULL;
    bool edge = false; /* spans without tokens may still carry a document's end */

    for (size_t i = 0; i < s->n_spans; i++) {
        const struct span *span = &s->spans[i];

        if (!span->n) {
            edge |= span->end_before || span->end_after;
            continue;
        }
        if (before)
            count_seam(c, s, before, span, edge);
        else
            *ret_first = span->first;
        edge = false;
        before = span;
        *ret_last = span->last;
    }
    push_tail(c, *ret_last);
}

static uint64_t n_tails(const struct shard *s, bool plain_edge)
{
    const struct emx_domain_settings *settings = &s->domain->settings;

    if (s->sums.n_tokens == 0)
        return 0;
    switch (settings->pairs) {
    case EMX_PAIRS_WINDOW:
        return (s->sums.n_tokens - 1) / settings->window + 1;
    case EMX_PAIRS_STREAM:
        return 1;
    default:
        return s->sums.n_eod + s->sums.n_plain_ends + plain_edge;
    }
}

static void sum_up(const struct shard *s, uint32_t first, uint32_t last, struct emx_shard_record *ret,
                   uint64_t *ret_documents_without_eod)
{
    const struct emx_domain_settings *settings = &s->domain->settings;
    bool plain_edge = s->sums.n_tokens && is_plain_end(s, last, first);
    bool own_document = plain_edge && !(s->open.documents_cross_shards && settings->eod != EMX_NO_TOKEN);

    ret->n_pairs = s->sums.n_tokens - n_tails(s, plain_edge);
    ret->n_documents = s->sums.n_eod + s->sums.n_plain_ends + own_document;
    *ret_documents_without_eod = (s->open.has_index || s->open.ends_in_batch) && settings->eod != EMX_NO_TOKEN
                                     ? s->sums.n_plain_ends + plain_edge
                                     : 0;
}

enum emx_status count_seams(struct counter *c, struct shard *s, struct emx_shard_record *ret,
                            uint64_t *ret_documents_without_eod, struct emx_error *err)
{
    uint32_t first = 0, last = 0;
    enum emx_status status;

    shard_sort_spans(s);
    status = count_split_tokens(c, s, err);
    if (!status)
        status = shard_check_index(s, err);
    if (!status && s->sums.n_tokens) {
        status = enter(c, s, err);
        if (status)
            return status;
        count_span_seams(c, s, &first, &last);
        status = leave(c, s, err);
    }
    if (status)
        return status;
    shard_describe(s, ret);
    sum_up(s, first, last, ret, ret_documents_without_eod);
    return EMX_OK;
}
