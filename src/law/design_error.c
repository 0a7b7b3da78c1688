/*
 * design_error.c - how far predictions and optima are expected to be off, from what runs tell
 *
 * The optimum follows log r_i = (log(K_i alpha_i) - t) / (1 + alpha_i), t such that sum r = 1, so that to first order
 *
 *     d log r_i = (e_i - dt) / (1 + alpha_i),  e_i = d log K_i + (1 / alpha_i - log r_i) d alpha_i,
 *     dt = sum_j c_j e_j / sum_j c_j,  c_j = r_j / (1 + alpha_j),
 *
 * over domains between their bounds; e_i are independent, of the variance that design.h states with
 * p = 1 / alpha_i - log r_i.  What the law's choice loses is 1/2 sum_i alpha_i (1 + alpha_i) K_i r_i^-alpha_i (d log
 * r_i)^2.
 */
#include "law/design.h"

#include <math.h>

/* Gradient of log(B / s^beta + C) by (beta, B, C). */
static void gradient(const struct emx_plan_coefficients *c, double s, double ret[3])
{
    double power = pow(s, -c->beta), level = c->b * power + c->c;

    ret[0] = -log(s) * c->b * power / level;
    ret[1] = power / level;
    ret[2] = 1 / level;
}

/*
 * g^T G^-1 g by Cholesky's factor.  What a coefficient does that others do as well (or nothing) is left out: log losses
 * at the observed steps determine the rest.
 */
static double inverse_form(double a[3][3], double g[3])
{
    double sum = 0;

    for (size_t j = 0; j < 3; j++) {
        double diagonal = a[j][j];

        for (size_t k = 0; k < j; k++) {
            diagonal -= a[j][k] * a[j][k];
            g[j] -= a[j][k] * g[k];
        }
        if (diagonal <= 1e-12 * a[j][j]) {
            for (size_t i = 0; i < 3; i++)
                a[i][j] = 0;
            g[j] = 0;
            continue;
        }
        a[j][j] = sqrt(diagonal);
        g[j] /= a[j][j];
        sum += g[j] * g[j];
        for (size_t i = j + 1; i < 3; i++) {
            for (size_t k = 0; k < j; k++)
                a[i][j] -= a[i][k] * a[j][k];
            a[i][j] /= a[j][j];
        }
    }
    return sum;
}

/* V^-1 = (1 - weight 1 1^T) / step_noise^2. */
static double level_variance(const struct emx_plan_coefficients *c, const struct emx_plan_options *o)
{
    double n = (double)o->n_steps, variance = o->step_noise * o->step_noise;
    double ratio = o->run_noise * o->run_noise / variance, weight = ratio / (1 + ratio * n);
    double info[3][3] = {{0}}, sum[3] = {0}, h[3];

    for (size_t t = 1; t <= o->n_steps; t++) {
        gradient(c, (double)t / n, h);
        for (size_t i = 0; i < 3; i++) {
            sum[i] += h[i];
            for (size_t j = 0; j <= i; j++)
                info[i][j] += h[i] * h[j] / variance;
        }
    }
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j <= i; j++)
            info[i][j] -= weight * sum[i] * sum[j] / variance;
    gradient(c, o->horizon, h);
    return inverse_form(info, h);
}

void design_law_prepare(struct design_law *l, const struct emx_plan_options *o)
{
    l->noise = o->run_noise * o->run_noise + o->step_noise * o->step_noise / (double)o->n_steps;
    for (size_t j = 0; j < l->n_domains; j++) {
        const struct emx_plan_coefficients *c = &l->coefficients[j];

        l->loss[j] = c->b * pow(o->horizon, -c->beta) + c->c;
        l->level_variance[j] = level_variance(c, o);
    }
}

/* Variance of p alpha + g^T (beta, B, C), g^T w = 1, g that of a loss at the horizon. */
static double variance_of(const struct design_law *l, const struct design *d, size_t j, double p)
{
    double distance = p + design_mean(d, j);

    return l->level_variance[j] / d->n + distance * distance * l->noise / design_spread(d, j);
}

/* c_j, 0 for domains that stay where they are. */
static double share_of_change(const struct design_law *l, size_t j)
{
    double r = l->optimum[j], alpha = l->coefficients[j].alpha;

    return alpha > 0 && r > box_lo(l->box, j) && r < box_hi(l->box, j) ? r / (1 + alpha) : 0;
}

static double variance_of_choice(const struct design_law *l, const struct design *d, size_t j)
{
    return variance_of(l, d, j, 1 / l->coefficients[j].alpha - log(l->optimum[j]));
}

/* Relative variance of each optimal proportion, and what it costs. */
static void add_choice(const struct design_law *l, const struct design *d, struct emx_plan_row *row)
{
    double shares = 0, common = 0, proportion = 0, weight = 0, regret = 0, loss = 0;

    for (size_t j = 0; j < l->n_domains; j++) {
        double c = share_of_change(l, j);

        shares += c;
        common += c > 0 ? c * c * variance_of_choice(l, d, j) : 0;
    }
    for (size_t j = 0; j < l->n_domains; j++) {
        double alpha = l->coefficients[j].alpha, c = share_of_change(l, j) / shares;
        double value = l->loss[j] * pow(l->optimum[j], -alpha);

        loss += value;
        if (!(c > 0))
            continue;

        double own = variance_of_choice(l, d, j);
        double variance = (own * (1 - 2 * c) + common / (shares * shares)) / ((1 + alpha) * (1 + alpha));

        proportion += l->optimum[j] * variance;
        weight += l->optimum[j];
        regret += 0.5 * alpha * (1 + alpha) * value * variance;
    }
    row->proportion = weight > 0 ? sqrt(proportion / weight) : 0;
    row->regret = regret / loss;
}

struct emx_plan_row design_row(const struct design_law *l, const struct design *d)
{
    struct emx_plan_row row = {.n_mixtures = (size_t)d->n};
    double alpha = 0, prediction = 0;

    for (size_t j = 0; j < l->n_domains; j++) {
        alpha += l->noise / design_spread(d, j);
        prediction += variance_of(l, d, j, -log(l->optimum[j]));
    }
    row.alpha = sqrt(alpha / (double)l->n_domains);
    row.prediction = sqrt(prediction / (double)l->n_domains);
    if (isfinite(row.alpha))
        add_choice(l, d, &row);
    else
        row.prediction = row.proportion = row.regret = INFINITY;
    return row;
}
