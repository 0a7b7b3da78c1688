/* prior.c - the prior of one domain's transfer terms, and what of them it knows */
#include "law/prior.h"

#include "law/form.h"

#include <math.h>

struct prior prior_of(const double *overlap, size_t m, size_t own, struct pull pull)
{
    double squares = 0;

    for (size_t j = 0; j < m; j++)
        squares += j != own ? overlap[j] * overlap[j] : 0;
    return (struct prior){.overlap = overlap, .m = m, .own = own, .pull = pull, .norm = sqrt(squares)};
}

struct prior prior_of_law(const struct emx_law *law, size_t k)
{
    return prior_of(law->prior + k * law->n_domains, law->n_domains, law->scored[k],
                    (struct pull){.strength = law->prior_strength, .factor = 1});
}

double prior_share(const struct emx_law *law, size_t k, double variance)
{
    const size_t m = law->n_domains, p = law->n_coefficients, own = law->scored[k];
    const double *covariance = law->covariance + k * p * p;
    double sum = 0;

    if (!(law->prior_strength > 0 && variance > 0))
        return 0;

    struct prior prior = prior_of_law(law, k);

    for (size_t a = 0; a < m; a++)
        for (size_t b = 0; b < m; b++)
            if (a != own && b != own)
                sum += prior_curvature(&prior, a, b) * covariance[(BIMIX_T + a) * p + BIMIX_T + b];
    return law->prior_strength * sum / variance;
}
