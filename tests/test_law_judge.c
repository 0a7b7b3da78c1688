/*
 * test_law_judge.c - laws judged on rows held out, and Student's quantiles
 */
#include "law_tables.h"
#include "test.h"

#include "law/student.h"

static uint64_t seed;
static struct emx_error err;

static struct emx_law_judgement *judge(const struct emx_observations *o, const struct emx_law_judge_options *options)
{
    struct emx_law_judgement *j = NULL;

    if (emx_law_judge(o, options, &j, &err)) {
        printf("%s\n", err.message);
        abort();
    }
    return j;
}

static const struct emx_law_score *find(const struct emx_law_judgement *j, enum emx_law_predictor predictor,
                                        enum emx_law_form form)
{
    for (size_t i = 0; i < j->n_scores; i++)
        if (j->scores[i].predictor == predictor && (predictor > EMX_LAW_BY_SHIFTED || j->scores[i].form == form))
            return &j->scores[i];
    abort();
}

static struct emx_observations *planted_table(double noise)
{
    struct emx_observations *o = table_create(4, 12, 8, &seed);
    struct emx_law *law = law_plant(o, 8, EMX_LAW_BIMIX, &seed);

    table_fill(o, law, noise, &seed);
    emx_law_destroy(&law);
    return o;
}

static void true_laws_predict_without_error(void)
{
    struct emx_observations *o = planted_table(0);

    for (int split = EMX_LAW_LAST_STEP; split <= EMX_LAW_FIRST_HALF; split++) {
        struct emx_law_judgement *j =
            judge(o, &(struct emx_law_judge_options){.split = (enum emx_law_split)split, .fit.n_threads = 1});
        const struct emx_law_score *law = find(j, EMX_LAW_BY_LAW, EMX_LAW_BIMIX);
        const struct emx_law_score *blind = find(j, EMX_LAW_BY_LAW, EMX_LAW_BLIND);
        const struct emx_law_score *curve = find(j, EMX_LAW_BY_CURVE, EMX_LAW_BLIND);

        CHECK(&j->scores[0] == law && law->defined && blind->defined);
        CHECK_NEAR(law->mean, 0, 1e-9);
        CHECK_NEAR(law->worst, 0, 1e-9);
        CHECK_NEAR(law->r2, 1, 1e-12);
        CHECK_NEAR(law->r2_within, 1, 1e-12);
        CHECK_NEAR(law->rank, 1, 1e-12);
        CHECK(blind->mean > 0.01 && blind->r2_within < 0.1);
        CHECK(curve->defined == (split != EMX_LAW_MIXTURES));
        if (curve->defined)
            CHECK_NEAR(curve->mean, 0, 1e-6);
        CHECK(law->n_free == 16 && law->n_published == 20);
        CHECK(find(j, EMX_LAW_BY_LAW, EMX_LAW_EXPONENTIAL)->defined == (split == EMX_LAW_MIXTURES));
        CHECK(j->n_predicted == (split == EMX_LAW_LAST_STEP ? 12 : split == EMX_LAW_MIXTURES ? 96 : 48));
        emx_law_judgement_destroy(&j);
    }
    emx_observations_destroy(&o);
}

/* The figures by their definitions, for a predictor that is simple: the last loss again. */
static void figures_are_as_defined(void)
{
    struct emx_observations *o = planted_table(0.01);
    struct emx_law_judgement *j = judge(o, &(struct emx_law_judge_options){.fit.n_threads = 1});
    const struct emx_law_score *repeat = find(j, EMX_LAW_BY_REPEAT, EMX_LAW_BIMIX);
    double all = 0;

    for (size_t k = 0; k < 4; k++) {
        double error = 0, squares = 0, mean = 0, total = 0;

        for (size_t i = 0; i < 12; i++) {
            double last = o->loss[(i * 8 + 7) * 4 + k], before = o->loss[(i * 8 + 6) * 4 + k];

            error += fabs(before - last) / last / 12;
            squares += pow(log(before) - log(last), 2);
            mean += log(last) / 12;
        }
        for (size_t i = 0; i < 12; i++)
            total += pow(log(o->loss[(i * 8 + 7) * 4 + k]) - mean, 2);
        CHECK_NEAR(repeat->domain_error[k], error, 1e-14);
        CHECK_NEAR(repeat->domain_r2[k], 1 - squares / total, 1e-10);
        CHECK_NEAR(repeat->domain_r2_within[k], repeat->domain_r2[k], 1e-10); /* there is one step */
        all += error / 4;
    }
    CHECK_NEAR(repeat->mean, all, 1e-14);
    CHECK(repeat->best <= repeat->mean && repeat->mean <= repeat->worst);
    emx_law_judgement_destroy(&j);
    emx_observations_destroy(&o);
}

/* Each curve is the law times a factor of its own: the shifted law knows it, the law does not. */
static void shifts_take_off_what_is_a_mixtures_own(void)
{
    struct emx_observations *o = planted_table(0);
    struct emx_law_judgement *j;

    for (size_t i = 0; i < 12; i++) {
        double factor = i % 2 ? 1.02 : 0.98;

        for (size_t n = 0; n < 8 * 4; n++)
            o->loss[i * 32 + n] *= factor;
    }
    j = judge(o, &(struct emx_law_judge_options){.split = EMX_LAW_FIRST_HALF, .fit.n_threads = 1});
    CHECK(find(j, EMX_LAW_BY_LAW, EMX_LAW_BIMIX)->mean > 0.01);
    CHECK_NEAR(find(j, EMX_LAW_BY_SHIFTED, EMX_LAW_BIMIX)->mean, 0, 1e-7);
    emx_law_judgement_destroy(&j);
    emx_observations_destroy(&o);
}

/* Folds of one mixture each are those mixtures held out by name, one after the other. */
static void folds_are_lists_of_mixtures(void)
{
    struct emx_observations *o = planted_table(0.01);
    const enum emx_law_form none = EMX_LAW_BIMIX;
    struct emx_law_judge_options options = {
        .split = EMX_LAW_MIXTURES, .n_folds = 12, .competing = &none, .n_competing = 1, .fit.n_threads = 1};
    struct emx_law_judgement *all = judge(o, &options);
    double mean = 0;

    CHECK(all->n_fits == 12 && all->n_scores == 4);
    for (size_t i = 0; i < 12; i++) {
        struct emx_law_judgement *one;

        options.held_out = &i;
        options.n_held_out = 1;
        one = judge(o, &options);
        CHECK(one->n_fits == 1 && one->n_predicted == 8);
        mean += one->scores[0].mean / 12;
        emx_law_judgement_destroy(&one);
    }
    CHECK_NEAR(all->scores[0].mean, mean, 1e-14);
    emx_law_judgement_destroy(&all);
    emx_observations_destroy(&o);
}

static void impossible_splits_are_refused(void)
{
    struct emx_observations *o = table_create(3, 4, 1, &seed);
    struct emx_law_judgement *j = NULL;
    size_t all[] = {0, 1, 2, 3}, none = 9;

    CHECK(emx_law_judge(o, &(struct emx_law_judge_options){0}, &j, &err) == EMX_ERR_EMPTY);
    CHECK(emx_law_judge(o, &(struct emx_law_judge_options){.split = EMX_LAW_MIXTURES, .held_out = all, .n_held_out = 4},
                        &j, &err) == EMX_ERR_EMPTY);
    CHECK(emx_law_judge(o,
                        &(struct emx_law_judge_options){.split = EMX_LAW_MIXTURES, .held_out = &none, .n_held_out = 1},
                        &j, &err) == EMX_ERR_ARG);
    CHECK(emx_law_judge(o, &(struct emx_law_judge_options){.split = EMX_LAW_MIXTURES, .n_folds = 1}, &j, &err) ==
          EMX_ERR_ARG);
    CHECK(j == NULL);
    emx_observations_destroy(&o);
}

/* Zeros: the law asked for refuses, a competing one is listed without figures. */
static void laws_without_a_value_are_listed(void)
{
    struct emx_observations *o = planted_table(0.01);
    struct emx_law_judgement *j = NULL;

    o->proportion[1] += o->proportion[0];
    o->proportion[0] = 0;
    CHECK(emx_law_judge(o, &(struct emx_law_judge_options){.fit.n_threads = 1}, &j, &err) == EMX_ERR_RANGE);
    j = judge(o, &(struct emx_law_judge_options){.fit = {.form = EMX_LAW_BLIND, .n_threads = 1}});
    CHECK(find(j, EMX_LAW_BY_LAW, EMX_LAW_BLIND)->defined);
    CHECK(!find(j, EMX_LAW_BY_LAW, EMX_LAW_BIMIX)->defined);
    emx_law_judgement_destroy(&j);
    emx_observations_destroy(&o);
}

/* Tables of the t distribution, to their last digit; far out it is the normal distribution. */
static void quantiles_are_those_of_the_tables(void)
{
    CHECK_NEAR(student_quantile(0.95, 1), 12.7062047364, 1e-9);
    CHECK_NEAR(student_quantile(0.95, 2), 4.30265272975, 1e-10);
    CHECK_NEAR(student_quantile(0.95, 10), 2.22813885196, 1e-10);
    CHECK_NEAR(student_quantile(0.99, 30), 2.74999565357, 1e-10);
    CHECK_NEAR(student_quantile(0.95, 300), student_quantile(0.95, 301), 3e-5);
    CHECK_NEAR(student_quantile(0.95, 1000000000), 1.95996398454, 1e-8);
}

int main(void)
{
    seed = test_seed();
    RUN(true_laws_predict_without_error);
    RUN(figures_are_as_defined);
    RUN(shifts_take_off_what_is_a_mixtures_own);
    RUN(folds_are_lists_of_mixtures);
    RUN(impossible_splits_are_refused);
    RUN(laws_without_a_value_are_listed);
    RUN(quantiles_are_those_of_the_tables);
    return test_summary();
}
