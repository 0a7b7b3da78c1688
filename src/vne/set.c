#include "vne/set.h"

#include <stdlib.h>
#include <string.h>

const char *emx_vne_weighting_name(enum emx_vne_weighting w)
{
    static const char *const names[] = {"none", "sif", "idf"};

    return names[w];
}

struct emx_vne_set *set_create(size_t dimension, size_t n_domains)
{
    struct emx_vne_set *set = calloc(1, sizeof(*set));

    if (!set)
        return NULL;
    set->domains = calloc(n_domains ? n_domains : 1, sizeof(*set->domains));
    set->dimension = dimension;
    set->n_domains = set->domains ? n_domains : 0;
    for (size_t i = 0; i < set->n_domains; i++) {
        set->domains[i].eigenvalues = calloc(dimension, sizeof(*set->domains[i].eigenvalues));
        if (!set->domains[i].eigenvalues) {
            emx_vne_set_destroy(&set);
            return NULL;
        }
    }
    if (!set->domains)
        emx_vne_set_destroy(&set);
    return set;
}

bool set_describe(struct emx_vne_set *set, const char *source, const char *weighting)
{
    set->source = strdup(source);
    set->weighting = strdup(weighting);
    return set->source && set->weighting;
}

void emx_vne_set_destroy(struct emx_vne_set **set)
{
    if (!*set)
        return;
    for (size_t i = 0; i < (*set)->n_domains; i++) {
        free((*set)->domains[i].name);
        free((*set)->domains[i].eigenvalues);
        emx_density_destroy(&(*set)->domains[i].density);
    }
    free((*set)->domains);
    free((*set)->source);
    free((*set)->weighting);
    free(*set);
    *set = NULL;
}

const struct emx_vne_domain *emx_vne_set_find(const struct emx_vne_set *set, const char *name)
{
    for (size_t i = 0; i < set->n_domains; i++) {
        if (strcmp(set->domains[i].name, name) == 0)
            return &set->domains[i];
    }
    return NULL;
}

enum emx_status set_solve(struct emx_vne_domain *d, struct emx_density *density, struct emx_error *err)
{
    enum emx_status status;

    d->n_documents = emx_density_n_documents(density);
    d->n_left_out = emx_density_n_left_out(density);
    if (d->n_documents == 0)
        return EMX_OK;
    status = emx_density_spectrum(density, d->eigenvalues, err);
    if (!status)
        emx_vne_of(d->eigenvalues, emx_density_dimension(density), &d->vne);
    return status;
}
