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

void counter_push_tail(struct counter *c, uint32_t token)
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

static enum emx_status refuse_token(const struct shard *s, const struct block *b, size_t i, struct emx_error *err)
{
    const char *cause = s->domain->settings.vocabulary ? "the vocabulary" : "the largest vocabulary there can be";

    if (block_token(b, i) == UINT32_MAX)
        return emx_fail(err, EMX_ERR_RANGE,
                        "%s: token number %llu is negative or too large to be one; is --dtype right?", s->name,
                        (unsigned long long)(b->index + i));
    if (s->domain->vectors)
        return emx_fail(err, EMX_ERR_RANGE, "%s: token %u at token number %llu has no vector: %s has %u", s->name,
                        block_token(b, i), (unsigned long long)(b->index + i), s->domain->vectors,
                        s->domain->vocabulary);
    return emx_fail(err, EMX_ERR_RANGE,
                    "%s: token %u at token number %llu (byte %llu of the content) is not below %s, %llu", s->name,
                    block_token(b, i), (unsigned long long)(b->index + i),
                    (unsigned long long)(s->open.flat.offset +
                                         (b->index + i) * (s->open.is_flat ? dtype_size(s->open.flat.type.dtype) : 0)),
                    cause, (unsigned long long)s->domain->vocabulary);
}

static enum emx_status survey_block(const struct shard *s, struct block *b, uint32_t *ret_largest,
                                    struct emx_error *err)
{
    uint32_t eod = s->domain->settings.eod;
    struct survey found = {0, 0};

    if (b->width == 4)
        found = survey_u32(b->tokens, b->n, eod);
    else
        found = survey_u16(b->tokens, b->n, (uint16_t)eod);
    for (size_t i = 0; i < b->n && found.max >= s->domain->vocabulary; i++) { /* if only for an EOD without a vector */
        if (!domain_has_token(s->domain, block_token(b, i)))
            return refuse_token(s, b, i, err);
    }
    if (eod != EMX_NO_TOKEN && (b->width == 4 || eod <= UINT16_MAX))
        b->sums.n_eod = found.n_eod;
    *ret_largest = found.max;
    return EMX_OK;
}

/* --- runs --------------------------------------------------------------------------------------------- */

bool count_is_plain_end(const struct shard *s, uint32_t before, uint32_t after)
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

struct inner_ends inner_ends_begin(const struct shard *s, const struct block *b)
{
    return (struct inner_ends){s, b, s->open.is_flat ? shard_index_after(s, b->index) : 0};
}

size_t inner_ends_next(struct inner_ends *e)
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
        b->sums.n_plain_ends += count_is_plain_end(s, block_token(b, end - 1), block_token(b, end));
        if (!cut)
            continue;
        count_run(c, b, run, end);
        counter_push_tail(c, block_token(b, end - 1));
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
        counter_push_tail(c, block_token(b, end - 1));
        run = end;
    }
    count_run(c, b, run, b->n);
}

/* --- a block ------------------------------------------------------------------------------------------- */

/*
 * Tokens of four bytes are nearly always below 2^18, though a shard does not say so.  Their pairs take half the memory
 * in a table that takes no others (count/table.h); blocks with larger tokens go to another, and rows of both are
 * merged.
 */
static struct pair_key key_for(const struct shard *s, uint32_t largest)
{
    const struct pair_key usual = pair_key_for(1 << 18);

    return s->key.bits > usual.bits && largest >> usual.token_bits == 0 ? usual : s->key;
}

enum emx_status counter_enter(struct counter *c, struct shard *s, uint32_t largest, struct emx_error *err)
{
    struct pair_key key = key_for(s, largest);
    uint64_t n_expected = s->size == UINT64_MAX ? UINT64_MAX : s->size * 2; /* two tokens a stored byte: zstd at 4:1 */
    struct table *table;
    bool alone;
    enum emx_status status;

    do {
        uint64_t n_spilled = c->spiller->spill->n_spilled;

        status = domain_table(s->domain, c->thread, key, n_expected, &table, &alone, err);
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

enum emx_status counter_leave(struct counter *c, struct shard *s, struct emx_error *err)
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
    uint32_t largest = 0;
    enum emx_status status;

    b->sums = (struct shard_sums){0};
    if (s->signs)
        block_sign(b);
    status = survey_block(s, b, &largest, err);
    if (!status && b->n)
        status = counter_enter(c, s, largest, err);
    if (status || !b->n)
        return status;
    count_documents(c, s, b);
    if (s->domain->settings.pairs == EMX_PAIRS_WINDOW)
        count_windows(c, s, b);
    s->domain->n_tokens += b->n;
    return counter_leave(c, s, err);
}
