#include "compare/row_reader.h"

#include <stdlib.h>
#include <string.h>

/* The first token of what comes next of a part. */
static enum emx_status peek(struct table_part *part, uint32_t *ret, struct emx_error *err)
{
    if (part->left == 0) {
        enum emx_status status = pair_cursor_rows(part->cursor, &part->next, &part->left, err);

        if (status != EMX_OK)
            return status;
    }
    *ret = part->left ? part->next->first : ROWS_OVER;
    return EMX_OK;
}

enum emx_status row_reader_open(struct row_reader *r, struct emx_state *s, size_t domain, struct emx_error *err)
{
    enum emx_status status;

    *r = (struct row_reader){0};
    status = emx_pair_cursor_create(s, domain, &r->table.cursor, err);
    if (status == EMX_OK)
        status = emx_tail_cursor_create(s, domain, &r->tails.cursor, err);
    return status;
}

void row_reader_close(struct row_reader *r)
{
    emx_pair_cursor_destroy(&r->table.cursor);
    emx_pair_cursor_destroy(&r->tails.cursor);
    free(r->pairs);
    *r = (struct row_reader){0};
}

static bool reserve(struct row_reader *r, size_t more)
{
    struct emx_pair_count *grown;
    size_t cap = 2 * r->cap + more;

    if (r->cap - r->n >= more)
        return true;
    grown = reallocarray(r->pairs, cap, sizeof(*grown));
    if (!grown)
        return false;
    r->pairs = grown;
    r->cap = cap;
    return true;
}

/* Move to the row what the cursor has at hand of it. */
static bool take_pairs(struct row_reader *r)
{
    struct table_part *t = &r->table;
    size_t n = 0;

    while (n < t->left && t->next[n].first == r->first)
        r->n_pairs += t->next[n++].count;
    if (!reserve(r, n))
        return false;
    memcpy(r->pairs + r->n, t->next, n * sizeof(*t->next));
    r->n += n;
    t->next += n;
    t->left -= n;
    return true;
}

static enum emx_status read_pairs(struct row_reader *r, struct emx_error *err)
{
    uint32_t first = r->first;

    while (first == r->first) {
        enum emx_status status;

        if (!take_pairs(r))
            return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
        if (r->table.left)
            return EMX_OK;
        status = peek(&r->table, &first, err);
        if (status != EMX_OK)
            return status;
    }
    return EMX_OK;
}

enum emx_status row_reader_next(struct row_reader *r, struct emx_error *err)
{
    uint32_t of_pairs, of_tails;
    enum emx_status status = peek(&r->table, &of_pairs, err);

    if (status == EMX_OK)
        status = peek(&r->tails, &of_tails, err);
    if (status != EMX_OK)
        return status;
    r->n = 0;
    r->n_pairs = r->n_tokens = 0;
    r->first = of_pairs < of_tails ? of_pairs : of_tails;
    if (r->first == ROWS_OVER)
        return EMX_OK;
    if (of_tails == r->first) {
        r->n_tokens = r->tails.next->count;
        r->tails.next++;
        r->tails.left--;
    }
    if (of_pairs == r->first)
        status = read_pairs(r, err);
    r->n_tokens += r->n_pairs;
    return status;
}
