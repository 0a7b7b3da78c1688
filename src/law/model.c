/* model.c - rows and variables of a law for one scored domain */
#include "law/model.h"

#include "law/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t variables_of_part(enum emx_law_form form, size_t m)
{
    switch (form) {
    case EMX_LAW_BIMIX:
        return 4;
    case EMX_LAW_BIMIX_TRANSFER:
        return 3 + m;
    case EMX_LAW_EXPONENTIAL:
        return 1 + m;
    default:
        return 3;
    }
}

static bool allocate(struct model *m)
{
    const struct sample *s = m->sample;
    size_t steps = s->n_steps + 1, doubles = 3 * m->max_rows + 4 * steps + 2 * s->n_mixtures + 2 * m->n_free;
    double *next = m->memory = calloc(doubles, sizeof *m->memory);
    struct {
        double **array;
        size_t n;
    } arrays[] = {{&m->share, m->max_rows}, {&m->target, m->max_rows},  {&m->weight, m->max_rows},
                  {&m->log_level, steps},   {&m->by_beta, steps},       {&m->by_b, steps},
                  {&m->by_c, steps},        {&m->log_q, s->n_mixtures}, {&m->inverse_q, s->n_mixtures},
                  {&m->lower, m->n_free},   {&m->upper, m->n_free}};

    m->mixture = calloc(m->max_rows, sizeof *m->mixture);
    m->step = calloc(m->max_rows, sizeof *m->step);
    if (!m->memory || !m->mixture || !m->step)
        return false;
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; next += arrays[i++].n)
        *arrays[i].array = next;
    return true;
}

struct model *model_create(const struct sample *s, enum emx_law_form form, enum emx_law_loss loss, double huber)
{
    struct model *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->sample = s;
    m->form = form;
    m->loss = loss;
    m->huber = loss == EMX_LAW_HUBER ? huber : 0;
    m->n_free = variables_of_part(form, s->n_domains);
    m->n_parts = form == EMX_LAW_EXPONENTIAL ? s->n_steps : 1;
    m->max_rows = s->n_rows + (form == EMX_LAW_BIMIX_TRANSFER ? s->n_domains : 1);
    if (!allocate(m)) {
        model_destroy(&m);
        return NULL;
    }
    for (size_t n = 0; n < m->n_free; n++) {
        m->lower[n] = form == EMX_LAW_EXPONENTIAL && n > 0 ? -INFINITY : 0;
        m->upper[n] = INFINITY;
    }
    return m;
}

void model_destroy(struct model **m)
{
    if (!*m)
        return;
    free((*m)->memory);
    free((*m)->mixture);
    free((*m)->step);
    free(*m);
    *m = NULL;
}

void model_set_prior(struct model *m, const double *overlap, struct pull pull)
{
    m->overlap = m->form == EMX_LAW_BIMIX_TRANSFER && pull.strength > 0 ? overlap : NULL;
    m->pull = pull;
}

/* ---- rows ---- */

static void take_rows(struct model *m, const double *times)
{
    const struct sample *s = m->sample;
    const double *target = (m->loss == EMX_LAW_LINEAR ? s->loss : s->log_loss) + m->scored * s->n_rows;
    const double *log_r = s->log_proportion + m->domain * s->n_mixtures;
    size_t n = 0;

    for (size_t r = 0; r < s->n_rows; r++) {
        double weight = times ? times[s->mixture[r]] : 1;

        if (weight == 0 || (m->form == EMX_LAW_EXPONENTIAL && s->step[r] != m->part))
            continue;
        m->share[n] = m->form == EMX_LAW_BIMIX ? log_r[s->mixture[r]] : 0;
        m->mixture[n] = s->mixture[r];
        m->step[n] = s->step[r];
        m->target[n] = target[r];
        m->weight[n++] = weight;
    }
    m->n_rows = n;
    m->constant = 0;
}

/* Means of the rows of each step, in by_b (weights), by_c (shares) and by_beta (targets). */
static void average_steps(struct model *m)
{
    size_t n_steps = m->sample->n_steps;

    memset(m->by_b, 0, n_steps * sizeof *m->by_b);
    memset(m->by_c, 0, n_steps * sizeof *m->by_c);
    memset(m->by_beta, 0, n_steps * sizeof *m->by_beta);
    for (size_t r = 0; r < m->n_rows; r++) {
        m->by_b[m->step[r]] += m->weight[r];
        m->by_c[m->step[r]] += m->weight[r] * m->share[r];
        m->by_beta[m->step[r]] += m->weight[r] * m->target[r];
    }
    for (size_t i = 0; i < n_steps; i++) {
        m->by_c[i] /= m->by_b[i] > 0 ? m->by_b[i] : 1;
        m->by_beta[i] /= m->by_b[i] > 0 ? m->by_b[i] : 1;
    }
}

/* The rows about the means of their steps: their alpha, its weight, and the cost that is left. */
static void fit_deviations(struct model *m, double *ret_alpha, double *ret_weight)
{
    double squares = 0, products = 0, left = 0;

    for (size_t r = 0; r < m->n_rows; r++) {
        double a = m->share[r] -= m->by_c[m->step[r]], y = m->target[r] -= m->by_beta[m->step[r]];

        squares += m->weight[r] * a * a;
        products += m->weight[r] * a * y;
    }
    *ret_alpha = squares > 0 ? -products / squares : 0;
    for (size_t r = 0; r < m->n_rows; r++) {
        double z = m->target[r] + *ret_alpha * m->share[r];

        left += m->weight[r] * z * z;
    }
    *ret_weight = squares;
    m->constant = 0.5 * left;
}

static void rotate_rows(struct model *m)
{
    size_t n = 0, n_steps = m->sample->n_steps;
    double alpha, weight;

    average_steps(m);
    fit_deviations(m, &alpha, &weight);
    for (size_t i = 0; i < n_steps; i++)
        if (m->by_b[i] > 0) {
            m->step[n] = i;
            m->share[n] = m->by_c[i];
            m->target[n] = m->by_beta[i];
            m->weight[n++] = m->by_b[i];
        }
    if (weight > 0) {
        m->step[n] = n_steps;
        m->share[n] = 1;
        m->target[n] = -alpha;
        m->weight[n++] = weight;
    }
    m->n_rows = n;
}

/* What starts need: of losses themselves, which take no exponential. */
static void summarise(struct model *m, const double *times)
{
    const struct sample *s = m->sample;
    const double *loss = s->loss + m->scored * s->n_rows;
    double sum = 0;

    m->n_weighed = 0;
    m->least_loss = INFINITY;
    for (size_t r = 0; r < s->n_rows; r++) {
        double weight = times ? times[s->mixture[r]] : 1;

        if (weight == 0 || (m->form == EMX_LAW_EXPONENTIAL && s->step[r] != m->part))
            continue;
        m->n_weighed += weight;
        sum += weight * loss[r];
        m->least_loss = fmin(m->least_loss, loss[r]);
    }
    m->mean_loss = m->n_weighed > 0 ? sum / m->n_weighed : 1;
}

/* A row for each transfer term that is estimated. */
static void add_prior(struct model *m)
{
    size_t n_domains = m->sample->n_domains;

    m->n_prior = m->overlap ? n_domains - 1 : 0;
    if (m->overlap)
        m->prior = prior_of(m->overlap + m->domain * n_domains, n_domains, m->domain, m->pull);
    for (size_t i = 0; i < m->n_prior; i++)
        m->weight[m->n_rows + i] = 1;
}

void model_select(struct model *m, size_t scored, size_t part, const double *times)
{
    m->scored = scored;
    m->domain = m->sample->table->scored[scored];
    m->part = part;
    take_rows(m, times);
    summarise(m, times);
    if (m->loss == EMX_LAW_LOG && (m->form == EMX_LAW_BIMIX || m->form == EMX_LAW_BLIND))
        rotate_rows(m);
    add_prior(m);
}

/* ---- variables ---- */

static void start_at(const struct model *m, double alpha, double beta, double part_of_b, double *x)
{
    if (m->form != EMX_LAW_BLIND)
        *x++ = alpha;
    x[BLIND_BETA] = beta;
    x[BLIND_B] = part_of_b * m->mean_loss;
    x[BLIND_C] = (1 - part_of_b) * m->mean_loss;
}

void model_start(const struct model *m, double *x)
{
    if (m->form == EMX_LAW_EXPONENTIAL) {
        x[0] = 0.5 * m->least_loss;
        for (size_t j = 1; j < m->n_free; j++)
            x[j] = log(m->mean_loss - x[0]);
        return;
    }
    start_at(m, 0.1, 0.5, 0.5, x);
    for (size_t j = BIMIX_T; j < m->n_free; j++)
        x[j] = 0.1;
}

void model_random_start(const struct model *m, uint64_t seed, double *x)
{
    struct random random = {.state = seed};

    if (m->form == EMX_LAW_EXPONENTIAL) {
        x[0] = random_between(&random, 0, 0.95) * m->least_loss;
        for (size_t j = 1; j < m->n_free; j++)
            x[j] = log(m->mean_loss - x[0]) + random_between(&random, -1, 1);
        return;
    }

    double alpha = random_between(&random, 0.02, 0.6), beta = random_between(&random, 0.1, 1.5);

    start_at(m, alpha, beta, random_between(&random, 0.1, 0.9), x);
    for (size_t j = BIMIX_T; j < m->n_free; j++)
        x[j] = pow(10, random_between(&random, -2.5, 0));
}

size_t model_coefficient(const struct model *m, size_t variable)
{
    size_t n_domains = m->sample->n_domains;

    if (m->form == EMX_LAW_EXPONENTIAL)
        return m->part * (n_domains + 2) + (variable ? variable + 1 : 0);
    if (m->form == EMX_LAW_BIMIX_TRANSFER && variable >= BIMIX_T + m->domain)
        return variable + 1;
    return variable;
}

void model_to_coefficients(const struct model *m, const double *x, double *ret)
{
    if (m->form == EMX_LAW_EXPONENTIAL)
        ret[m->part * (m->sample->n_domains + 2) + EXPONENTIAL_K] = 1;
    else if (m->form == EMX_LAW_BIMIX_TRANSFER)
        ret[BIMIX_T + m->domain] = 1;
    for (size_t j = 0; j < m->n_free; j++)
        ret[model_coefficient(m, j)] = x[j];
}

void model_from_coefficients(const struct model *m, const double *coefficient, double *ret_x)
{
    for (size_t j = 0; j < m->n_free; j++)
        ret_x[j] = coefficient[model_coefficient(m, j)];
}
