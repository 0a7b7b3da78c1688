/*
 * test_observations_memory.c - tables and law files when memory runs out: each allocation fails once, nothing is
 * leaked, and the error says so
 */
#include "failing_memory.h"
#include "observations/read.h"
#include "report/law_read.h"
#include "report/mixture_read.h"
#include "test.h"

#include <locale.h>
#include <unistd.h>

WRAP(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
WRAP(char *, strndup, (const char *s, size_t n), (s, n))
WRAP(locale_t, newlocale, (int mask, const char *name, locale_t base), (mask, name, base))

static const char wide[] = "run,step,weight_a,weight_b,a_loss,b_loss\nr,1,0.5,0.5,3,4\nr,2,0.5,0.5,2,3\n"
                           "s,1,0.25,0.75,3,4\n";
static const char long_rows[] = "run,domain,proportion,step,loss\nr,a,0.5,1,3\nr,b,0.5,1,4\ns,b,0.75,1,3\n"
                                "s,a,0.25,1,2\n";
static const char law_text[] = "{\"format\": \"entromix-law\", \"version\": 1, \"law\": \"blind\", \"loss\": \"log\","
                               "\"huber_scale\": 0, \"seed\": \"7\", \"domains\": [\"a\", \"b\"], \"step_unit\": 2,"
                               "\"steps\": [1, 2], \"mixtures\": [[0.5, 0.5]], \"rows\": [[0, 1]],"
                               "\"scored\": [{\"domain\": \"b\", \"cost\": 0, \"residual_variance\": 0,"
                               "\"coefficients\": [{\"value\": 0.5, \"known\": \"free\"},"
                               "{\"value\": 3, \"known\": \"free\"}, {\"value\": 2, \"known\": \"free\"}],"
                               "\"covariance\": [[9, 0, 0], [0, 8, 0], [0, 0, 7]]}], \"draws\": []}";

static struct emx_error err;

static enum emx_status read_table(const char *text, const struct emx_observations_options *options)
{
    struct emx_observations *o = NULL;
    enum emx_status status = observations_parse("t.csv", text, strlen(text), options, &o, &err);

    CHECK((status == EMX_OK) == (o != NULL));
    emx_observations_destroy(&o);
    return status;
}

static enum emx_status wide_table(void)
{
    static const char *const where[] = {"run=r"};
    const struct emx_observations_options options = {.where = where, .n_where = 1};

    return read_table(wide, &options);
}

static enum emx_status long_table(void)
{
    static const char *const domains[] = {"b", "a"};
    const struct emx_observations_options options = {.domains = domains, .n_domains = 2};

    return read_table(long_rows, &options);
}

static char mixtures_path[] = "/tmp/emx-mixtures-XXXXXX";

static enum emx_status two_tables(void)
{
    const struct emx_observations_options options = {.mixture_table = mixtures_path, .step = "5"};

    return read_table("id,a_loss,b_loss\nr,3,4\ns,2,3\n", &options);
}

static enum emx_status law_file(void)
{
    struct emx_law *law = NULL;
    char *text = NULL;
    enum emx_status status = law_parse("law.json", law_text, strlen(law_text), &law, &err);

    if (status == EMX_OK)
        status = emx_law_format_json(law, "t.csv", "step", &text, &err);
    CHECK((status == EMX_OK) == (text != NULL));
    free(text);
    emx_law_destroy(&law);
    return status;
}

static enum emx_status mixture_file(void)
{
    static const char *const domains[] = {"a", "b"};
    static const char text[] = "domain,proportion\nb,0.25\na,0.75\n";
    double mixture[2];

    return mixture_parse("mix.csv", text, strlen(text), domains, 2, mixture, &err);
}

static void survive(enum emx_status (*work)(void), unsigned least)
{
    unsigned n = 0;

    do {
        enum emx_status status;

        failed = false;
        until_failure = ++n;
        status = work();
        until_failure = 0;
        CHECK(failed ? status == EMX_ERR_MEMORY && strstr(err.message, "memory") : status == EMX_OK);
    } while (failed && n < 10000);
    CHECK(n > least);
}

static void tables_survive_every_failed_allocation(void)
{
    survive(wide_table, 20);
    survive(long_table, 20);
}

static void two_tables_survive_every_failed_allocation(void)
{
    static const char mixtures[] = "id,weight_a,weight_b\nr,0.5,0.5\ns,0.25,0.75\n";
    int fd = mkstemp(mixtures_path);

    CHECK(fd >= 0 && write(fd, mixtures, strlen(mixtures)) == (ssize_t)strlen(mixtures));
    close(fd);
    survive(two_tables, 30);
    unlink(mixtures_path);
}

static void laws_and_mixtures_survive_every_failed_allocation(void)
{
    survive(law_file, 15);
    survive(mixture_file, 2);
}

int main(void)
{
    RUN(tables_survive_every_failed_allocation);
    RUN(two_tables_survive_every_failed_allocation);
    RUN(laws_and_mixtures_survive_every_failed_allocation);
    return test_summary();
}
