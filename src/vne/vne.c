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

static double entropy(const double *x, size_t n)
{
    struct sum sum = {0, 0};

    for (size_t i = 0; i < n; i++)
        sum_add(&sum, x[i] > 0 ? -x[i] * log(x[i]) : 0);
    return sum_total(&sum) > 0 ? (double)sum_total(&sum) : 0;
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

void emx_vne_of(const double *eigenvalues, size_t n, struct emx_vne *ret)
{
    double h = entropy(eigenvalues, n);

    *ret = (struct emx_vne){
        .entropy = h,
        .vendi = exp(h),
        .effective_rank = effective_rank(eigenvalues, n),
        .participation = 1 / sum_of_squares(eigenvalues, n),
        .top_share = eigenvalues[0],
        .top10_share = total(eigenvalues, n < 10 ? n : 10),
    };
}
