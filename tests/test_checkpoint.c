/*
 * Checkpoints: the journal's bytes, and scans that are stopped and resumed against undisturbed ones.  crash/ kills
 * them.
 */
#include "own_folder.h"
#include "scan/journal.h"
#include "scan/journal_layout.h"
#include "state/layout.h"
#include "test.h"

#include <emx/emx.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t seed;

/* --- the journal --------------------------------------------------------------------------------------- */

static void *copy_of(const void *from, size_t n)
{
    void *copy = malloc(n + 1);

    return copy ? memcpy(copy, from, n) : NULL;
}

#define COPY(array) copy_of(array, sizeof(array))

/* One domain with tails and runs, one without; a shard in each stage. */
static struct journal make_journal(void)
{
    static const struct journal_tail tails[] = {{0, 5}, {7, 1}, {EMX_MAX_VOCABULARY - 1, UINT64_C(1) << 40}};
    static const struct journal_tail minus[] = {{7, 1}};
    static const struct run_directory runs[] = {{16, 3, 99, 12}, {700, 0, 98, 0}};
    static const struct span spans[] = {
        {.begin = 0, .end = 101, .n = 50, .first = 3, .last = 4, .n_tail = 1, .tail = {9}, .check = 17},
        {.begin = 201, .end = 301, .n = 49, .first = 1, .last = 2, .n_head = 1, .head = {8}, .end_before = true}};
    const struct journal_domain domains[] = {
        {.given = {.name = "books", .n_shards = 2, .dtype = "u16", .settings = {.eod = 7, .vocabulary = 100}},
         .eod_order_known = true,
         .n_tokens = 1000,
         .n_pair_types = 10,
         .plus = {.tails = COPY(tails), .n_tails = 3, .runs = COPY(runs), .n_runs = 2},
         .minus = {.tails = COPY(minus), .n_tails = 1}},
        {.given = {.name = "code",
                   .n_shards = 2,
                   .format = "jsonl",
                   .column = "ids",
                   .settings = {.pairs = EMX_PAIRS_WINDOW, .window = 4, .eod = EMX_NO_TOKEN, .sample_tokens = 5}}}};
    const struct journal_shard shards[] = {
        {.path = "a.bin",
         .stamp = {1000, 12, 13, -14},
         .stage = JOURNAL_DONE,
         .record = {.path = "a.bin",
                    .format = "raw",
                    .codec = "none",
                    .dtype = "u16",
                    .n_bytes = 1000,
                    .xxh3 = 5,
                    .index_xxh3 = 6,
                    .n_tokens = 500,
                    .n_documents = 3,
                    .n_pairs = 497},
         .n_without_eod = 1},
        {.path = "b.bin",
         .stamp = {2000, 1, 2, 3},
         .stage = JOURNAL_BEGUN,
         .record = {.n_bytes = 400, .xxh3 = 77},
         .sums = {99, 2, 1},
         .spans = COPY(spans),
         .n_spans = 2},
        {.path = "c.jsonl", .stamp = {10, 20, 30, 40}, .stage = JOURNAL_NEW},
        {.path = "d.jsonl", .stage = JOURNAL_SKIPPED, .reason = "d.jsonl: cannot be opened"}};

    return (struct journal){.id = 1234567890123u,
                            .n_data_bytes = 800,
                            .domains = COPY(domains),
                            .n_domains = 2,
                            .shards = COPY(shards),
                            .on_error = EMX_ON_ERROR_SKIP_SHARD,
                            .sums = {"a.npy", 123, 300, 1000, 7, 1, 4096, 99},
                            .n_shards = 4};
}

static void encode(struct journal *j, char **ret, size_t *ret_n)
{
    CHECK(journal_encode(j, ret, ret_n, NULL) == EMX_OK);
}

static void a_journal_comes_back_whole(void)
{
    struct journal j = make_journal(), back;
    char *bytes, *again;
    size_t n, m;

    encode(&j, &bytes, &n);
    CHECK(journal_decode(copy_of(bytes, n), n, "j", &back, NULL) == EMX_OK);
    encode(&back, &again, &m);
    CHECK(n == m && memcmp(bytes, again, n) == 0);
    CHECK(back.n_domains == 2 && back.n_shards == 4 && back.id == j.id && back.n_data_bytes == 800);
    CHECK_STR(back.domains[1].given.column, "ids");
    CHECK_STR(back.sums.source, "a.npy");
    CHECK(back.sums.seed == 7 && back.sums.xxh3 == 99);
    CHECK(!back.domains[0].given.format && back.domains[0].plus.tails[2].count == UINT64_C(1) << 40);
    CHECK(back.shards[0].stamp.changed_ns == -14 && back.shards[0].record.n_pairs == 497);
    CHECK(memcmp(&back.shards[1].spans[1], &j.shards[1].spans[1], sizeof(struct span)) == 0);
    free(bytes);
    free(again);
    journal_finish(&back);
    journal_finish(&j);
}

static enum emx_status decode(const char *bytes, size_t n)
{
    struct journal j;
    enum emx_status status = journal_decode(copy_of(bytes, n), n, "j", &j, NULL);

    journal_finish(&j);
    return status;
}

static void every_bit_and_every_byte_counts(void)
{
    struct journal j = make_journal();
    char *bytes;
    size_t n, accepted = 0;

    encode(&j, &bytes, &n);
    for (size_t i = 0; i < n; i++) {
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (char)(1 << bit);
            accepted += decode(bytes, n) == EMX_OK;
            bytes[i] ^= (char)(1 << bit);
        }
        accepted += decode(bytes, i) == EMX_OK;
    }
    CHECK(accepted == 0);
    CHECK(decode(bytes, n) == EMX_OK);
    bytes = realloc(bytes, n + 1);
    bytes[n] = 0;
    CHECK(decode(bytes, n + 1) == EMX_ERR_CORRUPT);
    free(bytes);
    journal_finish(&j);
}

static void sign(char *bytes, size_t n)
{
    put_u64(bytes + JOURNAL_CHECKED_BYTES, journal_checksum(bytes, n));
}

/* With a right checksum: what is accepted must come back the same; what is not, cleanly refused. */
static void nonsense_with_a_checksum_is_refused(void)
{
    struct journal j = make_journal(), back;
    uint64_t random = seed;
    char *bytes, *again;
    size_t n, m, accepted = 0, refused = 0;

    encode(&j, &bytes, &n);
    for (int i = 0; i < 40000; i++) {
        char *changed = copy_of(bytes, n);
        size_t len = test_random(&random) % 4 ? n : JOURNAL_HEADER_BYTES + test_random(&random) % (n - 24);

        for (uint64_t k = test_random(&random) % 3 + 1; k; k--) {
            size_t at = JOURNAL_HEADER_BYTES + test_random(&random) % (n - JOURNAL_HEADER_BYTES);

            changed[at] =
                test_random(&random) % 2 ? (char)test_random(&random) : (char)-(int)(test_random(&random) % 2);
        }
        sign(changed, len);
        again = copy_of(changed, len);
        if (journal_decode(changed, len, "j", &back, NULL) == EMX_OK) {
            char *encoded;

            encode(&back, &encoded, &m);
            CHECK(m == len && memcmp(encoded, again, m) == 0);
            free(encoded);
            accepted++;
        } else {
            refused++;
        }
        free(again);
        journal_finish(&back);
    }
    CHECK(accepted > 1000 && refused > 1000);
    put_u32(bytes + JOURNAL_MAGIC_BYTES, JOURNAL_VERSION + 1);
    sign(bytes, n);
    CHECK(decode(bytes, n) == EMX_ERR_VERSION);
    free(bytes);
    journal_finish(&j);
}

/* --- scans --------------------------------------------------------------------------------------------- */

enum { N_TOKENS = 1500000 };

enum { NEVER = -1, WHEN_COUNTED = -2 };

struct stopper {
    int n_calls, stop_at; /* call, or one of these */
};

static bool stop_at_call(const struct emx_scan_progress *p, void *context)
{
    struct stopper *s = context;

    if (s->stop_at == WHEN_COUNTED)
        return p->n_shards < p->n_shards_total;
    return s->stop_at == NEVER || s->n_calls++ < s->stop_at;
}

struct job {
    const char *shards[4];
    size_t n_shards;
    struct emx_domain_settings settings;
    unsigned n_threads;
    int stop_at;
    bool resume;
    enum emx_on_error on_error;
    const struct emx_scan_vectors *vectors;
};

static struct job make_job(void)
{
    return (struct job){.shards = {path_of("a.bin"), path_of("b.bin"), path_of("c.bin")},
                        .n_shards = 3,
                        .settings = {.eod = 0},
                        .n_threads = 2,
                        .stop_at = NEVER,
                        .resume = true};
}

static enum emx_status scan(const struct job *j, const char *checkpoint, const char *output, struct emx_error *err)
{
    const struct emx_scan_domain domains[] = {
        {.name = "d", .shards = j->shards, .n_shards = j->n_shards, .dtype = "u16", .settings = j->settings},
        {.name = "head",
         .shards = j->shards,
         .n_shards = 1,
         .dtype = "u16",
         .settings = {.eod = EMX_NO_TOKEN, .sample_tokens = N_TOKENS / 2}}};
    struct stopper stopper = {.stop_at = j->stop_at};
    struct emx_scan_options options = {.n_threads = j->n_threads,
                                       .memory_bytes = 32 << 20,
                                       .checkpoint = checkpoint ? path_of(checkpoint) : NULL,
                                       .checkpoint_seconds = 0.01,
                                       .resume = j->resume,
                                       .on_error = j->on_error,
                                       .vectors = j->vectors,
                                       .progress = stop_at_call,
                                       .context = &stopper};

    return emx_scan(domains, 2, &options, path_of(output), NULL, err);
}

static void make_shards(void)
{
    uint16_t *x = malloc(N_TOKENS * sizeof(*x));
    const char *names[] = {"a.bin", "b.bin", "c.bin"};
    uint64_t random = seed;

    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < N_TOKENS; k++)
            x[k] = (uint16_t)((test_random(&random) & 65535) * (test_random(&random) & 65535) >> 19);
        write_bytes(names[i], x, N_TOKENS * sizeof(*x) / (i + 1));
    }
    free(x);
}

static void remove_checkpoint(const char *name)
{
    unlink(path_of("ck/checkpoint.journal"));
    unlink(path_of("ck/checkpoint.data"));
    unlink(path_of("ck/checkpoint.lock"));
    CHECK(rmdir(path_of(name)) == 0);
}

/* Stopped again and again, each time a little further, by other numbers of threads. */
static void a_stopped_scan_goes_on_where_it_was(void)
{
    const struct emx_domain_settings settings[] = {{.eod = 0},
                                                   {.pairs = EMX_PAIRS_WINDOW, .window = 7, .eod = 3},
                                                   {.pairs = EMX_PAIRS_STREAM, .eod = EMX_NO_TOKEN}};

    for (size_t i = 0; i < 3; i++) {
        struct job job = make_job();
        struct emx_error err;
        enum emx_status status = EMX_ERR_STOPPED;
        int n_stops = 0;

        job.settings = settings[i];
        CHECK(scan(&job, NULL, "plain.emx", &err) == EMX_OK);
        unlink(path_of("resumed.emx"));
        for (int k = 1; status == EMX_ERR_STOPPED && k < 1000; k += test_few(2, 7)) {
            CHECK(access(path_of("resumed.emx"), F_OK) != 0);
            job.stop_at = k;
            job.n_threads = 1 + (unsigned)k % 4;
            status = scan(&job, "ck", "resumed.emx", &err);
            n_stops += status == EMX_ERR_STOPPED;
        }
        if (status)
            printf("%s\n", err.message);
        CHECK(status == EMX_OK && n_stops > 1);
        CHECK(same_files("plain.emx", "resumed.emx"));
        CHECK(rmdir(path_of("ck")) == 0); /* nothing is left in it */
    }
}

static void check_refused(const struct job *job, enum emx_status expected, const char *words)
{
    struct emx_error err = {0};
    enum emx_status status = scan(job, "ck", "no.emx", &err);

    if (status != expected || !strstr(err.message, words))
        printf("status %d: %s\n", status, err.message);
    CHECK(status == expected && strstr(err.message, words));
    CHECK(access(path_of("no.emx"), F_OK) != 0);
}

/* A checkpoint in which some shards are done. */
static void stop_in_the_middle(void)
{
    struct job job = make_job();

    job.stop_at = 3;
    CHECK(scan(&job, "ck", "no.emx", NULL) == EMX_ERR_STOPPED);
}

static void another_scan_is_refused(void)
{
    struct job job = make_job();

    stop_in_the_middle();
    job.resume = false;
    check_refused(&job, EMX_ERR_ARG, "holds the checkpoint of a scan that is not complete");
    job = make_job();
    job.settings.eod = 5;
    check_refused(&job, EMX_ERR_ARG, "domain 'd' had eod 0, now it has 5");
    job = make_job();
    job.settings.vocabulary = 60000;
    check_refused(&job, EMX_ERR_ARG, "had a vocabulary of none, now it has 60000");
    job = make_job();
    job.settings.pairs = EMX_PAIRS_WINDOW;
    job.settings.window = 9;
    check_refused(&job, EMX_ERR_ARG, "had pairs within-document, now it has window:9");
    job = make_job();
    job.n_shards = 2;
    check_refused(&job, EMX_ERR_ARG, "c.bin of domain 'd' is missing now");
    job = make_job();
    write_bytes("new.bin", "12", 2);
    job.shards[3] = path_of("new.bin");
    job.n_shards = 4;
    check_refused(&job, EMX_ERR_ARG, "new.bin of domain 'd' is new");
    job = make_job();
    job.shards[0] = path_of("b.bin");
    job.shards[1] = path_of("a.bin");
    check_refused(&job, EMX_ERR_ARG, "b.bin of domain 'd' is new, or stands elsewhere");
    remove_checkpoint("ck");
}

static void a_folder_serves_one_scan_at_a_time(void)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct job job = make_job();
    int fd;

    stop_in_the_middle();
    fd = open(path_of("ck/checkpoint.lock"), O_RDWR);
    CHECK(fd >= 0 && fcntl(fd, F_OFD_SETLK, &whole) == 0);
    check_refused(&job, EMX_ERR_ARG, "another scan is working with this folder");
    close(fd);
    CHECK(scan(&job, "ck", "resumed.emx", NULL) == EMX_OK);
    CHECK(rmdir(path_of("ck")) == 0);
}

/* A checkpoint in which all shards are done. */
static void stop_at_the_end(void)
{
    struct job job = make_job();

    job.stop_at = WHEN_COUNTED;
    CHECK(scan(&job, "ck", "no.emx", NULL) == EMX_ERR_STOPPED);
}

static void flip_a_byte(const char *name, long at)
{
    FILE *f = fopen(path_of(name), "r+b");
    int c;

    fseek(f, at, SEEK_SET);
    c = getc(f);
    fseek(f, at, SEEK_SET);
    putc(c ^ 1, f);
    fclose(f);
}

static void a_changed_shard_is_noticed(void)
{
    struct job job = make_job();
    struct stat before;
    struct timespec times[2];

    CHECK(scan(&job, NULL, "plain.emx", NULL) == EMX_OK);
    stop_at_the_end();
    CHECK(stat(path_of("a.bin"), &before) == 0);
    times[0] = before.st_atim;
    times[1] = before.st_mtim;
    flip_a_byte("a.bin", 100); /* and pretend that nothing was */
    CHECK(utimensat(AT_FDCWD, path_of("a.bin"), times, 0) == 0);
    check_refused(&job, EMX_ERR_ARG, "a.bin: has changed since the checkpoint: of its first");
    flip_a_byte("a.bin", 100); /* as it was, with another time */
    CHECK(truncate(path_of("b.bin"), 1000) == 0);
    check_refused(&job, EMX_ERR_ARG, "b.bin: has changed since the checkpoint: it had 1500000 bytes, now it has 1000");
    make_shards();
    rename(path_of("c.bin"), path_of("d.bin"));
    check_refused(&job, EMX_ERR_IO, "c.bin");
    rename(path_of("d.bin"), path_of("c.bin"));
    CHECK(scan(&job, "ck", "resumed.emx", NULL) == EMX_OK);
    CHECK(same_files("plain.emx", "resumed.emx"));
    CHECK(rmdir(path_of("ck")) == 0);
}

/* Whichever of the two files the journal names; the other may not be there yet. */
static void spoil_sums(const struct job *job)
{
    static const char *const names[] = {"ck/checkpoint.sums-0", "ck/checkpoint.sums-1"};
    unsigned char *bytes[2];
    size_t n[2] = {0};

    for (size_t i = 0; i < 2; i++)
        bytes[i] = read_whole(path_of(names[i]), &n[i]);
    for (size_t way = 0; way < 3; way++) {
        for (size_t i = 0; i < 2; i++) {
            if (!n[i])
                continue;
            if (way == 0)
                flip_a_byte(names[i], (long)(test_random(&seed) % n[i]));
            if (way == 1)
                CHECK(truncate(path_of(names[i]), (off_t)n[i] - 1) == 0);
            if (way == 2)
                unlink(path_of(names[i]));
        }
        check_refused(job, way == 2 ? EMX_ERR_IO : EMX_ERR_CORRUPT, "checkpoint.sums-");
        for (size_t i = 0; i < 2; i++) {
            if (n[i])
                write_bytes(names[i], bytes[i], n[i]);
        }
    }
    free(bytes[0]);
    free(bytes[1]);
}

/* Sums over documents with other vectors, of other documents, or of none, do not go on. */
static void other_vectors_are_refused(void)
{
    static float rows[8192][2];
    struct emx_embeddings *e[2] = {NULL};
    struct emx_scan_vectors v = {.source = "a.npy", .n_documents = 50, .precise = true};
    struct job job = make_job();

    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 8192; k++)
            rows[k][i] = (float)(test_random(&seed) % 100);
        CHECK(emx_embeddings_from_rows(rows[0], 8192, 2, &e[i], NULL) == EMX_OK);
    }
    v.embeddings = e[1];
    job.vectors = &v;
    job.stop_at = 3;
    CHECK(scan(&job, "ck", "no.emx", NULL) == EMX_ERR_STOPPED);
    job.stop_at = NEVER;
    job.vectors = NULL;
    check_refused(&job, EMX_ERR_ARG, "documents were being summed up, now they are not");
    job.vectors = &v;
    v.precise = false;
    check_refused(&job, EMX_ERR_ARG, "another precision");
    v.precise = true;
    v.embeddings = e[0];
    v.source = "b.npy";
    check_refused(&job, EMX_ERR_ARG,
                  "with the vectors of a.npy, and b.npy has others, or it is another precision, now");
    v.embeddings = e[1];
    v.n_documents = 0;
    check_refused(&job, EMX_ERR_ARG, "it took 50 documents of a domain, now it is to take all");
    v.n_documents = 50;
    v.seed = 9;
    check_refused(&job, EMX_ERR_ARG, "it took documents by the seed 0, now by 9");
    v.seed = 0;
    spoil_sums(&job);
    CHECK(scan(&job, NULL, "plain.emx", NULL) == EMX_OK && scan(&job, "ck", "resumed.emx", NULL) == EMX_OK);
    CHECK(same_files("plain.emx", "resumed.emx"));
    CHECK(rmdir(path_of("ck")) == 0);
    for (size_t i = 0; i < 2; i++)
        emx_embeddings_close(&e[i]);
}

static void spoilt_files_are_refused(void)
{
    struct job job = make_job();
    size_t n = 0;
    char *bytes;

    stop_at_the_end(); /* where there are runs, however slow the machine */
    bytes = (char *)read_whole(path_of("ck/checkpoint.journal"), &n);
    flip_a_byte("ck/checkpoint.journal", 50);
    check_refused(&job, EMX_ERR_CORRUPT, "checkpoint.journal: is no whole checkpoint");
    write_bytes("ck/checkpoint.journal", bytes, n);
    flip_a_byte("ck/checkpoint.data", 9);
    check_refused(&job, EMX_ERR_CORRUPT, "does not belong to");
    flip_a_byte("ck/checkpoint.data", 9);
    flip_a_byte("ck/checkpoint.data", 60); /* in a block of a run, which is looked at when it is merged */
    check_refused(&job, EMX_ERR_CORRUPT, "checkpoint.data: the block at byte");
    CHECK(truncate(path_of("ck/checkpoint.data"), 20) == 0);
    check_refused(&job, EMX_ERR_CORRUPT, "checkpoint.data: has 20 bytes where there should be");
    free(bytes);
    remove_checkpoint("ck");
}

static void what_cannot_be_read_twice_is_refused(void)
{
    struct job job = make_job();

    CHECK(mkfifo(path_of("pipe"), 0600) == 0);
    job.shards[1] = path_of("pipe");
    check_refused(&job, EMX_ERR_ARG, "pipe: cannot be read twice");
    job.shards[1] = "-";
    check_refused(&job, EMX_ERR_ARG, "standard input: cannot be read twice");
    rmdir(path_of("ck"));
}

int main(void)
{
    seed = test_seed();
    if (!make_folder("checkpoint"))
        return 1;
    RUN(a_journal_comes_back_whole);
    RUN(every_bit_and_every_byte_counts);
    RUN(nonsense_with_a_checksum_is_refused);
    make_shards();
    RUN(a_stopped_scan_goes_on_where_it_was);
    RUN(another_scan_is_refused);
    RUN(a_folder_serves_one_scan_at_a_time);
    RUN(a_changed_shard_is_noticed);
    RUN(other_vectors_are_refused);
    RUN(spoilt_files_are_refused);
    RUN(what_cannot_be_read_twice_is_refused);
    remove_folder();
    return test_summary();
}
