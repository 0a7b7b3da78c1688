/* estimators: formulas in 113 bits, published examples, enumeration of all samples, simulated errors, limits */
#include "test.h"

#include "ref/naive_estimators.h"
#include <emx/entropy.h>

#define MAX_TYPES 4000
#define MAX_RUNS 600
#define CHECK_RELATIVE(a, b, tolerance) CHECK_NEAR(a, b, (tolerance)*fabs(b))

static uint64_t seed;

static const struct emx_estimation plugin = {.estimator = EMX_ESTIMATOR_PLUGIN};

static int ascending(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Valid until the next. */
static struct emx_spectrum spectrum_of(const uint64_t *count, size_t n)
{
    static uint64_t sorted[MAX_TYPES], types[MAX_TYPES];
    struct emx_spectrum s;
    size_t len = 0;

    if (n)
        memcpy(sorted, count, n * sizeof(*count));
    qsort(sorted, n, sizeof(*sorted), ascending);
    for (size_t i = 0; i < n; i++) {
        if (sorted[i] == 0)
            continue;
        if (len == 0 || sorted[len - 1] != sorted[i]) {
            sorted[len] = sorted[i];
            types[len++] = 0;
        }
        types[len - 1]++;
    }
    if (emx_spectrum_view(sorted, types, len, &s) != EMX_OK)
        abort();
    return s;
}

static struct emx_estimate estimate(const uint64_t *count, size_t n, const struct emx_estimation *how)
{
    struct emx_spectrum s = spectrum_of(count, n);
    struct emx_estimate e = {NAN, NAN};

    CHECK(emx_estimate_entropy(&s, how, &e) == EMX_OK);
    return e;
}

static double value(const uint64_t *count, size_t n, enum emx_estimator e)
{
    return estimate(count, n, &(struct emx_estimation){.estimator = e}).value;
}

static double rarefied(const uint64_t *count, size_t n, uint64_t sample)
{
    return estimate(count, n, &(struct emx_estimation){.sample = sample}).value;
}

static struct naive_sample naive(uint64_t *count, size_t n, const struct emx_estimation *how)
{
    struct naive_sample s = {.count = count, .n = n, .alphabet = (quad)how->alphabet, .rarefied = how->sample};

    for (size_t i = 0; i < n; i++)
        s.n_total += (quad)count[i];
    return s;
}

/* Mostly small counts, up to `largest`. */
static size_t random_counts(uint64_t *count, size_t n, unsigned bits)
{
    for (size_t i = 0; i < n; i++)
        count[i] = 1 + (test_random(&seed) >> (64 - test_random(&seed) % bits - 1)) / 2;
    return n;
}

/* error_tolerance 0: errors are not compared. */
static void check_against_twin(uint64_t *count, size_t n, const struct emx_estimation *how, double error_tolerance)
{
    struct naive_sample s = naive(count, n, how);
    struct emx_estimate e = estimate(count, n, how);
    quad expected = naive_estimate(&s, how->estimator);

    CHECK_RELATIVE(e.value, (double)expected, 1e-15);
    if (error_tolerance > 0)
        CHECK_NEAR(e.standard_error, (double)naive_error(&s, how->estimator),
                   error_tolerance * e.standard_error + 1e-16);
}

static void estimates_equal_the_naive_twin(void)
{
    uint64_t count[300];

    for (unsigned bits = 1; bits <= 16; bits++) {
        size_t n = random_counts(count, 2 + test_random(&seed) % 40, bits);

        for (int e = 0; e < EMX_N_ESTIMATORS; e++) {
            struct emx_estimation how = {.estimator = (enum emx_estimator)e};

            check_against_twin(count, n, &how,
                               e == EMX_ESTIMATOR_SHRINKAGE || e == EMX_ESTIMATOR_GOOD_TURING ? 0 : 1e-11);
        }
    }
}

static double good_turing(double n, double moment, double f1, double f2)
{
    double c = 1 - f1 / n, unseen = fmax(1, f1 * (f1 - 1) / (2 * (f2 + 1)));

    return c * (log(n) - moment / n) - (c > 0 ? c * log(c) : 0) - (f1 > 0 ? f1 / n * log(f1 / n / unseen) : 0);
}

struct world {
    double at_one, at_two, slope, variance, covariance;
};

/* A type of that expectation, by the probabilities of all its counts. */
static void add_type(struct world *w, double expected, double types)
{
    double first = fmax(0, floor(expected - 15 * sqrt(expected))), last = expected + 15 * sqrt(expected) + 40;
    double mean = 0, square = 0, product = 0;

    for (double n = first; n < last; n++) {
        double p = exp((n > 0 ? n * log(expected) : 0) - expected - lgamma(n + 1));
        double g = n < 1 ? 0 : w->slope * n * log(n) + (n == 1 ? w->at_one : n == 2 ? w->at_two : 0);

        mean += p * g;
        square += p * g * g;
        product += p * g * (n - expected);
    }
    w->variance += types * (square - mean * mean);
    w->covariance += types * product;
}

static double naive_good_turing_error(const uint64_t *count, size_t k)
{
    double n = 0, moment = 0, f1 = 0, f2 = 0, absent = 0;

    for (size_t i = 0; i < k; i++) {
        n += (double)count[i];
        moment += (double)count[i] * log((double)count[i]);
        f1 += count[i] == 1;
        f2 += count[i] == 2;
    }

    double c = fmax(1 - f1 / n, 1 / n), below = fmax(0, f1 - 1), fewer = fmax(0, f2 - 1);
    struct world w = {
        .at_one = (good_turing(n, moment, f1 + 1, f2) - good_turing(n, moment, below, f2)) / (f1 + 1 - below),
        .at_two = (good_turing(n, moment, f1, f2 + 1) - good_turing(n, moment, f1, fewer)) / (f2 + 1 - fewer),
        .slope = -(1 - f1 / n) / n};

    for (size_t i = 0; i < k; i++)
        absent += (double)count[i] * pow(1 - (double)count[i] / n, n);
    for (size_t i = 0; i < k; i++)
        add_type(&w, (double)count[i] * (1 - (1 - c) * n / absent * pow(1 - (double)count[i] / n, n)), 1);
    if (f1 > 0) {
        double unseen = fmax(1, f1 * (f1 - 1) / (2 * (f2 + 1)));

        add_type(&w, (1 - c) * n / unseen, unseen);
    }
    return sqrt(fmax(0, w.variance - w.covariance * w.covariance / n));
}

/* Expectations of 64 and more are taken for near enough. */
static void good_turing_errors_equal_the_naive_twin(void)
{
    uint64_t count[300];

    for (unsigned bits = 2; bits <= 12; bits++) {
        size_t n = random_counts(count, 40 + test_random(&seed) % 200, bits);

        count[0] = 3; /* so that not all were seen once */
        CHECK_RELATIVE(estimate(count, n, &(struct emx_estimation){EMX_ESTIMATOR_GOOD_TURING, 0, 0}).standard_error,
                       naive_good_turing_error(count, n), 5e-3);
    }
}

/* Its error is to first order in what a token does to the intensity. */
static void shrinkage_knows_the_alphabet(void)
{
    uint64_t count[50];

    for (uint64_t alphabet = 1; alphabet < 1000000; alphabet *= 7) {
        size_t n = random_counts(count, 50, 10);

        check_against_twin(count, n, &(struct emx_estimation){EMX_ESTIMATOR_SHRINKAGE, 0, alphabet}, 0.04);
    }
}

static void rarefied_entropies_equal_the_naive_twin(void)
{
    uint64_t count[12];

    for (unsigned bits = 2; bits <= 8; bits += 2) {
        size_t n = random_counts(count, 12, bits);
        uint64_t total = (uint64_t)naive(count, n, &plugin).n_total;

        for (uint64_t sample = 2; sample <= total; sample = sample * 3 + test_random(&seed) % 5)
            check_against_twin(count, n, &(struct emx_estimation){.sample = sample}, 1e-9);
    }
}

/* Means of 10^5 and more come from moments: the sum over k must say the same. */
static void large_counts_are_rarefied_as_exactly(void)
{
    uint64_t count[] = {400000, 230000, 170001, 99000, 17, 1};

    for (int i = 0; i < test_rounds(2); i++) {
        uint64_t sample = 240001 + 450000 * (uint64_t)i;
        struct naive_sample s = naive(count, 6, &(struct emx_estimation){.sample = sample});

        CHECK_RELATIVE(rarefied(count, 6, sample), (double)naive_rarefied(&s), 1e-14 + 200 * test_long_double_step());
    }
}

/*
 * Spiders of girdled trees (Ellison and others 2010), as rarefied by iNEXT 3.0.2 (Hsieh, Ma and Chao 2016), which
 * prints exp(H).
 */
static void published_rarefaction_of_spiders(void)
{
    static const uint64_t count[] = {46, 22, 17, 15, 15, 9, 8, 6, 6, 4, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

    CHECK_NEAR(exp(rarefied(count, 26, 1)), 1, 1e-15);
    CHECK_NEAR(exp(rarefied(count, 26, 10)), 5.608968, 1e-6);
    CHECK_NEAR(exp(rarefied(count, 26, 50)), 9.939329, 1e-6);
    CHECK_NEAR(exp(rarefied(count, 26, 100)), 11.266546, 1e-6);
    CHECK_NEAR(exp(rarefied(count, 26, 167)), 12.051422, 1e-6);
    CHECK_NEAR(exp(rarefied(count, 26, 168)), 12.05965, 1e-5);
    CHECK_NEAR(exp(value(count, 26, EMX_ESTIMATOR_PLUGIN)), 12.05965, 1e-5);
}

/* G(n) as Grassberger gives its first values: -gamma - log 2, 2 - gamma - log 2, the same, 2 + 2/3 - gamma - log 2. */
static double g(uint64_t n)
{
    uint64_t count[] = {n, n};

    return log(2 * (double)n) - value(count, 2, EMX_ESTIMATOR_GRASSBERGER);
}

static void published_values_of_grassbergers_g(void)
{
    const double g1 = -0.57721566490153286 - log(2);

    CHECK_NEAR(g(1), g1, 1e-15);
    CHECK_NEAR(g(2), 2 + g1, 1e-15);
    CHECK_NEAR(g(3), 2 + g1, 1e-15);
    CHECK_NEAR(g(4), 2 + 2. / 3 + g1, 1e-15);
    CHECK_NEAR(g(1000001), log(1000000.5), 1e-6);
}

/* If n is Poisson of mean x, the mean of n G(n) is x log x + x E1(2x) (the paper's equation 31); E1 by its integral. */
static void grassberger_has_the_known_bias(void)
{
    for (double x = 0.25; x < 20; x *= 2) {
        double mean = 0, p = exp(-x), e1 = 0;

        for (uint64_t n = 1; n < 200; n++) {
            p *= x / (double)n;
            mean += p * (double)n * g(n);
        }
        for (double t = 0.00005; t < 1; t += 0.0001) /* E1(2x) = integral of exp(-2x / t) / t over (0, 1) */
            e1 += 0.0001 * exp(-2 * x / t) / t;
        CHECK_NEAR(mean, x * log(x) + x * e1, 1e-7);
    }
}

/* All samples of n tokens from k types: calls visit(counts, probability). */
struct enumeration {
    const double *p;
    size_t k;
    uint64_t n, count[8];
    void (*visit)(struct enumeration *e, double probability);
    struct emx_estimation how;
    double mean, mean_square, mean_error_square;
};

static void enumerate(struct enumeration *e, size_t type, uint64_t left, double probability)
{
    if (type + 1 == e->k) {
        e->count[type] = left;
        e->visit(e, probability * pow(e->p[type], (double)left));
        return;
    }
    for (uint64_t c = 0; c <= left; c++) {
        double choose = exp(lgamma((double)left + 1) - lgamma((double)c + 1) - lgamma((double)(left - c) + 1));

        e->count[type] = c;
        enumerate(e, type + 1, left - c, probability * choose * pow(e->p[type], (double)c));
    }
}

static void add_estimate(struct enumeration *e, double probability)
{
    struct emx_estimate h = estimate(e->count, e->k, &e->how);

    e->mean += probability * h.value;
    e->mean_square += probability * h.value * h.value;
    e->mean_error_square += probability * h.standard_error * h.standard_error;
}

static struct enumeration expectation(const double *p, size_t k, uint64_t n, struct emx_estimation how)
{
    struct enumeration e = {.p = p, .k = k, .n = n, .visit = add_estimate, .how = how};

    enumerate(&e, 0, n, 1);
    return e;
}

static const double skewed[] = {0.4, 0.25, 0.2, 0.1, 0.05}, even[] = {0.2, 0.2, 0.2, 0.2, 0.2};

/* The plug-in is a sum over types of a function of the count, so its mean is a sum over binomials. */
static void mean_of_the_plugin_is_that_of_binomials(void)
{
    for (uint64_t n = 1; n < 14; n += 3) {
        double mean = 0;

        for (size_t i = 0; i < 5; i++) {
            double p = pow(1 - skewed[i], (double)n);

            for (uint64_t c = 1; c <= n; c++) {
                p *= skewed[i] / (1 - skewed[i]) * (double)(n - c + 1) / (double)c;
                mean += p * (double)c / (double)n * log((double)n / (double)c);
            }
        }
        CHECK_NEAR(expectation(skewed, 5, n, plugin).mean, mean, 1e-13);
    }
}

/* Rarefaction has no bias: of any sample of 12, what is expected of 5 is what samples of 5 have. */
static void rarefaction_has_no_bias(void)
{
    for (uint64_t n = 1; n <= 12; n++) {
        double small = expectation(skewed, 5, n, plugin).mean;

        CHECK_NEAR(expectation(skewed, 5, 12, (struct emx_estimation){.sample = n}).mean, small, 1e-13);
    }
}

static double entropy_of(const double *p, size_t k)
{
    double h = 0;

    for (size_t i = 0; i < k; i++)
        h -= p[i] * log(p[i]);
    return h;
}

/* Miller and Madow's K is that of the seen types: of the true one, the mean is right to order 1/N^2. */
static void corrections_take_bias_away(void)
{
    for (int even_too = 0; even_too < 2; even_too++) {
        const double *p = even_too ? even : skewed;
        double h = entropy_of(p, 5), raw = expectation(p, 5, 12, plugin).mean - h;

        CHECK(raw < -0.1);
        for (int e = 1; e < EMX_N_ESTIMATORS; e++) {
            struct emx_estimation how = {.estimator = (enum emx_estimator)e, .alphabet = 5};
            double bias = expectation(p, 5, 12, how).mean - h;

            if (fabs(bias) >= 0.5 * fabs(raw))
                printf("%s: bias %g, of the plug-in %g\n", emx_estimator_name(how.estimator), bias, raw);
            CHECK(fabs(bias) < 0.5 * fabs(raw) || (e == EMX_ESTIMATOR_SHRINKAGE && fabs(bias) < fabs(raw)));
        }
    }
}

static const uint64_t *zipf_sample(double exponent, size_t n_types, uint64_t n)
{
    static uint64_t count[MAX_TYPES];
    static double below[MAX_TYPES];
    double total = 0;

    for (size_t i = 0; i < n_types; i++)
        below[i] = total += pow((double)(i + 1), -exponent);
    memset(count, 0, sizeof(count));
    for (uint64_t i = 0; i < n; i++) {
        double u = (double)(test_random(&seed) >> 11) * 0x1p-53 * total;
        size_t low = 0, high = n_types - 1;

        while (low < high) {
            size_t middle = (low + high) / 2;

            if (below[middle] > u)
                high = middle;
            else
                low = middle + 1;
        }
        count[low]++;
    }
    return count;
}

struct simulation {
    double mean, deviation, error, covered;
};

/* Of as many samples: mean and deviation of estimates, mean error, how often the mean lies within 1.96 errors. */
static struct simulation simulate(double exponent, size_t n_types, uint64_t n, const struct emx_estimation *how,
                                  int runs)
{
    struct emx_estimate e[MAX_RUNS];
    struct simulation s = {0, 0, 0, 0};

    for (int i = 0; i < runs; i++) {
        e[i] = estimate(zipf_sample(exponent, n_types, n), n_types, how);
        s.mean += e[i].value / runs;
        s.error += e[i].standard_error / runs;
    }
    for (int i = 0; i < runs; i++) {
        s.deviation += (e[i].value - s.mean) * (e[i].value - s.mean) / (runs - 1);
        s.covered += (double)(fabs(e[i].value - s.mean) < 1.96 * e[i].standard_error) / runs;
    }
    s.deviation = sqrt(s.deviation);
    return s;
}

static void check_errors(double exponent, size_t n_types, uint64_t n, struct emx_estimation how)
{
    int runs = test_rounds(MAX_RUNS);
    struct simulation s = simulate(exponent, n_types, n, &how, runs);
    double blur = 2 / sqrt(runs) - 2 / sqrt(MAX_RUNS); /* of fewer runs, 3 times what a deviation's is by chance */

    printf("%-12s %5zu types, %5d of %5d tokens: mean %.4f, deviation %.5f, error %.5f, covered %.3f\n",
           emx_estimator_name(how.estimator), n_types, (int)how.sample, (int)n, s.mean, s.deviation, s.error,
           s.covered);
    CHECK(s.error > (0.9 - blur) * s.deviation && s.error < (1.25 + blur) * s.deviation);
    CHECK(s.covered > 0.915 - blur);
}

static void errors_cover_what_they_should(void)
{
    for (int e = 0; e < EMX_N_ESTIMATORS; e++) {
        check_errors(1, 300, 3000, (struct emx_estimation){.estimator = (enum emx_estimator)e, .alphabet = 300});
        check_errors(1, 3000, 1000, (struct emx_estimation){.estimator = (enum emx_estimator)e, .alphabet = 3000});
    }
    check_errors(1, 3000, 1000, (struct emx_estimation){.sample = 300});
    check_errors(0.7, 300, 2000, (struct emx_estimation){.sample = 1000});
}

/* The same shares of ever more tokens. */
static void estimates_become_the_plugin(void)
{
    uint64_t count[50], large[50];
    size_t n = random_counts(count, 50, 8);

    for (int e = 0; e < EMX_N_ESTIMATORS; e++) {
        struct emx_estimation how = {.estimator = (enum emx_estimator)e};

        for (int i = 0; i < 50; i++)
            large[i] = count[i] << 30;
        CHECK_NEAR(estimate(large, n, &how).value, value(count, n, EMX_ESTIMATOR_PLUGIN), 1e-8);
        CHECK_RELATIVE(estimate(large, n, &how).standard_error, estimate(large, n, &plugin).standard_error, 1e-4);
    }
}

/* Basharin (1959): (sum p log^2 p - H^2) / N. */
static void error_of_the_plugin_becomes_the_textbooks(void)
{
    uint64_t count[] = {5000000, 3000000, 1500000, 500000};
    double h = 0, squares = 0;

    for (int i = 0; i < 4; i++) {
        double p = (double)count[i] / 1e7;

        h -= p * log(p);
        squares += p * log(p) * log(p);
    }
    CHECK_RELATIVE(estimate(count, 4, &plugin).standard_error, sqrt((squares - h * h) / 1e7), 1e-6);
}

static void two_tokens_differ_as_often_as_pairs_do(void)
{
    uint64_t count[30], same = 0, total = 0;
    size_t n = random_counts(count, 30, 9);

    for (size_t i = 0; i < n; i++) {
        same += count[i] * (count[i] - 1);
        total += count[i];
    }
    CHECK_NEAR(rarefied(count, n, 2), log(2) * (1 - (double)same / ((double)total * (double)(total - 1))), 1e-15);
    CHECK(rarefied(count, n, 1) == 0);
    CHECK_RELATIVE(rarefied(count, n, total), value(count, n, EMX_ESTIMATOR_PLUGIN), 1e-15);
    for (uint64_t sample = 2; sample < total; sample++)
        CHECK(rarefied(count, n, sample) > rarefied(count, n, sample - 1));
}

static void extremes_are_finite(void)
{
    static const uint64_t cases[][3] = {{1, 0, 0},
                                        {2, 0, 0},
                                        {1, 1, 0},
                                        {1, 1, 1},
                                        {2, 1, 0},
                                        {UINT64_MAX, 0, 0},
                                        {UINT64_C(1) << 62, UINT64_C(1) << 62, 1}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int e = 0; e < EMX_N_ESTIMATORS; e++)
            for (uint64_t alphabet = 0; alphabet <= 1; alphabet++) {
                struct emx_estimate h = estimate(
                    cases[i], 3, &(struct emx_estimation){(enum emx_estimator)e, 0, alphabet ? UINT64_MAX : 0});

                CHECK(isfinite(h.value) && isfinite(h.standard_error) && h.standard_error >= 0);
                CHECK(h.value >= (e == EMX_ESTIMATOR_GRASSBERGER ? -0.04 : 0));
                CHECK(cases[i][1] || h.value == 0 || e == EMX_ESTIMATOR_GRASSBERGER);
            }
    CHECK(estimate(NULL, 0, &plugin).value == 0 && estimate(NULL, 0, &plugin).standard_error == 0);
}

static void wrong_requests_are_refused(void)
{
    const uint64_t count[] = {3, 2};
    struct emx_spectrum s = spectrum_of(count, 2);
    struct emx_estimate e;
    double influence[2];

    CHECK(emx_estimate_entropy(&s, &(struct emx_estimation){.sample = 6}, &e) == EMX_ERR_RANGE);
    CHECK(emx_estimate_entropy(&s, &(struct emx_estimation){.estimator = EMX_ESTIMATOR_CHAO_SHEN, .sample = 2}, &e) ==
          EMX_ERR_ARG);
    CHECK(emx_estimate_entropy(&s, &(struct emx_estimation){.estimator = (enum emx_estimator)17}, &e) == EMX_ERR_ARG);
    CHECK(emx_estimate_influence(&s, &(struct emx_estimation){.sample = 6}, influence) == EMX_ERR_RANGE);
    CHECK(emx_estimator_name((enum emx_estimator)17) == NULL);
    CHECK_STR(emx_estimator_name(EMX_ESTIMATOR_GOOD_TURING), "good-turing");
}

/* Shards are merged, types come, in any order: the spectrum is the same, and so is every bit. */
static void order_of_merging_does_not_change_a_bit(void)
{
    uint64_t count[200];
    size_t n = random_counts(count, 200, 20);
    struct emx_spectrum_builder *parts[3];
    struct emx_spectrum s;

    for (int k = 0; k < 3; k++)
        CHECK(emx_spectrum_builder_create(&parts[k]) == EMX_OK);
    for (size_t i = 0; i < n; i++)
        CHECK(emx_spectrum_builder_add(parts[test_random(&seed) % 3], count[i]) == EMX_OK);
    CHECK(emx_spectrum_builder_merge(parts[2], parts[0]) == EMX_OK);
    CHECK(emx_spectrum_builder_merge(parts[2], parts[1]) == EMX_OK);
    for (int e = 0; e < EMX_N_ESTIMATORS; e++) {
        struct emx_estimation how = {.estimator = (enum emx_estimator)e};
        struct emx_estimate a = estimate(count, n, &how), b;

        CHECK(emx_spectrum_builder_view(parts[2], &s) == EMX_OK && emx_estimate_entropy(&s, &how, &b) == EMX_OK);
        CHECK(memcmp(&a, &b, sizeof(a)) == 0);
    }
    for (int k = 0; k < 3; k++)
        emx_spectrum_builder_destroy(&parts[k]);
}

int main(void)
{
    seed = test_seed();
    RUN(estimates_equal_the_naive_twin);
    RUN(good_turing_errors_equal_the_naive_twin);
    RUN(shrinkage_knows_the_alphabet);
    RUN(rarefied_entropies_equal_the_naive_twin);
    RUN(large_counts_are_rarefied_as_exactly);
    RUN(published_rarefaction_of_spiders);
    RUN(published_values_of_grassbergers_g);
    RUN(grassberger_has_the_known_bias);
    RUN(mean_of_the_plugin_is_that_of_binomials);
    RUN(rarefaction_has_no_bias);
    RUN(corrections_take_bias_away);
    RUN(errors_cover_what_they_should);
    RUN(estimates_become_the_plugin);
    RUN(error_of_the_plugin_becomes_the_textbooks);
    RUN(two_tokens_differ_as_often_as_pairs_do);
    RUN(extremes_are_finite);
    RUN(wrong_requests_are_refused);
    RUN(order_of_merging_does_not_change_a_bit);
    return test_summary();
}
