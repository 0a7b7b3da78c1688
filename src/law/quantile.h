/* quantile.h - quantiles of a sample */
#ifndef LAW_QUANTILE_H
#define LAW_QUANTILE_H

#include <stddef.h>
#include <stdlib.h>

static inline int quantile_by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static inline void quantile_sort(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), quantile_by_value);
}

/* Between the two of sorted[n], n > 0, that it falls between; part is in [0, 1]. */
static inline double quantile_of(const double *sorted, size_t n, double part)
{
    double place = part * (double)(n - 1);
    size_t below = (size_t)place;

    return below + 1 < n ? sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below])
                         : sorted[below];
}

#endif
