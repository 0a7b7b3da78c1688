/* compare: definitions over dense tables, what must hold between divergences, any number of threads, bad tables */
#include "test.h"

#include "ref/naive_compare.h"
#include "state_tables.h"
#include <emx/entropy.h>

static uint64_t seed;
static char folder[] = "/tmp/emx-compare-XXXXXX", path[64];

static struct emx_state *open_tables(const struct table *tables, size_t n)
{
    struct emx_state *s = NULL;
    struct emx_error err;

    if (write_tables(path, tables, n, &err) != EMX_OK || emx_state_open(path, &s, &err) != EMX_OK) {
        printf("%s\n", err.message);
        abort();
    }
    return s;
}

static void finish(struct emx_state *s, struct table *tables, size_t n)
{
    emx_state_close(&s);
    for (size_t i = 0; i < n; i++)
        table_finish(&tables[i]);
}

/* Equal infinities, or near. */
static void check_near(double got, double expected, double tolerance, const char *what)
{
    if (isinf(expected) ? got == expected : fabs(got - expected) <= tolerance * fmax(fabs(expected), 1))
        return;
    printf("%s: %.17g, expected %.17g\n", what, got, expected);
    FAIL(what);
}

static void check_divergence(const struct emx_divergence *got, const struct emx_divergence *expected)
{
    check_near(got->cross, expected->cross, 2e-15, "cross-entropy");
    check_near(got->kl, expected->kl, 2e-15, "kl");
    check_near(got->jensen, expected->jensen, 2e-15, "jensen");
}

static void check_overlap(const struct emx_overlap *got, const struct emx_overlap *expected)
{
    CHECK(got->types == expected->types);
    check_near(got->jaccard, expected->jaccard, 1e-13, "jaccard");
    check_near(got->mass_of_p, expected->mass_of_p, 1e-13, "mass of p");
    check_near(got->mass_of_q, expected->mass_of_q, 1e-13, "mass of q");
    check_near(got->shared_mass, expected->shared_mass, 1e-13, "shared mass");
}

static void check_all(struct emx_state *s, const struct table *tables, size_t n, const struct emx_compare_options *o)
{
    struct emx_comparison *got = calloc(n * n, sizeof(*got));
    struct naive_domain *d = calloc(n, sizeof(*d));
    uint32_t vocabulary = 1;

    CHECK(emx_compare(s, o, got, NULL) == EMX_OK);
    for (size_t i = 0; i < n; i++) {
        naive_domain_fill(&d[i], tables[i].pairs, tables[i].n_pairs, tables[i].tails, tables[i].n_tails);
        if (emx_state_domain(s, i)->max_token >= vocabulary)
            vocabulary = emx_state_domain(s, i)->max_token + 1;
    }
    for (size_t p = 0; p < n; p++) {
        for (size_t q = 0; q < n; q++) {
            const struct emx_compare_options none = EMX_COMPARE_DEFAULTS;
            struct emx_comparison c = naive_compare(&d[p], &d[q], vocabulary, p == q ? &none : o);

            check_divergence(&got[p * n + q].tokens, &c.tokens);
            check_divergence(&got[p * n + q].pairs, &c.pairs);
            check_divergence(&got[p * n + q].conditional, &c.conditional);
            check_overlap(&got[p * n + q].token_overlap, &c.token_overlap);
            check_overlap(&got[p * n + q].pair_overlap, &c.pair_overlap);
        }
    }
    free(got);
    free(d);
}

static void comparisons_equal_the_naive_twin(void)
{
    static const struct emx_compare_options options[] = {{EMX_SMOOTHING_NONE, 0, 1},
                                                         {EMX_SMOOTHING_ADDITIVE, 0.5, 1},
                                                         {EMX_SMOOTHING_ADDITIVE, 1e-3, 1},
                                                         {EMX_SMOOTHING_UNION, 0.1, 1},
                                                         {EMX_SMOOTHING_UNION, 1, 1}};

    for (int run = 0; run < test_rounds(20); run++) {
        struct table t[4];
        struct emx_state *s;

        for (size_t i = 0; i < 4; i++)
            t[i] = random_table(&seed, 1 + test_random(&seed) % 800, 2 + (uint32_t)(test_random(&seed) % 62));
        s = open_tables(t, 4);
        for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
            check_all(s, t, 4, &options[i]);
        finish(s, t, 4);
    }
}

static struct table copy_of(const struct table *t, uint64_t factor)
{
    struct table copy = {
        .pairs = calloc(t->n_pairs + 1, sizeof(*t->pairs)),
        .tails = calloc(t->n_tails + 1, sizeof(*t->tails)),
        .n_pairs = t->n_pairs,
        .n_tails = t->n_tails,
    };

    for (size_t i = 0; i < t->n_pairs; i++) {
        copy.pairs[i] = t->pairs[i];
        copy.pairs[i].count *= factor;
    }
    for (size_t i = 0; i < t->n_tails; i++) {
        copy.tails[i] = t->tails[i];
        copy.tails[i].count *= factor;
    }
    return copy;
}

/* Counts small enough to be multiplied. */
static struct table small_table(size_t n, uint32_t vocabulary)
{
    struct table t = random_table(&seed, n, vocabulary);

    for (size_t i = 0; i < t.n_pairs; i++)
        t.pairs[i].count = 1 + t.pairs[i].count % 1000;
    for (size_t i = 0; i < t.n_tails; i++)
        t.tails[i].count = 1 + t.tails[i].count % 1000;
    return t;
}

static void proportional_domains_are_equal(void)
{
    struct table t[2] = {small_table(70000, 3000), {0}};
    struct emx_comparison c[4];
    struct emx_state *s;

    t[1] = copy_of(&t[0], 3);
    s = open_tables(t, 2);
    CHECK(emx_compare(s, &EMX_COMPARE_DEFAULTS, c, NULL) == EMX_OK);
    for (int i = 0; i < 4; i++) {
        CHECK(c[i].pairs.kl < 1e-15 && c[i].tokens.kl < 1e-15 && c[i].conditional.kl < 1e-15);
        CHECK(c[i].pairs.jensen < 1e-15 && c[i].tokens.jensen < 1e-15 && c[i].conditional.jensen < 1e-15);
        CHECK_NEAR(c[i].pair_overlap.shared_mass, 1, 1e-15);
        CHECK(c[i].pair_overlap.jaccard == 1 && c[i].pair_overlap.mass_of_p == 1 && c[i].pair_overlap.mass_of_q == 1);
        CHECK_NEAR(c[i].conditional.cross,
                   emx_entropy_conditional(&emx_state_domain(s, 0)->pairs, &emx_state_domain(s, 0)->firsts), 1e-14);
    }
    finish(s, t, 2);
}

static void disjoint_domains_share_nothing(void)
{
    struct table t[2] = {small_table(5000, 300), {0}};
    struct emx_comparison c[4];
    struct emx_state *s;

    t[1] = copy_of(&t[0], 1);
    for (size_t i = 0; i < t[1].n_pairs; i++)
        t[1].pairs[i].first += 300;
    for (size_t i = 0; i < t[1].n_tails; i++)
        t[1].tails[i].first += 300;
    s = open_tables(t, 2);
    CHECK(emx_compare(s, &EMX_COMPARE_DEFAULTS, c, NULL) == EMX_OK);
    CHECK(isinf(c[1].tokens.kl) && isinf(c[1].pairs.cross) && isinf(c[1].conditional.kl));
    CHECK_NEAR(c[1].tokens.jensen, log(2), 1e-15);
    CHECK_NEAR(c[1].pairs.jensen, log(2), 1e-15);
    CHECK_NEAR(c[1].conditional.jensen, 0, 1e-15);
    CHECK(c[1].pair_overlap.types == 0 && c[1].pair_overlap.shared_mass == 0 && c[1].pair_overlap.jaccard == 0);
    CHECK(c[1].pair_overlap.mass_of_p == 0 && c[1].pair_overlap.mass_of_q == 0);
    finish(s, t, 2);
}

/* KL of pairs is KL of first tokens and of next ones: with the same support, so that nothing is infinite. */
static void divergences_obey_their_laws(void)
{
    struct table t[3] = {small_table(20000, 500), {0}, small_table(20000, 500)};
    struct emx_comparison c[9];
    struct emx_state *s;

    t[1] = copy_of(&t[0], 1);
    for (size_t i = 0; i < t[1].n_pairs; i++)
        t[1].pairs[i].count = 1 + test_random(&seed) % 5000;
    s = open_tables(t, 3);
    CHECK(emx_compare(s, &EMX_COMPARE_DEFAULTS, c, NULL) == EMX_OK);
    CHECK(isfinite(c[1].pairs.kl) && c[1].pairs.kl > 0 && c[1].pairs.kl >= c[1].conditional.kl);
    for (int p = 0; p < 3; p++) {
        for (int q = 0; q < 3; q++) {
            const struct emx_comparison *a = &c[3 * p + q], *b = &c[3 * q + p];

            CHECK(a->pairs.jensen == b->pairs.jensen && a->tokens.jensen == b->tokens.jensen);
            CHECK(a->pair_overlap.types == b->pair_overlap.types);
            CHECK(a->pair_overlap.mass_of_p == b->pair_overlap.mass_of_q);
            CHECK(a->pairs.jensen >= a->conditional.jensen && a->pairs.jensen <= log(2));
            /* Lin (1991): 2 JS is at most the variation, log 2 times 2 (1 - shared mass). */
            CHECK(a->pairs.jensen <= log(2) * (1 - a->pair_overlap.shared_mass) + 1e-15);
            CHECK(sqrt(a->pairs.jensen) <= sqrt(c[3 * p + 2].pairs.jensen) + sqrt(c[6 + q].pairs.jensen) + 1e-15);
        }
    }
    finish(s, t, 3);
}

static void threads_do_not_change_a_bit(void)
{
    struct table t[7];
    struct emx_comparison one[49], more[49];
    struct emx_state *s;

    for (size_t i = 0; i < 7; i++)
        t[i] = random_table(&seed, 1000 + 40000 * i, 5000);
    s = open_tables(t, 7);
    for (unsigned n = 2; n <= 8; n *= 2) {
        struct emx_compare_options o = {EMX_SMOOTHING_UNION, 0.25, 1};

        CHECK(emx_compare(s, &o, one, NULL) == EMX_OK);
        o.n_threads = n;
        CHECK(emx_compare(s, &o, more, NULL) == EMX_OK);
        CHECK(memcmp(one, more, sizeof(one)) == 0);
    }
    finish(s, t, 7);
}

static void domains_without_pairs_are_undefined(void)
{
    struct table t[2] = {small_table(100, 30), {0}};
    struct emx_comparison c[4];
    struct emx_state *s;

    t[1].tails = calloc(1, sizeof(*t[1].tails));
    t[1].tails[0] = (struct emx_pair_count){7, EMX_NO_TOKEN, 5};
    t[1].n_tails = 1;
    s = open_tables(t, 2);
    CHECK(emx_compare(s, &EMX_COMPARE_DEFAULTS, c, NULL) == EMX_OK);
    CHECK(isnan(c[1].pairs.kl) && isnan(c[1].pairs.jensen) && isnan(c[2].conditional.kl) && isnan(c[3].pairs.kl));
    CHECK(isnan(c[1].pair_overlap.shared_mass) && c[1].pair_overlap.types == 0);
    CHECK(isinf(c[1].tokens.kl) && c[3].tokens.kl == 0 && c[0].pairs.kl == 0);
    finish(s, t, 2);
}

static void wrong_amounts_are_refused(void)
{
    struct table t[1] = {small_table(100, 30)};
    struct emx_state *s = open_tables(t, 1);
    struct emx_comparison c[1];
    struct emx_error err;

    CHECK(emx_compare(s, &(struct emx_compare_options){EMX_SMOOTHING_ADDITIVE, 0, 1}, c, &err) == EMX_ERR_ARG);
    CHECK(emx_compare(s, &(struct emx_compare_options){EMX_SMOOTHING_ADDITIVE, NAN, 1}, c, &err) == EMX_ERR_ARG);
    CHECK(emx_compare(s, &(struct emx_compare_options){EMX_SMOOTHING_UNION, 1.5, 1}, c, &err) == EMX_ERR_ARG);
    CHECK_STR(err.message, "the share of the union, 1.5, is above 1");
    CHECK(emx_compare(s, &(struct emx_compare_options){(enum emx_smoothing)9, 1, 1}, c, &err) == EMX_ERR_ARG);
    finish(s, t, 1);
}

/* A byte of a pair table is changed: one clear failure with any number of threads, and no more. */
static void damaged_tables_are_told(void)
{
    struct table t[4];
    struct emx_comparison c[16];
    struct emx_state *s;
    unsigned char *bytes;
    int n = test_rounds(100);
    size_t len = 0, told = 0;

    for (size_t i = 0; i < 4; i++)
        t[i] = random_table(&seed, 3000, 1000);
    s = open_tables(t, 4);
    emx_state_close(&s);
    bytes = read_whole(path, &len);
    for (int run = 0; run < n; run++) {
        size_t at = test_random(&seed) % len;
        struct emx_error err = {0};

        bytes[at] ^= 1;
        if (emx_state_open_memory(bytes, len, "damaged", &s, NULL) == EMX_OK) {
            enum emx_status status =
                emx_compare(s, &(struct emx_compare_options){EMX_SMOOTHING_NONE, 0, 1 + (unsigned)run % 4}, c, &err);

            CHECK(status == EMX_OK || (status == err.status && strstr(err.message, "damaged: ")));
            told += status != EMX_OK;
            emx_state_close(&s);
        }
        bytes[at] ^= 1;
    }
    CHECK(10 * told > (size_t)n);
    free(bytes);
    for (size_t i = 0; i < 4; i++)
        table_finish(&t[i]);
}

int main(void)
{
    seed = test_seed();
    if (!mkdtemp(folder))
        abort();
    snprintf(path, sizeof(path), "%s/x.emx", folder);
    RUN(comparisons_equal_the_naive_twin);
    RUN(proportional_domains_are_equal);
    RUN(disjoint_domains_share_nothing);
    RUN(divergences_obey_their_laws);
    RUN(threads_do_not_change_a_bit);
    RUN(domains_without_pairs_are_undefined);
    RUN(wrong_amounts_are_refused);
    RUN(damaged_tables_are_told);
    unlink(path);
    rmdir(folder);
    return test_summary();
}
