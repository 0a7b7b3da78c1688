/* law_check.c - is a law that was read from a file one that could have been fitted? */
#include "law/form.h"
#include "law/prior.h"

#include <math.h>

#define MIXTURE_TOLERANCE 1e-6

static enum emx_status check_coefficients(const struct emx_law *law, const double *coefficient, const char *what,
                                          struct emx_error *err)
{
    for (size_t k = 0; k < law->n_scored; k++)
        for (size_t n = 0; n < law->n_coefficients; n++) {
            double value = coefficient[k * law->n_coefficients + n];
            char name[200];

            if (isfinite(value) && value >= form_least(law->form, law->n_domains, n) &&
                (!form_is_fixed(law->form, law->n_domains, law->scored[k], n) || value == 1))
                continue;
            emx_law_coefficient_name(law, n, name, sizeof name);
            return emx_fail(err, EMX_ERR_RANGE, "%s %s of domain %s cannot be %g", what, name,
                            law->domains[law->scored[k]], value);
        }
    return EMX_OK;
}

static enum emx_status check_errors(const struct emx_law *law, struct emx_error *err)
{
    size_t p = law->n_coefficients;

    for (size_t k = 0; k < law->n_scored; k++) {
        const char *domain = law->domains[law->scored[k]];

        if (!(law->cost[k] >= 0 && isfinite(law->cost[k])))
            return emx_fail(err, EMX_ERR_RANGE, "cost of domain %s cannot be %g", domain, law->cost[k]);
        if (!(law->residual_variance[k] >= 0 && isfinite(law->residual_variance[k])))
            return emx_fail(err, EMX_ERR_RANGE, "residual variance of domain %s cannot be %g", domain,
                            law->residual_variance[k]);
        for (size_t n = 0; n < p; n++)
            if (law->known[k * p + n] > EMX_LAW_UNDETERMINED)
                return emx_fail(err, EMX_ERR_RANGE, "coefficient %zu of domain %s is of no known kind", n + 1, domain);
        for (size_t n = 0; n < p * p; n++)
            if (!isfinite(law->covariance[k * p * p + n]) || (n % (p + 1) == 0 && law->covariance[k * p * p + n] < 0))
                return emx_fail(err, EMX_ERR_RANGE, "covariance %zu, %zu of domain %s cannot be %g", n / p + 1,
                                n % p + 1, domain, law->covariance[k * p * p + n]);
    }
    return EMX_OK;
}

static enum emx_status check_mixtures(const struct emx_law *law, struct emx_error *err)
{
    for (size_t i = 0; i < law->n_mixtures; i++) {
        const double *r = law->proportion + i * law->n_domains;
        double sum = 0;

        for (size_t j = 0; j < law->n_domains; j++) {
            if (!(r[j] >= 0 && r[j] <= 1))
                return emx_fail(err, EMX_ERR_RANGE, "proportion of domain %s in mixture %zu cannot be %g",
                                law->domains[j], i + 1, r[j]);
            sum += r[j];
        }
        if (fabs(sum - 1) > MIXTURE_TOLERANCE)
            return emx_fail(err, EMX_ERR_RANGE, "mixture %zu sums to %.9g, not to 1", i + 1, sum);
    }
    return EMX_OK;
}

static enum emx_status check_rows(const struct emx_law *law, struct emx_error *err)
{
    if (!(law->step_unit > 0 && isfinite(law->step_unit)))
        return emx_fail(err, EMX_ERR_RANGE, "unit of steps cannot be %g", law->step_unit);
    for (size_t i = 0; i < law->n_steps; i++)
        if (!(law->steps[i] > (i ? law->steps[i - 1] : 0) && isfinite(law->steps[i])))
            return emx_fail(err, EMX_ERR_RANGE, "steps do not ascend at %g", law->steps[i]);
    for (size_t i = 0; i < law->n_rows; i++)
        if (law->mixture[i] >= law->n_mixtures || law->step[i] >= law->n_steps)
            return emx_fail(err, EMX_ERR_RANGE, "row %zu is of a mixture or step that there is not", i + 1);
    return EMX_OK;
}

static enum emx_status check_prior(const struct emx_law *law, struct emx_error *err)
{
    if (law->prior_strength == 0)
        return EMX_OK;
    if (law->form != EMX_LAW_BIMIX_TRANSFER)
        return emx_fail(err, EMX_ERR_RANGE, "the %s law has no prior", emx_law_form_name(law->form));
    if (!prior_is_strength(law->prior_strength))
        return emx_fail(err, EMX_ERR_RANGE, "strength of a prior cannot be %g", law->prior_strength);
    if (!prior_is_factor(law->prior_factor))
        return emx_fail(err, EMX_ERR_RANGE, "factor of a prior cannot be %g", law->prior_factor);
    for (size_t i = 0; i < law->n_scored * law->n_domains; i++)
        if (!prior_is_overlap(law->prior[i]))
            return emx_fail(err, EMX_ERR_RANGE, "prior of domain %s cannot be %g",
                            law->domains[law->scored[i / law->n_domains]], law->prior[i]);
    return EMX_OK;
}

enum emx_status emx_law_check(const struct emx_law *law, struct emx_error *err)
{
    if ((unsigned)law->form >= EMX_LAW_N_FORMS || (unsigned)law->loss > EMX_LAW_HUBER ||
        (law->loss == EMX_LAW_HUBER && !(law->huber_scale > 0 && isfinite(law->huber_scale))))
        return emx_fail(err, EMX_ERR_RANGE, "law of an unknown form or loss");
    for (size_t j = 0; j < law->n_domains; j++)
        if (!law->domains[j])
            return emx_fail(err, EMX_ERR_RANGE, "domain %zu has no name", j + 1);
    for (size_t k = 0; k < law->n_scored; k++)
        if (law->scored[k] >= law->n_domains || (k && law->scored[k] <= law->scored[k - 1]))
            return emx_fail(err, EMX_ERR_RANGE, "scored domains do not ascend at number %zu", k + 1);

    enum emx_status status = check_rows(law, err);

    if (!status)
        status = check_mixtures(law, err);
    if (!status)
        status = check_coefficients(law, law->coefficient, "coefficient", err);
    if (!status)
        status = check_errors(law, err);
    if (!status)
        status = check_prior(law, err);
    for (size_t d = 0; d < law->n_draws && !status; d++)
        status = check_coefficients(law, law->draw + d * law->n_scored * law->n_coefficients, "drawn coefficient", err);
    return status;
}
