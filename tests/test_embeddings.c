/* test_embeddings.c - files of embeddings: all formats hold the same vectors, and bad ones are told from good ones */
#include "test.h"

#include "embed/embed.h"

#include <endian.h>
#include <unistd.h>

/* --- files in memory ------------------------------------------------------------------------------------- */

static struct memory_file files[4];
static struct file_space space = {.files = files, .memory_only = true};

struct text {
    char bytes[1 << 16];
    size_t len;
};

static void put(struct text *t, const void *bytes, size_t n)
{
    memcpy(t->bytes + t->len, bytes, n);
    t->len += n;
}

static void put_text(struct text *t, const char *s)
{
    put(t, s, strlen(s));
}

static void add_file(const char *path, const void *data, size_t len)
{
    files[space.n++] = (struct memory_file){path, data, len};
}

static enum emx_status open_with(const char *path, const struct text *t, const struct emx_embeddings_options *o,
                                 struct emx_embeddings **ret, struct emx_error *err)
{
    enum emx_status status;

    *ret = NULL;
    add_file(path, t->bytes, t->len);
    status = embed_open(&space, path, o, ret, err);
    space.n--;
    return status;
}

static void check_refused(const struct text *t, const struct emx_embeddings_options *o, enum emx_status status,
                          const char *sentence)
{
    struct emx_embeddings *e;
    struct emx_error err = {.message = ""};

    CHECK(open_with("e", t, o, &e, &err) == status);
    CHECK_STR(err.message, sentence);
    emx_embeddings_close(&e);
}

/* --- makers ------------------------------------------------------------------------------------------------ */

enum { ROWS = 5, D = 3 };

/* Numbers that each of the types can hold. */
static const float numbers[ROWS][D] = {{1, -2, 0.5F}, {0, 0, 0}, {-0.125F, 96, 3}, {1.5F, 1, 1}, {-8, 0, 2}};
static const char *const words[ROWS] = {"the", "The", "caf\xC3\xA9", "new york", "!"};

static uint16_t half_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof(bits));
    return x == 0 ? 0 : (uint16_t)((bits >> 16 & 0x8000) | ((bits >> 23 & 255) - 112) << 10 | (bits >> 13 & 0x3ff));
}

static void put_number(struct text *t, float x, const char *type)
{
    double wide = x;
    uint32_t bits;
    uint16_t half = half_of(x), brain;

    memcpy(&bits, &x, sizeof(bits));
    brain = (uint16_t)(bits >> 16);
    if (strcmp(type, "<f8") == 0)
        put(t, &wide, 8);
    else if (strcmp(type, "<f4") == 0)
        put(t, &bits, 4);
    else if (strcmp(type, ">f4") == 0)
        put(t, &(uint32_t){htobe32(bits)}, 4);
    else
        put(t, strcmp(type, "<f2") == 0 ? &half : &brain, 2);
}

static void put_numbers(struct text *t, const char *type)
{
    for (int i = 0; i < ROWS * D; i++)
        put_number(t, numbers[i / D][i % D], type);
}

static void make_npy(struct text *t, const char *descr, const char *order, const char *shape)
{
    char header[128];
    int n =
        snprintf(header, sizeof(header), "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", descr, order, shape);

    t->len = 0;
    put(t, "\x93NUMPY\x01\x00", 8);
    put(t, (const char[]){(char)n, 0}, 2);
    put_text(t, header);
    put_numbers(t, descr);
}

static void make_safetensors(struct text *t, const char *header, const char *type)
{
    uint64_t n = strlen(header);

    t->len = 0;
    put(t, &n, 8);
    put_text(t, header);
    put_numbers(t, type);
}

static void make_text(struct text *t, const char *first_line)
{
    char number[32];

    t->len = 0;
    put_text(t, first_line);
    for (int i = 0; i < ROWS; i++) {
        put_text(t, words[i]);
        for (int k = 0; k < D; k++) {
            snprintf(number, sizeof(number), " %.6g", (double)numbers[i][k]);
            put_text(t, number);
        }
        put_text(t, i % 2 ? " \n" : "\n");
    }
}

static void make_word2vec(struct text *t, const char *after)
{
    t->len = 0;
    put_text(t, "5 3\n");
    for (int i = 0; i < ROWS; i++) {
        put_text(t, i == 3 ? "newyork" : words[i]);
        put_text(t, " ");
        for (int k = 0; k < D; k++)
            put_number(t, numbers[i][k], "<f4");
        put_text(t, after);
    }
}

/* --- matrices ---------------------------------------------------------------------------------------------- */

static void check_vector(const struct emx_embeddings *e, uint32_t token, const float *expected)
{
    float x[D] = {NAN, NAN, NAN};

    CHECK(emx_embeddings_vector(e, token, x) == (expected != NULL));
    for (int k = 0; expected && k < D; k++)
        CHECK(x[k] == expected[k]);
}

static void check_matrix(const struct text *t, const struct emx_embeddings_options *o, const char *format)
{
    struct emx_embeddings *e;
    struct emx_error err = {.message = ""};

    CHECK(open_with("e", t, o, &e, &err) == EMX_OK);
    CHECK_STR(err.message, "");
    if (!e)
        return;
    CHECK_STR(emx_embeddings_format(e), format);
    CHECK(emx_embeddings_dimension(e) == D && emx_embeddings_n_tokens(e) == ROWS);
    CHECK(emx_embeddings_n_vectors(e) == ROWS);
    for (uint32_t i = 0; i < ROWS; i++)
        check_vector(e, i, numbers[i]);
    check_vector(e, ROWS, NULL);
    check_vector(e, UINT32_MAX, NULL);
    emx_embeddings_close(&e);
}

static const struct emx_embeddings_options none = {0};

static void npy_of_each_type(void)
{
    static const char *const types[] = {"<f2", "<f4", ">f4", "<f8"};
    static struct text t;

    for (size_t i = 0; i < 4; i++) {
        make_npy(&t, types[i], "False", "(5, 3)");
        check_matrix(&t, &none, "npy");
    }
}

static void safetensors_of_each_type(void)
{
    static const struct {
        const char *name, *type;
        int bytes;
    } types[] = {{"F16", "<f2", 30}, {"BF16", "bf2", 30}, {"F32", "<f4", 60}, {"F64", "<f8", 120}};
    static struct text t;
    char header[256];

    for (size_t i = 0; i < 4; i++) {
        snprintf(header, sizeof(header),
                 "{\"__metadata__\":{\"a\":\"b\"},\"x\":{\"dtype\":\"%s\",\"shape\":[5,3],\"data_offsets\":[0,%d]}}",
                 types[i].name, types[i].bytes);
        make_safetensors(&t, header, types[i].type);
        check_matrix(&t, &none, "safetensors");
    }
}

static void safetensors_names_are_found(void)
{
    static const char two[] =
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,3],\"data_offsets\":[0,12]},"
        "\"model.embed_tokens.weight\":{\"dtype\":\"F32\",\"shape\":[5,3],\"data_offsets\":[0,60]}}";
    static const char twins[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[5,3],\"data_offsets\":[0,60]},"
                                "\"b\":{\"dtype\":\"I32\",\"shape\":[5,3],\"data_offsets\":[0,60]},"
                                "\"c\":{\"dtype\":\"F32\",\"shape\":[5,3],\"data_offsets\":[0,60]}}";
    struct emx_embeddings_options named = {.tensor = "c"}, wrong = {.tensor = "d"}, integers = {.tensor = "b"};
    struct emx_embeddings *e;
    struct emx_error err;
    static struct text t;

    make_safetensors(&t, two, "<f4");
    check_matrix(&t, &none, "safetensors");
    make_safetensors(&t, twins, "<f4");
    check_matrix(&t, &named, "safetensors");
    check_refused(&t, &wrong, EMX_ERR_ARG, "e: has no tensor 'd'");
    check_refused(&t, &integers, EMX_ERR_FORMAT, "e: tensor 'b' is of I32, which is none of F16, BF16, F32, F64");
    CHECK(open_with("e", &t, &none, &e, &err) == EMX_ERR_ARG && strstr(err.message, "2 matrices"));
}

static void halves_are_those_of_the_standard(void)
{
    static const struct {
        uint16_t bits;
        float value;
    } cases[] = {{0x0001, 0x1p-24F}, {0x03ff, 0x1.ff8p-15F}, {0x0400, 0x1p-14F},
                 {0x7bff, 65504},    {0xbc00, -1},           {0x8001, -0x1p-24F}};
    float x;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        numbers_decode(&(uint16_t){htole16(cases[i].bits)}, (struct number_type){NUMBER_F16, false}, 1, &x);
        CHECK(x == cases[i].value);
    }
    numbers_decode(&(uint16_t){htole16(0x7c00)}, (struct number_type){NUMBER_F16, false}, 1, &x);
    CHECK(isinf(x));
    numbers_decode(&(uint16_t){htole16(0x7e00)}, (struct number_type){NUMBER_F16, false}, 1, &x);
    CHECK(isnan(x));
}

/* --- words -------------------------------------------------------------------------------------------------- */

static const struct emx_embeddings_options with_vocabulary = {.vocabulary = "v"};

/* Tokens 0 to 6: the word of numbers[0], of [1], of [2], in capitals only, unknown, "!", and the. */
static const char lines[] = "the\nThe\ncaf\xC3\xA9\nTHE\nunknown\n!\n the\n";
static const char json[] =
    "{\"the\":0,\"The\":1,\"caf\xC3\x83\xC2\xA9\":2,\"THE\":3,\"unknown\":4,\"!\":5,\"\xC4\xA0the\":6}";

static void check_words(const struct text *t, const char *format)
{
    static const int expected[] = {0, 1, 2, 0, -1, 4, 0};
    struct emx_embeddings *e;
    struct emx_error err = {.message = ""};

    CHECK(open_with("e", t, &with_vocabulary, &e, &err) == EMX_OK);
    CHECK_STR(err.message, "");
    if (!e)
        return;
    CHECK_STR(emx_embeddings_format(e), format);
    CHECK(emx_embeddings_dimension(e) == D && emx_embeddings_n_tokens(e) == 7 && emx_embeddings_n_vectors(e) == 6);
    for (uint32_t i = 0; i < 7; i++)
        check_vector(e, i, expected[i] < 0 ? NULL : numbers[expected[i]]);
    emx_embeddings_close(&e);
}

static void words_are_found_by_text(void)
{
    static const char *const vocabularies[] = {lines, json};
    static struct text t;

    for (size_t i = 0; i < 2; i++) {
        add_file("v", vocabularies[i], strlen(vocabularies[i]));
        make_text(&t, "");
        check_words(&t, "text");
        make_text(&t, "5 3\n");
        check_words(&t, "text");
        make_word2vec(&t, "");
        check_words(&t, "word2vec");
        make_word2vec(&t, "\n");
        check_words(&t, "word2vec");
        space.n = 0;
    }
}

static void vocabularies_of_tokenizers(void)
{
    static const char bpe[] = "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"\xE2\x96\x81the\":1,\"new york\":0}}}";
    static const char unigram[] = "{\"model\":{\"vocab\":[[\"new york\",-1.5],[\"\xE2\x96\x81the\",-2]]}}";
    static const char *const all[] = {bpe, unigram};
    static struct text t;
    struct emx_embeddings *e;

    make_text(&t, "");
    for (size_t i = 0; i < 2; i++) {
        add_file("v", all[i], strlen(all[i]));
        CHECK(open_with("e", &t, &with_vocabulary, &e, NULL) == EMX_OK);
        check_vector(e, 0, numbers[3]);
        check_vector(e, 1, numbers[0]);
        emx_embeddings_close(&e);
        space.n = 0;
    }
}

/* --- bad input ------------------------------------------------------------------------------------------------ */

static void matrices_are_checked(void)
{
    struct emx_embeddings_options many = {.n_tokens = 6}, unknown = {.format = "gguf"};
    static struct text t;
    float bad;

    make_npy(&t, "<f4", "False", "(5, 3)");
    check_refused(&t, &many, EMX_ERR_RANGE, "e: has vectors for 5 tokens, but there are tokens up to 5");
    check_refused(&t, &unknown, EMX_ERR_ARG, "there is no embedding format 'gguf'");
    bad = NAN;
    memcpy(t.bytes + t.len - 8, &bad, 4);
    check_refused(&t, &none, EMX_ERR_FORMAT, "e: number 1 of vector 4 is not finite");
    t.len -= 2;
    check_refused(&t, &none, EMX_ERR_CORRUPT,
                  "e: is cut off: 5 vectors of 3 dimensions from byte 70 on take 60 bytes, there are 58");
    make_npy(&t, "<f4", "False", "(5, 3)");
    memset(t.bytes + t.len - 60, 0, 60);
    check_refused(&t, &none, EMX_ERR_FORMAT, "e: all vectors are zero");
    make_npy(&t, "<f4", "True", "(5, 3)");
    check_refused(&t, &none, EMX_ERR_FORMAT,
                  "e: the rows of this matrix lie across one another (fortran_order); save a copy in C order");
    make_npy(&t, "<i4", "False", "(5, 3)");
    check_refused(&t, &none, EMX_ERR_FORMAT, "e: elements of type '<i4' are none of f2, f4, f8");
    make_npy(&t, "<f4", "False", "(15,)");
    check_refused(&t, &none, EMX_ERR_FORMAT, "e: an array of 1 dimensions is no matrix of a vector for each token");
    make_npy(&t, "<f4", "False", "(1, 4097)");
    check_refused(&t, &none, EMX_ERR_RANGE, "e: vectors of 4097 dimensions: there must be 1 to 4096");
    make_npy(&t, "<f4", "False", "(99999999999, 1)");
    check_refused(&t, &none, EMX_ERR_RANGE, "e: 99999999999 vectors: there must be 1 to 16777216");
    make_npy(&t, "<f4", "False", "5, 3");
    check_refused(&t, &none, EMX_ERR_FORMAT, "e: the NumPy header at byte 10 is not a description of plain numbers");
    t.len = 0;
    check_refused(
        &t, &none, EMX_ERR_FORMAT,
        "e: is no embedding file: neither .npy, .safetensors, fastText, word2vec nor lines of a word and its vector");
}

static void safetensors_are_checked(void)
{
    static struct text t;

    make_safetensors(&t, "{\"x\":{\"dtype\":\"F32\",\"shape\":[5,3],\"data_offsets\":[4,64]}}", "<f4");
    check_refused(&t, &none, EMX_ERR_CORRUPT, "e: is cut off: tensor 'x' ends at byte 129 of 125");
    make_safetensors(&t, "{\"x\":{\"dtype\":\"F32\",\"shape\":[5,3],\"data_offsets\":[0,56]}}", "<f4");
    check_refused(&t, &none, EMX_ERR_FORMAT, "e: tensor 'x' takes 60 bytes by its shape and 56 by its offsets");
    make_safetensors(&t, "{\"x\":{\"dtype\":\"F32\",\"shape\":[5,3],\"data_offsets\":[0,60]},\"x\":1}", "<f4");
    check_refused(&t, &none, EMX_ERR_FORMAT, "e: the safetensors header is no JSON object");
    make_safetensors(&t, "{\"x\":{\"dtype\":\"F32\",\"shape\":[15],\"data_offsets\":[0,60]}}", "<f4");
    check_refused(&t, &none, EMX_ERR_FORMAT, "e: has no matrix of f16, bf16, f32 or f64");
    t.bytes[4] = 1;
    check_refused(&t, &(struct emx_embeddings_options){.format = "safetensors"}, EMX_ERR_FORMAT,
                  "e: has no safetensors header");
}

static void words_are_checked(void)
{
    static struct text t;

    make_text(&t, "");
    check_refused(&t, &none, EMX_ERR_ARG,
                  "e: has vectors of words, so a vocabulary must say which token is which word");
    add_file("v", "nothing\nof this\n", 16);
    check_refused(&t, &with_vocabulary, EMX_ERR_FORMAT, "e: has a vector for none of the vocabulary's 2 tokens");
    make_text(&t, "6 3\n");
    check_refused(&t, &with_vocabulary, EMX_ERR_CORRUPT, "e: the first line says 6 words, but 5 follow");
    put_text(&t, "word 1 2\n");
    check_refused(&t, &with_vocabulary, EMX_ERR_FORMAT, "e: line 7 is not a word and 3 numbers");
    make_text(&t, "");
    put_text(&t, "word 1 nan 3\n");
    check_refused(&t, &with_vocabulary, EMX_ERR_FORMAT, "e: number 1 of the vector of 'word' is not finite");
    make_word2vec(&t, "");
    t.len -= 5;
    check_refused(&t, &with_vocabulary, EMX_ERR_CORRUPT, "e: is cut off at word 4, byte 74");
    space.n = 0;
    add_file("v", "{\"a\":0,\"b\":0}", 13);
    check_refused(&t, &with_vocabulary, EMX_ERR_FORMAT, "v: token 0 has two texts");
    space.n = 0;
    add_file("v", "{\"a\":99999999}", 14);
    check_refused(&t, &with_vocabulary, EMX_ERR_RANGE, "v: there are more than 16777216 tokens");
    space.n = 0;
}

/* What is cut anywhere is refused, and never read beyond its end. */
static void cut_files_are_refused(void)
{
    static struct text t;
    struct emx_embeddings *e;

    add_file("v", lines, strlen(lines));
    for (int kind = 0; kind < 3; kind++) {
        if (kind == 0)
            make_npy(&t, "<f4", "False", "(5, 3)");
        else if (kind == 1)
            make_safetensors(&t, "{\"x\":{\"dtype\":\"F32\",\"shape\":[5,3],\"data_offsets\":[0,60]}}", "<f4");
        else
            make_word2vec(&t, "\n");
        for (size_t len = t.len - 2; len-- > 0;) {
            char *copy = malloc(len + 1);

            memcpy(copy, t.bytes, len);
            add_file("e", copy, len);
            CHECK(embed_open(&space, "e", &with_vocabulary, &e, NULL) != EMX_OK);
            space.n--;
            free(copy);
        }
    }
    space.n = 0;
}

static void rows_are_copied(void)
{
    struct emx_embeddings *e = NULL;
    struct emx_error err;
    float zero[D] = {0};

    CHECK(emx_embeddings_from_rows(numbers[0], ROWS, D, &e, &err) == EMX_OK);
    for (uint32_t i = 0; i < ROWS; i++)
        check_vector(e, i, numbers[i]);
    emx_embeddings_close(&e);
    CHECK(!e);
    CHECK(emx_embeddings_from_rows(zero, 1, D, &e, &err) == EMX_ERR_FORMAT);
    CHECK_STR(err.message, "rows: all vectors are zero");
}

/* --- fastText's models --------------------------------------------------------------------------------------- */

enum { FT_WORDS = 2, FT_BUCKETS = 50 };
static float ft_rows[FT_WORDS + FT_BUCKETS][D];

static void put_i32(struct text *t, int32_t x)
{
    put(t, &(uint32_t){htole32((uint32_t)x)}, 4);
}

static void put_i64(struct text *t, int64_t x)
{
    put(t, &(uint64_t){htole64((uint64_t)x)}, 8);
}

/* Words "cat" and "\u00e9t\u00e9"; n-grams of minn to maxn characters; a label behind them. */
static void make_fasttext(struct text *t, int32_t minn, int32_t maxn)
{
    const int32_t args[] = {D, 5, 1, 1, 5, 1, 2, 2, FT_BUCKETS, minn, maxn, 100};
    static const char *const names[] = {"cat", "\xC3\xA9t\xC3\xA9", "__label__x"};

    t->len = 0;
    put_i32(t, 793712314);
    put_i32(t, 12);
    for (size_t i = 0; i < 12; i++)
        put_i32(t, args[i]);
    put_i64(t, 0);
    put_i32(t, 3);
    put_i32(t, FT_WORDS);
    put_i32(t, 1);
    put_i64(t, 100);
    put_i64(t, -1);
    for (size_t i = 0; i < 3; i++) {
        put(t, names[i], strlen(names[i]) + 1);
        put_i64(t, 1);
        put(t, i == 2 ? "\1" : "\0", 1);
    }
    put(t, "\0", 1);
    put_i64(t, FT_WORDS + FT_BUCKETS);
    put_i64(t, D);
    for (size_t i = 0; i < (FT_WORDS + FT_BUCKETS) * D; i++) {
        ft_rows[i / D][i % D] = (float)((int)(i * i % 101) - 50) / 4;
        put_number(t, ft_rows[i / D][i % D], "<f4");
    }
}

/* The mean of a word's row (if not -1) and of n-grams that are written out. */
static void mean_of(int word, const char *const *ngrams, size_t n, float *ret)
{
    for (size_t k = 0; k < D; k++) {
        double sum = word >= 0 ? (double)ft_rows[word][k] : 0;

        for (size_t i = 0; i < n; i++) {
            uint32_t h = 2166136261;

            for (const char *p = ngrams[i]; *p; p++)
                h = (h ^ (uint32_t)(int32_t)(signed char)*p) * 16777619;
            sum += (double)ft_rows[FT_WORDS + h % FT_BUCKETS][k];
        }
        ret[k] = (float)(sum / (double)(n + (word >= 0)));
    }
}

static void fasttext_means_words_and_ngrams(void)
{
    static const char *const of_cat[] = {"<ca", "cat", "at>"};
    static const char *const of_ete[] = {"<\xC3\xA9t", "\xC3\xA9t\xC3\xA9", "t\xC3\xA9>"};
    static const char *const of_at[] = {"<at", "at>"};
    static struct text t;
    struct emx_embeddings *e;
    struct emx_error err = {.message = ""};
    float x[D];

    add_file("v", "cat\n\xC3\xA9t\xC3\xA9\nat\n", 14);
    make_fasttext(&t, 3, 3);
    CHECK(open_with("e", &t, &with_vocabulary, &e, &err) == EMX_OK);
    CHECK_STR(err.message, "");
    if (e) {
        CHECK_STR(emx_embeddings_format(e), "fasttext");
        CHECK(emx_embeddings_n_vectors(e) == 3);
        mean_of(0, of_cat, 3, x);
        check_vector(e, 0, x);
        mean_of(1, of_ete, 3, x);
        check_vector(e, 1, x);
        mean_of(-1, of_at, 2, x);
        check_vector(e, 2, x);
    }
    emx_embeddings_close(&e);
    make_fasttext(&t, 0, 0);
    CHECK(open_with("e", &t, &with_vocabulary, &e, NULL) == EMX_OK && emx_embeddings_n_vectors(e) == 2);
    check_vector(e, 0, ft_rows[0]);
    check_vector(e, 2, NULL);
    emx_embeddings_close(&e);
    for (size_t len = t.len - 1; len > 4; len--) {
        char *copy = malloc(len);

        memcpy(copy, t.bytes, len);
        add_file("e", copy, len);
        CHECK(embed_open(&space, "e", &with_vocabulary, &e, NULL) != EMX_OK);
        space.n--;
        free(copy);
    }
    t.bytes[4] = 13;
    check_refused(&t, &with_vocabulary, EMX_ERR_VERSION, "e: fastText version 13 is not known");
    space.n = 0;
}

/* --- files of others ------------------------------------------------------------------------------------------- */

static void samples_of_others_are_read(void)
{
    static const struct {
        const char *path, *format;
        size_t dimension, n;
    } samples[] = {
        {"safetensors/model2vec_embeddings_float32.safetensors", "safetensors", 2, 29528},
        {"safetensors/model2vec_embeddings_float16.safetensors", "safetensors", 2, 29528},
        {"fasttext/crime-and-punishment.vec", "text", 5, 3},
        {"fasttext/crime-and-punishment.bin", "fasttext", 5, 3},
        {"glove/test_glove.txt", "text", 50, 1},
        {"word2vec-binary/euclidean_vectors.bin", "word2vec", 10, 1},
    };
    const char *data = test_shared_data();
    static const char vocabulary[] = "the\n\xD0\xB8\n\xD0\xB2\n";
    char path[512], local[] = "/tmp/emx-vocabulary-XXXXXX";
    int fd = data ? mkstemp(local) : -1;
    struct emx_embeddings_options o = {.vocabulary = local};
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (!f) {
        printf("without EMX_SHARED_DATA: samples of others are not read\n");
        return;
    }
    fputs(vocabulary, f);
    fclose(f);
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct emx_embeddings *e = NULL;
        struct emx_error err = {.message = ""};

        snprintf(path, sizeof(path), "%s/format-samples/%s", data, samples[i].path);
        CHECK(emx_embeddings_open(path, &o, &e, &err) == EMX_OK);
        CHECK_STR(err.message, "");
        if (e) {
            CHECK_STR(emx_embeddings_format(e), samples[i].format);
            CHECK(emx_embeddings_dimension(e) == samples[i].dimension);
            CHECK(emx_embeddings_n_vectors(e) == samples[i].n);
        }
        emx_embeddings_close(&e);
    }
    remove(local);
}

/* fastText wrote both; the list has five digits. */
static void models_say_what_their_lists_say(void)
{
    static const char *const names[] = {"crime-and-punishment", "toy-model"};
    const char *data = test_shared_data();
    char path[512], local[] = "/tmp/emx-vocabulary-XXXXXX", word[256];
    int fd = data ? mkstemp(local) : -1;
    struct emx_embeddings_options o = {.vocabulary = local};

    if (fd < 0) {
        printf("without EMX_SHARED_DATA: models of others are not read\n");
        return;
    }
    close(fd);
    for (size_t i = 0; i < 2; i++) {
        struct emx_embeddings *list = NULL, *model = NULL;
        FILE *in, *out = fopen(local, "w");
        float x[5], y[5];
        double worst = 0;

        snprintf(path, sizeof(path), "%s/format-samples/fasttext/%s.vec", data, names[i]);
        in = fopen(path, "r");
        for (int line = 0; in && out && fscanf(in, "%255s%*[^\n]", word) == 1; line++)
            fprintf(out, "%s\n", line ? word : "");
        if (in)
            fclose(in);
        if (out)
            fclose(out);
        CHECK(emx_embeddings_open(path, &o, &list, NULL) == EMX_OK);
        snprintf(path, sizeof(path), "%s/format-samples/fasttext/%s.bin", data, names[i]);
        CHECK(emx_embeddings_open(path, &o, &model, NULL) == EMX_OK);
        for (uint32_t k = 1; list && model && k < emx_embeddings_n_tokens(list); k++) {
            CHECK(emx_embeddings_vector(list, k, x) && emx_embeddings_vector(model, k, y));
            for (size_t d = 0; d < 5; d++)
                worst = fmax(worst, fabs((double)x[d] - (double)y[d]));
        }
        CHECK(list && model && emx_embeddings_n_vectors(list) > 20 && worst < 1e-5);
        emx_embeddings_close(&list);
        emx_embeddings_close(&model);
    }
    remove(local);
}

int main(void)
{
    RUN(npy_of_each_type);
    RUN(safetensors_of_each_type);
    RUN(safetensors_names_are_found);
    RUN(halves_are_those_of_the_standard);
    RUN(words_are_found_by_text);
    RUN(vocabularies_of_tokenizers);
    RUN(matrices_are_checked);
    RUN(safetensors_are_checked);
    RUN(words_are_checked);
    RUN(cut_files_are_refused);
    RUN(rows_are_copied);
    RUN(fasttext_means_words_and_ngrams);
    RUN(samples_of_others_are_read);
    RUN(models_say_what_their_lists_say);
    return test_summary();
}
