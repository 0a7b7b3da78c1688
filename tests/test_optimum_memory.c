/* optima and plans when memory runs out: an error, nothing lost, nothing written */
#include "failing_memory.h"
#include "test.h"

#include <emx/law.h>
#include <emx/observations.h>
#include <emx/optimum.h>
#include <emx/plan.h>

enum { M = 3, N = 6, T = 4 };

/* Runs `attempt` with the 1st, 2nd, ... allocation failing until none does; it returns its status. */
static void fail_each(enum emx_status (*attempt)(struct emx_error *err))
{
    unsigned n = 0;

    do {
        struct emx_error err = {0};
        enum emx_status status;

        failed = false;
        until_failure = ++n;
        status = attempt(&err);
        until_failure = 0;
        CHECK(failed ? status == EMX_ERR_MEMORY && strstr(err.message, "memory") : status == EMX_OK);
        if (status != EMX_OK && !failed)
            CHECK_STR(err.message, "");
    } while (failed && n < 1000);
    CHECK(n > 1 && n < 1000);
}

static enum emx_status try_separable(struct emx_error *err)
{
    const double gain[M] = {1, 2, 3}, alpha[M] = {0.1, 0.2, 0.3};
    double r[M];

    return emx_optimum_separable(gain, alpha, M, &(struct emx_optimum_limits){0}, r, NULL, err);
}

static void exponential(const void *context, size_t term, double q, double ret[3])
{
    (void)context;
    (void)term;
    ret[0] = ret[1] = ret[2] = exp(q);
}

static enum emx_status try_convex(struct emx_error *err)
{
    const double direction[2 * M] = {-1, 2, 0, 1, -3, 1};
    struct emx_optimum_forms forms = {M, 2, direction, NULL, exponential, NULL};
    double r[M];

    return emx_optimum_convex(&forms, &(struct emx_optimum_limits){0}, r, NULL, err);
}

static struct emx_law *law;

static enum emx_status try_find(struct emx_error *err)
{
    struct emx_optimum *o = NULL;
    enum emx_status status = emx_optimum_find(law, &(struct emx_optimum_options){.step = 1}, &o, err);

    CHECK(status == EMX_OK ? o != NULL : o == NULL);
    emx_optimum_destroy(&o);
    return status;
}

static void fit(enum emx_law_form form)
{
    static char *names[N] = {"a", "b", "c", "d", "e", "f"};
    static double proportion[N][M], step[N * T], loss[N * T][M];
    static size_t scored[M] = {0, 1, 2}, mixture[N * T];
    struct emx_observations table = {.n_domains = M, .n_scored = M, .n_mixtures = N, .n_rows = N * T};
    struct emx_law_options options = {.form = form, .n_draws = 2, .n_starts = 1, .n_threads = 1};
    struct emx_error err;

    for (size_t i = 0; i < N * T; i++) {
        double *r = proportion[i / T];

        r[0] = 0.1 + 0.05 * (double)(i / T);
        r[1] = 0.2 * (double)(1 + i / T % 2);
        r[2] = 1 - r[0] - r[1];
        mixture[i] = i / T;
        step[i] = (double)(i % T + 1) / T;
        for (size_t j = 0; j < M; j++)
            loss[i][j] = (1 + 0.3 / step[i]) * pow(r[j], -0.1 * (double)(j + 1));
    }
    table.domains = table.mixtures = names;
    table.proportion = proportion[0];
    table.scored = scored;
    table.mixture = mixture;
    table.step = step;
    table.loss = loss[0];
    CHECK(emx_law_fit(&table, &options, &law, &err) == EMX_OK);
}

static void optima_survive(void)
{
    fail_each(try_separable);
    fail_each(try_convex);
    fit(EMX_LAW_BIMIX);
    fail_each(try_find);
    emx_law_destroy(&law);
    fit(EMX_LAW_EXPONENTIAL);
    fail_each(try_find);
    emx_law_destroy(&law);
}

static enum emx_status try_plan(struct emx_error *err)
{
    struct emx_plan *p = NULL;
    enum emx_status status =
        emx_plan_find(&(struct emx_plan_options){.n_domains = M, .n_mixtures = 3, .n_table = 4}, &p, err);

    CHECK(status == EMX_OK ? p != NULL : p == NULL);
    emx_plan_destroy(&p);
    return status;
}

static void plans_survive(void)
{
    fail_each(try_plan);
}

int main(void)
{
    RUN(optima_survive);
    RUN(plans_survive);
    return test_summary();
}
