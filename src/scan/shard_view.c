#include "scan/shard_view.h"

#include <stdlib.h>
#include <string.h>

static enum emx_status own_sample(struct bagger *w, struct shard *s, struct sample **ret, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    pthread_mutex_lock(&s->mutex);
    if (!s->stretches.sample)
        status = sample_create(w->all->given->n_documents, w->all->rows->dimension, &w->all->store,
                               &s->stretches.sample, err);
    *ret = s->stretches.sample;
    pthread_mutex_unlock(&s->mutex);
    return status;
}

enum emx_status view_shard(struct bagger *w, struct shard *s, struct view *ret, struct emx_error *err)
{
    enum emx_status status = bagger_enter(w, s->domain, err);

    if (status)
        return status;
    *ret = (struct view){.w = w,
                         .shard = s,
                         .sample = w->at->sample,
                         .path_hash = w->at->sample ? sample_path_hash(s->path, w->all->given->seed) : 0,
                         .eod = s->domain->settings.eod,
                         .eod_first = s->domain->settings.eod_first};
    return ret->sample && s->may_fail ? own_sample(w, s, &ret->sample, err) : EMX_OK;
}

static bool is_wanted(const struct view *v, uint64_t begin)
{
    uint64_t hash = v->sample ? sample_hash(v->path_hash, begin) : 0;

    return !v->sample || (sample_wants(v->sample, hash) && sample_wants(v->w->at->sample, hash));
}

/* Tokens of a document, without EOD. */
struct tokens {
    const void *first;
    size_t n, width;
};

static struct tokens tokens_between(const struct view *v, const struct block *b, size_t from, size_t to)
{
    if (from < to && v->eod_first && block_token(b, from) == v->eod)
        from++;
    if (from < to && !v->eod_first && block_token(b, to - 1) == v->eod)
        to--;
    return (struct tokens){(const unsigned char *)b->tokens + from * b->width, to - from, b->width};
}

/*
 * To the bags.  A token across two pieces that has no row is passed by: at the end of the shard it will be refused
 * (seams.h).
 */
static void add_tokens(const struct view *v, struct tokens t)
{
    if (t.n && t.width == 2)
        bags_u16(v->w->bags, t.first, t.n);
    else if (t.n)
        bags_u32(v->w->bags, t.first, t.n);
}

/* It waits as it is, or as its sum if it is too long. */
static enum emx_status offer(const struct view *v, uint64_t begin, struct tokens t, struct emx_error *err)
{
    struct bagger *w = v->w;
    uint64_t hash = sample_hash(v->path_hash, begin);
    struct bag_part part = {.sum = w->offered};

    if (sample_has_room(v->sample, t.n * t.width))
        return sample_offer_tokens(v->sample, hash, t.first, t.n, t.width, err);
    add_tokens(v, t);
    bags_end_part(w->bags, &part);
    return sample_offer(v->sample, hash, &part, err);
}

enum emx_status view_add_document(const struct view *v, const struct block *b, size_t from, size_t to,
                                  struct emx_error *err)
{
    struct tokens t;

    if (!is_wanted(v, b->index + from))
        return EMX_OK;
    t = tokens_between(v, b, from, to);
    if (v->sample)
        return offer(v, b->index + from, t, err);
    add_tokens(v, t);
    return bags_end(v->w->bags, err);
}

static enum emx_status no_memory(const struct view *v, struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", v->shard->name);
}

/* What is in the bags, to a part without sum. */
static enum emx_status take_sum(const struct view *v, struct document_part *p, struct emx_error *err)
{
    p->bag.sum = malloc(v->w->all->rows->dimension * sizeof(*p->bag.sum));
    if (!p->bag.sum)
        return no_memory(v, err);
    bags_end_part(v->w->bags, &p->bag);
    return EMX_OK;
}

static void add_part(const struct view *v, const struct document_part *p)
{
    if (p->n)
        bags_u32(v->w->bags, p->tokens, p->n);
    if (p->bag.sum)
        bags_add_part(v->w->bags, &p->bag);
}

static enum emx_status keep_tokens(const struct view *v, struct tokens t, struct document_part *ret,
                                   struct emx_error *err)
{
    ret->tokens = malloc(t.n * sizeof(*ret->tokens));
    if (!ret->tokens)
        return no_memory(v, err);
    ret->n = t.n;
    for (size_t i = 0; i < t.n; i++)
        ret->tokens[i] = t.width == 2 ? ((const uint16_t *)t.first)[i] : ((const uint32_t *)t.first)[i];
    return EMX_OK;
}

enum emx_status view_make_part(const struct view *v, const struct block *b, size_t from, size_t to, bool begins,
                               struct document_part *ret, struct emx_error *err)
{
    struct tokens t = tokens_between(v, b, from, to);

    *ret = (struct document_part){.begin = b->index + from};
    ret->is_unwanted = begins && !is_wanted(v, ret->begin);
    if (t.n == 0 || ret->is_unwanted)
        return EMX_OK;
    if (t.n <= MOST_PART_TOKENS)
        return keep_tokens(v, t, ret, err);
    add_tokens(v, t);
    return take_sum(v, ret, err);
}

/* As one sum. */
static enum emx_status sum_up(const struct view *v, struct document_part *p, struct emx_error *err)
{
    struct document_part old = *p;
    enum emx_status status;

    add_part(v, p);
    *p = (struct document_part){.begin = p->begin};
    status = take_sum(v, p, err);
    document_part_finish(&old);
    return status;
}

static enum emx_status append_tokens(const struct view *v, struct document_part *a, const struct document_part *b,
                                     struct emx_error *err)
{
    uint32_t *grown;

    if (!b->n)
        return EMX_OK;
    grown = realloc(a->tokens, (a->n + b->n) * sizeof(*grown));
    if (!grown)
        return no_memory(v, err);
    memcpy(grown + a->n, b->tokens, b->n * sizeof(*grown));
    a->tokens = grown;
    a->n += b->n;
    return EMX_OK;
}

enum emx_status view_join_parts(const struct view *v, struct document_part *a, struct document_part *b,
                                struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    if (a->is_unwanted || (!b->n && !b->bag.sum)) {
        document_part_finish(b);
        return EMX_OK;
    }
    if (!a->bag.sum && !b->bag.sum && a->n + b->n <= MOST_PART_TOKENS) {
        status = append_tokens(v, a, b, err);
    } else {
        add_part(v, b);
        status = sum_up(v, a, err);
    }
    document_part_finish(b);
    return status;
}

static enum emx_status offer_part(const struct view *v, struct document_part *p, struct emx_error *err)
{
    uint64_t hash = sample_hash(v->path_hash, p->begin);
    enum emx_status status = EMX_OK;

    if (!p->bag.sum && sample_has_room(v->sample, p->n * sizeof(*p->tokens)))
        return sample_offer_tokens(v->sample, hash, p->tokens, p->n, sizeof(*p->tokens), err);
    if (p->n)
        status = sum_up(v, p, err);
    return status ? status : sample_offer(v->sample, hash, &p->bag, err);
}

enum emx_status view_end_document(const struct view *v, struct document_part *p, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    if (!p->is_unwanted && v->sample) {
        status = offer_part(v, p, err);
    } else if (!p->is_unwanted) {
        add_part(v, p);
        status = bags_end(v->w->bags, err);
    }
    document_part_finish(p);
    return status;
}
