/*
 * cmd_optimize.c - entromix optimize: the mixture of least predicted loss, within bounds, as a trainer reads it
 */
#include "commands.h"
#include "mixture_args.h"
#include "optimum_inputs.h"
#include "optimum_report.h"
#include "output.h"
#include "report.h"
#include "say.h"

#include <emx/law_file.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct optimize_args {
    struct common_args common;
    struct optimum_args optimum;
    double step, level;
    const char *format, *to, *output, *path;
};

#define TO(member) offsetof(struct optimize_args, member)

static const struct opt rows[] = {
    {"steps", 's', "N", "length of the run, in the unit of the table of losses; K, M, B or T may follow", TO(step),
     opt_amount, 0, 0, NULL},
    {"level", 0, "SHARE", "of the intervals (default: 0.95)", TO(level), opt_inner, 0, 0, NULL},
    {"format", 'f', "FORMAT", "of the report: table (default), json or csv", TO(format), opt_choose, 0, 0,
     report_format_choice},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt output_rows[] = {
    {"to", 't', "FORMAT", "trainer or syntax, see below (default with -o: json)", TO(to), opt_choose, 0, 0,
     report_mixture_choice},
    {"output", 'o', "FILE", "file to write the mixture to; without it --to writes the mixture in place of the report",
     TO(output), opt_text, 0, 0, NULL},
    {"path", 0, "TEMPLATE", "how the file names a domain's data, as in entromix weights", TO(path), opt_text, 0, 0,
     NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", rows, 0},
    {"Bounds", bound_rows, TO(optimum)},
    {"Objective", objective_rows, TO(optimum)},
    {"Estimates of the prior's entropies", estimate_rows, TO(optimum.estimate)},
    {"Mixture", output_rows, 0},
    {"Other", common_rows, TO(common)},
    {NULL, NULL, 0},
};

static const char *const usage[] = {"--steps N [OPTION]... LAW", NULL};

static const char text[] = "Find the mixture whose sum of losses is least by a law that entromix fit wrote.\n"
                           "\n"
                           "  entromix optimize law.json --steps 200000 --corpus corpus.emx \\\n"
                           "    --max-epochs 4 --total-tokens 3e12 --to megatron -o blend.txt\n"
                           "\n"
                           "Beside the optimum stands the one without bounds (UNCAPPED).  LOW and HIGH are\n"
                           "intervals: of shares, each draw of a law that was fitted with --bootstrap is\n"
                           "optimised anew.  OBSERVED is the range of shares that was trained on; of losses\n"
                           "it is the prediction for the best mixture among those.  AT tells which bound a\n"
                           "domain stands at.  LEVERAGE is as in entromix predict.\n";

static enum emx_status find(const struct optimize_args *a, const struct emx_law *law, const struct optimum_inputs *in,
                            bool bounded, struct emx_optimum **ret, struct emx_error *err)
{
    struct emx_optimum_options options = {
        .step = a->step,
        .weight = in->weight,
        .level = a->level,
        .limits = {.lo = bounded ? in->lo : NULL,
                   .hi = bounded ? in->hi : NULL,
                   .prior = in->prior,
                   .strength = in->prior ? a->optimum.strength : 0},
    };

    return emx_optimum_find(law, &options, ret, err);
}

static int write_mixture(const struct optimize_args *a, const struct optimum_report *r)
{
    size_t n = r->law->n_domains;
    struct emx_mixture_domain *domains = calloc(n + 1, sizeof(*domains));
    struct emx_mixture mixture = {.domains = domains,
                                  .n_domains = n,
                                  .options = EMX_WEIGHTS_DEFAULTS,
                                  .source = a->optimum.corpus,
                                  .path_template = a->path};
    int code;

    if (!domains) {
        say("out of memory");
        return EXIT_FAILED;
    }
    for (size_t j = 0; j < n; j++)
        domains[j] = (struct emx_mixture_domain){r->law->domains[j],
                                                 r->o->proportion[j],
                                                 NAN,
                                                 optimum_find_domain(r->inputs->corpus, r->law->domains[j]),
                                                 NAN,
                                                 NAN};
    code = mixture_write(&mixture, a->to ? a->to : "json", a->output ? a->output : "-", a->common.quiet);
    free(domains);
    return code;
}

static int print(const struct optimize_args *a, const struct optimum_report *r)
{
    struct output out;
    bool done;

    if (!output_begin(&out))
        return EXIT_FAILED;
    if (strcmp(a->format, "json") == 0)
        done = optimum_print_json(r, out.text);
    else if (strcmp(a->format, "csv") == 0)
        done = optimum_print_csv(r, out.text);
    else
        done = optimum_print_table(r, out.text);
    return output_finish(&out, done, "-");
}

/* The mixture first: a report without it would mislead. */
static int tell(const struct optimize_args *a, const struct optimum_report *r)
{
    int code = a->to || a->output ? write_mixture(a, r) : EXIT_OK;

    if (code == EXIT_OK && (a->output ? strcmp(a->output, "-") != 0 : !a->to))
        code = print(a, r);
    if (code == EXIT_OK && !a->common.quiet)
        optimum_warn(r);
    return code;
}

static int optimize(const struct optimize_args *a, const struct emx_law *law, const struct optimum_inputs *in)
{
    struct emx_optimum *o = NULL, *uncapped = NULL;
    struct emx_error err;
    enum emx_status status = find(a, law, in, in->bounded, &o, &err);
    int code;

    if (status == EMX_OK && in->bounded)
        status = find(a, law, in, false, &uncapped, &err);
    if (status == EMX_OK)
        code = tell(a, &(struct optimum_report){law, in, a->step, a->level, a->optimum.total_tokens, o, uncapped});
    else
        code = say_failed(&err);
    emx_optimum_destroy(&o);
    emx_optimum_destroy(&uncapped);
    return code;
}

static int run(void *args, char **operands, size_t n)
{
    const struct optimize_args *a = args;
    struct optimum_inputs in;
    struct emx_law *law = NULL;
    struct emx_error err;
    enum emx_status status;
    int code;

    if (n == 0)
        return say_usage("optimize needs a law, as entromix fit -o writes it");
    if (n > 1)
        return say_usage("optimize takes one law, but '%s' follows '%s'", operands[1], operands[0]);
    if (!(a->step > 0))
        return say_usage("optimize needs --steps N, the length of the run");
    if (mixture_check_path(a->path) != EXIT_OK || estimate_check(&a->optimum.estimate, a->optimum.prior) != EXIT_OK)
        return EXIT_USAGE;
    if (emx_law_read(operands[0], &law, &err) != EMX_OK)
        return say_failed(&err);
    status = optimum_inputs_read(&a->optimum, law, &in, &err);
    if (status == EMX_OK) {
        code = optimize(a, law, &in);
        optimum_inputs_finish(&in);
    } else {
        code = status == EMX_ERR_ARG ? say_usage("%s", err.message) : say_failed(&err);
    }
    emx_law_destroy(&law);
    return code;
}

static const struct optimize_args defaults = {.level = 0.95, .format = "table"};

const struct command optimize_command = {
    .name = "optimize",
    .usage = usage,
    .summary = "find the mixture of least predicted loss",
    .text = text,
    .groups = groups,
    .defaults = &defaults,
    .args_size = sizeof(defaults),
    .run = run,
};
