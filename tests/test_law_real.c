/*
 * test_law_real.c - the laws on losses of real runs, and on generated ones that lie off the law as real ones do
 *
 * Real tables are read from the folder EMX_SHARED_DATA, where it is set; the figures are those that SciPy's
 * least_squares(method="trf") gives for the same models (scripts/scipy_law).
 */
#include "law_tables.h"
#include "test.h"

static uint64_t seed;
static struct emx_error err;

static double error_of(const struct emx_law_judgement *j, enum emx_law_predictor predictor, enum emx_law_form form)
{
    for (size_t i = 0; i < j->n_scores; i++)
        if (j->scores[i].predictor == predictor && (predictor > EMX_LAW_BY_SHIFTED || j->scores[i].form == form))
            return j->scores[i].defined ? j->scores[i].mean : NAN;
    return NAN;
}

/* Mean relative errors: bimix, shifted, transfer, blind, exponential. */
struct figures {
    double law, shifted, transfer, blind, exponential;
};

static struct figures judge(const struct emx_observations *o, enum emx_law_split split)
{
    struct emx_law_judgement *j = NULL;
    struct figures f = {0};

    if (emx_law_judge(o, &(struct emx_law_judge_options){.split = split}, &j, &err)) {
        FAIL(err.message);
        return f;
    }
    f.law = error_of(j, EMX_LAW_BY_LAW, EMX_LAW_BIMIX);
    f.shifted = error_of(j, EMX_LAW_BY_SHIFTED, EMX_LAW_BIMIX);
    f.transfer = error_of(j, EMX_LAW_BY_LAW, EMX_LAW_BIMIX_TRANSFER);
    f.blind = error_of(j, EMX_LAW_BY_LAW, EMX_LAW_BLIND);
    f.exponential = error_of(j, EMX_LAW_BY_LAW, EMX_LAW_EXPONENTIAL);
    emx_law_judgement_destroy(&j);
    return f;
}

/* Transfer between domains is in the losses: bimix is off by mixture, the transfer law is not. */
static void generated_losses_rank_the_laws(void)
{
    struct emx_observations *o = table_create(4, 40, 10, &seed);
    struct emx_law *planted = law_plant(o, 10, EMX_LAW_BIMIX_TRANSFER, &seed);
    struct figures mixtures, last;

    table_fill(o, planted, 0.002, &seed);
    mixtures = judge(o, EMX_LAW_MIXTURES);
    last = judge(o, EMX_LAW_LAST_STEP);
    CHECK(mixtures.transfer < 0.003 && mixtures.transfer < mixtures.law && mixtures.law < mixtures.blind);
    CHECK(last.shifted < 0.004 && last.transfer < last.law && last.law < last.blind);
    emx_law_destroy(&planted);
    emx_observations_destroy(&o);
}

static struct emx_observations *read_real(const char *folder)
{
    static const char *const where[] = {"model_size=122000000"}, *const ignored[] = {"openhermes_loss"};
    const struct emx_observations_options options = {
        .where = where, .n_where = 1, .ignored = ignored, .n_ignored = 1, .repeated = EMX_REPEATED_DROP};
    struct emx_observations *o = NULL;
    char path[4096];

    snprintf(path, sizeof path, "%s/observations/dmsl_slimpajama/dmsl_llm_slimpajama.csv", folder);
    if (emx_observations_read(path, &options, &o, &err)) {
        FAIL(err.message);
        return NULL;
    }
    return o;
}

/* Within 2 % of itself. */
#define CHECK_FIGURE(got, expected) CHECK_NEAR(got, expected, 0.02 * (expected))

static void real_losses_give_the_known_figures(void)
{
    const char *folder = test_shared_data();
    struct emx_observations *o;

    if (!folder) {
        printf("EMX_SHARED_DATA is not set: real losses are left out\n");
        return;
    }
    o = read_real(folder);
    if (!o)
        return;
    CHECK(o->n_mixtures == 60 && o->n_rows == 594 && o->n_scored == 7);

    struct figures mixtures = judge(o, EMX_LAW_MIXTURES), last = judge(o, EMX_LAW_LAST_STEP);
    struct figures half = judge(o, EMX_LAW_FIRST_HALF);

    CHECK_FIGURE(mixtures.law, 0.014047);
    CHECK_FIGURE(mixtures.transfer, 0.005806);
    CHECK_FIGURE(mixtures.exponential, 0.005209);
    CHECK_FIGURE(mixtures.blind, 0.044397);
    CHECK_FIGURE(last.law, 0.012748);
    CHECK_FIGURE(last.shifted, 0.003467);
    CHECK_FIGURE(last.transfer, 0.004998);
    CHECK_FIGURE(half.law, 0.014199);
    CHECK_FIGURE(half.shifted, 0.005884);
    CHECK_FIGURE(half.transfer, 0.006593);
    emx_observations_destroy(&o);
}

int main(void)
{
    seed = test_seed();
    RUN(generated_losses_rank_the_laws);
    RUN(real_losses_give_the_known_figures);
    return test_summary();
}
