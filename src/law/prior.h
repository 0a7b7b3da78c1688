/*
 * prior.h - what draws the transfer terms of a domain to its overlaps with the others
 *
 * The penalty of law.h is a sum of squares of rows that are linear in t,
 *
 *     z = sqrt(lambda) S (t - f o),   S = I - (1 - PRIOR_ALONG) u u^T,   u the unit vector of o
 *
 * so that a fit with a prior is one with so many more rows, one for each transfer term that is not fixed.
 */
#ifndef LAW_PRIOR_H
#define LAW_PRIOR_H

#include <emx/law.h>
#include <stdbool.h>

/* How strongly terms are drawn, and to what part of the overlaps. */
struct pull {
    double strength, factor; /* lambda, f */
};

/* Of one domain's terms. */
struct prior {
    const double *overlap; /* [m] borrowed; that of the domain itself is not read */
    size_t m, own;
    struct pull pull;
    double norm; /* of the overlaps with others; may be 0 */
};

/* How much more easily terms leave the prior together, all by one factor, than one by one: standard deviations are in
 * the ratio of 1 to this. */
#define PRIOR_ALONG 0.1

/* Within these limits squares and sums of them are finite. */
static inline bool prior_is_overlap(double o)
{
    return o >= 0 && o <= 1e6;
}

static inline bool prior_is_strength(double lambda)
{
    return lambda > 0 && lambda <= 1e12;
}

static inline bool prior_is_factor(double f)
{
    return f > 0 && f <= 1;
}

struct prior prior_of(const double *overlap, size_t m, size_t own, struct pull pull);
/* That of scored domain k of a law which has one; its overlaps have the law's factor in them. */
struct prior prior_of_law(const struct emx_law *law, size_t k);

static inline double prior_outer(const struct prior *p, size_t a, size_t b)
{
    return p->norm > 0 ? p->overlap[a] / p->norm * (p->overlap[b] / p->norm) : 0;
}

/* S[a][b], a and b other domains */
static inline double prior_slope(const struct prior *p, size_t a, size_t b)
{
    return (a == b) - (1 - PRIOR_ALONG) * prior_outer(p, a, b);
}

/* (S^T S)[a][b] */
static inline double prior_curvature(const struct prior *p, size_t a, size_t b)
{
    return (a == b) - (1 - PRIOR_ALONG * PRIOR_ALONG) * prior_outer(p, a, b);
}

/*
 * How many coefficients of scored domain k the prior knows rather than the losses: trace of (J^T J)^-1 J_P^T J_P, J_P
 * the rows of the prior among J, where the law's covariance is variance (J^T J)^-1.  0 without a prior.
 */
double prior_share(const struct emx_law *law, size_t k, double variance);

#endif
