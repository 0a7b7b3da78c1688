/*
 * test_vne_set.c - the second pass: shards of every format give the documents that the scan counted, and their matrix
 * is that of the documents themselves
 */
#include "shard_files.h"
#include "test.h"
#include "vne/token_rows.h"

#include <emx/scan.h>
#include <emx/vne_set.h>

#include <sys/stat.h>
#include <unistd.h>

enum { VOCABULARY = 500, DIMENSION = 6, EOD = 7, N_DOCUMENTS = 120 };

static uint64_t seed;

/* --- documents and vectors --------------------------------------------------------------------------------- */

static uint32_t tokens[N_DOCUMENTS * 64];
static uint64_t ends[N_DOCUMENTS];
static float vectors[VOCABULARY][DIMENSION];

/* Some are of EOD alone. */
static struct documents make_documents(void)
{
    struct documents d = {tokens, 0, ends, N_DOCUMENTS};

    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        size_t n = 1 + test_random(&seed) % 60;

        for (size_t k = 0; k < n; k++)
            tokens[d.n++] = 10 + random_token(&seed, VOCABULARY - 10);
        tokens[d.n++] = EOD;
        ends[i] = d.n;
    }
    return d;
}

/* Eighths, so that sums are exact in any order. */
static struct emx_embeddings *make_vectors(size_t n)
{
    struct emx_embeddings *e = NULL;

    for (size_t i = 0; i < VOCABULARY * DIMENSION; i++)
        vectors[i / DIMENSION][i % DIMENSION] = (float)((double)(test_random(&seed) % 256) - 100) / 8;
    CHECK(emx_embeddings_from_rows(vectors[0], n, DIMENSION, &e, NULL) == EMX_OK);
    return e;
}

/* The plain way: all tokens from `begin` to `end` but EOD. */
static void add_document(struct emx_density *d, size_t begin, size_t end)
{
    double sum[DIMENSION] = {0};

    for (size_t i = begin; i < end; i++) {
        for (size_t k = 0; k < DIMENSION && tokens[i] != EOD; k++)
            sum[k] += (double)vectors[tokens[i]][k];
    }
    CHECK(emx_density_add(d, sum) == EMX_OK);
}

/* --- a corpus ------------------------------------------------------------------------------------------------- */

static struct emx_state *scan(const struct made_shard *m, const struct emx_domain_settings *settings)
{
    const char *shard = path_of(m->shard.path);
    const char *dtype = m->options.type.dtype != DTYPE_NONE ? token_type_name(m->options.type) : NULL;
    struct emx_scan_domain d = {"d", &shard, 1, m->options.format, dtype, m->options.column, *settings};
    struct emx_scan_options o = {.n_threads = 1, .memory_bytes = 64 << 20};
    struct emx_error err = {.message = ""};
    struct emx_state *s = NULL;

    CHECK(emx_scan(&d, 1, &o, path_of("c.emx"), NULL, &err) == EMX_OK);
    CHECK_STR(err.message, "");
    if (emx_state_open(path_of("c.emx"), &s, &err) != EMX_OK)
        abort();
    return s;
}

static struct emx_vne_set *measure(struct emx_state *s, const struct emx_embeddings *e, const struct emx_vne_options *o)
{
    struct emx_vne_set *set = NULL;
    struct emx_error err = {.message = ""};

    CHECK(emx_vne_measure(s, e, o, &set, &err) == EMX_OK);
    CHECK_STR(err.message, "");
    return set;
}

static void check_matrix(struct emx_vne_set *set, struct emx_density *expected)
{
    double one[DIMENSION * DIMENSION], other[DIMENSION * DIMENSION];
    struct emx_vne_domain *d = &set->domains[0];

    CHECK(d->n_documents == emx_density_n_documents(expected));
    CHECK(d->n_left_out == emx_density_n_left_out(expected));
    CHECK(emx_density_matrix(d->density, one) == EMX_OK && emx_density_matrix(expected, other) == EMX_OK);
    CHECK(memcmp(one, other, sizeof(one)) == 0);
}

/* Where each document ends in EOD, all formats say the same; llm.c's have it first, so the last is empty. */
static void check_kind(unsigned kind, const struct documents *d, const struct emx_embeddings *e, bool with_eod)
{
    struct emx_domain_settings settings = {.eod = with_eod ? EOD : EMX_NO_TOKEN};
    struct made_shard m = {0};
    struct emx_density *expected = NULL;
    struct emx_vne_options o = {.n_threads = 1};
    struct emx_state *s;
    struct emx_vne_set *set;
    size_t begin = 0;

    make_shard(&m, kind, d);
    write_shard(&m);
    s = scan(&m, &settings);
    set = measure(s, e, &o);
    if (emx_density_create(DIMENSION, false, &expected, NULL) != EMX_OK || !set)
        abort();
    CHECK(set->domains[0].n_documents + set->domains[0].n_left_out == emx_state_domain(s, 0)->n_documents);
    for (size_t i = 0; i < d->n_ends; begin = (size_t)d->ends[i++])
        add_document(expected, begin, (size_t)d->ends[i]);
    if (with_eod && !emx_state_domain(s, 0)->settings.eod_first)
        check_matrix(set, expected);
    if (!with_eod && !m.has_ends)
        CHECK(set->domains[0].n_documents == 1 && fabs(set->domains[0].vne.entropy) < 1e-12);
    emx_density_destroy(&expected);
    emx_vne_set_destroy(&set);
    emx_state_close(&s);
    remove_shard(&m);
    made_shard_finish(&m);
}

static void every_format_gives_the_documents_counted(void)
{
    struct documents d = make_documents();
    struct emx_embeddings *e = make_vectors(VOCABULARY);

    for (unsigned kind = 0; kind < N_SHARD_KINDS; kind++) {
        check_kind(kind, &d, e, true);
        check_kind(kind, &d, e, false);
    }
    emx_embeddings_close(&e);
}

/* --- raw shards of one domain ---------------------------------------------------------------------------------- */

static struct emx_state *scan_three(const struct documents *d)
{
    static const size_t cuts[] = {0, 10, 50, N_DOCUMENTS};
    const char *shards[3];
    struct emx_scan_domain domain = {"d", shards, 3, "raw", "u32", NULL, {.eod = EOD}};
    struct emx_scan_options o = {.n_threads = 1, .memory_bytes = 64 << 20};
    struct emx_state *s = NULL;

    for (size_t i = 0; i < 3; i++) {
        char name[16];
        size_t begin = cuts[i] ? (size_t)d->ends[cuts[i] - 1] : 0, end = (size_t)d->ends[cuts[i + 1] - 1];

        snprintf(name, sizeof(name), "%zu.bin", i);
        write_bytes(name, d->tokens + begin, 4 * (end - begin));
        shards[i] = strdup(path_of(name));
    }
    CHECK(emx_scan(&domain, 1, &o, path_of("c.emx"), NULL, NULL) == EMX_OK);
    if (emx_state_open(path_of("c.emx"), &s, NULL) != EMX_OK)
        abort();
    for (size_t i = 0; i < 3; i++)
        free((char *)shards[i]);
    return s;
}

static void threads_do_not_show(void)
{
    static const unsigned n_threads[] = {1, 2, 8};
    struct documents d = make_documents();
    struct emx_embeddings *e = make_vectors(VOCABULARY);
    struct emx_state *s = scan_three(&d);

    for (size_t i = 0; i < 3; i++) {
        struct emx_vne_options o = {.n_threads = n_threads[i], .n_documents = 77, .weighting = EMX_VNE_WEIGHTING_SIF};
        struct emx_vne_set *set = measure(s, e, &o);

        CHECK(emx_vne_set_write(set, s, path_of(i ? "b.emx" : "a.emx"), NULL) == EMX_OK);
        CHECK(i == 0 || same_files("a.emx", "b.emx"));
        emx_vne_set_destroy(&set);
    }
    emx_state_close(&s);
    emx_embeddings_close(&e);
}

static void samples_are_of_the_size_asked_for(void)
{
    static const uint64_t wanted[] = {1, 2, 60, N_DOCUMENTS - 1, N_DOCUMENTS, 1000, 0};
    struct documents d = make_documents();
    struct emx_embeddings *e = make_vectors(VOCABULARY);
    struct emx_state *s = scan_three(&d);
    uint64_t n_tokens = 0;

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        struct emx_vne_set *set = measure(s, e, &(struct emx_vne_options){.n_documents = wanted[i]});
        uint64_t all = wanted[i] && wanted[i] < N_DOCUMENTS ? wanted[i] : N_DOCUMENTS;

        CHECK(set->domains[0].n_documents + set->domains[0].n_left_out == all);
        CHECK(set->domains[0].n_tokens >= n_tokens); /* a larger sample has the smaller in it */
        CHECK(wanted[i] != 1 || fabs(set->domains[0].vne.entropy) < 1e-12);
        n_tokens = set->domains[0].n_tokens;
        emx_vne_set_destroy(&set);
    }
    CHECK(n_tokens == d.n - N_DOCUMENTS);
    emx_state_close(&s);
    emx_embeddings_close(&e);
}

static void seeds_take_other_documents(void)
{
    struct documents d = make_documents();
    struct emx_embeddings *e = make_vectors(VOCABULARY);
    struct emx_state *s = scan_three(&d);
    struct emx_vne_set *one = measure(s, e, &(struct emx_vne_options){.n_documents = 40});
    struct emx_vne_set *other = measure(s, e, &(struct emx_vne_options){.n_documents = 40, .seed = 1});

    CHECK(one->domains[0].vne.entropy != other->domains[0].vne.entropy);
    emx_vne_set_destroy(&one);
    emx_vne_set_destroy(&other);
    emx_state_close(&s);
    emx_embeddings_close(&e);
}

static void check_fails(struct emx_state *s, const struct emx_embeddings *e, enum emx_status status, const char *says)
{
    struct emx_vne_set *set = NULL;
    struct emx_error err = {.message = ""};

    CHECK(emx_vne_measure(s, e, &(struct emx_vne_options){.n_threads = 2}, &set, &err) == status);
    CHECK(strstr(err.message, says));
    if (!strstr(err.message, says))
        printf("%s\n", err.message);
    CHECK(!set);
}

static void what_cannot_be_measured_is_refused(void)
{
    struct documents d = make_documents();
    struct emx_embeddings *e = make_vectors(VOCABULARY), *few = make_vectors(20);
    struct emx_state *s = scan_three(&d);
    uint32_t other = 11;

    check_fails(s, few, EMX_ERR_RANGE, ".bin: token ");
    CHECK(d.tokens[0] != 11);
    write_bytes("0.bin", d.tokens, 4 * (size_t)d.ends[9] - 4);
    check_fails(s, e, EMX_ERR_CORRUPT, "0.bin: is not what was counted: it was changed since the scan");
    tokens[0] = other;
    write_bytes("0.bin", d.tokens, 4 * (size_t)d.ends[9]);
    check_fails(s, e, EMX_ERR_CORRUPT, "0.bin: is not what was counted: it was changed since the scan");
    remove(path_of("0.bin"));
    check_fails(s, e, EMX_ERR_IO, "0.bin: cannot be opened");
    emx_state_close(&s);
    emx_embeddings_close(&e);
    emx_embeddings_close(&few);
}

/* --- vectors from counts ---------------------------------------------------------------------------------------- */

static void vectors_from_counts_are_of_unit_length_and_deterministic(void)
{
    struct documents d = make_documents();
    struct emx_state *s = scan_three(&d);
    struct emx_embeddings *one = NULL, *other = NULL, *seeded = NULL;
    float x[50], y[50], z[50];
    unsigned n_different = 0;

    CHECK(emx_embeddings_from_counts(s, 50, 0, &one, NULL) == EMX_OK);
    CHECK(emx_embeddings_from_counts(s, 50, 0, &other, NULL) == EMX_OK);
    CHECK(emx_embeddings_from_counts(s, 50, 1, &seeded, NULL) == EMX_OK);
    for (uint32_t i = 0; i < emx_embeddings_n_tokens(one); i++) {
        double sum = 0;

        if (!emx_embeddings_vector(one, i, x)) {
            CHECK(!emx_embeddings_vector(other, i, y));
            continue;
        }
        CHECK(emx_embeddings_vector(other, i, y) && emx_embeddings_vector(seeded, i, z));
        for (size_t k = 0; k < 50; k++)
            sum += (double)x[k] * (double)x[k];
        CHECK(sum == 0 || fabs(sum - 1) < 1e-5);
        CHECK(memcmp(x, y, sizeof(x)) == 0);
        n_different += memcmp(x, z, sizeof(x)) != 0;
    }
    CHECK(n_different > 0 && emx_embeddings_n_vectors(one) > 50 && !emx_embeddings_vector(one, 0, x));
    CHECK(emx_embeddings_from_counts(s, 0, 0, &one, NULL) == EMX_ERR_RANGE);
    emx_embeddings_close(&one);
    emx_embeddings_close(&other);
    emx_embeddings_close(&seeded);
    emx_state_close(&s);
}

/* --- in states
 * -------------------------------------------------------------------------------------------------------- */

static void check_same(const struct emx_vne_set *a, const struct emx_vne_set *b)
{
    CHECK(a->dimension == b->dimension && a->n_domains == b->n_domains && a->seed == b->seed);
    CHECK(a->n_requested == b->n_requested && a->vectors == b->vectors);
    CHECK_STR(a->weighting, b->weighting);
    CHECK_STR(a->source, b->source);
    for (size_t i = 0; i < a->n_domains; i++) {
        const struct emx_vne_domain *x = &a->domains[i], *y = &b->domains[i];

        CHECK_STR(x->name, y->name);
        CHECK(x->n_documents == y->n_documents && x->n_left_out == y->n_left_out);
        CHECK(x->n_tokens == y->n_tokens && x->n_tokens_without_vector == y->n_tokens_without_vector);
        CHECK(memcmp(x->eigenvalues, y->eigenvalues, a->dimension * sizeof(double)) == 0);
        CHECK(x->vne.entropy == y->vne.entropy);
    }
}

/* Written over and over, the file has the last set only. */
static void states_keep_what_was_measured(void)
{
    struct documents d = make_documents();
    struct emx_embeddings *e = make_vectors(VOCABULARY);
    struct emx_state *s = scan_three(&d), *kept = NULL;

    for (uint64_t n_documents = 0; n_documents < 100; n_documents += 50) {
        struct emx_vne_options o = {.n_documents = n_documents, .seed = 3, .source = "a file"};
        struct emx_vne_set *set = measure(s, e, &o), *again = NULL;

        CHECK(emx_vne_set_write(set, s, path_of("c.emx"), NULL) == EMX_OK);
        emx_state_close(&s);
        CHECK(emx_state_open(path_of("c.emx"), &s, NULL) == EMX_OK && emx_state_verify(s, NULL) == EMX_OK);
        CHECK(emx_vne_set_read(s, 2, &again, NULL) == EMX_OK);
        check_same(set, again);
        CHECK(emx_vne_set_find(again, "d") == &again->domains[0] && !emx_vne_set_find(again, "e"));
        emx_vne_set_destroy(&again);
        emx_vne_set_destroy(&set);
    }
    CHECK(emx_state_merge((const char *const[]){path_of("c.emx")}, 1, path_of("b.emx"), NULL, NULL) == EMX_OK);
    CHECK(same_files("c.emx", "b.emx") && emx_state_open(path_of("b.emx"), &kept, NULL) == EMX_OK);
    emx_state_close(&kept);
    emx_state_close(&s);
    emx_embeddings_close(&e);
}

static uint64_t checksum_of(const struct emx_embeddings *e, const double *weights)
{
    struct token_rows *rows = NULL;
    uint64_t checksum;

    if (token_rows_create(e, weights, weights ? 2 : 0, false, placement_here(), &rows, NULL) != EMX_OK)
        abort();
    checksum = token_rows_checksum(rows);
    token_rows_destroy(&rows);
    return checksum;
}

static void the_checksum_tells_vectors_and_weights_apart(void)
{
    struct emx_embeddings *e = make_vectors(VOCABULARY), *copy = NULL, *other = NULL;
    double weights[2] = {1, 0.5};

    CHECK(emx_embeddings_from_rows(vectors[0], VOCABULARY, DIMENSION, &copy, NULL) == EMX_OK);
    vectors[VOCABULARY - 1][DIMENSION - 1] += 1;
    CHECK(emx_embeddings_from_rows(vectors[0], VOCABULARY, DIMENSION, &other, NULL) == EMX_OK);
    CHECK(checksum_of(e, NULL) == checksum_of(copy, NULL));
    CHECK(checksum_of(e, NULL) != checksum_of(other, NULL));
    CHECK(checksum_of(e, NULL) != checksum_of(e, weights));
    emx_embeddings_close(&e);
    emx_embeddings_close(&copy);
    emx_embeddings_close(&other);
}

int main(void)
{
    seed = test_seed();
    if (!make_folder("vne") || mkdir(path_of("m"), 0700) != 0) /* where shards of MDS go */
        return 1;
    RUN(every_format_gives_the_documents_counted);
    RUN(threads_do_not_show);
    RUN(samples_are_of_the_size_asked_for);
    RUN(seeds_take_other_documents);
    RUN(what_cannot_be_measured_is_refused);
    RUN(vectors_from_counts_are_of_unit_length_and_deterministic);
    RUN(states_keep_what_was_measured);
    RUN(the_checksum_tells_vectors_and_weights_apart);
    remove_folder();
    return test_summary();
}
