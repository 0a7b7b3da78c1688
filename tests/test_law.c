/*
 * test_law.c - fitted laws: planted ones are recovered, and what cannot matter does not
 */
#include "law_tables.h"
#include "test.h"

#include "law/model.h"

#include <complex.h>

static uint64_t seed;
static struct emx_error err;

static struct emx_law *fit(const struct emx_observations *o, const struct emx_law_options *options)
{
    struct emx_law *law = NULL;

    if (emx_law_fit(o, options, &law, &err)) {
        printf("%s\n", err.message);
        abort();
    }
    return law;
}

/* The largest difference of two laws' coefficients, relative to 1 or to the coefficient. */
static double difference(const struct emx_law *a, const struct emx_law *b)
{
    double largest = 0;

    for (size_t i = 0; i < a->n_scored * a->n_coefficients; i++)
        largest = fmax(largest, fabs(a->coefficient[i] - b->coefficient[i]) / fmax(1, fabs(a->coefficient[i])));
    return largest;
}

/* ---- recovery ---- */

static void recover(enum emx_law_form form, size_t m, size_t n_mixtures, size_t n_steps, enum emx_law_loss loss,
                    enum emx_law_method method)
{
    struct emx_observations *o = table_create(m, n_mixtures, n_steps, &seed);
    struct emx_law *planted = law_plant(o, n_steps, form, &seed), *fitted;

    table_fill(o, planted, 0, &seed);
    fitted = fit(o, &(struct emx_law_options){.form = form, .loss = loss, .method = method, .n_threads = 1});
    CHECK_NEAR(difference(planted, fitted), 0, 1e-8);
    CHECK(emx_law_check(fitted, &err) == EMX_OK);
    emx_law_destroy(&planted);
    emx_law_destroy(&fitted);
    emx_observations_destroy(&o);
}

static void planted_coefficients_are_recovered(void)
{
    recover(EMX_LAW_BIMIX, 22, 6, 20, EMX_LAW_LOG, EMX_LAW_AUTO);
    recover(EMX_LAW_BIMIX, 22, 6, 20, EMX_LAW_LOG, EMX_LAW_TRF);
    recover(EMX_LAW_BIMIX, 22, 6, 20, EMX_LAW_LINEAR, EMX_LAW_AUTO);
    recover(EMX_LAW_BIMIX, 22, 6, 20, EMX_LAW_LINEAR, EMX_LAW_TRF);
    recover(EMX_LAW_BIMIX, 22, 6, 20, EMX_LAW_HUBER, EMX_LAW_AUTO);
    recover(EMX_LAW_BLIND, 5, 6, 20, EMX_LAW_LOG, EMX_LAW_AUTO);
    recover(EMX_LAW_BLIND, 5, 6, 20, EMX_LAW_LINEAR, EMX_LAW_TRF);
}

static void planted_transfer_and_exponential_laws_are_recovered(void)
{
    recover(EMX_LAW_BIMIX_TRANSFER, 4, 30, 10, EMX_LAW_LOG, EMX_LAW_AUTO);
    recover(EMX_LAW_BIMIX_TRANSFER, 4, 30, 10, EMX_LAW_LINEAR, EMX_LAW_AUTO);
    recover(EMX_LAW_EXPONENTIAL, 4, 40, 2, EMX_LAW_LOG, EMX_LAW_AUTO);
    recover(EMX_LAW_EXPONENTIAL, 4, 40, 2, EMX_LAW_LINEAR, EMX_LAW_AUTO);
}

/* ---- two methods, two routes ---- */

static void grid_and_start_find_one_minimum(void)
{
    static const enum emx_law_form forms[] = {EMX_LAW_BIMIX, EMX_LAW_BLIND};

    for (int i = 0; i < 12; i++) {
        struct emx_observations *o = table_create(5, 8, 10, &seed);
        struct emx_law *planted = law_plant(o, 10, forms[i % 2], &seed);
        struct emx_law_options options = {.form = forms[i % 2], .loss = (enum emx_law_loss)(i / 2 % 3), .n_threads = 1};
        struct emx_law *grid, *start;
        double worst = 0;

        table_fill(o, planted, 0.005, &seed);
        options.method = EMX_LAW_VARPRO;
        grid = fit(o, &options);
        options.method = EMX_LAW_TRF;
        start = fit(o, &options);
        for (size_t k = 0; k < o->n_scored; k++)
            CHECK_NEAR(grid->cost[k] / start->cost[k], 1, 1e-9);
        for (size_t row = 0; row < o->n_rows; row++) {
            const double *r = o->proportion + o->mixture[row] * 5;
            double value = emx_law_value(grid, 0, NULL, r, o->step[row], NULL, NULL);

            worst = fmax(worst, fabs(emx_law_value(start, 0, NULL, r, o->step[row], NULL, NULL) / value - 1));
        }
        CHECK_NEAR(worst, 0, 1e-5);
        emx_law_destroy(&planted);
        emx_law_destroy(&grid);
        emx_law_destroy(&start);
        emx_observations_destroy(&o);
    }
}

/* Huber's function that no residual reaches the linear part of: the same minimum, without rows being turned. */
static void rotated_rows_are_the_same_problem(void)
{
    struct emx_observations *o = table_create(6, 9, 12, &seed);
    struct emx_law *planted = law_plant(o, 12, EMX_LAW_BIMIX, &seed), *rotated, *plain;

    table_fill(o, planted, 0.005, &seed);
    rotated = fit(o, &(struct emx_law_options){.n_threads = 1});
    plain = fit(o, &(struct emx_law_options){.loss = EMX_LAW_HUBER, .huber_scale = 100, .n_threads = 1});
    CHECK_NEAR(difference(rotated, plain), 0, 1e-6);
    for (size_t k = 0; k < o->n_scored; k++) {
        CHECK_NEAR(rotated->cost[k] / plain->cost[k], 1, 1e-12);
        CHECK_NEAR(rotated->residual_variance[k] / plain->residual_variance[k], 1, 1e-12);
        for (size_t n = 0; n < 4; n++)
            CHECK_NEAR(rotated->covariance[(k * 4 + n) * 4 + n] / plain->covariance[(k * 4 + n) * 4 + n], 1, 1e-5);
    }
    emx_law_destroy(&planted);
    emx_law_destroy(&rotated);
    emx_law_destroy(&plain);
    emx_observations_destroy(&o);
}

/* ---- invariance ---- */

/* The table with domains, mixtures and units of steps changed; domain j becomes m - 1 - j. */
static struct emx_observations *reordered(const struct emx_observations *o, size_t n_steps, double unit)
{
    size_t m = o->n_domains, n = o->n_mixtures;
    uint64_t other = 1;
    struct emx_observations *ret = table_create(m, n, n_steps, &other);

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++)
            ret->proportion[(n - 1 - i) * m + m - 1 - j] = o->proportion[i * m + j];
    for (size_t row = 0; row < o->n_rows; row++) {
        size_t to = (n - 1 - row / n_steps) * n_steps + row % n_steps;

        ret->step[to] = o->step[row] * unit;
        for (size_t k = 0; k < m; k++)
            ret->loss[to * m + m - 1 - k] = o->loss[row * m + k];
    }
    return ret;
}

static void order_and_units_do_not_matter(void)
{
    static const enum emx_law_form forms[] = {EMX_LAW_BIMIX, EMX_LAW_BIMIX_TRANSFER, EMX_LAW_BLIND};
    size_t m = 4;

    for (int i = 0; i < 3; i++) {
        struct emx_observations *o = table_create(m, 15, 10, &seed), *other;
        struct emx_law *planted = law_plant(o, 10, forms[i], &seed), *a, *b;
        const struct emx_law_options options = {.form = forms[i], .method = EMX_LAW_TRF, .n_threads = 1};

        table_fill(o, planted, 0.002, &seed);
        other = reordered(o, 10, 4096);
        a = fit(o, &options);
        b = fit(other, &options);
        for (size_t k = 0; k < m; k++) {
            double value = emx_law_value(a, k, NULL, o->proportion, 5000, NULL, NULL);
            double same = emx_law_value(b, m - 1 - k, NULL, other->proportion + 14 * m, 5000 * 4096.0, NULL, NULL);

            CHECK_NEAR(a->cost[k] / b->cost[m - 1 - k], 1, 1e-10);
            CHECK_NEAR(value / same, 1, 1e-7);
        }
        emx_law_destroy(&planted);
        emx_law_destroy(&a);
        emx_law_destroy(&b);
        emx_observations_destroy(&o);
        emx_observations_destroy(&other);
    }
}

static void threads_and_repetition_give_the_same_bits(void)
{
    struct emx_observations *o = table_create(5, 20, 10, &seed);
    struct emx_law *planted = law_plant(o, 10, EMX_LAW_BIMIX_TRANSFER, &seed), *first = NULL;

    table_fill(o, planted, 0.005, &seed);
    for (unsigned threads = 1; threads <= 5; threads += 2) {
        const struct emx_law_options options = {
            .form = EMX_LAW_BIMIX_TRANSFER, .n_draws = (size_t)test_few(150, 10), .seed = 7, .n_threads = threads};
        struct emx_law *law = fit(o, &options);
        size_t n = law->n_scored * law->n_coefficients;

        if (first) {
            CHECK(memcmp(law->coefficient, first->coefficient, n * sizeof *law->coefficient) == 0);
            CHECK(memcmp(law->draw, first->draw, law->n_draws * n * sizeof *law->draw) == 0);
            emx_law_destroy(&law);
        } else {
            first = law;
        }
    }
    emx_law_destroy(&first);
    emx_law_destroy(&planted);
    emx_observations_destroy(&o);
}

/* ---- derivatives: a second form of the laws, in complex numbers, differentiated by a step along i ---- */

static double complex complex_value(const struct emx_law *law, size_t k, const double complex *c,
                                    const double complex *r, double step)
{
    size_t m = law->n_domains;
    double s = step / law->step_unit;

    if (law->form == EMX_LAW_EXPONENTIAL) {
        double complex q = 0;

        for (size_t i = 0; law->steps[i] != step; i++)
            c += m + 2;
        for (size_t j = 0; j < m; j++)
            q += c[2 + j] * r[j];
        return c[0] + c[1] * cexp(q);
    }
    if (law->form == EMX_LAW_BLIND)
        return c[1] * cpow(s, -c[0]) + c[2];

    double complex q = r[law->scored[k]];

    for (size_t j = 0; law->form == EMX_LAW_BIMIX_TRANSFER && j < m; j++)
        q += j == law->scored[k] ? 0 : c[4 + j] * r[j];
    return (c[2] * cpow(s, -c[1]) + c[3]) * cpow(q, -c[0]);
}

#define TINY 1e-100

static void check_gradients(const struct emx_law *law, size_t k, const double *mixture, double step)
{
    size_t m = law->n_domains, p = law->n_coefficients;
    double complex c[100], r[20];
    double by_proportion[20], by_coefficient[100];
    double value = emx_law_value(law, k, NULL, mixture, step, by_proportion, by_coefficient);

    for (size_t n = 0; n < p; n++)
        c[n] = law->coefficient[k * p + n];
    for (size_t j = 0; j < m; j++)
        r[j] = mixture[j];
    CHECK_NEAR(creal(complex_value(law, k, c, r, step)), value, 1e-13 * value);
    for (size_t n = 0; n < p; n++) {
        c[n] += TINY * I;
        CHECK_NEAR(cimag(complex_value(law, k, c, r, step)) / TINY, by_coefficient[n],
                   1e-12 * (1 + fabs(by_coefficient[n])));
        c[n] = creal(c[n]);
    }
    for (size_t j = 0; j < m; j++) {
        r[j] += TINY * I;
        CHECK_NEAR(cimag(complex_value(law, k, c, r, step)) / TINY, by_proportion[j],
                   1e-12 * (1 + fabs(by_proportion[j])));
        r[j] = creal(r[j]);
    }
}

/* Second derivative of the loss along its linear form against the change of the first. */
static void check_along(const struct emx_law *law, size_t k, double step, double q)
{
    double at[3], above[3], below[3], h = 1e-5 * q;

    emx_law_along(law, k, NULL, step, q, at);
    emx_law_along(law, k, NULL, step, q + h, above);
    emx_law_along(law, k, NULL, step, q - h, below);
    CHECK_NEAR((above[0] - below[0]) / (2 * h), at[1], 1e-7 * (1 + fabs(at[1])));
    CHECK_NEAR((above[1] - below[1]) / (2 * h), at[2], 1e-7 * (1 + fabs(at[2])));
    CHECK(at[2] >= 0);
}

static void derivatives_are_exact(void)
{
    for (int form = 0; form < EMX_LAW_N_FORMS; form++) {
        struct emx_observations *o = table_create(5, 8, 3, &seed);
        struct emx_law *law = law_plant(o, 3, (enum emx_law_form)form, &seed);

        for (size_t k = 0; k < o->n_scored; k++)
            for (size_t row = 0; row < o->n_rows; row++) {
                check_gradients(law, k, o->proportion + o->mixture[row] * o->n_domains, o->step[row]);
                check_along(law, k, o->step[row], random_real(&seed, 0.05, 1));
            }
        emx_law_destroy(&law);
        emx_observations_destroy(&o);
    }
}

/* Jacobians that TRF is given: along i is not to be had inside, so central differences of the residuals. */
static void check_jacobian(struct model *m, double *x)
{
    struct trf_problem p = model_problem(m);
    size_t rows = p.n_rows;
    double *z = calloc(3 * rows + rows * p.n, sizeof *z), *above = z + rows, *below = above + rows,
           *jacobian = below + rows;

    p.residuals(x, z, jacobian, p.context);
    for (size_t j = 0; j < p.n; j++) {
        double was = x[j], h = 1e-5 * fmax(0.1, fabs(was)), slope = 0, worst = 0;

        x[j] = was + h;
        p.residuals(x, above, NULL, p.context);
        x[j] = was - h;
        p.residuals(x, below, NULL, p.context);
        x[j] = was;
        for (size_t r = 0; r < rows; r++) {
            slope = fmax(slope, fabs(jacobian[j * rows + r]));
            worst = fmax(worst, fabs((above[r] - below[r]) / (2 * h) - jacobian[j * rows + r]));
        }
        CHECK_NEAR(worst, 0, 1e-7 * (1 + slope));
    }
    free(z);
}

static void jacobians_of_residuals_are_exact(void)
{
    for (int form = 0; form < EMX_LAW_N_FORMS; form++)
        for (int loss = EMX_LAW_LOG; loss <= EMX_LAW_HUBER; loss++) {
            struct emx_observations *o = table_create(5, 8, 4, &seed);
            struct emx_law *law = law_plant(o, 4, (enum emx_law_form)form, &seed);
            struct sample s;
            struct model *m;
            double x[20];

            table_fill(o, law, 0.1, &seed);
            CHECK(sample_init(&s, o, NULL, &err) == EMX_OK);
            m = model_create(&s, (enum emx_law_form)form, (enum emx_law_loss)loss, 0.01);
            for (size_t k = 0; k < o->n_scored; k++)
                for (size_t part = 0; part < m->n_parts; part++) {
                    model_select(m, k, part, NULL);
                    model_random_start(m, k + 1, x);
                    check_jacobian(m, x);
                }
            model_destroy(&m);
            sample_finish(&s);
            emx_law_destroy(&law);
            emx_observations_destroy(&o);
        }
}

/* ---- minimum and covariance ---- */

/* Sum of squared log residuals of a domain, by the formula. */
static double squares_at(const struct emx_observations *o, const struct emx_law *law, size_t k, const double *c)
{
    double sum = 0;

    for (size_t row = 0; row < o->n_rows; row++) {
        double value =
            emx_law_value(law, k, c, o->proportion + o->mixture[row] * o->n_domains, o->step[row], NULL, NULL);
        double z = log(value) - log(o->loss[row * o->n_scored + k]);

        sum += z * z;
    }
    return sum;
}

/* With tiny noise the cost's Hessian is J^T J, whose inverse times the residual variance is the covariance. */
static void covariance_is_the_curvature_of_the_cost(void)
{
    struct emx_observations *o = table_create(3, 8, 10, &seed);
    struct emx_law *planted = law_plant(o, 10, EMX_LAW_BIMIX, &seed), *law;

    table_fill(o, planted, 1e-6, &seed);
    law = fit(o, &(struct emx_law_options){.n_threads = 1});
    for (size_t k = 0; k < 3; k++) {
        double *c = law->coefficient + k * 4, hessian[4][4], h = 1e-4;

        CHECK_NEAR(squares_at(o, law, k, c) / 2 / law->cost[k], 1, 1e-6);
        for (int a = 0; a < 4; a++)
            for (int b = 0; b < 4; b++) {
                double sum = 0;

                for (int sign = 0; sign < 4; sign++) {
                    double x[4] = {c[0], c[1], c[2], c[3]};

                    x[a] += sign & 1 ? h : -h;
                    x[b] += sign & 2 ? h : -h;
                    sum += ((sign & 1) == (sign >> 1) ? 1 : -1) * squares_at(o, law, k, x);
                }
                hessian[a][b] = sum / (8 * h * h);
            }
        for (int a = 0; a < 4; a++)
            for (int b = 0; b < 4; b++) {
                double product = 0;

                for (int i = 0; i < 4; i++)
                    product += hessian[a][i] * law->covariance[(k * 4 + (size_t)i) * 4 + (size_t)b];
                CHECK_NEAR(product / law->residual_variance[k], a == b, 2e-3);
            }
    }
    emx_law_destroy(&planted);
    emx_law_destroy(&law);
    emx_observations_destroy(&o);
}

/* 95 % intervals of planted coefficients and losses, 0.5 % noise: how often do they hold what they should? */
static void intervals_cover_what_they_state(void)
{
    size_t inside = 0, all = 0, losses_inside = 0, losses = 0, n_tables = (size_t)test_few(1000, 30);
    struct emx_observations *o = table_create(22, 6, 20, &seed);
    struct emx_law_prediction predictions[22];

    for (size_t t = 0; t < n_tables; t++) {
        struct emx_law *planted = law_plant(o, 20, EMX_LAW_BIMIX, &seed), *law;

        table_fill(o, planted, 0.005, &seed);
        law = fit(o, &(struct emx_law_options){.n_threads = 1});
        for (size_t i = 0; i < 22 * 4; i++) {
            double error = sqrt(law->covariance[(i / 4) * 16 + (i % 4) * 5]);

            inside += fabs(law->coefficient[i] - planted->coefficient[i]) <= 1.98 * error;
            all++;
        }
        CHECK(emx_law_predict(law, o->proportion + 22, 40000, 0.95, predictions, &err) == EMX_OK);
        for (size_t k = 0; k < 22; k++) {
            double value = emx_law_value(planted, k, NULL, o->proportion + 22, 40000, NULL, NULL);

            losses_inside += predictions[k].lo <= value && value <= predictions[k].hi;
            losses++;
        }
        emx_law_destroy(&planted);
        emx_law_destroy(&law);
    }
    emx_observations_destroy(&o);
    printf("coverage: coefficients %.4f, losses at twice the last step %.4f\n", (double)inside / (double)all,
           (double)losses_inside / (double)losses);
    CHECK_NEAR((double)inside / (double)all, 0.95, test_few(20, 50) * 1e-3);
    CHECK_NEAR((double)losses_inside / (double)losses, 0.95, test_few(20, 50) * 1e-3);
}

/* ---- what cannot be known ---- */

static void one_step_leaves_the_curve_undetermined(void)
{
    struct emx_observations *o = table_create(4, 12, 1, &seed);
    struct emx_law *planted = law_plant(o, 1, EMX_LAW_BIMIX, &seed), *law;

    table_fill(o, planted, 0.002, &seed);
    law = fit(o, &(struct emx_law_options){.n_threads = 1});
    for (size_t k = 0; k < 4; k++) {
        CHECK(law->known[k * 4] == EMX_LAW_FREE);
        for (size_t n = 1; n < 4; n++)
            CHECK(law->known[k * 4 + n] == EMX_LAW_UNDETERMINED);
        CHECK(law->coefficient[k * 4 + 1] == 0.5); /* stays where it starts */
        CHECK_NEAR(law->coefficient[k * 4 + 2], law->coefficient[k * 4 + 3], 1e-9);
        CHECK_NEAR(law->coefficient[k * 4], planted->coefficient[k * 4], 0.02);
    }

    struct emx_law_leverage leverage[4];

    CHECK(emx_law_leverage(law, o->proportion, 1000, leverage, &err) == EMX_OK);
    CHECK(leverage[0].verdict == EMX_LAW_INSIDE);
    CHECK(emx_law_leverage(law, o->proportion, 2000, leverage, &err) == EMX_OK);
    CHECK(isinf(leverage[0].h) && leverage[0].verdict == EMX_LAW_FAR);
    emx_law_destroy(&planted);
    emx_law_destroy(&law);
    emx_observations_destroy(&o);
}

static void one_mixture_leaves_alpha_undetermined(void)
{
    struct emx_observations *o = table_create(4, 1, 12, &seed);
    struct emx_law *planted = law_plant(o, 12, EMX_LAW_BIMIX, &seed), *law;
    double elsewhere[4] = {0.25, 0.25, 0.25, 0.25};
    struct emx_law_leverage leverage[4];

    table_fill(o, planted, 0.001, &seed);
    law = fit(o, &(struct emx_law_options){.n_threads = 1});
    for (size_t k = 0; k < 4; k++)
        CHECK(law->known[k * 4] == EMX_LAW_UNDETERMINED);
    CHECK(emx_law_leverage(law, elsewhere, 12000, leverage, &err) == EMX_OK);
    for (size_t k = 0; k < 4; k++)
        CHECK(isinf(leverage[k].h) && leverage[k].verdict == EMX_LAW_FAR);
    CHECK(emx_law_leverage(law, o->proportion, 12000, leverage, &err) == EMX_OK);
    for (size_t k = 0; k < 4; k++)
        CHECK(leverage[k].verdict == EMX_LAW_INSIDE);
    emx_law_destroy(&planted);
    emx_law_destroy(&law);
    emx_observations_destroy(&o);
}

/* Losses that rise with the proportion: alpha is 0, and its neighbours' errors are as if that were known. */
static void coefficients_meet_their_bounds(void)
{
    struct emx_observations *o = table_create(3, 10, 8, &seed);
    struct emx_law *planted = law_plant(o, 8, EMX_LAW_BIMIX, &seed), *law, *blind;

    table_fill(o, planted, 0.001, &seed);
    for (size_t row = 0; row < o->n_rows; row++)
        for (size_t k = 0; k < 3; k++)
            o->loss[row * 3 + k] *= pow(o->proportion[o->mixture[row] * 3 + k], planted->coefficient[k * 4] + 0.05);
    law = fit(o, &(struct emx_law_options){.n_threads = 1});
    blind = fit(o, &(struct emx_law_options){.form = EMX_LAW_BLIND, .n_threads = 1});
    for (size_t k = 0; k < 3; k++) {
        CHECK(law->coefficient[k * 4] == 0 && law->known[k * 4] == EMX_LAW_AT_BOUND);
        CHECK(law->covariance[k * 16] == 0);
        CHECK_NEAR(law->cost[k] / blind->cost[k], 1, 1e-9);
        for (size_t n = 0; n < 3; n++)
            CHECK_NEAR(law->covariance[k * 16 + (n + 1) * 5] / blind->covariance[k * 9 + n * 4], 1, 1e-4);
    }
    emx_law_destroy(&planted);
    emx_law_destroy(&law);
    emx_law_destroy(&blind);
    emx_observations_destroy(&o);
}

/* sum of h over the rows = number of determined coefficients; beyond the steps it grows. */
static void leverage_sums_to_the_number_of_coefficients(void)
{
    for (int form = 0; form < EMX_LAW_N_FORMS; form++) {
        struct emx_observations *o = table_create(4, 20, 3, &seed);
        struct emx_law *planted = law_plant(o, 3, (enum emx_law_form)form, &seed), *law;
        struct emx_law_leverage leverage[4];
        double sum[4] = {0};

        table_fill(o, planted, 0.001, &seed);
        law = fit(o, &(struct emx_law_options){.form = (enum emx_law_form)form, .n_threads = 1});
        for (size_t row = 0; row < o->n_rows; row++) {
            CHECK(emx_law_leverage(law, o->proportion + o->mixture[row] * 4, o->step[row], leverage, &err) == EMX_OK);
            for (size_t k = 0; k < 4; k++) {
                CHECK(leverage[k].verdict == EMX_LAW_INSIDE && leverage[k].h <= leverage[k].largest * (1 + 1e-9));
                sum[k] += leverage[k].h;
            }
        }
        for (size_t k = 0; k < 4; k++) {
            double n = 0;

            for (size_t i = 0; i < law->n_coefficients; i++)
                n += law->known[k * law->n_coefficients + i] == EMX_LAW_FREE;
            CHECK_NEAR(sum[k], n, 1e-6);
        }
        if (form == EMX_LAW_BIMIX) {
            CHECK(emx_law_leverage(law, o->proportion, 1e6, leverage, &err) == EMX_OK);
            CHECK(leverage[0].verdict != EMX_LAW_INSIDE);
        }
        emx_law_destroy(&planted);
        emx_law_destroy(&law);
        emx_observations_destroy(&o);
    }
}

/* Draws of mixtures scatter about as the covariance says where rows are independent. */
static void draws_agree_with_the_covariance(void)
{
    struct emx_observations *o = table_create(3, 60, 10, &seed);
    struct emx_law *planted = law_plant(o, 10, EMX_LAW_BIMIX, &seed), *law;
    struct emx_law_prediction p[3];

    table_fill(o, planted, 0.005, &seed);
    law = fit(o, &(struct emx_law_options){.n_draws = 400, .seed = seed, .n_threads = 1});
    CHECK(emx_law_predict(law, o->proportion, 20000, 0.95, p, &err) == EMX_OK);
    for (size_t k = 0; k < 3; k++) {
        double spread = (p[k].draw_hi - p[k].draw_lo) / (p[k].hi - p[k].lo);

        CHECK(p[k].lo < p[k].loss && p[k].loss < p[k].hi);
        CHECK(spread > 0.6 && spread < 1.5);
        CHECK_NEAR(p[k].noise / p[k].loss, 0.005, 0.001);
    }
    emx_law_destroy(&planted);
    emx_law_destroy(&law);
    emx_observations_destroy(&o);
}

/* ---- refusals ---- */

static void what_has_no_value_is_refused(void)
{
    struct emx_observations *o = table_create(3, 4, 5, &seed);
    struct emx_law *planted = law_plant(o, 5, EMX_LAW_BIMIX, &seed), *law = NULL;
    struct emx_law_prediction p[3];
    double mixture[3] = {0.5, 0.5, 0}, bad[3] = {0.5, 0.5, 0.5};

    table_fill(o, planted, 0, &seed);
    law = fit(o, &(struct emx_law_options){.n_threads = 1});
    CHECK(emx_law_predict(law, mixture, 1000, 0.95, p, &err) == EMX_ERR_RANGE);
    CHECK(strstr(err.message, "d2") != NULL);
    CHECK(emx_law_predict(law, bad, 1000, 0.95, p, &err) == EMX_ERR_ARG);
    CHECK(emx_law_predict(law, o->proportion, 0, 0.95, p, &err) == EMX_ERR_ARG);
    CHECK(emx_law_predict(law, o->proportion, 1, 1, p, &err) == EMX_ERR_ARG);
    emx_law_destroy(&law);

    o->proportion[0] += o->proportion[2];
    o->proportion[2] = 0;
    CHECK(emx_law_fit(o, &(struct emx_law_options){.n_threads = 1}, &law, &err) == EMX_ERR_RANGE);
    CHECK(strstr(err.message, "d2") && strstr(err.message, "run0"));
    CHECK(emx_law_fit(o, &(struct emx_law_options){.form = EMX_LAW_EXPONENTIAL, .method = EMX_LAW_VARPRO}, &law,
                      &err) == EMX_ERR_ARG);
    o->loss[4] = NAN;
    CHECK(emx_law_fit(o, &(struct emx_law_options){.form = EMX_LAW_BLIND}, &law, &err) == EMX_ERR_RANGE);
    CHECK(law == NULL);
    emx_law_destroy(&planted);
    emx_observations_destroy(&o);
}

static void laws_from_files_are_checked(void)
{
    struct emx_observations *o = table_create(3, 4, 5, &seed);
    struct emx_law *law = law_plant(o, 5, EMX_LAW_BIMIX_TRANSFER, &seed);
    char name[30];

    emx_law_coefficient_name(law, 4 + 2, name, sizeof name);
    CHECK_STR(name, "t(d2)");
    CHECK(emx_law_check(law, &err) == EMX_OK);
    law->coefficient[4] = 0.5; /* t of its own domain */
    CHECK(emx_law_check(law, &err) == EMX_ERR_RANGE);
    law->coefficient[4] = 1;
    law->coefficient[1] = -1;
    CHECK(emx_law_check(law, &err) == EMX_ERR_RANGE);
    law->coefficient[1] = 1;
    law->proportion[2] += 0.1;
    CHECK(emx_law_check(law, &err) == EMX_ERR_RANGE);
    law->proportion[2] -= 0.1;
    law->mixture[3] = 4;
    CHECK(emx_law_check(law, &err) == EMX_ERR_RANGE);
    emx_law_destroy(&law);

    CHECK(
        emx_law_create(
            &(struct emx_law_shape){
                .n_domains = (size_t)1 << 23, .n_scored = 1, .n_mixtures = (size_t)1 << 23, .n_rows = 1, .n_steps = 1},
            &law, &err) == EMX_ERR_RANGE);
    emx_observations_destroy(&o);
}

int main(void)
{
    seed = test_seed();
    RUN(planted_coefficients_are_recovered);
    RUN(planted_transfer_and_exponential_laws_are_recovered);
    RUN(grid_and_start_find_one_minimum);
    RUN(rotated_rows_are_the_same_problem);
    RUN(order_and_units_do_not_matter);
    RUN(threads_and_repetition_give_the_same_bits);
    RUN(derivatives_are_exact);
    RUN(jacobians_of_residuals_are_exact);
    RUN(covariance_is_the_curvature_of_the_cost);
    RUN(intervals_cover_what_they_state);
    RUN(one_step_leaves_the_curve_undetermined);
    RUN(one_mixture_leaves_alpha_undetermined);
    RUN(coefficients_meet_their_bounds);
    RUN(leverage_sums_to_the_number_of_coefficients);
    RUN(draws_agree_with_the_covariance);
    RUN(what_has_no_value_is_refused);
    RUN(laws_from_files_are_checked);
    return test_summary();
}
