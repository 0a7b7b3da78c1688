/*
 * test_trf.c - bounded least squares: known minima, conditions of a minimum, and the decomposition they stand on
 */
#include "law_tables.h"
#include "test.h"

#include "law/trf.h"
#include "linalg/linalg.h"

static uint64_t seed;

/* ---- linear algebra ---- */

static void decomposition_multiplies_back(void)
{
    for (size_t cols = 1; cols <= 9; cols += 4)
        for (size_t rows = cols; rows <= 40; rows += 13) {
            struct linalg_work *w = linalg_work_create(rows, cols);
            double a[360], copy[360], b[40], s[9], vt[81], ub[9];

            for (size_t i = 0; i < rows * cols; i++)
                copy[i] = a[i] = random_normal(&seed);
            for (size_t i = 0; i < rows; i++)
                b[i] = copy[i]; /* the first column: U^T b = S V^T e_1 */
            CHECK(linalg_svd(w, a, rows, cols, b, s, vt, ub));
            for (size_t i = 0; i < cols; i++)
                CHECK_NEAR(ub[i], s[i] * vt[i], 1e-12);
            for (size_t p = 0; p < cols; p++)
                for (size_t q = 0; q < cols; q++) {
                    double gram = 0, product = 0;

                    for (size_t i = 0; i < rows; i++)
                        gram += copy[p * rows + i] * copy[q * rows + i];
                    for (size_t i = 0; i < cols; i++)
                        product += s[i] * s[i] * vt[p * cols + i] * vt[q * cols + i];
                    CHECK_NEAR(gram, product, 1e-11);
                }
            linalg_work_destroy(&w);
        }
}

/* ---- problems ---- */

static void rosenbrock(const double *x, double *z, double *jacobian, void *context)
{
    (void)context;
    z[0] = 10 * (x[1] - x[0] * x[0]);
    z[1] = 1 - x[0];
    if (!jacobian)
        return;
    jacobian[0] = -20 * x[0];
    jacobian[1] = -1;
    jacobian[2] = 10;
    jacobian[3] = 0;
}

static double minimise(struct trf_problem *p, double *x)
{
    struct trf_work *w = trf_work_create(p->n_rows, p->n);
    struct trf_result r = trf_minimise(p, &TRF_TIGHT, w, x);

    CHECK(r.stop != TRF_EVALUATIONS && r.stop != TRF_NOT_FINITE);
    trf_work_destroy(&w);
    return r.cost;
}

/* Minima within bounds as SciPy's documentation of least_squares has them. */
static void rosenbrock_has_its_minimum_at_the_bound(void)
{
    double none[2] = {-INFINITY, -INFINITY}, lower[2] = {-INFINITY, 1.5}, upper[2] = {INFINITY, INFINITY};
    double one[2] = {1, 1}, x[2] = {2, 2};
    struct trf_problem p = {.n_rows = 2, .n = 2, .lower = none, .upper = upper, .weight = one, .residuals = rosenbrock};

    CHECK_NEAR(minimise(&p, x), 0, 1e-20);
    CHECK_NEAR(x[0], 1, 1e-9);
    CHECK_NEAR(x[1], 1, 1e-9);

    p.lower = lower;
    x[0] = x[1] = 2;
    CHECK_NEAR(minimise(&p, x), 0.02521309, 1e-8);
    CHECK_NEAR(x[0], 1.22437075, 1e-7);
    CHECK_NEAR(x[1], 1.5, 1e-9);
}

struct linear {
    size_t rows, n;
    double a[200], b[40];
};

static void linear_residuals(const double *x, double *z, double *jacobian, void *context)
{
    const struct linear *l = context;

    for (size_t r = 0; r < l->rows; r++) {
        z[r] = -l->b[r];
        for (size_t j = 0; j < l->n; j++)
            z[r] += l->a[j * l->rows + r] * x[j];
    }
    if (jacobian)
        memcpy(jacobian, l->a, l->rows * l->n * sizeof *jacobian);
}

/* A convex problem: the gradient is 0 where x is inside and points out at bounds, which is enough for the minimum. */
static void check_minimum(const struct linear *l, const struct trf_problem *p, const double *x)
{
    double z[40];

    linear_residuals(x, z, NULL, p->context);
    for (size_t j = 0; j < l->n; j++) {
        double g = 0, room = fmin(x[j] - p->lower[j], p->upper[j] - x[j]);

        for (size_t r = 0; r < l->rows; r++) {
            bool linear = p->huber > 0 && fabs(z[r]) > p->huber;

            g += p->weight[r] * l->a[j * l->rows + r] * (linear ? copysign(p->huber, z[r]) : z[r]);
        }
        CHECK(x[j] >= p->lower[j] && x[j] <= p->upper[j]);
        CHECK_NEAR(g * fmin(room, 1), 0, 1e-6);
        if (room < 1e-6)
            CHECK(x[j] - p->lower[j] < p->upper[j] - x[j] ? g > -1e-6 : g < 1e-6);
    }
}

static void linear_problems_meet_the_conditions_of_a_minimum(void)
{
    for (int i = 0; i < test_rounds(200); i++) {
        struct linear l = {.rows = 30, .n = 5};
        double lower[5], upper[5], weight[40], x[5];
        struct trf_problem p = {.n_rows = l.rows,
                                .n = l.n,
                                .lower = lower,
                                .upper = upper,
                                .weight = weight,
                                .huber = i % 2 ? 0.5 : 0,
                                .residuals = linear_residuals,
                                .context = &l};

        for (size_t j = 0; j < l.rows * l.n; j++)
            l.a[j] = random_normal(&seed);
        for (size_t r = 0; r < l.rows; r++) {
            l.b[r] = 2 * random_normal(&seed);
            weight[r] = (double)(test_random(&seed) % 4);
        }
        for (size_t j = 0; j < l.n; j++) {
            lower[j] = test_random(&seed) % 3 ? random_real(&seed, -1, 0.1) : -INFINITY;
            upper[j] = test_random(&seed) % 3 ? random_real(&seed, 0.2, 1) : INFINITY;
            x[j] = 0.15;
        }
        minimise(&p, x);
        check_minimum(&l, &p, x);
    }
}

/* What a weight of 2 is: the row twice. */
static void weights_count_rows(void)
{
    struct linear once = {.rows = 10, .n = 3}, twice = {.rows = 20, .n = 3};
    double lower[3] = {-INFINITY, -INFINITY, 0}, upper[3] = {INFINITY, INFINITY, INFINITY}, ones[20], twos[10];
    double x[3] = {1, 1, 1}, y[3] = {1, 1, 1};

    for (size_t r = 0; r < 10; r++) {
        for (size_t j = 0; j < 3; j++)
            once.a[j * 10 + r] = twice.a[j * 20 + r] = twice.a[j * 20 + 10 + r] = random_normal(&seed);
        once.b[r] = twice.b[r] = twice.b[10 + r] = random_normal(&seed);
        ones[r] = ones[10 + r] = 1;
        twos[r] = 2;
    }

    struct trf_problem p = {.n_rows = 10,
                            .n = 3,
                            .lower = lower,
                            .upper = upper,
                            .weight = twos,
                            .huber = 0.3,
                            .residuals = linear_residuals,
                            .context = &once};
    double cost = minimise(&p, x);

    p.n_rows = 20;
    p.weight = ones;
    p.context = &twice;
    CHECK_NEAR(minimise(&p, y), cost, 1e-12 * cost);
    for (size_t j = 0; j < 3; j++)
        CHECK_NEAR(x[j], y[j], 1e-6);
}

static void no_value_at_the_start_is_said(void)
{
    struct linear l = {.rows = 3, .n = 1, .b = {NAN}};
    double lower = 0, upper = INFINITY, one[3] = {1, 1, 1}, x = 1;
    struct trf_problem p = {.n_rows = 3,
                            .n = 1,
                            .lower = &lower,
                            .upper = &upper,
                            .weight = one,
                            .residuals = linear_residuals,
                            .context = &l};
    struct trf_work *w = trf_work_create(3, 1);

    CHECK(trf_minimise(&p, &TRF_TIGHT, w, &x).stop == TRF_NOT_FINITE);
    CHECK(x == 1);
    trf_work_destroy(&w);
}

int main(void)
{
    seed = test_seed();
    RUN(decomposition_multiplies_back);
    RUN(rosenbrock_has_its_minimum_at_the_bound);
    RUN(linear_problems_meet_the_conditions_of_a_minimum);
    RUN(weights_count_rows);
    RUN(no_value_at_the_start_is_said);
    return test_summary();
}
