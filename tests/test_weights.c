/* weights: the paper's equation, bounds met exactly, the projection optimal, documents and tokens */
#include "test.h"

#include <emx/weights.h>

#include <float.h>
#include <stdbool.h>

#define N 40

static uint64_t seed;

static double uniform(double low, double high)
{
    return low + (high - low) * (double)(test_random(&seed) >> 11) * 0x1p-53;
}

static struct emx_weights_options options(double temperature, double floor, double cap)
{
    return (struct emx_weights_options){temperature, floor, cap};
}

static void weigh(const double *entropy, size_t n, struct emx_weights_options opt, double *ret)
{
    struct emx_error err = {0};

    CHECK(emx_weights_from_entropies(entropy, n, &opt, ret, &err) == EMX_OK);
    CHECK_STR(err.message, "");
}

static void check_sum(const double *r, size_t n)
{
    long double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (long double)r[i];
    CHECK_NEAR((double)sum, 1, (double)n * 1e-16);
}

/* What a twin of some forty sums and exponentials may lose: nothing to speak of in 80 bits, but in valgrind's 64. */
static double twin_error(double x)
{
    return 100 * test_long_double_step() * x;
}

static double random_entropies(double *entropy, size_t n)
{
    double spread = exp(uniform(-5, 5));

    for (size_t i = 0; i < n; i++)
        entropy[i] = uniform(0, spread);
    return spread;
}

static void weights_are_equation_13(void)
{
    double h[N], r[N];

    for (int repeat = 0; repeat < test_rounds(200); repeat++) {
        size_t n = 1 + test_random(&seed) % N;
        long double sum = 0;

        for (size_t i = 0; i < n; i++)
            sum += expl(h[i] = uniform(0, 16));
        weigh(h, n, EMX_WEIGHTS_DEFAULTS, r);
        for (size_t i = 0; i < n; i++)
            CHECK_NEAR(r[i], (double)(expl(h[i]) / sum), 3e-16 * r[i] + twin_error(r[i]));
        check_sum(r, n);
    }
}

static void temperature_divides_entropies(void)
{
    double h[N], halved[N], r[N], expected[N];

    for (size_t i = 0; i < N; i++) {
        h[i] = uniform(0, 16);
        halved[i] = h[i] / 2;
    }
    weigh(h, N, options(2, 0, 1), r);
    weigh(halved, N, EMX_WEIGHTS_DEFAULTS, expected);
    CHECK(memcmp(r, expected, sizeof(r)) == 0);
    weigh(h, N, options(1e300, 0, 1), r);
    for (size_t i = 0; i < N; i++)
        CHECK_NEAR(r[i], 1.0 / N, 1e-15);
}

static void no_entropy_overflows(void)
{
    const double h[] = {1e308, 1e308, 0, 1e307};
    double r[4];

    weigh(h, 4, EMX_WEIGHTS_DEFAULTS, r);
    CHECK(r[0] == 0.5 && r[1] == 0.5 && r[2] == 0 && r[3] == 0);
    weigh(h, 4, options(1e-300, 0.1, 0.3), r);
    CHECK_NEAR(r[0], 0.3, 0);
    CHECK_NEAR(r[1], 0.3, 0);
    CHECK_NEAR(r[2], 0.1, 1e-16);
    CHECK_NEAR(r[3], 0.3, 1e-16);
}

/* Between a floor and a cap that no number could tell apart a domain still gets its share. */
static void no_temperature_is_too_low(void)
{
    const double h[] = {9, 9, 0, 1, 1, 0};
    double r[6];

    for (double t = 1; t > 0; t /= 1000) {
        weigh(h, 6, options(t, 0.1, 0.3), r);
        check_sum(r, 6);
    }
    CHECK(r[0] == 0.3 && r[1] == 0.3 && r[2] == 0.1 && r[3] == 0.1 && r[4] == 0.1 && r[5] == 0.1);
    weigh(h, 4, options(1e-25, 0.1, 0.31), r);
    CHECK(r[0] == 0.31 && r[1] == 0.31 && r[2] == 0.1);
    CHECK_NEAR(r[3], 0.28, 1e-16);
    weigh(h, 5, options(1e-25, 0.05, 0.31), r);
    CHECK(r[0] == 0.31 && r[1] == 0.31 && r[2] == 0.05);
    CHECK_NEAR(r[3], 0.165, 1e-16);
    CHECK_NEAR(r[4], 0.165, 1e-16);
}

/* The twin: the same equation solved by 4000 bisections of log lambda. */
static void project_by_bisection(const double *entropy, size_t n, const struct emx_weights_options *opt, double *ret)
{
    long double low = -12000, high = 12000;

    for (int k = 0; k < 4000; k++) {
        long double middle = low + (high - low) / 2, sum = 0;

        for (size_t i = 0; i < n; i++) {
            long double r = expl(middle + (long double)entropy[i] / opt->temperature);

            r = fminl(fmaxl(r, opt->floor), opt->cap);
            ret[i] = (double)r;
            sum += r;
        }
        *(sum < 1 ? &low : &high) = middle;
    }
}

static struct emx_weights_options random_bounds(size_t n)
{
    double even = 1 / (double)n, floor = test_random(&seed) % 3 ? uniform(0, even) : 0;

    return options(exp(uniform(-2, 2)), floor, test_random(&seed) % 3 ? uniform(even, 1) : 1);
}

static void bounds_equal_bisection(void)
{
    double h[N], r[N], expected[N];

    for (int repeat = 0; repeat < test_rounds(100); repeat++) {
        size_t n = 1 + test_random(&seed) % N;
        struct emx_weights_options opt = random_bounds(n);

        random_entropies(h, n);
        weigh(h, n, opt, r);
        project_by_bisection(h, n, &opt, expected);
        check_sum(r, n);
        for (size_t i = 0; i < n; i++) {
            CHECK(r[i] >= opt.floor && r[i] <= opt.cap);
            CHECK_NEAR(r[i], expected[i], 1e-13);
        }
    }
}

/* Kullback-Leibler divergence of r from exp(h / T) / sum. */
static long double divergence(const double *r, const double *h, double temperature, size_t n)
{
    long double d = 0;

    for (size_t i = 0; i < n; i++)
        if (r[i] > 0)
            d += r[i] * (logl(r[i]) - (long double)h[i] / temperature);
    return d;
}

/* Moving mass from any domain to any other within the bounds never brings r nearer to the free proportions. */
static void bounds_are_the_nearest_feasible_proportions(void)
{
    double h[8], r[8];

    for (int repeat = 0; repeat < test_rounds(100); repeat++) {
        struct emx_weights_options opt = random_bounds(8);

        random_entropies(h, 8);
        weigh(h, 8, opt, r);
        for (size_t from = 0; from < 8; from++)
            for (size_t to = 0; to < 8; to++) {
                double step = fmin(r[from] - opt.floor, opt.cap - r[to]) * uniform(0, 1), moved[8];

                memcpy(moved, r, sizeof(r));
                moved[from] -= step;
                moved[to] += step;
                if (from != to)
                    CHECK(divergence(moved, h, opt.temperature, 8) >= divergence(r, h, opt.temperature, 8) - 1e-13L);
            }
    }
}

static void more_entropy_never_weighs_less(void)
{
    double h[N], r[N], more[N];

    for (int repeat = 0; repeat < test_rounds(100); repeat++) {
        struct emx_weights_options opt = random_bounds(N);
        double spread = random_entropies(h, N);

        weigh(h, N, opt, r);
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++)
                CHECK(h[i] <= h[j] ? r[i] <= r[j] : r[i] >= r[j]);
        h[7] += 0.1 * spread;
        weigh(h, N, opt, more);
        CHECK(more[7] >= r[7]);
        for (size_t i = 0; i < N; i++)
            CHECK(i == 7 || more[i] <= r[i] * (1 + 1e-15));
    }
}

static void order_of_domains_does_not_matter(void)
{
    double h[N], reversed[N], r[N], back[N];

    for (int repeat = 0; repeat < test_rounds(100); repeat++) {
        struct emx_weights_options opt = random_bounds(N);

        random_entropies(h, N);
        for (size_t i = 0; i < N; i++)
            reversed[i] = h[N - 1 - i];
        weigh(h, N, opt, r);
        weigh(reversed, N, opt, back);
        for (size_t i = 0; i < N; i++)
            CHECK(r[i] == back[N - 1 - i]);
    }
}

static void tight_bounds_leave_even_shares(void)
{
    for (size_t n = 1; n <= N; n++) {
        double h[N], r[N], even = 1 / (double)n, typed;
        char digits[30];

        snprintf(digits, sizeof(digits), "%.15g", even);
        typed = strtod(digits, NULL);
        random_entropies(h, n);
        weigh(h, n, options(1, even, 1), r);
        CHECK(r[0] == even && r[n - 1] == even);
        weigh(h, n, options(1, 0, even), r);
        CHECK(r[0] == even && r[n - 1] == even);
        if ((double)n * typed <= 1 + 1e-15) {
            weigh(h, n, options(1, typed, 1), r);
            check_sum(r, n);
        }
    }
}

static void equal_entropies_share_evenly_and_ties_at_bounds_hold(void)
{
    const double h[] = {3, 3, 3, 3}, steps[] = {5, 5, 1, 1};
    double r[4];

    weigh(h, 4, options(1, 0.2, 0.3), r);
    for (int i = 0; i < 4; i++)
        CHECK(r[i] == 0.25);
    weigh(steps, 4, options(1, 0.1, 0.4), r);
    CHECK(r[0] == 0.4 && r[1] == 0.4);
    CHECK_NEAR(r[2], 0.1, 1e-16);
    CHECK(r[2] == r[3]);
}

static void refused(double temperature, double floor, double cap, const char *word)
{
    const double h[] = {1, 2, 3};
    struct emx_weights_options opt = options(temperature, floor, cap);
    struct emx_error err = {0};
    double r[3] = {7, 7, 7};

    CHECK(emx_weights_from_entropies(h, 3, &opt, r, &err) == EMX_ERR_ARG);
    CHECK(strstr(err.message, word));
    CHECK(r[0] == 7);
}

static void impossible_options_are_named(void)
{
    refused(0, 0, 1, "temperature");
    refused(-1, 0, 1, "temperature");
    refused(INFINITY, 0, 1, "temperature");
    refused(NAN, 0, 1, "temperature");
    refused(1, -0.1, 1, "floor");
    refused(1, 0.34, 1, "floor");
    refused(1, NAN, 1, "floor");
    refused(1, 0, 0.33, "cap");
    refused(1, 0, 1.5, "cap");
    refused(1, 0, NAN, "cap");
}

static void entropies_must_be_numbers(void)
{
    const double h[] = {1, NAN}, infinite[] = {1, INFINITY};
    struct emx_weights_options opt = EMX_WEIGHTS_DEFAULTS;
    double r[2];

    CHECK(emx_weights_from_entropies(h, 2, &opt, r, NULL) == EMX_ERR_ARG);
    CHECK(emx_weights_from_entropies(infinite, 2, &opt, r, NULL) == EMX_ERR_ARG);
    CHECK(emx_weights_from_entropies(h, 0, &opt, r, NULL) == EMX_ERR_EMPTY);
}

/* Drawing documents with p_i of mean length L_i gives back the shares of tokens w_i. */
static void documents_drawn_give_back_shares_of_tokens(void)
{
    double w[N], length[N], p[N];

    for (int repeat = 0; repeat < test_rounds(100); repeat++) {
        long double tokens = 0;

        random_entropies(w, N);
        weigh(w, N, EMX_WEIGHTS_DEFAULTS, w);
        for (size_t i = 0; i < N; i++)
            length[i] = exp(uniform(0, 15));
        CHECK(emx_weights_per_document(w, length, N, p, NULL) == EMX_OK);
        check_sum(p, N);
        for (size_t i = 0; i < N; i++)
            tokens += (long double)p[i] * length[i];
        for (size_t i = 0; i < N; i++)
            CHECK_NEAR((double)((long double)p[i] * length[i] / tokens), w[i], 5e-16 * w[i] + twin_error(w[i]));
    }
}

static void documents_need_lengths_and_shares(void)
{
    const double w[] = {0.5, 0.5}, none[] = {0, 0}, wrong[] = {-0.5, 1.5}, length[] = {100, 300};
    const double zero[] = {100, 0}, unknown[] = {100, NAN};
    double p[2];

    CHECK(emx_weights_per_document(w, length, 2, p, NULL) == EMX_OK && p[0] == 0.75 && p[1] == 0.25);
    CHECK(emx_weights_per_document(w, zero, 2, p, NULL) == EMX_ERR_ARG);
    CHECK(emx_weights_per_document(w, unknown, 2, p, NULL) == EMX_ERR_ARG);
    CHECK(emx_weights_per_document(wrong, length, 2, p, NULL) == EMX_ERR_ARG);
    CHECK(emx_weights_per_document(none, length, 2, p, NULL) == EMX_ERR_EMPTY);
}

/* By differences: the share of domain i when the entropy of domain j rises or falls by `step`. */
static double slope(const double *h, size_t n, struct emx_weights_options opt, size_t i, size_t j, double step)
{
    double moved[N], up[N], down[N];

    for (size_t k = 0; k < n; k++)
        moved[k] = h[k];
    moved[j] = h[j] + step;
    weigh(moved, n, opt, up);
    moved[j] = h[j] - step;
    weigh(moved, n, opt, down);
    return (up[i] - down[i]) / (2 * step);
}

static bool near_bound(const double *r, size_t n, struct emx_weights_options opt)
{
    bool near = false;

    for (size_t i = 0; i < n; i++)
        near |= (r[i] != opt.floor && r[i] < opt.floor * 1.01) || (r[i] != opt.cap && r[i] > opt.cap * 0.99);
    return near;
}

static void errors_follow_the_slopes(void)
{
    double h[N], error[N], r[N], found[N];
    size_t n_compared = 0;

    for (int repeat = 0; repeat < 200; repeat++) {
        size_t n = 2 + test_random(&seed) % 10;
        struct emx_weights_options opt = options(uniform(0.5, 3), repeat % 2 ? uniform(0, 0.6) / (double)n : 0,
                                                 repeat % 3 ? fmin(1, uniform(1.5, 3) / (double)n) : 1);

        for (size_t i = 0; i < n; i++) {
            h[i] = uniform(0, 4);
            error[i] = uniform(0, 0.1);
        }
        weigh(h, n, opt, r);
        emx_weights_errors(r, error, n, &opt, found);
        if (near_bound(r, n, opt))
            continue;
        for (size_t i = 0; i < n; i++) {
            double sum = 0;

            for (size_t j = 0; j < n; j++)
                sum += pow(slope(h, n, opt, i, j, 1e-5) * error[j], 2);
            CHECK_NEAR(found[i], sqrt(sum), 1e-7 * (found[i] + 1e-3));
            n_compared++;
        }
    }
    CHECK(n_compared > 300);
}

static void shares_that_cannot_move_have_no_error(void)
{
    const double r[] = {0.5, 0.3, 0.2}, error[] = {0.1, NAN, 0.1};
    double even[] = {1.0 / 3, 1.0 / 3, 1.0 / 3}, one = 1, found[3];
    struct emx_weights_options opt = options(1, 0.3, 0.5);

    emx_weights_errors(r, error, 3, &opt, found);
    CHECK(found[0] == 0 && found[1] == 0 && found[2] == 0);
    opt = options(1, 0, 0.5);
    emx_weights_errors(r, error, 3, &opt, found);
    CHECK(found[0] == 0 && isnan(found[1]) && isnan(found[2]));
    opt = options(1, 0.33333333333333331, 1);
    emx_weights_errors(even, error, 3, &opt, found);
    CHECK(found[0] == 0 && found[1] == 0 && found[2] == 0);
    emx_weights_errors(&one, error, 1, &EMX_WEIGHTS_DEFAULTS, found);
    CHECK(found[0] == 0);
}

/* Nearly all in one domain: its error is what the others leave. */
static void the_error_of_nearly_all_is_that_of_the_rest(void)
{
    const double h[] = {40, 0}, error[] = {0.5, 0.25};
    double r[2], found[2];

    weigh(h, 2, EMX_WEIGHTS_DEFAULTS, r);
    emx_weights_errors(r, error, 2, &EMX_WEIGHTS_DEFAULTS, found);
    CHECK_NEAR(found[1] / r[1], hypot(0.5, 0.25), 1e-12);
}

int main(void)
{
    seed = test_seed();
    RUN(weights_are_equation_13);
    RUN(temperature_divides_entropies);
    RUN(no_entropy_overflows);
    RUN(no_temperature_is_too_low);
    RUN(bounds_equal_bisection);
    RUN(bounds_are_the_nearest_feasible_proportions);
    RUN(more_entropy_never_weighs_less);
    RUN(order_of_domains_does_not_matter);
    RUN(tight_bounds_leave_even_shares);
    RUN(equal_entropies_share_evenly_and_ties_at_bounds_hold);
    RUN(impossible_options_are_named);
    RUN(entropies_must_be_numbers);
    RUN(documents_drawn_give_back_shares_of_tokens);
    RUN(errors_follow_the_slopes);
    RUN(shares_that_cannot_move_have_no_error);
    RUN(the_error_of_nearly_all_is_that_of_the_rest);
    RUN(documents_need_lengths_and_shares);
    return test_summary();
}
