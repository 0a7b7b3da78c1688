/* optimum: bounds, the conditions of Karush, Kuhn and Tucker, brute force, caps, scaling, priors, degenerate cases */
#include "test.h"

#include <emx/optimum.h>

#include <float.h>
#include <stdbool.h>

#define N 60

static uint64_t seed;

static double uniform(double low, double high)
{
    return low + (high - low) * (double)(test_random(&seed) >> 11) * 0x1p-53;
}

struct problem {
    size_t n;
    double gain[N], alpha[N], lo[N], hi[N], prior[N];
    struct emx_optimum_limits limits;
};

static void fill_simplex(double *r, size_t n, double spread)
{
    double sum = 0;

    for (size_t j = 0; j < n; j++)
        sum += r[j] = exp(uniform(0, spread));
    for (size_t j = 0; j < n; j++)
        r[j] /= sum;
}

/* Bounds around a mixture, so that there is one within them. */
static void make_bounds(struct problem *p)
{
    double inside[N];

    fill_simplex(inside, p->n, 4);
    for (size_t j = 0; j < p->n; j++) {
        p->lo[j] = test_random(&seed) % 3 ? uniform(0, 1) * inside[j] : 0;
        p->hi[j] = test_random(&seed) % 3 ? fmin(1, inside[j] * (1 + uniform(0, 2))) : 1;
    }
    p->limits.lo = p->lo;
    p->limits.hi = p->hi;
}

static void make_prior(struct problem *p)
{
    fill_simplex(p->prior, p->n, 3);
    p->limits.prior = p->prior;
    p->limits.strength = exp(uniform(-12, 4));
}

static void make_problem(struct problem *p, size_t n, int bounds, int prior)
{
    memset(p, 0, sizeof(*p));
    p->n = n;
    for (size_t j = 0; j < n; j++) {
        p->gain[j] = exp(uniform(-3, 3));
        p->alpha[j] = exp(uniform(-5, 1));
    }
    if (bounds)
        make_bounds(p);
    if (prior)
        make_prior(p);
}

static struct emx_optimum_certificate solve(const struct problem *p, double *r)
{
    struct emx_optimum_certificate c = {.residual = 1};
    struct emx_error err = {0};

    CHECK(emx_optimum_separable(p->gain, p->alpha, p->n, &p->limits, r, &c, &err) == EMX_OK);
    CHECK_STR(err.message, "");
    return c;
}

static double objective(const struct problem *p, const double *r)
{
    double f = 0;

    for (size_t j = 0; j < p->n; j++) {
        f += p->gain[j] * pow(r[j], -p->alpha[j]);
        if (p->limits.prior)
            f += p->limits.strength * r[j] * log(r[j] / p->prior[j]);
    }
    return f;
}

static double lo_of(const struct problem *p, size_t j)
{
    return p->limits.lo ? p->lo[j] : 0;
}

static double hi_of(const struct problem *p, size_t j)
{
    return p->limits.hi ? p->hi[j] : 1;
}

static void check_mixture(const struct problem *p, const double *r)
{
    long double sum = 0;

    for (size_t j = 0; j < p->n; j++) {
        CHECK(r[j] >= lo_of(p, j) && r[j] <= hi_of(p, j));
        sum += (long double)r[j];
    }
    CHECK_NEAR((double)sum, 1, 1e-14);
}

/* Written again here, from the definition: m = -dF/dr. */
static double marginal(const struct problem *p, const double *r, size_t j)
{
    double m = p->gain[j] * p->alpha[j] * pow(r[j], -p->alpha[j] - 1);

    return p->limits.prior ? m - p->limits.strength * (log(r[j] / p->prior[j]) + 1) : m;
}

static void check_conditions(const struct problem *p, const double *r, struct emx_optimum_certificate c)
{
    for (size_t j = 0; j < p->n; j++) {
        double m = marginal(p, r, j), slack = 1e-10 * (fabs(m) + fabs(c.multiplier) + p->limits.strength * 30);

        CHECK(r[j] <= lo_of(p, j) || m >= c.multiplier - slack);
        CHECK(r[j] >= hi_of(p, j) || m <= c.multiplier + slack);
    }
    CHECK(c.residual <= 1e-12);
    CHECK_NEAR(c.value, objective(p, r), 1e-12 * (fabs(c.value) + p->limits.strength));
}

static void optima_satisfy_the_conditions(void)
{
    struct problem p;
    double r[N];

    for (int repeat = 0; repeat < test_rounds(2000); repeat++) {
        make_problem(&p, 1 + test_random(&seed) % N, repeat & 1, repeat & 2);
        struct emx_optimum_certificate c = solve(&p, r);

        check_mixture(&p, r);
        check_conditions(&p, r, c);
        CHECK(c.n_iterations < 100);
    }
}

static void equal_exponents_have_a_closed_form(void)
{
    struct problem p;
    double r[N];

    for (int repeat = 0; repeat < test_rounds(200); repeat++) {
        double alpha = exp(uniform(-5, 1)), sum = 0;

        make_problem(&p, 1 + test_random(&seed) % N, 0, 0);
        for (size_t j = 0; j < p.n; j++) {
            p.alpha[j] = alpha;
            sum += pow(p.gain[j], 1 / (1 + alpha));
        }
        solve(&p, r);
        for (size_t j = 0; j < p.n; j++)
            CHECK_NEAR(r[j], pow(p.gain[j], 1 / (1 + alpha)) / sum, 1e-14 * r[j]);
    }
}

/* The least on a grid of the proportions of x and y, refined around it; z takes the rest. */
static double refine_grid(const struct problem *p, const size_t axis[3], double *ret)
{
    size_t x = axis[0], y = axis[1], z = axis[2];
    double low[2] = {p->lo[x], p->lo[y]}, high[2] = {p->hi[x], p->hi[y]}, best = INFINITY, r[3];

    for (int k = 0; k < 40 * 441; k++) {
        r[x] = low[0] + (high[0] - low[0]) * (k % 21) / 20;
        r[y] = low[1] + (high[1] - low[1]) * (k / 21 % 21) / 20;
        r[z] = 1 - r[x] - r[y];
        if (r[z] >= p->lo[z] && r[z] <= p->hi[z] && fmin(fmin(r[x], r[y]), r[z]) > 0 && objective(p, r) < best) {
            best = objective(p, r);
            memcpy(ret, r, sizeof(r));
        }
        for (int i = 0; k % 441 == 440 && i < 2; i++) {
            double width = 0.3 * (high[i] - low[i]);

            low[i] = fmax(p->lo[axis[i]], ret[axis[i]] - width);
            high[i] = fmin(p->hi[axis[i]], ret[axis[i]] + width);
        }
    }
    return best;
}

/* A bound of the third proportion is no line of a grid of the other two: each is the third once. */
static double brute_force(const struct problem *p, double *ret)
{
    static const size_t axes[3][3] = {{0, 1, 2}, {1, 2, 0}, {2, 0, 1}};
    double best = INFINITY, r[3] = {0};

    for (int i = 0; i < 3; i++) {
        double value = refine_grid(p, axes[i], r);

        if (value < best) {
            best = value;
            memcpy(ret, r, sizeof(r));
        }
    }
    return best;
}

static void three_domains_equal_brute_force(void)
{
    struct problem p;
    double r[3], twin[3] = {0};

    for (int repeat = 0; repeat < test_rounds(60); repeat++) {
        make_problem(&p, 3, 1, repeat & 1);
        double value = solve(&p, r).value, best = brute_force(&p, twin);

        CHECK(value <= best + 1e-12 * (fabs(best) + p.limits.strength));
        CHECK_NEAR(value, best, 1e-6 * fabs(best));
        for (size_t j = 0; j < 3; j++)
            CHECK_NEAR(r[j], twin[j], 2e-3);
    }
}

/* No mixture nearby or far away is better. */
static void no_exchange_gains(void)
{
    struct problem p;
    double r[N];

    for (int repeat = 0; repeat < test_rounds(300); repeat++) {
        make_problem(&p, 2 + test_random(&seed) % 20, 1, repeat & 1);
        double value = solve(&p, r).value;

        for (int k = 0; k < 100; k++) {
            size_t i = test_random(&seed) % p.n, j = test_random(&seed) % p.n;
            double step = fmin(r[i] - p.lo[i], p.hi[j] - r[j]) * exp(uniform(-8, 0)), old[2] = {r[i], r[j]};

            if (i == j || !(step > 0) || r[i] <= step)
                continue;
            r[i] -= step;
            r[j] += step;
            CHECK(objective(&p, r) >= value - 1e-12 * (fabs(value) + p.limits.strength));
            r[i] = old[0];
            r[j] = old[1];
        }
    }
}

/* A wider cap never takes from its domain, nor gives to others, nor makes the optimum worse. */
static void optima_are_monotone_in_caps(void)
{
    struct problem p;
    double r[N], wider[N];

    for (int repeat = 0; repeat < test_rounds(500); repeat++) {
        make_problem(&p, 2 + test_random(&seed) % N % 58, 1, repeat & 1);
        size_t j = test_random(&seed) % p.n;
        double value = solve(&p, r).value;

        p.hi[j] = fmin(1, p.hi[j] * (1 + uniform(0, 1)));
        CHECK(solve(&p, wider).value <= value + 1e-12 * (fabs(value) + p.limits.strength));
        for (size_t i = 0; i < p.n; i++)
            CHECK(i == j ? wider[i] >= r[i] - 1e-14 : wider[i] <= r[i] + 1e-14);
    }
}

static void scaling_changes_nothing(void)
{
    struct problem p;
    double r[N], scaled[N];

    for (int repeat = 0; repeat < test_rounds(200); repeat++) {
        double factor = repeat % 4 < 2 ? 0x1p70 : exp(uniform(-40, 40));

        make_problem(&p, 1 + test_random(&seed) % N, 1, repeat & 1);
        double residual = solve(&p, r).residual;

        for (size_t j = 0; j < p.n; j++)
            p.gain[j] *= factor;
        p.limits.strength *= factor;
        double again = solve(&p, scaled).residual;

        CHECK(repeat % 4 >= 2 || (memcmp(r, scaled, p.n * sizeof(*r)) == 0 && residual == again));
        for (size_t j = 0; j < p.n; j++)
            CHECK_NEAR(scaled[j], r[j], 1e-12 * r[j]);
    }
}

/* Of strength 0 a prior means nothing; the stronger it is, the nearer its mixture. */
static void priors_pull(void)
{
    struct problem p;
    double r[N], none[N];

    make_problem(&p, 30, 0, 1);
    p.limits.strength = 0;
    solve(&p, r);
    p.limits.prior = NULL;
    solve(&p, none);
    CHECK(memcmp(r, none, 30 * sizeof(*r)) == 0);
    p.limits.prior = p.prior;
    p.limits.strength = 1e-14;
    solve(&p, r);
    for (size_t j = 0; j < 30; j++)
        CHECK_NEAR(r[j], none[j], 1e-10);
    double last = INFINITY;

    for (p.limits.strength = 1e-3; p.limits.strength < 1e18; p.limits.strength *= 10) {
        double distance = 0;

        solve(&p, r);
        for (size_t j = 0; j < 30; j++)
            distance += r[j] * log(r[j] / p.prior[j]);
        CHECK(distance < last + 1e-15);
        last = distance;
    }
    for (size_t j = 0; j < 30; j++)
        CHECK_NEAR(r[j], p.prior[j], 1e-6);
}

static void domains_without_influence_take_what_is_left(void)
{
    struct problem p = {.n = 4, .gain = {1, 2, 0, 3}, .alpha = {0.5, 0.5, 1, 0}};
    double r[4];

    solve(&p, r);
    CHECK(r[2] == 0 && r[3] == 0);
    p.limits.hi = p.hi;
    memcpy(p.hi, (double[]){0.3, 0.2, 0.4, 1}, 4 * sizeof(double));
    p.limits.lo = p.lo;
    p.lo[3] = 0.1;
    check_conditions(&p, r, solve(&p, r)); /* 0.5 left: 0 + theta 0.4 and 0.1 + theta 0.9 */
    CHECK(r[0] == 0.3 && r[1] == 0.2);
    CHECK_NEAR(r[2], 0.4 * 0.4 / 1.3, 1e-15);
    CHECK_NEAR(r[3], 0.1 + 0.4 * 0.9 / 1.3, 1e-15);
    memset(p.gain, 0, sizeof(p.gain));
    p.limits.lo = p.limits.hi = NULL;
    solve(&p, r);
    for (size_t j = 0; j < 4; j++)
        CHECK_NEAR(r[j], 0.25, 1e-16);
}

static void bounds_may_leave_one_mixture(void)
{
    struct problem p;
    double r[N];

    make_problem(&p, 7, 0, 0);
    fill_simplex(p.lo, 7, 2);
    p.limits.lo = p.lo;
    CHECK(solve(&p, r).residual <= 1e-15);
    CHECK(memcmp(r, p.lo, 7 * sizeof(*r)) == 0);
    p.limits.lo = NULL;
    p.limits.hi = p.lo;
    CHECK(solve(&p, r).residual <= 1e-15);
    CHECK(memcmp(r, p.lo, 7 * sizeof(*r)) == 0);
    p.n = 1;
    p.limits.hi = NULL;
    solve(&p, r);
    CHECK(r[0] == 1);
}

/* Extremes: from 1e-100 to 1e100, tiny exponents and large ones. */
static void no_spread_is_too_wide(void)
{
    struct problem p;
    double r[N];

    for (int repeat = 0; repeat < test_rounds(300); repeat++) {
        make_problem(&p, 2 + test_random(&seed) % 20, repeat & 1, 0);
        for (size_t j = 0; j < p.n; j++) {
            p.gain[j] = exp(uniform(-230, 230));
            p.alpha[j] = exp(uniform(-30, 3));
        }
        CHECK(solve(&p, r).residual <= 1e-12);
        check_mixture(&p, r);
    }
}

static void expect(struct problem *p, enum emx_status status, const char *words)
{
    double r[N];
    struct emx_error err = {0};

    CHECK(emx_optimum_separable(p->gain, p->alpha, p->n, &p->limits, r, NULL, &err) == status);
    if (!strstr(err.message, words))
        CHECK_STR(err.message, words);
}

static void what_has_no_answer_is_said(void)
{
    struct problem p;

    make_problem(&p, 3, 0, 0);
    p.limits.lo = p.lo;
    p.limits.hi = p.hi;
    memcpy(p.lo, (double[]){0.5, 0.4, 0.3}, 3 * sizeof(double));
    memcpy(p.hi, (double[]){1, 1, 1}, 3 * sizeof(double));
    expect(&p, EMX_ERR_ARG, "the least proportions sum to 1.2: no mixture");
    memset(p.lo, 0, sizeof(p.lo));
    memcpy(p.hi, (double[]){0.1, 0.3, 0.4}, 3 * sizeof(double));
    expect(&p, EMX_ERR_ARG, "the greatest proportions sum to 0.8: no mixture");
    p.lo[1] = 0.35;
    expect(&p, EMX_ERR_ARG, "domain 2 of 3, 0.35, is above its greatest, 0.3");
    p.lo[1] = -1;
    expect(&p, EMX_ERR_ARG, "domain 2 of 3");
    p.lo[1] = 0;
    memcpy(p.hi, (double[]){0, 1, 1}, 3 * sizeof(double));
    expect(&p, EMX_ERR_ARG, "domain 1 of 3 can have no share");
    p.hi[0] = NAN;
    expect(&p, EMX_ERR_ARG, "domain 1 of 3");
    p.hi[0] = 1;
    p.gain[2] = NAN;
    expect(&p, EMX_ERR_RANGE, "gain of domain 3");
    p.gain[2] = 1;
    p.alpha[1] = -0.1;
    expect(&p, EMX_ERR_RANGE, "exponent of domain 2");
    p.alpha[1] = 0.1;
    p.limits.strength = 1;
    expect(&p, EMX_ERR_ARG, "no prior");
    p.limits.prior = p.prior;
    expect(&p, EMX_ERR_ARG, "prior of domain 1");
    p.prior[0] = p.prior[1] = p.prior[2] = 0.4;
    expect(&p, EMX_ERR_ARG, "prior sums to 1.2");
    p.n = 0;
    expect(&p, EMX_ERR_EMPTY, "no domain");
}

static void epochs_are_caps(void)
{
    const double tokens[] = {1e9, 5e10, 0, 3e12};
    struct emx_error err = {0};
    double hi[4];

    CHECK(emx_epoch_caps(tokens, 4, 4, 1e12, hi, &err) == EMX_OK);
    CHECK_NEAR(hi[0], 0.004, 1e-18);
    CHECK_NEAR(hi[1], 0.2, 1e-16);
    CHECK(hi[2] == 0 && hi[3] == 1);
    CHECK(emx_epoch_caps(tokens, 4, 4, 13e12, hi, &err) == EMX_ERR_ARG);
    CHECK_STR(err.message, "1.3e+13 tokens are asked for, but all domains have 3.051e+12: 4.26 epochs, not 4");
    CHECK(emx_epoch_caps(tokens, 4, 0, 1, hi, &err) == EMX_ERR_ARG);
    CHECK(emx_epoch_caps(tokens, 4, 1, -1, hi, &err) == EMX_ERR_ARG);
}

/* The same problem for the general solver: term i is gain_i q^-alpha_i, q = r_i. */
static void power_along(const void *context, size_t term, double q, double ret[3])
{
    const struct problem *p = context;

    ret[0] = p->gain[term] * pow(q, -p->alpha[term]);
    ret[1] = -p->alpha[term] * ret[0] / q;
    ret[2] = -(1 + p->alpha[term]) * ret[1] / q;
}

static struct emx_optimum_certificate solve_forms(const struct emx_optimum_forms *f,
                                                  const struct emx_optimum_limits *limits, double *r)
{
    struct emx_optimum_certificate c = {.residual = 1};
    struct emx_error err = {0};

    CHECK(emx_optimum_convex(f, limits, r, &c, &err) == EMX_OK);
    CHECK_STR(err.message, "");
    return c;
}

static void both_solvers_agree(void)
{
    static double unit[N * N];
    struct problem p;
    double r[N], general[N];

    for (int repeat = 0; repeat < test_rounds(400); repeat++) {
        make_problem(&p, 1 + test_random(&seed) % 30, repeat & 1, repeat & 2);
        memset(unit, 0, sizeof(unit));
        for (size_t j = 0; j < p.n; j++)
            unit[j * p.n + j] = 1;
        struct emx_optimum_forms f = {p.n, p.n, unit, NULL, power_along, &p};
        struct emx_optimum_certificate exact = solve(&p, r), c = solve_forms(&f, &p.limits, general);

        check_mixture(&p, general);
        CHECK(c.residual <= 1e-12);
        CHECK_NEAR(c.value, exact.value, 1e-12 * (fabs(c.value) + p.limits.strength));
        for (size_t j = 0; j < p.n; j++)
            CHECK_NEAR(general[j], r[j], 1e-9 * r[j]);
    }
}

/* exp(q) and q^-a of random directions: what the exponential law and the transfer law make. */
struct terms {
    double direction[N * N], weight[N], alpha[N];
    bool power;
};

static void mixed_along(const void *context, size_t term, double q, double ret[3])
{
    const struct terms *t = context;

    if (t->power) {
        ret[0] = pow(q, -t->alpha[term]);
        ret[1] = -t->alpha[term] * ret[0] / q;
        ret[2] = -(1 + t->alpha[term]) * ret[1] / q;
    } else {
        ret[0] = 1 + exp(q);
        ret[1] = ret[2] = exp(q);
    }
}

static struct emx_optimum_forms make_forms(struct terms *t, size_t n, size_t n_terms, bool power)
{
    t->power = power;
    for (size_t i = 0; i < n_terms; i++) {
        t->weight[i] = exp(uniform(-2, 2));
        t->alpha[i] = exp(uniform(-4, 0));
        for (size_t j = 0; j < n; j++)
            t->direction[i * n + j] = power ? (test_random(&seed) % 2 ? uniform(0, 0.5) : 0) : uniform(-5, 2);
        if (power)
            t->direction[i * n + i % n] = 1;
    }
    return (struct emx_optimum_forms){n, n_terms, t->direction, t->weight, mixed_along, t};
}

static double value_of_forms(const struct emx_optimum_forms *f, const double *r)
{
    double sum = 0, along[3];

    for (size_t i = 0; i < f->n_terms; i++) {
        double q = 0;

        for (size_t j = 0; j < f->n; j++)
            q += f->direction[i * f->n + j] * r[j];
        f->along(f->context, i, q, along);
        sum += f->weight[i] * along[0];
    }
    return sum;
}

/* Also with fewer terms than domains, where the minimum may be many. */
static void laws_that_are_not_separable_have_optima(void)
{
    static struct terms t;
    struct problem p;
    double r[N], other[N];

    for (int repeat = 0; repeat < test_rounds(600); repeat++) {
        size_t n = 2 + test_random(&seed) % 20;

        make_problem(&p, n, repeat & 1, 0);
        struct emx_optimum_forms f = make_forms(&t, n, 1 + test_random(&seed) % n, repeat & 2);
        struct emx_optimum_certificate c = solve_forms(&f, &p.limits, r);

        check_mixture(&p, r);
        CHECK(c.residual <= 1e-12);
        CHECK_NEAR(c.value, value_of_forms(&f, r), 1e-13 * c.value);
        for (int k = 0; k < 50; k++) { /* a convex function below at another mixture is below on the way there */
            double part = exp(uniform(-10, 0));

            make_prior(&p);
            for (size_t j = 0; j < n; j++)
                other[j] = p.prior[j];
            p.limits.strength = 1;
            solve(&p, other); /* some mixture within the bounds */
            p.limits.prior = NULL;
            p.limits.strength = 0;
            for (size_t j = 0; j < n; j++)
                other[j] = r[j] + part * (other[j] - r[j]);
            CHECK(value_of_forms(&f, other) >= c.value * (1 - 1e-13));
        }
    }
}

/* Also of laws that are not separable: weights scaled alike change no mixture, a wider cap worsens none. */
static void general_optima_scale_and_are_monotone_in_caps(void)
{
    static struct terms t;
    struct problem p;
    double r[N], again[N];

    for (int repeat = 0; repeat < test_rounds(200); repeat++) {
        size_t n = 2 + test_random(&seed) % 15, j = test_random(&seed) % n;

        make_problem(&p, n, 1, 0);
        struct emx_optimum_forms f = make_forms(&t, n, n + 3, repeat & 1);
        double value = solve_forms(&f, &p.limits, r).value;

        for (size_t i = 0; i < f.n_terms; i++)
            t.weight[i] *= 0x1p40;
        CHECK_NEAR(solve_forms(&f, &p.limits, again).value, value * 0x1p40, 1e-12 * value * 0x1p40);
        for (size_t i = 0; i < n; i++)
            CHECK_NEAR(again[i], r[i], 1e-6);
        p.hi[j] = fmin(1, p.hi[j] * 1.5);
        CHECK(solve_forms(&f, &p.limits, again).value <= value * 0x1p40 * (1 + 1e-12));
    }
}

int main(void)
{
    seed = test_seed();
    RUN(optima_satisfy_the_conditions);
    RUN(equal_exponents_have_a_closed_form);
    RUN(three_domains_equal_brute_force);
    RUN(no_exchange_gains);
    RUN(optima_are_monotone_in_caps);
    RUN(scaling_changes_nothing);
    RUN(priors_pull);
    RUN(domains_without_influence_take_what_is_left);
    RUN(bounds_may_leave_one_mixture);
    RUN(no_spread_is_too_wide);
    RUN(what_has_no_answer_is_said);
    RUN(epochs_are_caps);
    RUN(both_solvers_agree);
    RUN(laws_that_are_not_separable_have_optima);
    RUN(general_optima_scale_and_are_monotone_in_caps);
    return test_summary();
}
