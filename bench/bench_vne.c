/*
 * bench_vne - what the von Neumann entropies of documents cost a token, beside what counting its pair costs
 *
 *     bench_vne [OPTION...] [FILE...]      FILE: headerless u16 tokens, 50256 ends documents, maybe compressed
 *
 *     --dimension N    of the vectors (300); they are random with a direction that all share
 *     --tokens N       the files, or Zipf tokens in documents of about 1000, repeated to so many (24000000)
 *     --rounds N       interleaved; figures are medians (5)
 *     --plain          the plain twin, too: all rows of a document, token by token
 *     --write FOLDER   tokens and vectors, as tokens.u16 and vectors.f32, for other programs; nothing is timed
 *     --spectrum       only the eigenvalues of a matrix of so many dimensions, once
 *
 * All in one thread, by processor time.  The twin's matrix must be the same, bit for bit.  Lines are TSV:
 *
 *     what        pairs: the table; vne: all of it; precise: all of it, precisely; count: tokens; sums: rows; matrix:
 *                 products of documents; plain
 *     seconds     in all
 *     ns          a token
 *     per_second  documents
 *     to_pairs    ns over that of pairs
 *     entropy     of all documents, in nats
 */
#include "race.h"
#include "vne/bags.h"
#include "vne/batch.h"

#include <getopt.h>

enum { VOCABULARY = 50257, EOD = VOCABULARY - 1, MOST_ROUNDS = 100 };

struct options {
    size_t dimension, n_tokens;
    unsigned n_rounds;
    bool plain, spectrum;
    const char *folder;
};

static struct options parse(int argc, char **argv)
{
    static const struct option names[] = {
        {"dimension", 1, NULL, 'd'}, {"tokens", 1, NULL, 'n'},   {"rounds", 1, NULL, 'r'}, {"plain", 0, NULL, 'p'},
        {"write", 1, NULL, 'w'},     {"spectrum", 0, NULL, 's'}, {NULL, 0, NULL, 0}};
    struct options o = {300, 24000000, 5, false, false, NULL};

    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (c == 'd')
            o.dimension = strtoul(optarg, NULL, 10);
        else if (c == 'n')
            o.n_tokens = strtoul(optarg, NULL, 10);
        else if (c == 'r')
            o.n_rounds = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == 'p')
            o.plain = true;
        else if (c == 's')
            o.spectrum = true;
        else if (c == 'w')
            o.folder = optarg;
        else
            exit(2);
    }
    if (o.n_rounds < 1 || o.n_rounds > MOST_ROUNDS || o.n_tokens < 1)
        die("bench_vne: 1 to %d rounds of at least one token", MOST_ROUNDS);
    return o;
}

/* --- input ------------------------------------------------------------------------------------------------ */

static struct tokens make_tokens(const struct options *o, const char *const *paths, size_t n_paths)
{
    struct tokens text, t;
    uint64_t seed = 2;

    if (n_paths == 0) {
        t = tokens_zipf(o->n_tokens, VOCABULARY, 1);
        for (size_t i = 0; i < t.n; i++) {
            if (test_random(&seed) % 1000 == 0)
                tokens_set(&t, i, EOD);
        }
        return t;
    }
    text = tokens_read(paths, n_paths, 2, VOCABULARY);
    if (text.n == 0)
        die("bench_vne: there are no tokens in the files");
    t = tokens_repeat(&text, o->n_tokens, VOCABULARY);
    tokens_finish(&text);
    return t;
}

static float *make_vectors(size_t dimension)
{
    float *x = must_allocate(VOCABULARY * dimension * sizeof(*x));
    uint64_t seed = 3;

    for (size_t i = 0; i < VOCABULARY * dimension; i++) {
        double sum = i % dimension ? 0 : 2;

        for (int k = 0; k < 12; k++) /* nearly normal */
            sum += (double)(test_random(&seed) >> 11) * 0x1p-53 - 0.5;
        x[i] = (float)sum;
    }
    return x;
}

static void write_file(const char *folder, const char *name, const void *bytes, size_t n)
{
    char path[4096];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
        die("bench_vne: %s cannot be written", path);
}

static void write_input(const struct options *o, const struct tokens *t, const float *vectors)
{
    write_file(o->folder, "tokens.u16", t->x, t->n * t->width);
    write_file(o->folder, "vectors.f32", vectors, VOCABULARY * o->dimension * sizeof(*vectors));
}

/* --- ways ------------------------------------------------------------------------------------------------- */

/* Of one precision. */
struct summing {
    struct token_rows *rows;
    struct bags *bags;
    struct bag_sums sums; /* of the last lap */
};

struct bench {
    const struct options *options;
    const struct tokens *tokens;
    struct summing fast, precise;
    struct bag_sums plain;
    uint64_t n_documents;
};

/* Documents end with EOD, which is not of them; what comes after the last is none. */
static const uint16_t *end_of_document(const struct tokens *t, const uint16_t *begin)
{
    const uint16_t *end = (const uint16_t *)t->x + t->n;

    while (begin < end && *begin != EOD)
        begin++;
    return begin < end ? begin : NULL;
}

static double time_pairs(struct bench *b)
{
    return race_once(&engine_private, b->tokens, 1).cpu_seconds;
}

static void reset(struct bag_sums *s)
{
    emx_density_reset(s->density);
    s->n_tokens = s->n_without_vector = 0;
}

static double time_summing(const struct bench *b, struct summing *s)
{
    double start = cpu_seconds();

    reset(&s->sums);
    for (const uint16_t *x = b->tokens->x, *end; (end = end_of_document(b->tokens, x)); x = end + 1) {
        if (bags_u16(s->bags, x, (size_t)(end - x)) != (size_t)(end - x) || bags_end(s->bags, NULL) != EMX_OK)
            die("bench_vne: a document cannot be added");
    }
    if (bags_flush(s->bags, NULL) != EMX_OK)
        die("bench_vne: documents cannot be added");
    return cpu_seconds() - start;
}

static double time_vne(struct bench *b)
{
    return time_summing(b, &b->fast);
}

static double time_precise(struct bench *b)
{
    return time_summing(b, &b->precise);
}

static double time_count(struct bench *b)
{
    double start = cpu_seconds();

    for (const uint16_t *x = b->tokens->x, *end; (end = end_of_document(b->tokens, x)); x = end + 1) {
        if (bags_u16(b->fast.bags, x, (size_t)(end - x)) != (size_t)(end - x))
            die("bench_vne: a document cannot be counted");
        bags_drop(b->fast.bags);
    }
    return cpu_seconds() - start;
}

/* As many products as there are documents. */
static double time_matrix(struct bench *b)
{
    size_t n = b->options->dimension;
    double *x = must_allocate(n * sizeof(*x)), start = cpu_seconds();
    uint64_t seed = 4;

    for (size_t i = 0; i < n; i++)
        x[i] = (double)(test_random(&seed) >> 40) - 0x1p23;
    start = cpu_seconds();
    reset(&b->plain);
    for (uint64_t i = 0; i < b->n_documents; i++) {
        x[i % n] = -x[i % n];
        if (emx_density_add(b->plain.density, x) != EMX_OK)
            die("bench_vne: a document cannot be added");
    }
    free(x);
    return cpu_seconds() - start;
}

static double time_plain(struct bench *b)
{
    const struct token_rows *r = b->fast.rows;
    double *x = must_allocate(r->dimension * sizeof(*x)), start = cpu_seconds();
    int64_t *sum = must_allocate(r->dimension * sizeof(*sum));

    reset(&b->plain);
    for (const uint16_t *t = b->tokens->x, *end; (end = end_of_document(b->tokens, t)); t = end + 1) {
        memset(sum, 0, r->dimension * sizeof(*sum));
        for (size_t first = 0; first < r->dimension; first += BLOCK_COLUMNS) {
            size_t width = token_rows_width(r, first);

            for (const uint16_t *p = t; p < end; p++) {
                const int16_t *row = token_rows_block(r, first, *p);

                for (size_t i = 0; i < width && first + i < r->dimension; i++)
                    sum[first + i] += row[row_place(i)];
            }
        }
        for (size_t i = 0; i < r->dimension; i++)
            x[i] = (double)sum[i] * r->scale[i];
        if (emx_density_add(b->plain.density, x) != EMX_OK)
            die("bench_vne: a document cannot be added");
    }
    free(sum);
    free(x);
    return cpu_seconds() - start;
}

static void check_same(struct bench *b)
{
    size_t n_bytes = b->options->dimension * b->options->dimension * sizeof(double);
    double *one = must_allocate(n_bytes), *other = must_allocate(n_bytes);

    if (emx_density_matrix(b->fast.sums.density, one) != EMX_OK ||
        emx_density_matrix(b->plain.density, other) != EMX_OK || memcmp(one, other, n_bytes) != 0)
        die("bench_vne: the twin has another matrix");
    free(one);
    free(other);
}

/* --- laps ------------------------------------------------------------------------------------------------- */

enum { PAIRS, VNE, PRECISE, COUNT, MATRIX, PLAIN, N_WAYS };

static const struct {
    const char *name;
    double (*time)(struct bench *b);
} ways[N_WAYS] = {{"pairs", time_pairs}, {"vne", time_vne},       {"precise", time_precise},
                  {"count", time_count}, {"matrix", time_matrix}, {"plain", time_plain}};

static double entropy(const struct bench *b, const struct summing *s)
{
    double *spectrum = must_allocate(b->options->dimension * sizeof(*spectrum));
    struct emx_error err;
    struct emx_vne vne;

    if (emx_density_spectrum(s->sums.density, spectrum, &err) != EMX_OK)
        die("bench_vne: %s", err.message);
    emx_vne_of(spectrum, b->options->dimension, &vne);
    free(spectrum);
    return vne.entropy;
}

static void print(struct bench *b, const char *what, double seconds, double pairs)
{
    printf("%s\t%zu\t%zu\t%" PRIu64 "\t%.3f\t%.3f\t%.0f\t%.3f\t%.9f\n", what, b->options->dimension, b->tokens->n,
           b->n_documents, seconds, seconds * 1e9 / (double)b->tokens->n, (double)b->n_documents / seconds,
           seconds / pairs, entropy(b, strcmp(what, "precise") == 0 ? &b->precise : &b->fast));
}

static void run(struct bench *b)
{
    double seconds[N_WAYS][MOST_ROUNDS], middle[N_WAYS];
    unsigned n_ways = b->options->plain ? N_WAYS : PLAIN;

    time_vne(b);
    b->n_documents = emx_density_n_documents(b->fast.sums.density);
    for (unsigned round = 0; round < b->options->n_rounds; round++) {
        for (unsigned way = 0; way < n_ways; way++)
            seconds[way][round] = ways[way].time(b);
    }
    if (b->options->plain)
        check_same(b);
    for (unsigned way = 0; way < n_ways; way++)
        middle[way] = median(seconds[way], b->options->n_rounds);
    puts("what\tdimension\ttokens\tdocuments\tseconds\tns\tper_second\tto_pairs\tentropy");
    for (unsigned way = 0; way < n_ways; way++)
        print(b, ways[way].name, middle[way], middle[PAIRS]);
    print(b, "sums", middle[VNE] - middle[COUNT] - middle[MATRIX], middle[PAIRS]);
}

/* Of random documents, somewhat more than there are dimensions. */
static void time_spectrum(size_t n)
{
    double *x = must_allocate(n * sizeof(*x)), start;
    struct emx_density *d = NULL;
    struct emx_error err;
    uint64_t seed = 5;

    if (emx_density_create(n, false, &d, &err) != EMX_OK)
        die("%s", err.message);
    for (size_t k = 0; k < n + n / 8; k++) {
        for (size_t i = 0; i < n; i++)
            x[i] = (double)(test_random(&seed) >> 40) - 0x1p23;
        if (emx_density_add(d, x) != EMX_OK)
            die("bench_vne: a document cannot be added");
    }
    start = cpu_seconds();
    if (emx_density_spectrum(d, x, &err) != EMX_OK)
        die("%s", err.message);
    printf("dimension\tseconds\n%zu\t%.3f\n", n, cpu_seconds() - start);
    emx_density_destroy(&d);
    free(x);
}

static void prepare(struct summing *s, const struct emx_embeddings *e, bool precise)
{
    struct emx_error err;

    if (token_rows_create(e, NULL, 0, precise, placement_here(), &s->rows, &err) != EMX_OK ||
        bags_create(s->rows, BATCH_COUNTS, &s->bags, &err) != EMX_OK ||
        emx_density_create(s->rows->dimension, precise, &s->sums.density, &err) != EMX_OK ||
        bags_to(s->bags, &s->sums, &err) != EMX_OK)
        die("%s", err.message);
}

static void finish(struct summing *s)
{
    bags_destroy(&s->bags);
    token_rows_destroy(&s->rows);
    emx_density_destroy(&s->sums.density);
}

static void bench_documents(const struct options *o, const char *const *paths, size_t n_paths)
{
    struct tokens t = make_tokens(o, paths, n_paths);
    struct bench b = {.options = o, .tokens = &t};
    struct emx_embeddings *e = NULL;
    struct emx_error err;
    float *vectors = make_vectors(o->dimension);

    if (o->folder) {
        write_input(o, &t, vectors);
        return;
    }
    if (emx_embeddings_from_rows(vectors, VOCABULARY, o->dimension, &e, &err) != EMX_OK ||
        emx_density_create(o->dimension, false, &b.plain.density, &err) != EMX_OK)
        die("%s", err.message);
    prepare(&b.fast, e, false);
    prepare(&b.precise, e, true);
    emx_embeddings_close(&e);
    free(vectors);
    run(&b);
    finish(&b.fast);
    finish(&b.precise);
    emx_density_destroy(&b.plain.density);
    tokens_finish(&t);
}

int main(int argc, char **argv)
{
    struct options o = parse(argc, argv);

    if (o.spectrum)
        time_spectrum(o.dimension);
    else
        bench_documents(&o, (const char *const *)argv + optind, (size_t)(argc - optind));
    return 0;
}
