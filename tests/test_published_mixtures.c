/*
 * The chain rule between mixtures: H(x, x') = H(x) + H(x'|x), so that the mixture of joint entropies is the product of
 * those of Shannon and conditional entropies, scaled to sum 1.  Published tables print four decimals of each.
 */
#include "test.h"

#include <emx/entropy.h>
#include <emx/weights.h>

#include <stdbool.h>

enum { MAX_DOMAINS = 64, N_TYPES = 12 };

static const double HALF_DIGIT = 0.5e-4;

static uint64_t seed;

struct mixtures {
    size_t n;
    double shannon[MAX_DOMAINS], conditional[MAX_DOMAINS], joint[MAX_DOMAINS];
};

/* What rounding of the factors and of the product can make of them, to first order and a little. */
static void check_chain_rule(const struct mixtures *m, double half_digit, double floor)
{
    double product[MAX_DOMAINS], off[MAX_DOMAINS], sum = 0, mean_off = 0;

    for (size_t i = 0; i < m->n; i++)
        sum += product[i] = m->shannon[i] * m->conditional[i];
    for (size_t i = 0; i < m->n; i++) {
        off[i] = half_digit / m->shannon[i] + half_digit / m->conditional[i];
        mean_off += product[i] / sum * off[i];
    }
    for (size_t i = 0; i < m->n; i++) {
        double p = product[i] / sum;

        CHECK_NEAR(m->joint[i], p, 1.05 * (p * (off[i] + mean_off) + half_digit) + floor);
    }
}

static int ascending(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Of counts[n], of which those that are 0 do not count. */
static double entropy(const uint64_t *counts, size_t n, struct emx_spectrum *ret, uint64_t *memory)
{
    uint64_t *sorted = memory, *types = memory + n;
    size_t len = 0;

    memcpy(sorted, counts, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), ascending);
    for (size_t i = 0; i < n; i++) {
        if (sorted[i] == 0)
            continue;
        if (len > 0 && sorted[len - 1] == sorted[i]) {
            types[len - 1]++;
        } else {
            sorted[len] = sorted[i];
            types[len++] = 1;
        }
    }
    CHECK(emx_spectrum_view(sorted, types, len, ret) == EMX_OK);
    return emx_entropy_shannon(ret);
}

/* Pairs counted of random sequences over more or fewer types. */
static void random_entropies(double *shannon, double *conditional, double *joint)
{
    static uint64_t memory[2][2 * N_TYPES * N_TYPES];
    uint64_t pairs[N_TYPES * N_TYPES] = {0}, firsts[N_TYPES] = {0};
    size_t n = 2 + test_random(&seed) % (N_TYPES - 1);
    struct emx_spectrum of_pairs, of_firsts;

    for (size_t i = 0; i < 5000; i++) {
        size_t x = random_token(&seed, (uint32_t)n),
               y = test_random(&seed) % 3 ? (3 * x + 1) % n : test_random(&seed) % n;

        pairs[x * N_TYPES + y]++;
        firsts[x]++;
    }
    *joint = entropy(pairs, N_TYPES * N_TYPES, &of_pairs, memory[0]);
    *shannon = entropy(firsts, N_TYPES, &of_firsts, memory[1]);
    *conditional = emx_entropy_conditional(&of_pairs, &of_firsts);
}

static void weigh(const double *entropies, size_t n, double *ret)
{
    struct emx_error err;

    CHECK(emx_weights_from_entropies(entropies, n, &EMX_WEIGHTS_DEFAULTS, ret, &err) == EMX_OK);
}

static void print_four_decimals(double *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        r[i] = round(r[i] * 1e4) / 1e4;
}

static void counted_entropies_keep_the_chain_rule(void)
{
    double shannon[MAX_DOMAINS], conditional[MAX_DOMAINS], joint[MAX_DOMAINS];
    struct mixtures m;

    for (int repeat = 0; repeat < test_rounds(100); repeat++) {
        m.n = 2 + test_random(&seed) % 20;
        for (size_t i = 0; i < m.n; i++)
            random_entropies(&shannon[i], &conditional[i], &joint[i]);
        weigh(shannon, m.n, m.shannon);
        weigh(conditional, m.n, m.conditional);
        weigh(joint, m.n, m.joint);
        check_chain_rule(&m, 0, 1e-14);
        print_four_decimals(m.shannon, m.n);
        print_four_decimals(m.conditional, m.n);
        print_four_decimals(m.joint, m.n);
        check_chain_rule(&m, HALF_DIGIT, 0);
    }
}

/* domain,baseline,doremi,shannon,conditional,joint,von_neumann */
static bool read_table(const char *path, struct mixtures *m)
{
    FILE *file = fopen(path, "r");
    char line[1000], name[200];

    m->n = 0;
    while (file && m->n < MAX_DOMAINS && fgets(line, sizeof(line), file))
        m->n += sscanf(line, "%199[^,],%*f,%*f,%lf,%lf,%lf", name, &m->shannon[m->n], &m->conditional[m->n],
                       &m->joint[m->n]) == 4;
    if (file)
        fclose(file);
    return m->n > 0;
}

static void published_mixtures_keep_the_chain_rule(void)
{
    static const struct {
        const char *file;
        size_t n;
    } tables[] = {{"pile_mixtures.csv", 22}, {"slimpajama_mixtures.csv", 7}};
    const char *folder = test_shared_data();
    struct mixtures m;
    char path[4096];

    if (!folder || !*folder) {
        puts("skipped: published mixtures (EMX_SHARED_DATA is not set)");
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/paper/%s", folder, tables[i].file);
        CHECK(read_table(path, &m));
        CHECK(m.n == tables[i].n);
        check_chain_rule(&m, HALF_DIGIT, 0);
    }
}

int main(void)
{
    seed = test_seed();
    RUN(counted_entropies_keep_the_chain_rule);
    RUN(published_mixtures_keep_the_chain_rule);
    return test_summary();
}
