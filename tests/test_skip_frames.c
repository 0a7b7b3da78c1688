/*
 * Broken zstd frames: a scan that leaves them out counts what a plain count of the other tokens gives, whatever the
 * format, the frames, the pairs and the number of threads; and where that is not sure, it leaves out the shard.
 */
#include "own_folder.h"
#include "shard_makers.h"
#include "state/covariance.h"
#include "vne/density.h"

#include <emx/emx.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N_TOKENS = 150000, VOCABULARY = 200, EOD = 9 };
enum { FORMAT_BYTES = 65536 }; /* the format is recognised by them */

static uint64_t seed;

/* --- what is counted ------------------------------------------------------------------------------------- */

struct counts {
    uint64_t pairs[VOCABULARY][VOCABULARY], tails[VOCABULARY];
    uint64_t n_tokens, n_documents;
};

enum { DIMENSION = 5 };
static float vectors[VOCABULARY][DIMENSION]; /* of integers, so that they are not rounded */

static void read_counts(const char *name, struct counts *ret)
{
    struct emx_state *s;
    struct emx_pair_cursor *c;
    struct emx_pair_count row;
    bool more = true;

    memset(ret, 0, sizeof(*ret));
    CHECK(emx_state_open(path_of(name), &s, NULL) == EMX_OK && emx_state_verify(s, NULL) == EMX_OK);
    CHECK(emx_pair_cursor_create(s, 0, &c, NULL) == EMX_OK);
    while (emx_pair_cursor_next(c, &row, &more, NULL) == EMX_OK && more)
        ret->pairs[row.first][row.second] = row.count;
    emx_pair_cursor_destroy(&c);
    CHECK(emx_tail_cursor_create(s, 0, &c, NULL) == EMX_OK);
    more = true;
    while (emx_pair_cursor_next(c, &row, &more, NULL) == EMX_OK && more)
        ret->tails[row.first] = row.count;
    emx_pair_cursor_destroy(&c);
    ret->n_tokens = emx_state_domain(s, 0)->n_tokens;
    ret->n_documents = emx_state_domain(s, 0)->n_documents;
    emx_state_close(&s);
}

/* A shard as it was made, and which of its tokens are lost. */
struct shard_of_test {
    uint32_t tokens[N_TOKENS];
    uint64_t ends[N_TOKENS];
    struct documents d;
    bool has_index, lost[N_TOKENS];
    struct emx_domain_settings settings;
};

/* Does a document end before token i, of which its neighbours are at hand? */
static bool is_break(const struct shard_of_test *x, size_t i, bool index_end)
{
    const struct emx_domain_settings *s = &x->settings;

    if (s->pairs == EMX_PAIRS_WINDOW)
        return i % s->window == 0;
    return s->pairs == EMX_PAIRS_WITHIN_DOCUMENT &&
           (index_end || (s->eod != EMX_NO_TOKEN && x->tokens[s->eod_first ? i : i - 1] == s->eod));
}

/* The naive twin: token by token. */
static void count_plainly(const struct shard_of_test *x, struct counts *ret)
{
    const struct emx_domain_settings *s = &x->settings;
    size_t end = 0, last = SIZE_MAX;
    bool index_end = false, eod_between;

    memset(ret, 0, sizeof(*ret));
    for (size_t i = 0; i <= N_TOKENS; i++) {
        bool over = i == N_TOKENS, gap = i && last != i - 1;

        index_end = index_end || (x->has_index && end < x->d.n_ends && x->d.ends[end] == i);
        while (end < x->d.n_ends && x->d.ends[end] <= i)
            end++;
        if (!over && x->lost[i])
            continue;
        if (last != SIZE_MAX) {
            eod_between = s->eod != EMX_NO_TOKEN && !s->eod_first && x->tokens[last] == s->eod;
            if (s->eod != EMX_NO_TOKEN && s->eod_first && !over)
                eod_between = x->tokens[i] == s->eod;
            /* llm.c: a document may go on in the next shard */
            ret->n_documents += over ? !s->eod_first : gap || index_end || eod_between;
            if (over || gap || is_break(x, i, index_end))
                ret->tails[x->tokens[last]]++;
            else
                ret->pairs[x->tokens[last]][x->tokens[i]]++;
        }
        index_end = false;
        ret->n_tokens += !over;
        last = i;
    }
}

/* --- documents ---------------------------------------------------------------------------------------------- */

static void make_vectors(struct emx_embeddings **ret)
{
    for (size_t i = 0; i < VOCABULARY; i++) {
        for (size_t k = 0; k < DIMENSION; k++)
            vectors[i][k] = (float)(test_random(&seed) % 2001) - 800;
    }
    CHECK(emx_embeddings_from_rows(vectors[0], VOCABULARY, DIMENSION, ret, NULL) == EMX_OK);
}

struct plain_documents {
    struct emx_density *density;
    uint64_t n_tokens, n;
    double sum[DIMENSION];
};

/* The next token, none of which is EOD. */
static void add_token(struct plain_documents *p, uint32_t token)
{
    for (size_t k = 0; k < DIMENSION; k++)
        p->sum[k] += (double)vectors[token][k];
    p->n++;
}

/* What was added is a document, or none. */
static void end_plainly(struct plain_documents *p, bool is_document)
{
    if (is_document)
        CHECK(emx_density_add(p->density, p->sum) == EMX_OK);
    p->n_tokens += is_document ? p->n : 0;
    memset(p->sum, 0, sizeof(p->sum));
    p->n = 0;
}

/* Token by token, of the documents that count_plainly() counts. */
static void sum_up_plainly(const struct shard_of_test *x, struct plain_documents *p)
{
    const struct emx_domain_settings *s = &x->settings;
    size_t end = 0, last = SIZE_MAX;
    bool index_end = false, is_first_of_shard = false;

    for (size_t i = 0; i <= N_TOKENS; i++) {
        bool over = i == N_TOKENS, is_eod = !over && s->eod != EMX_NO_TOKEN && x->tokens[i] == s->eod;

        index_end = index_end || (x->has_index && end < x->d.n_ends && x->d.ends[end] == i);
        while (end < x->d.n_ends && x->d.ends[end] <= i)
            end++;
        if (!over && x->lost[i])
            continue;
        if (last == SIZE_MAX)
            is_first_of_shard = s->eod_first && !is_eod;
        else if (over || last != i - 1 || index_end || (s->eod_first && is_eod) ||
                 (s->eod != EMX_NO_TOKEN && !s->eod_first && x->tokens[last] == s->eod)) {
            end_plainly(p, !is_first_of_shard);
            is_first_of_shard = false;
        }
        index_end = false;
        if (!over && !is_eod)
            add_token(p, x->tokens[i]);
        last = i;
    }
}

static void check_documents(const struct shard_of_test *x, const char *name)
{
    struct plain_documents p = {0};
    struct emx_state *s = NULL;
    const struct emx_covariance *head;
    wide *sums = NULL;

    CHECK(emx_state_open(path_of(name), &s, NULL) == EMX_OK && covariance_load(s, 0, &sums, NULL) == EMX_OK);
    head = emx_state_domain(s, 0)->covariance;
    CHECK(emx_density_create(DIMENSION, head->precise, &p.density, NULL) == EMX_OK);
    sum_up_plainly(x, &p);
    CHECK(head->n_documents == emx_density_n_documents(p.density));
    CHECK(head->n_left_out == emx_density_n_left_out(p.density) && head->n_tokens == p.n_tokens);
    CHECK(memcmp(sums, density_sums(p.density), covariance_n_sums(DIMENSION) * sizeof(*sums)) == 0);
    free(sums);
    emx_state_close(&s);
    emx_density_destroy(&p.density);
}

/* --- frames ------------------------------------------------------------------------------------------------ */

static bool decodes(const unsigned char *frame, size_t len)
{
    static unsigned char content[1 << 20];

    return !ZSTD_isError(ZSTD_decompress(content, sizeof(content), frame, len));
}

/* Frame by frame; breaks some of them, the last among them. */
static size_t store(struct bytes *to, const struct bytes *content, size_t size, struct shard_of_test *x)
{
    size_t width = (content->len / N_TOKENS), header = content->len - N_TOKENS * width, n_broken = 0;

    memset(x->lost, 0, sizeof(x->lost));
    for (size_t at = 0; at < content->len; at += size) {
        size_t n = content->len - at < size ? content->len - at : size, begin = to->len;
        bool breaks = at >= FORMAT_BYTES && (test_random(&seed) % 5 == 0 || at + n == content->len);

        put_zstd(to, content->data + at, n, (struct frame_options){.level = 3, .checksum = true});
        if (!breaks)
            continue;
        n_broken++;
        if (test_random(&seed) % 2)
            to->data[to->len - 2] ^= 1;
        else
            to->data[begin + (to->len - begin) / 2] ^= 1;
        if (decodes(to->data + begin, to->len - begin)) /* the bit had no meaning */
            to->data[to->len - 2] ^= 1;
        for (size_t k = (at - header) / width; k < (at + n - header + width - 1) / width; k++)
            x->lost[k] = true;
    }
    return n_broken;
}

struct job {
    const char *shards[2];
    size_t n_shards;
    const char *dtype, *format, *checkpoint;
    struct emx_domain_settings settings;
    unsigned n_threads;
    uint64_t max_bad;
    const struct emx_scan_vectors *vectors;
};

static enum emx_status run(const struct job *j, const char *output, struct emx_error *err)
{
    struct emx_scan_domain d = {.name = "d",
                                .shards = j->shards,
                                .n_shards = j->n_shards,
                                .dtype = j->dtype,
                                .format = j->format,
                                .settings = j->settings};
    struct emx_scan_options options = {.n_threads = j->n_threads,
                                       .memory_bytes = 64 << 20,
                                       .on_error = EMX_ON_ERROR_SKIP_FRAME,
                                       .max_bad = j->max_bad,
                                       .checkpoint = j->checkpoint,
                                       .vectors = j->vectors,
                                       .tmpdir = folder};

    err->message[0] = 0;
    return emx_scan(&d, 1, &options, path_of(output), NULL, err);
}

static size_t n_skipped(const char *name, enum emx_skipped_what what)
{
    struct emx_state *s;
    size_t n = 0;

    CHECK(emx_state_open(path_of(name), &s, NULL) == EMX_OK);
    for (size_t i = 0; i < emx_state_n_skipped(s); i++) {
        n += emx_state_skipped(s, i)->what == what;
    }
    CHECK(n == emx_state_n_skipped(s));
    emx_state_close(&s);
    return n;
}

static void check_threads(struct job j, const struct shard_of_test *x, size_t n_broken)
{
    static struct counts expected, counted;
    struct emx_error err;

    j.n_threads = 1;
    CHECK(run(&j, "1.emx", &err) == EMX_OK);
    CHECK_STR(err.message, "");
    CHECK(n_skipped("1.emx", EMX_SKIPPED_FRAME) == n_broken);
    read_counts("1.emx", &counted);
    count_plainly(x, &expected);
    CHECK(memcmp(&expected, &counted, sizeof(expected)) == 0);
    if (j.vectors && !j.vectors->n_documents)
        check_documents(x, "1.emx");
    for (j.n_threads = 2; j.n_threads <= 4; j.n_threads *= 2) {
        CHECK(run(&j, "n.emx", &err) == EMX_OK);
        CHECK(same_files("1.emx", "n.emx"));
    }
}

static void make_documents(struct shard_of_test *x)
{
    x->d = (struct documents){.tokens = x->tokens, .n = N_TOKENS, .ends = x->ends};
    for (size_t i = 0; i < N_TOKENS; i++) {
        x->tokens[i] = (uint32_t)(test_random(&seed) % VOCABULARY);
        if (test_random(&seed) % 100 == 0 || i + 1 == N_TOKENS)
            x->ends[x->d.n_ends++] = i + 1;
    }
}

static const struct emx_domain_settings modes[] = {
    {.pairs = EMX_PAIRS_WITHIN_DOCUMENT, .eod = EOD, .vocabulary = VOCABULARY},
    {.pairs = EMX_PAIRS_STREAM, .eod = EMX_NO_TOKEN, .vocabulary = VOCABULARY},
    {.pairs = EMX_PAIRS_WINDOW, .window = 700, .eod = EOD},
    {.pairs = EMX_PAIRS_WITHIN_DOCUMENT, .eod = EOD, .eod_first = true, .vocabulary = VOCABULARY},
};

static struct shard_of_test x;

/* With all documents summed up, a sample of them, or none. */
static void frames_are_left_out_of_any_flat_format(void)
{
    struct emx_embeddings *e = NULL;
    struct emx_scan_vectors all = {.source = "made"}, sample = {.source = "made", .n_documents = 100};
    static const struct {
        unsigned kind;
        const char *dtype;
        bool has_index, eod_first;
    } kinds[] = {{11, "u16", false, false}, {15, "u64be", false, false}, {19, NULL, false, false},
                 {9, NULL, false, true},    {0, NULL, true, false},      {7, NULL, true, false}};
    static const size_t sizes[] = {999, 70001, 100000};

    make_vectors(&e);
    all.embeddings = sample.embeddings = e;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
        struct made_shard made;

        all.precise = sample.precise = k % 2;
        make_documents(&x);
        make_shard(&made, kinds[k].kind, &x.d);
        if (made.side.path)
            write_bytes(made.side.path, made.side.bytes.data, made.side.bytes.len);
        x.has_index = kinds[k].has_index;
        for (size_t i = 0; i < 9; i += (size_t)test_few(1, 4)) { /* few: all sizes and all settings */
            struct bytes b = {0};
            size_t n_broken = store(&b, &made.shard.bytes, sizes[i / 3], &x);
            struct job j = {.shards = {path_of(made.shard.path)},
                            .n_shards = 1,
                            .format = made.format,
                            .dtype = kinds[k].dtype,
                            .vectors = (k + i) % 4 == 0   ? NULL
                                       : (k + i) % 4 == 1 ? &sample
                                                          : &all,
                            .settings = modes[i % 3 == 0 && kinds[k].eod_first ? 3 : i % 3]};

            x.settings = j.settings;
            x.settings.eod_first = kinds[k].eod_first && j.settings.eod != EMX_NO_TOKEN;
            write_bytes(made.shard.path, b.data, b.len);
            check_threads(j, &x, n_broken);
            bytes_free(&b);
        }
        made_shard_finish(&made);
    }
    emx_embeddings_close(&e);
}

/* --- shards that are left out all the same ------------------------------------------------------------------- */

static bool same_documents(const char *a, const char *b)
{
    const char *const names[] = {a, b};
    wide *sums[2] = {NULL, NULL};
    uint64_t n[2] = {0, 0};
    bool same;

    for (size_t i = 0; i < 2; i++) {
        struct emx_state *s = NULL;

        CHECK(emx_state_open(path_of(names[i]), &s, NULL) == EMX_OK && covariance_load(s, 0, &sums[i], NULL) == EMX_OK);
        n[i] = emx_state_domain(s, 0)->covariance->n_documents;
        emx_state_close(&s);
    }
    same = n[0] == n[1] && memcmp(sums[0], sums[1], covariance_n_sums(DIMENSION) * sizeof(**sums)) == 0;
    free(sums[0]);
    free(sums[1]);
    return same;
}

/* A raw shard of 20 frames, damaged; returns whether all of it was left out. */
static bool is_left_out(const struct bytes *b, size_t n_threads)
{
    static struct counts with, without;
    struct emx_embeddings *e = NULL;
    struct emx_scan_vectors v = {.source = "made", .n_documents = n_threads == 4 ? 3 : 0};
    struct emx_error err;
    struct job j = {.shards = {path_of("good"), path_of("bad")},
                    .n_shards = 2,
                    .dtype = "u16",
                    .settings = modes[n_threads % 3],
                    .n_threads = (unsigned)n_threads};

    make_vectors(&e);
    v.embeddings = e;
    j.vectors = &v;
    j.settings.vocabulary = VOCABULARY;
    write_bytes("good", "\1\0\1\0\2\0\1", 8);
    write_bytes("bad", b->data, b->len);
    CHECK(run(&j, "with.emx", &err) == EMX_OK);
    CHECK_STR(err.message, "");
    read_counts("with.emx", &with);
    j.n_shards = 1;
    CHECK(run(&j, "without.emx", &err) == EMX_OK);
    read_counts("without.emx", &without);
    emx_embeddings_close(&e);
    if (memcmp(&with, &without, sizeof(with)) != 0)
        return false;
    CHECK(same_documents("with.emx", "without.emx"));
    CHECK(n_skipped("with.emx", EMX_SKIPPED_SHARD) == 1);
    return true;
}

enum damage { CHECKSUM, BODY, STATED_SIZE, MAGIC, TWO_AND_A_TOKEN, TWO_AND_THE_END };

static bool damaged_is_left_out(enum damage what, bool equal_frames)
{
    struct bytes content = {0}, b = {0};
    size_t at = 0;
    bool result = false;

    for (size_t i = 0; i < N_TOKENS; i++)
        put_int(&content, what == TWO_AND_A_TOKEN && i == N_TOKENS - 5 ? VOCABULARY : test_random(&seed) % VOCABULARY,
                2);
    for (size_t i = 0; i < 20; i++) {
        size_t begin = b.len, size = equal_frames || i < 3 ? 12001 : 12001 - 300 * i;

        put_zstd(&b, content.data + at, size, (struct frame_options){.level = 3, .checksum = true});
        at += size;
        if (what == BODY && i == 7)
            memset(b.data + begin + 13, 0xff, 40); /* so that decoding ends early */
        if ((what == CHECKSUM && i == 7) || (what >= TWO_AND_A_TOKEN && (i == 7 || i == 3)))
            b.data[b.len - 1] ^= 4;
        if (what == STATED_SIZE && i == 7)
            b.data[begin + 5] ^= 4;
        if (what == MAGIC && i == 7)
            b.data[begin] ^= 4;
    }
    put_zstd(&b, content.data + at, content.len - at, (struct frame_options){.level = 3, .checksum = true});
    if (what == TWO_AND_THE_END)
        b.len -= 3;
    for (size_t n_threads = 1; n_threads <= 4; n_threads++)
        result = is_left_out(&b, n_threads);
    bytes_free(&content);
    bytes_free(&b);
    return result;
}

static void what_is_doubtful_leaves_out_the_shard(void)
{
    CHECK(!damaged_is_left_out(CHECKSUM, true) && !damaged_is_left_out(CHECKSUM, false));
    CHECK(!damaged_is_left_out(BODY, true) && damaged_is_left_out(BODY, false));
    CHECK(damaged_is_left_out(STATED_SIZE, true) && damaged_is_left_out(STATED_SIZE, false));
    CHECK(damaged_is_left_out(MAGIC, true));
}

/* Blocks around gaps were counted by then. */
static void shards_with_gaps_are_taken_back(void)
{
    CHECK(damaged_is_left_out(TWO_AND_A_TOKEN, true) && damaged_is_left_out(TWO_AND_THE_END, true));
}

static void frames_count_to_the_limit(void)
{
    struct bytes content = {0}, b = {0};
    struct emx_error err;
    struct job j = {.shards = {path_of("bad")}, .n_shards = 1, .dtype = "u16", .settings = modes[0], .max_bad = 1};

    for (size_t i = 0; i < N_TOKENS; i++)
        put_int(&content, i % VOCABULARY, 2);
    for (size_t i = 0; i < 3; i++) {
        put_zstd(&b, content.data, 100000, (struct frame_options){.checksum = true});
        if (i)
            b.data[b.len - 1] ^= 1;
    }
    write_bytes("bad", b.data, b.len);
    CHECK(run(&j, "x.emx", &err) == EMX_ERR_FORMAT && strstr(err.message, "more than 1 broken"));
    j.max_bad = 2;
    CHECK(run(&j, "x.emx", &err) == EMX_OK && n_skipped("x.emx", EMX_SKIPPED_FRAME) == 2);
    j.checkpoint = folder;
    CHECK(run(&j, "x.emx", &err) == EMX_ERR_ARG && strstr(err.message, "checkpoints do not hold"));
    bytes_free(&content);
    bytes_free(&b);
}

int main(void)
{
    seed = test_seed();
    if (!make_folder_in_memory("skip-frames") || mkdir(path_of("m"), 0700) != 0)
        return 1;
    RUN(frames_are_left_out_of_any_flat_format);
    RUN(what_is_doubtful_leaves_out_the_shard);
    RUN(shards_with_gaps_are_taken_back);
    RUN(frames_count_to_the_limit);
    remove_folder();
    return test_summary();
}
