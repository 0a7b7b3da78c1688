/*
 * optimum_report.c - an optimum as tables, JSON and CSV, with the uncapped one beside it
 */
#include "optimum_report.h"

#include "columns.h"
#include "law_args.h"
#include "report.h"
#include "say.h"

#include <math.h>
#include <string.h>

static bool has_epochs(const struct optimum_report *r)
{
    return r->inputs->tokens && r->total_tokens > 0;
}

static double epochs(const struct optimum_report *r, const struct emx_optimum *o, size_t j)
{
    return o->proportion[j] > 0 ? o->proportion[j] * r->total_tokens / r->inputs->tokens[j] : 0;
}

static double loss_at(const struct optimum_report *r, size_t k, const double *mixture)
{
    return emx_law_value(r->law, k, NULL, mixture, r->step, NULL, NULL);
}

static const double *best_mixture(const struct optimum_report *r)
{
    return r->law->proportion + r->o->best_observed * r->law->n_domains;
}

static double leverage(const struct emx_law_leverage *l)
{
    return l->largest > 0 ? l->h / l->largest : l->h > 0 ? (double)INFINITY : 0;
}

static const char *place_name(enum emx_optimum_place place)
{
    static const char *const names[] = {"-", "min", "max", "any"};

    return names[place];
}

static struct columns *create_shares(const struct optimum_report *r)
{
    const char *headers[10];
    size_t n = 0;

    headers[n++] = "DOMAIN";
    headers[n++] = r->uncapped ? ">CAPPED" : ">OPTIMUM";
    headers[n++] = ">LOW";
    headers[n++] = ">HIGH";
    headers[n++] = "AT";
    if (r->uncapped)
        headers[n++] = ">UNCAPPED";
    headers[n++] = ">OBSERVED";
    if (has_epochs(r))
        headers[n++] = ">EPOCHS";
    if (has_epochs(r) && r->uncapped)
        headers[n++] = ">UNCAPPED";
    return columns_create(headers, n);
}

static bool print_shares(const struct optimum_report *r, FILE *out)
{
    struct columns *c = create_shares(r);
    bool done;

    if (!c)
        return false;
    for (size_t j = 0; j < r->law->n_domains; j++) {
        const struct emx_optimum_domain *d = &r->o->domains[j];

        columns_cell(c, "%s", r->law->domains[j]);
        columns_cell(c, "%.4f", d->proportion);
        law_number_cell(c, d->lo, 4);
        law_number_cell(c, d->hi, 4);
        columns_cell(c, "%s", place_name(d->place));
        if (r->uncapped)
            columns_cell(c, "%.4f", r->uncapped->proportion[j]);
        columns_cell(c, "%.3f-%.3f", d->observed_lo, d->observed_hi);
        if (has_epochs(r))
            law_number_cell(c, epochs(r, r->o, j), 2);
        if (has_epochs(r) && r->uncapped)
            law_number_cell(c, epochs(r, r->uncapped, j), 2);
    }
    done = columns_print(c, out);
    columns_destroy(c);
    return done;
}

/* A row of the losses; scores have no leverage. */
static void add_losses(struct columns *c, const struct optimum_report *r, const char *name, const double value[5],
                       const struct emx_law_leverage *l)
{
    columns_cell(c, "%s", name);
    for (size_t i = 0; i < 5; i++)
        if (i != 3 || r->uncapped)
            law_number_cell(c, value[i], 4);
    law_number_cell(c, l ? leverage(l) : (double)NAN, 2);
}

static bool print_losses(const struct optimum_report *r, FILE *out)
{
    static const char *const headers[] = {"LOSS OF", ">OPTIMUM", ">LOW", ">HIGH", ">OBSERVED", ">LEVERAGE"};
    static const char *const capped[] = {"LOSS OF", ">CAPPED", ">LOW", ">HIGH", ">UNCAPPED", ">OBSERVED", ">LEVERAGE"};
    struct columns *c = r->uncapped ? columns_create(capped, 7) : columns_create(headers, 6);
    bool done;

    if (!c)
        return false;
    for (size_t k = 0; k < r->law->n_scored; k++) {
        const struct emx_law_prediction *p = &r->o->predicted[k];
        const double value[] = {p->loss, p->draw_lo, p->draw_hi,
                                r->uncapped ? r->uncapped->predicted[k].loss : (double)NAN,
                                loss_at(r, k, best_mixture(r))};

        add_losses(c, r, r->law->domains[r->law->scored[k]], value, &r->o->leverage[k]);
    }
    const double sum[] = {r->o->score.value, r->o->score.lo, r->o->score.hi,
                          r->uncapped ? r->uncapped->score.value : (double)NAN, r->o->best_score.value};

    add_losses(c, r, r->inputs->weight ? "(weighted sum)" : "(sum)", sum, NULL);
    done = columns_print(c, out);
    columns_destroy(c);
    return done;
}

bool optimum_print_table(const struct optimum_report *r, FILE *out)
{
    bool done;

    fprintf(out, "law %s at step %.15g, intervals of %g %%\n\n", emx_law_form_name(r->law->form), r->step,
            100 * r->level);
    done = print_shares(r, out);
    fputc('\n', out);
    done = print_losses(r, out) && done;
    fprintf(out, "\nObserved mixture %zu has the least predicted sum of all %zu: %.4f more than the optimum",
            r->o->best_observed + 1, r->law->n_mixtures, r->o->best_score.value - r->o->score.value);
    if (isfinite(r->o->margin_lo))
        fprintf(out, " (%.4f to %.4f)", r->o->margin_lo, r->o->margin_hi);
    fprintf(out, ".\nResidual of the conditions of an optimum: %.1e.\n", r->o->certificate.residual);
    return done;
}

static json_t *score_json(const struct emx_optimum_score *s)
{
    return json_pack("{s:o, s:o, s:o}", "value", report_json_real(s->value), "lo", report_json_real(s->lo), "hi",
                     report_json_real(s->hi));
}

static json_t *domain_json(const struct optimum_report *r, size_t j)
{
    static const char *const places[] = {"free", "min", "max", "indifferent"};
    const struct emx_optimum_domain *d = &r->o->domains[j];

    return json_pack("{s:o, s:f, s:o, s:o, s:s, s:f, s:f, s:f, s:f, s:o, s:o, s:o, s:o}", "domain",
                     report_json_text(r->law->domains[j]), "proportion", d->proportion, "lo", report_json_real(d->lo),
                     "hi", report_json_real(d->hi), "place", places[d->place], "min", r->inputs->lo[j], "max",
                     r->inputs->hi[j], "observed_lo", d->observed_lo, "observed_hi", d->observed_hi, "uncapped",
                     r->uncapped ? json_real(r->uncapped->proportion[j]) : json_null(), "prior",
                     r->inputs->prior ? json_real(r->inputs->prior[j]) : json_null(), "epochs",
                     has_epochs(r) ? report_json_real(epochs(r, r->o, j)) : json_null(), "uncapped_epochs",
                     has_epochs(r) && r->uncapped ? report_json_real(epochs(r, r->uncapped, j)) : json_null());
}

static json_t *loss_json(const struct optimum_report *r, size_t k)
{
    const struct emx_law_prediction *p = &r->o->predicted[k];

    return json_pack(
        "{s:o, s:f, s:f, s:o, s:o, s:o, s:o, s:o}", "domain", report_json_text(r->law->domains[r->law->scored[k]]),
        "weight", r->inputs->weight ? r->inputs->weight[k] : 1.0, "loss", p->loss, "lo", report_json_real(p->draw_lo),
        "hi", report_json_real(p->draw_hi), "uncapped",
        r->uncapped ? report_json_real(r->uncapped->predicted[k].loss) : json_null(), "best_observed",
        report_json_real(loss_at(r, k, best_mixture(r))), "leverage", report_json_real(leverage(&r->o->leverage[k])));
}

bool optimum_print_json(const struct optimum_report *r, FILE *out)
{
    json_t *domains = json_array(), *losses = json_array(), *j;
    bool failed = !domains || !losses;

    for (size_t i = 0; i < r->law->n_domains; i++)
        failed |= json_array_append_new(domains, domain_json(r, i)) != 0;
    for (size_t k = 0; k < r->law->n_scored; k++)
        failed |= json_array_append_new(losses, loss_json(r, k)) != 0;
    j = json_pack("{s:s, s:f, s:f, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:f, s:o, s:o}", "law",
                  emx_law_form_name(r->law->form), "step", r->step, "level", r->level, "sum", score_json(&r->o->score),
                  "uncapped_sum", r->uncapped ? score_json(&r->uncapped->score) : json_null(), "best_observed_sum",
                  score_json(&r->o->best_score), "best_observed", (json_int_t)(r->o->best_observed + 1), "margin_lo",
                  report_json_real(r->o->margin_lo), "margin_hi", report_json_real(r->o->margin_hi), "multiplier",
                  report_json_real(r->o->certificate.multiplier), "residual", r->o->certificate.residual, "domains",
                  domains, "losses", losses);
    return report_print_json(j, out) && !failed;
}

/* Nothing where there is no number. */
static void csv_real(double x, FILE *out)
{
    if (isfinite(x))
        fprintf(out, ",%.17g", x);
    else
        fputc(',', out);
}

bool optimum_print_csv(const struct optimum_report *r, FILE *out)
{
    fputs("domain,proportion,lo,hi,place,min,max,observed_lo,observed_hi,uncapped,epochs,uncapped_epochs\n", out);
    for (size_t j = 0; j < r->law->n_domains; j++) {
        const struct emx_optimum_domain *d = &r->o->domains[j];

        report_csv_text(r->law->domains[j], out);
        csv_real(d->proportion, out);
        csv_real(d->lo, out);
        csv_real(d->hi, out);
        fprintf(out, ",%s", d->place == EMX_OPTIMUM_FREE ? "free" : place_name(d->place));
        csv_real(r->inputs->lo[j], out);
        csv_real(r->inputs->hi[j], out);
        csv_real(d->observed_lo, out);
        csv_real(d->observed_hi, out);
        csv_real(r->uncapped ? r->uncapped->proportion[j] : (double)NAN, out);
        csv_real(has_epochs(r) ? epochs(r, r->o, j) : (double)NAN, out);
        csv_real(has_epochs(r) && r->uncapped ? epochs(r, r->uncapped, j) : (double)NAN, out);
        fputc('\n', out);
    }
    return true;
}

static bool is_outside(const struct emx_optimum_domain *d)
{
    return d->proportion < d->observed_lo * (1 - 1e-6) || d->proportion > d->observed_hi * (1 + 1e-6);
}

/* Names of the first domains for which that holds. */
static void list_domains(const struct optimum_report *r, bool outside, char *names, size_t cap)
{
    size_t len = 0;

    names[0] = '\0';
    for (size_t j = 0; j < r->law->n_domains && len < cap; j++) {
        const struct emx_optimum_domain *d = &r->o->domains[j];

        if (outside ? is_outside(d) : d->place == EMX_OPTIMUM_INDIFFERENT)
            len += (size_t)snprintf(names + len, cap - len, "%s%s", len > 0 ? ", " : "", r->law->domains[j]);
    }
}

void optimum_warn(const struct optimum_report *r)
{
    char names[600];

    list_domains(r, false, names, sizeof(names));
    if (names[0])
        say("warning: the law says that no loss depends on the shares of %s: they get what bounds ask or others leave",
            names);
    list_domains(r, true, names, sizeof(names));
    if (names[0])
        say("warning: the optimum is outside the observed shares of %s", names);
    if (r->o->verdict != EMX_LAW_INSIDE)
        say("warning: the optimum is %s", emx_law_verdict_text(r->o->verdict));
    if (r->o->n_draws == 0)
        say("note: the law has no draws, so that shares have no intervals; fit it with --bootstrap 200");
}
