/*
 * optimum_inputs.c - bounds, weights, prior and token counts of an optimum
 */
#include "optimum_inputs.h"

#include <emx/domain_values.h>
#include <emx/weights.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TO(member) offsetof(struct optimum_args, member)

const struct opt bound_rows[] = {
    {"min", 0, "DOMAIN=SHARE", "least share of a domain, or SHARE alone: of every one; can be given again", TO(least),
     opt_append, 0, 0, NULL},
    {"max", 0, "DOMAIN=SHARE", "greatest share, as --min", TO(greatest), opt_append, 0, 0, NULL},
    {"max-epochs", 0, "N", "a domain's tokens are seen N times at most; needs token counts and --total-tokens",
     TO(max_epochs), opt_positive, 0, 0, NULL},
    {"total-tokens", 0, "N", "tokens of the whole run, for epochs; K, M, B or T may follow", TO(total_tokens),
     opt_amount, 0, 0, NULL},
    {"tokens-available", 0, "FILE",
     "how many tokens each domain has: a state file, or CSV with columns domain and tokens (default: --corpus)",
     TO(tokens), opt_text, 0, 0, NULL},
    {"corpus", 0, "STATE", "state file of the domains: their tokens, their entropies, their shards for --to",
     TO(corpus), opt_text, 0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

const struct opt objective_rows[] = {
    {"objective", 0, "FILE", "CSV with columns domain and weight of each loss (default: 1 each)", TO(weights), opt_text,
     0, 0, NULL},
    {"prior", 0, "ENTROPY",
     "lean on the mixture of shannon, joint, conditional or von-neumann entropies of --corpus; needs --prior-strength",
     TO(prior), opt_choose, 0, 0, estimate_proxy_choice},
    {"prior-strength", 0, "X", "add X times the Kullback-Leibler divergence from that mixture, in nats, to the sum",
     TO(strength), opt_positive, 0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

const struct emx_domain *optimum_find_domain(const struct emx_state *state, const char *name)
{
    for (size_t i = 0; state && i < emx_state_n_domains(state); i++)
        if (strcmp(emx_state_domain(state, i)->name, name) == 0)
            return emx_state_domain(state, i);
    return NULL;
}

static const struct emx_domain *need_domain(const struct emx_state *state, const char *name, struct emx_error *err)
{
    const struct emx_domain *d = optimum_find_domain(state, name);

    if (!d)
        emx_fail(err, EMX_ERR_FORMAT, "the state file has no domain '%s'", name);
    return d;
}

/* Of the law's domains, as the corpus has them: those of other domains are left out of the mixture. */
static enum emx_status choose_entropies(struct emx_state *corpus, const struct emx_estimate *all,
                                        const struct emx_law *law, double *ret, struct emx_error *err)
{
    for (size_t j = 0; j < law->n_domains; j++) {
        size_t i = 0;

        if (!need_domain(corpus, law->domains[j], err))
            return EMX_ERR_FORMAT;
        while (strcmp(emx_state_domain(corpus, i)->name, law->domains[j]) != 0)
            i++;
        ret[j] = all[i].value;
    }
    return EMX_OK;
}

static enum emx_status entropy_mixture(const struct optimum_args *a, struct emx_state *corpus,
                                       const struct emx_law *law, double *ret, struct emx_error *err)
{
    struct emx_estimate *all = calloc(emx_state_n_domains(corpus) + 1, sizeof(*all));
    double *entropy = calloc(law->n_domains, sizeof(*entropy));
    enum emx_status status = EMX_OK;

    if (!all || !entropy)
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    if (status == EMX_OK)
        status = estimate_proxy(&a->estimate, corpus, a->corpus, a->prior, false, all, err);
    if (status == EMX_OK)
        status = choose_entropies(corpus, all, law, entropy, err);
    if (status == EMX_OK)
        status = emx_weights_from_entropies(entropy, law->n_domains, &EMX_WEIGHTS_DEFAULTS, ret, err);
    free(all);
    free(entropy);
    return status;
}

/* One word of --min or --max: bound[n_domains]. */
static enum emx_status set_bound(const char *option, const char *word, const struct emx_law *law, double *bound,
                                 struct emx_error *err)
{
    const char *equal = strrchr(word, '=');
    size_t len = equal ? (size_t)(equal - word) : 0;
    bool found = !equal;
    struct emx_error cause;
    double share = 0;

    if (opt_real(NULL, equal ? equal + 1 : word, &share, &cause) != EMX_OK)
        return emx_fail(err, EMX_ERR_ARG, "%s: %s", option, cause.message);
    if (!(share >= 0 && share <= 1))
        return emx_fail(err, EMX_ERR_ARG, "%s: '%s' is not between 0 and 1", option, equal ? equal + 1 : word);
    for (size_t j = 0; j < law->n_domains; j++) {
        if (equal && (strlen(law->domains[j]) != len || memcmp(law->domains[j], word, len) != 0))
            continue;
        bound[j] = share;
        found = true;
    }
    return found ? EMX_OK : emx_fail(err, EMX_ERR_ARG, "%s: '%.*s' is no domain of the law", option, (int)len, word);
}

static enum emx_status set_bounds(const struct optimum_args *a, const struct emx_law *law, struct optimum_inputs *in,
                                  struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (size_t j = 0; j < law->n_domains; j++)
        in->hi[j] = 1;
    for (size_t i = 0; i < a->least.n && status == EMX_OK; i++)
        status = set_bound("--min", a->least.words[i], law, in->lo, err);
    for (size_t i = 0; i < a->greatest.n && status == EMX_OK; i++)
        status = set_bound("--max", a->greatest.words[i], law, in->hi, err);
    in->bounded = a->least.n + a->greatest.n > 0 || a->max_epochs > 0;
    return status;
}

enum emx_status optimum_tokens_of_state(const struct emx_state *state, const char *const *domains, size_t n,
                                        double *ret, struct emx_error *err)
{
    for (size_t j = 0; j < n; j++) {
        const struct emx_domain *d = need_domain(state, domains[j], err);

        if (!d)
            return EMX_ERR_FORMAT;
        if (d->settings.sample_tokens)
            return emx_fail(err, EMX_ERR_FORMAT,
                            "domain '%s' was sampled, so how many tokens it has is not known; see --tokens-available",
                            d->name);
        ret[j] = (double)d->n_tokens;
    }
    return EMX_OK;
}

enum emx_status optimum_tokens_of_file(const char *path, const char *const *domains, size_t n, double *ret,
                                       struct emx_error *err)
{
    struct emx_state *state = NULL;
    enum emx_status status = emx_state_open(path, &state, err);

    if (status == EMX_ERR_FORMAT && strcmp(path, "-") != 0)
        return emx_domain_values_read(path, "tokens", domains, n, EMX_OTHERS_IGNORE, ret, err);
    if (status == EMX_OK)
        status = optimum_tokens_of_state(state, domains, n, ret, err);
    emx_state_close(&state);
    return status;
}

static const char *const *names_of(const struct emx_law *law)
{
    return (const char *const *)law->domains;
}

static enum emx_status read_tokens(const struct optimum_args *a, const struct emx_law *law, struct optimum_inputs *in,
                                   struct emx_error *err)
{
    if (!a->tokens && !in->corpus)
        return EMX_OK;
    in->tokens = calloc(law->n_domains, sizeof(*in->tokens));
    if (!in->tokens)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    return a->tokens ? optimum_tokens_of_file(a->tokens, names_of(law), law->n_domains, in->tokens, err)
                     : optimum_tokens_of_state(in->corpus, names_of(law), law->n_domains, in->tokens, err);
}

static enum emx_status cap_epochs(const struct optimum_args *a, const struct emx_law *law, struct optimum_inputs *in,
                                  struct emx_error *err)
{
    double *caps = calloc(law->n_domains, sizeof(*caps));
    enum emx_status status = caps
                                 ? emx_epoch_caps(in->tokens, law->n_domains, a->max_epochs, a->total_tokens, caps, err)
                                 : emx_fail(err, EMX_ERR_MEMORY, "out of memory");

    for (size_t j = 0; j < law->n_domains && status == EMX_OK; j++)
        in->hi[j] = fmin(in->hi[j], caps[j]);
    free(caps);
    return status;
}

static enum emx_status read_weights(const struct optimum_args *a, const struct emx_law *law, struct optimum_inputs *in,
                                    struct emx_error *err)
{
    const char **names = calloc(law->n_scored, sizeof(*names));
    enum emx_status status = EMX_ERR_MEMORY;

    in->weight = calloc(law->n_scored, sizeof(*in->weight));
    if (!names || !in->weight) {
        free(names);
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    }
    for (size_t k = 0; k < law->n_scored; k++)
        names[k] = law->domains[law->scored[k]];
    status = emx_domain_values_read(a->weights, "weight", names, law->n_scored, EMX_OTHERS_REFUSE, in->weight, err);
    free(names);
    return status;
}

static enum emx_status read_prior(const struct optimum_args *a, const struct emx_law *law, struct optimum_inputs *in,
                                  struct emx_error *err)
{
    in->prior = calloc(law->n_domains, sizeof(*in->prior));
    if (!in->prior)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    return entropy_mixture(a, in->corpus, law, in->prior, err);
}

static enum emx_status check_args(const struct optimum_args *a, struct emx_error *err)
{
    if (a->max_epochs > 0 && !(a->total_tokens > 0))
        return emx_fail(err, EMX_ERR_ARG, "--max-epochs needs --total-tokens N, the tokens of the whole run");
    if (a->max_epochs > 0 && !a->tokens && !a->corpus)
        return emx_fail(err, EMX_ERR_ARG, "--max-epochs needs --tokens-available FILE or --corpus STATE");
    if (a->prior && !a->corpus)
        return emx_fail(err, EMX_ERR_ARG, "--prior needs --corpus STATE, whose entropies it is made of");
    if (a->prior && !(a->strength > 0))
        return emx_fail(err, EMX_ERR_ARG, "--prior needs --prior-strength X, in nats");
    if (!a->prior && a->strength > 0)
        return emx_fail(err, EMX_ERR_ARG, "--prior-strength needs --prior ENTROPY");
    if (!a->prior && (estimate_wanted(&a->estimate) || a->estimate.remove_first))
        return emx_fail(err, EMX_ERR_ARG, "estimates are of the entropies of --prior ENTROPY, which is not given");
    return EMX_OK;
}

/* The library knows domains by number only. */
static enum emx_status check_bounds(const struct emx_law *law, const struct optimum_inputs *in, struct emx_error *err)
{
    for (size_t j = 0; j < law->n_domains; j++)
        if (in->lo[j] > in->hi[j])
            return emx_fail(err, EMX_ERR_ARG, "domain '%s': the least share, %g, is above the greatest, %g",
                            law->domains[j], in->lo[j], in->hi[j]);
    return EMX_OK;
}

static enum emx_status read_all(const struct optimum_args *a, const struct emx_law *law, struct optimum_inputs *in,
                                struct emx_error *err)
{
    enum emx_status status = set_bounds(a, law, in, err);

    if (status == EMX_OK && a->corpus)
        status = emx_state_open(a->corpus, &in->corpus, err);
    if (status == EMX_OK)
        status = read_tokens(a, law, in, err);
    if (status == EMX_OK && a->max_epochs > 0)
        status = cap_epochs(a, law, in, err);
    if (status == EMX_OK && a->weights)
        status = read_weights(a, law, in, err);
    if (status == EMX_OK && a->prior)
        status = read_prior(a, law, in, err);
    return status == EMX_OK ? check_bounds(law, in, err) : status;
}

enum emx_status optimum_inputs_read(const struct optimum_args *a, const struct emx_law *law, struct optimum_inputs *ret,
                                    struct emx_error *err)
{
    enum emx_status status = check_args(a, err);

    *ret = (struct optimum_inputs){0};
    if (status != EMX_OK)
        return status;
    ret->lo = calloc(law->n_domains, sizeof(*ret->lo));
    ret->hi = calloc(law->n_domains, sizeof(*ret->hi));
    status = ret->lo && ret->hi ? read_all(a, law, ret, err) : emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    if (status != EMX_OK)
        optimum_inputs_finish(ret);
    return status;
}

void optimum_inputs_finish(struct optimum_inputs *in)
{
    free(in->lo);
    free(in->hi);
    free(in->tokens);
    free(in->prior);
    free(in->weight);
    emx_state_close(&in->corpus);
    *in = (struct optimum_inputs){0};
}
