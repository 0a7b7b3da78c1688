#include "estimate.h"

#include "say.h"
#include "von_neumann.h"

#include <emx/entropy.h>
#include <emx/weights.h>

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *const summaries[EMX_N_ESTIMATORS] = {
    [EMX_ESTIMATOR_PLUGIN] = "entropy of the shares as counted (default)",
    [EMX_ESTIMATOR_MILLER_MADOW] = "with the first term of its bias",
    [EMX_ESTIMATOR_CHAO_SHEN] = "Horvitz-Thompson, with Good's coverage",
    [EMX_ESTIMATOR_GRASSBERGER] = "digamma of counts for their logarithm",
    [EMX_ESTIMATOR_GOOD_TURING] = "unseen mass in equal parts to Chao's unseen types",
    [EMX_ESTIMATOR_SHRINKAGE] = "James-Stein: shrunk towards equal shares of the vocabulary",
};

static bool estimator_choice(size_t i, struct opt_choice *ret)
{
    if (i >= EMX_N_ESTIMATORS)
        return false;
    *ret = (struct opt_choice){emx_estimator_name((enum emx_estimator)i), summaries[i]};
    return true;
}

bool estimate_proxy_choice(size_t i, struct opt_choice *ret)
{
    static const char *const names[] = {"shannon", "joint", "conditional", "von-neumann"};

    if (i >= sizeof(names) / sizeof(names[0]))
        return false;
    *ret = (struct opt_choice){names[i], NULL};
    return true;
}

bool estimate_is_von_neumann(const char *proxy)
{
    return strcmp(proxy, "von-neumann") == 0;
}

#define TO(member) offsetof(struct estimate_args, member)

const struct opt estimate_rows[] = {
    {"estimator", 0, "NAME", "of entropies, see below", TO(estimator), opt_choose, 0, 0, estimator_choice},
    {"at-tokens", 0, "N",
     "what is to be expected of N tokens, and of N pairs, of each domain (rarefaction), so that domains of any size "
     "compare fairly",
     TO(at_tokens), opt_tokens, 1, INT64_MAX, NULL},
    {"remove-first-component", 0, NULL, "of von Neumann entropies: without the direction that documents share most",
     TO(remove_first), opt_flag, 0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

bool estimate_wanted(const struct estimate_args *a)
{
    return a->estimator || a->at_tokens;
}

static enum emx_estimator number_of(const struct estimate_args *a)
{
    size_t i = 0;

    while (a->estimator && strcmp(emx_estimator_name((enum emx_estimator)i), a->estimator) != 0)
        i++;
    return (enum emx_estimator)i;
}

int estimate_check(const struct estimate_args *a, const char *proxy)
{
    if (a->at_tokens && number_of(a) != EMX_ESTIMATOR_PLUGIN)
        return say_usage("--at-tokens goes with --estimator plugin, not with %s", a->estimator);
    if (proxy && estimate_is_von_neumann(proxy) && estimate_wanted(a))
        return say_usage("--estimator and --at-tokens are of counts, not of von Neumann entropies");
    if (proxy && !estimate_is_von_neumann(proxy) && a->remove_first)
        return say_usage("--remove-first-component is of von Neumann entropies, not of %s ones", proxy);
    return EXIT_OK;
}

enum emx_status estimate_domain(const struct estimate_args *a, struct emx_state *s, size_t domain,
                                struct emx_estimates *ret, struct emx_error *err)
{
    struct emx_estimation how = {.estimator = number_of(a), .sample = a->at_tokens};

    return emx_estimate_domain(s, domain, &how, ret, err);
}

static double entropy_of(const struct emx_domain *d, const char *proxy)
{
    struct emx_entropies e;

    emx_entropies_compute(&d->tokens, &d->pairs, &d->firsts, &e);
    if (strcmp(proxy, "shannon") == 0)
        return e.shannon;
    return strcmp(proxy, "joint") == 0 ? e.joint : e.conditional;
}

static struct emx_estimate estimate_of(const struct emx_estimates *e, const char *proxy)
{
    if (strcmp(proxy, "shannon") == 0)
        return e->shannon;
    return strcmp(proxy, "joint") == 0 ? e->joint : e->conditional;
}

enum emx_status estimate_proxy(const struct estimate_args *a, struct emx_state *s, const char *path, const char *proxy,
                               bool with_errors, struct emx_estimate *ret, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    if (estimate_is_von_neumann(proxy))
        return von_neumann_read(s, path, a->remove_first, false, ret, err);
    for (size_t i = 0; i < emx_state_n_domains(s) && status == EMX_OK; i++) {
        struct emx_estimates e;

        ret[i] = (struct emx_estimate){NAN, NAN};
        if (with_errors || estimate_wanted(a)) {
            status = estimate_domain(a, s, i, &e, err);
            if (status == EMX_OK)
                ret[i] = estimate_of(&e, proxy);
        }
        if (!estimate_wanted(a))
            ret[i].value = entropy_of(emx_state_domain(s, i), proxy);
    }
    return status;
}

/* emx_weights_from_entropies() and emx_weights_errors(); scratch[2 n]. */
static enum emx_status weigh(struct weighed *w, size_t n, const struct emx_weights_options *options, double *scratch,
                             struct emx_error *err)
{
    double *value = scratch, *error = scratch + n;
    enum emx_status status;

    for (size_t i = 0; i < n; i++) {
        value[i] = w->entropy[i].value;
        error[i] = w->entropy[i].standard_error;
    }
    status = emx_weights_from_entropies(value, n, options, w->proportion, err);
    if (status == EMX_OK)
        emx_weights_errors(w->proportion, error, n, options, w->error);
    return status;
}

enum emx_status estimate_weigh(const struct estimate_args *a, struct emx_state *s, const char *path, const char *proxy,
                               bool with_errors, const struct emx_weights_options *options, struct weighed *ret,
                               struct emx_error *err)
{
    size_t n = emx_state_n_domains(s);
    double *scratch = calloc(n + 1, 2 * sizeof(*scratch));
    enum emx_status status;

    ret->entropy = calloc(n + 1, sizeof(*ret->entropy));
    ret->proportion = calloc(n + 1, sizeof(*ret->proportion));
    ret->error = calloc(n + 1, sizeof(*ret->error));
    if (scratch && ret->entropy && ret->proportion && ret->error)
        status = estimate_proxy(a, s, path, proxy, with_errors, ret->entropy, err);
    else
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    if (status == EMX_OK)
        status = weigh(ret, n, options, scratch, err);
    free(scratch);
    return status;
}

void weighed_finish(struct weighed *w)
{
    free(w->entropy);
    free(w->proportion);
    free(w->error);
    *w = (struct weighed){0};
}
