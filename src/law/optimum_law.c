/* optimum_law.c - a law's losses at one step, as a sum of powers or of convex functions of linear forms */
#include "law/optimum_law.h"
#include "law/form.h"
#include "util/sum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double weight_of(const struct law_problem *p, size_t k)
{
    return p->options->weight ? p->options->weight[k] : 1;
}

static bool is_separable(const struct law_problem *p)
{
    return p->law->form == EMX_LAW_BIMIX || p->law->form == EMX_LAW_BLIND;
}

static const double *coefficient_of(const struct law_problem *p, const double *coefficient, size_t k)
{
    return (coefficient ? coefficient : p->law->coefficient) + k * p->law->n_coefficients;
}

static enum emx_status check_weights(const struct law_problem *p, struct emx_error *err)
{
    bool any = false;

    for (size_t k = 0; k < p->law->n_scored; k++) {
        double w = weight_of(p, k);

        if (!(w >= 0 && w <= 1e50))
            return emx_fail(err, EMX_ERR_ARG, "the weight of domain %s, %g, is not between 0 and 1e50",
                            p->law->domains[p->law->scored[k]], w);
        any = any || w > 0;
    }
    return any ? EMX_OK : emx_fail(err, EMX_ERR_ARG, "no loss has a weight above 0");
}

static enum emx_status check_step(const struct law_problem *p, struct emx_error *err)
{
    double step = p->options->step;

    if (!(step > 0 && isfinite(step)))
        return emx_fail(err, EMX_ERR_ARG, "step must be above 0, not %g", step);
    if (emx_law_has_step(p->law, step))
        return EMX_OK;
    return emx_fail(err, EMX_ERR_RANGE, "the %s law has no value at step %.15g: only at the steps it was fitted at",
                    emx_law_form_name(p->law->form), step);
}

enum emx_status law_problem_init(struct law_problem *p, const struct emx_law *law,
                                 const struct emx_optimum_options *options, struct emx_error *err)
{
    enum emx_status status;

    *p = (struct law_problem){.law = law, .options = options};
    status = check_weights(p, err);
    if (status == EMX_OK)
        status = check_step(p, err);
    if (status != EMX_OK)
        return status;
    p->gain = calloc(2 * law->n_domains, sizeof(*p->gain));
    p->direction = calloc(law->n_scored * law->n_domains, sizeof(*p->direction));
    if (!p->gain || !p->direction) {
        law_problem_finish(p);
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for the optimum of %zu domains", law->n_domains);
    }
    p->alpha = p->gain + law->n_domains;
    return EMX_OK;
}

void law_problem_finish(struct law_problem *p)
{
    free(p->gain);
    free(p->direction);
    *p = (struct law_problem){0};
}

/* Losses of the blind law do not depend on the mixture: they only add to the value. */
static void fill_powers(struct law_problem *p)
{
    size_t m = p->law->n_domains;

    memset(p->gain, 0, 2 * m * sizeof(*p->gain));
    for (size_t k = 0; k < p->law->n_scored; k++) {
        const double *c = coefficient_of(p, p->coefficient, k);
        double level = form_level(p->law->form, c, p->options->step / p->law->step_unit);

        p->gain[p->law->scored[k]] = weight_of(p, k) * level;
        p->alpha[p->law->scored[k]] = p->law->form == EMX_LAW_BIMIX ? c[BIMIX_ALPHA] : 0;
    }
}

static void along(const void *context, size_t term, double q, double ret[3])
{
    const struct law_problem *p = context;

    emx_law_along(p->law, term, coefficient_of(p, p->coefficient, term), p->options->step, q, ret);
}

enum emx_status law_problem_solve(struct law_problem *p, const double *coefficient, double *ret_proportion,
                                  struct emx_optimum_certificate *ret, struct emx_error *err)
{
    struct emx_optimum_forms forms = {.n = p->law->n_domains, .n_terms = p->law->n_scored};

    p->coefficient = coefficient;
    if (is_separable(p)) {
        fill_powers(p);
        return emx_optimum_separable(p->gain, p->alpha, forms.n, &p->options->limits, ret_proportion, ret, err);
    }
    for (size_t k = 0; k < p->law->n_scored; k++)
        emx_law_linear(p->law, k, coefficient_of(p, coefficient, k), p->options->step, p->direction + k * forms.n);
    forms.direction = p->direction;
    forms.weight = p->options->weight;
    forms.along = along;
    forms.context = p;
    return emx_optimum_convex(&forms, &p->options->limits, ret_proportion, ret, err);
}

bool law_problem_is_indifferent(const struct law_problem *p, size_t j)
{
    if (is_separable(p))
        return p->gain[j] == 0 || p->alpha[j] == 0;
    for (size_t k = 0; k < p->law->n_scored; k++)
        if (weight_of(p, k) > 0 && p->direction[k * p->law->n_domains + j] != 0)
            return false;
    return true;
}

double law_problem_score(const struct law_problem *p, const double *coefficient, const double *mixture)
{
    struct sum sum = {0};

    for (size_t k = 0; k < p->law->n_scored; k++) {
        double loss = weight_of(p, k) > 0 ? emx_law_value(p->law, k, coefficient_of(p, coefficient, k), mixture,
                                                          p->options->step, NULL, NULL)
                                          : 0;

        sum_add(&sum, (long double)weight_of(p, k) * loss);
    }
    return (double)sum_total(&sum);
}
