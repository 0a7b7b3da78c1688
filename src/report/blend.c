#include "report/blend.h"

#include <emx/emx.h>

#include "report/decimal.h"
#include "report/shard_paths.h"

#include <stdlib.h>
#include <string.h>

#define PLACEHOLDER "{domain}"

/* --- shares ------------------------------------------------------------------------------------------- */

static enum emx_status check_documents(const struct emx_mixture_domain *d, struct emx_error *err)
{
    if (!d->counted || d->counted->n_documents == 0)
        return emx_fail(err, EMX_ERR_ARG,
                        "domain %s has no documents counted, so its share of tokens cannot be turned into a "
                        "probability of documents",
                        d->name);
    if (d->counted->n_tokens == 0)
        return emx_fail(err, EMX_ERR_ARG,
                        "the documents of domain %s hold no token, so no number of them makes its share", d->name);
    return EMX_OK;
}

/* EMX_ERR_ARG names a domain of positive proportion whose documents were not counted. */
static enum emx_status document_probabilities(const struct emx_mixture *m, double *ret_probability,
                                              struct emx_error *err)
{
    double *numbers = calloc(m->n_domains + 1, 2 * sizeof(*numbers)), *length = numbers ? numbers + m->n_domains : NULL;
    enum emx_status status = EMX_OK;

    if (!numbers)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < m->n_domains && status == EMX_OK; i++) {
        const struct emx_mixture_domain *d = &m->domains[i];

        numbers[i] = d->proportion;
        length[i] = 1; /* any length does where the share is 0 */
        if (d->proportion > 0)
            status = check_documents(d, err);
        if (d->proportion > 0 && status == EMX_OK)
            length[i] = (double)d->counted->n_tokens / (double)d->counted->n_documents;
    }
    if (status == EMX_OK)
        status = emx_weights_per_document(numbers, length, m->n_domains, ret_probability, err);
    free(numbers);
    return status;
}

static enum emx_status domain_shares(const struct blend *b, double *ret, struct emx_error *err)
{
    if (b->format->per_document)
        return document_probabilities(b->mixture, ret, err);
    for (size_t i = 0; i < b->mixture->n_domains; i++)
        ret[i] = b->mixture->domains[i].proportion;
    return EMX_OK;
}

/* --- entries ------------------------------------------------------------------------------------------ */

/* The entry's strings, once in the blend, are freed with it, whatever fails next. */
static struct blend_entry *add_entry(struct blend *b, const struct emx_mixture_domain *d, size_t n_paths)
{
    struct blend_entry *e, *larger;

    if ((b->n & (b->n - 1)) == 0) { /* room is made whenever n is a power of two */
        larger = realloc(b->entries, (b->n ? 2 * b->n : 1) * sizeof(*larger));
        if (!larger)
            return NULL;
        b->entries = larger;
    }
    e = &b->entries[b->n];
    *e = (struct blend_entry){.domain = d, .paths = calloc(n_paths, sizeof(*e->paths))};
    if (!e->paths)
        return NULL;
    b->n++;
    return e;
}

/* For domain k of n of one name; alone it is the name. */
static char *make_label(const char *name, size_t k, size_t n)
{
    struct text t = {0};

    text_add(&t, name);
    if (n > 1)
        text_addf(&t, "-%zu", k + 1);
    return text_take(&t);
}

static char *path_from_name(const struct blend *b, const char *name)
{
    const struct emx_mixture *m = b->mixture;
    const char *suffix = b->format->consumer->name_suffix;
    struct text t = {0};
    const char *s = m->path_template ? m->path_template : PLACEHOLDER;

    for (const char *next; (next = strstr(s, PLACEHOLDER)) != NULL; s = next + strlen(PLACEHOLDER)) {
        text_add_bytes(&t, s, (size_t)(next - s));
        text_add(&t, name);
    }
    text_add(&t, s);
    if (!m->path_template && suffix)
        text_add(&t, suffix);
    return text_take(&t);
}

static enum emx_status add_named(struct blend *b, const struct emx_mixture_domain *d, double share)
{
    struct blend_entry *e = add_entry(b, d, 1);

    if (!e)
        return EMX_ERR_MEMORY;
    e->share = share;
    e->n_paths = 1;
    e->label = make_label(d->name, 0, 1);
    e->paths[0] = path_from_name(b, d->name);
    return e->label && e->paths[0] ? EMX_OK : EMX_ERR_MEMORY;
}

/* All paths in one entry.  Takes them out of *p. */
static enum emx_status add_files(struct blend *b, const struct emx_mixture_domain *d, struct shard_paths *p,
                                 double share)
{
    struct blend_entry *e = add_entry(b, d, p->n);

    if (!e)
        return EMX_ERR_MEMORY;
    e->share = share;
    e->scanned = true;
    e->label = make_label(d->name, 0, 1);
    for (; e->n_paths < p->n; e->n_paths++) {
        e->paths[e->n_paths] = p->paths[e->n_paths].path;
        p->paths[e->n_paths].path = NULL;
    }
    return e->label ? EMX_OK : EMX_ERR_MEMORY;
}

/* The part of a domain's share that lies in path i: by tokens, or in equal parts where there is none. */
static double part_of(double share, const struct shard_paths *p, size_t i, uint64_t n_tokens)
{
    if (n_tokens == 0)
        return share / (double)p->n;
    return (double)((long double)share * (long double)p->paths[i].n_tokens / (long double)n_tokens);
}

/* Each path an entry. */
static enum emx_status add_parts(struct blend *b, const struct emx_mixture_domain *d, struct shard_paths *p,
                                 double share)
{
    uint64_t n_tokens = 0;

    for (size_t i = 0; i < p->n; i++)
        n_tokens += p->paths[i].n_tokens;
    for (size_t i = 0; i < p->n; i++) {
        double part = part_of(share, p, i, n_tokens);
        struct blend_entry *e;

        if (part == 0 && b->format->consumer->drops_zeros)
            continue;
        e = add_entry(b, d, 1);
        if (!e)
            return EMX_ERR_MEMORY;
        e->share = part;
        e->scanned = true;
        e->n_paths = 1;
        e->paths[0] = p->paths[i].path;
        p->paths[i].path = NULL;
        e->label = make_label(d->name, i, p->n);
        if (!e->label)
            return EMX_ERR_MEMORY;
    }
    return EMX_OK;
}

static enum emx_status add_domain(struct blend *b, const struct emx_mixture_domain *d, double share)
{
    const struct emx_mixture_consumer *c = b->format->consumer;
    struct shard_paths p;
    enum emx_status status;

    if (share == 0 && c->drops_zeros)
        return EMX_OK;
    if (c->unit <= PATH_ELSEWHERE || b->mixture->path_template || !shards_fit(d->counted, c))
        return add_named(b, d, share);
    status = shard_paths_init(d->counted, c, &p);
    if (status != EMX_OK)
        return status;
    status = c->unit == PATH_FILES ? add_files(b, d, &p, share) : add_parts(b, d, &p, share);
    shard_paths_finish(&p);
    return status;
}

/* --- the blend ---------------------------------------------------------------------------------------- */

static enum emx_status print_numbers(struct blend *b)
{
    double *share = calloc(b->n + 1, sizeof(*share));
    char **number = calloc(b->n + 1, sizeof(*number));
    enum emx_status status = share && number ? EMX_OK : EMX_ERR_MEMORY;

    for (size_t i = 0; i < b->n && status == EMX_OK; i++)
        share[i] = b->entries[i].share;
    if (status == EMX_OK)
        status = decimal_shares(share, b->n, number);
    for (size_t i = 0; i < b->n && status == EMX_OK; i++)
        b->entries[i].number = number[i];
    free(share);
    free(number);
    return status;
}

static enum emx_status fill(struct blend *b, struct emx_error *err)
{
    const struct emx_mixture *m = b->mixture;
    double *share = calloc(m->n_domains + 1, sizeof(*share));
    enum emx_status status = EMX_OK;

    if (!share)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    status = domain_shares(b, share, err);
    if (status == EMX_OK) {
        for (size_t i = 0; i < m->n_domains && status == EMX_OK; i++)
            status = add_domain(b, &m->domains[i], share[i]);
        if (status == EMX_OK)
            status = print_numbers(b);
        if (status != EMX_OK)
            status = emx_fail(err, status, "out of memory");
    }
    free(share);
    return status;
}

enum emx_status blend_create(const struct emx_mixture *m, const struct emx_mixture_format *f, struct blend **ret,
                             struct emx_error *err)
{
    struct blend *b = calloc(1, sizeof(*b));
    enum emx_status status;

    if (!b)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    b->mixture = m;
    b->format = f;
    status = fill(b, err);
    if (status == EMX_OK)
        *ret = b;
    else
        blend_destroy(&b);
    return status;
}

void blend_destroy(struct blend **b)
{
    if (!*b)
        return;
    for (size_t i = 0; i < (*b)->n; i++) {
        struct blend_entry *e = &(*b)->entries[i];

        for (size_t k = 0; k < e->n_paths; k++)
            free(e->paths[k]);
        free(e->paths);
        free(e->label);
        free(e->number);
    }
    free((*b)->entries);
    free(*b);
    *b = NULL;
}

char **document_decimals(const struct blend *b, bool *ret_failed)
{
    double *probability = calloc(b->n + 1, sizeof(*probability));
    char **decimals = calloc(b->n + 1, sizeof(*decimals));
    enum emx_status status = probability && decimals ? EMX_OK : EMX_ERR_MEMORY;

    if (status == EMX_OK)
        status = document_probabilities(b->mixture, probability, NULL);
    if (status == EMX_OK)
        status = decimal_shares(probability, b->n, decimals);
    free(probability);
    if (status == EMX_OK)
        return decimals;
    *ret_failed |= status == EMX_ERR_MEMORY;
    free(decimals);
    return NULL;
}

void document_decimals_free(char **decimals, size_t n)
{
    if (decimals)
        decimal_shares_finish(decimals, n);
    free(decimals);
}

/* --- what writers share ------------------------------------------------------------------------------- */

void blend_add_numbers(struct text *t, const struct blend *b)
{
    for (size_t i = 0; i < b->n; i++)
        text_addf(t, "%s%s", i ? ", " : "", b->entries[i].number);
}

void blend_add_paths(struct text *t, const struct blend *b)
{
    for (size_t i = 0; i < b->n; i++) {
        text_add(t, i ? ", " : "");
        text_add_quoted(t, b->entries[i].paths[0]);
    }
}

void blend_add_comment(struct text *t, const struct blend *b)
{
    text_addf(t, "# entromix %s: %s", emx_version(),
              b->format->per_document ? "probabilities of drawing a document" : "shares of tokens");
    if (b->mixture->proxy)
        text_addf(t, ", from %s entropy", b->mixture->proxy);
    if (b->mixture->source) {
        text_add(t, " of ");
        text_add_quoted(t, b->mixture->source);
    }
    text_add(t, "\n");
}

static enum emx_status check_yaml_key(const char *key, const char *domain, struct emx_error *err)
{
    struct text t = {0};
    bool fits, failed;

    text_add_quoted(&t, key);
    fits = t.len < 1000; /* with room for what a consumer puts before it */
    failed = t.failed;
    text_finish(&t);
    if (failed)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    return fits ? EMX_OK
                : emx_fail(err, EMX_ERR_ARG, "domain %s has a name or path too long for a key in YAML", domain);
}

enum emx_status blend_check_yaml_keys(const struct blend *b, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < b->n && status == EMX_OK; i++) {
        status = check_yaml_key(b->entries[i].label, b->entries[i].domain->name, err);
        if (status == EMX_OK)
            status = check_yaml_key(b->entries[i].paths[0], b->entries[i].domain->name, err);
    }
    return status;
}
