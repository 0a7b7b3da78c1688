/*
 * Tables that memory has no room for, against a plain sort of everything that was counted: runs, their merge, and scans
 * with little memory against scans with plenty.
 */
#include "count/pairs.h"
#include "failing_memory.h"
#include "own_folder.h"
#include "ref/naive_pairs.h"
#include "scan/merge_runs.h"
#include "scan/spill.h"
#include "state/writer.h"
#include "test.h"

#include <emx/emx.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

WRAP(void *, aligned_alloc, (size_t alignment, size_t n), (alignment, n))

static uint64_t seed;

static uint32_t token(uint32_t vocabulary, uint64_t *random)
{
    double u = (double)(test_random(random) >> 11) * 0x1p-53;

    return (uint32_t)(u * u * vocabulary);
}

static void check_rows(const struct emx_pair_count *rows, size_t n, const struct naive_pairs *naive)
{
    CHECK(n == naive->n);
    CHECK(naive_pairs_n_wrong(naive, rows, n) == 0);
}

/* All rows of some runs; the caller frees them. */
static enum emx_status collect(const struct run *runs, size_t n_runs, const struct temp_file *file, unsigned n_threads,
                               struct emx_pair_count **ret, size_t *ret_n)
{
    struct placement *p = NULL;
    struct rows_space space = {0};
    struct merge *merge = NULL;
    const struct emx_pair_count *piece;
    size_t n = 1;
    enum emx_status status = placement_create(NULL, n_threads, false, &p, NULL);

    *ret = NULL;
    *ret_n = 0;
    if (!status)
        status = merge_create(runs, n_runs, file, p, &space, &merge, NULL);
    while (!status && n) {
        status = merge_next(merge, &piece, &n, NULL);
        if (!status && n) {
            *ret = __real_realloc(*ret, (*ret_n + n) * sizeof(**ret));
            memcpy(*ret + *ret_n, piece, n * sizeof(*piece));
            *ret_n += n;
        }
    }
    merge_destroy(&merge);
    rows_space_finish(&space);
    placement_destroy(&p);
    return status;
}

/* --- runs ---------------------------------------------------------------------------------------------- */

/* Runs of different lengths with keys in common, and counts of all sizes. */
static void check_merge(size_t n_runs, size_t n_rows, uint32_t vocabulary, unsigned max_count, unsigned n_threads)
{
    uint64_t random = seed + n_runs;
    struct run *runs = calloc(n_runs + 1, sizeof(*runs));
    struct naive_pairs all = {0};
    struct temp_file file;
    struct state_encoder *encoder;
    struct state_block staging = {0};
    struct emx_pair_count *rows;
    size_t n;

    temp_file_init(&file, folder);
    CHECK(state_encoder_create(&encoder, NULL) == EMX_OK);
    for (size_t i = 0; i < n_runs; i++) {
        struct naive_pairs some = {0};

        for (size_t k = i % 3 ? n_rows : n_rows / 10; k; k--) {
            naive_pairs_add(&some, token(vocabulary, &random), token(vocabulary, &random));
            some.rows[some.n - 1].count = (test_random(&random) >> (64 - max_count)) + 1;
        }
        for (size_t k = 0; k < some.n; k++) {
            naive_pairs_add(&all, some.rows[k].first, some.rows[k].second);
            all.rows[all.n - 1].count = some.rows[k].count;
        }
        naive_pairs_count(&some);
        for (size_t k = 0; k < some.n; k += 10000) /* in parts that are no whole blocks */
            CHECK(run_append(&runs[i], &file, encoder, &staging, some.rows + k, some.n - k < 10000 ? some.n - k : 10000,
                             NULL) == EMX_OK);
        CHECK(runs[i].n_rows == some.n);
        naive_pairs_finish(&some);
    }
    naive_pairs_count(&all);
    CHECK(collect(runs, n_runs, &file, n_threads, &rows, &n) == EMX_OK);
    check_rows(rows, n, &all);
    for (size_t i = 0; i < n_runs; i++)
        run_finish(&runs[i]);
    free(runs);
    free(rows);
    naive_pairs_finish(&all);
    state_encoder_destroy(&encoder);
    state_block_finish(&staging);
    temp_file_finish(&file);
}

static void runs_are_merged(void)
{
    check_merge(0, 0, 10, 1, 1);
    check_merge(1, 100000, 50000, 10, 1);
    check_merge(2, 100000, 1 << 24, 50, 3);
    check_merge(5, 50000, 300, 40, 2);
    check_merge(63, 5000, 65536, 33, 2);
    check_merge(7, 1, 1, 1, 8);
}

/* --- tables -------------------------------------------------------------------------------------------- */

/* Count n random pairs in a table that has little room; as count.c does. */
struct little {
    struct budget budget;
    struct regions regions;
    struct emx_scan_domain given;
    struct domain domain;
    struct spill spill;
    struct spiller spiller;
    struct table_adder *adder;
};

static void little_init(struct little *l, uint64_t n_bytes, struct emx_domain_settings settings)
{
    *l = (struct little){.budget = {.limit = n_bytes}, .given = {.name = "d", .settings = settings, .n_shards = 1}};
    regions_init(&l->regions, &l->budget);
    domain_init(&l->domain, &l->given, placement_here(), &l->regions);
    spill_init(&l->spill, folder, &l->budget);
    l->spill.domains = &l->domain;
    l->spill.n_domains = 1;
    l->spiller.spill = &l->spill;
    l->adder = __real_aligned_alloc(64, (sizeof(*l->adder) + 63) / 64 * 64);
    *l->adder = (struct table_adder){0};
}

static void little_finish(struct little *l)
{
    table_adder_finish(l->adder);
    free(l->adder);
    spiller_finish(&l->spiller);
    spill_finish(&l->spill);
    domain_finish(&l->domain);
    regions_finish(&l->regions);
    CHECK(l->budget.used == 0);
}

static enum emx_status count_pairs(struct little *l, struct pair_key key, const struct emx_pair_count *x, size_t n)
{
    struct table *table;
    bool alone;
    enum emx_status status = domain_table(&l->domain, 0, key, 1, &table, &alone, NULL);

    if (status)
        return status;
    table_enter(table, l->adder, alone);
    for (size_t i = 0; i < n; i++)
        table_add(l->adder, pair_key_mix(key, pair_key_pack(key, x[i].first, x[i].second)), x[i].count);
    status = table_leave(l->adder, NULL);
    while (status == EMX_ERR_MEMORY && table_has_spilled(l->adder)) {
        status = spill_make_room(&l->spiller, table, l->spill.n_spilled, NULL);
        if (status)
            return status;
        status = table_add_spilled(l->adder, NULL);
    }
    return status;
}

static enum emx_status count_all(struct little *l, uint32_t vocabulary, const struct emx_pair_count *x, size_t n)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < n && !status; i += 1000)
        status = count_pairs(l, pair_key_for(vocabulary), x + i, n - i < 1000 ? n - i : 1000);
    spill_leave_out(&l->spill, &l->domain);
    return status ? status : spill_rest(&l->spiller, &l->domain, placement_here(), NULL);
}

static struct emx_pair_count *make_pairs(size_t n, uint32_t vocabulary, struct naive_pairs *twin)
{
    uint64_t random = seed + n;
    struct emx_pair_count *x = __real_malloc(n * sizeof(*x));

    for (size_t i = 0; i < n; i++) {
        x[i] = (struct emx_pair_count){token(vocabulary, &random), token(vocabulary, &random), 1};
        x[i].count = i % 50 ? 1 : (test_random(&random) >> 38) + 1;
        naive_pairs_add(twin, x[i].first, x[i].second);
        twin->rows[twin->n - 1].count = x[i].count;
    }
    naive_pairs_count(twin);
    return x;
}

static void check_little(uint64_t n_bytes, size_t n, uint32_t vocabulary, size_t least_tables)
{
    struct naive_pairs twin = {0};
    struct emx_pair_count *x = make_pairs(n, vocabulary, &twin), *rows;
    struct little l;
    size_t n_rows;

    little_init(&l, n_bytes, (struct emx_domain_settings){.eod = EMX_NO_TOKEN});
    CHECK(count_all(&l, vocabulary, x, n) == EMX_OK);
    CHECK(l.spill.n_spilled >= least_tables && l.domain.n_runs > 1 && l.domain.n_runs <= 64);
    domain_release_tables(&l.domain);
    CHECK(collect(l.domain.runs, l.domain.n_runs, &l.spill.file, 2, &rows, &n_rows) == EMX_OK);
    check_rows(rows, n_rows, &twin);
    CHECK(domain_n_pair_types(&l.domain) >= n_rows);
    free(rows);
    free(x);
    naive_pairs_finish(&twin);
    little_finish(&l);
}

static void tables_spill_and_come_back(void)
{
    check_little(1 << 20, 500000, 50000, 2);
    check_little(1 << 18, 200000, 1 << 24, 2);
    check_little(1 << 17, 1200000, 60000, 70); /* more runs than may be: some are merged */
}

static void failing_memory_is_an_error(void)
{
    struct naive_pairs twin = {0};
    struct emx_pair_count *x = make_pairs(20000, 5000, &twin), *rows;
    bool done = false;
    size_t n;

    for (unsigned k = 1; !done; k += (unsigned)test_slower()) {
        struct little l;
        enum emx_status status;

        rows = NULL;
        little_init(&l, 1 << 16, (struct emx_domain_settings){.eod = EMX_NO_TOKEN});
        failed = false;
        until_failure = k;
        status = count_all(&l, 5000, x, 20000);
        if (!status)
            status = collect(l.domain.runs, l.domain.n_runs, &l.spill.file, 1, &rows, &n);
        until_failure = 0;
        CHECK(status == EMX_OK || (failed && status == EMX_ERR_MEMORY)); /* some can be done without */
        done = !failed;
        if (!status)
            check_rows(rows, n, &twin);
        free(rows);
        little_finish(&l);
    }
    free(x);
    naive_pairs_finish(&twin);
}

/* --- scans --------------------------------------------------------------------------------------------- */

enum { LITTLE = 16 << 20 /* bytes; less than the tables of a domain take */ };

static void write_tokens(const char *name, uint32_t vocabulary, uint64_t salt)
{
    size_t n = (size_t)test_few(1200000, 800000);
    uint64_t random = seed + salt;
    uint32_t *x = malloc(n * sizeof(*x));
    FILE *f = fopen(path_of(name), "wb");

    for (size_t i = 0; i < n; i++)
        x[i] = i % 1000 ? token(vocabulary, &random) : 7;
    CHECK(f && fwrite(x, sizeof(*x), n, f) == n);
    if (f)
        fclose(f);
    free(x);
}

static enum emx_status scan(unsigned n_threads, uint64_t memory, const char *tmpdir, const char *output,
                            struct emx_error *err)
{
    const char *a[] = {path_of("a.bin"), path_of("b.bin")}, *c[] = {path_of("c.bin")};
    struct emx_scan_domain domains[] = {
        {.name = "wide", .shards = a, .n_shards = 2, .dtype = "u32", .settings = {.eod = 7}},
        {.name = "narrow", .shards = c, .n_shards = 1, .dtype = "u32", .settings = {.eod = 7, .vocabulary = 65536}},
    };
    struct emx_scan_options options = {.n_threads = n_threads, .memory_bytes = memory, .tmpdir = tmpdir};

    return emx_scan(domains, 2, &options, path_of(output), NULL, err);
}

static bool same(const char *a, const char *b)
{
    FILE *f = fopen(path_of(a), "rb"), *g = fopen(path_of(b), "rb");
    int x = 0, y = 0;

    while (f && g && x == y && x != EOF) {
        x = getc(f);
        y = getc(g);
    }
    CHECK(f && g);
    if (f)
        fclose(f);
    if (g)
        fclose(g);
    return x == y;
}

static void little_memory_gives_equal_bytes(void)
{
    struct emx_error err = {0};

    CHECK(scan(2, UINT64_C(1) << 30, "/nowhere", "plenty.emx", &err) == EMX_OK); /* nothing to write there */
    for (unsigned threads = 1; threads <= 8; threads *= (unsigned)test_few(2, 8)) {
        CHECK(scan(threads, LITTLE, folder, "little.emx", &err) == EMX_OK);
        CHECK_STR(err.message, "");
        CHECK(same("plenty.emx", "little.emx"));
    }
    CHECK(scan(2, LITTLE + (8 << 20), NULL, "little.emx", &err) == EMX_OK && same("plenty.emx", "little.emx"));
    CHECK(scan(2, LITTLE - 1, folder, "no.emx", &err) == EMX_ERR_ARG && strstr(err.message, "16 MiB"));
    CHECK(scan(64, LITTLE, folder, "no.emx", &err) == EMX_ERR_ARG && strstr(err.message, "32 MiB"));
}

/* More tables at a time than there is room for, each of 256 KiB at least. */
static void many_domains_in_little_memory(void)
{
    enum { DOMAINS = 40 };
    const unsigned least = (unsigned)test_few(30000, 1000);
    const char *shards[] = {path_of("c.bin")};
    struct emx_scan_domain domains[DOMAINS];
    char names[DOMAINS][8];
    struct emx_error err = {0};
    struct emx_scan_options options = {.n_threads = 1, .memory_bytes = UINT64_C(1) << 30};

    for (int i = 0; i < DOMAINS; i++) {
        snprintf(names[i], sizeof(names[i]), "d%d", i);
        domains[i] = (struct emx_scan_domain){.name = names[i],
                                              .shards = shards,
                                              .n_shards = 1,
                                              .dtype = "u32",
                                              .settings = {.eod = 7, .sample_tokens = least + 1000 * (unsigned)i}};
    }
    domains[DOMAINS / 2].settings.sample_tokens = 0;
    CHECK(emx_scan(domains, DOMAINS, &options, path_of("plenty.emx"), NULL, NULL) == EMX_OK);
    options = (struct emx_scan_options){.n_threads = 32, .memory_bytes = LITTLE, .tmpdir = folder};
    CHECK(emx_scan(domains, DOMAINS, &options, path_of("little.emx"), NULL, &err) == EMX_OK);
    CHECK_STR(err.message, "");
    CHECK(same("plenty.emx", "little.emx"));
}

static void nowhere_to_spill_is_an_error(void)
{
    struct emx_error err;

    CHECK(scan(2, LITTLE, "/nowhere", "no.emx", &err) == EMX_ERR_IO);
    CHECK(strstr(err.message, "/nowhere") && strstr(err.message, "No such file") && strstr(err.message, "--tmpdir"));
    CHECK(access(path_of("no.emx"), F_OK) != 0);
}

/* In a process of its own, whose files may have a megabyte. */
static int scan_on_full_disk(void)
{
    const struct rlimit limit = {1 << 20, 1 << 20};
    struct emx_error err;

    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || scan(2, LITTLE, folder, "no.emx", &err) != EMX_ERR_IO)
        return 1;
    return strstr(err.message, folder) && strstr(err.message, "File too large") && access(path_of("no.emx"), F_OK) != 0
               ? 0
               : 2;
}

static void a_full_disk_is_an_error(void)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0)
        _exit(scan_on_full_disk());
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

static void nothing_is_left_behind(void)
{
    CHECK(files_in(folder) == 5); /* three shards, two states */
}

int main(void)
{
    seed = test_seed();
    if (!make_folder("spill"))
        return 1;
    RUN(runs_are_merged);
    RUN(tables_spill_and_come_back);
    RUN(failing_memory_is_an_error);
    write_tokens("a.bin", 1 << 24, 1);
    write_tokens("b.bin", 1 << 22, 2);
    write_tokens("c.bin", 65536, 3);
    RUN(little_memory_gives_equal_bytes);
    RUN(many_domains_in_little_memory);
    RUN(nowhere_to_spill_is_an_error);
    RUN(a_full_disk_is_an_error);
    RUN(nothing_is_left_behind);
    remove_folder();
    return test_summary();
}
