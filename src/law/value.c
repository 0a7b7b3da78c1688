/* value.c - the loss that a law gives, and its derivatives */
#include "law/form.h"

#include <math.h>
#include <string.h>

static double linear_form(const double *t, const double *r, size_t m)
{
    double q = 0;

    for (size_t j = 0; j < m; j++)
        q += t[j] * r[j];
    return q;
}

size_t form_find_step(const struct emx_law *law, double step)
{
    for (size_t i = 0; i < law->n_steps; i++)
        if (fabs(law->steps[i] - step) <= 1e-9 * law->steps[i])
            return i;
    return law->n_steps;
}

int emx_law_has_step(const struct emx_law *law, double step)
{
    return step > 0 && isfinite(step) && (law->form != EMX_LAW_EXPONENTIAL || form_find_step(law, step) < law->n_steps);
}

/* Coefficients of a scored domain, of the exponential law those of the step. */
static const double *part_of_step(const struct emx_law *law, size_t scored, const double *coefficient, double step)
{
    const double *c = coefficient ? coefficient : law->coefficient + scored * law->n_coefficients;

    return law->form == EMX_LAW_EXPONENTIAL ? c + form_find_step(law, step) * (law->n_domains + 2) : c;
}

double form_level(enum emx_law_form form, const double *coefficient, double s)
{
    const double *k = form_is_power(form) ? coefficient + BIMIX_BETA : coefficient;

    return k[BLIND_B] * pow(s, -k[BLIND_BETA]) + k[BLIND_C];
}

void emx_law_linear(const struct emx_law *law, size_t scored, const double *coefficient, double step,
                    double *ret_direction)
{
    const double *c = part_of_step(law, scored, coefficient, step);
    size_t m = law->n_domains;

    if (law->form == EMX_LAW_BIMIX_TRANSFER || law->form == EMX_LAW_EXPONENTIAL) {
        memcpy(ret_direction, c + (law->form == EMX_LAW_EXPONENTIAL ? (int)EXPONENTIAL_T : (int)BIMIX_T),
               m * sizeof *c);
        return;
    }
    memset(ret_direction, 0, m * sizeof *ret_direction);
    if (law->form == EMX_LAW_BIMIX)
        ret_direction[law->scored[scored]] = 1;
}

void emx_law_along(const struct emx_law *law, size_t scored, const double *coefficient, double step, double q,
                   double ret[3])
{
    const double *c = part_of_step(law, scored, coefficient, step);

    if (law->form == EMX_LAW_EXPONENTIAL) {
        double e = c[EXPONENTIAL_K] * exp(q);

        ret[0] = c[EXPONENTIAL_C] + e;
        ret[1] = ret[2] = e;
        return;
    }

    double level = form_level(law->form, c, step / law->step_unit);
    double alpha = law->form == EMX_LAW_BLIND ? 0 : c[BIMIX_ALPHA];

    ret[0] = alpha > 0 ? level * pow(q, -alpha) : level;
    ret[1] = alpha > 0 ? -alpha * ret[0] / q : 0;
    ret[2] = alpha > 0 ? -(1 + alpha) * ret[1] / q : 0;
}

/* By the coefficients of K(s), where the loss is factor * K(s): beta, B, C. */
static void gradient_of_level(const double *k, double s, double factor, double *ret)
{
    double power = factor * pow(s, -k[BLIND_BETA]);

    ret[BLIND_BETA] = -log(s) * k[BLIND_B] * power;
    ret[BLIND_B] = power;
    ret[BLIND_C] = factor;
}

static void gradient_by_coefficient(const struct emx_law *law, const double *c, size_t domain, const double *r,
                                    double s, double q, const double along[3], double *ret)
{
    size_t m = law->n_domains;

    if (law->form == EMX_LAW_BLIND) {
        gradient_of_level(c, s, 1, ret);
        return;
    }
    if (law->form == EMX_LAW_EXPONENTIAL) {
        ret[EXPONENTIAL_C] = 1;
        ret[EXPONENTIAL_K] = exp(q);
        for (size_t j = 0; j < m; j++)
            ret[EXPONENTIAL_T + j] = along[1] * r[j];
        return;
    }
    ret[BIMIX_ALPHA] = -log(q) * along[0];
    gradient_of_level(c + BIMIX_BETA, s, pow(q, -c[BIMIX_ALPHA]), ret + BIMIX_BETA);
    for (size_t j = 0; law->form == EMX_LAW_BIMIX_TRANSFER && j < m; j++)
        ret[BIMIX_T + j] = j == domain ? 0 : along[1] * r[j];
}

double emx_law_value(const struct emx_law *law, size_t scored, const double *coefficient, const double *mixture,
                     double step, double *ret_by_proportion, double *ret_by_coefficient)
{
    const double *whole = coefficient ? coefficient : law->coefficient + scored * law->n_coefficients;
    const double *c = part_of_step(law, scored, whole, step);
    size_t domain = law->scored[scored], m = law->n_domains;
    double q = 0, along[3];

    if (law->form == EMX_LAW_BIMIX)
        q = mixture[domain];
    else if (law->form != EMX_LAW_BLIND)
        q = linear_form(c + (law->form == EMX_LAW_EXPONENTIAL ? (int)EXPONENTIAL_T : (int)BIMIX_T), mixture, m);
    emx_law_along(law, scored, whole, step, q, along);
    if (ret_by_proportion) {
        emx_law_linear(law, scored, whole, step, ret_by_proportion);
        for (size_t j = 0; j < m; j++)
            ret_by_proportion[j] *= along[1];
    }
    if (ret_by_coefficient) {
        memset(ret_by_coefficient, 0, law->n_coefficients * sizeof *ret_by_coefficient);
        gradient_by_coefficient(law, c, domain, mixture, step / law->step_unit, q, along,
                                ret_by_coefficient + (c - whole));
    }
    return along[0];
}
