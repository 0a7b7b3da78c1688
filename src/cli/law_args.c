/*
 * law_args.c - options about laws
 */
#include "law_args.h"

#include "human.h"

#include <math.h>
#include <string.h>

static bool form_choice(size_t i, struct opt_choice *ret)
{
    static const char *const summaries[] = {
        "(B / s^beta + C) / r^alpha: 4 coefficients a domain",
        "the same of a sum of t_j r_j instead of r: 3 + m a domain",
        "c + k exp(sum of t_j r_j), each step apart: 1 + m a domain and step",
        "B / s^beta + C, whatever the mixture",
    };

    if (i >= EMX_LAW_N_FORMS)
        return false;
    *ret = (struct opt_choice){emx_law_form_name((enum emx_law_form)i), summaries[i]};
    return true;
}

static bool loss_choice(size_t i, struct opt_choice *ret)
{
    if (i > EMX_LAW_HUBER)
        return false;
    *ret = (struct opt_choice){emx_law_loss_name((enum emx_law_loss)i), NULL};
    return true;
}

static const char *const methods[] = {"auto", "trf", "varpro", "multi"}; /* as enum emx_law_method */

static bool method_choice(size_t i, struct opt_choice *ret)
{
    if (i >= sizeof(methods) / sizeof(methods[0]))
        return false;
    *ret = (struct opt_choice){methods[i], NULL};
    return true;
}

#define TO(member) offsetof(struct law_args, member)

const struct opt law_rows[] = {
    {"law", 'l', "LAW", "form of the law, see below (default: bimix)", TO(form), opt_choose, 0, 0, form_choice},
    {"seed", 0, "N", "of random starts and draws; equal seeds give equal results (default: 0)", TO(seed), opt_seed, 0,
     0, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

const struct opt law_search_rows[] = {
    {"loss", 0, "LOSS",
     "what is minimised: squares of differences of log losses (log, default) or of losses (linear), or the former "
     "but linear past the scale (huber)",
     TO(loss), opt_choose, 0, 0, loss_choice},
    {"huber-scale", 0, "X", "difference of log losses past which huber is linear (default: 0.01)", TO(huber_scale),
     opt_positive, 0, 0, NULL},
    {"method", 0, "METHOD",
     "trf: Trust Region Reflective from one start; varpro: a grid over the exponents first (bimix, blind); multi: trf "
     "from many starts; auto (default): varpro where it can be, else multi",
     TO(method), opt_choose, 0, 0, method_choice},
    {"starts", 0, "N", "starts of multi (default: 16)", TO(n_starts), opt_u32, 1, 100000, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

const struct opt law_thread_rows[] = {
    {"threads", 'j', "N", "threads (default: one for each processor); results do not depend on it", TO(n_threads),
     opt_u32, 1, 4096, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

const struct opt draw_rows[] = {
    {"bootstrap", 'b', "N", "also fit N draws of the mixtures, for intervals (default: 0)", TO(n_draws), opt_u32, 0,
     1000000, NULL},
    {NULL, 0, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static enum emx_law_form form_of(const struct law_args *a)
{
    enum emx_law_form form = EMX_LAW_BIMIX;
    enum emx_status known = emx_law_form_parse(a->form, &form, NULL);

    (void)known; /* opt_choose() let nothing else pass */
    return form;
}

static enum emx_law_loss loss_of(const struct law_args *a)
{
    enum emx_law_loss loss = EMX_LAW_LOG;
    enum emx_status known = emx_law_loss_parse(a->loss, &loss, NULL);

    (void)known;
    return loss;
}

static enum emx_law_method method_of(const struct law_args *a)
{
    size_t i = 0;

    while (strcmp(methods[i], a->method) != 0)
        i++;
    return (enum emx_law_method)i;
}

struct emx_law_options law_options(const struct law_args *a)
{
    return (struct emx_law_options){
        .form = form_of(a),
        .loss = loss_of(a),
        .method = method_of(a),
        .huber_scale = a->huber_scale,
        .n_draws = a->n_draws,
        .n_starts = a->n_starts,
        .seed = a->seed,
        .n_threads = a->n_threads,
    };
}

bool law_takes_zero(const struct law_args *a)
{
    enum emx_law_form form = form_of(a);

    return form == EMX_LAW_EXPONENTIAL || form == EMX_LAW_BLIND;
}

void law_print_table_summary(const struct emx_observations *o, FILE *out)
{
    double first = o->step[0], last = o->step[0];

    for (size_t i = 1; i < o->n_rows; i++) {
        first = o->step[i] < first ? o->step[i] : first;
        last = o->step[i] > last ? o->step[i] : last;
    }
    fprintf(out, "%s: %zu mixture%s, %zu evaluations of %zu domain%s, %s %.15g to %.15g\n", o->source, o->n_mixtures,
            o->n_mixtures == 1 ? "" : "s", o->n_rows, o->n_scored, o->n_scored == 1 ? "" : "s", o->step_name, first,
            last);
}

void law_percent_cell(struct columns *c, double share)
{
    if (isfinite(share))
        columns_cell(c, "%.2f %%", 100 * share);
    else
        columns_cell(c, "-");
}

void law_number_cell(struct columns *c, double x, int decimals)
{
    if (isfinite(x))
        columns_cell(c, "%.*f", decimals, x);
    else
        columns_cell(c, "-");
}
