/*
 * optimum_limits.h - bounds on proportions, checked, and whether marginals satisfy the conditions of an optimum
 */
#ifndef LAW_OPTIMUM_LIMITS_H
#define LAW_OPTIMUM_LIMITS_H

#include <emx/optimum.h>
#include <stdbool.h>

struct box {
    size_t n;
    const double *lo, *hi; /* NULL: 0, 1 */
    double theta;          /* lo + theta (hi - lo) sums to 1; 0 or 1 if no other mixture is within the bounds */
};

/* Checks all of limits; errors as of emx_optimum_separable(). */
EMX_CHECKED enum emx_status box_init(const struct emx_optimum_limits *limits, size_t n, struct box *ret,
                                     struct emx_error *err);

static inline double box_lo(const struct box *b, size_t j)
{
    return b->lo ? b->lo[j] : 0;
}

static inline double box_hi(const struct box *b, size_t j)
{
    return b->hi && b->hi[j] < 1 ? b->hi[j] : 1;
}

/* A mixture within the bounds, strictly wherever that is possible. */
static inline double box_middle(const struct box *b, size_t j)
{
    return box_lo(b, j) + b->theta * (box_hi(b, j) - box_lo(b, j));
}

static inline bool box_is_point(const struct box *b)
{
    return b->theta == 0 || b->theta == 1;
}

/* m_j of a domain, and the sum of the absolute values of its terms. */
struct marginal {
    double value, scale;
};

/* How far m_j is from what lambda asks of it, as in struct emx_optimum_certificate. */
double box_violation(const struct box *b, size_t j, double r, struct marginal m, double lambda);

/* The same for |sum r - 1|. */
double box_sum_violation(const double *r, size_t n);

/*
 * A multiplier for marginals m[n] at r: that of domains between their bounds (the middle of their range), else the
 * middle of what the bounds allow.
 */
double box_multiplier(const struct box *b, const double *r, const struct marginal *m);

#endif
