/*
 * test_law_prior.c - what a prior for transfer does to a law, in tables whose transfer was made up
 */
#include "law_tables.h"
#include "test.h"

#include "law/form.h"

enum { M = 6, STEPS = 5 };

static uint64_t seed;
static struct emx_error err;

/* Overlaps are symmetric and lie between 0 and 0.7; transfer is a part of them, each off by a little. */
struct planted {
    double overlap[M * M];
    struct emx_observations *o;
    struct emx_law *law;
};

static void plant_part(struct planted *p, size_t n_mixtures, double noise, double part)
{
    p->o = table_create(M, n_mixtures, STEPS, &seed);
    p->law = law_plant(p->o, STEPS, EMX_LAW_BIMIX_TRANSFER, &seed);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j <= i; j++)
            p->overlap[i * M + j] = p->overlap[j * M + i] = i == j ? 1 : pow(random_real(&seed, 0, 0.85), 2);
    for (size_t k = 0; k < M; k++)
        for (size_t j = 0; j < M; j++)
            if (j != k)
                p->law->coefficient[k * p->law->n_coefficients + BIMIX_T + j] =
                    part * p->overlap[k * M + j] * exp(0.2 * random_normal(&seed));
    table_fill(p->o, p->law, noise, &seed);
}

static void plant(struct planted *p, size_t n_mixtures, double noise)
{
    plant_part(p, n_mixtures, noise, 0.7);
}

static void finish(struct planted *p)
{
    emx_law_destroy(&p->law);
    emx_observations_destroy(&p->o);
}

static struct emx_law *fit(const struct planted *p, const double *prior, double strength, unsigned n_threads)
{
    const struct emx_law_options options = {.form = EMX_LAW_BIMIX_TRANSFER,
                                            .prior = prior,
                                            .prior_strength = strength,
                                            .n_starts = 4,
                                            .n_threads = n_threads};
    struct emx_law *law = NULL;

    if (emx_law_fit(p->o, &options, &law, &err)) {
        printf("%s\n", err.message);
        abort();
    }
    return law;
}

/* The cost as law.h writes it. */
static double cost(const struct planted *p, const double *c, size_t k, double strength)
{
    const struct emx_observations *o = p->o;
    double sum = 0, squares = 0, norm = 0, along = 0;

    for (size_t row = 0; row < o->n_rows; row++) {
        const double *r = o->proportion + o->mixture[row] * M, s = o->step[row] / (1000.0 * STEPS);
        double q = 0;

        for (size_t j = 0; j < M; j++)
            q += c[BIMIX_T + j] * r[j];
        sum += pow(log((c[BIMIX_B] / pow(s, c[BIMIX_BETA]) + c[BIMIX_C]) / pow(q, c[BIMIX_ALPHA])) -
                       log(o->loss[row * M + k]),
                   2);
    }
    for (size_t j = 0; j < M; j++) {
        double d = c[BIMIX_T + j] - p->overlap[k * M + j];

        if (j == k)
            continue;
        squares += d * d;
        norm += pow(p->overlap[k * M + j], 2);
        along += p->overlap[k * M + j] * d;
    }
    return 0.5 * sum + 0.5 * strength * (squares - 0.99 * along * along / norm);
}

static void costs_are_as_written_and_least(void)
{
    struct planted p;
    const double strength = 0.01;

    plant(&p, 12, 0.01);

    struct emx_law *law = fit(&p, p.overlap, strength, 1);

    CHECK(law->prior_strength == strength);
    for (size_t k = 0; k < M; k++) {
        double *c = law->coefficient + k * law->n_coefficients, least = cost(&p, c, k, strength);

        CHECK_NEAR(law->cost[k], least, 1e-12 * least);
        for (size_t i = 0; i < law->n_coefficients; i++) {
            double was = c[i], step = 1e-4 * fmax(was, 0.01);

            if (law->known[k * law->n_coefficients + i] == EMX_LAW_FIXED)
                continue;
            c[i] = was + step;
            CHECK(cost(&p, c, k, strength) > least);
            c[i] = fmax(0, was - step);
            CHECK(cost(&p, c, k, strength) >= least);
            c[i] = was;
        }
    }
    emx_law_destroy(&law);
    finish(&p);
}

/* Nothing is left of the losses but a factor at first, then the overlap itself; rows to spare follow. */
static void strength_leads_from_losses_to_overlaps(void)
{
    struct planted p;

    plant(&p, 12, 0.01);

    struct emx_law *none = fit(&p, NULL, 0, 1), *weak = fit(&p, p.overlap, 1e-12, 1),
                   *strong = fit(&p, p.overlap, 1e9, 1);
    size_t n = none->n_coefficients;

    for (size_t k = 0; k < M; k++) {
        double squares = 2 * cost(&p, strong->coefficient + k * n, k, 0);

        CHECK_NEAR(weak->cost[k], none->cost[k], 1e-8 * none->cost[k]);
        CHECK_NEAR(weak->residual_variance[k], none->residual_variance[k], 1e-3 * none->residual_variance[k]);
        for (size_t j = 0; j < M; j++)
            CHECK_NEAR(strong->coefficient[k * n + BIMIX_T + j], p.overlap[k * M + j], 1e-4);
        CHECK_NEAR(strong->residual_variance[k], squares / (12 * STEPS - 4), 1e-4 * strong->residual_variance[k]);
    }
    emx_law_destroy(&none);
    emx_law_destroy(&weak);
    emx_law_destroy(&strong);
    finish(&p);
}

/* Trace of (J^T J)^-1 J_L^T J_L, by the covariance and by the leverages of the observed rows. */
static void leverages_sum_to_what_losses_determine(void)
{
    struct planted p;

    plant(&p, 6, 0.01);

    struct emx_law *law = fit(&p, p.overlap, 1e-3, 1);
    struct emx_law_leverage leverage[M];
    double sum[M] = {0};

    for (size_t row = 0; row < p.o->n_rows; row++) {
        CHECK(emx_law_leverage(law, p.o->proportion + p.o->mixture[row] * M, p.o->step[row], leverage, &err) == EMX_OK);
        for (size_t k = 0; k < M; k++)
            sum[k] += leverage[k].h;
    }
    for (size_t k = 0; k < M; k++) {
        double squares = 2 * cost(&p, law->coefficient + k * law->n_coefficients, k, 0);

        CHECK(sum[k] > 3 && sum[k] < 9);
        CHECK_NEAR(squares / (6 * STEPS - sum[k]), law->residual_variance[k], 1e-6 * law->residual_variance[k]);
    }
    emx_law_destroy(&law);
    finish(&p);
}

static double held_out_error(const struct planted *p, const double *prior, size_t n_known, double *ret_without)
{
    size_t held_out[64];
    struct emx_law_judge_options options = {
        .fit = {.form = EMX_LAW_BIMIX_TRANSFER, .prior = prior, .n_starts = 4, .n_threads = 1},
        .split = EMX_LAW_MIXTURES,
        .held_out = held_out,
        .n_held_out = p->o->n_mixtures - n_known,
        .competing = &options.fit.form,
        .n_competing = 1};
    struct emx_law_judgement *j = NULL;

    for (size_t i = 0; i < options.n_held_out; i++)
        held_out[i] = n_known + i;
    if (emx_law_judge(p->o, &options, &j, &err)) {
        printf("%s\n", err.message);
        abort();
    }
    CHECK(j->scores[0].has_prior && j->scores[1].has_prior && !j->scores[2].has_prior);
    CHECK(j->scores[2].form == EMX_LAW_BIMIX_TRANSFER && j->scores[2].predictor == EMX_LAW_BY_LAW);

    double error = j->scores[0].mean;

    *ret_without = j->scores[2].mean;
    emx_law_judgement_destroy(&j);
    return error;
}

/* Six runs for nine coefficients a domain: overlaps help much, those of other domains hurt little. */
static void few_runs_gain_by_overlaps(void)
{
    enum { TABLES = 3 };
    double with = 0, without = 0, wrong = 0;

    for (size_t t = 0; t < TABLES; t++) {
        struct planted p;
        double turned[M * M], none;

        plant(&p, 40, 0.003);
        for (size_t i = 0; i < M * M; i++)
            turned[i] = p.overlap[i / M * M + (2 * (i / M) + M - 1 - i % M) % M];
        wrong += held_out_error(&p, turned, 6, &none) / TABLES;
        with += held_out_error(&p, p.overlap, 6, &none) / TABLES;
        without += none / TABLES;
        finish(&p);
    }
    printf("# held-out error: %.2f %% with the prior, %.2f %% without, %.2f %% with another\n", 100 * with,
           100 * without, 100 * wrong);
    CHECK(with < 0.8 * without);
    CHECK(wrong < 2 * without);
}

/* A hundredth of what overlaps promise is transferred: the laws without transfer are nearly right. */
static void overlaps_that_promise_too_much_are_scaled_down(void)
{
    struct planted p;
    double none, with;

    plant_part(&p, 40, 0.003, 0.01);
    with = held_out_error(&p, p.overlap, 6, &none);
    printf("# held-out error: %.2f %% with the prior, %.2f %% without\n", 100 * with, 100 * none);
    CHECK(with < 0.005);
    finish(&p);

    plant_part(&p, 12, 0.003, 0.01);

    struct emx_law *law = fit(&p, p.overlap, 0, 1), *whole = fit(&p, p.overlap, 0.1, 1);

    CHECK(law->prior_factor < 1 && whole->prior_factor == 1);
    for (size_t k = 0; k < M; k++) {
        for (size_t j = 0; j < M; j++)
            CHECK(j == k || law->prior[k * M + j] == law->prior_factor * p.overlap[k * M + j]);
        memcpy(p.overlap + k * M, law->prior + k * M, sizeof(double) * M);
        CHECK_NEAR(law->cost[k], cost(&p, law->coefficient + k * law->n_coefficients, k, law->prior_strength),
                   1e-12 * law->cost[k]);
    }
    emx_law_destroy(&law);
    emx_law_destroy(&whole);
    finish(&p);
}

static void numbers_do_not_depend_on_threads(void)
{
    struct planted p;

    plant(&p, 10, 0.01);

    struct emx_law *one = fit(&p, p.overlap, 0, 1);

    for (unsigned n_threads = 2; n_threads <= 8; n_threads *= 4) {
        struct emx_law *many = fit(&p, p.overlap, 0, n_threads);
        size_t n = M * one->n_coefficients;

        CHECK(many->prior_strength == one->prior_strength && many->prior_factor == one->prior_factor);
        CHECK(memcmp(many->coefficient, one->coefficient, n * sizeof(double)) == 0);
        CHECK(memcmp(many->covariance, one->covariance, n * one->n_coefficients * sizeof(double)) == 0);
        emx_law_destroy(&many);
    }
    emx_law_destroy(&one);
    finish(&p);
}

static void huber_leaves_the_prior_square(void)
{
    struct planted p;

    plant(&p, 12, 0.01);

    struct emx_law_options options = {.form = EMX_LAW_BIMIX_TRANSFER,
                                      .loss = EMX_LAW_HUBER,
                                      .huber_scale = 100,
                                      .prior = p.overlap,
                                      .prior_strength = 1,
                                      .n_threads = 1};
    struct emx_law *square = fit(&p, p.overlap, 1, 1), *huber = NULL, *tight = NULL;

    CHECK(emx_law_fit(p.o, &options, &huber, &err) == EMX_OK);
    options.huber_scale = 1e-3;
    options.prior_strength = 1e9;
    CHECK(emx_law_fit(p.o, &options, &tight, &err) == EMX_OK);
    for (size_t k = 0; k < M; k++) {
        CHECK_NEAR(huber->cost[k], square->cost[k], 1e-10);
        for (size_t j = 0; j < M; j++)
            CHECK_NEAR(tight->coefficient[k * tight->n_coefficients + BIMIX_T + j], p.overlap[k * M + j], 1e-4);
    }
    emx_law_destroy(&square);
    emx_law_destroy(&huber);
    emx_law_destroy(&tight);
    finish(&p);
}

static void wrong_priors_are_refused(void)
{
    struct planted p;
    struct emx_law *law = NULL;
    struct emx_law_options options = {.form = EMX_LAW_BIMIX, .n_threads = 1};

    plant(&p, 8, 0.01);
    options.prior = p.overlap;
    CHECK(emx_law_fit(p.o, &options, &law, &err) == EMX_ERR_ARG);
    options.form = EMX_LAW_BIMIX_TRANSFER;
    options.prior_strength = -1;
    CHECK(emx_law_fit(p.o, &options, &law, &err) == EMX_ERR_ARG);
    options.prior_strength = NAN;
    CHECK(emx_law_fit(p.o, &options, &law, &err) == EMX_ERR_ARG);
    options.prior_strength = 1;
    p.overlap[1] = -0.1;
    CHECK(emx_law_fit(p.o, &options, &law, &err) == EMX_ERR_ARG);
    p.overlap[1] = NAN;
    CHECK(emx_law_fit(p.o, &options, &law, &err) == EMX_ERR_ARG);
    CHECK(strstr(err.message, "d0 and d1") != NULL);
    p.overlap[1] = 0;
    p.overlap[0] = NAN; /* not read */
    CHECK(emx_law_fit(p.o, &options, &law, &err) == EMX_OK);
    emx_law_destroy(&law);
    finish(&p);
}

int main(void)
{
    seed = test_seed();
    RUN(costs_are_as_written_and_least);
    RUN(strength_leads_from_losses_to_overlaps);
    RUN(leverages_sum_to_what_losses_determine);
    RUN(few_runs_gain_by_overlaps);
    RUN(overlaps_that_promise_too_much_are_scaled_down);
    RUN(numbers_do_not_depend_on_threads);
    RUN(huber_leaves_the_prior_square);
    RUN(wrong_priors_are_refused);
    return test_summary();
}
