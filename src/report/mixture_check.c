/* What every consumer relies on, checked once. */
#include "report/mixture.h"
#include "util/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 255 };

static int by_string(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts them; NULL if all differ. */
static const char *find_twice(const char **strings, size_t n)
{
    qsort(strings, n, sizeof(*strings), by_string);
    for (size_t i = 1; i < n; i++)
        if (strcmp(strings[i - 1], strings[i]) == 0)
            return strings[i];
    return NULL;
}

static enum emx_status check_domain(const struct emx_mixture *m, size_t i, struct emx_error *err)
{
    const struct emx_mixture_domain *d = &m->domains[i];

    if (!utf8_is_valid(d->name))
        return emx_fail(err, EMX_ERR_ARG, "the name of domain %zu of %zu is not UTF-8", i + 1, m->n_domains);
    if (*d->name == '\0' || strlen(d->name) > MAX_NAME)
        return emx_fail(err, EMX_ERR_ARG, "the name of domain \"%s\" has not 1 to %d bytes", d->name, MAX_NAME);
    if (!(isfinite(d->proportion) && d->proportion >= 0))
        return emx_fail(err, EMX_ERR_ARG, "the proportion of domain %s, %g, is not a number from 0 to 1", d->name,
                        d->proportion);
    return EMX_OK;
}

static enum emx_status check_names_differ(const struct emx_mixture *m, struct emx_error *err)
{
    const char **names = calloc(m->n_domains, sizeof(*names));
    enum emx_status status = EMX_OK;
    const char *twice;

    if (!names)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < m->n_domains; i++)
        names[i] = m->domains[i].name;
    twice = find_twice(names, m->n_domains);
    if (twice)
        status = emx_fail(err, EMX_ERR_ARG, "two domains have the name %s", twice);
    free(names);
    return status;
}

enum emx_status mixture_check(const struct emx_mixture *m, struct emx_error *err)
{
    enum emx_status status = EMX_OK;
    long double sum = 0;

    if (m->n_domains == 0)
        return emx_fail(err, EMX_ERR_EMPTY, "the mixture has no domain");
    for (size_t i = 0; i < m->n_domains && status == EMX_OK; i++) {
        status = check_domain(m, i, err);
        sum += m->domains[i].proportion;
    }
    if (status == EMX_OK && !(fabsl(sum - 1) <= 1e-9L))
        status = emx_fail(err, EMX_ERR_ARG, "the proportions sum to %.12g, not 1", (double)sum);
    if (status == EMX_OK && m->path_template && m->n_domains > 1 && !strstr(m->path_template, "{domain}"))
        status = emx_fail(err, EMX_ERR_ARG, "the path \"%s\" without {domain} in it is the same for all domains",
                          m->path_template);
    return status == EMX_OK ? check_names_differ(m, err) : status;
}

/* One folder or file drawn for two domains would be drawn with the weight of neither. */
static enum emx_status check_paths_differ(const struct blend *b, const char **scratch, struct emx_error *err)
{
    const char *twice;
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; k < b->entries[i].n_paths; k++)
            scratch[n++] = b->entries[i].paths[k];
    twice = find_twice(scratch, n);
    return twice ? emx_fail(err, EMX_ERR_ARG, "%s would stand for more than one domain: give each its own path", twice)
                 : EMX_OK;
}

enum emx_status mixture_check_labels(const struct blend *b, struct emx_error *err)
{
    const char **labels = calloc(b->n + 1, sizeof(*labels)), *twice;
    enum emx_status status = EMX_OK;

    if (!labels)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < b->n; i++)
        labels[i] = b->entries[i].label;
    twice = find_twice(labels, b->n);
    if (twice)
        status = emx_fail(err, EMX_ERR_ARG, "%s would name both a domain and a part of another: rename it", twice);
    free(labels);
    return status;
}

static enum emx_status check_utf8(const struct blend_entry *e, struct emx_error *err)
{
    for (size_t k = 0; k < e->n_paths; k++)
        if (!utf8_is_valid(e->paths[k]))
            return emx_fail(err, EMX_ERR_ARG, "a path of domain %s is not UTF-8, so that the file cannot name it",
                            e->domain->name);
    return EMX_OK;
}

enum emx_status mixture_check_blend(const struct blend *b, struct emx_error *err)
{
    enum emx_status status = EMX_OK;
    const char **scratch;
    size_t n = 0;

    for (size_t i = 0; i < b->n && status == EMX_OK; i++) {
        status = check_utf8(&b->entries[i], err);
        n += b->entries[i].n_paths;
    }
    if (status != EMX_OK)
        return status;
    scratch = calloc(n + 1, sizeof(*scratch));
    if (!scratch)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    status = check_paths_differ(b, scratch, err);
    free(scratch);
    return status;
}
