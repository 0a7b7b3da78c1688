/* spectrum: what types were added comes back sorted and summed, by any route */
#include "test.h"

#include "entropy/spectrum_builder.h"

static uint64_t seed;

static struct emx_spectrum_builder *new_builder(void)
{
    struct emx_spectrum_builder *b = NULL;

    if (emx_spectrum_builder_create(&b) != EMX_OK)
        abort();
    return b;
}

/* Counts around the border between array and list as often as small and huge ones. */
static uint64_t any_count(void)
{
    uint64_t r = test_random(&seed);

    switch (r & 3) {
    case 0:
        return 1 + (r >> 2) % 8;
    case 1:
        return SPECTRUM_SMALL - 4 + (r >> 2) % 8;
    case 2:
        return 1 + (r >> 2) % 200000;
    default:
        return 1000000000000 + (r >> 2) % 4;
    }
}

static int ascending(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The plain twin: sort all counts, walk the runs. */
static void check_against_sorted(const struct emx_spectrum *s, uint64_t *counts, size_t n)
{
    size_t row = 0;

    qsort(counts, n, sizeof(*counts), ascending);
    for (size_t i = 0, j; i < n; i = j, row++) {
        for (j = i; j < n && counts[j] == counts[i]; j++)
            ;
        CHECK(row < s->len && s->count[row] == counts[i] && s->types[row] == j - i);
    }
    CHECK(s->len == row && s->n_types == n);
}

static void builder_equals_sorting(void)
{
    static uint64_t counts[20000];
    struct emx_spectrum_builder *b = new_builder();
    struct emx_spectrum s;
    uint64_t total = 0;

    for (size_t i = 0; i < 20000; i++) {
        counts[i] = any_count();
        total += counts[i];
        CHECK(emx_spectrum_builder_add(b, counts[i]) == EMX_OK);
    }
    CHECK(emx_spectrum_builder_add(b, 0) == EMX_OK);
    CHECK(emx_spectrum_builder_view(b, &s) == EMX_OK);
    CHECK(s.n_total == total);
    check_against_sorted(&s, counts, 20000);
    emx_spectrum_builder_destroy(&b);
    CHECK(!b);
}

static void same(const struct emx_spectrum *a, const struct emx_spectrum *b)
{
    CHECK(a->len == b->len && a->n_total == b->n_total && a->n_types == b->n_types);
    CHECK(a->len == b->len && memcmp(a->count, b->count, a->len * sizeof(*a->count)) == 0);
    CHECK(a->len == b->len && memcmp(a->types, b->types, a->len * sizeof(*a->types)) == 0);
}

static void merging_parts_equals_one_builder(void)
{
    struct emx_spectrum_builder *whole = new_builder(), *part[3] = {new_builder(), new_builder(), new_builder()};
    struct emx_spectrum a, b;

    for (int i = 0; i < 30000; i++) {
        uint64_t count = any_count();

        CHECK(spectrum_builder_add(whole, count) == EMX_OK);
        CHECK(spectrum_builder_add(part[test_random(&seed) % 3], count) == EMX_OK);
    }
    CHECK(emx_spectrum_builder_merge(part[2], part[0]) == EMX_OK);
    CHECK(emx_spectrum_builder_merge(part[2], part[1]) == EMX_OK);
    CHECK(emx_spectrum_builder_view(whole, &a) == EMX_OK && emx_spectrum_builder_view(part[2], &b) == EMX_OK);
    same(&a, &b);
    for (int i = 0; i < 3; i++)
        emx_spectrum_builder_destroy(&part[i]);
    emx_spectrum_builder_destroy(&whole);
}

static void views_follow_what_is_added(void)
{
    struct emx_spectrum_builder *b = new_builder();
    struct emx_spectrum s;

    CHECK(emx_spectrum_builder_view(b, &s) == EMX_OK && s.len == 0 && s.n_total == 0);
    CHECK(emx_spectrum_builder_add(b, 100000) == EMX_OK && emx_spectrum_builder_add(b, 3) == EMX_OK);
    CHECK(emx_spectrum_builder_view(b, &s) == EMX_OK && s.len == 2 && s.n_total == 100003);
    CHECK(emx_spectrum_builder_add(b, 70000) == EMX_OK && emx_spectrum_builder_add(b, 100000) == EMX_OK);
    CHECK(emx_spectrum_builder_view(b, &s) == EMX_OK && s.len == 3 && s.n_total == 270003);
    CHECK(s.count[1] == 70000 && s.types[1] == 1 && s.count[2] == 100000 && s.types[2] == 2);
    emx_spectrum_builder_reset(b);
    CHECK(emx_spectrum_builder_view(b, &s) == EMX_OK && s.len == 0 && s.n_types == 0);
    emx_spectrum_builder_destroy(&b);
}

static void view_checks_its_arrays(void)
{
    const uint64_t count[] = {1, 5, 5}, types[] = {2, 1, 1}, none[] = {2, 0};
    const uint64_t zero[] = {0, 1}, huge[] = {1, UINT64_C(1) << 63}, two[] = {1, 2};
    struct emx_spectrum s;

    CHECK(emx_spectrum_view(count, types, 2, &s) == EMX_OK && s.n_total == 7 && s.n_types == 3);
    CHECK(emx_spectrum_view(count, types, 3, &s) == EMX_ERR_ARG);
    CHECK(emx_spectrum_view(count, none, 2, &s) == EMX_ERR_ARG);
    CHECK(emx_spectrum_view(zero, types, 2, &s) == EMX_ERR_ARG);
    CHECK(emx_spectrum_view(huge, two, 2, &s) == EMX_ERR_RANGE);
    CHECK(emx_spectrum_view(two, huge, 2, &s) == EMX_ERR_RANGE);
    CHECK(s.n_total == 7);
    CHECK(emx_spectrum_view(NULL, NULL, 0, &s) == EMX_OK && s.len == 0 && s.n_total == 0);
}

static void totals_past_64_bits_are_an_error(void)
{
    struct emx_spectrum_builder *b = new_builder();
    struct emx_spectrum s;

    CHECK(emx_spectrum_builder_add(b, UINT64_MAX) == EMX_OK);
    CHECK(emx_spectrum_builder_view(b, &s) == EMX_OK && s.n_total == UINT64_MAX);
    CHECK(emx_spectrum_builder_add(b, 1) == EMX_OK);
    CHECK(emx_spectrum_builder_view(b, &s) == EMX_ERR_RANGE);
    emx_spectrum_builder_destroy(&b);
}

int main(void)
{
    seed = test_seed();
    RUN(builder_equals_sorting);
    RUN(merging_parts_equals_one_builder);
    RUN(views_follow_what_is_added);
    RUN(view_checks_its_arrays);
    RUN(totals_past_64_bits_are_an_error);
    return test_summary();
}
