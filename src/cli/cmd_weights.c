/*
 * cmd_weights.c - entromix weights: mixture weights from entropies, as the file that a trainer reads
 */
#include "commands.h"
#include "estimate.h"
#include "mixture_args.h"
#include "report.h"
#include "say.h"

#include <stdlib.h>

struct weights_args {
    struct common_args common;
    struct estimate_args estimate;
    struct mixture_args mixture;
};

#define TO(member) offsetof(struct weights_args, member)

static const struct opt_group groups[] = {
    {"Options", mixture_rows, TO(mixture)},
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
                           "trainer that draws documents they are converted with the mean document length.\n"
                           "\n"
                           "json and csv also have standard errors: of the entropies, those of independent\n"
                           "draws (an upper bound for von Neumann entropies), and of the weights, what\n"
                           "follows from them to first order.\n";

static int write_weights(const struct weights_args *a, const struct emx_state *s, const char *path,
                         const struct weighed *w)
{
    const struct mixture_args *m = &a->mixture;
    size_t n = emx_state_n_domains(s);
    struct emx_mixture_domain *domains = calloc(n + 1, sizeof(*domains));
    int code;

    if (!domains) {
        say("out of memory");
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < n; i++) {
        const struct emx_domain *d = emx_state_domain(s, i);

        domains[i] = (struct emx_mixture_domain){d->name, w->proportion[i], w->entropy[i].value,
                                                 d,       w->error[i],      w->entropy[i].standard_error};
    }
    code = mixture_write(&(struct emx_mixture){domains, n, m->proxy, m->weights, path, m->path, a->estimate.estimator,
                                               a->estimate.at_tokens, a->estimate.remove_first},
                         m->to, m->output, a->common.quiet);
    free(domains);
    return code;
}

static int weigh(const struct weights_args *a, struct emx_state *s, const char *path)
{
    const struct mixture_args *m = &a->mixture;
    struct weighed w = {0};
    struct emx_error err;
    int code;

    if (estimate_weigh(&a->estimate, s, path, m->proxy, mixture_shows_errors(m->to), &m->weights, &w, &err) == EMX_OK)
        code = write_weights(a, s, path, &w);
    else
        code = say_failed(&err);
    weighed_finish(&w);
    return code;
}

static int run(void *args, char **operands, size_t n)
{
    const struct weights_args *a = args;
    struct emx_state *s;
    int code = estimate_check(&a->estimate, a->mixture.proxy);

    if (code == EXIT_OK)
        code = mixture_check_path(a->mixture.path);
    if (code == EXIT_OK)
        code = report_open("weights", operands, n, &s);
    if (code != EXIT_OK)
        return code;
    code = weigh(a, s, operands[0]);
    emx_state_close(&s);
    return code;
}

static const struct weights_args defaults = {.mixture = MIXTURE_ARGS_DEFAULTS};

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
