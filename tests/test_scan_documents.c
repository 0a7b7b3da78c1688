/*
 * test_scan_documents.c - documents summed up while they are counted, against the second pass over the same shards:
 * equal state files, for any format, cut into any blocks and frames, by any number of threads
 */
#include "shard_files.h"
#include "test.h"

#include <emx/scan.h>
#include <emx/vne_set.h>

#include <sys/stat.h>
#include <unistd.h>

enum { VOCABULARY = 60000, DIMENSION = 6, EOD = 59999, N = 250000, MOST_SHARDS = 4 };

static uint64_t seed;
static uint32_t tokens[N];
static struct emx_embeddings *vectors;

/* Some tokens have no vector, some a vector of zeros. */
static void make_vectors(void)
{
    static float rows[VOCABULARY][DIMENSION];

    for (size_t i = 0; i < VOCABULARY; i++) {
        for (size_t k = 0; k < DIMENSION && i % 50; k++)
            rows[i][k] = (float)((double)(test_random(&seed) % 2048) - 900) / 64;
    }
    CHECK(emx_embeddings_from_rows(rows[0], VOCABULARY, DIMENSION, &vectors, NULL) == EMX_OK);
}

/* Of all lengths: many short, some empty but for EOD, some longer than a block of the scan. */
static size_t random_length(void)
{
    uint64_t r = test_random(&seed);

    return r % 50 == 0 ? r / 50 % 100000 : r % 10 == 0 ? 0 : r / 50 % 2000;
}

static void make_tokens(uint32_t vocabulary)
{
    for (size_t i = 0, left = random_length(); i < N; i++, left--) {
        tokens[i] = left ? random_token(&seed, vocabulary) : EOD;
        if (!left)
            left = random_length() + 1;
    }
}

/* --- one pass and two --------------------------------------------------------------------------------------- */

struct corpus {
    const char *names[MOST_SHARDS]; /* [n_shards] */
    size_t n_shards;
    const char *format, *dtype, *column;
    struct emx_domain_settings settings;
};

static enum emx_status scan_with(const struct corpus *c, const struct emx_scan_options *o, const char *output,
                                 struct emx_error *err)
{
    const char *shards[MOST_SHARDS];
    struct emx_scan_domain d = {"d", shards, c->n_shards, c->format, c->dtype, c->column, c->settings};

    for (size_t i = 0; i < c->n_shards; i++)
        shards[i] = path_of(c->names[i]);
    return emx_scan(&d, 1, o, path_of(output), NULL, err);
}

static enum emx_status scan(const struct corpus *c, unsigned n_threads, const struct emx_scan_vectors *v,
                            const char *output, struct emx_error *err)
{
    struct emx_scan_options o = {.n_threads = n_threads, .memory_bytes = 32 << 20, .vectors = v};

    return scan_with(c, &o, output, err);
}

/* The state of two passes in two.emx. */
static void make_twin(const struct corpus *c, const struct emx_scan_vectors *v)
{
    struct emx_vne_options o = {.n_documents = v->n_documents,
                                .seed = v->seed,
                                .precise = v->precise,
                                .n_threads = 2,
                                .column = c->column,
                                .source = v->source};
    struct emx_error err = {.message = ""};
    struct emx_vne_set *set = NULL;
    struct emx_state *s = NULL;

    CHECK(scan(c, 2, NULL, "plain.emx", &err) == EMX_OK);
    CHECK(emx_state_open(path_of("plain.emx"), &s, &err) == EMX_OK);
    CHECK(s && emx_vne_measure(s, v->embeddings, &o, &set, &err) == EMX_OK);
    CHECK(set && emx_vne_set_write(set, s, path_of("two.emx"), &err) == EMX_OK);
    CHECK_STR(err.message, "");
    emx_vne_set_destroy(&set);
    emx_state_close(&s);
}

/* By `most` threads, two and one, or by `most` alone; every other corpus precisely. */
static void check_corpus(const struct corpus *c, uint64_t n_documents, unsigned most)
{
    static unsigned n_checked;
    struct emx_scan_vectors v = {.embeddings = vectors,
                                 .source = "made",
                                 .n_documents = n_documents,
                                 .seed = n_documents,
                                 .precise = n_checked++ % 2};
    unsigned least = (unsigned)test_few(1, (int)most);

    make_twin(c, &v);
    for (unsigned n_threads = most; n_threads >= least; n_threads = n_threads > 2 ? 2 : n_threads - 1) {
        struct emx_error err = {.message = ""};

        CHECK(scan(c, n_threads, &v, "one.emx", &err) == EMX_OK);
        CHECK_STR(err.message, "");
        CHECK(same_files("one.emx", "two.emx"));
    }
}

/* --- formats ------------------------------------------------------------------------------------------------- */

static void every_format_gives_the_documents_of_the_second_pass(void)
{
    enum { N_DOCUMENTS = 300, EOD_HERE = 7 };
    static uint64_t ends[N_DOCUMENTS];
    struct documents d = {tokens, 0, ends, N_DOCUMENTS};

    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        for (size_t k = test_random(&seed) % 60 + 1; k > 0; k--)
            tokens[d.n++] = 10 + random_token(&seed, 400);
        tokens[d.n++] = EOD_HERE;
        ends[i] = d.n;
    }
    for (unsigned i = 0; i < 2 * N_SHARD_KINDS; i += (unsigned)test_few(1, 2)) {
        struct made_shard m = {0};
        struct corpus c = {.n_shards = 1, .settings.eod = i % 2 ? EMX_NO_TOKEN : EOD_HERE};

        make_shard(&m, i / 2, &d);
        write_shard(&m);
        c.names[0] = m.shard.path;
        c.format = m.options.format;
        c.dtype = m.options.type.dtype != DTYPE_NONE ? token_type_name(m.options.type) : NULL;
        c.column = m.options.column;
        check_corpus(&c, i % 3 ? 0 : 40, 1);
        remove_shard(&m);
        made_shard_finish(&m);
    }
}

/* --- blocks and frames ------------------------------------------------------------------------------------------ */

/* The tokens as bytes, in frames of these sizes, over and over. */
static void write_frames(const char *name, const void *data, size_t len, const size_t *sizes, size_t n_sizes)
{
    struct bytes b = {0};

    for (size_t at = 0, i = 0, n; at < len; at += n, i++) {
        n = len - at < sizes[i % n_sizes] ? len - at : sizes[i % n_sizes];
        put_zstd(&b, (const char *)data + at, n, (struct frame_options){.level = 1});
    }
    write_bytes(name, b.data, b.len);
    bytes_free(&b);
}

static void write_cut(const void *data, size_t size)
{
    static const size_t one[] = {4 * N}, odd[] = {1, 300001, 2, 70003, 1, 1, 5, 131072}, small[] = {4099};

    write_bytes("plain.bin", data, size * N);
    write_frames("one.zst", data, size * N, one, 1);
    write_frames("odd.zst", data, size * N, odd, sizeof(odd) / sizeof(odd[0]));
    write_frames("small.zst", data, size * N, small, 1);
}

static void blocks_and_frames_do_not_show(void)
{
    static const char *const names[] = {"plain.bin", "one.zst", "odd.zst", "small.zst"};
    static uint16_t narrow[N];

    make_tokens(VOCABULARY - 1);
    for (size_t i = 0; i < N; i++)
        narrow[i] = (uint16_t)tokens[i];
    for (unsigned i = 0; i < 16; i += (unsigned)test_few(1, 2)) {
        struct corpus c = {.names = {names[i % 4]}, .n_shards = 1, .format = "raw", .dtype = i < 8 ? "u16" : "u32"};

        if (i % 8 == 0)
            write_cut(i < 8 ? (const void *)narrow : tokens, i < 8 ? 2 : 4);
        c.settings = (struct emx_domain_settings){.eod = EOD, .eod_first = i / 4 % 2};
        check_corpus(&c, i % 3 ? 0 : 30, 8);
    }
}

/* Documents of a size that fills batches of a decoded format, so that ends stand at their edges. */
static void edges_of_batches_do_not_show(void)
{
    enum { LENGTH = 1024, N_DOCUMENTS = N / LENGTH };
    static uint64_t ends[N_DOCUMENTS];
    struct documents d = {tokens, N_DOCUMENTS * LENGTH, ends, N_DOCUMENTS};
    struct made_shard m = {0};
    struct corpus c = {{"x.jsonl"}, 1, "jsonl", NULL, NULL, {.eod = EMX_NO_TOKEN}};

    for (size_t i = 0; i < d.n; i++)
        tokens[i] = random_token(&seed, VOCABULARY);
    for (size_t i = 0; i < N_DOCUMENTS; i++)
        ends[i] = (i + 1) * LENGTH;
    make_json(&m, &d, (enum json_dialect)0);
    write_bytes("x.jsonl", m.shard.bytes.data, m.shard.bytes.len);
    check_corpus(&c, 0, 8);
    check_corpus(&c, 20, 8);
    made_shard_finish(&m);
}

/* --- settings ------------------------------------------------------------------------------------------------------
 */

static void write_three(void)
{
    static const size_t cuts[] = {0, 50000, 150001, N};
    static const char *const names[] = {"0.bin", "1.bin", "2.bin"};

    make_tokens(200);
    for (size_t i = 0; i < 3; i++)
        write_bytes(names[i], tokens + cuts[i], 4 * (cuts[i + 1] - cuts[i]));
}

static void settings_of_pairs_and_samples_do_not_matter(void)
{
    static const struct emx_domain_settings settings[] = {
        {.eod = EOD, .pairs = EMX_PAIRS_STREAM}, {.eod = EOD, .pairs = EMX_PAIRS_WINDOW, .window = 1000},
        {.eod = EOD, .sample_tokens = 30000},    {.eod = EOD, .sample_tokens = 140000, .eod_first = true},
        {.eod = EOD, .vocabulary = VOCABULARY},  {.eod = EMX_NO_TOKEN},
    };
    static const uint64_t n_documents[] = {0, 1, 20, 1000000};

    write_three();
    for (size_t i = 0; i < 2 * sizeof(settings) / sizeof(settings[0]); i += (size_t)test_few(1, 2)) {
        struct corpus c = {{"0.bin", "1.bin", "2.bin"}, 3, "raw", "u32", NULL, settings[i / 2]};

        check_corpus(&c, n_documents[i % 4], 8);
    }
}

static void the_end_of_a_document_needs_no_vector(void)
{
    static float rows[200][DIMENSION];
    struct corpus c = {{"0.bin", "1.bin", "2.bin"}, 3, "raw", "u32", NULL, {.eod = EOD}};
    struct emx_embeddings *of_all = vectors;

    for (size_t i = 0; i < 200; i++)
        rows[i][i % DIMENSION] = 1;
    vectors = NULL;
    CHECK(emx_embeddings_from_rows(rows[0], 200, DIMENSION, &vectors, NULL) == EMX_OK);
    check_corpus(&c, 0, 2);
    emx_embeddings_close(&vectors);
    vectors = of_all;
}

static void a_full_memory_does_not_matter(void)
{
    struct corpus c = {{"0.bin"}, 1, "raw", "u32", NULL, {.eod = EOD}};
    struct emx_scan_vectors v = {.embeddings = vectors, .source = "made"};
    const char *shard = path_of("0.bin");
    struct emx_scan_domain d = {"d", &shard, 1, "raw", "u32", NULL, c.settings};
    struct emx_scan_options o = {.n_threads = 8, .memory_bytes = 19 << 20, .vectors = &v};
    struct bytes b = {0};

    for (size_t n = 0; n < 8; n++) { /* pairs that hardly come twice take 12 bytes and more */
        for (size_t i = 0; i < N; i++)
            tokens[i] = i % 5000 ? (uint32_t)(test_random(&seed) % (VOCABULARY - 1)) : EOD;
        put(&b, tokens, sizeof(tokens));
    }
    write_bytes("0.bin", b.data, b.len);
    bytes_free(&b);
    make_twin(&c, &v);
    CHECK(emx_scan(&d, 1, &o, path_of("one.emx"), NULL, NULL) == EMX_OK);
    CHECK(same_files("one.emx", "two.emx"));
}

/* --- checkpoints ------------------------------------------------------------------------------------------------ */

static bool stop_after(const struct emx_scan_progress *p, void *context)
{
    (void)p;
    return (*(int *)context)-- > 0;
}

/* Stopped again and again, each time a little later, by other numbers of threads; returns how often. */
static int check_resumed(const struct corpus *c, enum emx_on_error on_error, uint64_t n_documents)
{
    struct emx_scan_vectors v = {.embeddings = vectors, .source = "made", .n_documents = n_documents, .seed = 1};
    struct emx_scan_options o = {
        .n_threads = 2, .memory_bytes = 32 << 20, .vectors = &v, .on_error = on_error, .checkpoint_seconds = 2e-4};
    struct emx_error err = {.message = ""};
    enum emx_status status = scan_with(c, &o, "two.emx", &err);
    int n_stops = 0;

    CHECK_STR(err.message, "");
    o.checkpoint = path_of("ck");
    o.resume = true;
    o.progress = stop_after;
    for (int k = 2; status == EMX_OK || status == EMX_ERR_STOPPED; k += test_few(1, 5) + k / test_few(8, 2)) {
        int left = k;

        o.n_threads = 1 + (unsigned)k % 4;
        o.context = &left;
        status = scan_with(c, &o, "one.emx", &err);
        if (status == EMX_OK)
            break;
        n_stops++;
    }
    CHECK(status == EMX_OK);
    if (status)
        puts(err.message);
    CHECK(same_files("one.emx", "two.emx"));
    CHECK(rmdir(o.checkpoint) == 0); /* nothing is left in it */
    return n_stops;
}

static void checkpoints_do_not_show(void)
{
    struct corpus c = {{"plain.bin", "broken.zst", "odd.zst", "small.zst"}, 4, "raw", "u32", NULL, {.eod = EOD}};
    unsigned char *bytes;
    size_t n = 0;
    int n_stops = 0;

    make_tokens(2000);
    write_cut(tokens, 4);
    bytes = read_whole(path_of("odd.zst"), &n);
    bytes[n - 4000] ^= 1;
    write_bytes("broken.zst", bytes, n);
    free(bytes);
    for (unsigned i = 0; i < 4; i += (unsigned)test_few(1, 3)) {
        enum emx_on_error on_error = i < 2 ? EMX_ON_ERROR_SKIP_SHARD : EMX_ON_ERROR_FAIL;

        c.names[1] = i < 2 ? "broken.zst" : "one.zst";
        c.settings.eod_first = i % 2;
        n_stops += check_resumed(&c, on_error, i % 2 ? 30 : 0);
    }
    c = (struct corpus){{"x.jsonl"}, 1, "jsonl", NULL, NULL, {.eod = EMX_NO_TOKEN}}; /* of edges_of_batches_... */
    n_stops += check_resumed(&c, EMX_ON_ERROR_SKIP_SHARD, 0);
    n_stops += check_resumed(&c, EMX_ON_ERROR_FAIL, 20);
    CHECK(n_stops > test_few(20, 5));
}

/* --- what is refused
 * -------------------------------------------------------------------------------------------------- */

static void check_fails(const struct corpus *c, const struct emx_scan_vectors *v, enum emx_status status,
                        const char *says)
{
    struct emx_error err = {.message = ""};

    remove(path_of("one.emx"));
    CHECK(scan(c, 2, v, "one.emx", &err) == status);
    CHECK(strstr(err.message, says));
    if (!strstr(err.message, says))
        puts(err.message);
    CHECK(access(path_of("one.emx"), F_OK) != 0);
}

static void what_has_no_vector_is_refused(void)
{
    static float rows[20][EMX_MAX_DIMENSION] = {{1}};
    struct corpus c = {{"0.bin", "1.bin", "2.bin"}, 3, "raw", "u32", NULL, {.eod = EOD}};
    struct emx_embeddings *few = NULL, *wide = NULL;
    struct emx_scan_vectors v = {.source = "few.npy"};

    write_three();
    if (emx_embeddings_from_rows(rows[0], 20, 2, &few, NULL) != EMX_OK ||
        emx_embeddings_from_rows(rows[0], 20, EMX_MAX_DIMENSION, &wide, NULL) != EMX_OK)
        abort();
    v.embeddings = few;
    check_fails(&c, &v, EMX_ERR_RANGE, " has no vector: few.npy has 20");
    c.settings.vocabulary = VOCABULARY;
    check_fails(&c, &v, EMX_ERR_RANGE, "few.npy: has vectors for 20 tokens, but the vocabulary of domain 'd' is 60000");
    v.embeddings = wide;
    check_fails(&c, &v, EMX_ERR_ARG, "more than half of the memory limit of 32 MiB: raise --memory");
    emx_embeddings_close(&few);
    emx_embeddings_close(&wide);
}

/* A domain with one document has the entropy 0, one without direction none: both are kept. */
static void one_document_and_none_are_kept(void)
{
    static const uint32_t one[] = {3, 4, 5, EOD}, none[] = {50, 100, EOD, EOD};
    struct corpus c = {{"0.bin"}, 1, "raw", "u32", NULL, {.eod = EOD}};

    for (size_t i = 0; i < 2; i++) {
        struct emx_vne_set *set = NULL;
        struct emx_state *s = NULL;

        write_bytes("0.bin", i ? none : one, sizeof(one));
        check_corpus(&c, 0, 2);
        CHECK(emx_state_open(path_of("one.emx"), &s, NULL) == EMX_OK && emx_vne_set_read(s, 1, &set, NULL) == EMX_OK);
        CHECK(set->n_domains == 1 && set->domains[0].n_documents == 1 - i && set->domains[0].n_left_out == 2 * i);
        CHECK(fabs(set->domains[0].vne.entropy) < 1e-12);
        emx_vne_set_destroy(&set);
        emx_state_close(&s);
    }
}

int main(void)
{
    seed = test_seed();
    if (!make_folder("documents") || mkdir(path_of("m"), 0700) != 0) /* where shards of MDS go */
        return 1;
    make_vectors();
    RUN(every_format_gives_the_documents_of_the_second_pass);
    RUN(blocks_and_frames_do_not_show);
    RUN(edges_of_batches_do_not_show);
    RUN(settings_of_pairs_and_samples_do_not_matter);
    RUN(the_end_of_a_document_needs_no_vector);
    RUN(a_full_memory_does_not_matter);
    RUN(checkpoints_do_not_show);
    RUN(what_has_no_vector_is_refused);
    RUN(one_document_and_none_are_kept);
    emx_embeddings_close(&vectors);
    remove_folder();
    return test_summary();
}
