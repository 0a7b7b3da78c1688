/*
 * document_ends.h - where documents end in a block: at EOD tokens, and where an index or the format says so
 */
#ifndef SCAN_DOCUMENT_ENDS_H
#define SCAN_DOCUMENT_ENDS_H

#include "scan/count.h"
#include "scan/shard_view.h"

struct ends {
    const struct view *view;
    const struct block *block;
    struct inner_ends stated; /* by an index or the format */
    size_t next_stated, next_eod;
    bool any_eod;
};

struct ends ends_begin(const struct view *v, const struct block *b);
/* The next place before which a document ends, 0 < place < b->n; or b->n. */
size_t ends_next(struct ends *e);

#endif
