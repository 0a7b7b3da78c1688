/* test_vne.c - density matrices and von Neumann entropy, against the kernel of all documents and known spectra */
#include "test.h"

#include "vne/density.h"

enum { MOST = 64 };

static bool precise; /* the matrices are */

/* --- documents ------------------------------------------------------------------------------------------ */

static uint64_t seed;

static double normal(void)
{
    double u = ((double)(test_random(&seed) >> 11) + 1) * 0x1p-53, v = (double)(test_random(&seed) >> 11) * 0x1p-53;

    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* n documents of which each shares `mean` times one direction. */
static double *documents(size_t n, size_t dimension, double mean)
{
    double *x = malloc(n * dimension * sizeof(*x));

    for (size_t i = 0; i < n * dimension; i++)
        x[i] = normal() + mean * (i % dimension == 0);
    return x;
}

static struct emx_density *density(size_t dimension)
{
    struct emx_density *d = NULL;

    if (emx_density_create(dimension, precise, &d, NULL) != EMX_OK)
        abort();
    return d;
}

static struct emx_density *density_of(const double *x, size_t n, size_t dimension)
{
    struct emx_density *d = density(dimension);

    for (size_t i = 0; i < n; i++)
        CHECK(emx_density_add(d, x + i * dimension) == EMX_OK);
    return d;
}

static struct emx_vne vne_of(struct emx_density *d)
{
    double *spectrum = malloc(emx_density_dimension(d) * sizeof(*spectrum));
    struct emx_vne vne = {.entropy = NAN};

    CHECK(emx_density_spectrum(d, spectrum, NULL) == EMX_OK);
    emx_vne_of(spectrum, emx_density_dimension(d), &vne);
    free(spectrum);
    return vne;
}

static struct emx_vne vne_of_documents(const double *x, size_t n, size_t dimension)
{
    struct emx_density *d = density_of(x, n, dimension);
    struct emx_vne vne = vne_of(d);

    emx_density_destroy(&d);
    return vne;
}

/* --- the other route: the N x N kernel, and Jacobi's rotations ------------------------------------------- */

static void rotate(double *a, size_t n, size_t p, size_t q)
{
    double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1)), c = 1 / sqrt(t * t + 1), s = t * c;

    for (size_t k = 0; k < n; k++) {
        double x = a[k * n + p], y = a[k * n + q];

        a[k * n + p] = c * x - s * y;
        a[k * n + q] = s * x + c * y;
    }
    for (size_t k = 0; k < n; k++) {
        double x = a[p * n + k], y = a[q * n + k];

        a[p * n + k] = c * x - s * y;
        a[q * n + k] = s * x + c * y;
    }
}

static void diagonalise(double *a, size_t n)
{
    for (int sweep = 0; sweep < 30; sweep++) {
        for (size_t p = 0; p < n; p++) {
            for (size_t q = p + 1; q < n; q++) {
                if (fabs(a[p * n + q]) > 1e-300)
                    rotate(a, n, p, q);
            }
        }
    }
}

/* Unit vectors, rounded to the grid if grid is not 0. */
static double *unit_vectors(const double *x, size_t n, size_t dimension, double grid)
{
    double *v = malloc(n * dimension * sizeof(*v));

    for (size_t i = 0; i < n; i++) {
        double sum = 0;

        for (size_t k = 0; k < dimension; k++)
            sum += x[i * dimension + k] * x[i * dimension + k];
        for (size_t k = 0; k < dimension; k++) {
            double exact = x[i * dimension + k] / sqrt(sum);

            v[i * dimension + k] = grid > 0 ? rint(exact * grid) / grid : exact;
        }
    }
    return v;
}

static double kernel_entropy(const double *x, size_t n, size_t dimension, double grid)
{
    double *v = unit_vectors(x, n, dimension, grid), kernel[MOST * MOST], trace = 0, entropy = 0;

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++) {
            kernel[i * n + k] = 0;
            for (size_t m = 0; m < dimension; m++)
                kernel[i * n + k] += v[i * dimension + m] * v[k * dimension + m];
        }
        trace += kernel[i * n + i];
    }
    diagonalise(kernel, n);
    for (size_t i = 0; i < n; i++) {
        double l = kernel[i * n + i] / trace;

        entropy -= l > 0 ? l * log(l) : 0;
    }
    free(v);
    return entropy;
}

static void entropy_is_that_of_the_kernel(void)
{
    static const struct {
        size_t n, dimension;
        double mean;
    } cases[] = {{40, 8, 0}, {40, 8, 3}, {8, 40, 0}, {30, 30, 1}, {1, 5, 0}, {50, 1, 0}, {64, 300, 2}};
    double worst = 0;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t n = cases[i].n, dimension = cases[i].dimension;
        double *x = documents(n, dimension, cases[i].mean);
        double entropy = vne_of_documents(x, n, dimension).entropy, plain = kernel_entropy(x, n, dimension, 0);

        CHECK_NEAR(entropy, kernel_entropy(x, n, dimension, precise ? 0x1p40 : 0x1p24), 1e-12);
        CHECK_NEAR(entropy, plain, precise ? 1e-11 : 3e-8);
        worst = fabs(entropy - plain) > worst ? fabs(entropy - plain) : worst;
        free(x);
    }
    printf("rounding moves the entropy by at most %.1e nats\n", worst);
}

/* Some documents lie along axes, where integers are largest. */
static void sums_are_those_of_the_integers(void)
{
    enum { N = 1000, D = 7 };
    const double grid = ldexp(1, emx_density_bits(precise));
    double *x = documents(N, D, 1), *v;
    wide expected[D * (D + 1) / 2] = {0};
    struct emx_density *d;

    for (size_t i = 0; i < N; i += 3) {
        for (size_t k = 0; k < D; k++)
            x[i * D + k] = k == i % D ? -2 : 0;
    }
    d = density_of(x, N, D);
    v = unit_vectors(x, N, D, grid);
    for (size_t i = 0; i < N; i++) {
        wide *sum = expected;

        for (size_t k = 0; k < D; k++) {
            for (size_t m = k; m < D; m++)
                *sum++ += (wide)(v[i * D + k] * grid) * (wide)(v[i * D + m] * grid);
        }
    }
    for (size_t i = 0; i < D * (D + 1) / 2;
         i++) /* lengths are rounded otherwise here, so a few integers are off by 1 */
        CHECK(fabs((double)(density_sums(d)[i] - expected[i])) < 40 * grid);
    emx_density_destroy(&d);
    free(v);
    free(x);
}

/* --- known spectra --------------------------------------------------------------------------------------- */

static void orthogonal_documents_have_log_n(void)
{
    for (size_t n = 1; n <= MOST; n *= 2) {
        double x[MOST * MOST] = {0};
        struct emx_vne vne;

        for (size_t i = 0; i < n; i++)
            x[i * MOST + i] = (double)(i + 1) * (i % 2 ? -1 : 1);
        vne = vne_of_documents(x, n, MOST);
        CHECK_NEAR(vne.entropy, log((double)n), 1e-13);
        CHECK_NEAR(vne.vendi, (double)n, 1e-11);
        CHECK_NEAR(vne.effective_rank, (double)n, 1e-11);
        CHECK_NEAR(vne.participation, (double)n, 1e-11);
        CHECK_NEAR(vne.top_share, 1 / (double)n, 1e-14);
        CHECK_NEAR(vne.top10_share, n < 10 ? 1 : 10 / (double)n, 1e-13);
    }
}

static void identical_documents_have_zero(void)
{
    double x[20];
    struct emx_density *d = density(20);
    struct emx_vne vne;

    for (size_t i = 0; i < 20; i++)
        x[i] = normal();
    for (int i = 0; i < 1000; i++)
        CHECK(emx_density_add(d, x) == EMX_OK);
    vne = vne_of(d);
    CHECK_NEAR(vne.entropy, 0, 1e-12);
    CHECK_NEAR(vne.vendi, 1, 1e-12);
    CHECK_NEAR(vne.top_share, 1, 1e-14);
    emx_density_destroy(&d);
}

static void shares_of_axes_are_the_spectrum(void)
{
    static const unsigned copies[] = {5000, 2500, 1500, 999, 1};
    struct emx_density *d = density(7);
    double spectrum[7];

    for (size_t i = 0; i < 5; i++) {
        double x[7] = {0};

        x[6 - i] = i % 2 ? -1e-3 : 1e300;
        for (unsigned k = 0; k < copies[i]; k++)
            CHECK(emx_density_add(d, x) == EMX_OK);
    }
    CHECK(emx_density_n_documents(d) == 10000);
    CHECK(emx_density_spectrum(d, spectrum, NULL) == EMX_OK);
    for (size_t i = 0; i < 7; i++)
        CHECK_NEAR(spectrum[i], i < 5 ? copies[i] / 1e4 : 0, 1e-15);
    emx_density_destroy(&d);
}

/* Two unit vectors with cosine c have the eigenvalues (1 +- c) / 2. */
static void two_documents_have_their_cosine(void)
{
    for (int i = 0; i <= 10; i++) {
        double c = i / 10.0, x[4] = {1, 0, c, sqrt(1 - c * c)}, a = (1 + c) / 2, b = (1 - c) / 2;

        CHECK_NEAR(vne_of_documents(x, 2, 2).entropy, -a * log(a) - (b > 0 ? b * log(b) : 0), 2e-7);
    }
}

static void spectra_sum_to_one_and_descend(void)
{
    double *x = documents(500, 30, 1), spectrum[30], sum = 0;
    struct emx_density *d = density_of(x, 500, 30);

    CHECK(emx_density_spectrum(d, spectrum, NULL) == EMX_OK);
    for (size_t i = 0; i < 30; i++) {
        CHECK(spectrum[i] >= 0 && (i == 0 || spectrum[i] <= spectrum[i - 1]));
        sum += spectrum[i];
    }
    CHECK_NEAR(sum, 1, 1e-14);
    emx_density_destroy(&d);
    free(x);
}

static void without_the_first_the_rest_is_all(void)
{
    double x[5] = {0.5, 0.25, 0.125, 0.125, 0}, rest[4] = {0.5, 0.25, 0.25, 0}, one[3] = {1, 1e-17, 0};
    struct emx_vne found, expected;

    emx_vne_without_first(x, 5, &found);
    emx_vne_of(rest, 4, &expected);
    CHECK_NEAR(found.entropy, expected.entropy, 1e-15);
    CHECK_NEAR(found.vendi, expected.vendi, 1e-15);
    CHECK_NEAR(found.effective_rank, expected.effective_rank, 1e-14);
    CHECK_NEAR(found.participation, expected.participation, 1e-14);
    CHECK(found.top_share == 0.5 && found.top10_share == 1);
    emx_vne_without_first(one, 3, &found);
    CHECK(found.entropy == 0 && found.vendi == 0 && found.effective_rank == 0 && found.top_share == 0);
    emx_vne_without_first(one, 1, &found);
    CHECK(found.vendi == 0);
}

/* --- standard errors --------------------------------------------------------------------------------------- */

/* Documents along axes are draws of the axis: the error is that of the entropy of their shares. */
static void documents_along_axes_have_the_error_of_shares(void)
{
    enum { D = 5, N = 40 };
    const double share[D] = {0.5, 0.25, 0.15, 0.1, 0};
    double x[N * D] = {0}, expected = 0;
    struct emx_vne vne;
    size_t n = 0;

    for (size_t i = 0; i < D; i++) {
        for (size_t k = 0; k < (size_t)(share[i] * N + 0.5); k++)
            x[n++ * D + i] = 3;
    }
    vne = vne_of_documents(x, N, D);
    for (size_t i = 0; i < D && share[i] > 0; i++)
        expected += share[i] * pow(-log(share[i]) - vne.entropy, 2);
    CHECK_NEAR(emx_vne_error(&vne, N), sqrt(expected / N), 1e-7);
    CHECK(isnan(emx_vne_error(&vne, 0)));
    vne = vne_of_documents(x, 1, D);
    CHECK(emx_vne_error(&vne, 1) < 1e-7);
}

/* Deviation of the entropies of samples, with replacement, of the documents. */
static double bootstrap(const double *x, size_t n, size_t dimension, bool without_first)
{
    enum { SAMPLES = 60 };
    double *drawn = malloc(n * dimension * sizeof(*drawn)), *spectrum = malloc(dimension * sizeof(*spectrum));
    double sum = 0, squares = 0;

    for (size_t s = 0; s < SAMPLES; s++) {
        struct emx_density *d;
        struct emx_vne vne;

        for (size_t i = 0; i < n; i++)
            memcpy(drawn + i * dimension, x + test_random(&seed) % n * dimension, dimension * sizeof(*x));
        d = density_of(drawn, n, dimension);
        CHECK(emx_density_spectrum(d, spectrum, NULL) == EMX_OK);
        emx_vne_of(spectrum, dimension, &vne);
        if (without_first)
            emx_vne_without_first(spectrum, dimension, &vne);
        sum += vne.entropy;
        squares += vne.entropy * vne.entropy;
        emx_density_destroy(&d);
    }
    free(drawn);
    free(spectrum);
    return sqrt((squares - sum * sum / SAMPLES) / (SAMPLES - 1));
}

/* Independent documents of Gaussian directions: above the deviation of samples, but of its size. */
static void errors_bound_the_deviation_of_samples(void)
{
    enum { N = 400, D = 12 };
    double *x = documents(N, D, 3), spectrum[D];
    struct emx_density *d = density_of(x, N, D);
    struct emx_vne vne;

    CHECK(emx_density_spectrum(d, spectrum, NULL) == EMX_OK);
    for (int without_first = 0; without_first < 2; without_first++) {
        double deviation = bootstrap(x, N, D, without_first), error;

        emx_vne_of(spectrum, D, &vne);
        if (without_first)
            emx_vne_without_first(spectrum, D, &vne);
        error = emx_vne_error(&vne, N);
        printf("bound over deviation: %.2f\n", error / deviation);
        CHECK(error > 0.9 * deviation && error < 15 * deviation);
    }
    emx_density_destroy(&d);
    free(x);
}

/* --- what must not matter --------------------------------------------------------------------------------- */

static void rotation_keeps_the_entropy(void)
{
    enum { N = 200, D = 16 };
    double *x = documents(N, D, 2), mirror[D], square = 0, before = vne_of_documents(x, N, D).entropy;

    for (size_t i = 0; i < D; i++) {
        mirror[i] = normal();
        square += mirror[i] * mirror[i];
    }
    for (size_t i = 0; i < N; i++) {
        double dot = 0;

        for (size_t k = 0; k < D; k++)
            dot += x[i * D + k] * mirror[k];
        for (size_t k = 0; k < D; k++)
            x[i * D + k] -= 2 * dot / square * mirror[k];
    }
    CHECK_NEAR(vne_of_documents(x, N, D).entropy, before, 3e-8);
    free(x);
}

static void order_and_grouping_do_not_change_a_bit(void)
{
    enum { N = 1500, D = 24 };
    double *x = documents(N, D, 5), one[D * D], other[D * D];
    struct emx_density *whole = density_of(x, N, D), *parts[8];

    for (size_t p = 0; p < 8; p++)
        parts[p] = density(D);
    for (size_t i = N; i-- > 0;)
        CHECK(emx_density_add(parts[test_random(&seed) % 8], x + i * D) == EMX_OK);
    for (size_t p = 1; p < 8; p++)
        CHECK(emx_density_merge(parts[0], parts[p]) == EMX_OK);
    CHECK(emx_density_n_documents(parts[0]) == N);
    CHECK(emx_density_matrix(whole, one) == EMX_OK && emx_density_matrix(parts[0], other) == EMX_OK);
    CHECK(memcmp(one, other, sizeof(one)) == 0);
    CHECK(emx_density_spectrum(whole, one, NULL) == EMX_OK && emx_density_spectrum(parts[0], other, NULL) == EMX_OK);
    CHECK(memcmp(one, other, D * sizeof(*one)) == 0);
    CHECK(emx_density_add(whole, x) == EMX_OK && emx_density_n_documents(whole) == N + 1);
    for (size_t p = 0; p < 8; p++)
        emx_density_destroy(&parts[p]);
    emx_density_destroy(&whole);
    free(x);
}

static void length_of_documents_does_not_matter(void)
{
    enum { N = 100, D = 9 };
    double *x = documents(N, D, 1), one[D], other[D];
    struct emx_density *plain = density_of(x, N, D), *scaled;

    for (size_t i = 0; i < N * D; i++)
        x[i] = ldexp(x[i], (int)(i / D) * 20 - 1000); /* from 1e-301 to 1e295 */
    scaled = density_of(x, N, D);
    CHECK(emx_density_spectrum(plain, one, NULL) == EMX_OK && emx_density_spectrum(scaled, other, NULL) == EMX_OK);
    CHECK(memcmp(one, other, sizeof(one)) == 0);
    emx_density_destroy(&plain);
    emx_density_destroy(&scaled);
    free(x);
}

/* --- limits ------------------------------------------------------------------------------------------------ */

static void documents_without_direction_are_left_out(void)
{
    double zero[3] = {0, -0.0, 0}, x[3] = {1, 2, 3}, spectrum[3];
    struct emx_density *d = density(3);
    struct emx_error err;

    CHECK(emx_density_add(d, zero) == EMX_OK);
    CHECK(emx_density_n_documents(d) == 0 && emx_density_n_left_out(d) == 1);
    CHECK(emx_density_spectrum(d, spectrum, &err) == EMX_ERR_EMPTY);
    CHECK_STR(err.message, "no document has a direction, so there is no spectrum");
    CHECK(emx_density_add(d, x) == EMX_OK);
    CHECK(emx_density_n_documents(d) == 1 && emx_density_n_left_out(d) == 1);
    CHECK_NEAR(vne_of(d).entropy, 0, 1e-13);
    emx_density_reset(d);
    CHECK(emx_density_n_documents(d) == 0 && emx_density_n_left_out(d) == 0);
    CHECK(emx_density_spectrum(d, spectrum, NULL) == EMX_ERR_EMPTY);
    emx_density_destroy(&d);
}

static void numbers_must_be_finite(void)
{
    double x[3] = {1, NAN, 3}, y[3] = {1, 2, -INFINITY};
    struct emx_density *d = density(3);

    CHECK(emx_density_add(d, x) == EMX_ERR_ARG && emx_density_add(d, y) == EMX_ERR_ARG);
    CHECK(emx_density_n_documents(d) == 0);
    emx_density_destroy(&d);
}

static void dimensions_are_limited_and_must_agree(void)
{
    struct emx_density *d = NULL, *other = density(4);
    struct emx_error err;

    CHECK(emx_density_create(0, false, &d, &err) == EMX_ERR_RANGE && !d);
    CHECK(emx_density_create(EMX_MAX_DIMENSION + 1, false, &d, &err) == EMX_ERR_RANGE && !d);
    CHECK_STR(err.message, "vectors of 4097 dimensions: there must be 1 to 4096");
    d = density(3);
    CHECK(emx_density_merge(d, other) == EMX_ERR_ARG);
    emx_density_destroy(&other);
    if (emx_density_create(3, !precise, &other, NULL) != EMX_OK)
        abort();
    CHECK(emx_density_merge(d, other) == EMX_ERR_ARG);
    emx_density_destroy(&d);
    emx_density_destroy(&other);
    CHECK(!d);
}

static void run_all(void)
{
    RUN(entropy_is_that_of_the_kernel);
    RUN(sums_are_those_of_the_integers);
    RUN(orthogonal_documents_have_log_n);
    RUN(identical_documents_have_zero);
    RUN(shares_of_axes_are_the_spectrum);
    RUN(two_documents_have_their_cosine);
    RUN(spectra_sum_to_one_and_descend);
    RUN(without_the_first_the_rest_is_all);
    RUN(documents_along_axes_have_the_error_of_shares);
    RUN(errors_bound_the_deviation_of_samples);
    RUN(rotation_keeps_the_entropy);
    RUN(order_and_grouping_do_not_change_a_bit);
    RUN(length_of_documents_does_not_matter);
    RUN(documents_without_direction_are_left_out);
    RUN(numbers_must_be_finite);
    RUN(dimensions_are_limited_and_must_agree);
}

int main(void)
{
    seed = test_seed();
    run_all();
    precise = true;
    run_all();
    return test_summary();
}
