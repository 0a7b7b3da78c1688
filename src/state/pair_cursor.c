/*
 * pair_cursor.c - a table of a state file as a stream of rows, block by block
 */
#include "state/pair_cursor.h"

#include "state/block_decode.h"

#include <inttypes.h>
#include <stdlib.h>

#define ROWS_AT_ONCE 1024 /* 16 KiB, so that they are still in the nearest cache when they are used */

struct emx_pair_cursor {
    struct emx_state *state;
    bool is_tails;
    uint64_t at, end;  /* rest of the section */
    uint64_t block_at; /* the block in progress */
    uint64_t n_left;   /* rows still to come, of pairs */
    bool has_block;    /* a block is in progress */
    bool any;          /* last_key is set */
    uint64_t last_key;
    struct block_decoder decoder;
    struct emx_pair_count rows[ROWS_AT_ONCE];
    size_t n_rows, next; /* for emx_pair_cursor_next() */
};

static enum emx_status block_failed(const struct emx_pair_cursor *c, const char *wrong, struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_CORRUPT, "%s: block of %s at byte %" PRIu64 " has %s", state_name(c->state),
                    c->is_tails ? "tails" : "pairs", c->block_at, wrong);
}

static enum emx_status create_cursor(struct emx_state *s, size_t domain, bool is_tails, struct emx_pair_cursor **ret,
                                     struct emx_error *err)
{
    struct emx_pair_cursor *c = calloc(1, sizeof(*c));
    const struct section *table = is_tails ? &s->tables[domain].tails : &s->tables[domain].pairs;
    enum emx_status status;

    if (!c)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", state_name(s));
    c->state = s;
    c->is_tails = is_tails;
    c->at = table->offset;
    c->end = table->offset + table->len;
    c->n_left = s->domains[domain].domain.n_pair_types;
    status = block_decoder_init(&c->decoder, err);
    if (status == EMX_OK)
        *ret = c;
    else
        emx_pair_cursor_destroy(&c);
    return status;
}

enum emx_status emx_pair_cursor_create(struct emx_state *s, size_t domain, struct emx_pair_cursor **ret,
                                       struct emx_error *err)
{
    return create_cursor(s, domain, false, ret, err);
}

enum emx_status emx_tail_cursor_create(struct emx_state *s, size_t domain, struct emx_pair_cursor **ret,
                                       struct emx_error *err)
{
    return create_cursor(s, domain, true, ret, err);
}

void emx_pair_cursor_destroy(struct emx_pair_cursor **c)
{
    if (!*c)
        return;
    block_decoder_finish(&(*c)->decoder);
    free(*c);
    *c = NULL;
}

static enum emx_status read_header(struct emx_pair_cursor *c, struct block_header *ret, struct emx_error *err)
{
    unsigned char bytes[BLOCK_HEADER_BYTES];
    const char *wrong = "no room for its header";
    uint64_t left = c->end - c->at;

    c->block_at = c->at;
    if (left >= BLOCK_HEADER_BYTES) {
        enum emx_status status = file_read_at(c->state->file, c->at, bytes, sizeof(bytes), err);

        if (status != EMX_OK)
            return status;
        wrong = block_header_decode(bytes, ret);
    }
    if (!wrong && block_header_stored(ret) > left)
        wrong = "more bytes than its section";
    if (!wrong && ret->n_rows < PAIR_BLOCK_ROWS && block_header_stored(ret) != left)
        wrong = "too few rows for one that is not the last";
    if (!wrong && !c->is_tails && ret->n_rows > c->n_left)
        wrong = "more rows than its domain";
    return wrong ? block_failed(c, wrong, err) : EMX_OK;
}

static enum emx_status read_block(struct emx_pair_cursor *c, struct emx_error *err)
{
    struct block_header header;
    enum emx_status status = read_header(c, &header, err);
    unsigned char *to;
    const char *wrong;

    if (status != EMX_OK)
        return status;
    to = block_decoder_reserve(&c->decoder, &header);
    if (!to)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", state_name(c->state));
    status = file_read_at(c->state->file, c->at, to, block_header_stored(&header), err);
    if (status != EMX_OK)
        return status;
    c->at += block_header_stored(&header);
    c->n_left -= c->is_tails ? 0 : header.n_rows;
    c->has_block = true;
    wrong = block_decoder_begin(&c->decoder);
    return wrong ? block_failed(c, wrong, err) : EMX_OK;
}

/* Tails are stored as the pairs of a first token 0. */
static const char *turn_tails(struct emx_pair_count *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].first != 0)
            return "tails with a first token";
        rows[i].first = rows[i].second;
        rows[i].second = EMX_NO_TOKEN;
    }
    return NULL;
}

/* The decoder sees to the order within a block; this to that between blocks. */
static const char *check_rows(struct emx_pair_cursor *c)
{
    const struct emx_pair_count *last = &c->rows[c->n_rows - 1];
    uint64_t first_key = (uint64_t)c->rows[0].first << 32 | c->rows[0].second;

    if (c->any && c->last_key >= first_key)
        return "rows that do not ascend";
    c->any = true;
    c->last_key = (uint64_t)last->first << 32 | last->second;
    return NULL;
}

/* Refill c->rows; n_rows is 0 at the end. */
static enum emx_status next_rows(struct emx_pair_cursor *c, struct emx_error *err)
{
    const char *wrong = NULL;

    c->n_rows = c->next = 0;
    while (c->n_rows == 0) {
        if (!c->has_block) {
            enum emx_status status;

            if (c->at == c->end)
                break;
            status = read_block(c, err);
            if (status != EMX_OK)
                return status;
        }
        wrong = block_decoder_rows(&c->decoder, c->rows, ROWS_AT_ONCE, &c->n_rows);
        if (!wrong && c->n_rows == 0)
            c->has_block = false;
        if (!wrong && c->is_tails)
            wrong = turn_tails(c->rows, c->n_rows);
        if (!wrong && c->n_rows)
            wrong = check_rows(c);
        if (wrong)
            return block_failed(c, wrong, err);
    }
    if (c->n_rows == 0 && !c->is_tails && c->n_left)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: pairs that end at byte %" PRIu64 " lack %" PRIu64 " rows",
                        state_name(c->state), c->end, c->n_left);
    return EMX_OK;
}

enum emx_status pair_cursor_rows(struct emx_pair_cursor *c, const struct emx_pair_count **ret, size_t *ret_n,
                                 struct emx_error *err)
{
    enum emx_status status = next_rows(c, err);

    if (status == EMX_OK) {
        *ret = c->rows;
        *ret_n = c->n_rows;
    }
    return status;
}

enum emx_status emx_pair_cursor_next(struct emx_pair_cursor *c, struct emx_pair_count *ret, bool *ret_more,
                                     struct emx_error *err)
{
    if (c->next == c->n_rows) {
        enum emx_status status = next_rows(c, err);

        if (status != EMX_OK)
            return status;
    }
    *ret_more = c->next < c->n_rows;
    if (*ret_more)
        *ret = c->rows[c->next++];
    return EMX_OK;
}
