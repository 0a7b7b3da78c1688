#include "von_neumann.h"

#include <emx/vne_set.h>

#include <math.h>

bool von_neumann_any(const struct emx_state *s)
{
    for (size_t i = 0; i < emx_state_n_domains(s); i++) {
        if (emx_state_domain(s, i)->covariance)
            return true;
    }
    return false;
}

static struct emx_estimate estimate_of(const struct emx_vne_set *set, const struct emx_vne_domain *d, bool remove_first)
{
    struct emx_vne vne = d->vne;

    if (remove_first)
        emx_vne_without_first(d->eigenvalues, set->dimension, &vne);
    return (struct emx_estimate){vne.entropy, emx_vne_error(&vne, d->n_documents)};
}

static enum emx_status find(const struct emx_vne_set *set, const char *path, const char *domain, bool remove_first,
                            struct emx_estimate *ret, struct emx_error *err)
{
    const struct emx_vne_domain *d = emx_vne_set_find(set, domain);

    *ret = d && d->n_documents ? estimate_of(set, d, remove_first) : (struct emx_estimate){NAN, NAN};
    if (!d)
        return emx_fail(
            err, EMX_ERR_EMPTY,
            "%s: domain '%s' has no von Neumann entropy: entromix vne -o, or scan --embeddings, puts it there", path,
            domain);
    if (d->n_documents == 0)
        return emx_fail(err, EMX_ERR_EMPTY, "%s: no document of domain '%s' has a direction", path, domain);
    return EMX_OK;
}

enum emx_status von_neumann_read(struct emx_state *s, const char *path, bool remove_first, bool allow_gaps,
                                 struct emx_estimate *ret, struct emx_error *err)
{
    struct emx_vne_set *set = NULL;
    enum emx_status status = emx_vne_set_read(s, 0, &set, err);

    for (size_t i = 0; i < emx_state_n_domains(s) && status == EMX_OK; i++) {
        status = find(set, path, emx_state_domain(s, i)->name, remove_first, &ret[i], err);
        if (allow_gaps)
            status = EMX_OK;
    }
    emx_vne_set_destroy(&set);
    return status;
}
