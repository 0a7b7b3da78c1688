/*
 * cmd_evaluate.c - entromix evaluate: laws fitted on part of a table, judged on the rest
 */
#include "commands.h"
#include "law_args.h"
#include "output.h"
#include "report.h"
#include "say.h"
#include "table_args.h"
#include "transfer_prior.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct evaluate_args {
    struct common_args common;
    struct split_args {
        enum emx_law_split split;
        uint32_t n_folds;
    } split;
    struct opt_list held_out;
    const char *format;
    struct law_args law;
    struct transfer_args transfer;
    struct table_args table;
};

static const struct split_name {
    const char *name, *what;
} splits[] = {
    [EMX_LAW_LAST_STEP] = {"last-step", "the last evaluation of each mixture"},
    [EMX_LAW_MIXTURES] = {"mixtures", "mixtures that the law has not seen"},
    [EMX_LAW_FIRST_HALF] = {"first-half", "the second half of each mixture's evaluations"},
};

enum { N_SPLITS = sizeof(splits) / sizeof(splits[0]) };

static enum emx_status parse_folds(const char *text, uint32_t *ret, struct emx_error *err)
{
    uint64_t n = 0;

    if (opt_number(text, &n, NULL) != EMX_OK || n < 2 || n > UINT32_MAX)
        return emx_fail(err, EMX_ERR_ARG, "'%s' is no number of parts, which is at least 2", text);
    *ret = (uint32_t)n;
    return EMX_OK;
}

static enum emx_status parse_split(const struct opt *o, const char *value, void *to, struct emx_error *err)
{
    struct split_args *a = to;

    (void)o;
    for (size_t i = 0; i < N_SPLITS; i++) {
        size_t len = strlen(splits[i].name);

        if (strncmp(value, splits[i].name, len) != 0)
            continue;
        a->split = (enum emx_law_split)i;
        if (value[len] == '\0')
            return EMX_OK;
        if (value[len] == ':' && i == EMX_LAW_MIXTURES)
            return parse_folds(value + len + 1, &a->n_folds, err);
    }
    return emx_fail(err, EMX_ERR_ARG, "'%s' is not last-step, mixtures, mixtures:PARTS or first-half", value);
}

#define TO(member) offsetof(struct evaluate_args, member)

static const struct opt split_rows[] = {
    {"hold-out", 0, "WHAT",
     "last-step (default); mixtures or mixtures:PARTS: each mixture is predicted by laws fitted without its part, "
     "one of 10; or first-half, which is fitted on",
     TO(split), parse_split, 0, 0, NULL},
    {"held-out", 0, "RUN", "with mixtures: hold out only this run, and others for which it is given again",
     TO(held_out), opt_append, 0, 0, NULL},
    {"format", 'f', "FORMAT", "table (default), json or csv", TO(format), opt_choose, 0, 0, report_format_choice},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt_group groups[] = {
    {"Judging", split_rows, 0},
    {"Law", law_rows, TO(law)},
    {"Prior", transfer_rows, TO(transfer)},
    {"Fit", law_search_rows, TO(law)},
    {"Table", table_rows, TO(table)},
    {"Work", law_thread_rows, TO(law)},
    {"Other", common_rows, TO(common)},
    {NULL, NULL, 0},
};

static const char *const usage[] = {"[OPTION]... LOSSES", NULL};

static const char text[] = "Fit mixing laws on part of a table of losses, and compare what they predict for\n"
                           "the rest with what was observed: the law asked for, the other laws beside it\n"
                           "with their number of coefficients, and baselines that need no law.\n"
                           "\n"
                           "Errors are |predicted - observed| / observed; MEAN and MEDIAN are over all that\n"
                           "is predicted, WORST and BEST are means of one domain.  R2 is of all log losses:\n"
                           "even a law that is blind to the mixture comes near 1.  WITHIN is R2 about the\n"
                           "mean of each step and domain, RANK the rank correlation of mixtures: these tell\n"
                           "what is known of the mixture.  LOSSES is as for entromix fit.\n";

static bool is_of_law(const struct emx_law_score *s)
{
    return s->predictor == EMX_LAW_BY_LAW || s->predictor == EMX_LAW_BY_SHIFTED;
}

static void predictor_cell(struct columns *c, const struct emx_law_score *s)
{
    if (is_of_law(s))
        columns_cell(c, "%s%s%s", emx_law_form_name(s->form), s->has_prior ? ", prior" : "",
                     s->predictor == EMX_LAW_BY_SHIFTED ? ", shifted" : "");
    else
        columns_cell(c, "%s", emx_law_predictor_name(s->predictor));
}

static void add_score(struct columns *c, const struct emx_law_score *s)
{
    const double nothing = NAN;
    bool has_coefficients = s->defined && s->n_free > 0;

    predictor_cell(c, s);
    if (has_coefficients)
        columns_cell(c, "%zu", s->n_free);
    else
        columns_cell(c, "-");
    if (has_coefficients && s->predictor == EMX_LAW_BY_LAW)
        columns_cell(c, "%zu", s->n_published);
    else
        columns_cell(c, "-");
    law_percent_cell(c, s->defined ? s->mean : nothing);
    law_percent_cell(c, s->defined ? s->median : nothing);
    law_percent_cell(c, s->defined ? s->worst : nothing);
    law_percent_cell(c, s->defined ? s->best : nothing);
    law_number_cell(c, s->defined ? s->r2 : nothing, 4);
    law_number_cell(c, s->defined ? s->r2_within : nothing, 3);
    law_number_cell(c, s->defined ? s->rank : nothing, 3);
}

static bool print_scores(const struct emx_law_judgement *j, FILE *out)
{
    static const char *const headers[] = {"PREDICTED BY", ">ESTIMATED", ">PUBLISHED", ">MEAN",   ">MEDIAN",
                                          ">WORST",       ">BEST",      ">R2",        ">WITHIN", ">RANK"};
    struct columns *c = columns_create(headers, sizeof(headers) / sizeof(headers[0]));
    bool done;

    if (!c)
        return false;
    for (size_t i = 0; i < j->n_scores; i++)
        add_score(c, &j->scores[i]);
    done = columns_print(c, out);
    columns_destroy(c);
    return done;
}

/* Of the law that was asked for. */
static bool print_domains(const struct emx_observations *o, const struct emx_law_score *s, FILE *out)
{
    static const char *const headers[] = {"DOMAIN", ">MEAN", ">R2", ">WITHIN", ">RANK"};
    struct columns *c;
    bool done;

    if (!s->defined)
        return true;
    c = columns_create(headers, sizeof(headers) / sizeof(headers[0]));
    if (!c)
        return false;
    for (size_t k = 0; k < o->n_scored; k++) {
        columns_cell(c, "%s", o->domains[o->scored[k]]);
        law_percent_cell(c, s->domain_error[k]);
        law_number_cell(c, s->domain_r2[k], 4);
        law_number_cell(c, s->domain_r2_within[k], 3);
        law_number_cell(c, s->domain_rank[k], 3);
    }
    fprintf(out, "\nlaw %s%s, each domain:\n\n", emx_law_form_name(s->form), s->has_prior ? ", prior" : "");
    done = columns_print(c, out);
    columns_destroy(c);
    return done;
}

static bool print_table(const struct emx_observations *o, const struct emx_law_judgement *j, FILE *out)
{
    law_print_table_summary(o, out);
    fprintf(out, "held out: %s: %zu evaluations, %zu fit%s\n\n", splits[j->split].what, j->n_predicted, j->n_fits,
            j->n_fits == 1 ? "" : "s");
    return print_scores(j, out) && print_domains(o, &j->scores[0], out);
}

static json_t *domains_json(const struct emx_observations *o, const struct emx_law_score *s)
{
    json_t *domains = json_array();
    bool failed = !domains;

    for (size_t k = 0; k < o->n_scored; k++)
        failed |=
            json_array_append_new(
                domains,
                json_pack("{s:o, s:o, s:o, s:o, s:o}", "domain", report_json_text(o->domains[o->scored[k]]), "mean",
                          report_json_real(s->domain_error[k]), "r2", report_json_real(s->domain_r2[k]), "r2_within",
                          report_json_real(s->domain_r2_within[k]), "rank", report_json_real(s->domain_rank[k]))) != 0;
    if (failed) {
        json_decref(domains);
        return NULL;
    }
    return domains;
}

static json_t *score_json(const struct emx_observations *o, const struct emx_law_score *s)
{
    json_t *form = is_of_law(s) ? json_string(emx_law_form_name(s->form)) : json_null();

    if (!s->defined)
        return json_pack("{s:s, s:o, s:b, s:b}", "predictor", emx_law_predictor_name(s->predictor), "law", form,
                         "prior", s->has_prior, "defined", 0);
    return json_pack("{s:s, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "predictor",
                     emx_law_predictor_name(s->predictor), "law", form, "prior", s->has_prior, "defined", 1,
                     "coefficients", report_json_count(s->n_free), "coefficients_published",
                     report_json_count(s->n_published), "mean", report_json_real(s->mean), "median",
                     report_json_real(s->median), "worst", report_json_real(s->worst), "best",
                     report_json_real(s->best), "r2", report_json_real(s->r2), "r2_within",
                     report_json_real(s->r2_within), "rank", report_json_real(s->rank), "domains", domains_json(o, s));
}

static bool print_json(const struct emx_observations *o, const struct emx_law_judgement *j, FILE *out)
{
    json_t *scores = json_array();
    bool failed = !scores;

    for (size_t i = 0; i < j->n_scores; i++)
        failed |= json_array_append_new(scores, score_json(o, &j->scores[i])) != 0;
    return report_print_json(json_pack("{s:o, s:s, s:o, s:o, s:o}", "source", report_json_text(o->source), "hold_out",
                                       splits[j->split].name, "predicted", report_json_count(j->n_predicted), "fits",
                                       report_json_count(j->n_fits), "scores", scores),
                             out) &&
           !failed;
}

/* A row a predictor over all domains (domain empty), then a row each domain. */
static void print_csv_score(const struct emx_observations *o, const struct emx_law_score *s, FILE *out)
{
    const char *form = is_of_law(s) ? emx_law_form_name(s->form) : "";
    const char *predictor = emx_law_predictor_name(s->predictor);

    if (!s->defined)
        return;
    fprintf(out, "%s,%s,%d,,%zu,%zu", predictor, form, s->has_prior, s->n_free, s->n_published);
    report_csv_real(s->mean, out);
    report_csv_real(s->median, out);
    report_csv_real(s->worst, out);
    report_csv_real(s->best, out);
    report_csv_real(s->r2, out);
    report_csv_real(s->r2_within, out);
    report_csv_real(s->rank, out);
    fputc('\n', out);
    for (size_t k = 0; k < o->n_scored; k++) {
        fprintf(out, "%s,%s,%d,", predictor, form, s->has_prior);
        report_csv_text(o->domains[o->scored[k]], out);
        fputs(",,", out);
        report_csv_real(s->domain_error[k], out);
        fputs(",,,", out);
        report_csv_real(s->domain_r2[k], out);
        report_csv_real(s->domain_r2_within[k], out);
        report_csv_real(s->domain_rank[k], out);
        fputc('\n', out);
    }
}

static bool print_csv(const struct emx_observations *o, const struct emx_law_judgement *j, FILE *out)
{
    fputs("predictor,law,prior,domain,coefficients,coefficients_published,mean,median,worst,best,r2,r2_within,rank\n",
          out);
    for (size_t i = 0; i < j->n_scores; i++)
        print_csv_score(o, &j->scores[i], out);
    return true;
}

static int print(const struct evaluate_args *a, const struct emx_observations *o, const struct emx_law_judgement *j)
{
    struct output out;
    bool done;

    if (!output_begin(&out))
        return EXIT_FAILED;
    if (strcmp(a->format, "json") == 0)
        done = print_json(o, j, out.text);
    else if (strcmp(a->format, "csv") == 0)
        done = print_csv(o, j, out.text);
    else
        done = print_table(o, j, out.text);
    return output_finish(&out, done, "-");
}

static int find_held_out(const struct evaluate_args *a, const struct emx_observations *o, size_t *ret)
{
    for (size_t i = 0; i < a->held_out.n; i++) {
        ret[i] = 0;
        while (ret[i] < o->n_mixtures && strcmp(o->mixtures[ret[i]], a->held_out.words[i]) != 0)
            ret[i]++;
        if (ret[i] == o->n_mixtures)
            return say_usage("--held-out: %s has no run '%s'", o->source, a->held_out.words[i]);
    }
    return EXIT_OK;
}

static int judge_as(const struct evaluate_args *a, const struct emx_law_options *fit, const struct emx_observations *o)
{
    size_t held_out[OPT_LIST_MAX];
    struct emx_law_judge_options options = {.fit = *fit,
                                            .split = a->split.split,
                                            .n_folds = a->split.n_folds,
                                            .held_out = a->held_out.n > 0 ? held_out : NULL,
                                            .n_held_out = a->held_out.n};
    struct emx_law_judgement *j = NULL;
    struct emx_error err;
    enum emx_status status;
    int code = find_held_out(a, o, held_out);

    if (code != EXIT_OK)
        return code;
    status = emx_law_judge(o, &options, &j, &err);
    if (status == EMX_ERR_ARG)
        return say_usage("%s", err.message);
    code = status == EMX_OK ? print(a, o, j) : say_failed(&err);
    emx_law_judgement_destroy(&j);
    return code;
}

static int judge(const struct evaluate_args *a, const struct emx_observations *o)
{
    struct emx_law_options fit = law_options(&a->law);
    double *prior = NULL;
    int code = transfer_prior_read(&a->transfer, o, &fit, &prior);

    if (code == EXIT_OK)
        code = judge_as(a, &fit, o);
    free(prior);
    return code;
}

static int run(void *args, char **operands, size_t n)
{
    const struct evaluate_args *a = args;
    struct emx_observations *o = NULL;
    int code;

    if (n == 0)
        return say_usage("evaluate needs a table of losses");
    if (n > 1)
        return say_usage("evaluate takes one table of losses, but '%s' follows '%s'", operands[1], operands[0]);
    if (a->held_out.n > 0 && (a->split.split != EMX_LAW_MIXTURES || a->split.n_folds > 0))
        return say_usage("--held-out goes with --hold-out mixtures");
    code = table_read(operands[0], &a->table, law_takes_zero(&a->law), a->common.quiet, &o);
    if (code == EXIT_OK)
        code = judge(a, o);
    emx_observations_destroy(&o);
    return code;
}

static const struct evaluate_args defaults = {
    .split = {.split = EMX_LAW_LAST_STEP}, .format = "table", .law = LAW_ARGS_DEFAULTS};

const struct command evaluate_command = {
    .name = "evaluate",
    .usage = usage,
    .summary = "judge mixing laws on losses that were held out",
    .text = text,
    .groups = groups,
    .defaults = &defaults,
    .args_size = sizeof(defaults),
    .run = run,
};
