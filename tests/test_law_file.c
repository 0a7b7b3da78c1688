/* Law files: written and read they are the same law; damaged in any place they are refused or still a law. */
#include "law/form.h"
#include "report/law_read.h"
#include "test.h"

#include <locale.h>
#include <unistd.h>

static double random_real(uint64_t *seed)
{
    return (double)(test_random(seed) >> 11) / 9007199254740992.0;
}

/* Numbers of all sizes, which decimals of few digits do not hold. */
static double random_positive(uint64_t *seed)
{
    return exp(200 * random_real(seed) - 100);
}

static void fill_observed(struct emx_law *law, uint64_t *seed)
{
    char name[32];

    for (size_t i = 0; i < law->n_domains; i++) {
        snprintf(name, sizeof(name), "d\"%zu\xC3\xA9", i);
        law->domains[i] = strdup(name);
    }
    for (size_t i = 0; i < law->n_mixtures; i++) {
        double *r = law->proportion + i * law->n_domains, sum = 0;

        for (size_t j = 0; j < law->n_domains; j++)
            sum += r[j] = random_real(seed) + 1e-3;
        for (size_t j = 0; j < law->n_domains; j++)
            r[j] /= sum;
    }
    for (size_t i = 0; i < law->n_steps; i++)
        law->steps[i] = (i > 0 ? law->steps[i - 1] : 0) + 1e9 * random_real(seed) + 0.1;
    law->step_unit = law->steps[law->n_steps - 1];
    for (size_t i = 0; i < law->n_rows; i++) {
        law->mixture[i] = i % law->n_mixtures;
        law->step[i] = i % law->n_steps;
    }
}

static void fill_coefficients(struct emx_law *law, double *coefficient, uint64_t *seed)
{
    for (size_t k = 0; k < law->n_scored; k++) {
        for (size_t i = 0; i < law->n_coefficients; i++) {
            bool fixed = form_is_fixed(law->form, law->n_domains, law->scored[k], i);

            coefficient[k * law->n_coefficients + i] = fixed ? 1 : random_positive(seed);
        }
    }
}

static struct emx_law *make(enum emx_law_form form, size_t n_draws, uint64_t *seed)
{
    const struct emx_law_shape shape = {form, 4, 3, 5, 7, 2, n_draws};
    struct emx_law *law = NULL;
    struct emx_error err;

    if (emx_law_create(&shape, &law, &err) != EMX_OK) {
        FAIL(err.message);
        exit(1);
    }
    law->seed = UINT64_MAX;
    law->huber_scale = 0.01;
    for (size_t k = 0; k < law->n_scored; k++) {
        law->scored[k] = k + (k > 1);
        law->cost[k] = random_positive(seed);
        law->residual_variance[k] = k == 0 ? 0 : random_positive(seed);
    }
    fill_observed(law, seed);
    fill_coefficients(law, law->coefficient, seed);
    for (size_t i = 0; i < n_draws; i++)
        fill_coefficients(law, law->draw + i * law->n_scored * law->n_coefficients, seed);
    for (size_t i = 0; i < law->n_scored * law->n_coefficients; i++)
        law->known[i] = (unsigned char)(i % (EMX_LAW_UNDETERMINED + 1));
    for (size_t i = 0; i < law->n_scored * law->n_coefficients * law->n_coefficients; i++)
        law->covariance[i] = random_positive(seed);
    law->prior_strength = form == EMX_LAW_BIMIX_TRANSFER ? random_real(seed) + 1e-3 : 0;
    law->prior_factor = form == EMX_LAW_BIMIX_TRANSFER ? 1 - random_real(seed) / 2 : 0;
    for (size_t i = 0; i < law->n_scored * law->n_domains; i++)
        law->prior[i] = form == EMX_LAW_BIMIX_TRANSFER ? random_real(seed) : 0;
    return law;
}

static char *format(const struct emx_law *law)
{
    struct emx_error err;
    char *text = NULL;

    if (emx_law_format_json(law, "losses.csv", NULL, &text, &err) != EMX_OK)
        FAIL(err.message);
    return text;
}

static struct emx_law *parse(const char *text)
{
    struct emx_law *law = NULL;
    struct emx_error err;

    if (law_parse("law.json", text, strlen(text), &law, &err) != EMX_OK)
        FAIL(err.message);
    return law;
}

static bool same(const void *a, const void *b, size_t n, size_t size)
{
    return memcmp(a, b, n * size) == 0;
}

static void check_same(const struct emx_law *a, const struct emx_law *b)
{
    const size_t p = a->n_coefficients, k = a->n_scored;

    CHECK(a->form == b->form && a->loss == b->loss && a->huber_scale == b->huber_scale && a->seed == b->seed);
    CHECK(a->n_domains == b->n_domains && a->n_scored == b->n_scored && a->n_coefficients == b->n_coefficients);
    CHECK(a->n_mixtures == b->n_mixtures && a->n_rows == b->n_rows && a->n_steps == b->n_steps);
    CHECK(a->n_draws == b->n_draws && a->step_unit == b->step_unit);
    for (size_t i = 0; i < a->n_domains; i++)
        CHECK_STR(a->domains[i], b->domains[i]);
    CHECK(same(a->scored, b->scored, k, sizeof(*a->scored)));
    CHECK(same(a->steps, b->steps, a->n_steps, sizeof(double)));
    CHECK(same(a->proportion, b->proportion, a->n_mixtures * a->n_domains, sizeof(double)));
    CHECK(same(a->mixture, b->mixture, a->n_rows, sizeof(*a->mixture)));
    CHECK(same(a->step, b->step, a->n_rows, sizeof(*a->step)));
    CHECK(same(a->coefficient, b->coefficient, k * p, sizeof(double)));
    CHECK(same(a->covariance, b->covariance, k * p * p, sizeof(double)));
    CHECK(same(a->known, b->known, k * p, 1));
    CHECK(same(a->cost, b->cost, k, sizeof(double)));
    CHECK(same(a->residual_variance, b->residual_variance, k, sizeof(double)));
    CHECK(a->prior_strength == b->prior_strength);
    CHECK(a->prior_factor == b->prior_factor);
    CHECK(same(a->prior, b->prior, k * a->n_domains, sizeof(double)));
    CHECK(same(a->draw, b->draw, a->n_draws * k * p, sizeof(double)));
}

static void laws_read_back_as_they_were_written(void)
{
    static const char *const locales[] = {"C", "de_DE.UTF-8", "fr_FR.UTF-8"};
    uint64_t seed = test_seed();

    for (int i = 0; i < test_rounds(60); i++) {
        struct emx_law *law = make((enum emx_law_form)(i % EMX_LAW_N_FORMS), (size_t)(i % 3), &seed), *again;
        char *text, *text_again;

        law->loss = (enum emx_law_loss)(i % 3);
        if (!setlocale(LC_ALL, locales[i / 4 % 3]))
            setlocale(LC_ALL, "C");
        text = format(law);
        again = text ? parse(text) : NULL;
        text_again = again ? format(again) : NULL;
        CHECK(text && again && text_again);
        if (again)
            check_same(law, again);
        emx_law_destroy(&law);
        emx_law_destroy(&again);
        free(text);
        free(text_again);
    }
    setlocale(LC_ALL, "C");
}

static void files_are_read_from_disk(void)
{
    char path[] = "/tmp/emx-law-XXXXXX";
    uint64_t seed = test_seed();
    struct emx_law *law = make(EMX_LAW_BIMIX, 2, &seed), *again = NULL;
    char *text = format(law);
    struct emx_error err;
    int fd = mkstemp(path);

    CHECK(fd >= 0 && text && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    CHECK(emx_law_read(path, &again, &err) == EMX_OK);
    if (again)
        check_same(law, again);
    emx_law_destroy(&law);
    emx_law_destroy(&again);
    free(text);
    unlink(path);
    CHECK(emx_law_read(path, &again, &err) == EMX_ERR_IO && strstr(err.message, path));
}

/* `from`, once, becomes `to`. */
static void refused(const char *text, const char *from, const char *to, enum emx_status expected, const char *says)
{
    const char *at = strstr(text, from);
    struct emx_law *law = NULL;
    struct emx_error err = {.message = ""};
    char *changed = NULL;
    enum emx_status status;

    if (!at || asprintf(&changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) < 0) {
        FAIL(from);
        return;
    }
    status = law_parse("law.json", changed, strlen(changed), &law, &err);
    if (status != expected || !strstr(err.message, says) || strncmp(err.message, "law.json: ", 10) != 0) {
        printf("%s -> %s: status %d: %s\n", from, to, status, err.message);
        FAIL(says);
    }
    emx_law_destroy(&law);
    free(changed);
}

static const char example[] =
    "{\"format\": \"entromix-law\", \"version\": 1, \"law\": \"blind\", \"loss\": \"log\","
    "\"huber_scale\": 0, \"seed\": \"7\", \"domains\": [\"web\", \"code\"], \"step_unit\": 200,"
    "\"steps\": [100, 200], \"mixtures\": [[0.5, 0.5], [0.25, 0.75]], \"rows\": [[0, 1]],"
    "\"scored\": [{\"domain\": \"code\", \"cost\": 0.25, \"residual_variance\": 0.125,"
    "\"coefficients\": [{\"value\": 0.5, \"known\": \"free\"},"
    "{\"value\": 3, \"known\": \"free\"}, {\"value\": 2, \"known\": \"fixed\"}],"
    "\"covariance\": [[9, 0, 0], [0, 8, 0], [0, 0, 7]]}],"
    "\"draws\": [[[0.25, 3, 2]]]}";

static void what_is_no_law_is_refused(void)
{
    struct emx_law *law = parse(example);

    CHECK(law && law->scored[0] == 1 && law->seed == 7 && law->draw[0] == 0.25);
    emx_law_destroy(&law);
    refused(example, "{\"format\"", "\"format\"", EMX_ERR_FORMAT, "JSON");
    refused(example, "entromix-law", "entromix-mixture", EMX_ERR_FORMAT, "no law");
    refused(example, "\"version\": 1", "\"version\": 2", EMX_ERR_VERSION, "version 2");
    refused(example, "\"version\": 1", "\"version\": \"1\"", EMX_ERR_FORMAT, "'version'");
    refused(example, "\"version\"", "\"law\": \"\", \"version\"", EMX_ERR_FORMAT, "JSON");
    refused(example, "blind", "blond", EMX_ERR_FORMAT, "'law'");
    refused(example, "\"log\"", "\"lag\"", EMX_ERR_FORMAT, "'loss'");
    refused(example, "blind", "bimix", EMX_ERR_FORMAT, "scored domain 1");
    refused(example, "blind", "exponential", EMX_ERR_FORMAT, "scored domain 1");
    refused(example, "\"7\"", "\"-7\"", EMX_ERR_FORMAT, "'seed'");
    refused(example, "\"7\"", "7", EMX_ERR_FORMAT, "'seed'");
    refused(example, "\"7\"", "\"18446744073709551616\"", EMX_ERR_FORMAT, "'seed'");
    refused(example, "[\"web\", \"code\"]", "\"web\"", EMX_ERR_FORMAT, "'domains'");
    refused(example, "[\"web\", \"code\"]", "[\"web\", \"web\"]", EMX_ERR_FORMAT, "'web'");
    refused(example, "[\"web\", \"code\"]", "[\"\", \"code\"]", EMX_ERR_FORMAT, "domain 1");
    refused(example, "[\"web\", \"code\"]", "[\"web\"]", EMX_ERR_FORMAT, "'mixtures'");
    refused(example, "\"domain\": \"code\"", "\"domain\": \"x\"", EMX_ERR_FORMAT, "scored domain 1");
    refused(example, "[100, 200]", "[100, 50]", EMX_ERR_RANGE, "ascend");
    refused(example, "[100, 200]", "[]", EMX_ERR_RANGE, "0 steps");
    refused(example, "[100, 200]", "[\"100\", 200]", EMX_ERR_FORMAT, "'steps'");
    refused(example, "[0.25, 0.75]", "[0.25, 0.5]", EMX_ERR_RANGE, "sums to");
    refused(example, "[0, 1]", "[0, 2]", EMX_ERR_RANGE, "row 1");
    refused(example, "[0, 1]", "[-1, 1]", EMX_ERR_FORMAT, "'rows'");
    refused(example, "[0, 1]", "[0]", EMX_ERR_FORMAT, "'rows'");
    refused(example, "\"fixed\"", "\"fixd\"", EMX_ERR_FORMAT, "'known'");
    refused(example, "{\"value\": 3", "{\"value\": -3", EMX_ERR_RANGE, "coefficient B");
    refused(example, "{\"value\": 3", "{\"valu\": 3", EMX_ERR_FORMAT, "'value'");
    refused(example, "[0, 8, 0]", "[0, 8]", EMX_ERR_FORMAT, "covariance");
    refused(example, "[0, 8, 0]", "[0, -8, 0]", EMX_ERR_RANGE, "covariance");
    refused(example, "[0.25, 3, 2]", "[0.25, 3]", EMX_ERR_FORMAT, "draw 1");
    refused(example, "[0.25, 3, 2]", "[0.25, 3, -2]", EMX_ERR_RANGE, "drawn coefficient");
    refused(example, "\"step_unit\": 200", "\"step_unit\": 1e999", EMX_ERR_FORMAT, "JSON");
}

static void priors_are_of_transfer_laws_and_complete(void)
{
    uint64_t seed = test_seed();
    struct emx_law *law = make(EMX_LAW_BIMIX_TRANSFER, 0, &seed);
    char *text;

    law->prior_strength = 0.5;
    law->prior_factor = 0.25;
    law->prior[0] = 0.25;
    text = format(law);
    refused(text, "\"prior_strength\": 0.5", "\"prior_strength\": -0.5", EMX_ERR_RANGE, "strength");
    refused(text, "\"prior_strength\": 0.5", "\"prior_strength\": \"1\"", EMX_ERR_FORMAT, "'prior_strength'");
    refused(text, "\"prior_factor\": 0.25", "\"prior_factor\": 0", EMX_ERR_RANGE, "factor");
    refused(text, "\"prior_factor\": 0.25", "\"prior_factor\": 1.5", EMX_ERR_RANGE, "factor");
    refused(text, "\"prior_factor\": 0.25", "\"prior_factor\": \"1\"", EMX_ERR_FORMAT, "'prior_factor'");
    refused(text, "\"prior\": [0.25", "\"prior\": [-0.25", EMX_ERR_RANGE, "prior of domain");
    refused(text, "\"prior\": [0.25,", "\"prior\": [", EMX_ERR_FORMAT, "prior");
    refused(text, "\"prior\": [0.25,", "\"prior\": [\"a\",", EMX_ERR_FORMAT, "'prior'");
    refused(example, "\"seed\"", "\"prior_strength\": 1, \"seed\"", EMX_ERR_FORMAT, "prior");
    emx_law_destroy(&law);
    free(text);
}

/* What is read from damaged text is refused by a sentence, or is a law that can be written. */
static void damaged_files_do_no_harm(void)
{
    uint64_t seed = test_seed();
    struct emx_law *law = make(EMX_LAW_BIMIX_TRANSFER, 1, &seed);
    char *text = format(law);
    size_t len = text ? strlen(text) : 0;
    int n = test_rounds(4000), n_accepted = 0;

    for (int i = 0; i < n && text; i++) {
        size_t at = test_random(&seed) % len, cut = i % 4 == 0 ? at : len;
        const char before = text[at];
        struct emx_law *read = NULL;
        struct emx_error err = {.message = ""};

        if (i % 4 != 0)
            text[at] = i % 4 == 1 ? (char)test_random(&seed) : "0123456789-.,[]{}\""[test_random(&seed) % 18];
        if (law_parse("law.json", text, cut, &read, &err) == EMX_OK) {
            CHECK(emx_law_check(read, &err) == EMX_OK);
            n_accepted++;
        } else {
            CHECK(!read && strncmp(err.message, "law.json: ", 10) == 0);
        }
        emx_law_destroy(&read);
        text[at] = before;
    }
    CHECK(n_accepted > n / 40); /* digits may change */
    emx_law_destroy(&law);
    free(text);
}

int main(void)
{
    RUN(laws_read_back_as_they_were_written);
    RUN(files_are_read_from_disk);
    RUN(what_is_no_law_is_refused);
    RUN(priors_are_of_transfer_laws_and_complete);
    RUN(damaged_files_do_no_harm);
    return test_summary();
}
