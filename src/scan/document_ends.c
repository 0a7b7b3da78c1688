#include "scan/document_ends.h"

/* The first EOD token at or after i, or b->n. */
static size_t find_eod(const struct block *b, uint32_t eod, size_t i)
{
    enum { STEP = 64 };

    if (b->width == 2) {
        const uint16_t *x = b->tokens, wanted = (uint16_t)eod;

        for (; i + STEP <= b->n; i += STEP) {
            uint16_t found = 0;

            for (size_t k = 0; k < STEP; k++) /* the compiler makes vectors of it */
                found |= (uint16_t) - (x[i + k] == wanted);
            if (found)
                break;
        }
        while (i < b->n && x[i] != wanted)
            i++;
        return i;
    }
    while (i < b->n && block_token(b, i) != eod)
        i++;
    return i;
}

static size_t eod_end(const struct ends *e, size_t from)
{
    size_t at = e->any_eod ? find_eod(e->block, e->view->eod, from) : e->block->n;

    return at < e->block->n && !e->view->eod_first ? at + 1 : at;
}

struct ends ends_begin(const struct view *v, const struct block *b)
{
    struct ends e = {.view = v, .block = b, .stated = inner_ends_begin(v->shard, b), .any_eod = b->sums.n_eod > 0};

    e.next_stated = inner_ends_next(&e.stated);
    e.next_eod = eod_end(&e, v->eod_first ? 1 : 0);
    return e;
}

size_t ends_next(struct ends *e)
{
    size_t place = e->next_stated < e->next_eod ? e->next_stated : e->next_eod;

    if (place >= e->block->n)
        return e->block->n;
    if (e->next_stated == place)
        e->next_stated = inner_ends_next(&e->stated);
    if (e->next_eod == place)
        e->next_eod = eod_end(e, e->view->eod_first ? place + 1 : place);
    return place;
}
