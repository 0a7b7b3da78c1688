/* Tables of losses: what is read, and that each fault is refused where it is. */
#include "io/file.h"
#include "observations/read.h"
#include "test.h"

#include <fcntl.h>
#include <locale.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char wide[] = "run,step,weight_web,weight_code,web_loss,code_loss\n"
                           "a,100,0.5,0.5,3.5,2.5\n"
                           "b,100,0.25,0.75,3.75,2.25\n"
                           "a,200,0.5,0.5,3.25,2.125\n";

/* The same in rows of another order. */
static const char long_rows[] = "run,domain,proportion,step,loss\n"
                                "a,web,0.5,200,3.25\n"
                                "b,code,0.75,100,2.25\n"
                                "a,code,0.5,100,2.5\n"
                                "a,web,0.5,100,3.5\n"
                                "b,web,0.25,100,3.75\n"
                                "a,code,0.5,200,2.125\n";

static struct emx_observations *parse(const char *text, const struct emx_observations_options *options)
{
    const struct emx_observations_options none = {0};
    struct emx_observations *o = NULL;
    struct emx_error err;

    if (observations_parse("t.csv", text, strlen(text), options ? options : &none, &o, &err) != EMX_OK)
        FAIL(err.message);
    return o;
}

/* The text is refused, and the sentence has all words up to NULL in it. */
static void refused(const char *text, const struct emx_observations_options *options, enum emx_status expected,
                    const char *const *words)
{
    const struct emx_observations_options none = {0};
    struct emx_observations *o = NULL;
    struct emx_error err = {.message = ""};
    enum emx_status status = observations_parse("t.csv", text, strlen(text), options ? options : &none, &o, &err);

    CHECK(status == expected && err.status == expected && !o);
    for (; *words; words++) {
        if (!strstr(err.message, *words)) {
            printf("no '%s' in: %s\n", *words, err.message);
            FAIL("the sentence names it");
        }
    }
    emx_observations_destroy(&o);
}

#define REFUSED(text, options, status, ...) refused(text, options, status, (const char *const[]){__VA_ARGS__, NULL})

static void check_example(const struct emx_observations *o)
{
    static const double step[] = {100, 200, 100}, web[] = {3.5, 3.25, 3.75}, code[] = {2.5, 2.125, 2.25};
    const size_t w = o ? strcmp(o->domains[0], "web") != 0 : 0;

    CHECK(o && o->n_domains == 2 && o->n_scored == 2 && o->n_mixtures == 2 && o->n_rows == 3);
    for (size_t i = 0; o && i < o->n_rows; i++) {
        CHECK(o->step[i] == step[i] && o->loss[2 * i + w] == web[i] && o->loss[2 * i + 1 - w] == code[i]);
        CHECK(o->mixture[i] == (i == 2));
        CHECK(o->proportion[2 * o->mixture[i] + w] == (i == 2 ? 0.25 : 0.5));
    }
    CHECK(o && o->scored[0] == 0 && o->scored[1] == 1);
}

static void wide_and_long_tables_say_the_same(void)
{
    const char *const texts[] = {wide, long_rows};

    for (size_t i = 0; i < COUNT(texts); i++) {
        struct emx_observations *o = parse(texts[i], NULL);

        check_example(o);
        if (o) {
            CHECK_STR(o->mixtures[0], "a");
            CHECK_STR(o->mixtures[1], "b");
            CHECK_STR(o->step_name, "step");
            CHECK_STR(o->source, "t.csv");
        }
        emx_observations_destroy(&o);
    }
}

static void tables_may_be_written_in_many_ways(void)
{
    static const char *const texts[] = {
        /* byte order mark, CRLF, quotes, spaces, no end of the last line */
        "\xEF\xBB\xBFrun, step ,\"weight_web\",weight_code,web_loss,code_loss\r\n\r\n"
        "a,1e2, .5 ,\"0.5\",3.5,+2.5\r\nb,100,25e-2,0.75,3.75,2.25\r\na,200,0.5,0.5,325E-2,2.125",
        /* lines that end in CR, columns in another order, and more of them */
        ",code_loss,note,proportion_code,proportion_web,tokens,web_loss,run\r"
        "0,2.5,\"a \"\"quoted\"\", comma\",0.5,0.5,100,3.5,a\r1,2.25,\"two\nlines\",0.75,0.25,100,3.75,b\r"
        "2,2.125,,0.5,0.5,200,3.25,a\r",
        /* no run: equal proportions are one, whatever their noise */
        "n_steps,train_web,train_code,loss_web,loss_code\n100,0.5,0.50000000000000011,3.5,2.5\n"
        "100,0.25,0.75,3.75,2.25\n200,0.49999999999999994,0.5,3.25,2.125\n",
    };

    for (size_t i = 0; i < COUNT(texts); i++) {
        struct emx_observations *o = parse(texts[i], NULL);

        check_example(o);
        emx_observations_destroy(&o);
    }
}

static void numbers_have_a_point_whatever_the_locale(void)
{
    static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"};

    for (size_t i = 0; i < COUNT(locales); i++) {
        struct emx_observations *o;

        if (!setlocale(LC_ALL, locales[i]))
            continue;
        o = parse(wide, NULL);
        check_example(o);
        emx_observations_destroy(&o);
    }
    setlocale(LC_ALL, "C");
}

static void what_is_no_table_is_refused(void)
{
    REFUSED("", NULL, EMX_ERR_EMPTY, "t.csv: is empty");
    REFUSED("a,b\n1,2\n", NULL, EMX_ERR_FORMAT, "t.csv: row 1", "step");
    REFUSED("step,a,b\n1,2\n", NULL, EMX_ERR_FORMAT, "row 1", "weight_{domain}", "--proportion-columns", "domain");
    REFUSED("step,weight_a\n1,2\n", NULL, EMX_ERR_FORMAT, "row 1", "loss_{domain}", "--loss-columns");
    REFUSED("step,weight_a,a_loss,weight_a\n", NULL, EMX_ERR_FORMAT, "row 1", "two columns", "'weight_a'");
    REFUSED("step,weight_a,a_loss\n", NULL, EMX_ERR_EMPTY, "no row is left of 0");
    REFUSED("step,weight_a,a_loss\n\n1,1,2,3\n", NULL, EMX_ERR_FORMAT, "row 3 has 4 columns", "3");
    REFUSED("step,weight_a,a_loss\n1,1\n", NULL, EMX_ERR_FORMAT, "row 2 has 2 columns");
    REFUSED("step,weight_a,a_loss\n1,1,\"2\n", NULL, EMX_ERR_FORMAT, "row 2", "quote");
    REFUSED("step,weight_a,a_loss\n1,1,2\"\n", NULL, EMX_ERR_FORMAT, "row 2", "quote");
    REFUSED("domain,step,proportion,loss\n", NULL, EMX_ERR_FORMAT, "row 1", "'run'", "--run-column");
    REFUSED("domain,run,step,loss\n", NULL, EMX_ERR_FORMAT, "row 1", "'proportion'");
    REFUSED("domain,run,step,weight,loss\na,r,1,1,\n", NULL, EMX_ERR_EMPTY, "'loss'", "no row has a loss");
    REFUSED("step,weight_\xff,\xff_loss\n1,1,2\n", NULL, EMX_ERR_FORMAT, "row 1", "UTF-8");
    REFUSED("domain,run,step,weight,loss\n\"a\nb\",r,1,1,2\n", NULL, EMX_ERR_FORMAT, "row 2", "'domain'", "control");
}

static void domains_must_match(void)
{
    REFUSED("step,weight_a,weight_b,a_loss,B_loss\n", NULL, EMX_ERR_FORMAT, "row 1", "'B_loss'", "'B'", "--ignore");
    REFUSED("run,domain,weight,step,loss\nr,a,0.5,1,2\nr,b,0.5,1,2\ns,a,1,1,2\n", NULL, EMX_ERR_FORMAT, "row 4",
            "run 's'", "domain 'b'");
}

static void numbers_must_be_numbers(void)
{
    static const struct {
        const char *row, *column, *says;
        enum emx_status status;
    } cases[] = {
        {"x,0.5,0.5,1,1", "step", "'x' is not a number", EMX_ERR_FORMAT},
        {"0,0.5,0.5,1,1", "step", "not above 0", EMX_ERR_RANGE},
        {"-1,0.5,0.5,1,1", "step", "not above 0", EMX_ERR_RANGE},
        {",0.5,0.5,1,1", "step", "missing", EMX_ERR_FORMAT},
        {"1e999,0.5,0.5,1,1", "step", "not finite", EMX_ERR_FORMAT},
        {"0x10,0.5,0.5,1,1", "step", "not a number", EMX_ERR_FORMAT},
        {"1,\"0,5\",0.5,1,1", "weight_a", "not a number", EMX_ERR_FORMAT},
        {"1,0.5,,1,1", "weight_b", "missing", EMX_ERR_FORMAT},
        {"1,1,0,1,1", "weight_b", "--zero-as", EMX_ERR_RANGE},
        {"1,1.5,-0.5,1,1", "weight_a", "between 0 and 1", EMX_ERR_RANGE},
        {"1,0.75,-0.25,1,1", "weight_b", "between 0 and 1", EMX_ERR_RANGE},
        {"1,0.5,0.5,,1", "a_loss", "--drop-missing", EMX_ERR_FORMAT},
        {"1,0.5,0.5,1,NaN", "b_loss", "missing", EMX_ERR_FORMAT},
        {"1,0.5,0.5,1,inf", "b_loss", "not finite", EMX_ERR_FORMAT},
        {"1,0.5,0.5,1,1.2.3", "b_loss", "not a number", EMX_ERR_FORMAT},
        {"1,0.5,0.5,0,1", "a_loss", "not above 0", EMX_ERR_RANGE},
        {"1,0.5,0.5,-2,1", "a_loss", "not above 0", EMX_ERR_RANGE},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[200], column[40];

        snprintf(text, sizeof(text), "step,weight_a,weight_b,a_loss,b_loss\n5,0.5,0.5,1,1\n%s\n", cases[i].row);
        snprintf(column, sizeof(column), "column '%s'", cases[i].column);
        REFUSED(text, NULL, cases[i].status, "t.csv: row 3", column, cases[i].says);
    }
}

static void mixtures_must_sum_to_1(void)
{
    struct emx_observations_options options = {.renormalise = 1};
    const char *text = "step,weight_a,weight_b,a_loss\n5,0.5,0.5,1\n6,0.5,0.500002,1\n";
    struct emx_observations *o;

    REFUSED(text, NULL, EMX_ERR_RANGE, "row 3", "sum to 1.000002", "--renormalise");
    REFUSED("run,domain,weight,step,loss\nr,a,0.5,1,2\nr,b,0.4,1,2\n", NULL, EMX_ERR_RANGE, "row 2", "sum to 0.9");
    o = parse(text, &options);
    CHECK(o && o->n_mixtures == 2 && o->proportion[2] < 0.5);
    if (o)
        CHECK_NEAR(o->proportion[2] + o->proportion[3], 1, 1e-15);
    emx_observations_destroy(&o);
    o = parse("step,weight_a,weight_b,a_loss\n5,30,10,1\n", &options);
    CHECK(o && o->proportion[0] == 0.75 && o->proportion[1] == 0.25);
    emx_observations_destroy(&o);
}

static void zeros_become_what_the_options_say(void)
{
    const char *text = "step,weight_a,weight_b,a_loss\n5,1,0,2\n6,1,0,1\n";
    struct emx_observations_options keep = {.allow_zero = 1}, small = {.zero_as = 1e-3}, wrong = {.zero_as = 1};
    struct emx_observations *o = parse(text, &keep);

    CHECK(o && o->n_mixtures == 1 && o->proportion[0] == 1 && o->proportion[1] == 0);
    emx_observations_destroy(&o);
    o = parse(text, &small);
    CHECK(o && o->proportion[0] == 1 / 1.001 && o->proportion[1] == 1e-3 / 1.001);
    emx_observations_destroy(&o);
    REFUSED(text, &wrong, EMX_ERR_ARG, "--zero-as");
}

static void runs_are_whole(void)
{
    const char *twice = "step,size,weight_a,a_loss\n5,1,1,3\n6,1,1,2\n5,2,1,2.5\n";
    static const char *const where[] = {"size=1.0"}, *const absent[] = {"size=3"}, *const unknown[] = {"sise=1"};
    struct emx_observations_options options = {.where = where, .n_where = 1};
    struct emx_observations *o = parse(twice, &options);

    CHECK(o && o->n_rows == 2 && o->n_filtered == 1);
    emx_observations_destroy(&o);
    REFUSED(twice, NULL, EMX_ERR_FORMAT, "row 4", "'step'", "step 5", "row 2", "--where");
    options.where = absent;
    REFUSED(twice, &options, EMX_ERR_EMPTY, "no row is left of 3", "leaves out 3");
    options.where = unknown;
    REFUSED(twice, &options, EMX_ERR_ARG, "row 1", "no column 'sise'", "--where");
    options.where = NULL;
    options.n_where = 0;
    options.run_column = "size";
    o = parse(twice, &options);
    CHECK(o && o->n_mixtures == 2 && o->n_rows == 3);
    emx_observations_destroy(&o);
    REFUSED("run,step,weight_a,weight_b,a_loss\nr,5,0.5,0.5,3\nr,6,0.4,0.6,2\n", NULL, EMX_ERR_FORMAT, "row 3",
            "'weight_a'", "run 'r'", "row 2");
    REFUSED("run,domain,weight,step,loss\nr,a,0.5,1,2\nr,b,0.5,1,2\nr,a,0.6,2,1\nr,b,0.4,2,1\n", NULL, EMX_ERR_FORMAT,
            "row 4", "'weight'", "domain 'a'", "run 'r'");
    REFUSED("run,domain,weight,step,loss\nr,a,1,1,2\nr,a,1,1,3\n", NULL, EMX_ERR_FORMAT, "row 3", "'step'",
            "domain 'a'", "run 'r'");
}

static void repeated_rows_are_refused_dropped_or_kept(void)
{
    const char *text = "step,weight_a,weight_b,a_loss,b_loss\n5,0.5,0.5,3,4\n6,0.5,0.5,2,4\n7,0.5,0.5,2,4\n"
                       "8,0.5,0.5,2,4\n9,0.5,0.5,2,3\n8,0.25,0.75,2,4\n";
    struct emx_observations_options options = {.repeated = EMX_REPEATED_DROP};
    struct emx_observations *o = parse(text, &options);

    REFUSED(text, NULL, EMX_ERR_FORMAT, "row 4", "row 3", "--drop-repeated", "--keep-repeated");
    CHECK(o && o->n_rows == 4 && o->n_repeated == 2 && o->step[1] == 6 && o->step[2] == 9 && o->step[3] == 8);
    emx_observations_destroy(&o);
    options.repeated = EMX_REPEATED_KEEP;
    o = parse(text, &options);
    CHECK(o && o->n_rows == 6 && o->n_repeated == 0);
    emx_observations_destroy(&o);
}

static void missing_losses_are_refused_or_dropped(void)
{
    const char *const texts[] = {
        "run,step,weight_a,weight_b,a_loss,b_loss\nr,5,0.5,0.5,3,4\nr,6,0.5,0.5,,3\nr,7,0.5,0.5,2,2\n",
        "run,domain,weight,step,loss\nr,a,0.5,5,3\nr,b,0.5,5,4\nr,a,0.5,6,\nr,b,0.5,6,3\nr,a,0.5,7,2\nr,b,0.5,7,2\n",
        "run,domain,weight,step,loss\nr,a,0.5,5,3\nr,b,0.5,5,4\nr,b,0.5,6,3\nr,a,0.5,7,2\nr,b,0.5,7,2\n",
        "run,domain,weight,step,loss\nr,a,0.5,5,3\nr,b,0.5,5,4\nr,b,0.5,6,3\nr,a,0.5,6,inf\nr,a,0.5,7,2\nr,b,0.5,7,2\n",
    };
    struct emx_observations_options options = {.drop_missing = 1};

    for (size_t i = 0; i < COUNT(texts); i++) {
        struct emx_observations *o = parse(texts[i], &options);

        REFUSED(texts[i], NULL, EMX_ERR_FORMAT, i == 0 ? "row 3" : i == 3 ? "row 5" : "row 4", "--drop-missing");
        CHECK(o && o->n_rows == 2 && o->n_missing == 1 && o->step[1] == 7);
        emx_observations_destroy(&o);
    }
}

static void domains_are_chosen_and_ordered(void)
{
    static const char *const names[] = {"code", "web"}, *const unknown[] = {"code", "books"}, *const one[] = {"web"};
    const char *const texts[] = {wide, long_rows};
    struct emx_observations_options options = {0};

    for (size_t i = 0; i < COUNT(texts); i++) {
        struct emx_observations *o;

        options = (struct emx_observations_options){.domains = names, .n_domains = 2};
        o = parse(texts[i], &options);
        check_example(o);
        CHECK(o && strcmp(o->domains[0], "code") == 0);
        emx_observations_destroy(&o);
        options.domains = unknown;
        REFUSED(texts[i], &options, EMX_ERR_ARG, "'books'");
        options = (struct emx_observations_options){.domains = one, .n_domains = 1};
        REFUSED(texts[i], &options, EMX_ERR_RANGE, "sum to 0.5");
        options.renormalise = 1;
        o = parse(texts[i], &options);
        CHECK(o && o->n_domains == 1 && o->proportion[0] == 1 && o->loss[0] == 3.5);
        emx_observations_destroy(&o);
    }
}

static void columns_are_found_by_pattern_and_by_name(void)
{
    const char *text = "s,mix/web/share,mix/code/share,val/code_nll,val/web_nll,r\n"
                       "100,0.5,0.5,2.5,3.5,a\n100,0.25,0.75,2.25,3.75,b\n200,0.5,0.5,2.125,3.25,a\n";
    static const char *const map[] = {"web=mix/web/share:val/web_nll", "code=mix/code/share:val/code_nll"},
                             *const half[] = {"web=mix/web/share", "code=mix/code/share:val/code_nll"},
                             *const wrong[] = {"web=mix/web:val/web_nll"}, *const odd[] = {"web"};
    struct emx_observations_options options = {.proportion_pattern = "mix/{domain}/share",
                                               .loss_pattern = "val/{domain}_nll",
                                               .step_column = "s",
                                               .run_column = "r"};
    struct emx_observations *o = parse(text, &options);

    check_example(o);
    emx_observations_destroy(&o);
    options.loss_pattern = "val";
    REFUSED(text, &options, EMX_ERR_ARG, "--loss-columns", "{domain}");
    options = (struct emx_observations_options){.step_column = "s", .run_column = "r", .columns = map, .n_columns = 2};
    o = parse(text, &options);
    check_example(o);
    emx_observations_destroy(&o);
    options.columns = half;
    o = parse(text, &options);
    CHECK(o && o->n_domains == 2 && o->n_scored == 1 && o->scored[0] == 1 && o->loss[0] == 2.5);
    emx_observations_destroy(&o);
    options.n_columns = 1;
    options.columns = wrong;
    REFUSED(text, &options, EMX_ERR_ARG, "'mix/web'", "--map");
    options.columns = odd;
    REFUSED(text, &options, EMX_ERR_ARG, "'web'", "--map");
    options.step_column = "t";
    REFUSED(text, &options, EMX_ERR_ARG, "no column 't'", "--step-column");
}

static void ignored_columns_are_not_there(void)
{
    const char *text = "step,weight_a,a_loss,x_loss\n5,1,3,\n";
    static const char *const ignored[] = {"x_loss"}, *const absent[] = {"y"};
    struct emx_observations_options options = {.ignored = ignored, .n_ignored = 1};
    struct emx_observations *o = parse(text, &options);

    CHECK(o && o->n_domains == 1 && o->n_scored == 1);
    emx_observations_destroy(&o);
    options.ignored = absent;
    REFUSED(text, &options, EMX_ERR_ARG, "no column 'y'", "--ignore");
}

/* A text of `head`, then `part` n times, then `tail`. */
static char *repeat(const char *head, const char *part, size_t n, const char *tail)
{
    size_t len = strlen(part);
    char *text = malloc(strlen(head) + n * len + strlen(tail) + 1), *p = stpcpy(text, head);

    for (size_t i = 0; i < n; i++)
        p = mempcpy(p, part, len);
    strcpy(p, tail);
    return text;
}

static void sizes_have_limits(void)
{
    char *text = repeat("step,weight_a,a_loss", ",x", 4094, "\n");

    REFUSED(text, NULL, EMX_ERR_RANGE, "row 1", "4096 columns");
    free(text);
    text = repeat("step,weight_a,a_loss\n1,1,", "2", (1 << 20) + 1, "\n");
    REFUSED(text, NULL, EMX_ERR_RANGE, "row 2", "1 MiB");
    free(text);
    text = repeat("step,weight_a,a_loss\n1,1,2\n1,1,\"", "2\n", 1 << 20, "\n");
    REFUSED(text, NULL, EMX_ERR_RANGE, "row 3", "1 MiB");
    free(text);
    text = repeat("step,weight_a,a_loss\n", "1,1,2\n", 1000001, "");
    REFUSED(text, NULL, EMX_ERR_RANGE, "row 1000002", "1000000 rows");
    free(text);
}

enum { SIDE = 60, STEPS = 3 };

/* A grid of mixtures of three domains, step after step, whose proportions are written with errors within 5e-10. */
static char *interleaved(size_t *ret_n)
{
    char *text = NULL;
    size_t len, n = 0;
    FILE *f = open_memstream(&text, &len);

    fputs("step,weight_a,weight_b,weight_c,a_loss\n", f);
    for (int step = 1; step <= STEPS; step++) {
        for (int a = 1; a < SIDE; a++) {
            for (int b = 1; a + b < SIDE; b++, n += step == 1) {
                double error = 1e-10 * ((a * 7 + b * 3 + step * 5) % 11 - 5) / 2;

                fprintf(f, "%d,%.17g,%.17g,%.17g,%d\n", step, (double)a / SIDE + error, (double)b / SIDE - error,
                        (double)(SIDE - a - b) / SIDE, a * SIDE + b + 10000 * step);
            }
        }
    }
    fclose(f);
    *ret_n = n;
    return text;
}

static void runs_without_names_are_told_by_their_mixtures(void)
{
    size_t n;
    char *text = interleaved(&n);
    struct emx_observations *o = parse(text, NULL);
    size_t r = 0;

    CHECK(o->n_mixtures == n && o->n_rows == n * STEPS);
    for (int a = 1; a < SIDE && o->n_rows == n * STEPS; a++) {
        for (int b = 1; a + b < SIDE; b++) {
            for (int step = 1; step <= STEPS; step++, r++)
                CHECK(o->mixture[r] == r / STEPS && o->step[r] == step && o->loss[r] == a * SIDE + b + 10000 * step);
        }
    }
    emx_observations_destroy(&o);
    free(text);
    text = repeat("step,weight_a,weight_b,a_loss\n1,0.5,0.5,3\n", "2,0.500000003,0.499999997,2\n", 1, "");
    o = parse(text, NULL);
    CHECK(o->n_mixtures == 2);
    emx_observations_destroy(&o);
    free(text);
}

/* A file that holds the text; its name is kept in `path`. */
static const char *write_file(const char *text, char *path)
{
    int fd = mkstemp(path);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    return path;
}

static void losses_and_mixtures_may_be_two_tables(void)
{
    static const char mixtures[] = "weight_code,id,weight_web\n0.5,a,0.5\n0.75,b,0.25\n0.125,c,0.875\n";
    static const char losses[] = "id,step,web_loss,code_loss\na,100,3.5,2.5\nb,100,3.75,2.25\na,200,3.25,2.125\n";
    const char *const order[] = {"web", "code"};
    char path[] = "/tmp/emx-mixtures-XXXXXX";
    struct emx_observations_options with = {
        .mixture_table = write_file(mixtures, path), .domains = order, .n_domains = 2};
    struct emx_observations *o = parse(losses, &with);

    check_example(o);
    emx_observations_destroy(&o);
    with.step = "100";
    o = parse("web_loss,id\n3.5,a\n3.75,b\n", &with);
    CHECK(o->n_rows == 2 && o->n_scored == 1 && o->step[0] == 100 && o->step[1] == 100 && o->loss[1] == 3.75);
    CHECK_STR(o->mixtures[1], "b");
    CHECK_STR(o->step_name, "step");
    emx_observations_destroy(&o);
    REFUSED(losses, &with, EMX_ERR_FORMAT, "t.csv", "row 1", "step");
    with.step = "x";
    REFUSED("web_loss,id\n3.5,a\n", &with, EMX_ERR_FORMAT, "row 2", "step", "'x'");
    with.step = "100";
    REFUSED("web_loss,id\n3.5,d\n", &with, EMX_ERR_FORMAT, "t.csv: row 2", path, "'id' is 'd'");
    REFUSED("web_loss,name\n3.5,a\n", &with, EMX_ERR_FORMAT, path, "has 0 columns that t.csv has too");
    REFUSED("web_loss,id,weight_web\n3.5,a,0.5\n", &with, EMX_ERR_FORMAT, path, "has 2 columns that t.csv has too");
    REFUSED("web_loss,id\n3.5,a,0.5,0.5,100\n", &with, EMX_ERR_FORMAT, "row 2 has 5 columns where the header has 2");
    REFUSED("", &with, EMX_ERR_EMPTY, "t.csv: is empty");
    unlink(path);
    REFUSED("web_loss,id\n3.5,a\n", &with, EMX_ERR_IO, path);
    strcpy(path + strlen(path) - 6, "XXXXXX");
    write_file("id,weight_web\na,1\na,1\n", path);
    REFUSED("web_loss,id\n3.5,a\n", &with, EMX_ERR_FORMAT, path, "column 'id': two rows have 'a'");
    unlink(path);
    strcpy(path + strlen(path) - 6, "XXXXXX");
    write_file("id,weight_web\na,1,2\n", path);
    REFUSED("web_loss,id\n3.5,a\n", &with, EMX_ERR_FORMAT, path, "row 2 has 3 columns");
    unlink(path);
    strcpy(path + strlen(path) - 6, "XXXXXX");
    write_file("", path);
    REFUSED("web_loss,id\n3.5,a\n", &with, EMX_ERR_EMPTY, path, "is empty");
    unlink(path);
}

static void files_are_read_from_disk(void)
{
    const struct emx_observations_options none = {0};
    char path[] = "/tmp/emx-observations-XXXXXX";
    struct emx_observations *o = NULL;
    struct emx_error err;
    int fd = mkstemp(path);

    CHECK(fd >= 0 && write(fd, wide, strlen(wide)) == (ssize_t)strlen(wide));
    close(fd);
    CHECK(emx_observations_read(path, &none, &o, &err) == EMX_OK);
    check_example(o);
    emx_observations_destroy(&o);
    unlink(path);
    CHECK(emx_observations_read(path, &none, &o, &err) == EMX_ERR_IO && strstr(err.message, path));
    CHECK(!o);
}

int main(void)
{
    RUN(wide_and_long_tables_say_the_same);
    RUN(tables_may_be_written_in_many_ways);
    RUN(numbers_have_a_point_whatever_the_locale);
    RUN(what_is_no_table_is_refused);
    RUN(domains_must_match);
    RUN(numbers_must_be_numbers);
    RUN(mixtures_must_sum_to_1);
    RUN(zeros_become_what_the_options_say);
    RUN(runs_are_whole);
    RUN(repeated_rows_are_refused_dropped_or_kept);
    RUN(missing_losses_are_refused_or_dropped);
    RUN(domains_are_chosen_and_ordered);
    RUN(columns_are_found_by_pattern_and_by_name);
    RUN(ignored_columns_are_not_there);
    RUN(sizes_have_limits);
    RUN(runs_without_names_are_told_by_their_mixtures);
    RUN(losses_and_mixtures_may_be_two_tables);
    RUN(files_are_read_from_disk);
    return test_summary();
}
