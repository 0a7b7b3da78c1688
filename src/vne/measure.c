/*
 * measure.c - emx_vne_measure(): shards are shared out among threads, each has a matrix of its own for the shard it is
 * at, and adds it to the domain's when the shard is done
 */
#include "pipeline/threads.h"
#include "vne/bags.h"
#include "vne/batch.h"
#include "vne/frequencies.h"
#include "vne/sample.h"
#include "vne/set.h"
#include "vne/waiting.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct item {
    size_t domain, shard;
};

struct worker {
    struct pass *pass;
    const struct item *item;
    struct sample *sample; /* of the domain; NULL: all documents */
    uint64_t path_hash, hash;
    struct waiting waiting; /* a document for the sample */
    struct bag_sums sums;   /* of the shard */
    struct bags *bags;
    struct frequencies frequencies; /* of the shard, while these are counted */
};

struct pass {
    struct emx_state *state;
    const struct emx_embeddings *embeddings;
    const struct emx_vne_options *options;
    struct emx_vne_set *set;
    double *weights; /* [n_weights] of tokens; NULL: all 1 */
    size_t n_weights;
    struct frequencies frequencies; /* guarded by the mutex */
    struct token_rows *rows;
    struct chunk_store store; /* of samples */
    struct measured {
        struct sample *sample;   /* NULL: all documents */
        _Atomic size_t n_shards; /* still to be read */
    } * domains;                 /* [n_domains] */
    struct item *items;          /* [n_items] the shards of all domains */
    size_t n_items;
    _Atomic size_t n_begun;
    struct worker *workers; /* [n_workers] */
    unsigned n_workers;
    struct placement *placement;

    pthread_mutex_t mutex;
    /* guarded by the mutex: the set's matrices and counts, and */
    struct emx_error error; /* of the first item that has one */
    size_t error_item;
    _Atomic bool stop;
};

/* --- a document -------------------------------------------------------------------------------------------- */

static bool on_begin(void *context, uint64_t index)
{
    struct worker *w = context;

    w->hash = sample_hash(w->path_hash, index);
    return !w->sample || sample_wants(w->sample, w->hash);
}

static enum emx_status refuse_token(const struct worker *w, uint32_t token, uint64_t index, struct emx_error *err)
{
    const struct emx_domain *d = emx_state_domain(w->pass->state, w->item->domain);

    return emx_fail(err, EMX_ERR_RANGE, "%s: token %u at token number %llu has no vector: there are %u",
                    d->shards[w->item->shard].path, token, (unsigned long long)index,
                    emx_embeddings_n_tokens(w->pass->embeddings));
}

static enum emx_status on_tokens(void *context, const uint32_t *tokens, size_t n, uint64_t index, struct emx_error *err)
{
    struct worker *w = context;
    size_t done = w->sample ? waiting_add(&w->waiting, tokens, n) : bags_u32(w->bags, tokens, n);

    return done < n ? refuse_token(w, tokens[done], index + done, err) : EMX_OK;
}

static enum emx_status on_end(void *context, bool is_document, struct emx_error *err)
{
    struct worker *w = context;

    if (is_document)
        return w->sample ? waiting_offer(&w->waiting, w->hash, err) : bags_end(w->bags, err);
    waiting_drop(&w->waiting);
    bags_drop(w->bags);
    return EMX_OK;
}

/* --- a shard ------------------------------------------------------------------------------------------------ */

static enum emx_status to_domain(struct worker *w, size_t domain, struct emx_error *err)
{
    w->sample = w->pass->domains[domain].sample;
    w->sums.domain = w->pass->set->domains[domain].name;
    w->sums.n_tokens = w->sums.n_without_vector = 0;
    emx_density_reset(w->sums.density);
    waiting_to(&w->waiting, w->sample);
    return bags_to(w->bags, &w->sums, err);
}

static enum emx_status end_sample(struct worker *w, struct emx_error *err)
{
    bool any = w->sample != NULL;
    enum emx_status status = EMX_OK;

    while (!status && any && !w->pass->stop)
        status = sample_end(w->sample, w->bags, &any, err);
    return status;
}

static enum emx_status add_to_domain(struct worker *w, size_t domain, struct emx_error *err)
{
    struct pass *p = w->pass;
    struct emx_vne_domain *d = &p->set->domains[domain];
    enum emx_status status = bags_flush(w->bags, err);

    if (status)
        return status;

    pthread_mutex_lock(&p->mutex);
    status = emx_density_merge(d->density, w->sums.density);
    d->n_tokens += w->sums.n_tokens;
    d->n_tokens_without_vector += w->sums.n_without_vector;
    pthread_mutex_unlock(&p->mutex);
    return status ? emx_fail(err, status, "domain '%s': too many documents", d->name) : EMX_OK;
}

static enum emx_status read_shard(struct worker *w, struct emx_error *err)
{
    const struct pass *p = w->pass;
    const struct emx_domain *d = emx_state_domain(p->state, w->item->domain);
    const struct emx_shard_record *shard = &d->shards[w->item->shard];
    struct measured *domain = &p->domains[w->item->domain];
    struct documents_sink sink = {on_begin, on_tokens, on_end, w};
    enum emx_status status = to_domain(w, w->item->domain, err);

    w->path_hash = sample_path_hash(shard->path, p->options->seed);
    if (!status)
        status = documents_read(shard, &d->settings, p->options->column, &sink, err);
    if (!status && --domain->n_shards == 0 && p->n_begun < p->n_items) /* others have enough to do */
        status = end_sample(w, err);
    return status ? status : add_to_domain(w, w->item->domain, err);
}

static void keep_error(struct pass *p, size_t item, const struct emx_error *error)
{
    p->stop = true;
    pthread_mutex_lock(&p->mutex);
    if (!p->error.status || item < p->error_item) {
        p->error = *error;
        p->error_item = item;
    }
    pthread_mutex_unlock(&p->mutex);
}

static void work(size_t item, unsigned thread, void *context)
{
    struct pass *p = context;
    struct worker *w = &p->workers[thread];
    struct emx_error error;

    p->n_begun++;
    if (p->stop)
        return;
    w->item = &p->items[item];
    if (read_shard(w, &error) != EMX_OK)
        keep_error(p, item, &error);
}

/* What was left when the last shard was read: by several threads. */
static enum emx_status end_rest(struct worker *w, size_t domain, struct emx_error *err)
{
    enum emx_status status = to_domain(w, domain, err);

    if (!status)
        status = end_sample(w, err);
    return status ? status : add_to_domain(w, domain, err);
}

static void end_rests(size_t item, unsigned thread, void *context)
{
    struct pass *p = context;
    struct emx_error error;

    for (size_t i = 0; i < p->set->n_domains && !p->stop; i++) {
        if (p->domains[i].sample && sample_n(p->domains[i].sample) && end_rest(&p->workers[thread], i, &error))
            keep_error(p, p->n_items + item, &error);
    }
}

static void solve(size_t item, unsigned thread, void *context)
{
    struct pass *p = context;
    struct emx_error error;

    (void)thread;
    if (!p->stop && set_solve(&p->set->domains[item], p->set->domains[item].density, &error) != EMX_OK)
        keep_error(p, item, &error);
}

/* --- tokens' weights ------------------------------------------------------------------------------------------ */

static bool on_frequencies_begin(void *context, uint64_t index)
{
    struct worker *w = context;

    (void)index;
    frequencies_begin(&w->frequencies);
    return true;
}

static enum emx_status on_frequencies_tokens(void *context, const uint32_t *tokens, size_t n, uint64_t index,
                                             struct emx_error *err)
{
    struct worker *w = context;

    (void)index;
    (void)err;
    frequencies_tokens(&w->frequencies, tokens, n);
    return EMX_OK;
}

static enum emx_status on_frequencies_end(void *context, bool is_document, struct emx_error *err)
{
    (void)context;
    (void)is_document;
    (void)err;
    return EMX_OK;
}

static void count_frequencies(size_t item, unsigned thread, void *context)
{
    struct pass *p = context;
    struct worker w = {.pass = p, .item = &p->items[item]};
    const struct emx_domain *d = emx_state_domain(p->state, w.item->domain);
    struct documents_sink sink = {on_frequencies_begin, on_frequencies_tokens, on_frequencies_end, &w};
    struct emx_error error;
    enum emx_status status;

    (void)thread;
    if (p->stop)
        return;
    status = frequencies_init(&w.frequencies, p->n_weights, &error);
    if (!status)
        status = documents_read(&d->shards[w.item->shard], &d->settings, p->options->column, &sink, &error);
    if (status)
        keep_error(p, item, &error);
    pthread_mutex_lock(&p->mutex);
    if (!status)
        frequencies_add(&p->frequencies, &w.frequencies);
    pthread_mutex_unlock(&p->mutex);
    frequencies_finish(&w.frequencies);
}

static enum emx_status weigh_by_frequencies(struct pass *p, struct emx_error *err)
{
    enum emx_status status = frequencies_init(&p->frequencies, p->n_weights, err);

    if (!status)
        status = threads_for(p->placement, p->n_items, count_frequencies, p, err);
    if (!status && p->error.status)
        status = emx_fail(err, p->error.status, "%s", p->error.message);
    if (!status)
        frequencies_weigh(&p->frequencies, p->weights);
    return status;
}

static enum emx_status weigh_tokens(struct pass *p, struct emx_error *err)
{
    if (p->options->weighting == EMX_VNE_WEIGHTING_SIF)
        return emx_vne_sif_weights(p->state, &p->weights, &p->n_weights, err);
    for (size_t i = 0; i < p->set->n_domains; i++) {
        const struct emx_domain *d = emx_state_domain(p->state, i);

        p->n_weights = d->max_token >= p->n_weights ? (size_t)d->max_token + 1 : p->n_weights;
    }
    p->weights = calloc(p->n_weights ? p->n_weights : 1, sizeof(*p->weights));
    if (!p->weights)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu tokens", p->n_weights);
    return weigh_by_frequencies(p, err);
}

/* --- preparing -------------------------------------------------------------------------------------------------- */

static enum emx_status list_shards(struct pass *p, struct emx_error *err)
{
    size_t n = 0;

    for (size_t i = 0; i < p->set->n_domains; i++)
        n += emx_state_domain(p->state, i)->n_shards;
    p->items = calloc(n ? n : 1, sizeof(*p->items));
    if (!p->items)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu shards", n);
    for (size_t i = 0; i < p->set->n_domains; i++) {
        const struct emx_domain *d = emx_state_domain(p->state, i);

        for (size_t k = 0; k < d->n_shards; k++) {
            if (strcmp(d->shards[k].path, "-") == 0)
                return emx_fail(err, EMX_ERR_ARG, "domain '%s': standard input cannot be read a second time", d->name);
            p->items[p->n_items++] = (struct item){i, k};
        }
    }
    return EMX_OK;
}

static enum emx_status prepare_domains(struct pass *p, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    p->domains = calloc(p->set->n_domains ? p->set->n_domains : 1, sizeof(*p->domains));
    if (!p->domains)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < p->set->n_domains && !status; i++) {
        const struct emx_domain *d = emx_state_domain(p->state, i);

        p->domains[i].n_shards = d->n_shards;
        p->set->domains[i].name = strdup(d->name);
        if (!p->set->domains[i].name)
            return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
        if (p->options->n_documents)
            status = sample_create(p->options->n_documents, p->set->dimension, &p->store, &p->domains[i].sample, err);
        if (!status)
            status = emx_density_create(p->set->dimension, p->options->precise, &p->set->domains[i].density, err);
    }
    return status;
}

static enum emx_status prepare_workers(struct pass *p, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    p->workers = calloc(placement_n_threads(p->placement), sizeof(*p->workers));
    if (!p->workers)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for threads");
    for (; p->n_workers < placement_n_threads(p->placement) && !status; p->n_workers++) {
        struct worker *w = &p->workers[p->n_workers];

        w->pass = p;
        status = bags_create(p->rows, BATCH_COUNTS, &w->bags, err);
        if (!status)
            status = waiting_init(&w->waiting, p->rows, w->bags, err);
        if (!status)
            status = emx_density_create(p->set->dimension, p->options->precise, &w->sums.density, err);
    }
    return status;
}

static enum emx_status prepare(struct pass *p, struct emx_error *err)
{
    const char *source = p->options->source ? p->options->source : "";
    enum emx_status status;

    p->set = set_create(emx_embeddings_dimension(p->embeddings), emx_state_n_domains(p->state));
    if (!p->set || !set_describe(p->set, source, emx_vne_weighting_name(p->options->weighting)))
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for matrices of %zu domains",
                        emx_state_n_domains(p->state));
    p->set->n_requested = p->options->n_documents;
    p->set->seed = p->options->seed;
    p->set->precise = p->options->precise;
    status = list_shards(p, err);
    if (!status)
        status = prepare_domains(p, err);
    if (!status)
        status = placement_create(NULL, p->options->n_threads, false, &p->placement, err);
    if (!status && p->options->weighting != EMX_VNE_WEIGHTING_NONE)
        status = weigh_tokens(p, err);
    if (!status)
        status = token_rows_create(p->embeddings, p->weights, p->n_weights, p->options->precise, p->placement, &p->rows,
                                   err);
    if (!status)
        p->set->vectors = token_rows_checksum(p->rows);
    return status ? status : prepare_workers(p, err);
}

static void finish(struct pass *p)
{
    for (unsigned i = 0; i < p->n_workers; i++) {
        waiting_finish(&p->workers[i].waiting);
        bags_destroy(&p->workers[i].bags);
        emx_density_destroy(&p->workers[i].sums.density);
    }
    free(p->workers);
    placement_destroy(&p->placement);
    token_rows_destroy(&p->rows);
    free(p->weights);
    frequencies_finish(&p->frequencies);
    for (size_t i = 0; p->domains && i < emx_state_n_domains(p->state); i++)
        sample_destroy(&p->domains[i].sample);
    chunk_store_finish(&p->store);
    free(p->domains);
    free(p->items);
    emx_vne_set_destroy(&p->set);
    pthread_mutex_destroy(&p->mutex);
}

enum emx_status emx_vne_measure(struct emx_state *s, const struct emx_embeddings *e,
                                const struct emx_vne_options *options, struct emx_vne_set **ret, struct emx_error *err)
{
    struct pass p = {.state = s, .embeddings = e, .options = options};
    enum emx_status status;

    pthread_mutex_init(&p.mutex, NULL);
    chunk_store_init(&p.store, NULL);
    status = prepare(&p, err);
    if (!status)
        status = threads_for(p.placement, p.n_items, work, &p, err);
    if (!status && !p.stop)
        status = threads_for(p.placement, p.n_workers, end_rests, &p, err);
    if (!status && !p.stop)
        status = threads_for(p.placement, p.set->n_domains, solve, &p, err);
    if (!status && p.error.status)
        status = emx_fail(err, p.error.status, "%s", p.error.message);
    if (!status) {
        *ret = p.set;
        p.set = NULL;
    }
    finish(&p);
    return status;
}
