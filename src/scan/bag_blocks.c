/* bag_blocks.c - the documents of blocks, and those that lie across blocks */
#include "scan/document_ends.h"

#include <stdlib.h>
#include <string.h>

/* --- a block and its neighbours --------------------------------------------------------------------------------- */

static enum emx_status cut_block(const struct view *v, const struct block *b, struct stretch *ret,
                                 struct emx_error *err)
{
    struct ends ends = ends_begin(v, b);
    size_t from = ends_next(&ends), to;
    enum emx_status status = view_make_part(v, b, 0, from, b->index == 0, &ret->head, err);

    ret->is_cut = from < b->n;
    while (!status && from < b->n) {
        to = ends_next(&ends);
        if (to == b->n)
            return view_make_part(v, b, from, to, true, &ret->tail, err);
        status = view_add_document(v, b, from, to, err);
        from = to;
    }
    return status;
}

static struct stretch stretch_of(const struct block *b)
{
    const struct span *span = &b->span;
    struct stretch s = {.begin = span->begin,
                        .end = span->end,
                        .index = b->index,
                        .next_index = b->index + b->n,
                        .first = span->first,
                        .last = span->last,
                        .end_before = span->end_before,
                        .end_after = span->end_after,
                        .n_head = span->n_head,
                        .n_tail = span->n_tail};

    memcpy(s.bytes_before, span->head, sizeof(s.bytes_before));
    memcpy(s.bytes_after, span->tail, sizeof(s.bytes_after));
    return s;
}

static bool has_tokens(const struct stretch *s)
{
    return s->index < s->next_index;
}

static bool ends_between(const struct view *v, const struct stretch *a, const struct stretch *b)
{
    return a->end_after || b->end_before || (v->eod_first ? b->first : a->last) == v->eod ||
           shard_index_ends_at(v->shard, b->index);
}

static struct document_part take_part(struct document_part *p)
{
    struct document_part taken = *p;

    *p = (struct document_part){0};
    return taken;
}

/* Both have tokens; `ends`: a document does between them. */
static enum emx_status join_documents(const struct view *v, struct stretch *a, struct stretch *b, bool ends,
                                      struct emx_error *err)
{
    struct document_part *last = a->is_cut ? &a->tail : &a->head;
    enum emx_status status = EMX_OK;

    if (!ends) {
        status = view_join_parts(v, last, &b->head, err);
        if (!status && b->is_cut && a->is_cut)
            status = view_end_document(v, last, err);
        if (!status && b->is_cut)
            a->tail = take_part(&b->tail);
    } else {
        if (a->is_cut)
            status = view_end_document(v, last, err);
        if (!status && b->is_cut)
            status = view_end_document(v, &b->head, err);
        if (!status)
            a->tail = take_part(b->is_cut ? &b->tail : &b->head);
        a->is_cut = true;
    }
    a->is_cut |= b->is_cut;
    a->next_index = b->next_index;
    a->last = b->last;
    a->end_after = b->end_after;
    return status;
}

/* b, which follows, becomes part of a, and has no sums after it, but after a failure.  Neither has bytes of a token
 * between them. */
static enum emx_status join_whole(const struct view *v, struct stretch *a, struct stretch *b, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    if (has_tokens(a) && has_tokens(b)) {
        status = join_documents(v, a, b, ends_between(v, a, b), err);
    } else if (has_tokens(b)) {
        b->begin = a->begin;
        b->n_head = a->n_head;
        memcpy(b->bytes_before, a->bytes_before, sizeof(b->bytes_before));
        stretch_finish(a);
        *a = *b;
        b->head = b->tail = (struct document_part){0};
    }
    a->end = b->end;
    a->n_tail = b->n_tail;
    memcpy(a->bytes_after, b->bytes_after, sizeof(a->bytes_after));
    return status;
}

/* The token whose bytes end a and begin b, as a stretch of its own between them. */
static enum emx_status join_split_token(const struct view *v, struct stretch *a, struct stretch *b,
                                        struct emx_error *err)
{
    size_t size = shard_token_size(v->shard);
    uint64_t begin = a->end - a->n_tail;
    uint32_t token;
    uint8_t bytes[16];
    struct block block = {.tokens = &token, .width = 4, .n = 1, .index = begin / size};
    struct stretch between;
    enum emx_status status;

    memcpy(bytes, a->bytes_after, a->n_tail);
    memcpy(bytes + a->n_tail, b->bytes_before, b->n_head);
    tokens_decode(bytes, v->shard->open.flat.type, 1, &token);
    block.span = (struct span){.begin = begin, .end = begin + size, .n = 1, .first = token, .last = token};
    between = stretch_of(&block);
    a->n_tail = b->n_head = 0;
    status = view_make_part(v, &block, 0, 1, false, &between.head, err);
    return status ? status : join_whole(v, a, &between, err);
}

static enum emx_status join(const struct view *v, struct stretch *a, struct stretch *b, struct emx_error *err)
{
    enum emx_status status = EMX_OK;
    unsigned n = a->n_tail + b->n_head;

    if (!has_tokens(a) && !a->n_tail && b->n_head) { /* a is the middle of a token */
        memcpy(a->bytes_before + a->n_head, b->bytes_before, b->n_head);
        a->n_head = (uint8_t)(a->n_head + b->n_head);
        b->n_head = 0;
    } else if (a->n_tail && n < shard_token_size(v->shard)) { /* and here b is */
        memcpy(a->bytes_after + a->n_tail, b->bytes_before, b->n_head);
        a->n_tail = (uint8_t)n;
        a->end = b->end;
        return EMX_OK;
    } else if (a->n_tail) {
        status = join_split_token(v, a, b, err);
    }
    return status ? status : join_whole(v, a, b, err);
}

/* Join x with those that touch it, and keep what comes of it. */
static enum emx_status put(const struct view *v, struct shard *s, struct stretch *x, struct emx_error *err)
{
    struct stretch other;
    bool met, kept = false;
    enum emx_status status = EMX_OK;

    while (!status) {
        pthread_mutex_lock(&s->mutex);
        met = stretches_meet(&s->stretches, x, &other, &kept);
        pthread_mutex_unlock(&s->mutex);
        if (!met)
            break;
        if (other.end == x->begin) {
            status = join(v, &other, x, err);
            stretch_finish(x);
            *x = other;
        } else {
            status = join(v, x, &other, err);
            stretch_finish(&other);
        }
    }
    if (!status && !kept)
        status = emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->name);
    if (status)
        stretch_finish(x);
    return status;
}

static enum emx_status add_block(struct bagger *w, struct shard *s, const struct block *b, struct stretch *x,
                                 struct emx_error *err)
{
    struct view v;
    enum emx_status status = view_shard(w, s, &v, err);

    if (!status && w->takes_back && v.sample) /* it has none of the shard's documents */
        return EMX_OK;
    if (!status && b->n)
        status = cut_block(&v, b, x, err);
    if (!status)
        return put(&v, s, x, err);
    stretch_finish(x);
    return status;
}

enum emx_status bagger_block(struct bagger *w, struct shard *s, const struct block *b, struct emx_error *err)
{
    struct stretch x = stretch_of(b);

    if (!w->all || (!b->n && !x.n_head && !x.n_tail)) /* an end alone is that of the shard */
        return EMX_OK;
    return add_block(w, s, b, &x, err);
}

/* --- the edges of a shard ----------------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const struct stretch *x = a, *y = b;

    return (x->begin > y->begin) - (x->begin < y->begin);
}

/* There are several only where broken frames are left out: a document ends before each, and one begins behind it. */
static enum emx_status join_over_gaps(const struct view *v, struct stretches *s, struct emx_error *err)
{
    struct stretch *whole = s->list;
    enum emx_status status = EMX_OK;

    qsort(s->list, s->n, sizeof(*s->list), by_place);
    for (size_t i = 1; i < s->n && !status; i++) {
        struct stretch *next = &s->list[i];

        if (has_tokens(whole) && has_tokens(next)) {
            status = join_documents(v, whole, next, true, err);
        } else if (has_tokens(next)) {
            *whole = *next;
            *next = (struct stretch){0};
        }
    }
    return status;
}

/* The documents at the edges, of one stretch. */
static enum emx_status end_whole(const struct view *v, struct stretch *whole, struct emx_error *err)
{
    bool crosses = v->shard->open.documents_cross_shards && v->eod != EMX_NO_TOKEN;
    bool begins = !(crosses && v->eod_first) || whole->first == v->eod;
    bool ends = !(crosses && !v->eod_first) || whole->last == v->eod;
    enum emx_status status = EMX_OK;

    if (!has_tokens(whole))
        return EMX_OK;
    if (whole->is_cut ? begins : begins && ends)
        status = view_end_document(v, &whole->head, err);
    if (!status && whole->is_cut && ends)
        status = view_end_document(v, &whole->tail, err);
    return status;
}

enum emx_status bagger_shard_end(struct bagger *w, struct shard *s, struct emx_error *err)
{
    struct view v;
    enum emx_status status;

    if (!w->all || !s->stretches.n)
        return EMX_OK;
    status = view_shard(w, s, &v, err);
    if (!status)
        status = join_over_gaps(&v, &s->stretches, err);
    if (!status)
        status = end_whole(&v, s->stretches.list, err);
    if (!status && s->stretches.sample)
        status = sample_move(s->stretches.sample, w->at->sample, err);
    return status;
}
