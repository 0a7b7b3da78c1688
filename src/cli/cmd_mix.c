/*
 * cmd_mix.c - entromix mix: from shards to a trainer's mixture file in one command
 *
 *     scan -> entropies -> weights                                    without losses
 *                             \-> prior -\
 *     scan -> tokens -> caps on epochs ---+-> fit -> optimum          with losses
 */
#include "commands.h"
#include "mixing.h"
#include "output.h"
#include "report.h"
#include "say.h"

#include <emx/mixture.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TO(member) offsetof(struct mix_args, member)

static const struct opt loss_rows[] = {
    {"losses", 0, "FILE", "table of losses of runs trained on mixtures of these domains (see entromix fit)", TO(losses),
     opt_text, 0, 0, NULL},
    {"steps", 's', "N", "step of the run that is planned, in the table's unit (default: the last observed)", TO(steps),
     opt_amount, 0, 0, NULL},
    {"prior-strength", 0, "X",
     "add X times the divergence from the entropy weights to the loss, so that few losses lean on them (default: 0)",
     TO(strength), opt_positive, 0, 0, NULL},
    {"total-tokens", 0, "N", "tokens of the run that is planned; K, M, B or T may follow", TO(total_tokens), opt_amount,
     0, 0, NULL},
    {"max-epochs", 0, "X", "use no domain more than X times over; needs --total-tokens", TO(max_epochs), opt_amount, 0,
     0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt_group groups[] = {
    {"Mixture", mixture_rows, TO(mixture)},
    {"Estimates", estimate_rows, TO(estimate)},
    {"Losses", loss_rows, 0},
    {"Law", law_rows, TO(law)},
    {"Fit of the law", law_search_rows, TO(law)},
    {"Prior of the law", transfer_rows, TO(transfer)},
    {"Error bars", draw_rows, TO(law)},
    {"Table of losses", table_rows, TO(table)},
    {"Shards (of all domains, where the manifest does not say otherwise)", shard_rows, TO(scanning.shards)},
    {"Documents, for von Neumann entropies", vector_rows, TO(scanning.vectors)},
    {"Of these documents", scanning_document_rows, TO(scanning)},
    {"Work", scanning_rows, TO(scanning)},
    {"Other", common_rows, TO(common)},
    {NULL, NULL, 0},
};

static const char *const usage[] = {"[OPTION]... MANIFEST", "[OPTION]... DOMAIN=WORD...", "[OPTION]... STATE.emx",
                                    NULL};

static const char text[] = "Scan the shards, compute the entropies, and write a mixture of the domains as a\n"
                           "trainer reads it: the entropy weights, or with --losses the mixture of least\n"
                           "loss that a law fitted to these predicts.\n"
                           "\n"
                           "  entromix mix corpus.yaml --to megatron -o blend.txt\n"
                           "  entromix mix corpus.yaml --losses losses.csv --steps 200K --to megatron \\\n"
                           "      -o blend.txt\n"
                           "\n"
                           "If FILE is not standard output, that shows the mixture beside its error bars\n"
                           "(with --bootstrap) and the entropy weights, or without --losses the weights and\n"
                           "the entropies with their standard errors (+-).  Shares are of tokens.\n";

/* A state file for the time of the command, which the system's folder for such files holds. */
static int scan_and_open(const struct mix_args *a, char **operands, size_t n, struct emx_state **ret)
{
    const char *folder = getenv("TMPDIR");
    struct emx_error err;
    char *path = NULL;
    int fd, code;

    if (asprintf(&path, "%s/entromix-XXXXXX", folder && *folder ? folder : "/tmp") < 0) {
        say("out of memory");
        return EXIT_FAILED;
    }
    fd = mkstemp(path);
    if (fd < 0) {
        (void)emx_fail_errno(&err, EMX_ERR_IO, errno, "%s: cannot be created", path);
        free(path);
        return say_failed(&err);
    }
    close(fd);
    code = scanning_run(&a->scanning, &a->common, operands, n, path, NULL);
    if ((code == EXIT_OK || code == EXIT_SKIPPED) && emx_state_open(path, ret, &err) != EMX_OK)
        code = say_failed(&err);
    unlink(path);
    free(path);
    return code;
}

static int open_corpus(struct mix_args *a, char **operands, size_t n, struct emx_state **ret)
{
    struct emx_error err;

    if (n != 1 || strchr(operands[0], '='))
        return scan_and_open(a, operands, n, ret);
    if (corpus_names_state(operands[0]))
        return emx_state_open(operands[0], ret, &err) == EMX_OK ? EXIT_OK : say_failed(&err);
    a->scanning.manifest = operands[0];
    return scan_and_open(a, operands, 0, ret);
}

static int show(const struct mixing *x)
{
    struct output out;

    if (!output_begin(&out))
        return EXIT_FAILED;
    return output_finish(&out, mixing_print(x, out.text), "-");
}

/* An optimum came from losses: it has no entropies. */
static struct emx_mixture_domain domain_of(const struct mixing *x, size_t i)
{
    const struct emx_domain *d = emx_state_domain(x->state, i);
    struct emx_mixture_domain ret = {d->name, x->proportion[i], NAN, d, NAN, NAN};

    if (!x->optimum) {
        ret.entropy = x->weighed.entropy[i].value;
        ret.entropy_error = x->weighed.entropy[i].standard_error;
        ret.proportion_error = x->weighed.error[i];
    }
    return ret;
}

static int write_mixture(const struct mixing *x)
{
    const struct mix_args *a = x->args;
    struct emx_mixture_domain *domains = calloc(x->n + 1, sizeof(*domains));
    struct emx_mixture mixture = {.domains = domains,
                                  .n_domains = x->n,
                                  .proxy = x->optimum ? NULL : a->mixture.proxy,
                                  .options = a->mixture.weights,
                                  .source = x->source,
                                  .path_template = a->mixture.path,
                                  .estimator = x->optimum ? NULL : a->estimate.estimator,
                                  .at_tokens = x->optimum ? 0 : a->estimate.at_tokens,
                                  .first_component_removed = !x->optimum && a->estimate.remove_first};
    int code;

    if (!domains) {
        say("out of memory");
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < x->n; i++)
        domains[i] = domain_of(x, i);
    code = mixture_write(&mixture, a->mixture.to, a->mixture.output, a->common.quiet);
    free(domains);
    return code == EXIT_OK && strcmp(a->mixture.output, "-") != 0 ? show(x) : code;
}

static int mix(struct mixing *x)
{
    int code = mixing_weigh(x);

    if (code == EXIT_OK && x->args->losses)
        code = mixing_optimise(x);
    return code == EXIT_OK ? write_mixture(x) : code;
}

static int check(const struct mix_args *a, char **operands, size_t n)
{
    const char *operand = n == 1 && !strchr(operands[0], '=') ? operands[0] : NULL;
    bool is_state = operand && corpus_names_state(operand);

    if (n == 0)
        return say_usage("mix needs a manifest, shards (DOMAIN=WORD, as in web='web/*.bin.zst') or a state file");
    if (mixture_check_path(a->mixture.path) != EXIT_OK)
        return EXIT_USAGE;
    if (a->scanning.vectors.embeddings && is_state)
        return say_usage("--embeddings is of a scan, but '%s' is scanned already: see entromix vne", operand);
    if (estimate_is_von_neumann(a->mixture.proxy) && !a->scanning.vectors.embeddings && !is_state)
        return say_usage("--proxy von-neumann needs --embeddings, or a state file that entromix vne -o wrote");
    if (!a->losses && (a->steps > 0 || a->strength > 0 || a->max_epochs > 0 || a->transfer.path))
        return say_usage("--steps, --prior-strength, --max-epochs and --transfer-prior go with --losses FILE");
    if (a->max_epochs > 0 && !(a->total_tokens > 0))
        return say_usage("--max-epochs needs --total-tokens");
    return estimate_check(&a->estimate, a->mixture.proxy);
}

static int run(void *args, char **operands, size_t n)
{
    struct mix_args *a = args;
    struct mixing x = {.args = a, .source = n == 1 && !strchr(operands[0], '=') ? operands[0] : NULL};
    int code = check(a, operands, n), scanned = code;

    a->law.n_threads = a->scanning.n_threads;
    if (code == EXIT_OK)
        code = scanned = open_corpus(a, operands, n, &x.state);
    if (scanned == EXIT_OK || scanned == EXIT_SKIPPED)
        code = mix(&x);
    mixing_finish(&x);
    return code == EXIT_OK ? scanned : code;
}

static const struct mix_args defaults = {
    .mixture = MIXTURE_ARGS_DEFAULTS,
    .scanning = SCANNING_ARGS_DEFAULTS,
    .law = LAW_ARGS_DEFAULTS,
};

const struct command mix_command = {
    .name = "mix",
    .usage = usage,
    .summary = "scan, weigh or optimise, and write a mixture in one go",
    .text = text,
    .groups = groups,
    .defaults = &defaults,
    .args_size = sizeof(defaults),
    .run = run,
};
