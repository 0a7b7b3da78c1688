/*
 * cmd_weights.c - entromix weights: mixture weights from entropies, as the file that a trainer reads
 */
#include "commands.h"
#include "estimate.h"
#include "output.h"
#include "report.h"
#include "say.h"
#include "von_neumann.h"

#include <emx/file.h>
#include <emx/mixture.h>

#include <stdlib.h>
#include <string.h>

struct weights_args {
    struct common_args common;
    struct estimate_args estimate;
    const char *proxy, *to, *output, *path;
    struct emx_weights_options options;
};

static bool proxy_choice(size_t i, struct opt_choice *ret)
{
    static const char *const names[] = {"shannon", "joint", "conditional", "von-neumann"};

    if (i >= sizeof(names) / sizeof(names[0]))
        return false;
    *ret = (struct opt_choice){names[i], NULL};
    return true;
}

#define TO(member) offsetof(struct weights_args, member)

static const struct opt rows[] = {
    {"proxy", 'p', "ENTROPY",
     "shannon, joint, conditional (default), or von-neumann, which scan --embeddings or vne -o puts into the state",
     TO(proxy), opt_choose, 0, 0, proxy_choice},
    {"to", 't', "FORMAT", "trainer or syntax, see below (default: json)", TO(to), opt_choose, 0, 0,
     report_mixture_choice},
    {"output", 'o', "FILE", "file to write, '-' for standard output (default)", TO(output), opt_text, 0, 0, NULL},
    {"temperature", 0, "T", "weights ~ exp(H / T); 1 (default) is plain, more is flatter", TO(options.temperature),
     opt_positive, 0, 0, NULL},
    {"floor", 0, "SHARE", "least weight of a domain (default: 0)", TO(options.floor), opt_share, 0, 0, NULL},
    {"cap", 0, "SHARE", "greatest weight of a domain (default: 1)", TO(options.cap), opt_share, 0, 0, NULL},
    {"path", 0, "TEMPLATE",
     "how the file names a domain's data: a path with {domain} in place of its name, as in tok/{domain}_text_document "
     "(default: the scanned paths where they fit, else the name)",
     TO(path), opt_text, 0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", rows, 0},
    {"Estimates", estimate_rows, TO(estimate)},
    {"Other", common_rows, TO(common)},
    {NULL, NULL, 0},
};

static const char *const usage[] = {"[OPTION]... STATE", NULL};

static const char text[] = "Turn entropies into the weights of a mixture,\n"
                           "\n"
                           "  weight of domain i = exp(H_i) / sum over j of exp(H_j),\n"
                           "\n"
                           "and write them as a trainer reads them.  Weights are shares of tokens; for a\n"
                           "trainer that draws documents they are converted with the mean document length.\n";

static bool is_von_neumann(const struct weights_args *a)
{
    return strcmp(a->proxy, "von-neumann") == 0;
}

static enum emx_status entropies_of(const struct weights_args *a, struct emx_state *s, const char *path, double *ret,
                                    struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    if (is_von_neumann(a))
        return von_neumann_read(s, path, false, ret, err);
    for (size_t i = 0; i < emx_state_n_domains(s) && status == EMX_OK; i++)
        status = estimate_proxy(&a->estimate, s, i, a->proxy, &ret[i], err);
    return status;
}

/* Fill domains[n] and their proportions; entropy[n] and proportion[n] are scratch. */
static enum emx_status weigh(const struct weights_args *a, struct emx_state *s, const char *path, double *entropy,
                             double *proportion, struct emx_mixture_domain *domains, struct emx_error *err)
{
    size_t n = emx_state_n_domains(s);
    enum emx_status status = entropies_of(a, s, path, entropy, err);

    if (status == EMX_OK)
        status = emx_weights_from_entropies(entropy, n, &a->options, proportion, err);
    for (size_t i = 0; i < n && status == EMX_OK; i++) {
        const struct emx_domain *d = emx_state_domain(s, i);

        domains[i] = (struct emx_mixture_domain){d->name, proportion[i], entropy[i], d};
    }
    return status;
}

static enum emx_status compose(const struct weights_args *a, struct emx_state *s, const char *source, char **ret_text,
                               char **ret_note, struct emx_error *err)
{
    size_t n = emx_state_n_domains(s);
    double *numbers = calloc(n + 1, 2 * sizeof(*numbers));
    struct emx_mixture_domain *domains = calloc(n + 1, sizeof(*domains));
    struct emx_mixture mixture = {
        domains, n, a->proxy, a->options, source, a->path, a->estimate.estimator, a->estimate.at_tokens};
    enum emx_status status;

    if (numbers && domains)
        status = weigh(a, s, source, numbers, numbers + n, domains, err);
    else
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    if (status == EMX_OK)
        status = emx_mixture_format_string(&mixture, a->to, ret_text, ret_note, err);
    free(numbers);
    free(domains);
    return status;
}

static int write_weights(const struct weights_args *a, struct emx_state *s, const char *source)
{
    char *string = NULL, *note = NULL;
    struct emx_error err;
    enum emx_status status = compose(a, s, source, &string, &note, &err);

    if (status == EMX_OK)
        status = emx_write_file(a->output, string, strlen(string), &err);
    if (status == EMX_OK && note && !a->common.quiet)
        say("note: %s", note);
    free(string);
    free(note);
    return status == EMX_OK ? EXIT_OK : say_failed(&err);
}

static int run(void *args, char **operands, size_t n)
{
    const struct weights_args *a = args;
    struct emx_state *s;
    int code = estimate_check(&a->estimate);

    if (code != EXIT_OK)
        return code;
    if (a->path && !strstr(a->path, "{domain}"))
        return say_usage("--path: '%s' has no {domain} in it, so all domains would be named alike", a->path);
    if (is_von_neumann(a) && estimate_wanted(&a->estimate))
        return say_usage("estimates are of counts, not of von Neumann entropies");
    code = report_open("weights", operands, n, &s);
    if (code != EXIT_OK)
        return code;
    code = write_weights(a, s, operands[0]);
    emx_state_close(&s);
    return code;
}

static const struct weights_args defaults = {
    .proxy = "conditional",
    .to = "json",
    .output = "-",
    .options = {.temperature = 1, .floor = 0, .cap = 1},
};

const struct command weights_command = {
    .name = "weights",
    .usage = usage,
    .summary = "turn entropies into a trainer's mixture file",
    .text = text,
    .groups = groups,
    .defaults = &defaults,
    .args_size = sizeof(defaults),
    .run = run,
};
