/*
 * mixing.c - entropy weights, and the optimum of a law fitted to losses
 */
#include "mixing.h"

#include "human.h"
#include "report.h"
#include "say.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(void)
{
    say("out of memory");
    return EXIT_FAILED;
}

int mixing_weigh(struct mixing *x)
{
    const struct mixture_args *m = &x->args->mixture;
    bool with_errors = mixture_shows_errors(m->to) || strcmp(m->output, "-") != 0;
    struct emx_error err;

    x->n = emx_state_n_domains(x->state);
    x->proportion = calloc(x->n + 1, sizeof(*x->proportion));
    if (!x->proportion)
        return no_memory();
    if (estimate_weigh(&x->args->estimate, x->state, x->source ? x->source : "the shards", m->proxy, with_errors,
                       &m->weights, &x->weighed, &err) != EMX_OK)
        return say_failed(&err);
    memcpy(x->proportion, x->weighed.proportion, x->n * sizeof(*x->proportion));
    return EXIT_OK;
}

/* Where the law's domains are in the state; both have the same ones. */
static int match_domains(struct mixing *x)
{
    const struct emx_law *law = x->law;

    x->place = calloc(law->n_domains, sizeof(*x->place));
    if (!x->place)
        return no_memory();
    for (size_t j = 0; j < law->n_domains; j++) {
        size_t i = 0;

        while (i < x->n && strcmp(emx_state_domain(x->state, i)->name, law->domains[j]) != 0)
            i++;
        if (i == x->n) {
            say("%s: domain '%s' is not among the shards' domains", x->losses->source, law->domains[j]);
            return EXIT_FAILED;
        }
        x->place[j] = i;
    }
    if (law->n_domains < x->n) {
        say("%s: has %zu domains, the shards have %zu", x->losses->source, law->n_domains, x->n);
        return EXIT_FAILED;
    }
    return EXIT_OK;
}

/* Bounds and prior of the law's domains. */
struct limits {
    double *lo, *hi, *prior, *tokens; /* [m] */
    double *numbers;
};

static enum emx_status cap_epochs(const struct mixing *x, struct limits *l, struct emx_error *err)
{
    const struct mix_args *a = x->args;
    double *cap = calloc(x->n, sizeof(*cap));
    enum emx_status status;

    if (!cap)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    for (size_t j = 0; j < x->n; j++) {
        const struct emx_domain *d = emx_state_domain(x->state, x->place[j]);

        l->tokens[j] = (double)d->n_tokens;
        if (d->settings.sample_tokens > 0) {
            free(cap);
            return emx_fail(err, EMX_ERR_ARG, "--max-epochs: of domain '%s' only a sample was counted", d->name);
        }
    }
    status = emx_epoch_caps(l->tokens, x->n, a->max_epochs, a->total_tokens, cap, err);
    for (size_t j = 0; j < x->n && status == EMX_OK; j++)
        l->hi[j] = cap[j] < l->hi[j] ? cap[j] : l->hi[j];
    free(cap);
    return status;
}

static enum emx_status set_limits(const struct mixing *x, struct limits *l, struct emx_error *err)
{
    l->numbers = calloc(x->n, 4 * sizeof(*l->numbers));
    if (!l->numbers)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    l->lo = l->numbers;
    l->hi = l->lo + x->n;
    l->prior = l->hi + x->n;
    l->tokens = l->prior + x->n;
    for (size_t j = 0; j < x->n; j++) {
        l->lo[j] = x->args->mixture.weights.floor;
        l->hi[j] = x->args->mixture.weights.cap;
        l->prior[j] = x->weighed.proportion[x->place[j]];
    }
    return x->args->max_epochs > 0 ? cap_epochs(x, l, err) : EMX_OK;
}

static enum emx_status find_optimum(struct mixing *x, struct emx_error *err)
{
    const double strength = x->args->strength;
    struct limits l = {0};
    enum emx_status status = set_limits(x, &l, err);

    if (status == EMX_OK) {
        struct emx_optimum_options options = {
            .step = x->step,
            .limits = {.lo = l.lo, .hi = l.hi, .prior = strength > 0 ? l.prior : NULL, .strength = strength}};

        status = emx_optimum_find(x->law, &options, &x->optimum, err);
    }
    for (size_t j = 0; j < x->n && status == EMX_OK; j++)
        x->proportion[x->place[j]] = x->optimum->proportion[j];
    free(l.numbers);
    return status;
}

static void warn(const struct mixing *x)
{
    const struct emx_optimum *o = x->optimum;

    if (o->verdict != EMX_LAW_INSIDE)
        say("warning: the mixture lies %s", emx_law_verdict_text(o->verdict));
    if (o->n_outside > 0)
        say("warning: %zu of %zu proportions are outside of those observed", o->n_outside, o->n_domains);
}

static int fit_law(struct mixing *x)
{
    struct emx_law_options options = law_options(&x->args->law);
    struct emx_error err;
    enum emx_status status;
    double *prior = NULL;
    int code = transfer_prior_read(&x->args->transfer, x->losses, &options, &prior);

    if (code == EXIT_OK) {
        status = emx_law_fit(x->losses, &options, &x->law, &err);
        if (status != EMX_OK)
            code = status == EMX_ERR_ARG ? say_usage("%s", err.message) : say_failed(&err);
    }
    free(prior);
    return code;
}

static int fit(struct mixing *x)
{
    int code = fit_law(x);

    if (code != EXIT_OK)
        return code;
    x->step = x->args->steps > 0 ? x->args->steps : x->law->steps[x->law->n_steps - 1];
    return match_domains(x);
}

int mixing_optimise(struct mixing *x)
{
    const struct mix_args *a = x->args;
    struct emx_error err;
    enum emx_status status;
    int code = table_read(a->losses, &a->table, law_takes_zero(&a->law), a->common.quiet, &x->losses);

    if (code == EXIT_OK)
        code = fit(x);
    if (code != EXIT_OK)
        return code;
    status = find_optimum(x, &err);
    if (status == EMX_ERR_ARG)
        return say_usage("%s", err.message);
    if (status != EMX_OK)
        return say_failed(&err);
    if (!a->common.quiet)
        warn(x);
    return EXIT_OK;
}

/* What the law predicts for the entropy weights, per scored domain; NAN if it has no value there. */
static double loss_of_weights(const struct mixing *x)
{
    struct emx_law_prediction *predicted = calloc(x->law->n_scored, sizeof(*predicted));
    double *mixture = calloc(x->n, sizeof(*mixture)), sum = 0;
    enum emx_status status = predicted && mixture ? EMX_OK : EMX_ERR_MEMORY;

    for (size_t j = 0; j < x->n && status == EMX_OK; j++)
        mixture[j] = x->weighed.proportion[x->place[j]];
    if (status == EMX_OK)
        status = emx_law_predict(x->law, mixture, x->step, 0.95, predicted, NULL);
    for (size_t k = 0; k < x->law->n_scored && status == EMX_OK; k++)
        sum += predicted[k].loss;
    free(predicted);
    free(mixture);
    return status == EMX_OK ? sum / (double)x->law->n_scored : NAN;
}

static void print_scores(const struct mixing *x, FILE *out)
{
    const struct emx_optimum *o = x->optimum;
    const double k = (double)o->n_scored;

    fprintf(out, "\nMean loss at step %.15g, as predicted: %.4f", x->step, o->score.value / k);
    if (isfinite(o->score.lo))
        fprintf(out, " (%.4f to %.4f)", o->score.lo / k, o->score.hi / k);
    fprintf(out, ";\nof the entropy weights %.4f, of the best observed mixture (%s) %.4f.\n", loss_of_weights(x),
            x->losses->mixtures[o->best_observed], o->best_score.value / k);
}

static void add_optimum(struct columns *c, const struct emx_optimum_domain *d, bool with_interval)
{
    columns_cell(c, "%.4f", d->proportion);
    if (with_interval) {
        law_number_cell(c, d->lo, 4);
        law_number_cell(c, d->hi, 4);
    }
    columns_cell(c, "%.4f .. %.4f", d->observed_lo, d->observed_hi);
}

static void add_domain(const struct mixing *x, size_t i, struct columns *c)
{
    const struct emx_domain *d = emx_state_domain(x->state, i);
    struct human_number tokens;

    columns_cell(c, "%s", d->name);
    columns_cell(c, "%s", human_grouped(&tokens, d->n_tokens));
    columns_cell(c, "%.4f", x->weighed.entropy[i].value);
    if (!x->optimum)
        law_number_cell(c, x->weighed.entropy[i].standard_error, 4);
    columns_cell(c, "%.4f", x->weighed.proportion[i]);
    if (!x->optimum)
        law_number_cell(c, x->weighed.error[i], 4);
    for (size_t j = 0; x->optimum && j < x->n; j++) {
        if (x->place[j] == i)
            add_optimum(c, &x->optimum->domains[j], x->optimum->n_draws > 0);
    }
    if (x->args->total_tokens > 0)
        columns_cell(c, "%.2f", x->proportion[i] * x->args->total_tokens / (double)d->n_tokens);
}

bool mixing_print(const struct mixing *x, FILE *out)
{
    static const char *const of_weights[] = {"DOMAIN", ">TOKENS", ">ENTROPY", ">+-", ">WEIGHT", ">+-"};
    static const char *const of_optimum[] = {">OPTIMUM", ">LOW", ">HIGH", ">OBSERVED"};
    const char *headers[9];
    size_t n = 0;
    struct columns *c;
    bool done;

    /* Beside an optimum there is no room for errors. */
    for (size_t i = 0; i < 6; i++) {
        if (!x->optimum || strcmp(of_weights[i], ">+-") != 0)
            headers[n++] = of_weights[i];
    }
    for (size_t i = 0; x->optimum && i < 4; i++) {
        if (x->optimum->n_draws > 0 || i == 0 || i == 3)
            headers[n++] = of_optimum[i];
    }
    if (x->args->total_tokens > 0)
        headers[n++] = ">EPOCHS";
    c = columns_create(headers, n);
    if (!c)
        return false;
    for (size_t i = 0; i < x->n; i++)
        add_domain(x, i, c);
    done = columns_print(c, out);
    columns_destroy(c);
    if (x->optimum)
        print_scores(x, out);
    return done;
}

void mixing_finish(struct mixing *x)
{
    weighed_finish(&x->weighed);
    free(x->proportion);
    free(x->place);
    emx_optimum_destroy(&x->optimum);
    emx_law_destroy(&x->law);
    emx_observations_destroy(&x->losses);
    emx_state_close(&x->state);
}
