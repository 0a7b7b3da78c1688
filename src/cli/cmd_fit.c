/*
 * cmd_fit.c - entromix fit: a table of losses in, a mixing law out
 */
#include "commands.h"
#include "law_args.h"
#include "output.h"
#include "report.h"
#include "say.h"
#include "table_args.h"
#include "transfer_prior.h"

#include <emx/file.h>
#include <emx/law_file.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct fit_args {
    struct common_args common;
    const char *output, *format;
    struct law_args law;
    struct transfer_args transfer;
    struct table_args table;
};

#define TO(member) offsetof(struct fit_args, member)

static const struct opt output_rows[] = {
    {"output", 'o', "FILE", "file to write the law to, as JSON (default: none)", TO(output), opt_text, 0, 0, NULL},
    {"format", 'f', "FORMAT", "table (default), json (the law) or csv (its coefficients): what standard output shows",
     TO(format), opt_choose, 0, 0, report_format_choice},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt_group groups[] = {
    {"Output", output_rows, 0},         {"Law", law_rows, TO(law)},         {"Prior", transfer_rows, TO(transfer)},
    {"Fit", law_search_rows, TO(law)},  {"Error bars", draw_rows, TO(law)}, {"Table", table_rows, TO(table)},
    {"Work", law_thread_rows, TO(law)}, {"Other", common_rows, TO(common)}, {NULL, NULL, 0},
};

static const char *const usage[] = {"[OPTION]... LOSSES", NULL};

static const char text[] = "Fit a mixing law, the loss of each domain as a function of its proportion r and\n"
                           "of the step s, to the losses of runs that were trained on different mixtures.\n"
                           "\n"
                           "LOSSES is a CSV file with a header, - for standard input.  A long table has the\n"
                           "columns run, domain, proportion, step and loss (empty for domains that are not\n"
                           "scored); a wide one has a row an evaluation, with columns like weight_web and\n"
                           "web_loss.  Losses are in nats a token, steps in any unit.\n"
                           "\n"
                           "  entromix fit losses.csv --bootstrap 200 -o law.json\n"
                           "\n"
                           "Errors are standard errors from the Jacobian.  Beside what the law leaves of\n"
                           "the losses stands what the mixture-blind law leaves: between them is what\n"
                           "mixtures explain.\n";

/* Standard deviation of what the law leaves. */
static double residual(const struct emx_law *law, size_t k)
{
    return sqrt(law->residual_variance[k]);
}

static void residual_cell(struct columns *c, const struct emx_law *law, size_t k)
{
    if (!(law->residual_variance[k] > 0))
        columns_cell(c, "-");
    else if (law->loss == EMX_LAW_LINEAR)
        columns_cell(c, "%.4f", residual(law, k));
    else
        law_percent_cell(c, residual(law, k));
}

static void coefficient_cell(struct columns *c, const struct emx_law *law, size_t k, size_t i)
{
    const size_t p = law->n_coefficients;
    const double value = law->coefficient[k * p + i], error = sqrt(law->covariance[(k * p + i) * p + i]);

    switch ((enum emx_law_known)law->known[k * p + i]) {
    case EMX_LAW_FREE:
        columns_cell(c, "%.4f \xC2\xB1 %.4f", value, error);
        break;
    case EMX_LAW_FIXED:
        columns_cell(c, "%g", value);
        break;
    case EMX_LAW_AT_BOUND:
        columns_cell(c, "%g (bound)", value);
        break;
    case EMX_LAW_UNDETERMINED:
        columns_cell(c, "%.4f ?", value);
        break;
    }
}

/* Coefficients from `first` to before `end`, a row a domain, and what is left where `with_residual`. */
static bool print_coefficients(const struct emx_law *law, const struct emx_law *blind, size_t first, size_t end,
                               bool with_residual, FILE *out)
{
    const size_t n = 1 + (end - first) + (with_residual ? 2 : 0);
    const char **headers = calloc(n, sizeof(*headers));
    char(*names)[300] = calloc(n, sizeof(*names));
    struct columns *c = NULL;
    bool done = false;

    if (headers && names) {
        headers[0] = "DOMAIN";
        for (size_t i = first; i < end; i++) {
            names[i - first][0] = '>';
            emx_law_coefficient_name(law, i, names[i - first] + 1, sizeof(names[0]) - 1);
            headers[1 + i - first] = names[i - first];
        }
        if (with_residual) {
            headers[n - 2] = ">RESIDUAL";
            headers[n - 1] = ">BLIND";
        }
        c = columns_create(headers, n);
    }
    for (size_t k = 0; c && k < law->n_scored; k++) {
        columns_cell(c, "%s", law->domains[law->scored[k]]);
        for (size_t i = first; i < end; i++)
            coefficient_cell(c, law, k, i);
        if (with_residual) {
            residual_cell(c, law, k);
            residual_cell(c, blind, k);
        }
    }
    if (c)
        done = columns_print(c, out);
    columns_destroy(c);
    free(headers);
    free(names);
    return done;
}

static int compare_reals(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Quantile of n sorted numbers, linear between them. */
static double quantile(const double *x, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;

    return i + 1 < n ? x[i] + (at - (double)i) * (x[i + 1] - x[i]) : x[n - 1];
}

static void interval_cell(struct columns *c, const struct emx_law *law, size_t k, size_t i, double *scratch)
{
    const size_t p = law->n_coefficients;

    for (size_t d = 0; d < law->n_draws; d++)
        scratch[d] = law->draw[(d * law->n_scored + k) * p + i];
    qsort(scratch, law->n_draws, sizeof(*scratch), compare_reals);
    columns_cell(c, "%.4f .. %.4f", quantile(scratch, law->n_draws, 0.025), quantile(scratch, law->n_draws, 0.975));
}

/* The first n coefficients of each domain over the draws. */
static bool print_intervals(const struct emx_law *law, size_t n, FILE *out)
{
    const char *headers[] = {"DOMAIN", ">", ">", ">", ">"};
    char names[4][40];
    double *scratch = calloc(law->n_draws, sizeof(*scratch));
    struct columns *c;
    bool done = false;

    for (size_t i = 0; i < n; i++) {
        names[i][0] = '>';
        emx_law_coefficient_name(law, i, names[i] + 1, sizeof(names[i]) - 1);
        headers[1 + i] = names[i];
    }
    c = scratch ? columns_create(headers, 1 + n) : NULL;
    for (size_t k = 0; c && k < law->n_scored; k++) {
        columns_cell(c, "%s", law->domains[law->scored[k]]);
        for (size_t i = 0; i < n; i++)
            interval_cell(c, law, k, i, scratch);
    }
    if (c) {
        fprintf(out, "\n95 %% of %zu draws of the mixtures:\n\n", law->n_draws);
        done = columns_print(c, out);
    }
    columns_destroy(c);
    free(scratch);
    return done;
}

static void print_undetermined(const struct emx_law *law, FILE *out)
{
    const size_t p = law->n_coefficients;
    bool any = false;

    for (size_t k = 0; k < law->n_scored; k++) {
        for (size_t i = 0; i < p; i++) {
            char name[300];

            if (law->known[k * p + i] != EMX_LAW_UNDETERMINED)
                continue;
            emx_law_coefficient_name(law, i, name, sizeof(name));
            fprintf(out, "%s%s of %s", any ? ", " : "Not determined by these losses: ", name,
                    law->domains[law->scored[k]]);
            any = true;
        }
    }
    if (any)
        fputs(".\n", out);
}

static void print_summary(const struct fit_args *a, const struct emx_law *law, FILE *out)
{
    const size_t k = law->n_scored, m = law->n_domains;

    fprintf(out, "law %s, loss %s: %zu coefficients estimated, %zu as published\n", emx_law_form_name(law->form),
            emx_law_loss_name(law->loss), k * emx_law_n_free(law->form, m, law->n_steps),
            emx_law_n_published(law->form, m, k, law->n_steps));
    if (a->transfer.path)
        fprintf(out, "prior for transfer from %s times %g, strength %g%s\n", a->transfer.path, law->prior_factor,
                law->prior_strength, a->transfer.strength > 0 ? "" : ", by cross validation");
    fputc('\n', out);
}

static void print_legend(const struct emx_law *law, FILE *out)
{
    fprintf(out, "\nRESIDUAL: standard deviation of %s losses about the law, BLIND: about the mixture-blind law.\n",
            law->loss == EMX_LAW_LINEAR ? "" : "log");
    fprintf(out, "s = step / %.15g.\n", law->step_unit);
    print_undetermined(law, out);
}

static bool print_table(const struct fit_args *a, const struct emx_observations *o, const struct emx_law *law,
                        const struct emx_law *blind, FILE *out)
{
    const size_t shape = law->form == EMX_LAW_EXPONENTIAL ? 0 : law->form == EMX_LAW_BLIND ? 3 : 4;
    bool done;

    law_print_table_summary(o, out);
    print_summary(a, law, out);
    done = print_coefficients(law, blind, 0, shape, true, out);
    if (done && law->form == EMX_LAW_BIMIX_TRANSFER) {
        fputc('\n', out);
        done = print_coefficients(law, blind, shape, law->n_coefficients, false, out);
    }
    if (done && law->n_draws > 0 && shape > 0)
        done = print_intervals(law, shape, out);
    print_legend(law, out);
    return done;
}

static bool print_csv(const struct emx_law *law, FILE *out)
{
    const size_t p = law->n_coefficients;

    fputs("domain,coefficient,value,error,known\n", out);
    for (size_t k = 0; k < law->n_scored; k++) {
        for (size_t i = 0; i < p; i++) {
            char name[300];

            emx_law_coefficient_name(law, i, name, sizeof(name));
            report_csv_text(law->domains[law->scored[k]], out);
            fputc(',', out);
            report_csv_text(name, out);
            fprintf(out, ",%.17g,%.17g,%s\n", law->coefficient[k * p + i], sqrt(law->covariance[(k * p + i) * p + i]),
                    emx_law_known_name((enum emx_law_known)law->known[k * p + i]));
        }
    }
    return true;
}

static int print(const struct fit_args *a, const struct emx_observations *o, const struct emx_law *law,
                 const struct emx_law *blind, const char *json)
{
    struct output out;
    bool done = true;

    if (a->output && strcmp(a->output, "-") == 0)
        return EXIT_OK;
    if (!output_begin(&out))
        return EXIT_FAILED;
    if (strcmp(a->format, "json") == 0)
        fputs(json, out.text);
    else if (strcmp(a->format, "csv") == 0)
        done = print_csv(law, out.text);
    else
        done = print_table(a, o, law, blind, out.text);
    return output_finish(&out, done, "-");
}

static int write_and_print(const struct fit_args *a, const struct emx_observations *o, const struct emx_law *law,
                           const struct emx_law *blind)
{
    struct emx_error err;
    char *json = NULL;
    enum emx_status status = emx_law_format_json(law, o->source, o->step_name, &json, &err);
    int code;

    if (status == EMX_OK && a->output)
        status = emx_write_file(a->output, json, strlen(json), &err);
    code = status == EMX_OK ? print(a, o, law, blind, json) : say_failed(&err);
    free(json);
    return code;
}

static int fit_as(const struct fit_args *a, const struct emx_law_options *options, const struct emx_observations *o)
{
    struct emx_law_options blind_options = *options;
    struct emx_law *law = NULL, *blind = NULL;
    struct emx_error err;
    enum emx_status status = emx_law_fit(o, options, &law, &err);
    int code;

    blind_options.form = EMX_LAW_BLIND;
    blind_options.method = EMX_LAW_AUTO;
    blind_options.n_draws = 0;
    blind_options.prior = NULL;
    if (status == EMX_OK)
        status = emx_law_fit(o, &blind_options, &blind, &err);
    if (status == EMX_ERR_ARG)
        code = say_usage("%s", err.message);
    else
        code = status == EMX_OK ? write_and_print(a, o, law, blind) : say_failed(&err);
    emx_law_destroy(&law);
    emx_law_destroy(&blind);
    return code;
}

static int fit(const struct fit_args *a, const struct emx_observations *o)
{
    struct emx_law_options options = law_options(&a->law);
    double *prior = NULL;
    int code = transfer_prior_read(&a->transfer, o, &options, &prior);

    if (code == EXIT_OK)
        code = fit_as(a, &options, o);
    free(prior);
    return code;
}

static int run(void *args, char **operands, size_t n)
{
    const struct fit_args *a = args;
    struct emx_observations *o = NULL;
    int code;

    if (n == 0)
        return say_usage("fit needs a table of losses");
    if (n > 1)
        return say_usage("fit takes one table of losses, but '%s' follows '%s'", operands[1], operands[0]);
    code = table_read(operands[0], &a->table, law_takes_zero(&a->law), a->common.quiet, &o);
    if (code == EXIT_OK)
        code = fit(a, o);
    emx_observations_destroy(&o);
    return code;
}

static const struct fit_args defaults = {.format = "table", .law = LAW_ARGS_DEFAULTS};

const struct command fit_command = {
    .name = "fit",
    .usage = usage,
    .summary = "fit a mixing law to the losses of trained mixtures",
    .text = text,
    .groups = groups,
    .defaults = &defaults,
    .args_size = sizeof(defaults),
    .run = run,
};
