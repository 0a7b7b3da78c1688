/*
 * plan_report.c - a plan and what to expect of it
 */
#include "plan_report.h"

#include "columns.h"
#include "law_args.h"
#include "report.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { MAX_COLUMNS = 7, ALL_ROWS = 16 };

static const double GOOD_REGRET = 1e-3;

/* How many fit into 80 columns. */
static size_t n_shown(const struct plan_report *r)
{
    size_t most = r->runs->n_given == PLAN_MAX_GIVEN ? MAX_COLUMNS - 1 : MAX_COLUMNS;

    return r->runs->plan->n_mixtures < most ? r->runs->plan->n_mixtures : most;
}

/* Domains down, runs across; of a long plan the first runs. */
static bool print_mixtures(const struct plan_report *r, FILE *out)
{
    const struct emx_plan *p = r->runs->plan;
    size_t n = n_shown(r);
    char names[MAX_COLUMNS][PLAN_NAME + 1];
    const char *headers[MAX_COLUMNS + 1] = {"DOMAIN"};
    struct columns *c;
    bool done;

    for (size_t i = 0; i < n; i++) {
        if (i < r->runs->n_given)
            snprintf(names[i], sizeof(names[i]), ">%s", plan_run_kind(r->runs, i));
        else
            snprintf(names[i], sizeof(names[i]), ">%zu", i + 1);
        for (char *at = names[i]; *at; at++)
            *at = (char)toupper((unsigned char)*at);
        headers[i + 1] = names[i];
    }
    c = columns_create(headers, n + 1);
    if (!c)
        return false;
    for (size_t j = 0; j < p->n_domains; j++) {
        columns_cell(c, "%s", r->runs->domains[j]);
        for (size_t i = 0; i < n; i++)
            columns_cell(c, "%.4f", p->mixture[i * p->n_domains + j]);
    }
    done = columns_print(c, out);
    columns_destroy(c);
    if (n < p->n_mixtures)
        fprintf(out, "and %zu more, which JSON and plan.csv have\n", p->n_mixtures - n);
    return done;
}

/* A relative error; past 100 % the first order that it rests on says no more than that. */
static void error_cell(struct columns *c, double x, int decimals)
{
    if (x > 1)
        columns_cell(c, "> 100 %%");
    else
        columns_cell(c, "%.*f %%", decimals, 100 * x);
}

static bool is_shown(const struct emx_plan *p, size_t n)
{
    return n <= ALL_ROWS || n == p->n_mixtures || n == p->n_rows || n % ALL_ROWS == 0;
}

static bool print_rows(const struct plan_report *r, FILE *out)
{
    static const char *const headers[] = {"", ">RUNS", ">ALPHA", ">LOSS", ">SHARES", ">REGRET"};
    const struct emx_plan *p = r->runs->plan;
    struct columns *c = columns_create(headers, sizeof(headers) / sizeof(headers[0]));
    bool done;

    if (!c)
        return false;
    for (size_t i = 1; i < p->n_rows; i++) {
        if (!is_shown(p, i + 1))
            continue;
        columns_cell(c, "%s", i + 1 == p->n_mixtures ? "*" : "");
        columns_cell(c, "%zu", i + 1);
        law_number_cell(c, p->rows[i].alpha, 4);
        error_cell(c, p->rows[i].prediction, 2);
        error_cell(c, p->rows[i].proportion, 1);
        error_cell(c, p->rows[i].regret, 4);
    }
    done = columns_print(c, out);
    columns_destroy(c);
    return done;
}

static void print_assumptions(const struct plan_report *r, FILE *out)
{
    const struct emx_plan_options *o = r->options;
    struct emx_plan_coefficients c = EMX_PLAN_COEFFICIENTS;

    fputs("Standard errors to expect, if losses follow ", out);
    if (r->law)
        fprintf(out, "%s\n", r->law);
    else
        fprintf(out, "alpha %g, beta %g, B %g, C %g in every domain\n", c.alpha, c.beta, c.b, c.c);
    fprintf(out, "and log losses scatter by %.2g a run and %.2g an evaluation, %zu a run:\n\n", o->run_noise,
            o->step_noise, o->n_steps);
}

static void print_answer(const struct plan_report *r, FILE *out)
{
    const struct emx_plan *p = r->runs->plan;
    size_t n = 1;

    while (n <= p->n_rows && !(p->rows[n - 1].regret < GOOD_REGRET))
        n++;
    if (n <= p->n_rows)
        fprintf(out, "\n%zu domains need %zu runs for an optimum that is expected to lose less than %g %%.\n",
                p->n_domains, n, 100 * GOOD_REGRET);
    else
        fprintf(out, "\n%zu runs are not enough for an optimum that is expected to lose less than %g %%.\n", p->n_rows,
                100 * GOOD_REGRET);
}

bool plan_print_table(const struct plan_report *r, FILE *out)
{
    bool done = print_mixtures(r, out);

    fputc('\n', out);
    print_assumptions(r, out);
    done = print_rows(r, out) && done;
    print_answer(r, out);
    return done;
}

/* A number for each domain; NULL: no memory. */
static json_t *by_domain(const struct plan_report *r, const double *numbers, size_t stride)
{
    json_t *j = json_object();

    for (size_t k = 0; k < r->runs->n_domains; k++) {
        if (json_object_set_new(j, r->runs->domains[k], report_json_real(numbers[k * stride])) != 0) {
            json_decref(j);
            return NULL;
        }
    }
    return j;
}

static json_t *run_json(const struct plan_report *r, size_t i)
{
    const struct emx_plan *p = r->runs->plan;
    const struct weighed *w = i < r->runs->n_given ? &r->runs->weighed[i] : NULL;
    const size_t stride = sizeof(*w->entropy) / sizeof(double);
    char name[PLAN_NAME];
    json_t *j = json_pack("{s:s, s:s, s:o}", "run", plan_run_name(r->runs, i, name), "kind", plan_run_kind(r->runs, i),
                          "mixture", by_domain(r, p->mixture + i * p->n_domains, 1));
    bool failed = !j;

    if (w && w->entropy) {
        failed |= json_object_set_new(j, "mixture_error", by_domain(r, w->error, 1)) != 0;
        failed |= json_object_set_new(j, "entropy", by_domain(r, &w->entropy->value, stride)) != 0;
        failed |= json_object_set_new(j, "entropy_error", by_domain(r, &w->entropy->standard_error, stride)) != 0;
    }
    if (!failed)
        return j;
    json_decref(j);
    return NULL;
}

static json_t *row_json(const struct emx_plan_row *row)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:o}", "runs", (json_int_t)row->n_mixtures, "alpha",
                     report_json_real(row->alpha), "loss", report_json_real(row->prediction), "shares",
                     report_json_real(row->proportion), "regret", report_json_real(row->regret));
}

static json_t *bounds_json(const struct plan_report *r)
{
    const struct emx_plan *p = r->runs->plan;
    json_t *bounds = json_object();
    bool failed = !bounds;

    for (size_t j = 0; j < p->n_domains; j++)
        failed |= json_object_set_new(bounds, r->runs->domains[j], json_pack("[f, f]", p->lo[j], p->hi[j])) != 0;
    if (!failed)
        return bounds;
    json_decref(bounds);
    return NULL;
}

bool plan_print_json(const struct plan_report *r, FILE *out)
{
    const struct emx_plan *p = r->runs->plan;
    const struct estimate_args *how = r->runs->estimate;
    json_t *runs = json_array(), *rows = json_array();
    bool failed = !runs || !rows;

    for (size_t i = 0; i < p->n_mixtures; i++)
        failed |= json_array_append_new(runs, run_json(r, i)) != 0;
    for (size_t i = 0; i < p->n_rows; i++)
        failed |= json_array_append_new(rows, row_json(&p->rows[i])) != 0;
    return report_print_json(json_pack("{s:s, s:o, s:b, s:s?, s:s, s:f, s:f, s:I, s:f, s:o, s:o, s:o}", "estimator",
                                       how->estimator ? how->estimator : "plugin", "at_tokens",
                                       how->at_tokens ? report_json_count(how->at_tokens) : json_null(),
                                       "first_component_removed", how->remove_first, "law", r->law, "criterion",
                                       r->options->criterion == EMX_PLAN_V ? "v" : "d", "run_noise",
                                       r->options->run_noise, "step_noise", r->options->step_noise, "evaluations",
                                       (json_int_t)r->options->n_steps, "horizon", r->options->horizon, "bounds",
                                       bounds_json(r), "runs", runs, "expected_errors", rows),
                             out) &&
           !failed;
}

bool plan_print_csv(const struct plan_report *r, FILE *out)
{
    const struct emx_plan *p = r->runs->plan;

    fputs("runs,alpha,loss,shares,regret\n", out);
    for (size_t i = 0; i < p->n_rows; i++) {
        fprintf(out, "%zu", p->rows[i].n_mixtures);
        report_csv_real(p->rows[i].alpha, out);
        report_csv_real(p->rows[i].prediction, out);
        report_csv_real(p->rows[i].proportion, out);
        report_csv_real(p->rows[i].regret, out);
        fputc('\n', out);
    }
    return true;
}
