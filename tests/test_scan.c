/*
 * emx_scan() from files to state, against a plain count of the same documents.  Every test writes its shards into a
 * folder of its own.
 */
#include "own_folder.h"
#include "ref/naive_pairs.h"
#include "test.h"

#include <emx/emx.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

static uint64_t seed;

/* Frames of the given sizes, the last repeated, each with its size stated or not. */
static void write_frames(const char *name, const void *data, size_t len, const size_t *sizes, size_t n_sizes,
                         bool stated)
{
    size_t cap = ZSTD_compressBound(len) + 64 * (len + 1), n = 0;
    char *out = malloc(cap);
    ZSTD_CCtx *c = ZSTD_createCCtx();

    if (!out)
        abort();
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, stated);
    for (size_t at = 0, i = 0; at < len; i++) {
        size_t size = sizes[i < n_sizes ? i : n_sizes - 1];

        size = size < len - at ? size : len - at;
        n += ZSTD_compress2(c, out + n, cap - n, (const char *)data + at, size);
        at += size;
    }
    write_bytes(name, out, n);
    ZSTD_freeCCtx(c);
    free(out);
}

/* --- the plain twin ------------------------------------------------------------------------------------ */

struct rules {
    enum emx_pairs_mode pairs;
    uint32_t window, eod;
    bool eod_first;
};

enum { LARGE_TOKENS = 1 << 18, MOST_TOKENS = LARGE_TOKENS + 70000 };

struct expected {
    struct naive_pairs pairs;
    uint64_t n_tokens, n_pairs, n_documents;
    uint64_t tails[MOST_TOKENS];
};

static bool breaks(const struct rules *r, const uint32_t *x, size_t i) /* between x[i-1] and x[i] */
{
    switch (r->pairs) {
    case EMX_PAIRS_STREAM:
        return false;
    case EMX_PAIRS_WINDOW:
        return i % r->window == 0;
    default:
        return r->eod != EMX_NO_TOKEN && (r->eod_first ? x[i] : x[i - 1]) == r->eod;
    }
}

static void expect_shard(struct expected *e, const struct rules *r, const uint32_t *x, size_t n)
{
    e->n_tokens += n;
    for (size_t i = 1; i < n; i++) {
        if (breaks(r, x, i)) {
            e->tails[x[i - 1]]++;
        } else {
            naive_pairs_add(&e->pairs, x[i - 1], x[i]);
            e->n_pairs++;
        }
    }
    for (size_t i = 0; i < n; i++)
        e->n_documents += x[i] == r->eod;
    if (n) {
        e->tails[x[n - 1]]++;
        e->n_documents += r->eod == EMX_NO_TOKEN || (r->eod_first ? x[0] : x[n - 1]) != r->eod;
    }
}

static void check_rows(struct emx_state *s, struct expected *e)
{
    struct emx_pair_cursor *cursor;
    struct emx_pair_count row;
    size_t n = 0, wrong = 0;
    bool more;

    naive_pairs_count(&e->pairs);
    CHECK(emx_pair_cursor_create(s, 0, &cursor, NULL) == EMX_OK);
    while (emx_pair_cursor_next(cursor, &row, &more, NULL) == EMX_OK && more) {
        wrong += n >= e->pairs.n || memcmp(&row, &e->pairs.rows[n], sizeof(row)) != 0;
        n++;
    }
    emx_pair_cursor_destroy(&cursor);
    CHECK(n == e->pairs.n && wrong == 0);
    CHECK(emx_tail_cursor_create(s, 0, &cursor, NULL) == EMX_OK);
    while (emx_pair_cursor_next(cursor, &row, &more, NULL) == EMX_OK && more) {
        CHECK(row.count == e->tails[row.first]);
        e->tails[row.first] = 0;
    }
    emx_pair_cursor_destroy(&cursor);
    for (size_t i = 0; i < MOST_TOKENS; i++)
        wrong += e->tails[i] != 0;
    CHECK(wrong == 0);
}

static void check_state(const char *name, struct expected *e)
{
    struct emx_state *s;
    struct emx_error err;
    const struct emx_domain *d;

    if (emx_state_open(path_of(name), &s, &err)) {
        printf("%s\n", err.message);
        CHECK(0);
        return;
    }
    d = emx_state_domain(s, 0);
    CHECK(d->n_tokens == e->n_tokens && d->n_pairs == e->n_pairs);
    CHECK(d->n_documents == e->n_documents);
    check_rows(s, e);
    CHECK(emx_state_verify(s, NULL) == EMX_OK);
    emx_state_close(&s);
}

/* --- scanning ------------------------------------------------------------------------------------------ */

struct job {
    const char *shards[8];
    size_t n_shards;
    const char *dtype, *format;
    struct emx_domain_settings settings;
    unsigned n_threads;
    uint64_t memory;
};

static enum emx_status run(const struct job *j, const char *output, struct emx_error *err)
{
    struct emx_scan_domain d = {.name = "d",
                                .shards = j->shards,
                                .n_shards = j->n_shards,
                                .dtype = j->dtype,
                                .format = j->format,
                                .settings = j->settings};
    struct emx_scan_options options = {.n_threads = j->n_threads, .memory_bytes = j->memory};

    return emx_scan(&d, 1, &options, path_of(output), NULL, err);
}

static void check_runs(const struct job *j, const char *output)
{
    struct emx_error err;

    if (run(j, output, &err)) {
        printf("%s\n", err.message);
        CHECK(0);
    }
}

/* Text-like tokens: documents of some length, small ids more often, an EOD after (or before) each. */
static void make_tokens(uint32_t *x, size_t n, uint32_t vocabulary, uint32_t eod, uint64_t *random)
{
    for (size_t i = 0; i < n; i++) {
        double u = (double)(test_random(random) >> 11) * 0x1p-53;

        x[i] = test_random(random) % 97 == 0 && eod != EMX_NO_TOKEN ? eod : (uint32_t)(u * u * u * (vocabulary - 1));
    }
}

static void narrow(const uint32_t *x, size_t n, uint16_t *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = (uint16_t)x[i];
}

static size_t length; /* of a corpus in tokens, over several blocks of 256 KiB; main sets it */

/* `wide`: of four bytes each, those of some blocks large. */
static void check_tokens(struct rules rules, bool wide)
{
    const char *names[] = {"a.bin", "b.bin", "c.bin"};
    const size_t sizes[] = {length / 7 * 5, length - length / 7 * 5 - 1, 1};
    uint32_t *x = malloc(length * sizeof(*x));
    uint16_t *y = malloc(length * sizeof(*y));
    struct expected *e = calloc(1, sizeof(*e));
    uint64_t random = seed + rules.pairs + rules.window;
    struct job job = {.n_shards = 3,
                      .dtype = wide ? "u32" : "u16",
                      .settings = {.pairs = rules.pairs,
                                   .window = rules.window,
                                   .eod = rules.eod,
                                   .eod_first = rules.eod_first,
                                   .vocabulary = wide ? 0 : 60000}};

    make_tokens(x, length, 60000, rules.eod, &random);
    for (size_t i = length / 3; wide && i < length / 2; i++)
        x[i] += x[i] == rules.eod ? 0 : LARGE_TOKENS;
    narrow(x, length, y);
    for (size_t i = 0, at = 0; i < 3; at += sizes[i++]) {
        write_bytes(names[i], wide ? (void *)(x + at) : y + at, (wide ? 4 : 2) * sizes[i]);
        expect_shard(e, &rules, x + at, sizes[i]);
    }
    for (unsigned threads = 1; threads <= 8; threads *= (unsigned)test_few(2, 8)) {
        for (size_t i = 0; i < 3; i++) /* in another order each time */
            job.shards[i] = path_of(names[(i + threads) % 3]);
        job.n_threads = threads;
        check_runs(&job, threads == 1 ? "one.emx" : "many.emx");
        if (threads > 1)
            CHECK(same_files("one.emx", "many.emx"));
    }
    check_state("one.emx", e);
    naive_pairs_finish(&e->pairs);
    free(e);
    free(x);
    free(y);
}

static void check_mode(struct rules rules)
{
    check_tokens(rules, false);
}

static void large_tokens_of_some_blocks_count_alike(void)
{
    check_tokens((struct rules){EMX_PAIRS_WITHIN_DOCUMENT, 0, 7, false}, true);
    check_tokens((struct rules){EMX_PAIRS_STREAM, 0, EMX_NO_TOKEN, false}, true);
}

static void pairs_stay_within_documents(void)
{
    check_mode((struct rules){EMX_PAIRS_WITHIN_DOCUMENT, 0, 59999, false});
    check_mode((struct rules){EMX_PAIRS_WITHIN_DOCUMENT, 0, 0, true});
    check_mode((struct rules){EMX_PAIRS_WITHIN_DOCUMENT, 0, EMX_NO_TOKEN, false});
}

static void pairs_stream_or_stay_in_windows(void)
{
    check_mode((struct rules){EMX_PAIRS_STREAM, 0, 59999, false});
    check_mode((struct rules){EMX_PAIRS_WINDOW, 1024, 59999, false});
    check_mode((struct rules){EMX_PAIRS_WINDOW, 1, EMX_NO_TOKEN, false});
    check_mode((struct rules){EMX_PAIRS_WINDOW, 4000000000u, EMX_NO_TOKEN, false});
}

static void check_frames(const char *name, struct rules rules, const uint32_t *x)
{
    struct expected *e = calloc(1, sizeof(*e));
    struct job job = {
        .shards = {path_of(name)},
        .n_shards = 1,
        .dtype = "u32",
        .settings = {.pairs = rules.pairs, .window = rules.window, .eod = rules.eod, .vocabulary = 60000}};

    expect_shard(e, &rules, x, length);
    job.n_threads = 1;
    check_runs(&job, "one.emx");
    job.n_threads = 5;
    check_runs(&job, "many.emx");
    CHECK(same_files("one.emx", "many.emx"));
    check_state("many.emx", e);
    naive_pairs_finish(&e->pairs);
    free(e);
}

/* The same tokens in one frame, in many, with and without sizes, cut within tokens: the same tables. */
static void frames_do_not_show(void)
{
    const size_t one[] = {4 * length}, even[] = {40000}, odd[] = {1, 3, 262143, 7, 100001, 2, 2, 2, 300001},
                 tiny[] = {999};
    uint32_t *x = malloc(length * sizeof(*x));
    uint64_t random = seed;
    const char *names[] = {"one.zst", "even.zst", "odd.zst", "tiny.zst", "unsized.zst", "huge.zst"};
    const struct rules rules[] = {{EMX_PAIRS_WITHIN_DOCUMENT, 0, 59999, false}, {EMX_PAIRS_WINDOW, 3, 59999, false}};

    make_tokens(x, length, 60000, 59999, &random);
    write_frames("one.zst", x, 4 * length, one, 1, true);
    write_frames("even.zst", x, 4 * length, even, 1, true);
    write_frames("odd.zst", x, 4 * length, odd, 9, true);
    write_frames("tiny.zst", x, 4 * length, tiny, 1, true);
    write_frames("unsized.zst", x, 4 * length, odd, 9, false);
    write_frames("huge.zst", x, 4 * length, (const size_t[]){1000001, 1500001, 5}, 3, true);
    for (int i = 0; i < 12; i += test_few(1, 4))
        check_frames(names[i % 6], rules[i / 6], x);
    free(x);
}

static void dtypes_do_not_show(void)
{
    const char *dtypes[] = {"u16", "i16", "u32", "i32", "u64", "i64", "u16be", "i32be", "i64be"};
    const size_t sizes[] = {2, 2, 4, 4, 8, 8, 2, 4, 8};
    uint32_t x[5000];
    unsigned char bytes[8 * 5000];
    struct rules rules = {EMX_PAIRS_WITHIN_DOCUMENT, 0, 0, false};
    uint64_t random = seed;

    make_tokens(x, 5000, 30000, 0, &random);
    for (size_t k = 0; k < 9; k++) {
        struct expected *e = calloc(1, sizeof(*e));
        struct job job = {
            .shards = {path_of("t.bin")}, .n_shards = 1, .dtype = dtypes[k], .settings = {.eod = 0}, .n_threads = 2};

        for (size_t i = 0; i < 5000 * sizes[k]; i++) {
            size_t byte = i % sizes[k];

            bytes[i] = (unsigned char)((uint64_t)x[i / sizes[k]] >>
                                       8 * (strstr(dtypes[k], "be") ? sizes[k] - 1 - byte : byte));
        }
        write_bytes("t.bin", bytes, 5000 * sizes[k]);
        expect_shard(e, &rules, x, 5000);
        check_runs(&job, "t.emx");
        check_state("t.emx", e);
        naive_pairs_finish(&e->pairs);
        free(e);
    }
}

static void little_memory_gives_equal_bytes_or_an_error(void)
{
    uint32_t *x = malloc(length * sizeof(*x));
    uint64_t random = seed;
    struct job job = {
        .shards = {path_of("m.bin")}, .n_shards = 1, .dtype = "u32", .settings = {.eod = EMX_NO_TOKEN}, .n_threads = 4};
    struct emx_error err;

    make_tokens(x, length, 60000, EMX_NO_TOKEN, &random);
    write_bytes("m.bin", x, 4 * length);
    check_runs(&job, "one.emx");
    job.memory = 24 << 20;
    check_runs(&job, "many.emx");
    CHECK(same_files("one.emx", "many.emx"));
    job.memory = 1 << 20;
    CHECK(run(&job, "no.emx", &err) == EMX_ERR_ARG && strstr(err.message, "16 MiB"));
    CHECK(access(path_of("no.emx"), F_OK) != 0);
    free(x);
}

static void a_sample_is_the_head_of_each_shard(void)
{
    uint32_t x[3000];
    uint64_t random = seed;
    struct rules rules = {EMX_PAIRS_WITHIN_DOCUMENT, 0, 7, false};
    struct expected *e = calloc(1, sizeof(*e));
    struct job job = {.shards = {path_of("a.bin"), path_of("b.bin")},
                      .n_shards = 2,
                      .dtype = "u32",
                      .settings = {.eod = 7, .sample_tokens = 1999},
                      .n_threads = 3};

    make_tokens(x, 3000, 100, 7, &random);
    write_bytes("a.bin", x, 4 * 2500);
    write_bytes("b.bin", x + 2500, 4 * 500);
    expect_shard(e, &rules, x, 1000);
    expect_shard(e, &rules, x + 2500, 500);
    check_runs(&job, "s.emx");
    check_state("s.emx", e);
    naive_pairs_finish(&e->pairs);
    free(e);
}

/* --- refusals ------------------------------------------------------------------------------------------ */

static void check_refused(const struct job *j, enum emx_status status, const char *words)
{
    struct emx_error err = {0};

    CHECK(run(j, "no.emx", &err) == status);
    if (!strstr(err.message, words))
        printf("message: %s\n", err.message);
    CHECK(strstr(err.message, words));
    CHECK(access(path_of("no.emx"), F_OK) != 0);
}

static void bad_shards_are_refused(void)
{
    uint16_t x[1000];
    struct job job = {.shards = {path_of("x.bin")},
                      .n_shards = 1,
                      .dtype = "u16",
                      .settings = {.eod = EMX_NO_TOKEN, .vocabulary = 500},
                      .n_threads = 2};

    for (size_t i = 0; i < 1000; i++)
        x[i] = (uint16_t)(i % 500);
    x[777] = 500;
    write_bytes("x.bin", x, 2000);
    check_refused(&job, EMX_ERR_RANGE, "x.bin: token 500 at token number 777 (byte 1554");
    write_bytes("x.bin", x, 1001);
    check_refused(&job, EMX_ERR_FORMAT, "1001 bytes");
    write_bytes("x.bin", x, 0);
    check_refused(&job, EMX_ERR_FORMAT, "x.bin: is empty");
    job.dtype = NULL;
    write_bytes("x.bin", x, 2000);
    check_refused(&job, EMX_ERR_ARG, "--dtype");
    job.dtype = "u15";
    check_refused(&job, EMX_ERR_ARG, "u15");
    job.dtype = "u16";
    job.format = "nonesuch";
    check_refused(&job, EMX_ERR_ARG, "nonesuch");
    job.format = NULL;
    job.shards[0] = path_of("missing.bin");
    check_refused(&job, EMX_ERR_IO, "missing.bin");
    job.shards[0] = job.shards[1] = path_of("x.bin");
    job.n_shards = 2;
    check_refused(&job, EMX_ERR_ARG, "given twice");
    write_bytes("p.bin", "PAR1xxxxxxxxxxxx", 16);
    job.shards[0] = path_of("p.bin");
    job.n_shards = 1;
    check_refused(&job, EMX_ERR_FORMAT, "is a Parquet file");
}

static void bad_settings_are_refused(void)
{
    struct job job = {.shards = {path_of("x.bin")}, .n_shards = 1, .dtype = "u16", .n_threads = 1};

    write_bytes("x.bin", "abcd", 4);
    job.settings = (struct emx_domain_settings){.eod = 600, .vocabulary = 500};
    check_refused(&job, EMX_ERR_ARG, "EOD token 600");
    job.settings = (struct emx_domain_settings){.eod = EMX_NO_TOKEN, .vocabulary = (1 << 24) + 1};
    check_refused(&job, EMX_ERR_ARG, "vocabulary");
    job.settings = (struct emx_domain_settings){.eod = EMX_NO_TOKEN, .pairs = EMX_PAIRS_WINDOW};
    check_refused(&job, EMX_ERR_ARG, "window");
    job.settings = (struct emx_domain_settings){.eod = EMX_NO_TOKEN};
    job.n_shards = 0;
    check_refused(&job, EMX_ERR_ARG, "no shard");
}

static bool stop_at_once(const struct emx_scan_progress *p, void *context)
{
    (void)p;
    (void)context;
    return false;
}

static void stopping_leaves_no_file(void)
{
    uint32_t *x = calloc(8 * length, sizeof(*x));
    const char *shard = path_of("x.bin");
    struct emx_scan_domain d = {
        .name = "d", .shards = &shard, .n_shards = 1, .dtype = "u32", .settings = {.eod = EMX_NO_TOKEN}};
    struct emx_scan_options options = {.n_threads = 2, .progress = stop_at_once};
    uint64_t random = seed;
    enum emx_status status;

    make_tokens(x, 8 * length, 1 << 24, EMX_NO_TOKEN,
                &random); /* distinct pairs without end: longer than a tenth of a second */
    write_bytes("x.bin", x, 32 * length);
    status = emx_scan(&d, 1, &options, path_of("no.emx"), NULL, NULL);
    CHECK(status == EMX_ERR_STOPPED);
    CHECK(access(path_of("no.emx"), F_OK) != 0);
    free(x);
}

int main(void)
{
    seed = test_seed();
    length = (size_t)test_few(700000, 200000);
    if (!make_folder("scan"))
        return 1;
    RUN(pairs_stay_within_documents);
    RUN(large_tokens_of_some_blocks_count_alike);
    RUN(pairs_stream_or_stay_in_windows);
    RUN(frames_do_not_show);
    RUN(dtypes_do_not_show);
    RUN(little_memory_gives_equal_bytes_or_an_error);
    RUN(a_sample_is_the_head_of_each_shard);
    RUN(bad_shards_are_refused);
    RUN(bad_settings_are_refused);
    RUN(stopping_leaves_no_file);
    remove_folder();
    return test_summary();
}
