/*
 * cmd_plan.c - entromix plan: which mixtures to train, so that a law fitted to them tells most
 */
#include "commands.h"
#include "mixture_args.h"
#include "optimum_inputs.h"
#include "output.h"
#include "plan_report.h"
#include "report.h"
#include "say.h"

#include <emx/law_file.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct plan_args {
    struct common_args common;
    struct estimate_args estimate;
    uint32_t n_mixtures, n_steps;
    const char *output, *to, *path, *law, *tokens, *criterion, *format;
    struct plan_bounds {
        double lo, hi; /* 0: not given */
    } bounds;
    double run_noise, step_noise, horizon;
    uint64_t seed;
};

static bool criterion_choice(size_t i, struct opt_choice *ret)
{
    static const char *const names[] = {"d", "v"};

    if (i >= sizeof(names) / sizeof(names[0]))
        return false;
    *ret = (struct opt_choice){names[i], NULL};
    return true;
}

static enum emx_status parse_noise(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    enum emx_status status = opt_real(o, text, to, err);

    if (status == EMX_OK && !(*(double *)to > 0 && *(double *)to < 10))
        return emx_fail(err, EMX_ERR_ARG, "'%s' is not above 0 and below 10", text);
    return status;
}

/* "0.01..0.5" */
static enum emx_status parse_bounds(const struct opt *o, const char *text, void *to, struct emx_error *err)
{
    const char *dots = strstr(text, "..");
    struct plan_bounds *b = to;
    char low[64];

    if (!dots || dots - text >= (ptrdiff_t)sizeof(low))
        return emx_fail(err, EMX_ERR_ARG, "'%s' is not LO..HI", text);
    memcpy(low, text, (size_t)(dots - text));
    low[dots - text] = '\0';
    if (opt_real(o, low, &b->lo, err) != EMX_OK || opt_real(o, dots + 2, &b->hi, err) != EMX_OK)
        return EMX_ERR_ARG;
    if (!(b->lo > 0 && b->lo < b->hi && b->hi <= 1))
        return emx_fail(err, EMX_ERR_ARG, "'%s' is not LO..HI with 0 < LO < HI <= 1", text);
    return EMX_OK;
}

#define TO(member) offsetof(struct plan_args, member)

static const struct opt rows[] = {
    {"mixtures", 'n', "N", "how many runs, those that follow from the corpus included (default: 6)", TO(n_mixtures),
     opt_u32, PLAN_MIN_GIVEN, 256, NULL},
    {"bounds", 'b', "LO..HI",
     "shares that added mixtures may give a domain (default: a third of the least to thrice the greatest of these)",
     TO(bounds), parse_bounds, 0, 0, NULL},
    {"criterion", 0, "D|V",
     "d (default): coefficients are told best; v: losses are predicted best over all mixtures within the bounds",
     TO(criterion), opt_choose, 0, 0, criterion_choice},
    {"tokens-available", 0, "FILE",
     "tokens of each domain, for the baseline: a state file, or CSV with columns domain and tokens (default: STATE)",
     TO(tokens), opt_text, 0, 0, NULL},
    {"seed", 0, "N", "of the search (default: 0)", TO(seed), opt_seed, 0, 0, NULL},
    {"format", 'f', "FORMAT", "of the report: table (default), json or csv", TO(format), opt_choose, 0, 0,
     report_format_choice},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt assumption_rows[] = {
    {"law", 0, "LAW", "a BiMix law that entromix fit wrote, in place of assumed coefficients and scatter", TO(law),
     opt_text, 0, 0, NULL},
    {"evaluations", 0, "N", "of a run, evenly spaced (default: 20)", TO(n_steps), opt_u32, 1, 100000, NULL},
    {"run-noise", 0, "X", "scatter of log losses between runs (default: 0.01, or the law's)", TO(run_noise),
     parse_noise, 0, 0, NULL},
    {"step-noise", 0, "X", "and within a run (default: 0.003)", TO(step_noise), parse_noise, 0, 0, NULL},
    {"horizon", 0, "X", "length of the run that is to be predicted, in lengths of those planned (default: 1)",
     TO(horizon), opt_positive, 0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt output_rows[] = {
    {"output", 'o', "FOLDER", "folder to write a file a run to, and plan.csv (default: none)", TO(output), opt_text, 0,
     0, NULL},
    {"to", 't', "FORMAT", "trainer or syntax of these files, see below (default: json)", TO(to), opt_choose, 0, 0,
     report_mixture_choice},
    {"path", 0, "TEMPLATE", "how they name a domain's data, as in entromix weights", TO(path), opt_text, 0, 0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", rows, 0},         {"Estimates", estimate_rows, TO(estimate)}, {"Assumptions", assumption_rows, 0},
    {"Mixtures", output_rows, 0}, {"Other", common_rows, TO(common)},         {NULL, NULL, 0},
};

static const char *const usage[] = {"[OPTION]... STATE", NULL};

static const char text[] = "Plan which mixtures to train: those of the Shannon, joint and conditional\n"
                           "entropies, that of the von Neumann entropies where the state has them, the\n"
                           "shares of tokens (baseline), and those that add most information on a BiMix law\n"
                           "by optimal experimental design.\n"
                           "\n"
                           "  entromix plan corpus.emx --mixtures 6 --to megatron -o runs/\n"
                           "\n"
                           "The report tells what to expect of the first 2, 3, ... runs, as standard errors:\n"
                           "ALPHA of the exponents, LOSS of a predicted loss at the optimum, SHARES of the\n"
                           "optimal shares, each relative to itself, and REGRET, how much more loss than the\n"
                           "true optimum the one found is expected to have; all as far as losses follow the\n"
                           "law.  Runs past * are added one by one.\n"
                           "\n"
                           "plan.csv has the columns run, domain and proportion: with step and loss beside\n"
                           "them it is what entromix fit reads.\n";

/* Coefficients of one domain of the corpus. */
static enum emx_status take_coefficients(const struct emx_law *law, const char *domain,
                                         struct emx_plan_coefficients *ret, double *ret_variance, struct emx_error *err)
{
    for (size_t k = 0; k < law->n_scored; k++) {
        const double *c = law->coefficient + k * law->n_coefficients;

        if (strcmp(law->domains[law->scored[k]], domain) != 0)
            continue;
        *ret = (struct emx_plan_coefficients){.alpha = c[0], .beta = c[1], .b = c[2], .c = c[3]};
        *ret_variance = law->residual_variance[k];
        return EMX_OK;
    }
    return emx_fail(err, EMX_ERR_FORMAT, "the law has no losses of domain '%s'", domain);
}

/* The scatter about a law is mostly between runs. */
static enum emx_status use_law(const struct plan_args *a, const struct plan_runs *r,
                               struct emx_plan_coefficients *coefficients, double *run_noise, struct emx_error *err)
{
    struct emx_law *law = NULL;
    enum emx_status status = emx_law_read(a->law, &law, err);
    double sum = 0, variance = 0;

    if (status == EMX_OK && law->form != EMX_LAW_BIMIX)
        status = emx_fail(err, EMX_ERR_FORMAT, "%s: is a %s law, but plans are for bimix: fit one with --law bimix",
                          a->law, emx_law_form_name(law->form));
    for (size_t j = 0; j < r->n_domains && status == EMX_OK; j++) {
        status = take_coefficients(law, r->domains[j], &coefficients[j], &variance, err);
        sum += variance;
    }
    if (status == EMX_OK && *run_noise == 0 && law->loss != EMX_LAW_LINEAR && sum > 0)
        *run_noise = sqrt(sum / (double)r->n_domains);
    emx_law_destroy(&law);
    return status;
}

static int print(const struct plan_args *a, const struct plan_report *r)
{
    struct output out;
    bool done;

    if (!output_begin(&out))
        return EXIT_FAILED;
    if (strcmp(a->format, "json") == 0)
        done = plan_print_json(r, out.text);
    else if (strcmp(a->format, "csv") == 0)
        done = plan_print_csv(r, out.text);
    else
        done = plan_print_table(r, out.text);
    return output_finish(&out, done, "-");
}

static int tell(const struct plan_args *a, const struct plan_report *r)
{
    char *note = NULL;
    struct emx_error err;
    enum emx_status status = EMX_OK;

    if (a->output)
        status = plan_runs_write(r->runs, a->output, a->to, a->path, &note, &err);
    if (status == EMX_OK && note && !a->common.quiet)
        say("note: %s", note);
    free(note);
    return status == EMX_OK ? print(a, r) : say_failed(&err);
}

/* scratch: lo and hi, [n_domains] each. */
static void set_bounds(const struct plan_args *a, size_t n, double *scratch, struct emx_plan_options *o)
{
    if (!(a->bounds.lo > 0))
        return;
    for (size_t j = 0; j < n; j++) {
        scratch[j] = a->bounds.lo;
        scratch[n + j] = a->bounds.hi;
    }
    o->lo = scratch;
    o->hi = scratch + n;
}

static enum emx_status find(const struct plan_args *a, const struct plan_runs *r, struct emx_plan_options *o,
                            struct emx_plan_coefficients *coefficients, double *bounds, struct emx_plan **ret,
                            struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    *o = (struct emx_plan_options){.n_domains = r->n_domains,
                                   .given = r->given,
                                   .n_given = r->n_given,
                                   .n_mixtures = a->n_mixtures,
                                   .n_steps = a->n_steps,
                                   .run_noise = a->run_noise,
                                   .step_noise = a->step_noise,
                                   .horizon = a->horizon,
                                   .criterion = strcmp(a->criterion, "v") == 0 ? EMX_PLAN_V : EMX_PLAN_D,
                                   .seed = a->seed};
    set_bounds(a, r->n_domains, bounds, o);
    if (a->law) {
        o->coefficients = coefficients;
        status = use_law(a, r, coefficients, &o->run_noise, err);
    }
    if (o->run_noise == 0)
        o->run_noise = 0.01;
    return status == EMX_OK ? emx_plan_find(o, ret, err) : status;
}

static int plan(const struct plan_args *a, struct plan_runs *r)
{
    struct emx_plan_coefficients *coefficients = calloc(r->n_domains + 1, sizeof(*coefficients));
    double *bounds = calloc(2 * r->n_domains + 1, sizeof(*bounds));
    struct emx_plan_options o;
    struct emx_plan *plan = NULL;
    struct emx_error err;
    enum emx_status status;
    int code;

    if (coefficients && bounds)
        status = find(a, r, &o, coefficients, bounds, &plan, &err);
    else
        status = emx_fail(&err, EMX_ERR_MEMORY, "out of memory");
    if (status == EMX_OK) {
        r->plan = plan;
        code = tell(a, &(struct plan_report){r, &o, a->law});
    } else {
        code = say_failed(&err);
    }
    emx_plan_destroy(&plan);
    free(coefficients);
    free(bounds);
    return code;
}

static bool shows_errors(const struct plan_args *a)
{
    return strcmp(a->format, "json") == 0 || (a->output && mixture_shows_errors(a->to));
}

static int run(void *args, char **operands, size_t n)
{
    const struct plan_args *a = args;
    struct emx_state *corpus;
    struct plan_runs runs;
    struct emx_error err;
    int code;

    if (mixture_check_path(a->path) != EXIT_OK || estimate_check(&a->estimate, NULL) != EXIT_OK)
        return EXIT_USAGE;
    code = report_open("plan", operands, n, &corpus);
    if (code != EXIT_OK)
        return code;
    if (plan_runs_init(&runs, corpus, &(struct plan_sources){operands[0], a->tokens, &a->estimate, shows_errors(a)},
                       &err) != EMX_OK) {
        code = say_failed(&err);
    } else {
        if (runs.no_vne.status != EMX_OK && !a->common.quiet)
            say("note: no von Neumann mixture: %s", runs.no_vne.message);
        code = plan(a, &runs);
    }
    plan_runs_finish(&runs);
    emx_state_close(&corpus);
    return code;
}

static const struct plan_args defaults = {
    .n_mixtures = 6,
    .n_steps = 20,
    .step_noise = 0.003,
    .horizon = 1,
    .to = "json",
    .criterion = "d",
    .format = "table",
};

const struct command plan_command = {
    .name = "plan",
    .usage = usage,
    .summary = "plan which mixtures to train",
    .text = text,
    .groups = groups,
    .defaults = &defaults,
    .args_size = sizeof(defaults),
    .run = run,
};
