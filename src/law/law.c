/* law.c - the memory of a law, and what numbers one may have */
#include "law/form.h"

#include <math.h>
#include <stdlib.h>

#define LENGTH_LIMIT ((size_t)1 << 24)
#define NUMBERS_LIMIT 134217728.0 /* 1 GiB */

static bool lengths_ok(const struct emx_law_shape *s)
{
    const size_t lengths[] = {s->n_domains, s->n_scored, s->n_mixtures, s->n_rows, s->n_steps};

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        if (!lengths[i] || lengths[i] > LENGTH_LIMIT)
            return false;
    return s->n_scored <= s->n_domains && s->n_draws <= LENGTH_LIMIT;
}

/* How many numbers there are, in floating point so that nothing overflows. */
static double n_numbers(const struct emx_law_shape *s)
{
    double m = (double)s->n_domains, steps = (double)s->n_steps;
    double p = s->form == EMX_LAW_EXPONENTIAL ? (m + 2) * steps : m + 4;

    return ((double)s->n_mixtures + (double)s->n_scored) * m + (double)s->n_rows * 2 +
           (double)s->n_scored * p * (p + 2 + (double)s->n_draws);
}

static void *zeroed(size_t n, size_t size, bool *failed)
{
    void *p = calloc(n ? n : 1, size);

    *failed |= !p;
    return p;
}

static bool allocate(struct emx_law *law)
{
    size_t k = law->n_scored, p = law->n_coefficients;
    bool failed = false;

    law->domains = zeroed(law->n_domains, sizeof *law->domains, &failed);
    law->scored = zeroed(k, sizeof *law->scored, &failed);
    law->steps = zeroed(law->n_steps, sizeof *law->steps, &failed);
    law->proportion = zeroed(law->n_mixtures * law->n_domains, sizeof *law->proportion, &failed);
    law->mixture = zeroed(law->n_rows, sizeof *law->mixture, &failed);
    law->step = zeroed(law->n_rows, sizeof *law->step, &failed);
    law->prior = zeroed(k * law->n_domains, sizeof *law->prior, &failed);
    law->coefficient = zeroed(k * p, sizeof *law->coefficient, &failed);
    law->covariance = zeroed(k * p * p, sizeof *law->covariance, &failed);
    law->known = zeroed(k * p, 1, &failed);
    law->cost = zeroed(k, sizeof *law->cost, &failed);
    law->residual_variance = zeroed(k, sizeof *law->residual_variance, &failed);
    law->draw = zeroed(law->n_draws * k * p, sizeof *law->draw, &failed);
    return !failed;
}

enum emx_status emx_law_create(const struct emx_law_shape *shape, struct emx_law **ret, struct emx_error *err)
{
    if ((unsigned)shape->form >= EMX_LAW_N_FORMS || !lengths_ok(shape) || n_numbers(shape) > NUMBERS_LIMIT)
        return emx_fail(
            err, EMX_ERR_RANGE,
            "law of %zu domains, %zu scored, %zu mixtures, %zu rows, %zu steps and %zu draws is out of range",
            shape->n_domains, shape->n_scored, shape->n_mixtures, shape->n_rows, shape->n_steps, shape->n_draws);

    struct emx_law *law = calloc(1, sizeof *law);

    if (law) {
        law->form = shape->form;
        law->n_domains = shape->n_domains;
        law->n_scored = shape->n_scored;
        law->n_mixtures = shape->n_mixtures;
        law->n_rows = shape->n_rows;
        law->n_steps = shape->n_steps;
        law->n_draws = shape->n_draws;
        law->n_coefficients = emx_law_n_coefficients(shape->form, shape->n_domains, shape->n_steps);
    }
    if (!law || !allocate(law)) {
        emx_law_destroy(&law);
        return emx_fail(err, EMX_ERR_MEMORY, "no memory for a law of %zu domains", shape->n_domains);
    }
    *ret = law;
    return EMX_OK;
}

void emx_law_destroy(struct emx_law **law)
{
    struct emx_law *l = *law;

    if (!l)
        return;
    for (size_t j = 0; l->domains && j < l->n_domains; j++)
        free(l->domains[j]);
    free(l->domains);
    free(l->scored);
    free(l->steps);
    free(l->proportion);
    free(l->mixture);
    free(l->step);
    free(l->prior);
    free(l->coefficient);
    free(l->covariance);
    free(l->known);
    free(l->cost);
    free(l->residual_variance);
    free(l->draw);
    free(l);
    *law = NULL;
}
