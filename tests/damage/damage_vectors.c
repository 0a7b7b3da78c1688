/*
 * damage_vectors.c - damaged files of vectors, and the vocabularies beside them
 *
 *     damage_vectors [--full]   as damage_shards
 */
#include "../folder.h"
#include "damage.h"
#include "embed/embed.h"

static uint64_t seed;

static const char vocabulary[] = "the\nof\nand\n";

/* The files of a space: which one is damaged is known by its place. */
struct vectors {
    struct memory_file files[2];
    size_t damaged;
};

static bool are_finite(const struct emx_embeddings *e, struct bytes *read)
{
    static float x[EMX_MAX_DIMENSION];
    size_t dimension = emx_embeddings_dimension(e);
    bool ok = dimension >= 1 && dimension <= EMX_MAX_DIMENSION;

    for (uint32_t i = 0; ok && i < emx_embeddings_n_tokens(e); i++) {
        if (!emx_embeddings_vector(e, i, x))
            continue;
        put(read, &i, sizeof(i));
        put(read, x, dimension * sizeof(*x));
        for (size_t k = 0; k < dimension; k++)
            ok = ok && isfinite(x[k]);
    }
    return ok;
}

static enum outcome read_vectors(const struct subject *s, const unsigned char *data, size_t len)
{
    const struct emx_embeddings_options options = {.vocabulary = "v"};
    const struct vectors *v = s->context;
    struct memory_file files[2] = {v->files[0], v->files[1]};
    const struct file_space space = {files, 2, true};
    struct emx_embeddings *e = NULL;
    struct bytes read = {0};
    struct emx_error err = {0};
    enum emx_status status;
    bool ok;

    files[v->damaged].data = data;
    files[v->damaged].len = len;
    status = embed_open(&space, "e", &options, &e, &err);
    if (status)
        return damage_refused(status, &err);
    ok = are_finite(e, &read);
    emx_embeddings_close(&e);
    if (ok)
        return damage_compare(s->whole_result, &read);
    bytes_free(&read);
    return WRONG;
}

static bool damage_vectors(const char *name, enum coverage coverage, const struct bytes *vectors, const char *texts,
                           size_t damaged)
{
    struct vectors v = {.files = {{"e", vectors->data, vectors->len}, {"v", texts, strlen(texts)}}, .damaged = damaged};
    struct bytes whole = {0};
    struct subject s = {name, coverage, v.files[damaged].data, v.files[damaged].len, read_vectors, &whole, &v};
    bool ok = damage(&s);

    bytes_free(&whole);
    return ok;
}

static void put_floats(struct bytes *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float x = (float)random_token(&seed, 1000) / 8 - 40;

        put(b, &x, sizeof(x));
    }
}

static void put_words(struct bytes *b, bool as_text)
{
    static const char *const words[] = {"the", "of", "other", "and"};

    for (size_t i = 0; i < 4; i++) {
        put(b, words[i], strlen(words[i]));
        put(b, as_text ? " 1.5 -0.25 3e-1\n" : " ", as_text ? 16 : 1);
        if (!as_text)
            put_floats(b, 3);
    }
}

static void make_vectors(struct bytes *b, const char *format)
{
    static const char npy[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 3), }\n",
                      tensor[] = "{\"embedding.weight\":{\"dtype\":\"F32\",\"shape\":[4,3],\"data_offsets\":[0,48]}}";
    uint64_t n = strlen(tensor);

    if (strcmp(format, "npy") == 0) {
        put(b, "\x93NUMPY\1\0", 8);
        put(b, (const char[]){sizeof(npy) - 1, 0}, 2);
        put(b, npy, sizeof(npy) - 1);
        put_floats(b, 12);
    } else if (strcmp(format, "safetensors") == 0) {
        put(b, &n, sizeof(n));
        put(b, tensor, n);
        put_floats(b, 12);
    } else if (strcmp(format, "text") == 0) {
        put_words(b, true);
    } else {
        put(b, "4 3\n", 4);
        put_words(b, strcmp(format, "vec") == 0);
    }
}

static void vectors(void)
{
    static const struct {
        const char *format, *name;
        enum coverage coverage;
    } formats[] = {{"npy", "vectors .npy", MEASURED},
                   {"safetensors", "vectors .safetensors", MEASURED},
                   {"word2vec", "vectors, word2vec .bin", MEASURED},
                   {"vec", "vectors .vec", OPEN},
                   {"text", "vectors, GloVe .txt", OPEN}};

    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
        struct bytes b = {0};

        make_vectors(&b, formats[i].format);
        CHECK(damage_vectors(formats[i].name, formats[i].coverage, &b, vocabulary, 0));
        bytes_free(&b);
    }
}

static void vocabularies(void)
{
    static const char *const texts[] = {
        vocabulary, "{\"the\": 0, \"\\u0120of\": 1, \"and\": 3}",
        "{\"version\": \"1.0\", \"model\": {\"type\": \"BPE\", \"vocab\": {\"the\": 0, \"of\": 1}, \"merges\": []}}"};
    struct bytes b = {0};

    make_vectors(&b, "vec");
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        CHECK(damage_vectors(i ? "vocabulary .json" : "vocabulary .txt", i ? MEASURED : OPEN, &b, texts[i], 1));
    bytes_free(&b);
}

/* --- files of others ------------------------------------------------------------------------------------------- */

static void files_of_others(void)
{
    static const struct {
        const char *path;
        enum coverage coverage;
    } files[] = {
        {"safetensors/model2vec_embeddings_float16.safetensors", MEASURED},
        {"fasttext/crime-and-punishment.vec", OPEN},
        {"fasttext/crime-and-punishment.bin", MEASURED},
        {"fasttext/toy-model.bin", MEASURED},
        {"glove/test_glove.txt", OPEN},
        {"word2vec-binary/euclidean_vectors.bin", MEASURED},
        {"npy/numpy-1.24.2-written/f32_emb_v1.npy", MEASURED},
    };
    const char *shared = getenv("EMX_SHARED_DATA");

    if (!damage_is_full() || !shared) {
        puts("without --full and EMX_SHARED_DATA: files of others are left out");
        return;
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        char name[512];
        size_t len = 0;
        unsigned char *data;
        struct bytes b;

        snprintf(name, sizeof(name), "%s/format-samples/%s", shared, files[i].path);
        data = read_whole(name, &len);
        b = (struct bytes){data, len, len};
        CHECK(data && damage_vectors(strrchr(files[i].path, '/') + 1, files[i].coverage, &b,
                                     "the\n\xD0\xB8\n\xD0\xB2\nanarchism\n", 0));
        free(data);
    }
}

int main(int argc, char **argv)
{
    seed = test_seed();
    damage_begin(argc, argv);
    RUN(vectors);
    RUN(vocabularies);
    RUN(files_of_others);
    damage_table();
    return test_summary();
}
