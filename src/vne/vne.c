/* vne.c - what the eigenvalues of a density matrix say */
#include "util/sum.h"

#include <emx/vne.h>

#include <math.h>

static double total(const double *x, size_t n)
{
    struct sum sum = {0, 0};

    for (size_t i = 0; i < n; i++)
        sum_add(&sum, x[i]);
    return (double)sum_total(&sum);
}

/* Roy and Vetterli (2007), "The effective rank: a measure of effective dimensionality". */
static double effective_rank(const double *x, size_t n)
{
    struct sum sum = {0, 0}, terms = {0, 0};
    double all;

    for (size_t i = 0; i < n; i++)
        sum_add(&sum, sqrt(x[i]));
    all = (double)sum_total(&sum);
    for (size_t i = 0; i < n; i++) {
        double share = sqrt(x[i]) / all;

        sum_add(&terms, share > 0 ? -share * log(share) : 0);
    }
    return exp((double)sum_total(&terms));
}

static double sum_of_squares(const double *x, size_t n)
{
    struct sum sum = {0, 0};

    for (size_t i = 0; i < n; i++)
        sum_add(&sum, x[i] * x[i]);
    return (double)sum_total(&sum);
}

/* Eigenvalues that add up to `sum`, as shares of it. */
static double entropy(const double *x, size_t n, double sum)
{
    struct sum terms = {0, 0};

    for (size_t i = 0; i < n; i++) {
        double share = x[i] / sum;

        sum_add(&terms, share > 0 ? -share * log(share) : 0);
    }
    return sum_total(&terms) > 0 ? (double)sum_total(&terms) : 0;
}

/* Variance of -log(share) where each has the probability `share`, and the entropy is h. */
static double variance_of_surprise(const double *x, size_t n, double sum, double h)
{
    struct sum terms = {0, 0};

    for (size_t i = 0; i < n; i++) {
        double share = x[i] / sum, from_mean = -log(share) - h;

        sum_add(&terms, share > 0 ? share * from_mean * from_mean : 0);
    }
    return (double)sum_total(&terms);
}

static void measure(const double *x, size_t n, double sum, struct emx_vne *ret)
{
    double h = entropy(x, n, sum);

    *ret = (struct emx_vne){
        .entropy = h,
        .document_variance = variance_of_surprise(x, n, sum, h) / sum,
        .vendi = exp(h),
        .effective_rank = effective_rank(x, n),
        .participation = sum * sum / sum_of_squares(x, n),
        .top_share = x[0] / sum,
        .top10_share = total(x, n < 10 ? n : 10) / sum,
    };
}

void emx_vne_of(const double *eigenvalues, size_t n, struct emx_vne *ret)
{
    measure(eigenvalues, n, 1, ret);
}

double emx_vne_error(const struct emx_vne *v, uint64_t n_documents)
{
    return n_documents ? sqrt(v->document_variance / (double)n_documents) : NAN;
}

void emx_vne_without_first(const double *eigenvalues, size_t n, struct emx_vne *ret)
{
    const double least = 1e-12, left = total(eigenvalues + 1, n - 1);

    *ret = (struct emx_vne){0};
    if (left >= least)
        measure(eigenvalues + 1, n - 1, left, ret);
}
