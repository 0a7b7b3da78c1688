/*
 * test_mixture.c - mixtures: what is refused, decimals that sum to 1, memory that runs out
 *
 * What each consumer makes of its file is in mixture_consumers.py.
 */
#include "test.h"

#include "failing_memory.h"
#include "mixture_cases.h"
#include "report/decimal.h"

WRAP(char *, strndup, (const char *s, size_t n), (s, n))

static struct mixture_case c;
static uint64_t seed;

static void make_plain(void)
{
    case_init(&c);
    case_domain(&c, "web", 0.7, 600, 6);
    case_shard(&c, "data/web-0_text_document.bin", "megatron", "none", 200);
    case_shard(&c, "data/web-1_text_document.bin.zst", "megatron", "zstd", 400);
    case_domain(&c, "code", 0.3, 500, 10);
    case_shard(&c, "mds/code/shard.00000.mds", "mds", "none", 500);
}

/* The status of writing c; its sentence must be there exactly if it failed. */
static enum emx_status write_as(const char *format)
{
    char *text = NULL, *note = NULL;
    struct emx_error err = {0};
    enum emx_status status = emx_mixture_format_string(&c.mixture, format, &text, &note, &err);

    CHECK((status == EMX_OK) == (text != NULL));
    CHECK((status == EMX_OK) == (err.message[0] == '\0'));
    CHECK(status == EMX_OK || (err.status == status && note == NULL && !strchr(err.message, '\n')));
    free(text);
    free(note);
    return status;
}

static void every_format_has_its_line_in_help(void)
{
    size_t n;
    const struct emx_mixture_format *formats = emx_mixture_formats(&n);

    make_plain();
    CHECK(n >= 16);
    for (size_t i = 0; i < n; i++) {
        CHECK(formats[i].name[0] && formats[i].summary[0] && strlen(formats[i].summary) < 80);
        CHECK(formats[i].per_document ==
              !(strcmp(formats[i].name, "hf-datasets") && strcmp(formats[i].name, "lingua")));
        CHECK(write_as(formats[i].name) == EMX_OK);
        for (size_t k = 0; k < i; k++)
            CHECK(strcmp(formats[i].name, formats[k].name) != 0);
    }
    CHECK(write_as("") == EMX_ERR_ARG && write_as("Megatron") == EMX_ERR_ARG && write_as("megatro") == EMX_ERR_ARG);
}

static void note_may_be_left_out(void)
{
    char *text = NULL;

    make_plain();
    c.domains[0].proportion = 0.75;
    c.domains[1].proportion = 0.25;
    CHECK(emx_mixture_format_string(&c.mixture, "megatron", &text, NULL, NULL) == EMX_OK);
    CHECK_STR(text, "0.25 data/web-0_text_document\n0.5 data/web-1_text_document\n0.25 code\n");
    free(text);
}

static void refused_with_proportions(double first, double second)
{
    make_plain();
    c.domains[0].proportion = first;
    c.domains[1].proportion = second;
    CHECK(write_as("csv") == EMX_ERR_ARG && write_as("megatron") == EMX_ERR_ARG);
}

static void proportions_must_be_shares_of_1(void)
{
    refused_with_proportions(0.7, 0.2);
    refused_with_proportions(0.7, 0.3001);
    refused_with_proportions(1.2, -0.2);
    refused_with_proportions(NAN, 0.3);
    refused_with_proportions(INFINITY, 0.3);
    refused_with_proportions(0, 0);
    make_plain();
    c.domains[0].proportion += 1e-10;
    CHECK(write_as("csv") == EMX_OK);
    c.mixture.n_domains = 0;
    CHECK(write_as("csv") == EMX_ERR_EMPTY);
}

static enum emx_status write_named(const char *name, const char *format)
{
    make_plain();
    c.counted[0].n_shards = 0;
    c.domains[0].name = c.counted[0].name = name;
    return write_as(format);
}

static void names_must_be_short_distinct_utf_8(void)
{
    char name[257];

    memset(name, 'n', 256);
    name[256] = '\0';
    CHECK(write_named(name, "json") == EMX_ERR_ARG);
    name[255] = '\0';
    CHECK(write_named(name, "json") == EMX_OK && write_named(name, "levanter") == EMX_OK);
    memset(name, 1, 255); /* each escaped: too long for a key in YAML */
    CHECK(write_named(name, "json") == EMX_OK && write_named(name, "levanter") == EMX_ERR_ARG);
    CHECK(write_named("", "json") == EMX_ERR_ARG);
    CHECK(write_named("code", "json") == EMX_ERR_ARG);
    CHECK(write_named("\xFF", "json") == EMX_ERR_ARG && write_named("\xED\xA0\x80", "json") == EMX_ERR_ARG);
    CHECK(write_named("\xC0\xAF", "json") == EMX_ERR_ARG && write_named("\xF4\x90\x80\x80", "json") == EMX_ERR_ARG);
}

static void template_must_name_the_domain(void)
{
    make_plain();
    c.mixture.path_template = "data/all";
    CHECK(write_as("megatron") == EMX_ERR_ARG);
    c.mixture.path_template = "data/{domain}";
    CHECK(write_as("megatron") == EMX_OK);
    c.mixture.path_template = "";
    CHECK(write_as("megatron") == EMX_ERR_ARG);
}

static void data_is_not_named_twice(void)
{
    make_plain();
    case_domain(&c, "web-2", 0, 1, 1);
    c.domains[2].proportion = 0.1;
    c.domains[0].proportion = 0.6;
    case_shard(&c, "data/web-1_text_document.bin", "megatron", "none", 1);
    CHECK(write_as("megatron") == EMX_ERR_ARG); /* the prefix of another domain's shard */
    CHECK(write_as("csv") == EMX_OK);
    c.shards[3].path = "data/other.bin";
    CHECK(write_as("megatron") == EMX_OK);
}

/* What Python's float() reads may be taken for a weight. */
static void prefixes_are_words_and_no_numbers(void)
{
    static const char *const bad[] = {"1e5", "nan",     "NaN",       "inf",   "-Infinity", "1_000",
                                      ".5",  "5.",      "+1e-3",     "7",     "-1",        "-x",
                                      "0e0", "1_0e1_0", "two words", "tab\t", "\xC2\xA0",  "\xE2\x80\xA8"};
    static const char *const good[] = {"0x10", "1__0", "e5", "1e", "nano", "infinit", "_1", "1_", ".", "1e5/", "a-b"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(write_named(bad[i], "megatron") == EMX_ERR_ARG);
        CHECK(write_named(bad[i], "megatron-per-split") == EMX_ERR_ARG);
        CHECK(write_named(bad[i], "csv") == EMX_OK);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CHECK(write_named(good[i], "megatron") == EMX_OK && write_named(good[i], "nemo") == EMX_OK);
}

static void documents_must_have_been_counted(void)
{
    make_plain();
    c.counted[1].n_documents = 0;
    CHECK(write_as("lingua") == EMX_ERR_ARG && write_as("hf-datasets") == EMX_ERR_ARG && write_as("json") == EMX_OK);
    c.domains[1].counted = NULL;
    CHECK(write_as("lingua") == EMX_ERR_ARG && write_as("megatron") == EMX_OK);
    c.domains[1].proportion = 0;
    c.domains[0].proportion = 1;
    CHECK(write_as("lingua") == EMX_OK && write_as("hf-datasets") == EMX_OK);
}

/* --- many domains ------------------------------------------------------------------------------------- */

static void megatron_takes_less_than_32767_datasets(void)
{
    enum { N = 32767 };
    struct emx_mixture_domain *domains = calloc(N, sizeof(*domains));
    char(*names)[8] = calloc(N, sizeof(*names));

    if (!domains || !names)
        abort();
    for (size_t i = 0; i < N; i++) {
        snprintf(names[i], sizeof(names[i]), "d%zu", i);
        domains[i] = (struct emx_mixture_domain){names[i], 1.0 / N, NAN, NULL, NAN, NAN};
    }
    case_init(&c);
    c.mixture.domains = domains;
    c.mixture.n_domains = N;
    CHECK(write_as("csv") == EMX_OK && write_as("megatron") == EMX_ERR_ARG);
    domains[0].proportion = 2.0 / N;
    c.mixture.n_domains = N - 1;
    CHECK(write_as("megatron") == EMX_OK);
    free(names);
    free(domains);
}

/* --- decimals ----------------------------------------------------------------------------------------- */

/* Add the digits of "D.DDD" to sum, which has 1 place before the point and 1100 behind. */
static void add_digits(int *sum, const char *s)
{
    size_t len = strlen(s);

    CHECK(len >= 3 && len < 1100 && s[1] == '.' && strspn(s, "0123456789.") == len);
    for (size_t i = 0; i < len; i++)
        if (i != 1)
            sum[i] += s[i] - '0';
}

static bool is_one(int *sum)
{
    for (size_t i = 1100; i-- > 1;) {
        size_t carry_to = i == 2 ? 0 : i - 1;

        if (i == 1)
            continue;
        sum[carry_to] += sum[i] / 10;
        if (sum[i] % 10)
            return false;
    }
    return sum[0] == 1;
}

static void check_decimals(const double *share, size_t n)
{
    char **text = calloc(n, sizeof(*text));
    int sum[1101] = {0};

    CHECK(text && decimal_shares(share, n, text) == EMX_OK);
    for (size_t i = 0; i < n; i++) {
        add_digits(sum, text[i]);
        CHECK_NEAR(strtod(text[i], NULL), share[i], 1e-9);
        CHECK(share[i] > 0.4 || strtod(text[i], NULL) == share[i] || share[i] * (double)n >= 1);
    }
    CHECK(is_one(sum));
    decimal_shares_finish(text, n);
    free(text);
}

static void printed_shares_sum_to_exactly_1(void)
{
    double share[300];

    for (int repeat = 0; repeat < test_rounds(300); repeat++) {
        size_t n = 1 + test_random(&seed) % 300;
        double spread = repeat % 3 == 0 ? 600 : 1 + repeat % 20;
        struct emx_weights_options opt = EMX_WEIGHTS_DEFAULTS;

        for (size_t i = 0; i < n; i++)
            share[i] = spread * (double)(test_random(&seed) >> 11) * 0x1p-53;
        CHECK(emx_weights_from_entropies(share, n, &opt, share, NULL) == EMX_OK);
        check_decimals(share, n);
    }
    check_decimals((const double[]){1}, 1);
    check_decimals((const double[]){0.5, 0.5}, 2);
    check_decimals((const double[]){1, 0, 0}, 3);
    check_decimals((const double[]){1, 5e-324}, 2);
    check_decimals((const double[]){0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1}, 10);
}

static void short_shares_stay_short(void)
{
    const double share[] = {0.7, 0.2, 0.1};
    char *text[3] = {0};

    CHECK(decimal_shares(share, 3, text) == EMX_OK);
    CHECK_STR(text[0], "0.7");
    CHECK_STR(text[1], "0.2");
    CHECK_STR(text[2], "0.1");
    decimal_shares_finish(text, 3);
}

/* --- memory ------------------------------------------------------------------------------------------- */

static void memory_may_run_out_anywhere(void)
{
    size_t n;
    const struct emx_mixture_format *formats = emx_mixture_formats(&n);

    make_plain();
    for (size_t i = 0; i < n; i++) {
        unsigned nth = 0;

        do {
            char *text = NULL, *note = NULL;
            struct emx_error err = {0};
            enum emx_status status;

            failed = false;
            until_failure = ++nth;
            status = emx_mixture_format_string(&c.mixture, formats[i].name, &text, &note, &err);
            until_failure = 0;
            CHECK(status == (failed ? EMX_ERR_MEMORY : EMX_OK));
            CHECK(!failed || (text == NULL && note == NULL && err.message[0]));
            free(text);
            free(note);
        } while (failed && nth < 10000);
        CHECK(nth > 5 && nth < 10000);
    }
}

int main(void)
{
    seed = test_seed();
    RUN(every_format_has_its_line_in_help);
    RUN(note_may_be_left_out);
    RUN(proportions_must_be_shares_of_1);
    RUN(names_must_be_short_distinct_utf_8);
    RUN(template_must_name_the_domain);
    RUN(data_is_not_named_twice);
    RUN(prefixes_are_words_and_no_numbers);
    RUN(documents_must_have_been_counted);
    RUN(megatron_takes_less_than_32767_datasets);
    RUN(printed_shares_sum_to_exactly_1);
    RUN(short_shares_stay_short);
    RUN(memory_may_run_out_anywhere);
    return test_summary();
}
