/*
 * test_state_memory.c - state files when memory runs out: one clear status, nothing left in memory or on disk
 *
 * The n-th allocation fails, for each n.
 */
#include "failing_memory.h"
#include "folder.h"
#include "test.h"

#include "state_tables.h"
#include <emx/compare.h>
#include <emx/estimators.h>

#include <xxhash.h>
#include <zstd.h>

WRAP(char *, strndup, (const char *s, size_t n), (s, n))
WRAP(FILE *, fopencookie, (void *cookie, const char *mode, cookie_io_functions_t io), (cookie, mode, io))
WRAP(ZSTD_CCtx *, ZSTD_createCCtx, (void), ())
WRAP(ZSTD_DCtx *, ZSTD_createDCtx, (void), ())
WRAP(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
WRAP(XXH3_state_t *, XXH3_createState, (void), ())

static char folder[64], a[100], b[100], merged[100];
static struct table tables[2];

static enum emx_status write_one(struct emx_error *err)
{
    return write_measured(a, tables, 2, err);
}

static enum emx_status verify(struct emx_error *err)
{
    struct emx_state *s = NULL;
    enum emx_status status = emx_state_open(a, &s, err);

    if (status == EMX_OK)
        status = emx_state_verify(s, err);
    emx_state_close(&s);
    return status;
}

static enum emx_status open_pipe(struct emx_error *err)
{
    struct emx_state *s = NULL;
    char command[150], name[40];
    enum emx_status status;
    unsigned later = until_failure;
    FILE *f;

    snprintf(command, sizeof(command), "cat %s", a);
    until_failure = 0;
    f = popen(command, "r");
    until_failure = later;
    snprintf(name, sizeof(name), "/dev/fd/%d", fileno(f));
    status = emx_state_open(name, &s, err);
    emx_state_close(&s);
    pclose(f);
    return status;
}

static enum emx_status merge(struct emx_error *err)
{
    return emx_state_merge((const char *const[]){a, b}, 2, merged, NULL, err);
}

static enum emx_status compare(struct emx_error *err)
{
    struct emx_comparison c[4];
    struct emx_state *s = NULL;
    enum emx_status status = emx_state_open(a, &s, err);

    if (status == EMX_OK)
        status = emx_compare(s, &(struct emx_compare_options){.n_threads = 1}, c, err);
    emx_state_close(&s);
    return status;
}

static enum emx_status estimate(struct emx_error *err)
{
    struct emx_estimates e;
    struct emx_state *s = NULL;
    enum emx_status status = emx_state_open(a, &s, err);

    if (status == EMX_OK)
        status = emx_estimate_domain(s, 1, &(struct emx_estimation){.estimator = EMX_ESTIMATOR_CHAO_SHEN}, &e, err);
    emx_state_close(&s);
    return status;
}

/* Fail the first, the second, ... allocation, until there are none left to fail. */
static void check_each_failure(enum emx_status (*act)(struct emx_error *err), const char *output)
{
    enum emx_status status = EMX_ERR_MEMORY;
    unsigned n = 0;

    while (status != EMX_OK && n < 10000) {
        int files = (unlink(output), files_in(folder));
        struct emx_error err = {0};

        until_failure = ++n;
        status = act(&err);
        if (status != EMX_OK) {
            CHECK(status == EMX_ERR_MEMORY && err.status == status);
            CHECK(strstr(err.message, "out of memory") && !strchr(err.message, '\n'));
            CHECK(files_in(folder) == files);
        }
        CHECK(status != EMX_OK || until_failure > 0);
        until_failure = 0;
    }
    CHECK(n > 10 && n < 10000);
}

static void writing_survives(void)
{
    check_each_failure(write_one, a);
}

static void verifying_survives(void)
{
    check_each_failure(verify, "/nonexistent");
}

static void opening_a_pipe_survives(void)
{
    check_each_failure(open_pipe, "/nonexistent");
}

static void merging_survives(void)
{
    check_each_failure(merge, merged);
}

static void comparing_survives(void)
{
    check_each_failure(compare, "/nonexistent");
}

static void estimating_survives(void)
{
    check_each_failure(estimate, "/nonexistent");
}

int main(void)
{
    uint64_t seed = test_seed();

    strcpy(folder, "/tmp/emx-memory-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(a, sizeof(a), "%s/a.emx", folder);
    snprintf(b, sizeof(b), "%s/b.emx", folder);
    snprintf(merged, sizeof(merged), "%s/merged.emx", folder);
    tables[0] = random_table(&seed, 500, 100);
    tables[1] = random_table(&seed, 70000, 100000);
    CHECK(write_measured(b, tables + 1, 1, NULL) == EMX_OK);
    RUN(writing_survives);
    RUN(verifying_survives);
    RUN(opening_a_pipe_survives);
    RUN(merging_survives);
    RUN(comparing_survives);
    RUN(estimating_survives);
    table_finish(&tables[0]);
    table_finish(&tables[1]);
    unlink(a);
    unlink(b);
    unlink(merged);
    CHECK(rmdir(folder) == 0);
    return test_summary();
}
