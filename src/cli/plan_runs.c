/*
 * plan_runs.c - the runs of a plan: mixtures that follow from the corpus, names, files
 */
#include "plan_runs.h"

#include "../util/memory_text.h"
#include "optimum_inputs.h"
#include "report.h"
#include "von_neumann.h"

#include <emx/file.h>
#include <emx/mixture.h>
#include <emx/weights.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *plan_run_kind(const struct plan_runs *r, size_t run)
{
    return run < r->n_given ? r->kinds[run] : "design";
}

const char *plan_run_name(const struct plan_runs *r, size_t run, char *ret)
{
    snprintf(ret, PLAN_NAME, "%02zu-%s", run + 1, plan_run_kind(r, run));
    return ret;
}

/* The next given mixture is of that kind. */
static double *add_given(struct plan_runs *r, const char *kind)
{
    r->kinds[r->n_given] = kind;
    return r->given + r->n_given++ * r->n_domains;
}

static enum emx_status add_entropies(struct plan_runs *r, const char *proxy, const struct plan_sources *sources,
                                     struct emx_error *err)
{
    struct weighed *w = &r->weighed[r->n_given];
    double *mixture = add_given(r, proxy);
    enum emx_status status = estimate_weigh(sources->estimate, r->corpus, r->path, proxy, sources->with_errors,
                                            &EMX_WEIGHTS_DEFAULTS, w, err);

    if (status == EMX_OK) {
        memcpy(mixture, w->proportion, r->n_domains * sizeof(*mixture));
    } else {
        weighed_finish(w);
        r->n_given--;
    }
    return status;
}

/* Where von Neumann entropies do not compare, the plan does without. */
static enum emx_status add_all_entropies(struct plan_runs *r, const struct plan_sources *sources, struct emx_error *err)
{
    struct opt_choice proxy;
    enum emx_status status = EMX_OK;

    for (size_t i = 0; status == EMX_OK && estimate_proxy_choice(i, &proxy); i++) {
        if (estimate_is_von_neumann(proxy.name) && !von_neumann_any(r->corpus))
            continue;
        status = add_entropies(r, proxy.name, sources, err);
        if (estimate_is_von_neumann(proxy.name) && (status == EMX_ERR_ARG || status == EMX_ERR_EMPTY)) {
            r->no_vne = *err;
            status = EMX_OK;
        }
    }
    return status;
}

static enum emx_status add_baseline(struct plan_runs *r, const char *tokens, struct emx_error *err)
{
    double *share = add_given(r, "baseline"), sum = 0;
    enum emx_status status = tokens ? optimum_tokens_of_file(tokens, r->domains, r->n_domains, share, err)
                                    : optimum_tokens_of_state(r->corpus, r->domains, r->n_domains, share, err);

    if (status != EMX_OK)
        return status;
    for (size_t j = 0; j < r->n_domains; j++) {
        if (!(share[j] > 0))
            return emx_fail(err, EMX_ERR_RANGE, "domain '%s' has no tokens: a law has no value where it has no share",
                            r->domains[j]);
        sum += share[j];
    }
    for (size_t j = 0; j < r->n_domains; j++)
        share[j] /= sum;
    return EMX_OK;
}

enum emx_status plan_runs_init(struct plan_runs *r, struct emx_state *corpus, const struct plan_sources *sources,
                               struct emx_error *err)
{
    size_t n = emx_state_n_domains(corpus);
    enum emx_status status;

    *r = (struct plan_runs){.path = sources->path, .estimate = sources->estimate, .corpus = corpus, .n_domains = n};
    r->domains = calloc(n + 1, sizeof(*r->domains));
    r->given = calloc(n + 1, PLAN_MAX_GIVEN * sizeof(*r->given));
    if (!r->domains || !r->given)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    for (size_t j = 0; j < n; j++)
        r->domains[j] = emx_state_domain(corpus, j)->name;
    status = add_all_entropies(r, sources, err);
    return status == EMX_OK ? add_baseline(r, sources->tokens, err) : status;
}

void plan_runs_finish(struct plan_runs *r)
{
    for (size_t i = 0; i < PLAN_MAX_GIVEN; i++)
        weighed_finish(&r->weighed[i]);
    free(r->domains);
    free(r->given);
    *r = (struct plan_runs){0};
}

/* What a trainer expects at the end of the file's name. */
static const char *extension_of(const char *format)
{
    static const char *const endings[][2] = {
        {"json", "json"},     {"megatron-per-split", "json"}, {"doremi", "json"},      {"csv", "csv"},
        {"nemo", "yaml"},     {"gpt-neox", "yaml"},           {"llm-foundry", "yaml"}, {"olmo-core", "yaml"},
        {"nanotron", "yaml"}, {"levanter", "yaml"},           {"regmix", "yaml"},      {"lingua", "yaml"},
        {"litdata", "py"},    {"hf-datasets", "py"},
    };

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        if (strcmp(endings[i][0], format) == 0)
            return endings[i][1];
    return "txt";
}

static enum emx_status write_text(const char *folder, const char *name, const char *ending, const char *text,
                                  struct emx_error *err)
{
    char *path = NULL;
    enum emx_status status;

    if (asprintf(&path, "%s/%s.%s", folder, name, ending) < 0)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    status = emx_write_file(path, text, strlen(text), err);
    free(path);
    return status;
}

static struct emx_mixture_domain domain_of(const struct plan_runs *r, size_t run, size_t j)
{
    struct emx_mixture_domain d = {
        r->domains[j], r->plan->mixture[run * r->n_domains + j], NAN, emx_state_domain(r->corpus, j), NAN, NAN};

    if (run < r->n_given && r->weighed[run].entropy) {
        d.entropy = r->weighed[run].entropy[j].value;
        d.entropy_error = r->weighed[run].entropy[j].standard_error;
        d.proportion_error = r->weighed[run].error[j];
    }
    return d;
}

/* domains[n_domains] is scratch. */
static enum emx_status write_run(const struct plan_runs *r, size_t run, const char *folder, const char *format,
                                 const char *path_template, struct emx_mixture_domain *domains, char **ret_note,
                                 struct emx_error *err)
{
    struct emx_mixture m = {.domains = domains,
                            .n_domains = r->n_domains,
                            .proxy = run + 1 < r->n_given ? plan_run_kind(r, run) : NULL,
                            .options = EMX_WEIGHTS_DEFAULTS,
                            .source = r->path,
                            .path_template = path_template};
    bool von_neumann = m.proxy && estimate_is_von_neumann(m.proxy);
    char name[PLAN_NAME], *text = NULL;
    enum emx_status status;

    m.first_component_removed = von_neumann && r->estimate->remove_first;
    if (m.proxy && !von_neumann) {
        m.estimator = r->estimate->estimator;
        m.at_tokens = r->estimate->at_tokens;
    }
    for (size_t j = 0; j < r->n_domains; j++)
        domains[j] = domain_of(r, run, j);
    status = emx_mixture_format_string(&m, format, &text, ret_note, err);
    if (status == EMX_OK)
        status = write_text(folder, plan_run_name(r, run, name), extension_of(format), text, err);
    free(text);
    return status;
}

/* The notes of all runs are alike: the first is kept. */
static enum emx_status write_mixtures(const struct plan_runs *r, const char *folder, const char *format,
                                      const char *path_template, char **ret_note, struct emx_error *err)
{
    struct emx_mixture_domain *domains = calloc(r->n_domains + 1, sizeof(*domains));
    enum emx_status status = EMX_OK;

    *ret_note = NULL;
    if (!domains)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < r->plan->n_mixtures && status == EMX_OK; i++)
        status = write_run(r, i, folder, format, path_template, domains, i == 0 ? ret_note : NULL, err);
    free(domains);
    return status;
}

static void print_csv(const struct plan_runs *r, FILE *out)
{
    char name[PLAN_NAME];

    fputs("run,domain,proportion\n", out);
    for (size_t i = 0; i < r->plan->n_mixtures; i++) {
        for (size_t j = 0; j < r->n_domains; j++) {
            fprintf(out, "%s,", plan_run_name(r, i, name));
            report_csv_text(r->domains[j], out);
            fprintf(out, ",%.17g\n", r->plan->mixture[i * r->n_domains + j]);
        }
    }
}

static enum emx_status write_csv(const struct plan_runs *r, const char *folder, struct emx_error *err)
{
    struct memory_text text;
    bool is_open = memory_text_open(&text);
    enum emx_status status;

    if (is_open)
        print_csv(r, text.stream);
    if (!is_open || !memory_text_close(&text))
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    else
        status = write_text(folder, "plan", "csv", text.bytes, err);
    memory_text_finish(&text);
    return status;
}

enum emx_status plan_runs_write(const struct plan_runs *r, const char *folder, const char *format,
                                const char *path_template, char **ret_note, struct emx_error *err)
{
    enum emx_status status;

    *ret_note = NULL;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot make the folder", folder);
    status = write_mixtures(r, folder, format, path_template, ret_note, err);
    return status == EMX_OK ? write_csv(r, folder, err) : status;
}
