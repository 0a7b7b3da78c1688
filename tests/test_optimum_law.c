/* optimum of fitted laws: planted optima found, intervals, comparison with what was observed */
#include "test.h"

#include <emx/observations.h>
#include <emx/optimum.h>

#include <stdbool.h>

enum { M = 5, N_MIXTURES = 14, N_STEPS = 6 };

static uint64_t seed;

static double uniform(double low, double high)
{
    return low + (high - low) * (double)(test_random(&seed) >> 11) * 0x1p-53;
}

static double normal(void)
{
    double sum = -6;

    for (int i = 0; i < 12; i++)
        sum += uniform(0, 1);
    return sum;
}

/* A table in memory, of a law of which only BiMix's part is used where `transfer` is 0. */
struct planted {
    double alpha[M], beta[M], b[M], c[M], t[M][M];
    struct emx_observations table;
    char *names[M], *mixtures[N_MIXTURES];
    double proportion[N_MIXTURES][M], step[N_MIXTURES * N_STEPS], loss[N_MIXTURES * N_STEPS][M];
    size_t scored[M], mixture[N_MIXTURES * N_STEPS];
};

static double planted_loss(const struct planted *p, size_t i, const double *r, double s)
{
    double q = 0;

    for (size_t j = 0; j < M; j++)
        q += p->t[i][j] * r[j];
    return (p->b[i] * pow(s, -p->beta[i]) + p->c[i]) * pow(q, -p->alpha[i]);
}

static void plant_coefficients(struct planted *p, double transfer)
{
    static char names[M][2] = {"a", "b", "c", "d", "e"};

    for (size_t i = 0; i < M; i++) {
        p->alpha[i] = uniform(0.05, 0.3);
        p->beta[i] = uniform(0.3, 0.6);
        p->b[i] = uniform(0.3, 1);
        p->c[i] = uniform(1, 3);
        p->names[i] = names[i];
        p->scored[i] = i;
        for (size_t j = 0; j < M; j++)
            p->t[i][j] = i == j ? 1 : uniform(0, transfer);
    }
}

static void plant(struct planted *p, double transfer, double noise)
{
    static char name[] = "run";

    plant_coefficients(p, transfer);
    for (size_t i = 0; i < N_MIXTURES; i++) {
        double sum = 0;

        p->mixtures[i] = name;
        for (size_t j = 0; j < M; j++)
            sum += p->proportion[i][j] = exp(uniform(0, 2.5));
        for (size_t j = 0; j < M; j++)
            p->proportion[i][j] /= sum;
        for (size_t t = 0; t < N_STEPS; t++) {
            size_t row = i * N_STEPS + t;

            p->mixture[row] = i;
            p->step[row] = 1000.0 * (double)(t + 1);
            for (size_t j = 0; j < M; j++)
                p->loss[row][j] =
                    planted_loss(p, j, p->proportion[i], (double)(t + 1) / N_STEPS) * exp(noise * normal());
        }
    }
    p->table = (struct emx_observations){.n_domains = M,
                                         .n_scored = M,
                                         .n_mixtures = N_MIXTURES,
                                         .n_rows = N_MIXTURES * N_STEPS,
                                         .domains = p->names,
                                         .mixtures = p->mixtures,
                                         .proportion = p->proportion[0],
                                         .scored = p->scored,
                                         .mixture = p->mixture,
                                         .step = p->step,
                                         .loss = p->loss[0]};
}

static struct emx_law *fit(const struct emx_observations *table, enum emx_law_form form, size_t n_draws)
{
    struct emx_law_options options = {.form = form, .n_draws = n_draws, .seed = 1, .n_starts = 4, .n_threads = 1};
    struct emx_law *law = NULL;
    struct emx_error err = {0};

    CHECK(emx_law_fit(table, &options, &law, &err) == EMX_OK);
    CHECK_STR(err.message, "");
    return law;
}

static struct emx_optimum *find(const struct emx_law *law, const struct emx_optimum_options *options)
{
    struct emx_optimum *o = NULL;
    struct emx_error err = {0};

    CHECK(emx_optimum_find(law, options, &o, &err) == EMX_OK);
    CHECK_STR(err.message, "");
    return o;
}

/* lambda by bisection, from the planted coefficients. */
static void planted_optimum(const struct planted *p, double s, double *ret)
{
    double low = -50, high = 50;

    for (int i = 0; i < 200; i++) {
        double sum = 0;

        for (size_t j = 0; j < M; j++) {
            double a = (p->b[j] * pow(s, -p->beta[j]) + p->c[j]) * p->alpha[j];

            sum += ret[j] = exp((log(a) - (low + high) / 2) / (1 + p->alpha[j]));
        }
        *(sum > 1 ? &low : &high) = (low + high) / 2;
    }
}

static void the_planted_optimum_is_found(void)
{
    static struct planted p;
    double expected[M];

    for (int repeat = 0; repeat < 5; repeat++) {
        plant(&p, 0, 0);
        struct emx_law *law = fit(&p.table, EMX_LAW_BIMIX, 0);
        struct emx_optimum *o = find(law, &(struct emx_optimum_options){.step = 12000});

        planted_optimum(&p, 2, expected);
        for (size_t j = 0; j < M; j++)
            CHECK_NEAR(o->proportion[j], expected[j], 1e-6);
        CHECK(o->certificate.residual <= 1e-12);
        CHECK(isnan(o->domains[0].lo) && isnan(o->score.lo) && isnan(o->margin_hi));
        emx_optimum_destroy(&o);
        emx_law_destroy(&law);
    }
}

static void check_optimum(const struct emx_law *law, const struct emx_optimum *o)
{
    double best = INFINITY, score = 0;

    for (size_t k = 0; k < M; k++)
        score += o->predicted[k].loss;
    CHECK_NEAR(o->score.value, score, 1e-10); /* losses are predicted at 1e-12 where a share is 0 */
    for (size_t i = 0; i < law->n_mixtures; i++) {
        score = 0;
        for (size_t k = 0; k < M; k++)
            score += emx_law_value(law, k, NULL, law->proportion + i * M, 6000, NULL, NULL);
        best = fmin(best, score);
    }
    CHECK_NEAR(o->best_score.value, best, 1e-12);
    CHECK(o->score.value <= o->best_score.value);
    CHECK(o->certificate.residual <= 1e-12);
    CHECK(o->score.lo <= o->score.hi && o->best_score.lo <= o->best_score.hi && o->margin_lo <= o->margin_hi);
    for (size_t j = 0; j < M; j++) {
        CHECK(o->domains[j].proportion == o->proportion[j]);
        CHECK(o->domains[j].lo >= 0 && o->domains[j].lo <= o->domains[j].hi && o->domains[j].hi <= 1);
        CHECK(o->domains[j].observed_lo < o->domains[j].observed_hi);
    }
}

static void intervals_tell_how_certain_optima_are(void)
{
    static const enum emx_law_form forms[] = {EMX_LAW_BIMIX, EMX_LAW_BIMIX_TRANSFER, EMX_LAW_EXPONENTIAL};
    static struct planted p;
    double width[2] = {0};
    size_t within = 0;
    uint64_t start = seed;

    for (int noisy = 0; noisy < 2; noisy++) {
        seed = start; /* the same law */
        plant(&p, 0, noisy ? 0.005 : 0.0005);
        for (size_t f = 0; f < 3; f++) {
            struct emx_law *law = fit(&p.table, forms[f], 20);
            struct emx_optimum *o = find(law, &(struct emx_optimum_options){.step = 6000});

            check_optimum(law, o);
            for (size_t j = 0; j < M && f == 0; j++) {
                width[noisy] += o->domains[j].hi - o->domains[j].lo;
                within += o->domains[j].lo <= o->proportion[j] && o->proportion[j] <= o->domains[j].hi;
            }
            emx_optimum_destroy(&o);
            emx_law_destroy(&law);
        }
    }
    CHECK(width[0] > 0 && width[0] < width[1]);
    CHECK(within >= M);
}

static void the_blind_law_says_so(void)
{
    static struct planted p;

    plant(&p, 0, 0.001);
    struct emx_law *law = fit(&p.table, EMX_LAW_BLIND, 0);
    struct emx_optimum *o = find(law, &(struct emx_optimum_options){.step = 6000});

    for (size_t j = 0; j < M; j++) {
        CHECK_NEAR(o->proportion[j], 1.0 / M, 1e-15);
        CHECK(o->domains[j].place == EMX_OPTIMUM_INDIFFERENT);
    }
    CHECK_NEAR(o->score.value, o->best_score.value, 1e-12);
    emx_optimum_destroy(&o);
    emx_law_destroy(&law);
}

/* Caps and weights hold; an optimum outside the observed proportions is told. */
static void options_reach_the_solver(void)
{
    static struct planted p;
    const double hi[M] = {0.1, 1, 1, 0.15, 1}, weight[M] = {1, 0, 2, 1, 1}, far[M] = {1e-6, 1e-6, 1e-6, 1e-6, 0.999996};

    plant(&p, 0, 0.001);
    struct emx_law *law = fit(&p.table, EMX_LAW_BIMIX, 10);
    struct emx_optimum_options options = {.step = 6000, .weight = weight, .limits = {.hi = hi}};
    struct emx_optimum *o = find(law, &options);

    CHECK(o->proportion[0] <= 0.1 && o->proportion[3] <= 0.15 && o->proportion[1] == 0);
    CHECK(o->domains[0].place == EMX_OPTIMUM_FREE ? o->proportion[0] < 0.1 : o->proportion[0] == 0.1);
    CHECK(o->domains[1].place == EMX_OPTIMUM_INDIFFERENT && o->n_outside >= 1);
    emx_optimum_destroy(&o);
    options = (struct emx_optimum_options){.step = 6000, .limits = {.prior = far, .strength = 1e9}};
    o = find(law, &options);
    CHECK_NEAR(o->proportion[4], far[4], 1e-6);
    CHECK(o->n_outside == M && o->verdict == EMX_LAW_FAR);
    emx_optimum_destroy(&o);
    emx_law_destroy(&law);
}

static void expect(const struct emx_law *law, struct emx_optimum_options options, enum emx_status status,
                   const char *words)
{
    struct emx_optimum *o = NULL;
    struct emx_error err = {0};

    CHECK(emx_optimum_find(law, &options, &o, &err) == status && !o);
    if (!strstr(err.message, words))
        CHECK_STR(err.message, words);
}

static void what_has_no_optimum_is_said(void)
{
    static struct planted p;
    const double none[M] = {0}, negative[M] = {1, -1, 1, 1, 1}, small[M] = {0.1, 0.1, 0.1, 0.1, 0.1};

    plant(&p, 0, 0.001);
    struct emx_law *law = fit(&p.table, EMX_LAW_EXPONENTIAL, 0);

    expect(law, (struct emx_optimum_options){.step = 0}, EMX_ERR_ARG, "step must be above 0");
    expect(law, (struct emx_optimum_options){.step = 1234}, EMX_ERR_RANGE, "only at the steps");
    expect(law, (struct emx_optimum_options){.step = 1000, .weight = none}, EMX_ERR_ARG, "no loss has a weight");
    expect(law, (struct emx_optimum_options){.step = 1000, .weight = negative}, EMX_ERR_ARG, "weight of domain b");
    expect(law, (struct emx_optimum_options){.step = 1000, .limits = {.hi = small}}, EMX_ERR_ARG, "sum to 0.5");
    emx_law_destroy(&law);
}

/* With all data of the 122M model the law puts the mean loss of its optimum near 2.449. */
static void real_losses_have_the_known_optimum(void)
{
    const char *folder = test_shared_data(), *const where[] = {"model_size=1.22e8"},
               *const ignored[] = {"openhermes_loss"};
    struct emx_observations_options options = {
        .where = where, .n_where = 1, .ignored = ignored, .n_ignored = 1, .repeated = EMX_REPEATED_DROP};
    struct emx_observations *table = NULL;
    struct emx_error err = {0};
    char path[4096];

    if (!folder || !*folder) {
        puts("skipped: real losses (EMX_SHARED_DATA is not set)");
        return;
    }
    snprintf(path, sizeof(path), "%s/observations/dmsl_slimpajama/dmsl_llm_slimpajama.csv", folder);
    CHECK(emx_observations_read(path, &options, &table, &err) == EMX_OK);
    CHECK_STR(err.message, "");
    struct emx_law *law = table ? fit(table, EMX_LAW_BIMIX, 50) : NULL;

    if (law) {
        struct emx_optimum *o = find(law, &(struct emx_optimum_options){.step = law->step_unit});

        printf("optimum %.4f [%.4f, %.4f], best observed %.4f\n", o->score.value / 7, o->score.lo / 7, o->score.hi / 7,
               o->best_score.value / 7);
        CHECK_NEAR(o->score.value / 7, 2.449, 0.003);
        CHECK(o->score.lo <= o->score.value && o->score.value <= o->score.hi);
        emx_optimum_destroy(&o);
    }
    emx_law_destroy(&law);
    emx_observations_destroy(&table);
}

int main(void)
{
    seed = test_seed();
    RUN(the_planted_optimum_is_found);
    RUN(intervals_tell_how_certain_optima_are);
    RUN(the_blind_law_says_so);
    RUN(options_reach_the_solver);
    RUN(what_has_no_optimum_is_said);
    RUN(real_losses_have_the_known_optimum);
    return test_summary();
}
