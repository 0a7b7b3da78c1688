#include "scan/bagging.h"

#include "scan/count.h"
#include "state/covariance.h"
#include "vne/density.h"

#include <stdlib.h>
#include <string.h>

/* --- the scan ---------------------------------------------------------------------------------------------- */

static void limit_vocabulary(const struct bagging *b, struct domain *d)
{
    d->vocabulary = b->rows->n_tokens;
    d->vectors = b->given->source;
}

/* A token that has no row in a matrix breaks its shard as one beyond the vocabulary does. */
static enum emx_status set_vocabularies(const struct bagging *b, struct emx_error *err)
{
    for (size_t i = 0; i < b->n_domains && b->rows->is_matrix; i++) {
        const struct emx_scan_domain *d = b->domains[i].given;

        if (!d->settings.vocabulary)
            limit_vocabulary(b, &b->domains[i]);
        if (!d->settings.vocabulary && b->domains[i].taken_back)
            limit_vocabulary(b, b->domains[i].taken_back);
        if (d->settings.vocabulary > b->rows->n_tokens)
            return emx_fail(err, EMX_ERR_RANGE,
                            "%s: has vectors for %u tokens, but the vocabulary of domain '%s' is %u", b->given->source,
                            b->rows->n_tokens, d->name, d->settings.vocabulary);
    }
    return EMX_OK;
}

/* Sums of the domains, matrices of the threads, rows of the tokens. */
static enum emx_status take_memory(const struct bagging *b, unsigned n_threads, struct budget *budget,
                                   struct emx_error *err)
{
    size_t dimension = emx_embeddings_dimension(b->given->embeddings);
    uint64_t matrix = covariance_n_sums(dimension) * sizeof(wide), needed;

    needed = b->n_domains * matrix + n_threads * 3 * matrix +
             (uint64_t)emx_embeddings_n_tokens(b->given->embeddings) * dimension * sizeof(int16_t);
    if (needed > budget->limit / 2)
        return emx_fail(err, EMX_ERR_ARG,
                        "vectors of %zu dimensions for %u tokens, and their sums over documents of %zu domain%s on %u "
                        "thread%s, take %llu MiB, more than half of the memory limit of %llu MiB: raise --memory",
                        dimension, emx_embeddings_n_tokens(b->given->embeddings), b->n_domains,
                        b->n_domains == 1 ? "" : "s", n_threads, n_threads == 1 ? "" : "s",
                        (unsigned long long)(needed >> 20), (unsigned long long)(budget->limit >> 20));
    budget->limit -= needed;
    return EMX_OK;
}

enum emx_status bagging_init(struct bagging *b, const struct emx_scan_vectors *given, struct domain *domains,
                             size_t n_domains, unsigned n_threads, struct budget *budget, struct emx_error *err)
{
    enum emx_status status;
    size_t n = 0;

    *b = (struct bagging){.given = given, .domains = domains, .n_domains = n_domains};
    pthread_mutex_init(&b->mutex, NULL);
    if (!given)
        return EMX_OK;
    status = take_memory(b, n_threads, budget, err);
    if (!status)
        status = token_rows_create(given->embeddings, NULL, 0, &b->rows, err);
    if (status)
        return status;
    b->vectors = token_rows_checksum(b->rows);
    b->of_domain = calloc(n_domains, sizeof(*b->of_domain));
    if (!b->of_domain)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu domains", n_domains);
    for (size_t i = 0; i < n_domains; i++)
        pthread_mutex_init(&b->of_domain[i].mutex, NULL);
    for (; n < n_domains && given->n_documents && !status; n++)
        status = sample_create(given->n_documents, b->rows->dimension, &b->of_domain[n].sample, err);
    return status ? status : set_vocabularies(b, err);
}

void bagging_finish(struct bagging *b)
{
    for (size_t i = 0; b->of_domain && i < b->n_domains; i++) {
        sample_destroy(&b->of_domain[i].sample);
        free(b->of_domain[i].sums);
        pthread_mutex_destroy(&b->of_domain[i].mutex);
    }
    free(b->of_domain);
    token_rows_destroy(&b->rows);
    pthread_mutex_destroy(&b->mutex);
}

/* --- a thread and its domain --------------------------------------------------------------------------------- */

static void join_others(struct bagger *w)
{
    pthread_mutex_init(&w->mutex, NULL);
    pthread_mutex_lock(&w->all->mutex);
    w->next = w->all->baggers;
    w->all->baggers = w;
    pthread_mutex_unlock(&w->all->mutex);
}

static void leave_others(struct bagger *w)
{
    struct bagger **link = &w->all->baggers;

    pthread_mutex_lock(&w->all->mutex);
    while (*link != w)
        link = &(*link)->next;
    *link = w->next;
    pthread_mutex_unlock(&w->all->mutex);
    pthread_mutex_destroy(&w->mutex);
}

enum emx_status bagger_init(struct bagger *w, struct bagging *all, struct emx_error *err)
{
    enum emx_status status;
    size_t dimension;

    if (!all->given)
        return EMX_OK;
    w->all = all;
    dimension = all->rows->dimension;
    w->zero = calloc(dimension, sizeof(*w->zero));
    if (!w->zero)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a thread");
    status = emx_density_create(dimension, &w->sums.density, err);
    if (!status)
        status = bags_create(all->rows, &w->bags, err);
    if (!status)
        join_others(w);
    return status;
}

void bagger_finish(struct bagger *w)
{
    if (w->bags)
        leave_others(w);
    bags_destroy(&w->bags);
    emx_density_destroy(&w->sums.density);
    free(w->zero);
}

/* Called with the domain's mutex. */
static bool add_sums(struct bagged *to, const struct bag_sums *from, bool takes_back)
{
    const size_t dimension = emx_density_dimension(from->density);
    const int sign = takes_back ? -1 : 1; /* counts may fall below 0 meanwhile, and wrap */
    const wide *sums = density_sums(from->density);

    if (!to->sums)
        to->sums = calloc(covariance_n_sums(dimension), sizeof(*to->sums));
    if (!to->sums)
        return false;
    for (size_t i = 0; i < covariance_n_sums(dimension); i++)
        to->sums[i] += sign * sums[i];
    to->n_documents += (uint64_t)sign * emx_density_n_documents(from->density);
    to->n_left_out += (uint64_t)sign * emx_density_n_left_out(from->density);
    to->n_tokens += (uint64_t)sign * from->n_tokens;
    to->n_without_vector += (uint64_t)sign * from->n_without_vector;
    return true;
}

static enum emx_status leave(struct bagger *w, struct emx_error *err)
{
    enum emx_status status;
    bool done;

    if (!w->at)
        return EMX_OK;
    status = bags_flush(w->bags, err);
    if (status)
        return status;
    pthread_mutex_lock(&w->at->mutex);
    done = add_sums(w->at, &w->sums, w->takes_back);
    pthread_mutex_unlock(&w->at->mutex);
    w->at = NULL;
    return done ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "out of memory for the sums over a domain's documents");
}

static struct bagged *bagged_of(const struct bagger *w, const struct domain *d)
{
    return &w->all->of_domain[d->given - w->all->domains->given];
}

static enum emx_status enter(struct bagger *w, const struct domain *d, struct emx_error *err)
{
    struct bagged *at = bagged_of(w, d);
    bool takes_back = d != &w->all->domains[at - w->all->of_domain];
    enum emx_status status;

    if (w->at == at && w->takes_back == takes_back)
        return EMX_OK;
    status = leave(w, err);
    if (status)
        return status;
    emx_density_reset(w->sums.density);
    w->sums.n_tokens = w->sums.n_without_vector = 0;
    w->at = at;
    w->takes_back = takes_back;
    return bags_to(w->bags, &w->sums, err);
}

enum emx_status bagger_leave(struct bagger *w, struct emx_error *err)
{
    enum emx_status status;

    if (!w->all)
        return EMX_OK;
    pthread_mutex_lock(&w->mutex);
    status = leave(w, err);
    pthread_mutex_unlock(&w->mutex);
    return status;
}

/* What all threads have for the domain's sample goes there. */
static enum emx_status flush_all(struct bagging *all, const struct bagged *to, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    pthread_mutex_lock(&all->mutex);
    for (struct bagger *w = all->baggers; w && !status; w = w->next) {
        pthread_mutex_lock(&w->mutex);
        if (w->at == to)
            status = bags_flush(w->bags, err);
        pthread_mutex_unlock(&w->mutex);
    }
    pthread_mutex_unlock(&all->mutex);
    return status;
}

enum emx_status bagger_domain_end(struct bagger *w, struct domain *d, struct emx_error *err)
{
    enum emx_status status;

    if (!w->all || !w->all->given->n_documents)
        return EMX_OK;
    status = flush_all(w->all, bagged_of(w, d), err);
    if (status)
        return status;
    pthread_mutex_lock(&w->mutex);
    status = enter(w, d, err);
    if (!status)
        status = sample_take(w->at->sample, w->bags, err);
    pthread_mutex_unlock(&w->mutex);
    return status;
}

/* --- documents ------------------------------------------------------------------------------------------------ */

/* A shard's documents, as this thread sees them. */
struct view {
    struct bagger *w;
    const struct shard *shard;
    struct sample *sample; /* that its documents go to, or NULL */
    uint64_t path_hash;
    uint32_t eod; /* or EMX_NO_TOKEN */
    bool eod_first;
};

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

static enum emx_status view_shard(struct bagger *w, struct shard *s, struct view *ret, struct emx_error *err)
{
    enum emx_status status = enter(w, s->domain, err);

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

/*
 * Tokens [from, to) of one document to the bags, without EOD.  A token across two pieces that has no row is passed by:
 * at the end of the shard it will be refused (seams.h).
 */
static void add_tokens(const struct view *v, const struct block *b, size_t from, size_t to)
{
    if (from < to && v->eod_first && block_token(b, from) == v->eod)
        from++;
    if (from < to && !v->eod_first && block_token(b, to - 1) == v->eod)
        to--;
    if (from == to)
        return;
    if (b->width == 2)
        bags_u16(v->w->bags, (const uint16_t *)b->tokens + from, to - from);
    else
        bags_u32(v->w->bags, (const uint32_t *)b->tokens + from, to - from);
}

static enum emx_status add_document(const struct view *v, const struct block *b, size_t from, size_t to,
                                    struct emx_error *err)
{
    struct bagger *w = v->w;

    if (!is_wanted(v, b->index + from))
        return EMX_OK;
    add_tokens(v, b, from, to);
    if (!v->sample)
        return bags_end(w->bags, err);
    return bags_offer(w->bags, v->sample, sample_hash(v->path_hash, b->index + from), err);
}

/* Of a document that may have begun before; `begins`: it did not. */
static enum emx_status make_part(const struct view *v, const struct block *b, size_t from, size_t to, bool begins,
                                 struct document_part *ret, struct emx_error *err)
{
    *ret = (struct document_part){.begin = b->index + from};
    ret->is_unwanted = begins && !is_wanted(v, ret->begin);
    if (from == to || ret->is_unwanted)
        return EMX_OK;
    add_tokens(v, b, from, to);
    ret->bag.sum = malloc(v->w->all->rows->dimension * sizeof(*ret->bag.sum));
    if (!ret->bag.sum)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", v->shard->name);
    bags_end_part(v->w->bags, &ret->bag);
    return EMX_OK;
}

/* A document of which all parts are there; the part has nothing left. */
static enum emx_status end_document(const struct view *v, struct document_part *p, struct emx_error *err)
{
    struct bagger *w = v->w;
    struct bag_part *bag = &p->bag;
    enum emx_status status = EMX_OK;

    if (!p->is_unwanted && v->sample) {
        struct bag_part offered = {bag->sum ? bag->sum : w->zero, bag->n_tokens, bag->n_without_vector};

        status = sample_offer(v->sample, sample_hash(v->path_hash, p->begin), &offered, err);
    } else if (!p->is_unwanted) {
        if (bag->sum)
            bags_add_part(w->bags, bag);
        status = bags_end(w->bags, err);
    }
    free(bag->sum);
    *p = (struct document_part){.begin = 0};
    return status;
}

/* --- where documents end in a block --------------------------------------------------------------------------- */

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
    }
    while (i < b->n && block_token(b, i) != eod)
        i++;
    return i;
}

struct ends {
    const struct view *view;
    const struct block *block;
    struct inner_ends stated; /* by an index or the format */
    size_t next_stated, next_eod;
    bool any_eod;
};

static size_t eod_end(const struct ends *e, size_t from)
{
    size_t at = e->any_eod ? find_eod(e->block, e->view->eod, from) : e->block->n;

    return at < e->block->n && !e->view->eod_first ? at + 1 : at;
}

static struct ends ends_begin(const struct view *v, const struct block *b)
{
    struct ends e = {.view = v, .block = b, .stated = inner_ends_begin(v->shard, b), .any_eod = b->sums.n_eod > 0};

    e.next_stated = inner_ends_next(&e.stated);
    e.next_eod = eod_end(&e, v->eod_first ? 1 : 0);
    return e;
}

/* The next place before which a document ends, 0 < place < b->n; or b->n. */
static size_t ends_next(struct ends *e)
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

/* --- a block and its neighbours --------------------------------------------------------------------------------- */

static enum emx_status cut_block(const struct view *v, const struct block *b, struct stretch *ret,
                                 struct emx_error *err)
{
    struct ends ends = ends_begin(v, b);
    size_t from = ends_next(&ends), to;
    enum emx_status status = make_part(v, b, 0, from, b->index == 0, &ret->head, err);

    ret->is_cut = from < b->n;
    while (!status && from < b->n) {
        to = ends_next(&ends);
        if (to == b->n)
            return make_part(v, b, from, to, true, &ret->tail, err);
        status = add_document(v, b, from, to, err);
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

/* Both have tokens. */
static enum emx_status join_documents(const struct view *v, struct stretch *a, struct stretch *b, struct emx_error *err)
{
    size_t dimension = v->w->all->rows->dimension;
    struct document_part *last = a->is_cut ? &a->tail : &a->head;
    enum emx_status status = EMX_OK;

    if (!ends_between(v, a, b)) {
        document_part_join(last, &b->head, dimension);
        if (b->is_cut && a->is_cut)
            status = end_document(v, last, err);
        if (b->is_cut)
            a->tail = b->tail;
    } else {
        if (a->is_cut)
            status = end_document(v, last, err);
        if (!status && b->is_cut)
            status = end_document(v, &b->head, err);
        a->tail = b->is_cut ? b->tail : b->head;
        if (!b->is_cut)
            b->head.bag.sum = NULL;
        a->is_cut = true;
    }
    a->is_cut |= b->is_cut;
    b->tail.bag.sum = NULL;
    return status;
}

/* b, which follows, becomes part of a, and has no sums after it, but after a failure.  Neither has bytes of a token
 * between them. */
static enum emx_status join_whole(const struct view *v, struct stretch *a, struct stretch *b, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    if (has_tokens(a) && has_tokens(b)) {
        status = join_documents(v, a, b, err);
        a->next_index = b->next_index;
        a->last = b->last;
        a->end_after = b->end_after;
    } else if (has_tokens(b)) {
        b->begin = a->begin;
        b->n_head = a->n_head;
        memcpy(b->bytes_before, a->bytes_before, sizeof(b->bytes_before));
        *a = *b;
        b->head.bag.sum = b->tail.bag.sum = NULL;
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
    status = make_part(v, &block, 0, 1, false, &between.head, err);
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
    if (!status && v.sample != w->at->sample) /* the shard's own, for whoever ends it */
        status = bags_flush(w->bags, err);
    if (!status)
        return put(&v, s, x, err);
    stretch_finish(x);
    return status;
}

enum emx_status bagger_block(struct bagger *w, struct shard *s, const struct block *b, struct emx_error *err)
{
    struct stretch x = stretch_of(b);
    enum emx_status status;

    if (!w->all || (!b->n && !x.n_head && !x.n_tail)) /* an end alone is that of the shard */
        return EMX_OK;
    pthread_mutex_lock(&w->mutex);
    status = add_block(w, s, b, &x, err);
    pthread_mutex_unlock(&w->mutex);
    return status;
}

/* --- the edges of a shard ----------------------------------------------------------------------------------------- */

static enum emx_status end_shard(struct bagger *w, struct shard *s, struct stretch *whole, struct emx_error *err)
{
    struct view v;
    bool crosses, begins, ends;
    enum emx_status status = view_shard(w, s, &v, err);

    if (status)
        return status;
    crosses = s->open.documents_cross_shards && v.eod != EMX_NO_TOKEN;
    begins = !(crosses && v.eod_first) || whole->first == v.eod;
    ends = !(crosses && !v.eod_first) || whole->last == v.eod;
    if (whole->is_cut ? begins : begins && ends)
        status = end_document(&v, &whole->head, err);
    if (!status && whole->is_cut && ends)
        status = end_document(&v, &whole->tail, err);
    if (!status && s->stretches.sample)
        status = sample_move(s->stretches.sample, w->at->sample, err);
    return status;
}

enum emx_status bagger_shard_end(struct bagger *w, struct shard *s, struct emx_error *err)
{
    struct stretch *whole = s->stretches.list;
    enum emx_status status;

    if (!w->all || !s->stretches.n || !has_tokens(whole))
        return EMX_OK;
    pthread_mutex_lock(&w->mutex);
    status = end_shard(w, s, whole, err);
    pthread_mutex_unlock(&w->mutex);
    return status;
}

/* --- writing --------------------------------------------------------------------------------------------------------
 */

enum emx_status bagging_write(struct bagging *b, const struct domain *d, struct emx_state_writer *w,
                              struct emx_error *err)
{
    struct bagged *from;
    struct emx_covariance head;
    enum emx_status status;

    if (!b->given)
        return EMX_OK;
    from = &b->of_domain[d - b->domains];
    head = (struct emx_covariance){.dimension = (uint32_t)b->rows->dimension,
                                   .vectors = b->vectors,
                                   .weighting = "none",
                                   .n_requested = b->given->n_documents,
                                   .seed = b->given->seed,
                                   .n_documents = from->n_documents,
                                   .n_left_out = from->n_left_out,
                                   .n_tokens = from->n_tokens,
                                   .n_tokens_without_vector = from->n_without_vector,
                                   .source = b->given->source};
    if (!from->sums)
        from->sums = calloc(covariance_n_sums(b->rows->dimension), sizeof(*from->sums));
    if (!from->sums)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for the sums over a domain's documents");
    status = covariance_append(w, &head, from->sums, err);
    free(from->sums);
    from->sums = NULL;
    return status;
}
