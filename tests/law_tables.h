/*
 * law_tables.h - tables of losses that follow a law which was made up, with or without noise
 */
#ifndef TESTS_LAW_TABLES_H
#define TESTS_LAW_TABLES_H

#include "random.h"

#include <emx/law.h>
#include <emx/observations.h>
#include <string.h>

static inline double random_real(uint64_t *state, double low, double high)
{
    return low + (high - low) * ((double)(test_random(state) >> 11) * 0x1p-53);
}

static inline double random_normal(uint64_t *state)
{
    double radius = sqrt(-2 * log(random_real(state, 0x1p-60, 1)));

    return radius * cos(2 * M_PI * random_real(state, 0, 1));
}

static inline char *numbered(const char *prefix, size_t i)
{
    char name[40];

    snprintf(name, sizeof name, "%s%zu", prefix, i);
    return strdup(name);
}

/* Steps 1000, 2000, ...; mixtures that spread over a hundredfold; losses all 1 so far; every domain is scored. */
static inline struct emx_observations *table_create(size_t m, size_t n_mixtures, size_t n_steps, uint64_t *state)
{
    struct emx_observations *o = calloc(1, sizeof *o);

    o->n_domains = o->n_scored = m;
    o->n_mixtures = n_mixtures;
    o->n_rows = n_mixtures * n_steps;
    o->domains = calloc(m, sizeof *o->domains);
    o->mixtures = calloc(n_mixtures, sizeof *o->mixtures);
    o->proportion = calloc(n_mixtures * m, sizeof *o->proportion);
    o->scored = calloc(m, sizeof *o->scored);
    o->mixture = calloc(o->n_rows, sizeof *o->mixture);
    o->step = calloc(o->n_rows, sizeof *o->step);
    o->loss = calloc(o->n_rows * m, sizeof *o->loss);
    o->source = strdup("generated");
    o->step_name = strdup("step");
    for (size_t j = 0; j < m; j++) {
        o->domains[j] = numbered("d", j);
        o->scored[j] = j;
    }
    for (size_t i = 0; i < n_mixtures; i++) {
        double *r = o->proportion + i * m, sum = 0;

        o->mixtures[i] = numbered("run", i);
        for (size_t j = 0; j < m; j++)
            sum += r[j] = exp(random_real(state, 0, 4));
        for (size_t j = 0; j < m; j++)
            r[j] /= sum;
    }
    for (size_t row = 0; row < o->n_rows; row++) {
        o->mixture[row] = row / n_steps;
        o->step[row] = 1000.0 * (double)(row % n_steps + 1);
    }
    for (size_t i = 0; i < o->n_rows * m; i++)
        o->loss[i] = 1;
    return o;
}

/* A law of the form that has the table's shape, with coefficients as real laws have them. */
static inline struct emx_law *law_plant(const struct emx_observations *o, size_t n_steps, enum emx_law_form form,
                                        uint64_t *state)
{
    const struct emx_law_shape shape = {.form = form,
                                        .n_domains = o->n_domains,
                                        .n_scored = o->n_scored,
                                        .n_mixtures = o->n_mixtures,
                                        .n_rows = o->n_rows,
                                        .n_steps = n_steps};
    struct emx_law *law;
    struct emx_error err;
    size_t m = o->n_domains;

    if (emx_law_create(&shape, &law, &err))
        abort();
    law->step_unit = 1000.0 * (double)n_steps;
    for (size_t i = 0; i < n_steps; i++)
        law->steps[i] = 1000.0 * (double)(i + 1);
    memcpy(law->scored, o->scored, o->n_scored * sizeof *law->scored);
    memcpy(law->proportion, o->proportion, o->n_mixtures * m * sizeof *law->proportion);
    memcpy(law->mixture, o->mixture, o->n_rows * sizeof *law->mixture);
    for (size_t j = 0; j < m; j++)
        law->domains[j] = strdup(o->domains[j]);
    for (size_t row = 0; row < o->n_rows; row++)
        law->step[row] = (size_t)(o->step[row] / 1000 + 0.5) - 1;
    for (size_t k = 0; k < o->n_scored; k++) {
        double *c = law->coefficient + k * law->n_coefficients;

        for (size_t part = 0; form == EMX_LAW_EXPONENTIAL && part < n_steps; part++, c += m + 2) {
            c[0] = random_real(state, 1, 2);
            c[1] = 1;
            for (size_t j = 0; j < m; j++)
                c[2 + j] = random_real(state, -3, 1);
        }
        if (form == EMX_LAW_EXPONENTIAL)
            continue;
        if (form != EMX_LAW_BLIND)
            *c++ = random_real(state, 0.05, 0.3);
        c[0] = random_real(state, 0.4, 1);
        c[1] = random_real(state, 0.2, 1);
        c[2] = random_real(state, 1, 3);
        for (size_t j = 0; form == EMX_LAW_BIMIX_TRANSFER && j < m; j++)
            c[3 + j] = j == o->scored[k] ? 1 : random_real(state, 0.05, 0.6);
    }
    return law;
}

/* Losses of the law, each times exp(noise * a normal number). */
static inline void table_fill(struct emx_observations *o, const struct emx_law *law, double noise, uint64_t *state)
{
    for (size_t row = 0; row < o->n_rows; row++)
        for (size_t k = 0; k < o->n_scored; k++)
            o->loss[row * o->n_scored + k] =
                emx_law_value(law, k, NULL, o->proportion + o->mixture[row] * o->n_domains, o->step[row], NULL, NULL) *
                (noise > 0 ? exp(noise * random_normal(state)) : 1);
}

#endif
