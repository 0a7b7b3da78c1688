/* predict.c - losses that a law predicts, with their intervals */
#include "law/form.h"
#include "law/prior.h"
#include "law/quantile.h"
#include "law/query.h"
#include "law/student.h"

#include <math.h>
#include <stdlib.h>

enum emx_status query_check(const struct emx_law *law, const double *mixture, double step, struct emx_error *err)
{
    double sum = 0;

    if (!(step > 0 && isfinite(step)))
        return emx_fail(err, EMX_ERR_ARG, "step must be above 0, not %g", step);
    for (size_t j = 0; j < law->n_domains; j++) {
        if (!(mixture[j] >= 0 && mixture[j] <= 1))
            return emx_fail(err, EMX_ERR_ARG, "proportion of domain %s cannot be %g", law->domains[j], mixture[j]);
        sum += mixture[j];
    }
    if (fabs(sum - 1) > 1e-6)
        return emx_fail(err, EMX_ERR_ARG, "mixture sums to %.9g, not to 1", sum);
    if (!emx_law_has_step(law, step))
        return emx_fail(err, EMX_ERR_RANGE,
                        "the exponential law has no value at step %.15g: only at the steps it was fitted at", step);
    for (size_t k = 0; form_is_power(law->form) && k < law->n_scored; k++)
        if (mixture[law->scored[k]] == 0)
            return emx_fail(err, EMX_ERR_RANGE, "proportion of domain %s is 0, where the %s law has no value",
                            law->domains[law->scored[k]], emx_law_form_name(law->form));
    return EMX_OK;
}

static double quadratic_form(const double *a, const double *x, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            sum += x[i] * a[i * n + j] * x[j];
    return sum;
}

/* Whole ones: Student's quantile is of no others. */
static size_t degrees_of_freedom(const struct emx_law *law, size_t scored)
{
    const unsigned char *known = law->known + scored * law->n_coefficients;
    double n = (double)law->n_rows + prior_share(law, scored, law->residual_variance[scored]);

    for (size_t i = 0; i < law->n_coefficients; i++)
        n -= known[i] == EMX_LAW_FREE;
    return n >= 1 ? (size_t)n : 0;
}

/* Of log losses the interval is symmetric in the logarithm. */
static void set_interval(const struct emx_law *law, size_t scored, double level, struct emx_law_prediction *p)
{
    size_t degrees = degrees_of_freedom(law, scored);

    if (!degrees) {
        p->error = p->noise = p->hi = INFINITY;
        p->lo = 0;
        return;
    }

    double reach = student_quantile(level, degrees) * p->error;

    p->noise = sqrt(law->residual_variance[scored]) * (law->loss == EMX_LAW_LINEAR ? 1 : p->loss);
    p->lo = law->loss == EMX_LAW_LINEAR ? p->loss - reach : p->loss * exp(-reach / p->loss);
    p->hi = law->loss == EMX_LAW_LINEAR ? p->loss + reach : p->loss * exp(reach / p->loss);
}

static void set_draws(const struct emx_law *law, size_t scored, const double *mixture, double step, double level,
                      double *values, struct emx_law_prediction *p)
{
    p->draw_lo = p->lo;
    p->draw_hi = p->hi;
    if (!law->n_draws)
        return;
    for (size_t d = 0; d < law->n_draws; d++)
        values[d] = emx_law_value(law, scored, law->draw + (d * law->n_scored + scored) * law->n_coefficients, mixture,
                                  step, NULL, NULL);
    quantile_sort(values, law->n_draws);
    p->draw_lo = quantile_of(values, law->n_draws, 0.5 * (1 - level));
    p->draw_hi = quantile_of(values, law->n_draws, 0.5 * (1 + level));
}

enum emx_status emx_law_predict(const struct emx_law *law, const double *mixture, double step, double level,
                                struct emx_law_prediction *ret, struct emx_error *err)
{
    enum emx_status status = query_check(law, mixture, step, err);
    size_t p = law->n_coefficients;

    if (status)
        return status;
    if (!(level > 0 && level < 1))
        return emx_fail(err, EMX_ERR_ARG, "level of an interval must be between 0 and 1, not %g", level);

    double *gradient = calloc(p + law->n_draws, sizeof *gradient);

    if (!gradient)
        return emx_fail(err, EMX_ERR_MEMORY, "no memory to predict losses of %zu domains", law->n_scored);
    for (size_t k = 0; k < law->n_scored; k++) {
        ret[k].loss = emx_law_value(law, k, NULL, mixture, step, NULL, gradient);
        ret[k].error = sqrt(fmax(0, quadratic_form(law->covariance + k * p * p, gradient, p)));
        set_interval(law, k, level, &ret[k]);
        set_draws(law, k, mixture, step, level, gradient + p, &ret[k]);
    }
    free(gradient);
    return EMX_OK;
}
