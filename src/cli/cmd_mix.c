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

static const struct opt mixture_rows[] = {
    {"to", 't', "FORMAT", "trainer or syntax, see below (default: json)", TO(to), opt_choose, 0, 0,
     report_mixture_choice},
    {"output", 'o', "FILE", "file to write, '-' for standard output (default)", TO(output), opt_text, 0, 0, NULL},
    {"path", 0, "TEMPLATE", "how the file names a domain's data: a path with {domain} in place of its name", TO(path),
     opt_text, 0, 0, NULL},
    {"proxy", 'p', "ENTROPY", "shannon, joint or conditional (default): what weights come from", TO(proxy), opt_choose,
     0, 0, report_proxy_choice},
    {"floor", 0, "SHARE", "least share of a domain (default: 0)", TO(weights.floor), opt_share, 0, 0, NULL},
    {"cap", 0, "SHARE", "greatest share of a domain (default: 1)", TO(weights.cap), opt_share, 0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

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
    {"Mixture", mixture_rows, 0},
    {"Estimates", estimate_rows, TO(estimate)},
    {"Losses", loss_rows, 0},
    {"Law", law_rows, TO(law)},
    {"Error bars", draw_rows, TO(law)},
    {"Table of losses", table_rows, TO(table)},
    {"Shards (of all domains, where the manifest does not say otherwise)", shard_rows, TO(scanning.shards)},
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
                           "(with --bootstrap) and the entropy weights.  Shares are of tokens.\n";

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

static enum emx_status compose(const struct mixing *x, char **ret_text, char **ret_note, struct emx_error *err)
{
    const struct mix_args *a = x->args;
    struct emx_mixture_domain *domains = calloc(x->n + 1, sizeof(*domains));
    struct emx_mixture mixture = {.domains = domains,
                                  .n_domains = x->n,
                                  .proxy = x->optimum ? NULL : a->proxy,
                                  .options = a->weights,
                                  .source = x->source,
                                  .path_template = a->path,
                                  .estimator = x->optimum ? NULL : a->estimate.estimator,
                                  .at_tokens = x->optimum ? 0 : a->estimate.at_tokens};
    enum emx_status status;

    if (!domains)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < x->n; i++) {
        const struct emx_domain *d = emx_state_domain(x->state, i);

        domains[i] = (struct emx_mixture_domain){d->name, x->proportion[i], x->optimum ? NAN : x->entropy[i], d};
    }
    status = emx_mixture_format_string(&mixture, a->to, ret_text, ret_note, err);
    free(domains);
    return status;
}

static int show(const struct mixing *x)
{
    struct output out;

    if (!output_begin(&out))
        return EXIT_FAILED;
    return output_finish(&out, mixing_print(x, out.text), "-");
}

static int write_mixture(const struct mixing *x)
{
    const struct mix_args *a = x->args;
    char *string = NULL, *note = NULL;
    struct emx_error err;
    enum emx_status status = compose(x, &string, &note, &err);

    if (status == EMX_OK)
        status = emx_write_file(a->output, string, strlen(string), &err);
    if (status == EMX_OK && note && !a->common.quiet)
        say("note: %s", note);
    free(string);
    free(note);
    if (status != EMX_OK)
        return say_failed(&err);
    return strcmp(a->output, "-") == 0 ? EXIT_OK : show(x);
}

static int mix(struct mixing *x)
{
    int code = mixing_weigh(x);

    if (code == EXIT_OK && x->args->losses)
        code = mixing_optimise(x);
    return code == EXIT_OK ? write_mixture(x) : code;
}

static int check(const struct mix_args *a, size_t n)
{
    if (n == 0)
        return say_usage("mix needs a manifest, shards (DOMAIN=WORD, as in web='web/*.bin.zst') or a state file");
    if (a->path && !strstr(a->path, "{domain}"))
        return say_usage("--path: '%s' has no {domain} in it, so all domains would be named alike", a->path);
    if (!a->losses && (a->steps > 0 || a->strength > 0 || a->max_epochs > 0))
        return say_usage("--steps, --prior-strength and --max-epochs go with --losses FILE");
    if (a->max_epochs > 0 && !(a->total_tokens > 0))
        return say_usage("--max-epochs needs --total-tokens");
    return estimate_check(&a->estimate);
}

static int run(void *args, char **operands, size_t n)
{
    struct mix_args *a = args;
    struct mixing x = {.args = a, .source = n == 1 && !strchr(operands[0], '=') ? operands[0] : NULL};
    int code = check(a, n), scanned = code;

    a->law.n_threads = a->scanning.n_threads;
    if (code == EXIT_OK)
        code = scanned = open_corpus(a, operands, n, &x.state);
    if (scanned == EXIT_OK || scanned == EXIT_SKIPPED)
        code = mix(&x);
    mixing_finish(&x);
    return code == EXIT_OK ? scanned : code;
}

static const struct mix_args defaults = {
    .to = "json",
    .output = "-",
    .proxy = "conditional",
    .weights = {.temperature = 1, .floor = 0, .cap = 1},
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
