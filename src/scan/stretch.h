/*
 * stretch.h - parts of documents at the edges of a shard's blocks
 *
 * A block has whole documents, and at its edges parts of documents that began before it or go on behind it.  These
 * parts, and what tells whether a document ends between neighbours, are a stretch.  Two stretches that touch are joined
 * as soon as both are there, by whoever brings the second, and the document between them is whole then.  So while a
 * shard is read there are about as many stretches as threads, and at its end there is one.
 */
#ifndef SCAN_STRETCH_H
#define SCAN_STRETCH_H

#include "vne/sample.h"

enum { MOST_PART_TOKENS = INT16_MAX }; /* so many wait as they are */

/* Of a document: some or all of its tokens, without EOD; what it has is malloc'ed. */
struct document_part {
    struct bag_part bag; /* of tokens that were summed up; its sum NULL: none */
    uint32_t *tokens;    /* [n] others, as they are: few parts are of documents that a sample wants */
    size_t n;
    uint64_t begin;   /* number of the first token, EOD included, in the shard */
    bool is_unwanted; /* of a document that is not in the sample: tokens are left out */
};

/* Begin and end of spans (shard.h); where nothing is cut there is one part, `head`, from edge to edge. */
struct stretch {
    uint64_t begin, end;
    uint64_t index, next_index; /* of the first token, and one past the last */
    uint32_t first, last;       /* these tokens, if index < next_index */
    bool end_before, end_after; /* a decoded format has a document end at this edge */
    uint8_t n_head, n_tail;     /* bytes of a token that lies across two pieces */
    uint8_t bytes_before[8], bytes_after[8];
    bool is_cut; /* a document ends inside */
    struct document_part head, tail;
};

/* Those of a shard.  Zeroed at first; guarded by the shard's mutex. */
struct stretches {
    struct stretch *list; /* [n] no two touch */
    size_t n, cap;
    struct sample *sample; /* whole documents that are not in the domain's sample before the shard is; or NULL */
};

void stretches_finish(struct stretches *s);
void stretch_finish(struct stretch *s);
void document_part_finish(struct document_part *p);

/* As it is.  False: no memory, and x stays the caller's. */
bool stretches_add(struct stretches *s, const struct stretch *x);

/* Take out one that touches x; false: there is none, and x is in the list now (*ret_kept, else no memory). */
bool stretches_meet(struct stretches *s, const struct stretch *x, struct stretch *ret, bool *ret_kept);

#endif
