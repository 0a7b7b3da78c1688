/*
 * Scans by several ranks, which are threads here, against scans by one process; what ranks exchange against plain
 * twins.
 */
#include "cluster_threads.h"
#include "failing_memory.h"
#include "own_folder.h"
#include "ref/naive_pairs.h"
#include "scan/block_edges.h"
#include "scan/exchange.h"
#include "state/writer.h"

#include <emx/emx.h>
#include <unistd.h>

WRAP(void *, aligned_alloc, (size_t alignment, size_t n), (alignment, n))

static uint64_t seed;
static struct emx_embeddings *matrix;
static struct emx_scan_vectors all_documents = {.source = "made"},
                               some_documents = {.source = "made", .n_documents = 99, .precise = true};

static void write_tokens(const char *name, size_t n, uint32_t vocabulary)
{
    uint64_t random = seed + n;
    FILE *f = fopen(path_of(name), "wb");

    for (size_t i = 0; i < n; i++) {
        double u = (double)(test_random(&random) >> 11) * 0x1p-53;
        uint16_t token = test_random(&random) % 90 == 0 ? 7 : (uint16_t)(u * u * u * vocabulary);

        fwrite(&token, 1, sizeof(token), f);
    }
    fclose(f);
}

static void make_vectors(void)
{
    static float rows[60000][3];
    uint64_t random = seed;

    for (size_t i = 0; i < 3 * 60000; i++)
        rows[i / 3][i % 3] = (float)(test_random(&random) % 1000);
    CHECK(emx_embeddings_from_rows(rows[0], 60000, 3, &matrix, NULL) == EMX_OK);
    all_documents.embeddings = some_documents.embeddings = matrix;
}

/* --- block edges ---------------------------------------------------------------------------------------- */

/* Row by row: who has it, and who has the first row of its block. */
static void check_edges(const uint64_t *n_rows, unsigned size)
{
    struct block_edges edges[TEAM_MOST];
    size_t n_head[TEAM_MOST] = {0};
    unsigned first = 0;
    uint64_t at = 0;

    block_edges(n_rows, size, edges);
    for (unsigned k = 0; k < size; k++) {
        for (uint64_t i = 0; i < n_rows[k]; i++, at++) {
            if (at % PAIR_BLOCK_ROWS == 0)
                first = k;
            if (first != k) {
                CHECK(edges[k].owner == first);
                n_head[k]++;
            }
        }
        CHECK(edges[k].n_head == n_head[k]);
    }
}

static void rows_before_an_edge_go_to_who_has_the_block(void)
{
    static const uint64_t cases[][5] = {
        {0, 0, 0, 0, 0},
        {1, 1, 1, 1, 1},
        {65536, 65536, 0, 65535, 1},
        {65535, 1, 65537, 3, 200000},
        {0, 5, 0, 65531, 1},
        {70000, 10, 20, 130000, 0},
        {0, 0, 3, 100000, 65536},
    };
    uint64_t random = seed, n[TEAM_MOST];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_edges(cases[i], 5);
    for (int i = 0; i < 20; i++) {
        for (unsigned k = 0; k < TEAM_MOST; k++)
            n[k] = test_random(&random) % (test_random(&random) % 3 ? 100000 : 10);
        check_edges(n, TEAM_MOST);
    }
}

/* --- exchange ------------------------------------------------------------------------------------------- */

struct rank_rows {
    struct naive_pairs mine, received;
    uint64_t first_key, last_key; /* received */
};

struct exchanging {
    struct rank_rows ranks[TEAM_MOST];
    size_t n_part;
};

static void append_received(struct rank_rows *r, const struct run *runs, unsigned n_runs, struct temp_file *f)
{
    struct run_reader reader = {0};

    for (unsigned k = 0; k < n_runs; k++) {
        for (size_t b = 0; b < runs[k].n_blocks; b++) {
            const struct run_block *block = &runs[k].blocks[b];

            CHECK(run_read(&reader, f, block, NULL) == EMX_OK);
            CHECK(b == 0 || block[-1].last_key < block->first_key);
            r->first_key = block->first_key < r->first_key ? block->first_key : r->first_key;
            r->last_key = block->last_key > r->last_key ? block->last_key : r->last_key;
            for (size_t i = 0; i < block->n_rows; i++) {
                naive_pairs_add(&r->received, reader.rows[i].first, reader.rows[i].second);
                r->received.rows[r->received.n - 1].count = reader.rows[i].count;
            }
        }
    }
    run_reader_finish(&reader);
}

static void exchange_on_rank(struct emx_cluster *c, void *context)
{
    struct exchanging *e = context;
    struct rank_rows *r = &e->ranks[c->rank];
    struct temp_file file;
    struct exchange x;
    struct state_encoder *encoder;
    struct state_block staging = {0};
    struct run mine = {0}, runs[TEAM_MOST] = {{0}};
    struct emx_error err;

    temp_file_init(&file, folder);
    CHECK(state_encoder_create(&encoder, NULL) == EMX_OK);
    CHECK(run_append(&mine, &file, encoder, &staging, r->mine.rows, r->mine.n, NULL) == EMX_OK);
    CHECK(exchange_init(&x, c, &file, &err) == EMX_OK);
    if (e->n_part)
        x.n_part = e->n_part;
    CHECK(exchange_run(&x, &mine, runs, &err) == EMX_OK);
    append_received(r, runs, c->size, &file);
    exchange_finish(&x);
    run_finish(&mine);
    for (unsigned k = 0; k < c->size; k++)
        run_finish(&runs[k]);
    state_encoder_destroy(&encoder);
    state_block_finish(&staging);
    temp_file_finish(&file);
}

/* Every row arrives, and with whom all rows of its key are; rank k has n_rows[k]. */
static void check_exchange(unsigned size, const size_t *n_rows, uint32_t vocabulary, size_t n_part)
{
    struct exchanging e = {.n_part = n_part};
    struct naive_pairs all = {0}, received = {0};
    struct team team;
    uint64_t random = seed, last = 0;
    size_t n_most = 0;

    for (unsigned k = 0; k < size; k++) {
        e.ranks[k].first_key = UINT64_MAX;
        for (size_t i = 0; i < n_rows[k]; i++)
            naive_pairs_add(&e.ranks[k].mine, (uint32_t)(test_random(&random) % vocabulary),
                            (uint32_t)(test_random(&random) % vocabulary));
        naive_pairs_count(&e.ranks[k].mine);
        for (size_t i = 0; i < e.ranks[k].mine.n; i++) {
            naive_pairs_add(&all, e.ranks[k].mine.rows[i].first, e.ranks[k].mine.rows[i].second);
            all.rows[all.n - 1].count = e.ranks[k].mine.rows[i].count;
        }
    }
    team_init(&team, size);
    team_run(&team, exchange_on_rank, &e);
    team_finish(&team);
    for (unsigned k = 0; k < size; k++) {
        struct rank_rows *r = &e.ranks[k];

        CHECK(k == 0 || !r->received.n || !last || last < r->first_key);
        last = r->received.n ? r->last_key : last;
        n_most = r->received.n > n_most ? r->received.n : n_most;
        for (size_t i = 0; i < r->received.n; i++) {
            naive_pairs_add(&received, r->received.rows[i].first, r->received.rows[i].second);
            received.rows[received.n - 1].count = r->received.rows[i].count;
        }
    }
    CHECK(received.n == all.n);
    CHECK(n_most <= all.n / size + (size_t)4096 * 2 * size + size * all.n / 128); /* samples say so */
    naive_pairs_count(&all);
    naive_pairs_count(&received);
    CHECK(received.n == all.n && naive_pairs_n_wrong(&all, received.rows, received.n) == 0);
    for (unsigned k = 0; k < size; k++) {
        naive_pairs_finish(&e.ranks[k].mine);
        naive_pairs_finish(&e.ranks[k].received);
    }
    naive_pairs_finish(&all);
    naive_pairs_finish(&received);
}

static void rows_go_to_the_rank_of_their_key(void)
{
    static const size_t even[] = {60000, 60000, 60000, 60000, 60000}, odd[] = {200000, 0, 1, 5000, 70000},
                        none[5] = {0};

    check_exchange(1, even, 500, 0);
    check_exchange(5, even, 60000, 0);
    check_exchange(5, odd, 300, 0);
    check_exchange(5, none, 300, 0);
    check_exchange(5, odd, 60000, 128 << 10); /* many rounds */
    check_exchange(2, odd, 1 << 24, 128 << 10);
}

/* --- scans ---------------------------------------------------------------------------------------------- */

enum { N_SHARDS = 9 };

struct scanning {
    const char *shards[N_SHARDS];
    struct emx_scan_domain domains[3];
    struct emx_scan_options options;
    const char *output;
    enum emx_status status[TEAM_MOST];
    struct emx_error errors[TEAM_MOST];
    struct emx_scan_progress last; /* of rank 0 */
    unsigned stopping;             /* this rank's callback stops the scan */
    uint64_t n_bytes_exchanged;
    unsigned n_skipped; /* of which rank 0 was told */
};

static void scanning_init(struct scanning *s)
{
    *s = (struct scanning){.options = {.n_threads = 2, .memory_bytes = UINT64_C(1) << 28}, .stopping = UINT32_MAX};
    for (int i = 0; i < N_SHARDS; i++) {
        char name[16];

        snprintf(name, sizeof(name), "%d.bin", i);
        s->shards[i] = strdup(path_of(name));
    }
    for (int i = 0; i < 3; i++)
        s->domains[i] = (struct emx_scan_domain){
            .dtype = "u16", .settings = {.eod = 7, .vocabulary = 60000}, .shards = &s->shards[i ? 2 + 3 * i : 0]};
    s->domains[0].name = "much";
    s->domains[0].n_shards = 5;
    s->domains[1].name = "less";
    s->domains[1].n_shards = 3;
    s->domains[2].name = "a little";
    s->domains[2].n_shards = 1;
    s->output = path_of("ranks.emx");
}

static void scanning_finish(struct scanning *s)
{
    for (int i = 0; i < N_SHARDS; i++)
        free((char *)s->shards[i]);
}

struct told {
    struct scanning *scanning;
    unsigned rank;
};

static bool on_progress(const struct emx_scan_progress *p, void *context)
{
    struct told *t = context;

    if (t->rank == 0) {
        t->scanning->last = *p;
        t->scanning->last.domains = NULL;
    }
    return t->rank != t->scanning->stopping;
}

static void on_skipped(const struct emx_skipped *what, void *context)
{
    struct told *t = context;

    CHECK(what->what == EMX_SKIPPED_SHARD && t->rank == 0);
    t->scanning->n_skipped++;
}

static void scan_on_rank(struct emx_cluster *c, void *context)
{
    struct scanning *s = context;
    struct told told = {s, c->rank};
    struct emx_scan_options options = s->options;
    struct emx_scan_times times = {0};

    options.cluster = c;
    options.progress = on_progress;
    options.skipped = on_skipped;
    options.context = &told;
    s->errors[c->rank].message[0] = '\0';
    s->status[c->rank] = emx_scan(s->domains, 3, &options, s->output, &times, &s->errors[c->rank]);
    if (c->rank == 0)
        s->n_bytes_exchanged = times.n_bytes_exchanged;
}

static void scan_with(struct scanning *s, unsigned n_ranks)
{
    struct team team;

    team_init(&team, n_ranks);
    team_run(&team, scan_on_rank, s);
    team_finish(&team);
}

static void check_equal(struct scanning *s, unsigned n_ranks)
{
    scan_with(s, n_ranks);
    for (unsigned k = 0; k < n_ranks; k++) {
        CHECK(s->status[k] == EMX_OK);
        CHECK_STR(s->errors[k].message, "");
    }
    CHECK(same_files("alone.emx", "ranks.emx"));
    CHECK(s->last.n_shards == N_SHARDS);
    CHECK(s->last.n_bytes == s->last.n_bytes_total || s->last.n_bytes_total == UINT64_MAX); /* one is missing */
    CHECK(n_ranks == 1 || s->n_bytes_exchanged > 0);
    unlink(path_of("ranks.emx"));
}

static void scan_alone(struct scanning *s)
{
    CHECK(emx_scan(s->domains, 3, &s->options, path_of("alone.emx"), NULL, NULL) == EMX_OK);
}

static void ranks_do_not_show(void)
{
    struct scanning s;

    scanning_init(&s);
    s.options.vectors = &all_documents;
    scan_alone(&s);
    for (unsigned n = (unsigned)test_few(1, 4); n <= 8; n = n < 4 ? n + 1 : 2 * n)
        check_equal(&s, n);
    check_equal(&s, 13); /* more than shards */
    s.options.tmpdir = folder;
    s.options.memory_bytes = 16 << 20; /* pairs go to disk */
    check_equal(&s, 1);
    check_equal(&s, 3);
    for (int i = 0; i < 3; i++)
        s.domains[i].settings.pairs = i ? EMX_PAIRS_WINDOW : EMX_PAIRS_STREAM;
    s.domains[1].settings.window = s.domains[2].settings.window = 100;
    s.domains[2].settings.sample_tokens = 1000;
    s.options.vectors = &some_documents;
    scan_alone(&s);
    check_equal(&s, 4);
    scanning_finish(&s);
}

/* Nobody waits for who has failed, and no file is left. */
static void check_failed(struct scanning *s, unsigned n_ranks, enum emx_status status, const char *words)
{
    int n_files = files_in(folder);

    scan_with(s, n_ranks);
    for (unsigned k = 0; k < n_ranks; k++) {
        CHECK(s->status[k] == status);
        CHECK_STR(s->errors[k].message, s->errors[0].message);
    }
    if (!strstr(s->errors[0].message, words))
        CHECK_STR(s->errors[0].message, words);
    CHECK(files_in(folder) == n_files);
}

static void a_failed_rank_fails_all(void)
{
    struct scanning s;
    const char *own;

    scanning_init(&s);
    write_tokens("4.bin", 300000, 65535); /* not below the vocabulary */
    check_failed(&s, 4, EMX_ERR_RANGE, "4.bin: token ");
    write_tokens("4.bin", 300000, 60000);
    s.output = path_of("nowhere/ranks.emx");
    check_failed(&s, 3, EMX_ERR_IO, "nowhere/ranks.emx");
    s.output = path_of("ranks.emx");
    for (s.stopping = 0; s.stopping < 3; s.stopping++)
        check_failed(&s, 3, EMX_ERR_STOPPED, s.stopping == 2 ? "rank 2: stopped" : "stopped");
    own = s.shards[3];
    s.shards[3] = "/nowhere.bin";
    check_failed(&s, 2, EMX_ERR_IO, "/nowhere.bin");
    s.shards[3] = "-";
    check_failed(&s, 2, EMX_ERR_ARG, "standard input");
    s.shards[3] = own;
    scanning_finish(&s);
}

static void broken_shards_are_skipped_together(void)
{
    struct scanning s;
    const char *own;

    scanning_init(&s);
    s.options.on_error = EMX_ON_ERROR_SKIP_SHARD;
    s.options.vectors = &all_documents;
    write_tokens("4.bin", 300000, 65535); /* not below the vocabulary, and that late in the shard */
    write_tokens("6.bin", 50000, 65535);
    write_tokens("8.bin", 50000, 65535); /* all of its domain */
    own = s.shards[1];
    s.shards[1] = "/nowhere.bin";
    scan_alone(&s);
    for (unsigned n = (unsigned)test_few(1, 3); n <= 4; n++) {
        s.n_skipped = 0;
        check_equal(&s, n);
        CHECK(s.n_skipped == 4);
    }
    s.options.max_bad = 4;
    check_equal(&s, 3);
    s.options.max_bad = 3;
    check_failed(&s, 3, EMX_ERR_FORMAT, "more than 3 broken");
    s.shards[1] = own;
    scanning_finish(&s);
    write_tokens("4.bin", 300000, 60000);
    write_tokens("6.bin", 50000, 3000);
    write_tokens("8.bin", 50000, 3000);
}

static void stopped_ranks_go_on(void)
{
    struct scanning s;

    scanning_init(&s);
    s.options.checkpoint_seconds = 0.02;
    for (unsigned n = (unsigned)test_few(2, 4); n <= 5; n++) {
        s.options.vectors = n % 2 ? &all_documents : &some_documents;
        s.options.checkpoint = NULL;
        scan_alone(&s);
        s.options.checkpoint = path_of("checkpoints");
        s.options.resume = false;
        for (s.stopping = 0; s.stopping < n; s.stopping++) { /* in its first moments, and where it resumed */
            scan_with(&s, n);
            for (unsigned k = 0; k < n; k++)
                CHECK(s.status[k] == EMX_ERR_STOPPED);
            s.options.resume = true;
        }
        s.stopping = UINT32_MAX;
        scan_with(&s, n + 1);
        CHECK(s.status[0] == EMX_ERR_ARG && strstr(s.errors[0].message, "holds the checkpoint of a scan by"));
        check_equal(&s, n);
        CHECK(files_in(s.options.checkpoint) == 0);
    }
    rmdir(s.options.checkpoint);
    scanning_finish(&s);
}

static void scan_something_else(struct emx_cluster *c, void *context)
{
    struct scanning *s = context;
    struct emx_scan_domain domains[3];
    struct emx_scan_options options = s->options;

    memcpy(domains, s->domains, sizeof(domains));
    if (s->options.vectors)
        options.vectors = c->rank ? &some_documents : &all_documents;
    else
        domains[1].settings.vocabulary -= c->rank;
    options.cluster = c;
    s->status[c->rank] = emx_scan(domains, 3, &options, s->output, NULL, &s->errors[c->rank]);
}

static void ranks_with_other_settings_are_refused(void)
{
    struct scanning s;
    struct team team;

    scanning_init(&s);
    for (int i = 0; i < 2; i++) {
        s.options.vectors = i ? &all_documents : NULL;
        team_init(&team, 3);
        team_run(&team, scan_something_else, &s);
        team_finish(&team);
        for (int k = 0; k < 3; k++) {
            CHECK(s.status[k] == EMX_ERR_ARG);
            CHECK(strstr(s.errors[k].message, "rank 1: this rank has other settings"));
        }
    }
    scanning_finish(&s);
}

static void failing_memory_is_an_error_of_all(void)
{
    struct scanning s;
    int n_files;

    scanning_init(&s);
    s.domains[0].n_shards = 2;
    s.options.n_threads = 1;
    scan_alone(&s);
    n_files = files_in(folder);
    for (unsigned n = 1, done = 0; !done; n += (unsigned)test_few(1, 9) + n / (unsigned)test_few(8, 2)) {
        failed = false;
        until_failure = n;
        scan_with(&s, 3);
        until_failure = 0;
        done = !failed;
        CHECK(s.status[0] == s.status[1] && s.status[0] == s.status[2]);
        if (s.status[0] == EMX_OK) {
            CHECK(same_files("alone.emx", "ranks.emx"));
            unlink(path_of("ranks.emx"));
        } else {
            CHECK(failed && s.status[0] == EMX_ERR_MEMORY);
        }
        CHECK(files_in(folder) == n_files);
    }
    scanning_finish(&s);
}

int main(void)
{
    seed = test_seed();
    if (!make_folder("ranks"))
        return 1;
    for (int i = 0; i < N_SHARDS; i++) {
        char name[16];

        snprintf(name, sizeof(name), "%d.bin", i);
        write_tokens(name, i < 5 ? 300000 : 50000, i < 5 ? 60000 : 3000);
    }
    make_vectors();
    RUN(rows_before_an_edge_go_to_who_has_the_block);
    RUN(rows_go_to_the_rank_of_their_key);
    RUN(ranks_do_not_show);
    RUN(a_failed_rank_fails_all);
    RUN(broken_shards_are_skipped_together);
    RUN(stopped_ranks_go_on);
    RUN(ranks_with_other_settings_are_refused);
    RUN(failing_memory_is_an_error_of_all);
    emx_embeddings_close(&matrix);
    remove_folder();
    return test_summary();
}
