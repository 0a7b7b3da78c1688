/*
 * test_law_memory.c - laws when memory runs out: each allocation fails once, and nothing is leaked or believed
 */
#include "failing_memory.h"
#include "law_tables.h"
#include "test.h"

static uint64_t seed;
static struct emx_observations *o;

static const double overlap[9] = {1, 0.5, 0.1, 0.5, 1, 0.2, 0.1, 0.2, 1};

static enum emx_status fit_and_ask(enum emx_law_form form, const double *prior)
{
    struct emx_error err;
    struct emx_law *law = NULL;
    struct emx_law_prediction prediction[3];
    struct emx_law_leverage leverage[3];
    const struct emx_law_options options = {.form = form, .n_draws = 2, .n_starts = 2, .prior = prior, .n_threads = 1};
    enum emx_status status = emx_law_fit(o, &options, &law, &err);

    if (!status)
        status = emx_law_predict(law, o->proportion, 1000, 0.9, prediction, &err);
    if (!status)
        status = emx_law_leverage(law, o->proportion, 1000, leverage, &err);
    emx_law_destroy(&law);
    return status;
}

static enum emx_status judge(void)
{
    struct emx_error err;
    struct emx_law_judgement *j = NULL;
    const struct emx_law_judge_options options = {.split = EMX_LAW_FIRST_HALF, .fit.n_threads = 1};
    enum emx_status status = emx_law_judge(o, &options, &j, &err);

    emx_law_judgement_destroy(&j);
    return status;
}

static void check_fit(enum emx_law_form form, const double *prior)
{
    unsigned n = 0;

    do {
        failed = false;
        until_failure = ++n;

        enum emx_status status = fit_and_ask(form, prior);

        until_failure = 0;
        CHECK(status == (failed ? EMX_ERR_MEMORY : EMX_OK));
    } while (failed && n < 1000);
    CHECK(!failed && n > 20);
}

static void fits_survive_every_failed_allocation(void)
{
    for (int form = 0; form < EMX_LAW_N_FORMS; form++)
        check_fit((enum emx_law_form)form, NULL);
    check_fit(EMX_LAW_BIMIX_TRANSFER, overlap);
}

static void judgements_survive_every_failed_allocation(void)
{
    unsigned n = 0;

    do {
        failed = false;
        until_failure = ++n;

        enum emx_status status = judge();

        until_failure = 0;
        CHECK(status == (failed ? EMX_ERR_MEMORY : EMX_OK));
    } while (failed && n < 10000);
    CHECK(!failed && n > 50);
}

/* Allocations of a fit with so many draws. */
static unsigned allocations(size_t n_draws, size_t n_starts)
{
    const unsigned many = 1u << 30;
    const struct emx_law_options options = {.form = EMX_LAW_BIMIX_TRANSFER,
                                            .method = EMX_LAW_MULTI,
                                            .n_draws = n_draws,
                                            .n_starts = n_starts,
                                            .prior = overlap,
                                            .n_threads = 1};
    struct emx_law *law = NULL;
    unsigned n;

    until_failure = many;
    CHECK(emx_law_fit(o, &options, &law, NULL) == EMX_OK);
    n = many - until_failure;
    until_failure = 0;
    emx_law_destroy(&law);
    return n;
}

static void loops_do_not_allocate(void)
{
    unsigned few = allocations(1, 1);

    CHECK(few > 0 && few < 200);
    CHECK(allocations(40, 1) == few);
    CHECK(allocations(1, 40) == few);
}

int main(void)
{
    struct emx_law *law;

    seed = test_seed();
    o = table_create(3, 5, 4, &seed);
    law = law_plant(o, 4, EMX_LAW_BIMIX, &seed);
    table_fill(o, law, 0.01, &seed);
    emx_law_destroy(&law);
    RUN(fits_survive_every_failed_allocation);
    RUN(loops_do_not_allocate);
    RUN(judgements_survive_every_failed_allocation);
    emx_observations_destroy(&o);
    return test_summary();
}
