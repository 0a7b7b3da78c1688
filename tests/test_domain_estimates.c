/* domain estimates: the error of conditional entropy against its definition, and against what samples show */
#include "test.h"

#include "entropy/estimator.h"
#include "ref/naive_entropy.h"
#include "state_tables.h"
#include <emx/entropy.h>

extern quad sqrtf128(quad x);

static uint64_t seed;
static char folder[] = "/tmp/emx-domain-estimates-XXXXXX", path[64];

static struct emx_state *open_table(const struct table *t)
{
    struct emx_state *s = NULL;
    struct emx_error err;

    if (write_tables(path, t, 1, &err) != EMX_OK || emx_state_open(path, &s, &err) != EMX_OK) {
        printf("%s\n", err.message);
        abort();
    }
    return s;
}

static double influence_at(const struct emx_spectrum *s, const double *influence, uint64_t count)
{
    for (size_t i = 0; i < s->len; i++)
        if (s->count[i] == count)
            return influence[i];
    FAIL("a count of the table is in its spectrum");
    return 0;
}

static uint64_t row_sum(const struct table *t, uint32_t first)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < t->n_pairs; i++)
        sum += t->pairs[i].first == first ? t->pairs[i].count : 0;
    return sum;
}

/* sqrt(sum n (D_xy - D_x)^2 - (sum n (D_xy - D_x))^2 / N), pair by pair */
static double naive_conditional_error(const struct table *t, const struct emx_domain *d,
                                      const struct emx_estimation *how)
{
    double *pairs = calloc(d->pairs.len + 1, sizeof(*pairs)), *firsts = calloc(d->firsts.len + 1, sizeof(*firsts));
    struct emx_estimation squared = estimation_of_pairs(how);
    quad sum = 0, squares = 0, n = (quad)d->pairs.n_total;

    CHECK(emx_estimate_influence(&d->pairs, &squared, pairs) == EMX_OK);
    CHECK(emx_estimate_influence(&d->firsts, how, firsts) == EMX_OK);
    for (size_t i = 0; i < t->n_pairs; i++) {
        quad weight = (quad)t->pairs[i].count;
        quad difference = (quad)influence_at(&d->pairs, pairs, t->pairs[i].count) -
                          (quad)influence_at(&d->firsts, firsts, row_sum(t, t->pairs[i].first));

        sum += weight * difference;
        squares += weight * difference * difference;
    }
    free(pairs);
    free(firsts);
    return (double)sqrtf128(squares - sum * sum / n);
}

static void errors_equal_the_definition(void)
{
    for (int run = 0; run < test_rounds(12); run++) {
        struct table t = random_table(&seed, 40 + 100 * (size_t)run, 30 + 100 * (uint32_t)run);
        struct emx_state *s = open_table(&t);
        const struct emx_domain *d = emx_state_domain(s, 0);

        for (int e = 0; e < EMX_N_ESTIMATORS; e++) {
            struct emx_estimation how = {.estimator = (enum emx_estimator)e, .alphabet = 100000};
            struct emx_estimates got;
            double expected = naive_conditional_error(&t, d, &how);

            CHECK(emx_estimate_domain(s, 0, &how, &got, NULL) == EMX_OK);
            CHECK_NEAR(got.conditional.standard_error, expected, 1e-8 * expected + 1e-12);
            CHECK(got.conditional.standard_error <= got.joint.standard_error + got.first.standard_error + 1e-12);
        }
        emx_state_close(&s);
        table_finish(&t);
    }
}

static void values_are_those_of_the_spectra(void)
{
    struct table t = random_table(&seed, 1000, 300);
    struct emx_state *s = open_table(&t);
    const struct emx_domain *d = emx_state_domain(s, 0);
    struct emx_estimation how = {.estimator = EMX_ESTIMATOR_SHRINKAGE};
    struct emx_estimates got, expected;

    CHECK(emx_estimate_domain(s, 0, &how, &got, NULL) == EMX_OK);
    how.alphabet = (uint64_t)d->max_token + 1;
    CHECK(emx_estimates_compute(&d->tokens, &d->pairs, &d->firsts, &how, &expected) == EMX_OK);
    CHECK(got.shannon.value == expected.shannon.value && got.joint.value == expected.joint.value);
    CHECK(got.conditional.value == expected.conditional.value && got.first.value == expected.first.value);
    how = (struct emx_estimation){.estimator = EMX_ESTIMATOR_PLUGIN};
    CHECK(emx_estimate_domain(s, 0, &how, &got, NULL) == EMX_OK);
    CHECK(got.conditional.value == emx_entropy_conditional(&d->pairs, &d->firsts));
    emx_state_close(&s);
    table_finish(&t);
}

/* n pairs, each of a first token by Zipf's law and a second that depends on it. */
static struct table sample_pairs(size_t n)
{
    struct table t = {.pairs = calloc(n, sizeof(*t.pairs)), .tails = calloc(1, sizeof(*t.tails))};

    for (size_t i = 0; i < n; i++) {
        uint32_t first = random_token(&seed, 200);

        t.pairs[i] = (struct emx_pair_count){first, (random_token(&seed, 50) + 7 * first) % 300, 1};
    }
    t.n_pairs = join_rows(t.pairs, n);
    t.tails[0] = (struct emx_pair_count){0, EMX_NO_TOKEN, 1};
    t.n_tails = 1;
    return t;
}

static void errors_cover_what_they_should(void)
{
    enum { RUNS = 250 };

    for (int e = 0; e < EMX_N_ESTIMATORS; e++) {
        double mean = 0, error = 0, deviation = 0, covered = 0;
        struct emx_estimates est[RUNS];

        for (int i = 0; i < RUNS; i++) {
            struct table t = sample_pairs(3000);
            struct emx_state *s = open_table(&t);

            CHECK(emx_estimate_domain(s, 0, &(struct emx_estimation){.estimator = (enum emx_estimator)e}, &est[i],
                                      NULL) == EMX_OK);
            mean += est[i].conditional.value / RUNS;
            error += est[i].conditional.standard_error / RUNS;
            emx_state_close(&s);
            table_finish(&t);
        }
        for (int i = 0; i < RUNS; i++) {
            double off = est[i].conditional.value - mean;

            deviation += off * off / (RUNS - 1);
            covered += (double)(fabs(off) < 1.96 * est[i].conditional.standard_error) / RUNS;
        }
        deviation = sqrt(deviation);
        printf("%-12s conditional: mean %.4f, deviation %.5f, error %.5f, covered %.3f\n",
               emx_estimator_name((enum emx_estimator)e), mean, deviation, error, covered);
        CHECK(error > 0.85 * deviation && error < 1.35 * deviation);
        CHECK(covered > 0.9);
    }
}

static void a_sequence_without_choice_has_no_error(void)
{
    struct table t = {.pairs = calloc(10, sizeof(*t.pairs)), .n_pairs = 10, .tails = calloc(1, sizeof(*t.tails))};
    struct emx_estimates est;
    struct emx_state *s;

    for (uint32_t i = 0; i < 10; i++)
        t.pairs[i] = (struct emx_pair_count){i, (i + 1) % 10, 1 + i * i};
    t.tails[t.n_tails++] = (struct emx_pair_count){0, EMX_NO_TOKEN, 1};
    s = open_table(&t);
    CHECK(emx_estimate_domain(s, 0, &(struct emx_estimation){.estimator = EMX_ESTIMATOR_PLUGIN}, &est, NULL) == EMX_OK);
    CHECK(est.conditional.value == 0 && est.conditional.standard_error < 1e-7);
    emx_state_close(&s);
    table_finish(&t);
}

static void samples_beyond_the_domain_are_refused(void)
{
    struct table t = sample_pairs(100);
    struct emx_state *s = open_table(&t);
    struct emx_estimates est;
    struct emx_error err;

    CHECK(emx_estimate_domain(s, 0, &(struct emx_estimation){.sample = 100}, &est, &err) == EMX_OK);
    CHECK(emx_estimate_domain(s, 0, &(struct emx_estimation){.sample = 101}, &est, &err) == EMX_ERR_RANGE);
    CHECK_STR(err.message, "domain a has 100 pairs, fewer than the 101 asked for");
    CHECK(emx_estimate_domain(s, 0, &(struct emx_estimation){EMX_ESTIMATOR_GRASSBERGER, 10, 0}, &est, &err) ==
          EMX_ERR_ARG);
    CHECK(emx_estimate_domain(s, 0, &(struct emx_estimation){(enum emx_estimator)99, 0, 0}, &est, &err) == EMX_ERR_ARG);
    emx_state_close(&s);
    table_finish(&t);
}

int main(void)
{
    seed = test_seed();
    if (!mkdtemp(folder))
        abort();
    snprintf(path, sizeof(path), "%s/x.emx", folder);
    RUN(errors_equal_the_definition);
    RUN(values_are_those_of_the_spectra);
    RUN(errors_cover_what_they_should);
    RUN(a_sequence_without_choice_has_no_error);
    RUN(samples_beyond_the_domain_are_refused);
    unlink(path);
    rmdir(folder);
    return test_summary();
}
