#include "estimate.h"

#include "report.h"
#include "say.h"

#include <stddef.h>
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

#define TO(member) offsetof(struct estimate_args, member)

const struct opt estimate_rows[] = {
    {"estimator", 'e', "NAME", "of entropies, see below", TO(estimator), opt_choose, 0, 0, estimator_choice},
    {"at-tokens", 'n', "N",
     "what is to be expected of N tokens, and of N pairs, of each domain (rarefaction), so that domains of any size "
     "compare fairly",
     TO(at_tokens), opt_tokens, 1, INT64_MAX, NULL},
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

int estimate_check(const struct estimate_args *a)
{
    if (a->at_tokens && number_of(a) != EMX_ESTIMATOR_PLUGIN)
        return say_usage("--at-tokens goes with --estimator plugin, not with %s", a->estimator);
    return EXIT_OK;
}

enum emx_status estimate_domain(const struct estimate_args *a, struct emx_state *s, size_t domain,
                                struct emx_estimates *ret, struct emx_error *err)
{
    struct emx_estimation how = {.estimator = number_of(a), .sample = a->at_tokens};

    return emx_estimate_domain(s, domain, &how, ret, err);
}

enum emx_status estimate_proxy(const struct estimate_args *a, struct emx_state *s, size_t domain, const char *proxy,
                               double *ret, struct emx_error *err)
{
    struct emx_estimates e;
    enum emx_status status;

    if (!estimate_wanted(a)) {
        *ret = report_entropy(emx_state_domain(s, domain), proxy);
        return EMX_OK;
    }
    status = estimate_domain(a, s, domain, &e, err);
    if (status != EMX_OK)
        return status;
    if (strcmp(proxy, "shannon") == 0)
        *ret = e.shannon.value;
    else
        *ret = strcmp(proxy, "joint") == 0 ? e.joint.value : e.conditional.value;
    return EMX_OK;
}
