/*
 * waiting.h - a document that comes piece by piece, on its way to a sample
 *
 *     waiting_init() -> waiting_to() -> ( waiting_add()... -> waiting_offer() | waiting_drop() )...
 *
 * It waits as tokens, in the sample, too; or, where that has no room for as many, it is summed up while it comes.
 */
#ifndef VNE_WAITING_H
#define VNE_WAITING_H

#include "vne/sample.h"

struct waiting {
    const struct token_rows *rows;
    struct sample *sample;
    struct bags *bags;
    uint32_t *tokens; /* [n] of cap */
    size_t n, cap;
    bool is_summed; /* what came is in the bags */
    int64_t *sum;   /* [dimension] */
};

/* Borrows the rows and bags, in which no other document is open. */
EMX_CHECKED enum emx_status waiting_init(struct waiting *w, const struct token_rows *rows, struct bags *bags,
                                         struct emx_error *err);
/* Accepts one that is zeroed. */
void waiting_finish(struct waiting *w);

/* Where documents go from now on. */
void waiting_to(struct waiting *w, struct sample *sample);
/* As bags_u32(). */
size_t waiting_add(struct waiting *w, const uint32_t *tokens, size_t n);
EMX_CHECKED enum emx_status waiting_offer(struct waiting *w, uint64_t hash, struct emx_error *err);
void waiting_drop(struct waiting *w);

#endif
