/* model_residuals.c - residuals of the laws and their Jacobians */
#include "law/model.h"

#include <math.h>
#include <string.h>

static void find_levels(struct model *m, const double *k, bool derivatives)
{
    for (size_t i = 0; i < m->sample->n_steps; i++) {
        double power = exp(-k[BLIND_BETA] * m->sample->log_s[i]), level = k[BLIND_B] * power + k[BLIND_C];

        m->log_level[i] = log(level);
        if (!derivatives)
            continue;
        m->by_beta[i] = -m->sample->log_s[i] * k[BLIND_B] * power / level;
        m->by_b[i] = power / level;
        m->by_c[i] = 1 / level;
    }
    m->log_level[m->sample->n_steps] = 0;
    m->by_beta[m->sample->n_steps] = m->by_b[m->sample->n_steps] = m->by_c[m->sample->n_steps] = 0;
}

/* q = r_i + sum over j of t_j r_j for each mixture */
static void find_transfers(struct model *m, const double *t)
{
    const struct sample *s = m->sample;

    for (size_t i = 0; i < s->n_mixtures; i++) {
        const double *r = s->table->proportion + i * s->n_domains;
        double q = r[m->domain];

        for (size_t j = 0; j < m->domain; j++)
            q += t[j] * r[j];
        for (size_t j = m->domain + 1; j < s->n_domains; j++)
            q += t[j - 1] * r[j];
        m->log_q[i] = log(q);
        m->inverse_q[i] = 1 / q;
    }
}

/* The derivatives of log L, times factor, in row r of the Jacobian. */
static void power_row(const struct model *m, const double *x, size_t r, double share, double factor, double *jacobian)
{
    bool has_alpha = m->form != EMX_LAW_BLIND;
    size_t rows = m->n_rows + m->n_prior, step = m->step[r];
    double *column = jacobian + r;

    if (has_alpha) {
        *column = -share * factor;
        column += rows;
    }
    column[0] = m->by_beta[step] * factor;
    column[rows] = m->by_b[step] * factor;
    column[2 * rows] = m->by_c[step] * factor;
    if (m->form != EMX_LAW_BIMIX_TRANSFER)
        return;

    const double *share_of = m->sample->table->proportion + m->mixture[r] * m->sample->n_domains;
    double slope = -x[BIMIX_ALPHA] * m->inverse_q[m->mixture[r]] * factor;

    column += 3 * rows;
    for (size_t j = 0; j < m->sample->n_domains; j++)
        if (j != m->domain) {
            *column = slope * share_of[j];
            column += rows;
        }
}

/* Variable j is the transfer term of this domain. */
static size_t domain_of_term(const struct model *m, size_t j)
{
    return j < m->domain ? j : j + 1;
}

static void prior_residuals(const struct model *m, const double *t, double *ret_z, double *ret_jacobian)
{
    size_t n = m->n_prior, rows = m->n_rows + n;
    double root = sqrt(m->prior.pull.strength);

    for (size_t j = 0; ret_jacobian && j < BIMIX_T; j++)
        memset(ret_jacobian + j * rows + m->n_rows, 0, n * sizeof *ret_jacobian);
    for (size_t a = 0; a < n; a++) {
        double sum = 0;

        for (size_t b = 0; b < n; b++) {
            size_t domain = domain_of_term(m, b);
            double slope = root * prior_slope(&m->prior, domain_of_term(m, a), domain);

            sum += slope * (t[b] - m->prior.pull.factor * m->prior.overlap[domain]);
            if (ret_jacobian)
                ret_jacobian[(BIMIX_T + b) * rows + m->n_rows + a] = slope;
        }
        ret_z[m->n_rows + a] = sum;
    }
}

static void power_residuals(const double *x, double *ret_z, double *ret_jacobian, void *context)
{
    struct model *m = context;
    bool blind = m->form == EMX_LAW_BLIND, transfer = m->form == EMX_LAW_BIMIX_TRANSFER;
    double alpha = blind ? 0 : x[BIMIX_ALPHA];

    find_levels(m, blind ? x : x + BIMIX_BETA, ret_jacobian != NULL);
    if (transfer)
        find_transfers(m, x + BIMIX_T);
    for (size_t r = 0; r < m->n_rows; r++) {
        double share = transfer ? m->log_q[m->mixture[r]] : m->share[r];
        double value = m->log_level[m->step[r]] - alpha * share, factor = 1;

        if (m->loss == EMX_LAW_LINEAR)
            value = factor = exp(value);
        ret_z[r] = value - m->target[r];
        if (ret_jacobian)
            power_row(m, x, r, share, factor, ret_jacobian);
    }
    if (m->n_prior)
        prior_residuals(m, x + BIMIX_T, ret_z, ret_jacobian);
}

static void exponential_residuals(const double *x, double *ret_z, double *ret_jacobian, void *context)
{
    struct model *m = context;
    size_t n_domains = m->sample->n_domains, rows = m->n_rows;

    for (size_t r = 0; r < rows; r++) {
        const double *share = m->sample->table->proportion + m->mixture[r] * n_domains;
        double q = 0;

        for (size_t j = 0; j < n_domains; j++)
            q += x[1 + j] * share[j];

        double e = exp(q), value = x[0] + e, factor = m->loss == EMX_LAW_LINEAR ? 1 : 1 / value;

        ret_z[r] = (m->loss == EMX_LAW_LINEAR ? value : log(value)) - m->target[r];
        if (!ret_jacobian)
            continue;
        ret_jacobian[r] = factor;
        for (size_t j = 0; j < n_domains; j++)
            ret_jacobian[(1 + j) * rows + r] = factor * e * share[j];
    }
}

struct trf_problem model_problem(struct model *m)
{
    return (struct trf_problem){
        .n_rows = m->n_rows + m->n_prior,
        .n_squares = m->n_prior,
        .n = m->n_free,
        .lower = m->lower,
        .upper = m->upper,
        .weight = m->weight,
        .huber = m->huber,
        .constant = m->constant,
        .residuals = m->form == EMX_LAW_EXPONENTIAL ? exponential_residuals : power_residuals,
        .context = m,
    };
}
