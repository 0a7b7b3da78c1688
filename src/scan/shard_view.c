#include "scan/shard_view.h"

#include <stdlib.h>

static enum emx_status own_sample(struct bagger *w, struct shard *s, struct sample **ret, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    pthread_mutex_lock(&s->mutex);
    if (!s->stretches.sample)
        status = sample_create(w->all->given->n_documents, w->all->rows->dimension, &s->stretches.sample, err);
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

enum emx_status view_make_part(const struct view *v, const struct block *b, size_t from, size_t to, bool begins,
                               struct document_part *ret, struct emx_error *err)
{
    *ret = (struct document_part){.begin = b->index + from};
    ret->is_unwanted = begins && !is_wanted(v, ret->begin);
    if (from == to || ret->is_unwanted)
        return EMX_OK;
    add_tokens(v, tokens_between(v, b, from, to));
    ret->bag.sum = malloc(v->w->all->rows->dimension * sizeof(*ret->bag.sum));
    if (!ret->bag.sum)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", v->shard->name);
    bags_end_part(v->w->bags, &ret->bag);
    return EMX_OK;
}

enum emx_status view_end_document(const struct view *v, struct document_part *p, struct emx_error *err)
{
    struct bagger *w = v->w;
    struct bag_part *bag = &p->bag;
    enum emx_status status = EMX_OK;

    if (!p->is_unwanted && v->sample) {
        uint64_t hash = sample_hash(v->path_hash, p->begin);

        status = bag->sum ? sample_offer(v->sample, hash, bag, err)
                          : sample_offer_tokens(v->sample, hash, NULL, 0, sizeof(uint16_t), err);
    } else if (!p->is_unwanted) {
        if (bag->sum)
            bags_add_part(w->bags, bag);
        status = bags_end(w->bags, err);
    }
    free(bag->sum);
    *p = (struct document_part){.begin = 0};
    return status;
}
