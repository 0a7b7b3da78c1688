#include "vne/waiting.h"

#include <stdlib.h>
#include <string.h>

enum emx_status waiting_init(struct waiting *w, const struct token_rows *rows, struct bags *bags, struct emx_error *err)
{
    *w = (struct waiting){.rows = rows, .bags = bags};
    w->sum = calloc(rows->dimension, sizeof(*w->sum));
    return w->sum ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "out of memory for a document");
}

void waiting_finish(struct waiting *w)
{
    free(w->tokens);
    free(w->sum);
    *w = (struct waiting){0};
}

void waiting_to(struct waiting *w, struct sample *sample)
{
    w->sample = sample;
}

/* How many have rows, or need none. */
static size_t count_good(const struct waiting *w, const uint32_t *tokens, size_t n)
{
    size_t i = 0;

    while (w->rows->is_matrix && i < n && tokens[i] < w->rows->n_tokens)
        i++;
    return w->rows->is_matrix ? i : n;
}

static bool keep(struct waiting *w, const uint32_t *tokens, size_t n)
{
    size_t needed = w->n + n, cap = needed > 2 * w->cap ? needed : 2 * w->cap;
    uint32_t *grown;

    if (!sample_has_room(w->sample, needed * sizeof(*tokens)))
        return false;
    if (needed > w->cap) {
        grown = realloc(w->tokens, cap * sizeof(*grown));
        if (!grown)
            return false;
        w->tokens = grown;
        w->cap = cap;
    }
    memcpy(w->tokens + w->n, tokens, n * sizeof(*tokens));
    w->n = needed;
    return true;
}

size_t waiting_add(struct waiting *w, const uint32_t *tokens, size_t n)
{
    n = count_good(w, tokens, n);
    if (!n || (!w->is_summed && keep(w, tokens, n)))
        return n;
    bags_u32(w->bags, w->tokens, w->n);
    w->n = 0;
    w->is_summed = true;
    return bags_u32(w->bags, tokens, n);
}

enum emx_status waiting_offer(struct waiting *w, uint64_t hash, struct emx_error *err)
{
    struct bag_part part = {.sum = w->sum};
    enum emx_status status;

    if (!w->is_summed) {
        status = sample_offer_tokens(w->sample, hash, w->tokens, w->n, sizeof(*w->tokens), err);
    } else {
        bags_end_part(w->bags, &part);
        status = sample_offer(w->sample, hash, &part, err);
    }
    w->n = 0;
    w->is_summed = false;
    return status;
}

void waiting_drop(struct waiting *w)
{
    if (w->is_summed)
        bags_drop(w->bags);
    w->n = 0;
    w->is_summed = false;
}
