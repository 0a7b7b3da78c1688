/*
 * cmd_predict.c - entromix predict: losses of a mixture that was not trained, and how far they are to be believed
 */
#include "commands.h"
#include "law_args.h"
#include "output.h"
#include "report.h"
#include "say.h"

#include <emx/law_file.h>
#include <emx/mixture.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct predict_args {
    struct common_args common;
    const char *mixture, *format;
    double steps, level;
};

#define TO(member) offsetof(struct predict_args, member)

static const struct opt rows[] = {
    {"mixture", 'm', "MIXTURE",
     "what is trained: a file, as entromix weights writes it with --to json or csv, or DOMAIN=SHARE,DOMAIN=SHARE,...",
     TO(mixture), opt_text, 0, 0, NULL},
    {"steps", 's', "N", "until when, in the unit of the table of losses; K, M, B or T may follow", TO(steps),
     opt_amount, 0, 0, NULL},
    {"level", 0, "SHARE", "of the intervals (default: 0.95)", TO(level), opt_inner, 0, 0, NULL},
    {"format", 'f', "FORMAT", "table (default), json or csv", TO(format), opt_choose, 0, 0, report_format_choice},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", rows, 0},
    {"Other", common_rows, TO(common)},
    {NULL, NULL, 0},
};

static const char *const usage[] = {"--mixture MIXTURE --steps N [OPTION]... LAW", NULL};

static const char text[] = "Predict the losses of a mixture at a step by a law that entromix fit wrote.\n"
                           "\n"
                           "ERROR is the standard error of the law's value; LOW and HIGH are its interval,\n"
                           "from the draws if the law was fitted with --bootstrap.  NOISE is how far a\n"
                           "single run lies from the law.  LEVERAGE compares what the observed losses tell\n"
                           "of the predicted one with the least that they tell of one of themselves: past 1\n"
                           "the prediction is an extrapolation, past 4 little supports it; a warning says\n"
                           "so.\n";

/* The predictions of one mixture. */
struct result {
    double *mixture;                      /* [m] */
    struct emx_law_prediction *predicted; /* [k] */
    struct emx_law_leverage *leverage;    /* [k] */
};

static double ratio(const struct emx_law_leverage *l)
{
    return l->largest > 0 ? l->h / l->largest : l->h > 0 ? INFINITY : 0;
}

static void ratio_cell(struct columns *c, double x)
{
    if (isfinite(x))
        columns_cell(c, "%.2f", x);
    else
        columns_cell(c, "infinite");
}

static bool print_table(const struct predict_args *a, const struct emx_law *law, const struct result *r, FILE *out)
{
    static const char *const headers[] = {"DOMAIN", ">SHARE", ">LOSS",  ">ERROR",
                                          ">LOW",   ">HIGH",  ">NOISE", ">LEVERAGE"};
    struct columns *c = columns_create(headers, sizeof(headers) / sizeof(headers[0]));
    double sum = 0;
    bool done;

    if (!c)
        return false;
    for (size_t k = 0; k < law->n_scored; k++) {
        const struct emx_law_prediction *p = &r->predicted[k];

        columns_cell(c, "%s", law->domains[law->scored[k]]);
        columns_cell(c, "%.4f", r->mixture[law->scored[k]]);
        columns_cell(c, "%.4f", p->loss);
        columns_cell(c, "%.4f", p->error);
        columns_cell(c, "%.4f", p->draw_lo);
        columns_cell(c, "%.4f", p->draw_hi);
        columns_cell(c, "%.4f", p->noise);
        ratio_cell(c, ratio(&r->leverage[k]));
        sum += p->loss;
    }
    fprintf(out, "law %s at step %.15g, intervals of %g %%\n\n", emx_law_form_name(law->form), a->steps,
            100 * a->level);
    done = columns_print(c, out);
    fprintf(out, "\nMean of the losses: %.4f\n", sum / (double)law->n_scored);
    columns_destroy(c);
    return done;
}

static json_t *domain_json(const struct emx_law *law, const struct result *r, size_t k)
{
    static const char *const verdicts[] = {"inside", "beyond", "far"};
    const struct emx_law_prediction *p = &r->predicted[k];
    const struct emx_law_leverage *l = &r->leverage[k];

    return json_pack("{s:o, s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "domain",
                     report_json_text(law->domains[law->scored[k]]), "proportion", r->mixture[law->scored[k]], "loss",
                     p->loss, "error", report_json_real(p->error), "lo", report_json_real(p->lo), "hi",
                     report_json_real(p->hi), "draw_lo", report_json_real(p->draw_lo), "draw_hi",
                     report_json_real(p->draw_hi), "noise", report_json_real(p->noise), "leverage",
                     report_json_real(l->h), "largest_observed_leverage", report_json_real(l->largest), "verdict",
                     verdicts[l->verdict]);
}

static bool print_json(const struct predict_args *a, const struct emx_law *law, const struct result *r, FILE *out)
{
    json_t *domains = json_array();
    bool failed = !domains;

    for (size_t k = 0; k < law->n_scored; k++)
        failed |= json_array_append_new(domains, domain_json(law, r, k)) != 0;
    return report_print_json(json_pack("{s:s, s:f, s:f, s:o}", "law", emx_law_form_name(law->form), "step", a->steps,
                                       "level", a->level, "domains", domains),
                             out) &&
           !failed;
}

static bool print_csv(const struct predict_args *a, const struct emx_law *law, const struct result *r, FILE *out)
{
    fputs("domain,step,proportion,loss,error,lo,hi,draw_lo,draw_hi,noise,leverage,largest_observed_leverage\n", out);
    for (size_t k = 0; k < law->n_scored; k++) {
        const struct emx_law_prediction *p = &r->predicted[k];

        report_csv_text(law->domains[law->scored[k]], out);
        fprintf(out, ",%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g\n", a->steps,
                r->mixture[law->scored[k]], p->loss, p->error, p->lo, p->hi, p->draw_lo, p->draw_hi, p->noise,
                r->leverage[k].h, r->leverage[k].largest);
    }
    return true;
}

/* Which domains lie outside of what was observed, by the worst verdict. */
static void warn(const struct emx_law *law, const struct result *r)
{
    enum emx_law_verdict worst = EMX_LAW_INSIDE;
    char names[600] = "";
    size_t len = 0;

    for (size_t k = 0; k < law->n_scored; k++)
        worst = r->leverage[k].verdict > worst ? r->leverage[k].verdict : worst;
    for (size_t k = 0; k < law->n_scored && worst != EMX_LAW_INSIDE && len < sizeof(names); k++) {
        if (r->leverage[k].verdict == worst)
            len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", len > 0 ? ", " : "",
                                    law->domains[law->scored[k]]);
    }
    if (worst != EMX_LAW_INSIDE)
        say("warning: %s: %s", names, emx_law_verdict_text(worst));
}

static int print(const struct predict_args *a, const struct emx_law *law, const struct result *r)
{
    struct output out;
    bool done;
    int code;

    if (!output_begin(&out))
        return EXIT_FAILED;
    if (strcmp(a->format, "json") == 0)
        done = print_json(a, law, r, out.text);
    else if (strcmp(a->format, "csv") == 0)
        done = print_csv(a, law, r, out.text);
    else
        done = print_table(a, law, r, out.text);
    code = output_finish(&out, done, "-");
    if (code == EXIT_OK && !a->common.quiet)
        warn(law, r);
    return code;
}

/* One "DOMAIN=SHARE" of len bytes. */
static enum emx_status read_share(const struct emx_law *law, const char *word, size_t len, double *mixture,
                                  struct emx_error *err)
{
    const char *equal = memchr(word, '=', len);
    char number[64];
    size_t i = 0, n;
    enum emx_status status;

    if (!equal || len - (size_t)(equal - word) > sizeof(number) - 1)
        return emx_fail(err, EMX_ERR_ARG, "--mixture: '%.*s' is not DOMAIN=SHARE", (int)len, word);
    n = (size_t)(equal - word);
    while (i < law->n_domains && (strlen(law->domains[i]) != n || memcmp(law->domains[i], word, n) != 0))
        i++;
    if (i == law->n_domains)
        return emx_fail(err, EMX_ERR_ARG, "--mixture: '%.*s' is no domain of the law", (int)n, word);
    if (!isnan(mixture[i]))
        return emx_fail(err, EMX_ERR_ARG, "--mixture: '%s' is named twice", law->domains[i]);
    snprintf(number, sizeof(number), "%.*s", (int)(len - n - 1), equal + 1);
    status = opt_real(NULL, number, &mixture[i], err);
    if (status == EMX_OK && !(mixture[i] >= 0 && mixture[i] <= 1))
        status = emx_fail(err, EMX_ERR_ARG, "--mixture: '%s' is not between 0 and 1", number);
    return status;
}

/* "web=0.75,code=0.25" */
static enum emx_status read_shares(const struct emx_law *law, const char *words, double *mixture, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < law->n_domains; i++)
        mixture[i] = NAN;
    for (size_t len; *words && status == EMX_OK; words += len + (words[len] == ',')) {
        len = strcspn(words, ",");
        status = read_share(law, words, len, mixture, err);
    }
    for (size_t i = 0; i < law->n_domains && status == EMX_OK; i++) {
        if (isnan(mixture[i]))
            status = emx_fail(err, EMX_ERR_ARG, "--mixture: has no share of domain '%s'", law->domains[i]);
    }
    return status;
}

static enum emx_status predict(const struct predict_args *a, const struct emx_law *law, struct result *r,
                               struct emx_error *err)
{
    enum emx_status status;

    if (strchr(a->mixture, '='))
        status = read_shares(law, a->mixture, r->mixture, err);
    else
        status = emx_mixture_read(a->mixture, (const char *const *)law->domains, law->n_domains, r->mixture, err);
    if (status == EMX_OK)
        status = emx_law_predict(law, r->mixture, a->steps, a->level, r->predicted, err);
    if (status == EMX_OK)
        status = emx_law_leverage(law, r->mixture, a->steps, r->leverage, err);
    return status;
}

static int predict_and_print(const struct predict_args *a, const struct emx_law *law)
{
    struct result r = {calloc(law->n_domains, sizeof(*r.mixture)), calloc(law->n_scored, sizeof(*r.predicted)),
                       calloc(law->n_scored, sizeof(*r.leverage))};
    struct emx_error err;
    enum emx_status status;
    int code;

    if (r.mixture && r.predicted && r.leverage)
        status = predict(a, law, &r, &err);
    else
        status = emx_fail(&err, EMX_ERR_MEMORY, "out of memory");
    if (status == EMX_ERR_ARG)
        code = say_usage("%s", err.message);
    else
        code = status == EMX_OK ? print(a, law, &r) : say_failed(&err);
    free(r.mixture);
    free(r.predicted);
    free(r.leverage);
    return code;
}

static int run(void *args, char **operands, size_t n)
{
    const struct predict_args *a = args;
    struct emx_law *law = NULL;
    struct emx_error err;
    int code;

    if (n == 0)
        return say_usage("predict needs a law, as entromix fit -o writes it");
    if (n > 1)
        return say_usage("predict takes one law, but '%s' follows '%s'", operands[1], operands[0]);
    if (!a->mixture)
        return say_usage("predict needs --mixture, a file or DOMAIN=SHARE,DOMAIN=SHARE,...");
    if (!(a->steps > 0))
        return say_usage("predict needs --steps N");
    if (emx_law_read(operands[0], &law, &err) != EMX_OK)
        return say_failed(&err);
    code = predict_and_print(a, law);
    emx_law_destroy(&law);
    return code;
}

static const struct predict_args defaults = {.format = "table", .level = 0.95};

const struct command predict_command = {
    .name = "predict",
    .usage = usage,
    .summary = "predict the losses of a mixture by a fitted law",
    .text = text,
    .groups = groups,
    .defaults = &defaults,
    .args_size = sizeof(defaults),
    .run = run,
};
