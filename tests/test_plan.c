/* plan: given mixtures first, bounds, better than other designs, expected errors by two routes and by simulation */
#include "test.h"

#include <emx/law.h>
#include <emx/observations.h>
#include <emx/plan.h>

#include <stdbool.h>

enum { M = 5, N = 8, T = 12 };

static uint64_t seed;

static double uniform(double low, double high)
{
    return low + (high - low) * (double)(test_random(&seed) >> 11) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform(1e-16, 1))) * cos(6.283185307179586 * uniform(0, 1));
}

static void fill_simplex(double *r, size_t n, double spread)
{
    double sum = 0;

    for (size_t j = 0; j < n; j++)
        sum += r[j] = exp(uniform(0, spread));
    for (size_t j = 0; j < n; j++)
        r[j] /= sum;
}

struct inputs {
    double given[3][M];
    struct emx_plan_coefficients coefficients[M];
    struct emx_plan_options o;
};

static struct emx_plan_options *make_inputs(struct inputs *in)
{
    for (size_t i = 0; i < 3; i++)
        fill_simplex(in->given[i], M, 2);
    for (size_t j = 0; j < M; j++)
        in->coefficients[j] =
            (struct emx_plan_coefficients){uniform(0.05, 0.3), uniform(0.3, 0.7), uniform(0.3, 1), uniform(1, 3)};
    in->o = (struct emx_plan_options){.n_domains = M,
                                      .given = in->given[0],
                                      .n_given = 3,
                                      .n_mixtures = N,
                                      .coefficients = in->coefficients,
                                      .n_steps = T,
                                      .run_noise = 0.01,
                                      .step_noise = 0.004,
                                      .horizon = 2,
                                      .seed = test_random(&seed)};
    return &in->o;
}

static struct emx_plan *find(const struct emx_plan_options *o)
{
    struct emx_plan *p = NULL;
    struct emx_error err = {0};

    CHECK(emx_plan_find(o, &p, &err) == EMX_OK);
    CHECK_STR(err.message, "");
    return p;
}

static void plans_keep_to_what_was_given(void)
{
    struct inputs in;

    for (int repeat = 0; repeat < test_rounds(20); repeat++) {
        struct emx_plan_options *o = make_inputs(&in);

        o->criterion = repeat & 1 ? EMX_PLAN_V : EMX_PLAN_D;
        struct emx_plan *p = find(o), *again = find(o);

        CHECK(p->n_mixtures == N && p->n_rows == 2 * N && p->n_domains == M);
        CHECK(memcmp(p->mixture, in.given, sizeof(in.given)) == 0);
        CHECK(memcmp(p->mixture, again->mixture, N * M * sizeof(double)) == 0);
        for (size_t i = 3; i < N; i++) {
            double sum = 0;

            for (size_t j = 0; j < M; j++) {
                double r = p->mixture[i * M + j];

                CHECK(r >= p->lo[j] && r <= p->hi[j]);
                sum += r;
            }
            CHECK_NEAR(sum, 1, 1e-12);
        }
        for (size_t i = 1; i < p->n_rows; i++) {
            CHECK(p->rows[i].n_mixtures == i + 1);
            CHECK(p->rows[i].alpha < p->rows[i - 1].alpha && p->rows[i].prediction < p->rows[i - 1].prediction);
        }
        CHECK(isinf(p->rows[0].alpha) && isinf(p->rows[0].regret));
        CHECK(p->rows[N].regret > 0 && p->rows[N].proportion > 0 && isfinite(p->rows[N].regret));
        emx_plan_destroy(&p);
        emx_plan_destroy(&again);
    }
}

/* Sum over domains of log of the determinant, all that mixtures change of it; or the mean variance of alphas. */
static double spread(const double *mixtures, size_t n, bool logarithm)
{
    double total = 0;

    for (size_t j = 0; j < M; j++) {
        double sum = 0, squares = 0;

        for (size_t i = 0; i < n; i++) {
            double l = log(mixtures[i * M + j]);

            sum += l;
            squares += l * l;
        }
        total += logarithm ? log(squares - sum * sum / (double)n) : (double)n / (squares - sum * sum / (double)n);
    }
    return total;
}

static void random_within(const struct emx_plan *p, double *r)
{
    do {
        double rest = 1;

        for (size_t j = 0; j + 1 < M; j++)
            rest -= r[j] = exp(uniform(log(p->lo[j]), log(p->hi[j])));
        r[M - 1] = rest;
    } while (r[M - 1] < p->lo[M - 1] || r[M - 1] > p->hi[M - 1]);
}

/* Neither other designs nor another mixture in place of one are better. */
static void no_design_found_by_chance_is_better(void)
{
    double other[N * M], theta = 0;
    struct inputs in;

    for (int repeat = 0; repeat < 5; repeat++) {
        struct emx_plan *p = find(make_inputs(&in));
        double best = spread(p->mixture, N, true);

        for (int k = 0; k < 2000; k++) {
            memcpy(other, p->mixture, sizeof(other));
            if (k % 2)
                random_within(p, other + (3 + test_random(&seed) % (N - 3)) * M);
            else
                for (size_t i = 3; i < N; i++)
                    random_within(p, other + i * M);
            theta = spread(other, N, true);
            CHECK(theta <= best + 0.02);
        }
        emx_plan_destroy(&p);
    }
}

/* b of a x = b, by elimination with pivots; a is destroyed. */
static void solve(long double *a, long double *b, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        size_t pivot = k;

        for (size_t i = k + 1; i < n; i++)
            if (fabsl(a[i * n + k]) > fabsl(a[pivot * n + k]))
                pivot = i;
        for (size_t j = 0; j < n; j++) {
            long double t = a[k * n + j];

            a[k * n + j] = a[pivot * n + j];
            a[pivot * n + j] = t;
        }
        long double t = b[k];

        b[k] = b[pivot];
        b[pivot] = t;
        for (size_t i = 0; i < n; i++) {
            long double factor = i == k ? 0 : a[i * n + k] / a[k * n + k];

            for (size_t j = 0; j < n; j++)
                a[i * n + j] -= factor * a[k * n + j];
            b[i] -= factor * b[k];
        }
    }
    for (size_t k = 0; k < n; k++)
        b[k] /= a[k * n + k];
}

static void gradient(const struct emx_plan_coefficients *c, double r, double s, long double *ret)
{
    double power = pow(s, -c->beta), level = c->b * power + c->c;

    ret[0] = -log(r);
    ret[1] = -c->b * power * log(s) / level;
    ret[2] = power / level;
    ret[3] = 1 / level;
}

/* X^T V^-1 X of the whole table, V built and solved as the definition has it. */
static void information(const struct inputs *in, const struct emx_plan *p, size_t j, long double *ret)
{
    const struct emx_plan_options *o = &in->o;

    memset(ret, 0, 16 * sizeof(*ret));
    for (size_t i = 0; i < N; i++) {
        for (size_t c = 0; c < 4; c++) {
            long double v[T * T], x[T][4], column[T];

            for (size_t t = 0; t < T; t++) {
                gradient(&in->coefficients[j], p->mixture[i * M + j], (double)(t + 1) / T, x[t]);
                column[t] = x[t][c];
                for (size_t u = 0; u < T; u++)
                    v[t * T + u] = o->run_noise * o->run_noise + (t == u ? o->step_noise * o->step_noise : 0);
            }
            solve(v, column, T);
            for (size_t d = 0; d < 4; d++)
                for (size_t t = 0; t < T; t++)
                    ret[d * 4 + c] += x[t][d] * column[t];
        }
    }
}

static double variance(const long double *info, const long double *x)
{
    long double a[16], b[4], sum = 0;

    memcpy(a, info, sizeof(a));
    memcpy(b, x, sizeof(b));
    solve(a, b, 4);
    for (size_t c = 0; c < 4; c++)
        sum += x[c] * b[c];
    return (double)sum;
}

static void expected_errors_are_those_of_the_information_matrix(void)
{
    struct inputs in;

    for (int repeat = 0; repeat < 3; repeat++) {
        struct emx_plan *p = find(make_inputs(&in));
        double alpha = 0, prediction = 0;

        for (size_t j = 0; j < M; j++) {
            long double info[16], x[4], first[4] = {1};

            information(&in, p, j, info);
            gradient(&in.coefficients[j], p->optimum[j], 2, x);
            alpha += variance(info, first) / M;
            prediction += variance(info, x) / M;
        }
        CHECK_NEAR(p->rows[N - 1].alpha, sqrt(alpha), 1e-8 * sqrt(alpha));
        CHECK_NEAR(p->rows[N - 1].prediction, sqrt(prediction), 1e-8 * sqrt(prediction));
        emx_plan_destroy(&p);
    }
}

/* A table of losses of the planned runs, as the coefficients and the noise make them. */
struct table {
    struct emx_observations o;
    char *names[M];
    double step[N * T], loss[N * T][M];
    size_t scored[M], mixture[N * T];
};

static void simulate(const struct inputs *in, const struct emx_plan *p, struct table *t)
{
    static char name[M][2] = {"a", "b", "c", "d", "e"};

    t->o = (struct emx_observations){.n_domains = M, .n_scored = M, .n_mixtures = N, .n_rows = N * T};
    for (size_t j = 0; j < M; j++) {
        const struct emx_plan_coefficients *c = &in->coefficients[j];

        t->names[j] = name[j];
        t->scored[j] = j;
        for (size_t i = 0; i < N; i++) {
            double run = in->o.run_noise * normal();

            for (size_t k = 0; k < T; k++) {
                double s = (double)(k + 1) / T,
                       l = (c->b * pow(s, -c->beta) + c->c) * pow(p->mixture[i * M + j], -c->alpha);

                t->step[i * T + k] = s * 1000;
                t->mixture[i * T + k] = i;
                t->loss[i * T + k][j] = l * exp(run + in->o.step_noise * normal());
            }
        }
    }
    t->o.domains = t->o.mixtures = t->names;
    t->o.proportion = p->mixture;
    t->o.scored = t->scored;
    t->o.mixture = t->mixture;
    t->o.step = t->step;
    t->o.loss = t->loss[0];
}

/* Fits to simulated losses scatter as much as the plan expects. */
static void expected_errors_are_those_of_simulated_fits(void)
{
    static struct table t;
    struct inputs in;
    struct emx_plan *p = find(make_inputs(&in));
    struct emx_law_options options = {.form = EMX_LAW_BIMIX, .n_threads = 1};
    struct emx_error err;
    double squares = 0;
    size_t n = 0;

    t.o.mixtures = NULL;
    for (int repeat = 0; repeat < 60; repeat++) {
        struct emx_law *law = NULL;

        simulate(&in, p, &t);
        t.o.mixtures =
            (char *[]){t.names[0], t.names[0], t.names[0], t.names[0], t.names[0], t.names[0], t.names[0], t.names[0]};
        CHECK(emx_law_fit(&t.o, &options, &law, &err) == EMX_OK);
        for (size_t j = 0; law && j < M; j++, n++)
            squares += pow(law->coefficient[j * law->n_coefficients] - in.coefficients[j].alpha, 2);
        emx_law_destroy(&law);
    }
    CHECK_NEAR(sqrt(squares / (double)n) / p->rows[N - 1].alpha, 1, 0.2);
    emx_plan_destroy(&p);
}

static void expect(const struct emx_plan_options *o, enum emx_status status, const char *words)
{
    struct emx_plan *p = NULL;
    struct emx_error err = {0};

    CHECK(emx_plan_find(o, &p, &err) == status && !p);
    if (!strstr(err.message, words))
        CHECK_STR(err.message, words);
}

static void what_cannot_be_planned_is_said(void)
{
    struct inputs in;
    struct emx_plan_options *o = make_inputs(&in);
    const double zero[M] = {0}, half[M] = {0.5, 0.5, 0.5, 0.5, 0.5}, one[M] = {1, 1, 1, 1, 1};

    o->n_mixtures = 2;
    expect(o, EMX_ERR_ARG, "3 to 256 mixtures, not 2");
    o->n_mixtures = 257;
    expect(o, EMX_ERR_ARG, "not 257");
    o->n_mixtures = N;
    o->lo = half;
    o->hi = one;
    expect(o, EMX_ERR_ARG, "the least proportions sum to 2.5");
    o->lo = zero;
    expect(o, EMX_ERR_ARG, "least proportion of domain 1 of 5 is not above 0");
    o->lo = o->hi = in.given[0];
    expect(o, EMX_ERR_ARG, "nothing to vary");
    o->lo = o->hi = NULL;
    in.given[1][2] += 0.1;
    expect(o, EMX_ERR_ARG, "mixture 2 sums to 1.1");
    in.given[1][2] = 0;
    expect(o, EMX_ERR_ARG, "domain 3 of 5");
    make_inputs(&in);
    in.coefficients[4].beta = NAN;
    expect(o, EMX_ERR_RANGE, "coefficients of domain 5 of 5");
    make_inputs(&in);
    o->run_noise = -1;
    expect(o, EMX_ERR_RANGE, "noise");
    make_inputs(&in);
    o->n_domains = 1;
    o->n_given = 0;
    expect(o, EMX_ERR_ARG, "2 to 4096 domains");
}

/* Domains that do not vary, one evaluation, coefficients that one step cannot tell apart. */
static void plans_of_little_are_plans(void)
{
    struct inputs in;
    struct emx_plan_options *o = make_inputs(&in);
    double lo[M] = {0.2, 0.1, 0.1, 0.1, 0.2}, hi[M] = {0.2, 0.4, 0.4, 0.4, 0.2};

    o->n_given = 0;
    o->lo = lo;
    o->hi = hi;
    o->n_steps = 1;
    o->horizon = 1;
    struct emx_plan *p = find(o);

    for (size_t i = 0; i < N; i++)
        CHECK(p->mixture[i * M] == 0.2 && p->mixture[i * M + 4] == 0.2);
    emx_plan_destroy(&p);
    o->lo = o->hi = NULL;
    o->coefficients = NULL;
    p = find(o);
    CHECK(p->rows[N - 1].prediction > 0 && isfinite(p->rows[N - 1].prediction));
    emx_plan_destroy(&p);
}

int main(void)
{
    seed = test_seed();
    RUN(plans_keep_to_what_was_given);
    RUN(no_design_found_by_chance_is_better);
    RUN(expected_errors_are_those_of_the_information_matrix);
    RUN(expected_errors_are_those_of_simulated_fits);
    RUN(what_cannot_be_planned_is_said);
    RUN(plans_of_little_are_plans);
    return test_summary();
}
