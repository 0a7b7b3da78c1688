/* entropy: definitions in 113 bits, cases known in closed form, and what must hold between entropies */
#include "test.h"

#include "ref/naive_entropy.h"
#include <emx/entropy.h>

#define MAX_ROWS 20000
#define CHECK_RELATIVE(a, b, tolerance) CHECK_NEAR(a, b, (tolerance)*fabs(b))

static uint64_t seed;

/* A pair table and the three spectra of it. */
struct table {
    struct emx_pair_count rows[MAX_ROWS]; /* sorted by first */
    size_t n;
    struct emx_spectrum_builder *pairs_builder, *firsts_builder;
    struct emx_spectrum pairs, firsts;
};

static struct table *new_table(void)
{
    struct table *t = calloc(1, sizeof(*t));

    if (!t || emx_spectrum_builder_create(&t->pairs_builder) != EMX_OK ||
        emx_spectrum_builder_create(&t->firsts_builder) != EMX_OK)
        abort();
    return t;
}

static void destroy_table(struct table *t)
{
    emx_spectrum_builder_destroy(&t->pairs_builder);
    emx_spectrum_builder_destroy(&t->firsts_builder);
    free(t);
}

static void add_row(struct table *t, uint32_t first, uint32_t second, uint64_t count)
{
    if (t->n == MAX_ROWS)
        abort();
    t->rows[t->n++] = (struct emx_pair_count){first, second, count};
}

static void make_spectra(struct table *t)
{
    uint64_t first = 0;

    emx_spectrum_builder_reset(t->pairs_builder);
    emx_spectrum_builder_reset(t->firsts_builder);
    for (size_t i = 0; i < t->n; i++) {
        CHECK(emx_spectrum_builder_add(t->pairs_builder, t->rows[i].count) == EMX_OK);
        first += t->rows[i].count;
        if (i + 1 < t->n && t->rows[i + 1].first == t->rows[i].first)
            continue;
        CHECK(emx_spectrum_builder_add(t->firsts_builder, first) == EMX_OK);
        first = 0;
    }
    CHECK(emx_spectrum_builder_view(t->pairs_builder, &t->pairs) == EMX_OK);
    CHECK(emx_spectrum_builder_view(t->firsts_builder, &t->firsts) == EMX_OK);
}

static double naive_joint(const struct table *t)
{
    static uint64_t count[MAX_ROWS];

    for (size_t i = 0; i < t->n; i++)
        count[i] = t->rows[i].count;
    return (double)naive_entropy(count, t->n);
}

/* Counts from 1 to 2^max_bits, small ones as likely as large. */
static uint64_t skewed_count(unsigned max_bits)
{
    return 1 + (test_random(&seed) >> (64 - test_random(&seed) % max_bits - 1));
}

static struct table *random_table(unsigned max_bits, uint32_t successors)
{
    struct table *t = new_table();

    for (uint32_t first = 0; t->n + successors < MAX_ROWS / 2; first++)
        for (uint32_t k = 0, n = 1 + (uint32_t)(test_random(&seed) % successors); k < n; k++)
            add_row(t, first, k, skewed_count(max_bits));
    make_spectra(t);
    return t;
}

static double shannon_of(const uint64_t *count, const uint64_t *types, size_t len)
{
    struct emx_spectrum s;

    CHECK(emx_spectrum_view(count, types, len, &s) == EMX_OK);
    return emx_entropy_shannon(&s);
}

static void entropy_of_uniform_is_log_n(void)
{
    for (int i = 0; i < test_rounds(1000); i++) {
        uint64_t types = 1 + test_random(&seed) % 1000000, count = 1 + test_random(&seed) % 1000000;

        CHECK_RELATIVE(shannon_of(&count, &types, 1), log((double)types), 3e-16);
    }
}

static void entropy_of_nothing_and_of_one_type_is_0(void)
{
    const uint64_t one = 1, huge = UINT64_MAX;

    CHECK(shannon_of(NULL, NULL, 0) == 0);
    CHECK(shannon_of(&one, &one, 1) == 0);
    CHECK(shannon_of(&huge, &one, 1) == 0 && !signbit(shannon_of(&huge, &one, 1)));
}

/* p = 1/2, 1/4, ..., 2^-62, 2^-62: H = (2 - 2^-61) log 2. */
static void entropy_of_halves_is_2_bits(void)
{
    uint64_t count[62], types[62];

    for (int i = 0; i < 62; i++) {
        count[i] = UINT64_C(1) << i;
        types[i] = i == 0 ? 2 : 1;
    }
    CHECK_RELATIVE(shannon_of(count, types, 62), 2 * log(2), 3e-16);
}

/* All but `rest` of 10^18 tokens are of one type: log2(p) of that one is 0 in double. */
static void one_type_may_hold_nearly_all(void)
{
    for (uint64_t rest = 1; rest <= 1000000; rest *= 10) {
        const uint64_t n = UINT64_C(1000000000000000000), count[] = {1, n - rest}, types[] = {rest, 1};
        quad h =
            (quad)rest / (quad)n * logf128((quad)n) + (quad)(n - rest) / (quad)n * logf128((quad)n / (quad)(n - rest));

        CHECK_RELATIVE(shannon_of(count, types, 2), (double)h, 3e-16);
    }
}

static void random_tables_equal_the_naive_twin(void)
{
    for (unsigned bits = 1; bits <= 49; bits += 3) {
        struct table *t = random_table(bits, 1 + bits * 7);

        CHECK_RELATIVE(emx_entropy_shannon(&t->pairs), naive_joint(t), 3e-16);
        CHECK_RELATIVE(emx_entropy_conditional(&t->pairs, &t->firsts), (double)naive_conditional(t->rows, t->n), 3e-16);
        destroy_table(t);
    }
}

static void deterministic_sequence_has_conditional_entropy_0(void)
{
    struct table *t = random_table(50, 1);

    CHECK(t->n > 1000 && emx_entropy_shannon(&t->pairs) > 0);
    CHECK(emx_entropy_conditional(&t->pairs, &t->firsts) == 0);
    destroy_table(t);
}

/* Among many certain successors of 10^15 to 10^18 pairs each, one first has a second successor, seen once. */
static void one_surprise_in_a_deterministic_sequence_keeps_its_digits(void)
{
    struct table *t = new_table();

    for (uint32_t i = 0; i < 40; i++)
        add_row(t, i, 0, 1000000000000000 + test_random(&seed) % 400000000000000000);
    add_row(t, 39, 1, 1);
    make_spectra(t);
    CHECK_RELATIVE(emx_entropy_conditional(&t->pairs, &t->firsts), (double)naive_conditional(t->rows, t->n), 3e-16);
    destroy_table(t);
}

static void independent_pairs_have_conditional_entropy_of_one_token(void)
{
    struct table *t = new_table();
    uint64_t count[100];

    for (int i = 0; i < 100; i++)
        count[i] = skewed_count(20);
    for (uint32_t i = 0; i < 100; i++)
        for (uint32_t j = 0; j < 100; j++)
            add_row(t, i, j, count[i] * count[j]);
    make_spectra(t);
    CHECK_RELATIVE(emx_entropy_conditional(&t->pairs, &t->firsts), (double)naive_entropy(count, 100), 3e-16);
    destroy_table(t);
}

static void entropies_obey_chain_rule_and_bounds(void)
{
    double step = test_long_double_step();

    for (int i = 0; i < 20; i++) {
        struct table *t = random_table(1 + i * 2, 100);
        struct emx_entropies e;

        emx_entropies_compute(&t->firsts, &t->pairs, &t->firsts, &e);
        CHECK(e.chain_residual <= 100 * step);
        CHECK_NEAR(e.joint - e.first, e.conditional, 1e-15 * e.joint);
        CHECK(e.shannon == e.first && e.mutual_information <= e.shannon);
        CHECK_NEAR(e.mutual_information, e.shannon - e.conditional, 2e-16 * e.shannon);
        CHECK(e.conditional >= 0 && e.conditional <= log(100));
        CHECK(e.joint <= log((double)e.n_pair_types) && e.joint >= e.first);
        CHECK(e.n_pair_types == t->n && e.n_pairs == e.n_tokens && e.n_token_types == t->firsts.n_types);
        destroy_table(t);
    }
}

static void order_of_types_does_not_change_a_bit(void)
{
    struct table *t = random_table(40, 50);
    struct emx_spectrum pairs;

    make_spectra(t);
    double before = emx_entropy_shannon(&t->pairs), ce = emx_entropy_conditional(&t->pairs, &t->firsts);

    emx_spectrum_builder_reset(t->pairs_builder);
    for (size_t i = t->n; i > 1; i--) {
        size_t j = test_random(&seed) % i;
        struct emx_pair_count swap = t->rows[i - 1];

        t->rows[i - 1] = t->rows[j];
        t->rows[j] = swap;
    }
    for (size_t i = 0; i < t->n; i++)
        CHECK(emx_spectrum_builder_add(t->pairs_builder, t->rows[i].count) == EMX_OK);
    CHECK(emx_spectrum_builder_view(t->pairs_builder, &pairs) == EMX_OK);
    CHECK(emx_entropy_shannon(&pairs) == before && emx_entropy_conditional(&pairs, &t->firsts) == ce);
    destroy_table(t);
}

static void coverage_is_the_mass_not_seen_once(void)
{
    const uint64_t count[] = {1, 3, 10}, types[] = {5, 1, 1};
    struct emx_spectrum s;

    CHECK(emx_spectrum_view(count, types, 3, &s) == EMX_OK);
    CHECK(emx_entropy_coverage(&s) == 13.0 / 18);
    CHECK(emx_spectrum_view(count + 1, types + 1, 2, &s) == EMX_OK && emx_entropy_coverage(&s) == 1);
    CHECK(emx_spectrum_view(count, types, 1, &s) == EMX_OK && emx_entropy_coverage(&s) == 0);
    CHECK(emx_spectrum_view(NULL, NULL, 0, &s) == EMX_OK && emx_entropy_coverage(&s) == 1);
}

static void spectra_of_different_totals_have_no_conditional_entropy(void)
{
    const uint64_t count[] = {2, 3}, types[] = {1, 1};
    struct emx_spectrum a, b;

    CHECK(emx_spectrum_view(count, types, 1, &a) == EMX_OK && emx_spectrum_view(count, types, 2, &b) == EMX_OK);
    CHECK(isnan(emx_entropy_conditional(&a, &b)));
}

int main(void)
{
    seed = test_seed();
    RUN(entropy_of_uniform_is_log_n);
    RUN(entropy_of_nothing_and_of_one_type_is_0);
    RUN(entropy_of_halves_is_2_bits);
    RUN(one_type_may_hold_nearly_all);
    RUN(random_tables_equal_the_naive_twin);
    RUN(deterministic_sequence_has_conditional_entropy_0);
    RUN(one_surprise_in_a_deterministic_sequence_keeps_its_digits);
    RUN(independent_pairs_have_conditional_entropy_of_one_token);
    RUN(entropies_obey_chain_rule_and_bounds);
    RUN(order_of_types_does_not_change_a_bit);
    RUN(coverage_is_the_mass_not_seen_once);
    RUN(spectra_of_different_totals_have_no_conditional_entropy);
    return test_summary();
}
