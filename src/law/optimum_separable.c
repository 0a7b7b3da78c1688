/*
 * optimum_separable.c - the least sum of powers on the capped simplex, by one search for the multiplier
 *
 * Each domain's u = log r solves  m(u) = lambda,  m(u) = a exp(-c u) - strength (u - log prior + 1),  a = gain alpha,
 * c = 1 + alpha.  u falls as lambda grows, so the mass  sum_j clip(exp(u_j), lo_j, hi_j)  does, and the search is for
 * the lambda of mass 1.
 *
 *     without prior    u = (log a - t) / c, searched for by t = log lambda
 *     with prior       u = v / c - mu,  mu = lambda / strength - log prior + 1,
 *                      v + log v = log(a c / strength) + c mu: v is Wright's omega function; searched for by t = lambda
 *
 * Log mass of the domains between their bounds is a convex function of t, so that Newton's method on it comes from the
 * side of too much mass without overshooting; where domains reach their bounds on the way, bisection takes over.
 * A mixture strictly within the bounds gives the bracket: where every marginal there is below t, there is too little
 * mass.  Gains are scaled by a power of two before, which changes no digit.
 */
#include "law/optimum_limits.h"
#include "util/sum.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { MAX_ITERATIONS = 300 };

struct problem {
    struct box box;
    const double *gain, *alpha;
    const double *prior; /* NULL if there is none */
    double strength;     /* scaled */
    int exponent;        /* gains and strength are scaled by 2^-exponent */
    double *log_a;       /* [n] -INFINITY where the loss does not depend on the proportion */
    double *shift;       /* [n] with a prior: log(a c / strength) */
    double *pull;        /* [n] with a prior: log prior - 1 */
};

/* Mass at some t, and by how much that between the bounds falls as t grows. */
struct mass {
    struct sum fixed, free;
    double slope;
};

/* v > 0 of v + log v = z, for z where v does not underflow.  Newton's method from below, where it is monotone. */
static double wright_omega(double z)
{
    double e = exp(fmin(z, 1)), v = z > 1 ? z - log(z) : e / (1 + e);

    for (int i = 0; i < 8 && v > 0; i++) {
        double next = v * (1 + z - log(v)) / (1 + v);
        bool done = fabs(next - v) <= 4 * DBL_EPSILON * next;

        v = next;
        if (done)
            break;
    }
    return v;
}

/* u of domain j at t; *ret_slope is -du/dt. */
static double log_proportion(const struct problem *p, size_t j, double t, double *ret_slope)
{
    double c = 1 + p->alpha[j], mu, v;

    if (!p->prior) {
        *ret_slope = 1 / c;
        return (p->log_a[j] - t) / c;
    }
    mu = t / p->strength - p->pull[j];
    v = isinf(p->shift[j]) ? 0 : wright_omega(p->shift[j] + c * mu);
    *ret_slope = 1 / (p->strength * (1 + v));
    return v < 1 ? v / c - mu : (p->shift[j] - log(v)) / c;
}

/* A loss that grows without end at 0 keeps a domain above it, however little that is. */
static double least(const struct problem *p, size_t j)
{
    double lo = box_lo(&p->box, j);

    return lo > 0 ? lo : isinf(p->log_a[j]) && !p->prior ? 0 : fmin(DBL_MIN, box_hi(&p->box, j));
}

static struct mass measure(const struct problem *p, double t)
{
    struct mass m = {0};

    for (size_t j = 0; j < p->box.n; j++) {
        double lo = least(p, j), hi = box_hi(&p->box, j), slope;
        double r = exp(log_proportion(p, j, t, &slope));

        if (r > lo && r < hi) {
            sum_add(&m.free, r);
            m.slope += r * slope;
        } else {
            sum_add(&m.fixed, r <= lo ? lo : hi);
        }
    }
    return m;
}

static struct marginal marginal_at(const struct problem *p, size_t j, double r)
{
    double power = isinf(p->log_a[j]) ? 0 : exp(p->log_a[j] - (1 + p->alpha[j]) * log(r));
    double pull = p->prior ? p->strength * (log(r / p->prior[j]) + 1) : 0;

    return (struct marginal){power - pull, power + fabs(pull)};
}

/* Mass is at least 1 at `low`, at most 1 at `high`. */
struct bracket {
    double low, high;
};

static struct bracket find_bracket(const struct problem *p)
{
    struct bracket b = {INFINITY, -INFINITY};

    for (size_t j = 0; j < p->box.n; j++) {
        double r = box_middle(&p->box, j), t;

        if (r <= 0 || (isinf(p->log_a[j]) && !p->prior))
            continue;
        t = p->prior ? marginal_at(p, j, r).value : p->log_a[j] - (1 + p->alpha[j]) * log(r);
        b.low = fmin(b.low, t);
        b.high = fmax(b.high, t);
    }
    return (struct bracket){fmax(b.low, -DBL_MAX), fmin(b.high, DBL_MAX)};
}

/* Newton's step on the log of the mass between the bounds. */
static double newton(const struct mass *m, double t)
{
    long double rest = 1 - sum_total(&m->fixed), free = sum_total(&m->free);

    if (!(rest > 0 && free > 0 && m->slope > 0))
        return NAN;
    return t + (double)(logl(free / rest) * free) / m->slope;
}

static bool is_between(double t, struct bracket b)
{
    return t > b.low && t < b.high;
}

static double search(const struct problem *p, size_t *ret_n)
{
    struct bracket b = find_bracket(p);
    double t = b.low, width = INFINITY;

    for (*ret_n = 1; *ret_n <= MAX_ITERATIONS; (*ret_n)++) {
        struct mass m = measure(p, t);
        double next = newton(&m, t), tolerance = 2 * DBL_EPSILON * fmax(fabs(t), p->prior ? p->strength : 1);

        if (fabs(next - t) <= tolerance)
            return next;
        *(sum_total(&m.fixed) + sum_total(&m.free) >= 1 ? &b.low : &b.high) = t;
        /* Every fourth step must have halved the bracket. */
        if (!is_between(next, b) || (*ret_n % 4 == 0 && b.high - b.low > width / 2))
            next = b.low / 2 + b.high / 2;
        if (*ret_n % 4 == 0)
            width = b.high - b.low;
        if (!is_between(next, b))
            return t;
        t = next;
    }
    return t;
}

/* Those between the bounds take what rounding has left of 1. */
static void fill_proportions(const struct problem *p, double t, double *ret)
{
    struct mass m = measure(p, t);
    long double rest = 1 - sum_total(&m.fixed), free = sum_total(&m.free);
    double factor = free > 0 && rest > 0 ? (double)(rest / free) : 1, slope;

    for (size_t j = 0; j < p->box.n; j++) {
        double lo = least(p, j), hi = box_hi(&p->box, j);
        double r = exp(log_proportion(p, j, t, &slope));

        ret[j] = r <= lo ? lo : r >= hi ? hi : fmin(fmax(r * factor, lo), hi);
    }
}

/* True if domains whose loss depends on their proportion cannot take all: then they are at their caps. */
static bool share_what_is_left(const struct problem *p, double *ret)
{
    struct sum rest = {.value = 1}, room = {0};

    if (p->prior)
        return false;
    for (size_t j = 0; j < p->box.n; j++) {
        bool indifferent = isinf(p->log_a[j]);

        sum_add(&rest, -(indifferent ? box_lo(&p->box, j) : box_hi(&p->box, j)));
        if (indifferent)
            sum_add(&room, box_hi(&p->box, j) - box_lo(&p->box, j));
    }
    if (sum_total(&rest) < 0 || sum_total(&room) <= 0)
        return false;
    for (size_t j = 0; j < p->box.n; j++) {
        double lo = box_lo(&p->box, j), hi = box_hi(&p->box, j);
        double theta = fmin((double)(sum_total(&rest) / sum_total(&room)), 1);

        ret[j] = isinf(p->log_a[j]) ? lo + theta * (hi - lo) : hi;
    }
    return true;
}

static double value_at(const struct problem *p, const double *r)
{
    struct sum sum = {0};

    for (size_t j = 0; j < p->box.n; j++) {
        if (p->gain[j] > 0)
            sum_add(&sum, (long double)p->gain[j] * pow(r[j], -p->alpha[j]));
        if (p->prior && r[j] > 0)
            sum_add(&sum, ldexpl(p->strength, p->exponent) * r[j] * log(r[j] / p->prior[j]));
    }
    return (double)sum_total(&sum);
}

static void certify(const struct problem *p, const double *r, double lambda, size_t n_iterations,
                    struct emx_optimum_certificate *ret)
{
    double worst = box_sum_violation(r, p->box.n);

    for (size_t j = 0; j < p->box.n; j++) {
        double at = r[j] <= least(p, j) ? box_lo(&p->box, j) : r[j];

        worst = fmax(worst, r[j] > 0 ? box_violation(&p->box, j, at, marginal_at(p, j, r[j]), lambda) : 0);
    }
    *ret = (struct emx_optimum_certificate){value_at(p, r), ldexp(lambda, p->exponent), worst, n_iterations};
}

/* The one multiplier that any mixture at its bounds has room for: least of those at hi, greatest of those at lo. */
static double multiplier_of_point(const struct problem *p, const double *r)
{
    double best = p->box.theta == 0 ? -INFINITY : INFINITY;

    for (size_t j = 0; j < p->box.n; j++) {
        double m = r[j] > 0 ? marginal_at(p, j, r[j]).value : 0;

        if (box_lo(&p->box, j) < box_hi(&p->box, j))
            best = p->box.theta == 0 ? fmax(best, m) : fmin(best, m);
    }
    return isinf(best) ? 0 : best;
}

static double solve(const struct problem *p, double *ret, size_t *ret_n)
{
    double t;

    *ret_n = 0;
    if (box_is_point(&p->box)) {
        for (size_t j = 0; j < p->box.n; j++)
            ret[j] = box_middle(&p->box, j);
        return multiplier_of_point(p, ret);
    }
    if (share_what_is_left(p, ret))
        return 0;
    t = search(p, ret_n);
    fill_proportions(p, t, ret);
    return p->prior ? t : exp(t);
}

static enum emx_status check_domain(const struct problem *p, size_t j, struct emx_error *err)
{
    size_t n = p->box.n;

    if (!(p->gain[j] >= 0 && p->gain[j] <= 1e100))
        return emx_fail(err, EMX_ERR_RANGE, "the gain of domain %zu of %zu, %g, is not between 0 and 1e100", j + 1, n,
                        p->gain[j]);
    if (!(p->alpha[j] >= 0 && p->alpha[j] <= 1e3))
        return emx_fail(err, EMX_ERR_RANGE, "the exponent of domain %zu of %zu, %g, is not between 0 and 1000", j + 1,
                        n, p->alpha[j]);
    if (p->gain[j] > 0 && p->alpha[j] > 0 && !(box_middle(&p->box, j) > 0))
        return emx_fail(err, EMX_ERR_ARG, "domain %zu of %zu can have no share, but its loss would be infinite then",
                        j + 1, n);
    return EMX_OK;
}

static void prepare(struct problem *p)
{
    double most = 0;

    for (size_t j = 0; j < p->box.n; j++)
        most = fmax(most, p->gain[j]);
    frexp(fmax(most, p->prior ? p->strength : 0), &p->exponent);
    for (size_t j = 0; j < p->box.n; j++) {
        double gain = ldexp(p->gain[j], -p->exponent);

        p->log_a[j] = gain > 0 && p->alpha[j] > 0 ? log(gain) + log(p->alpha[j]) : -INFINITY;
    }
    p->strength = ldexp(p->strength, -p->exponent);
    for (size_t j = 0; p->prior && j < p->box.n; j++) {
        p->shift[j] = p->log_a[j] + log((1 + p->alpha[j]) / p->strength);
        p->pull[j] = log(p->prior[j]) - 1;
    }
}

enum emx_status emx_optimum_separable(const double *gain, const double *alpha, size_t n,
                                      const struct emx_optimum_limits *limits, double *ret_proportion,
                                      struct emx_optimum_certificate *ret, struct emx_error *err)
{
    struct problem p = {.gain = gain, .alpha = alpha, .strength = limits->strength};
    enum emx_status status = box_init(limits, n, &p.box, err);
    size_t n_iterations;
    double lambda;

    for (size_t j = 0; j < n && status == EMX_OK; j++)
        status = check_domain(&p, j, err);
    if (status != EMX_OK)
        return status;
    p.prior = limits->strength > 0 ? limits->prior : NULL;
    p.log_a = calloc(n, (p.prior ? 3 : 1) * sizeof(*p.log_a));
    if (!p.log_a)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for the optimum of %zu domains", n);
    p.shift = p.prior ? p.log_a + n : NULL;
    p.pull = p.prior ? p.shift + n : NULL;
    prepare(&p);
    lambda = solve(&p, ret_proportion, &n_iterations);
    if (ret)
        certify(&p, ret_proportion, lambda, n_iterations, ret);
    free(p.log_a);
    return EMX_OK;
}
