/* embeddings.c - the table of formats, and what all of them have in common */
#include "embed/embed.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const struct embedding_ops embedding_fasttext, embedding_npy, embedding_safetensors, embedding_text,
    embedding_word2vec;

/* In the order in which they are probed: the first three have a magic. */
static const struct embedding_ops *const table[] = {&embedding_npy, &embedding_safetensors, &embedding_fasttext,
                                                    &embedding_text, &embedding_word2vec};

enum { N_FORMATS = sizeof(table) / sizeof(table[0]) };

const struct emx_embedding_format *emx_embedding_formats(size_t *ret_n)
{
    static const struct emx_embedding_format formats[N_FORMATS] = {
        {"npy", "NumPy .npy matrix of f16, f32 or f64, row = token id"},
        {"safetensors", "a matrix of f16, bf16, f32 or f64 in a .safetensors file, row = token id"},
        {"fasttext", "a fastText model, .bin, also for words it never saw (needs a vocabulary)"},
        {"text", "GloVe, fastText .vec or word2vec text, by word (needs a vocabulary)"},
        {"word2vec", "binary word2vec, by word (needs a vocabulary)"},
    };

    *ret_n = N_FORMATS;
    return formats;
}

/* --- matrices ------------------------------------------------------------------------------------------- */

enum emx_status embed_matrix(const struct embedding_source *s, uint64_t n_rows, uint64_t n_columns,
                             struct number_type type, uint64_t offset, struct emx_embeddings *e, struct emx_error *err)
{
    uint64_t needed;

    if (n_columns < 1 || n_columns > EMX_MAX_DIMENSION)
        return emx_fail(err, EMX_ERR_RANGE, "%s: vectors of %llu dimensions: there must be 1 to %d", s->path,
                        (unsigned long long)n_columns, EMX_MAX_DIMENSION);
    if (n_rows < 1 || n_rows > EMX_MAX_VOCABULARY)
        return emx_fail(err, EMX_ERR_RANGE, "%s: %llu vectors: there must be 1 to %u", s->path,
                        (unsigned long long)n_rows, EMX_MAX_VOCABULARY);
    needed = n_rows * n_columns * number_size(type);
    if (offset > s->len || needed > s->len - offset)
        return emx_fail(err, EMX_ERR_CORRUPT,
                        "%s: is cut off: %llu vectors of %llu dimensions from byte %llu on take %llu bytes, there are "
                        "%llu",
                        s->path, (unsigned long long)n_rows, (unsigned long long)n_columns, (unsigned long long)offset,
                        (unsigned long long)needed,
                        (unsigned long long)(offset < s->len ? (uint64_t)s->len - offset : 0));
    e->dimension = (size_t)n_columns;
    e->n_tokens = e->n_vectors = (uint32_t)n_rows;
    e->type = type;
    e->rows = s->bytes + offset;
    return EMX_OK;
}

/* --- opening -------------------------------------------------------------------------------------------- */

static enum emx_status find_format(const struct embedding_source *s, const struct embedding_ops **ret,
                                   struct emx_error *err)
{
    const char *name = s->options->format;

    for (size_t i = 0; i < N_FORMATS; i++) {
        if (name ? strcmp(name, table[i]->name) == 0 : table[i]->probe(s)) {
            *ret = table[i];
            return EMX_OK;
        }
    }
    if (name)
        return emx_fail(err, EMX_ERR_ARG, "there is no embedding format '%s'", name);
    return emx_fail(
        err, EMX_ERR_FORMAT,
        "%s: is no embedding file: neither .npy, .safetensors, fastText, word2vec nor lines of a word and its vector",
        s->path);
}

static const unsigned char *row_at(const struct emx_embeddings *e, size_t row)
{
    return e->rows + row * e->dimension * number_size(e->type);
}

/*
 * The bits of the largest number without its sign, whose order is theirs; those that are not finite are above all
 * others.  Signed, which compilers make vectors of for all x86-64.
 */
static int32_t largest_bits(const float *x, size_t n)
{
    int32_t largest = 0;

    for (size_t i = 0; i < n; i++) {
        int32_t bits;

        memcpy(&bits, &x[i], sizeof(bits));
        bits &= INT32_MAX;
        largest = bits > largest ? bits : largest;
    }
    return largest;
}

static enum emx_status refuse_number(const float *x, size_t row, const char *path, struct emx_error *err)
{
    size_t i = 0;

    while (isfinite(x[i]))
        i++;
    return emx_fail(err, EMX_ERR_FORMAT, "%s: number %zu of vector %zu is not finite", path, i, row);
}

static enum emx_status check_vectors(const struct emx_embeddings *e, const char *path, struct emx_error *err)
{
    float *x = malloc(e->dimension * sizeof(*x));
    int32_t infinity = largest_bits(&(float){INFINITY}, 1), largest;
    bool any = false;
    enum emx_status status = EMX_OK;

    if (!x)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    for (size_t row = 0; row < e->n_vectors && !status; row++) {
        numbers_decode(row_at(e, row), e->type, e->dimension, x);
        largest = largest_bits(x, e->dimension);
        any |= largest > 0;
        if (largest >= infinity)
            status = refuse_number(x, row, path, err);
    }
    free(x);
    if (!status && !any)
        status = emx_fail(err, EMX_ERR_FORMAT, "%s: all vectors are zero", path);
    return status;
}

static enum emx_status check_n_tokens(const struct emx_embeddings *e, const char *path, uint32_t n_tokens,
                                      struct emx_error *err)
{
    if (e->n_tokens >= n_tokens)
        return EMX_OK;
    return emx_fail(err, EMX_ERR_RANGE, "%s: has vectors for %u tokens, but there are tokens up to %u", path,
                    e->n_tokens, n_tokens - 1);
}

static enum emx_status open_source(struct embedding_source *s, struct emx_embeddings *e, struct emx_error *err)
{
    const struct embedding_ops *ops = NULL;
    enum emx_status status = find_format(s, &ops, err);

    if (!status) {
        e->format = ops->name;
        status = ops->open(s, e, err);
    }
    if (!status && !e->row_of)
        status = check_n_tokens(e, s->path, s->options->n_tokens, err);
    return status ? status : check_vectors(e, s->path, err);
}

enum emx_status embed_open(const struct file_space *space, const char *path,
                           const struct emx_embeddings_options *options, struct emx_embeddings **ret,
                           struct emx_error *err)
{
    struct embedding_source s = {.space = space, .path = path, .options = options};
    struct emx_embeddings *e = calloc(1, sizeof(*e));
    enum emx_status status;

    if (!e)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    status = file_open(space, path, &e->file, err);
    if (!status)
        status = file_map(e->file, &s.bytes, err);
    if (!status) {
        s.len = file_size(e->file);
        status = open_source(&s, e, err);
    }
    if (status)
        emx_embeddings_close(&e);
    else
        *ret = e;
    return status;
}

enum emx_status emx_embeddings_open(const char *path, const struct emx_embeddings_options *options,
                                    struct emx_embeddings **ret, struct emx_error *err)
{
    return embed_open(NULL, path, options, ret, err);
}

enum emx_status embed_adopt(const char *format, float *rows, size_t n_rows, size_t dimension,
                            struct emx_embeddings **ret, struct emx_error *err)
{
    struct embedding_source s = {
        .path = format, .bytes = (const unsigned char *)rows, .len = n_rows * dimension * sizeof(*rows)};
    struct emx_embeddings *e = calloc(1, sizeof(*e));
    struct number_type native = {NUMBER_F32, __BYTE_ORDER == __BIG_ENDIAN};
    enum emx_status status;

    if (!e) {
        free(rows);
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu vectors", n_rows);
    }
    e->own = rows;
    e->format = format;
    status = embed_matrix(&s, n_rows, dimension, native, 0, e, err);
    if (!status)
        status = check_vectors(e, s.path, err);
    if (status)
        emx_embeddings_close(&e);
    else
        *ret = e;
    return status;
}

enum emx_status emx_embeddings_from_rows(const float *rows, size_t n_rows, size_t dimension,
                                         struct emx_embeddings **ret, struct emx_error *err)
{
    size_t n_bytes = n_rows * dimension * sizeof(*rows);
    float *copy = malloc(n_bytes ? n_bytes : 1);

    if (!copy)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu vectors", n_rows);
    memcpy(copy, rows, n_bytes);
    return embed_adopt("rows", copy, n_rows, dimension, ret, err);
}

void emx_embeddings_close(struct emx_embeddings **e)
{
    if (!*e)
        return;
    file_close(&(*e)->file);
    free((*e)->row_of);
    free((*e)->own);
    free(*e);
    *e = NULL;
}

/* --- what is known -------------------------------------------------------------------------------------- */

const char *emx_embeddings_format(const struct emx_embeddings *e)
{
    return e->format;
}

size_t emx_embeddings_dimension(const struct emx_embeddings *e)
{
    return e->dimension;
}

uint32_t emx_embeddings_n_tokens(const struct emx_embeddings *e)
{
    return e->n_tokens;
}

uint32_t emx_embeddings_n_vectors(const struct emx_embeddings *e)
{
    uint32_t n = 0;

    if (!e->row_of)
        return e->n_vectors;
    for (uint32_t i = 0; i < e->n_tokens; i++)
        n += e->row_of[i] != NO_ROW;
    return n;
}

static uint32_t row_of(const struct emx_embeddings *e, uint32_t token)
{
    if (token >= e->n_tokens)
        return NO_ROW;
    return e->row_of ? e->row_of[token] : token;
}

bool emx_embeddings_vector(const struct emx_embeddings *e, uint32_t token, float *ret)
{
    uint32_t row = row_of(e, token);

    if (row == NO_ROW)
        return false;
    numbers_decode(row_at(e, row), e->type, e->dimension, ret);
    return true;
}
