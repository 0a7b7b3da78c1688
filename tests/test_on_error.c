/*
 * Broken shards: a scan that skips them gives the bytes of one that was never given them, and a list; whatever the
 * format, the place of the damage, the number of threads, and the memory.
 *
 *     test_on_error [all]    all: damage every byte of the small shards
 */
#include "own_folder.h"
#include "scan/take_back.h"
#include "shard_makers.h"

#include <emx/emx.h>
#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t seed;
static struct emx_embeddings *matrix;
static struct emx_scan_vectors vectors[2] = {{.source = "made"},
                                             {.source = "made", .n_documents = 20, .seed = 1, .precise = true}};
static bool all_places; /* flip in each byte of small shards, not here and there: minutes */

/* One for each token that good shards have, some of zeros. */
static void make_vectors(void)
{
    static float rows[1000][6];

    for (size_t i = 0; i < 1000; i++) {
        for (size_t k = 0; k < 6 && i % 20; k++)
            rows[i][k] = (float)((double)(test_random(&seed) % 2048) - 900) / 64;
    }
    CHECK(emx_embeddings_from_rows(rows[0], 1000, 6, &matrix, NULL) == EMX_OK);
    vectors[0].embeddings = vectors[1].embeddings = matrix;
}

/* --- scans --------------------------------------------------------------------------------------------- */

/* A corpus of one domain of good shards and one that may be broken, and a domain that has only the latter. */
struct job {
    const char *good[2], *bad;
    const char *dtype, *format, *column;
    struct emx_domain_settings settings;
    unsigned n_threads;
    uint64_t memory, max_bad;
    enum emx_on_error on_error;
    const struct emx_scan_vectors *vectors;
    bool without_bad, without_tmpdir;
};

static enum emx_status run(const struct job *j, const char *output, struct emx_error *err)
{
    const char *shards[] = {j->good[0], j->bad, j->good[1]}, *good[] = {j->good[0], j->good[1]}, *bad[] = {j->bad};
    struct emx_scan_domain domains[] = {
        {.name = "both", .shards = j->without_bad ? good : shards, .n_shards = j->without_bad ? 2 : 3},
        {.name = "alone", .shards = bad, .n_shards = 1}};
    struct emx_scan_options options = {.n_threads = j->n_threads,
                                       .memory_bytes = j->memory,
                                       .on_error = j->on_error,
                                       .max_bad = j->max_bad,
                                       .vectors = j->vectors,
                                       .tmpdir = j->without_tmpdir ? "/nowhere" : folder};

    for (size_t i = 0; i < 2; i++) {
        domains[i].dtype = j->dtype;
        domains[i].format = j->format;
        domains[i].column = j->column;
        domains[i].settings = j->settings;
    }
    err->message[0] = 0;
    return emx_scan(domains, j->without_bad ? 1 : 2, &options, path_of(output), NULL, err);
}

enum { TRAILER = 40, ENTRY = 40 /* bytes, of a state file */ };

static size_t directory_of(const unsigned char *file, size_t n)
{
    uint64_t at;

    memcpy(&at, file + n - TRAILER, sizeof(at));
    return (size_t)le64toh(at);
}

/* Is `with` the same file as `without` but for a list of what was skipped? */
static bool same_but_skipped(const char *with, const char *without)
{
    size_t n_x = 0, n_y = 0;
    unsigned char *x = read_whole(path_of(with), &n_x), *y = read_whole(path_of(without), &n_y);
    size_t at_x = directory_of(x, n_x), at_y = directory_of(y, n_y), n = n_y - TRAILER - at_y;
    bool same = at_x > at_y && memcmp(x, y, at_y) == 0 && memcmp(x + at_x, y + at_y, n) == 0;

    same = same && n_x - TRAILER - at_x == n + ENTRY && memcmp(x + at_x + n, "SKIP", 4) == 0;
    free(x);
    free(y);
    return same;
}

/* The list has the bad shard of both domains, for this reason. */
static void check_list(const char *name, const char *bad, const char *reason)
{
    struct emx_state *s;

    CHECK(emx_state_open(path_of(name), &s, NULL) == EMX_OK);
    CHECK(emx_state_n_skipped(s) == 2 && emx_state_verify(s, NULL) == EMX_OK);
    for (size_t i = 0; i < emx_state_n_skipped(s); i++) {
        const struct emx_skipped *k = emx_state_skipped(s, i);

        CHECK_STR(k->domain, i ? "both" : "alone");
        CHECK_STR(k->path, bad);
        CHECK_STR(k->reason, reason);
        CHECK(k->what == EMX_SKIPPED_SHARD);
    }
    emx_state_close(&s);
}

/* Returns whether the scan fails that does not skip. */
static bool check_skips(struct job j)
{
    struct emx_error fails, err;
    enum emx_status status;

    unlink(path_of("plain.emx"));
    j.on_error = EMX_ON_ERROR_FAIL;
    status = run(&j, "plain.emx", &fails);
    j.on_error = EMX_ON_ERROR_SKIP_SHARD;
    CHECK(run(&j, "skips.emx", &err) == EMX_OK);
    CHECK_STR(err.message, "");
    if (!status) { /* the damage does not show: nothing is skipped */
        CHECK(same_files("plain.emx", "skips.emx"));
        return false;
    }
    CHECK(access(path_of("plain.emx"), F_OK) != 0);
    CHECK(same_but_skipped("skips.emx", "good.emx"));
    if (j.n_threads == 1)
        check_list("skips.emx", j.bad, fails.message);
    unlink(path_of("skips.emx"));
    return true;
}

/* No vectors, those of all documents, or of a sample. */
static const struct emx_scan_vectors *some_vectors(size_t i)
{
    return i % 3 ? &vectors[i % 3 - 1] : NULL;
}

static void scan_good_ones(struct job j)
{
    struct emx_error err;

    j.without_bad = true;
    j.n_threads = 1;
    CHECK(run(&j, "good.emx", &err) == EMX_OK);
    CHECK_STR(err.message, "");
}

/* --- small shards of every kind ------------------------------------------------------------------------ */

static const struct emx_domain_settings modes[] = {
    {.pairs = EMX_PAIRS_WITHIN_DOCUMENT, .eod = 9, .vocabulary = 250},
    {.pairs = EMX_PAIRS_STREAM, .eod = EMX_NO_TOKEN, .vocabulary = 250},
    {.pairs = EMX_PAIRS_WINDOW, .window = 7, .eod = 9},
};

static void make_documents(struct documents *d, uint32_t *tokens, size_t n, uint64_t *ends)
{
    *d = (struct documents){.tokens = tokens, .n = n, .ends = ends};
    for (size_t i = 0; i < n; i++) {
        tokens[i] = (uint32_t)(test_random(&seed) % 200);
        if (tokens[i] == 9 || i + 1 == n)
            ends[d->n_ends++] = i + 1;
    }
}

static void write_made(const char *prefix, const struct made_file *f)
{
    char name[128];

    if (!f->path)
        return;
    snprintf(name, sizeof(name), "%s/%s", prefix, f->path);
    write_bytes(name, f->bytes.data, f->bytes.len);
}

/* Flip bits of one of its files, here and there. */
static size_t flip_around(struct job *j, const char *prefix, struct made_file *f, size_t n_flips)
{
    size_t n_failed = 0;

    n_flips = all_places ? f->bytes.len : n_flips;
    for (size_t i = 0; i < n_flips && f->path && f->bytes.len; i++) {
        unsigned char *byte = &f->bytes.data[all_places ? i : test_random(&seed) % f->bytes.len], before = *byte;

        *byte ^= (unsigned char)(1u << test_random(&seed) % 8);
        write_made(prefix, f);
        *byte = before;
        j->n_threads = 1u << i % 3;
        n_failed += check_skips(*j);
    }
    write_made(prefix, f);
    return n_failed;
}

static size_t check_kind(unsigned kind)
{
    static const char *const names[] = {"a", "b", "c"};
    size_t n_failed;
    static char paths[3][200];
    uint32_t tokens[300];
    uint64_t ends[300];
    struct documents d;
    struct made_shard made[3];
    struct job j = {.settings = modes[kind % 3], .memory = 64 << 20, .vectors = some_vectors(kind / 3 + kind)};

    for (size_t i = 0; i < 3; i++) {
        make_documents(&d, tokens, 300 - i, ends);
        make_shard(&made[i], kind, &d);
        write_made(names[i], &made[i].shard);
        write_made(names[i], &made[i].side);
        write_made(names[i], &made[i].metadata);
        snprintf(paths[i], sizeof(paths[i]), "%s/%s/%s", folder, names[i], made[i].shard.path);
    }
    j.good[0] = paths[0];
    j.good[1] = paths[2];
    j.bad = paths[1];
    j.format = made[0].format;
    j.dtype = made[0].options.type.dtype != DTYPE_NONE ? token_type_name(made[0].options.type) : NULL;
    j.column = made[0].options.column;
    scan_good_ones(j);
    n_failed = flip_around(&j, "b", &made[1].shard, (size_t)test_few(3, 1));
    n_failed += flip_around(&j, "b", &made[1].side, (size_t)test_few(3, 1));
    n_failed += flip_around(&j, "b", &made[1].metadata, 1);
    for (size_t i = 0; i < 3; i++)
        made_shard_finish(&made[i]);
    return n_failed;
}

static void damage_in_any_format_is_skipped(void)
{
    static const char *const folders[] = {"a", "b", "c", "a/m", "b/m", "c/m" /* of MDS */};
    size_t n_failed = 0;

    for (size_t i = 0; i < 6; i++)
        CHECK(mkdir(path_of(folders[i]), 0700) == 0);
    for (unsigned kind = 0; kind < N_SHARD_KINDS; kind++)
        n_failed += check_kind(kind);
    CHECK(n_failed > (size_t)test_few(40, 13));
}

/* --- shards of many blocks ----------------------------------------------------------------------------- */

/* Tokens that compress well, so that a flip hits much of them, and of many documents that end with 9. */
static void make_tokens(struct bytes *b, size_t n, size_t size, uint32_t vocabulary)
{
    uint32_t phrase[512];

    for (size_t i = 0; i < 512; i++)
        phrase[i] = i % 100 ? (uint32_t)(test_random(&seed) % vocabulary) : 9;
    for (size_t i = 0; i < n; i++) {
        if (i % 50000 == 0)
            phrase[test_random(&seed) % 512] = (uint32_t)(test_random(&seed) % vocabulary);
        put_int(b, phrase[i % 512], size);
    }
}

/* What `content` is stored as; frames of these sizes, the last again and again; 0: gzip. */
static struct bytes store(const struct bytes *content, const size_t *sizes, size_t n_sizes)
{
    struct bytes b = {0};

    if (sizes[0] == 0)
        put_gzip(&b, content->data, content->len);
    for (size_t at = 0, i = 0; at < content->len && sizes[0]; i++) {
        size_t left = content->len - at, size = sizes[i < n_sizes ? i : n_sizes - 1];

        size = size < left ? size : left;
        put_zstd(&b, content->data + at, size, (struct frame_options){.level = 3, .checksum = true});
        at += size;
    }
    return b;
}

static void check_stored(struct job j, const struct bytes *content, const size_t *sizes, size_t n_sizes, size_t n_flips)
{
    struct bytes b = store(content, sizes, n_sizes);
    size_t n_failed = 0;

    for (size_t i = 0; i < n_flips; i++) {
        unsigned char *byte = &b.data[i ? test_random(&seed) % b.len : b.len - 2], before = *byte;

        *byte ^= (unsigned char)(1u << test_random(&seed) % 8);
        write_bytes("bad", b.data, b.len);
        *byte = before;
        j.n_threads = 1u << i % 3;
        n_failed += check_skips(j);
    }
    CHECK(n_failed > n_flips / 2);
    write_bytes("bad", b.data, b.len * 2 / 3); /* cut off */
    check_skips(j);
    bytes_free(&b);
}

static struct job large_job(void)
{
    static char paths[3][160];

    for (size_t i = 0; i < 3; i++)
        snprintf(paths[i], sizeof(paths[i]), "%s/%s", folder, (const char *[]){"good1", "good2", "bad"}[i]);
    return (struct job){.good = {paths[0], paths[1]}, .bad = paths[2], .memory = 64 << 20};
}

static void damage_behind_many_blocks_is_taken_back(void)
{
    static const size_t sizes[][4] = {{0}, {1 << 30}, {300000}, {1, 3, 262143, 100001}, {999}};
    const size_t few = (size_t)test_few(1, 3); /* all sizes and all settings, but not each with each */
    struct job j = large_job();
    struct bytes content = {0}, good = {0};

    j.dtype = "u32";
    make_tokens(&content, 500000, 4, 1000);
    make_tokens(&good, 5000, 4, 1000);
    write_bytes("good1", good.data, good.len);
    write_bytes("good2", content.data, content.len - 44);
    for (size_t mode = 0; mode < 3; mode++) {
        j.settings = modes[mode];
        j.settings.vocabulary = mode ? 1000 : 0;
        j.vectors = some_vectors(mode ? 2 : 1);
        scan_good_ones(j);
        for (size_t i = mode % few; i < 5; i += few)
            check_stored(j, &content, sizes[i], i == 3 ? 4 : 1, (size_t)test_few(3, 1));
    }
    bytes_free(&content);
    bytes_free(&good);
}

/* A token that is too large, in a block of its own, across two frames, or in the first and the last. */
static void tokens_beyond_the_vocabulary_break_a_shard(void)
{
    static const size_t places[] = {0, 65535, 65536, 100000, 200000, 299999};
    struct job j = large_job();
    struct bytes content = {0};

    j.dtype = "u32";
    make_tokens(&content, 300000, 4, 1000);
    write_bytes("good1", content.data, 40000);
    write_bytes("good2", content.data, 4);
    for (size_t i = 0; i < 6; i++) {
        const size_t sizes[] = {4 * places[i] + 2, 1000000};
        struct bytes b;

        j.vectors = some_vectors(i);
        j.settings = (struct emx_domain_settings){.eod = 9, .vocabulary = j.vectors ? 0 : 1000};
        scan_good_ones(j);
        content.data[4 * places[i] + 1] ^= 0x80;
        write_bytes("bad", content.data, content.len);
        j.n_threads = 1u << i % 3;
        CHECK(check_skips(j));
        b = store(&content, sizes, 2); /* the token lies in two frames */
        write_bytes("bad", b.data, b.len);
        CHECK(check_skips(j));
        content.data[4 * places[i] + 1] ^= 0x80;
        bytes_free(&b);
    }
    bytes_free(&content);
}

/* Tables of good shards and of those that are taken back are on disk when they meet. */
static void little_memory_takes_back_the_same(void)
{
    static const size_t frames[] = {700000};
    struct job j = large_job();
    struct bytes good = {0}, content = {0}, b;
    struct emx_error err;

    j.dtype = "u32";
    j.settings = (struct emx_domain_settings){.eod = 7, .vocabulary = 1 << 22};
    for (size_t i = 0; i < (size_t)test_few(2000000, 1400000); i++) {
        put_int(&good, test_random(&seed) % 60000, 4);
        put_int(&content, test_random(&seed) % (i % 2 ? 60000 : 1 << 22), 4);
    }
    write_bytes("good1", good.data, good.len);
    write_bytes("good2", good.data + 40, good.len * 3 / 4);
    b = store(&content, frames, 1);
    b.data[b.len - 10] ^= 1;
    write_bytes("bad", b.data, b.len);
    j.memory = UINT64_C(1) << 30;
    scan_good_ones(j);
    j.memory = 16 << 20;
    j.without_bad = j.without_tmpdir = true;
    CHECK(run(&j, "x.emx", &err) == EMX_ERR_IO); /* memory is too little even for the good ones */
    j.without_bad = j.without_tmpdir = false;
    for (unsigned threads = (unsigned)test_few(1, 4); threads <= 4; threads *= 4) {
        j.n_threads = threads;
        CHECK(check_skips(j));
    }
    bytes_free(&good);
    bytes_free(&content);
    bytes_free(&b);
}

/* --- a shard that changes ------------------------------------------------------------------------------ */

struct bench {
    struct budget budget;
    struct regions regions;
    struct emx_scan_domain given;
    struct domain domain;
    struct spill spill;
    struct spiller spiller;
    struct counter *counter;
    struct block block;
    struct shard shard;
    struct format_options options;
};

static void bench_init(struct bench *b, const char *path)
{
    *b = (struct bench){.budget = {.limit = 64 << 20},
                        .given = {.name = "d", .settings = {.eod = EMX_NO_TOKEN}, .n_shards = 1},
                        .options.type.dtype = DTYPE_U32};
    regions_init(&b->regions, &b->budget);
    domain_init(&b->domain, &b->given, placement_here(), &b->regions);
    CHECK(domain_allow_taking_back(&b->domain, NULL) == EMX_OK);
    spill_init(&b->spill, folder, &b->budget);
    b->spill.domains = &b->domain;
    b->spill.n_domains = 1;
    b->spiller.spill = &b->spill;
    b->counter = aligned_alloc(64, (sizeof(*b->counter) + 63) / 64 * 64);
    *b->counter = (struct counter){.spiller = &b->spiller};
    CHECK(block_init(&b->block, 27, NULL) == EMX_OK);
    shard_init(&b->shard, &b->domain, path);
    b->shard.options = &b->options;
    b->shard.window_log_max = 27;
    b->shard.may_fail = b->shard.signs = true;
    CHECK(file_measure(path, &b->shard.size, NULL) == EMX_OK);
}

static void bench_finish(struct bench *b)
{
    shard_finish(&b->shard);
    block_finish(&b->block);
    counter_finish(b->counter);
    free(b->counter);
    spiller_finish(&b->spiller);
    spill_finish(&b->spill);
    domain_finish(&b->domain);
    regions_finish(&b->regions);
    CHECK(b->budget.used == 0);
}

/* Count n blocks, then let the shard fail. */
static void count_some(struct bench *b, size_t n)
{
    struct emx_error error = {EMX_ERR_CORRUPT, "it fails"};
    bool any, last;

    for (size_t i = 0; i < n; i++) {
        CHECK(shard_take(&b->shard, &b->block, &any, &last, NULL) == EMX_OK && any);
        CHECK(count_block(b->counter, &b->shard, &b->block, NULL) == EMX_OK);
        CHECK(shard_put(&b->shard, &b->block, &last, NULL) == EMX_OK);
    }
    CHECK(shard_fail(&b->shard, &error, NULL) == EMX_OK);
}

/* As many times as the context says. */
static bool may_go_on(void *context)
{
    unsigned *n = context;

    return *n && (*n)--;
}

static void taking_back_stops_between_blocks(void)
{
    struct bytes content = {0};

    make_tokens(&content, 400000, 4, 1000);
    write_bytes("bad", content.data, content.len);
    for (unsigned n = 0; n <= 4; n++) { /* three blocks, and a look at what follows them */
        struct bagger none = {0};
        struct bench b;
        unsigned most = n;

        bench_init(&b, path_of("bad"));
        count_some(&b, 3);
        CHECK(take_back(b.counter, &none, &b.shard, &b.block, may_go_on, &most, NULL) ==
              (n < 4 ? EMX_ERR_STOPPED : EMX_OK));
        CHECK(most == 0);
        bench_finish(&b);
    }
    bytes_free(&content);
}

static void a_shard_that_reads_otherwise_is_an_error(void)
{
    struct bytes content = {0};

    make_tokens(&content, 400000, 4, 1000);
    for (size_t changed = 0; changed < 4; changed++) {
        static const size_t places[] = {SIZE_MAX, 400, 4 * 150000, 4 * 390000}; /* the last was not counted */
        bool harmless = changed == 0 || changed == 3;
        struct bagger none = {0};
        struct emx_error err = {0};
        struct bench b;
        unsigned most = UINT_MAX;

        write_bytes("bad", content.data, content.len);
        bench_init(&b, path_of("bad"));
        count_some(&b, 3);
        if (changed) {
            content.data[places[changed]] ^= 1;
            write_bytes("bad", content.data, content.len);
        }
        CHECK(take_back(b.counter, &none, &b.shard, &b.block, may_go_on, &most, &err) ==
              (harmless ? EMX_OK : EMX_ERR_CORRUPT));
        CHECK(harmless || (strstr(err.message, "reads otherwise") && strstr(err.message, "it fails")));
        CHECK(b.domain.n_tokens == 0 || !harmless);
        bench_finish(&b);
    }
    write_bytes("bad", content.data, content.len);
    for (size_t kept = 0; kept < 2; kept++) { /* cut off behind what was counted, and within it */
        struct bagger none = {0};
        struct bench b;
        unsigned most = UINT_MAX;

        bench_init(&b, path_of("bad"));
        count_some(&b, 3);
        CHECK(truncate(path_of("bad"), kept ? 4 * 100000 : 4 * 196608) == 0);
        CHECK(take_back(b.counter, &none, &b.shard, &b.block, may_go_on, &most, &(struct emx_error){0}) ==
              (kept ? EMX_ERR_CORRUPT : EMX_OK));
        bench_finish(&b);
    }
    bytes_free(&content);
}

/* --- what may be, and what may not ----------------------------------------------------------------------- */

static void missing_shards_are_skipped_up_to_a_limit(void)
{
    struct job j = large_job();
    struct emx_error err;

    j.dtype = "u16";
    j.settings.eod = EMX_NO_TOKEN;
    write_bytes("good1", "abcdef", 6);
    write_bytes("good2", "gh", 2);
    unlink(path_of("bad"));
    scan_good_ones(j);
    CHECK(check_skips(j));
    j.on_error = EMX_ON_ERROR_SKIP_SHARD;
    j.max_bad = 2;
    CHECK(run(&j, "x.emx", &err) == EMX_OK);
    j.max_bad = 1;
    CHECK(run(&j, "y.emx", &err) == EMX_ERR_FORMAT);
    CHECK(strstr(err.message, "No such file") && strstr(err.message, "more than 1 broken"));
    CHECK(access(path_of("y.emx"), F_OK) != 0);
    j.bad = folder; /* no file */
    j.max_bad = 0;
    CHECK(run(&j, "x.emx", &err) != EMX_OK || same_but_skipped("x.emx", "good.emx"));
}

/* What a pipe held cannot be read again. */
static void pipes_cannot_be_skipped(void)
{
    const char *shards[] = {path_of("good1"), path_of("pipe")};
    struct emx_scan_domain d = {.name = "d",
                                .shards = shards,
                                .n_shards = 2,
                                .dtype = "u16",
                                .settings = {.eod = EMX_NO_TOKEN, .vocabulary = 100}};
    struct emx_scan_options options = {.n_threads = 2, .on_error = EMX_ON_ERROR_SKIP_SHARD};
    struct emx_error err;
    pid_t writer;

    write_bytes("good1", "a\0", 2);
    CHECK(mkfifo(shards[1], 0600) == 0);
    writer = fork();
    if (writer == 0) {
        int fd = open(shards[1], O_WRONLY);

        _exit(write(fd, "\xff\xff", 2) != 2);
    }
    CHECK(emx_scan(&d, 1, &options, path_of("x.emx"), NULL, &err) == EMX_ERR_RANGE);
    CHECK(waitpid(writer, NULL, 0) == writer);
}

/* Shards that begin and shards that end documents with a token are no domain; which is wrong nobody knows. */
static void mixed_domains_fail(void)
{
    struct job j = large_job();
    struct documents d;
    uint32_t tokens[100];
    uint64_t ends[100];
    struct made_shard m;
    struct emx_error err;

    make_documents(&d, tokens, 100, ends);
    make_shard(&m, 9, &d);
    write_bytes("bad", m.shard.bytes.data, m.shard.bytes.len);
    write_bytes("good1", "abcd", 4);
    write_bytes("good2", "ab", 2);
    j.dtype = "u16";
    j.settings.eod = 9;
    j.on_error = EMX_ON_ERROR_SKIP_SHARD;
    CHECK(run(&j, "x.emx", &err) == EMX_ERR_ARG && strstr(err.message, "mixes shards"));
    made_shard_finish(&m);
}

int main(int argc, char **argv)
{
    seed = test_seed();
    all_places = argc > 1 && strcmp(argv[1], "all") == 0;
    if (!make_folder_in_memory("on-error"))
        return 1;
    make_vectors();
    RUN(damage_in_any_format_is_skipped);
    RUN(damage_behind_many_blocks_is_taken_back);
    RUN(tokens_beyond_the_vocabulary_break_a_shard);
    RUN(little_memory_takes_back_the_same);
    RUN(a_shard_that_reads_otherwise_is_an_error);
    RUN(taking_back_stops_between_blocks);
    RUN(missing_shards_are_skipped_up_to_a_limit);
    RUN(pipes_cannot_be_skipped);
    RUN(mixed_domains_fail);
    emx_embeddings_close(&matrix);
    remove_folder();
    return test_summary();
}
