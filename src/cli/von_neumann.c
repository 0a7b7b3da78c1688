#include "von_neumann.h"

#include <emx/vne_set.h>

static enum emx_status find(const char *path, const struct emx_vne_set *set, const char *domain, double *ret,
                            struct emx_error *err)
{
    const struct emx_vne_domain *d = emx_vne_set_find(set, domain);

    if (!d)
        return emx_fail(err, EMX_ERR_ARG, "%s: has no domain '%s'", path, domain);
    if (d->n_documents == 0)
        return emx_fail(err, EMX_ERR_EMPTY, "%s: no document of domain '%s' has a direction", path, domain);
    *ret = d->vne.entropy;
    return EMX_OK;
}

enum emx_status von_neumann_read(const char *path, const struct emx_state *s, double *ret, struct emx_error *err)
{
    struct emx_vne_set *set = NULL;
    enum emx_status status = emx_vne_set_read(path, &set, err);

    for (size_t i = 0; i < emx_state_n_domains(s) && status == EMX_OK; i++)
        status = find(path, set, emx_state_domain(s, i)->name, &ret[i], err);
    emx_vne_set_destroy(&set);
    return status;
}
