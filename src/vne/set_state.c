/* set_state.c - a set of domains from the covariances of a state file, and back into one */
#include "pipeline/threads.h"
#include "state/covariance.h"
#include "vne/density.h"
#include "vne/set.h"

#include <stdlib.h>
#include <string.h>

/* --- reading ------------------------------------------------------------------------------------------------- */

struct reading {
    struct emx_state *state;
    struct emx_vne_set *set;
    size_t *domain_of;          /* [set->n_domains] in the state */
    struct emx_density **works; /* [n_works] matrices of the threads */
    unsigned n_works;
    pthread_mutex_t mutex; /* guards the state, and */
    struct emx_error error;
};

static enum emx_status refuse_mixture(const struct emx_domain *a, const struct emx_domain *b, struct emx_error *err)
{
    return emx_fail(
        err, EMX_ERR_ARG,
        "domains '%.200s' and '%.200s' were measured with other vectors, precision, weights or numbers of documents: "
        "their von Neumann entropies do not compare",
        a->name, b->name);
}

static bool same_kind(const struct emx_covariance *a, const struct emx_covariance *b)
{
    return a->vectors == b->vectors && a->precise == b->precise && a->dimension == b->dimension &&
           strcmp(a->weighting, b->weighting) == 0 && a->n_requested == b->n_requested && a->seed == b->seed;
}

static enum emx_status find_domains(struct reading *r, size_t *ret_n, struct emx_error *err)
{
    size_t n = emx_state_n_domains(r->state);

    r->domain_of = calloc(n + 1, sizeof(*r->domain_of));
    if (!r->domain_of)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu domains", n);
    *ret_n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct emx_domain *d = emx_state_domain(r->state, i), *first;

        if (!d->covariance)
            continue;
        first = *ret_n ? emx_state_domain(r->state, r->domain_of[0]) : d;
        if (!same_kind(first->covariance, d->covariance))
            return refuse_mixture(first, d, err);
        r->domain_of[(*ret_n)++] = i;
    }
    return EMX_OK;
}

static enum emx_status describe(struct emx_vne_domain *to, const struct emx_domain *d, struct emx_error *err)
{
    const struct emx_covariance *c = d->covariance;

    to->name = strdup(d->name);
    to->n_documents = c->n_documents;
    to->n_left_out = c->n_left_out;
    to->n_tokens = c->n_tokens;
    to->n_tokens_without_vector = c->n_tokens_without_vector;
    return to->name ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "out of memory");
}

static enum emx_status make_set(struct reading *r, size_t n, struct emx_error *err)
{
    const struct emx_covariance *c = n ? emx_state_domain(r->state, r->domain_of[0])->covariance : NULL;
    enum emx_status status = EMX_OK;

    r->set = set_create(c ? c->dimension : 1, n);
    if (!r->set || !set_describe(r->set, c ? c->source : "", c ? c->weighting : ""))
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu domains", n);
    r->set->vectors = c ? c->vectors : 0;
    r->set->n_requested = c ? c->n_requested : 0;
    r->set->seed = c ? c->seed : 0;
    r->set->precise = c && c->precise;
    for (size_t i = 0; i < n && !status; i++)
        status = describe(&r->set->domains[i], emx_state_domain(r->state, r->domain_of[i]), err);
    return status;
}

static enum emx_status solve(struct reading *r, size_t item, struct emx_density *work, struct emx_error *err)
{
    struct emx_vne_domain *d = &r->set->domains[item];
    wide *sums = NULL;
    enum emx_status status;

    pthread_mutex_lock(&r->mutex);
    status = covariance_load(r->state, r->domain_of[item], &sums, err);
    pthread_mutex_unlock(&r->mutex);
    if (!status) {
        density_load(work, sums, d->n_documents, d->n_left_out);
        status = set_solve(d, work, err);
    }
    free(sums);
    return status;
}

static void solve_item(size_t item, unsigned thread, void *context)
{
    struct reading *r = context;
    struct emx_error error;

    if (solve(r, item, r->works[thread], &error) == EMX_OK)
        return;
    pthread_mutex_lock(&r->mutex);
    if (!r->error.status)
        r->error = error;
    pthread_mutex_unlock(&r->mutex);
}

static enum emx_status solve_all(struct reading *r, const struct placement *p, struct emx_error *err)
{
    enum emx_status status = EMX_OK;
    unsigned n = placement_n_threads(p);

    r->works = calloc(n, sizeof(struct emx_density *));
    if (!r->works)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for threads");
    for (; r->n_works < n && !status; r->n_works++)
        status = emx_density_create(r->set->dimension, r->set->precise, &r->works[r->n_works], err);
    if (!status)
        status = threads_for(p, r->set->n_domains, solve_item, r, err);
    return !status && r->error.status ? emx_fail(err, r->error.status, "%s", r->error.message) : status;
}

static enum emx_status read_set(struct reading *r, unsigned n_threads, struct emx_error *err)
{
    struct placement *p = NULL;
    size_t n = 0;
    enum emx_status status = find_domains(r, &n, err);

    if (!status)
        status = make_set(r, n, err);
    if (!status && n) {
        status = placement_create(NULL, n_threads, false, &p, err);
        if (!status)
            status = solve_all(r, p, err);
        placement_destroy(&p);
    }
    return status;
}

enum emx_status emx_vne_set_read(struct emx_state *s, unsigned n_threads, struct emx_vne_set **ret,
                                 struct emx_error *err)
{
    struct reading r = {.state = s};
    enum emx_status status;

    pthread_mutex_init(&r.mutex, NULL);
    status = read_set(&r, n_threads, err);
    for (unsigned i = 0; i < r.n_works; i++)
        emx_density_destroy(&r.works[i]);
    free(r.works);
    free(r.domain_of);
    pthread_mutex_destroy(&r.mutex);
    if (status)
        emx_vne_set_destroy(&r.set);
    else
        *ret = r.set;
    return status;
}

/* --- writing ------------------------------------------------------------------------------------------------- */

struct writing {
    struct emx_covariance *covariances;  /* [n] */
    const struct emx_covariance **heads; /* [n] */
    const wide **sums;                   /* [n] */
};

static struct emx_covariance head_of(const struct emx_vne_set *set, const struct emx_vne_domain *d)
{
    return (struct emx_covariance){.dimension = (uint32_t)set->dimension,
                                   .vectors = set->vectors,
                                   .precise = set->precise,
                                   .weighting = set->weighting,
                                   .n_requested = set->n_requested,
                                   .seed = set->seed,
                                   .n_documents = d->n_documents,
                                   .n_left_out = d->n_left_out,
                                   .n_tokens = d->n_tokens,
                                   .n_tokens_without_vector = d->n_tokens_without_vector,
                                   .source = set->source[0] ? set->source : "a program"};
}

static void fill(struct writing *w, const struct emx_vne_set *set, const struct emx_state *s)
{
    for (size_t i = 0; i < emx_state_n_domains(s); i++) {
        const struct emx_vne_domain *d = emx_vne_set_find(set, emx_state_domain(s, i)->name);

        if (!d || !d->density)
            continue;
        w->covariances[i] = head_of(set, d);
        w->heads[i] = &w->covariances[i];
        w->sums[i] = density_sums(d->density);
    }
}

enum emx_status emx_vne_set_write(const struct emx_vne_set *set, struct emx_state *s, const char *output,
                                  struct emx_error *err)
{
    size_t n = emx_state_n_domains(s) + 1;
    struct writing w = {calloc(n, sizeof(*w.covariances)), calloc(n, sizeof(const struct emx_covariance *)),
                        calloc(n, sizeof(const wide *))};
    enum emx_status status;

    if (w.covariances && w.heads && w.sums) {
        fill(&w, set, s);
        status = covariance_replace(s, w.heads, w.sums, output, err);
    } else {
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu domains", n - 1);
    }
    free(w.covariances);
    free(w.heads);
    free(w.sums);
    return status;
}
