#include "scan/bagging.h"

#include "state/covariance.h"
#include "vne/batch.h"
#include "vne/density.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* With what a count may grow, and a number of the sums. */
enum { BATCH_COUNT_BYTES = 20, PRECISE_COUNT_BYTES = 24, LEAST_BATCH_COUNTS = 4096 };

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

/* Batches take up to a sixteenth of the memory, since smaller ones cost time. */
static size_t batch_counts(uint64_t memory_of_thread, bool precise)
{
    uint64_t n = memory_of_thread / 16 / (precise ? PRECISE_COUNT_BYTES : BATCH_COUNT_BYTES);

    return n < LEAST_BATCH_COUNTS ? LEAST_BATCH_COUNTS : n < BATCH_COUNTS ? (size_t)n : BATCH_COUNTS;
}

/* Sums of the domains, matrices and batches of the threads, rows of the tokens. */
static enum emx_status take_memory(const struct bagging *b, unsigned n_threads, struct budget *budget,
                                   struct emx_error *err)
{
    size_t dimension = emx_embeddings_dimension(b->given->embeddings);
    size_t n_tokens = emx_embeddings_n_tokens(b->given->embeddings);
    uint64_t matrix = covariance_n_sums(dimension) * sizeof(wide), needed;
    bool precise = b->given->precise;

    needed = b->n_domains * matrix + (uint64_t)n_tokens * dimension * token_rows_number_bytes(precise) +
             n_threads * ((precise ? 4 : 3) * matrix + bags_bytes(n_tokens, dimension, precise, b->batch_counts));
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

static enum emx_status check_weights(const struct emx_scan_vectors *given, struct emx_error *err)
{
    for (size_t i = 0; given->weights && i < given->n_weights; i++) {
        if (!isfinite(given->weights[i]) || given->weights[i] < 0)
            return emx_fail(err, EMX_ERR_ARG, "the weight of token %zu is negative or not finite", i);
    }
    return EMX_OK;
}

enum emx_status bagging_init(struct bagging *b, const struct emx_scan_vectors *given, struct domain *domains,
                             size_t n_domains, const struct placement *placement, struct budget *budget,
                             struct emx_error *err)
{
    const unsigned n_threads = placement_n_threads(placement);
    enum emx_status status;
    size_t n = 0;

    *b = (struct bagging){.given = given, .domains = domains, .n_domains = n_domains};
    if (!given)
        return EMX_OK;
    chunk_store_init(&b->store, budget);
    b->batch_counts = batch_counts(budget->limit / n_threads, given->precise);
    status = check_weights(given, err);
    if (!status)
        status = take_memory(b, n_threads, budget, err);
    if (!status)
        status = token_rows_create(given->embeddings, given->weights, given->n_weights, given->precise, placement,
                                   &b->rows, err);
    if (status)
        return status;
    b->vectors = token_rows_checksum(b->rows);
    b->of_domain = calloc(n_domains, sizeof(*b->of_domain));
    if (!b->of_domain)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu domains", n_domains);
    for (size_t i = 0; i < n_domains; i++)
        pthread_mutex_init(&b->of_domain[i].mutex, NULL);
    for (; n < n_domains && given->n_documents && !status; n++)
        status = sample_create(given->n_documents, b->rows->dimension, &b->store, &b->of_domain[n].sample, err);
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
    if (b->given)
        chunk_store_finish(&b->store);
    token_rows_destroy(&b->rows);
}

/* --- a thread and its domain --------------------------------------------------------------------------------- */

enum emx_status bagger_init(struct bagger *w, struct bagging *all, struct emx_error *err)
{
    enum emx_status status;
    size_t dimension;

    if (!all->given)
        return EMX_OK;
    w->all = all;
    dimension = all->rows->dimension;
    w->offered = calloc(dimension, sizeof(*w->offered));
    if (!w->offered)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a thread");
    status = emx_density_create(dimension, all->rows->precise, &w->sums.density, err);
    if (!status)
        status = bags_create(all->rows, all->batch_counts, &w->bags, err);
    return status;
}

void bagger_finish(struct bagger *w)
{
    bags_destroy(&w->bags);
    emx_density_destroy(&w->sums.density);
    free(w->offered);
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

enum emx_status bagger_enter(struct bagger *w, const struct domain *d, struct emx_error *err)
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
    w->sums.domain = d->given->name;
    w->sums.n_tokens = w->sums.n_without_vector = 0;
    w->at = at;
    w->takes_back = takes_back;
    return bags_to(w->bags, &w->sums, err);
}

enum emx_status bagger_leave(struct bagger *w, struct emx_error *err)
{
    return w->all ? leave(w, err) : EMX_OK;
}

enum emx_status bagger_end_some(struct bagger *w, const struct domain *d, bool *ret_any, struct emx_error *err)
{
    enum emx_status status;

    *ret_any = false;
    if (!w->all || !w->all->given->n_documents)
        return EMX_OK;
    status = bagger_enter(w, d, err);
    return status ? status : sample_end(w->at->sample, w->bags, ret_any, err);
}

/* --- writing ----------------------------------------------------------------------------------------------- */

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
                                   .precise = b->rows->precise,
                                   .vectors = b->vectors,
                                   .weighting = b->given->weights ? "sif" : "none",
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
