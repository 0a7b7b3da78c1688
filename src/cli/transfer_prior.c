/*
 * transfer_prior.c - a prior for the transfer law out of a state file or another law
 */
#include "transfer_prior.h"

#include "corpus.h"
#include "say.h"

#include <emx/compare.h>
#include <emx/law_file.h>

#include <stdlib.h>
#include <string.h>

#define TO(member) offsetof(struct transfer_args, member)

const struct opt transfer_rows[] = {
    {"transfer-prior", 0, "FILE",
     "with bimix-transfer: draw transfer between domains to be proportional to what FILE says, a state file (.emx) the "
     "overlap of their pairs, or a law its own transfer",
     TO(path), opt_text, 0, 0, NULL},
    {"transfer-strength", 0, "X",
     "how strongly: residual variance over variance of transfer terms about what FILE says (default: by cross "
     "validation, as is what part of it they are drawn to)",
     TO(strength), opt_positive, 0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

/* Where each of the table's domains is among n others. */
static enum emx_status find_places(const char *path, const struct emx_observations *o, const char *const *names,
                                   size_t n, size_t *ret, struct emx_error *err)
{
    for (size_t j = 0; j < o->n_domains; j++) {
        ret[j] = 0;
        while (ret[j] < n && strcmp(names[ret[j]], o->domains[j]) != 0)
            ret[j]++;
        if (ret[j] == n)
            return emx_fail(err, EMX_ERR_ARG, "%s: has no domain '%s', which %s has", path, o->domains[j], o->source);
    }
    return EMX_OK;
}

static enum emx_status overlaps_of(const struct emx_state *s, const char *path, const struct emx_comparison *c,
                                   const struct emx_observations *o, double *ret, struct emx_error *err)
{
    const size_t n = emx_state_n_domains(s), m = o->n_domains;
    const char **names = calloc(n + 1, sizeof(*names));
    size_t *place = calloc(m, sizeof(*place));
    enum emx_status status = names && place ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);

    for (size_t i = 0; i < n && status == EMX_OK; i++)
        names[i] = emx_state_domain(s, i)->name;
    if (status == EMX_OK)
        status = find_places(path, o, names, n, place, err);
    for (size_t i = 0; i < m * m && status == EMX_OK; i++) {
        ret[i] = c[place[i / m] * n + place[i % m]].pair_overlap.shared_mass;
        if (!(ret[i] >= 0))
            status = emx_fail(err, EMX_ERR_EMPTY, "%s: domain '%s' or '%s' has no pairs to compare", path,
                              o->domains[i / m], o->domains[i % m]);
    }
    free(names);
    free(place);
    return status;
}

static enum emx_status read_state(const char *path, unsigned n_threads, const struct emx_observations *o, double *ret,
                                  struct emx_error *err)
{
    struct emx_compare_options options = EMX_COMPARE_DEFAULTS;
    struct emx_comparison *c = NULL;
    struct emx_state *s = NULL;
    enum emx_status status = emx_state_open(path, &s, err);
    size_t n;

    if (status != EMX_OK)
        return status;
    options.n_threads = n_threads;
    n = emx_state_n_domains(s);
    c = calloc(n * n + 1, sizeof(*c));
    status = c ? emx_compare(s, &options, c, err) : emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    if (status == EMX_OK)
        status = overlaps_of(s, path, c, o, ret, err);
    free(c);
    emx_state_close(&s);
    return status;
}

static enum emx_status transfers_of(const struct emx_law *law, const char *path, const struct emx_observations *o,
                                    double *ret, struct emx_error *err)
{
    const size_t m = o->n_domains, p = law->n_coefficients, first = p - law->n_domains;
    size_t *place = calloc(m, sizeof(*place));
    enum emx_status status;

    if (!place)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    status = find_places(path, o, (const char *const *)law->domains, law->n_domains, place, err);
    for (size_t i = 0; i < o->n_scored && status == EMX_OK; i++) {
        size_t row = o->scored[i], k = 0;

        while (k < law->n_scored && law->scored[k] != place[row])
            k++;
        if (k == law->n_scored)
            status = emx_fail(err, EMX_ERR_ARG, "%s: has no law for the losses of '%s'", path, o->domains[row]);
        for (size_t j = 0; j < m && status == EMX_OK; j++)
            ret[row * m + j] = law->coefficient[k * p + first + place[j]];
    }
    free(place);
    return status;
}

static enum emx_status read_law(const char *path, const struct emx_observations *o, double *ret, struct emx_error *err)
{
    struct emx_law *law = NULL;
    enum emx_status status = emx_law_read(path, &law, err);

    if (status != EMX_OK)
        return status;
    if (law->form == EMX_LAW_BIMIX_TRANSFER)
        status = transfers_of(law, path, o, ret, err);
    else
        status = emx_fail(err, EMX_ERR_ARG, "%s: is a %s law, which says nothing of transfer", path,
                          emx_law_form_name(law->form));
    emx_law_destroy(&law);
    return status;
}

int transfer_prior_read(const struct transfer_args *a, const struct emx_observations *o,
                        struct emx_law_options *options, double **ret)
{
    struct emx_error err;
    enum emx_status status;

    *ret = NULL;
    if (!a->path && a->strength > 0)
        return say_usage("--transfer-strength needs --transfer-prior");
    if (!a->path)
        return EXIT_OK;
    if (options->form != EMX_LAW_BIMIX_TRANSFER)
        return say_usage("--transfer-prior goes with --law bimix-transfer");
    *ret = calloc(o->n_domains * o->n_domains, sizeof(**ret));
    if (!*ret) {
        say("out of memory");
        return EXIT_FAILED;
    }
    status = corpus_names_state(a->path) ? read_state(a->path, options->n_threads, o, *ret, &err)
                                         : read_law(a->path, o, *ret, &err);
    if (status != EMX_OK)
        return say_failed(&err);
    options->prior = *ret;
    options->prior_strength = a->strength;
    return EXIT_OK;
}
