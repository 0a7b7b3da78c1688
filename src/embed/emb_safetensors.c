/*
 * emb_safetensors.c - one matrix of a .safetensors file
 *
 *     u64 n | n bytes of JSON: {"NAME": {"dtype": "F32", "shape": [rows, columns], "data_offsets": [begin, end]}, ...}
 * | data
 *
 * little-endian; offsets count from the first byte of data, which need not be aligned.
 */
#include "embed/embed.h"

#include <endian.h>
#include <jansson.h>
#include <string.h>

#define MOST_HEADER UINT64_C(100000000) /* the format's own limit */

static uint64_t header_bytes(const struct embedding_source *s)
{
    uint64_t n;

    if (s->len < sizeof(n))
        return UINT64_MAX;
    memcpy(&n, s->bytes, sizeof(n));
    return le64toh(n);
}

static bool safetensors_probe(const struct embedding_source *s)
{
    uint64_t n = header_bytes(s);

    return n >= 2 && n <= MOST_HEADER && s->len > 8 && s->bytes[8] == '{';
}

static bool parse_type(const char *name, struct number_type *ret)
{
    static const struct {
        const char *name;
        enum number_kind kind;
    } types[] = {{"F16", NUMBER_F16}, {"BF16", NUMBER_BF16}, {"F32", NUMBER_F32}, {"F64", NUMBER_F64}};

    for (size_t i = 0; name && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(name, types[i].name) == 0) {
            *ret = (struct number_type){types[i].kind, false};
            return true;
        }
    }
    return false;
}

static bool is_matrix(const json_t *tensor)
{
    struct number_type type;

    return json_array_size(json_object_get(tensor, "shape")) == 2 &&
           parse_type(json_string_value(json_object_get(tensor, "dtype")), &type);
}

static bool ends_in(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

/* As the models of GPT-2, GPT-NeoX, Llama and others, BLOOM, and model2vec name the vectors of tokens. */
static bool is_usual(const char *name)
{
    static const char *const ends[] = {"embed_tokens.weight",   "wte.weight",
                                       "embed_in.weight",       "word_embeddings.weight",
                                       "tok_embeddings.weight", "embeddings"};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (ends_in(name, ends[i]))
            return true;
    }
    return false;
}

/* The tensor that is meant. */
static enum emx_status choose(const struct embedding_source *s, json_t *root, const char **ret_name, json_t **ret,
                              struct emx_error *err)
{
    size_t n_matrices = 0, n_usual = 0;
    const char *name;
    json_t *tensor, *only = NULL, *usual = NULL;

    if (s->options->tensor) {
        *ret_name = s->options->tensor;
        *ret = json_object_get(root, s->options->tensor);
        return *ret ? EMX_OK : emx_fail(err, EMX_ERR_ARG, "%s: has no tensor '%s'", s->path, s->options->tensor);
    }
    json_object_foreach(root, name, tensor)
    {
        if (!is_matrix(tensor))
            continue;
        n_matrices++;
        only = tensor;
        *ret_name = name;
        if (is_usual(name)) {
            n_usual++;
            usual = tensor;
        }
    }
    *ret = n_usual == 1 ? usual : only;
    if (n_matrices == 0)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: has no matrix of f16, bf16, f32 or f64", s->path);
    if (n_matrices > 1 && n_usual != 1)
        return emx_fail(err, EMX_ERR_ARG, "%s: has %zu matrices, so the tensor must be named; one is '%s'", s->path,
                        n_matrices, *ret_name);
    json_object_foreach(root, name, tensor)
    {
        if (tensor == *ret)
            *ret_name = name;
    }
    return EMX_OK;
}

static bool get_pair(const json_t *tensor, const char *key, uint64_t ret[2])
{
    const json_t *array = json_object_get(tensor, key);

    for (size_t i = 0; i < 2; i++) {
        const json_t *number = json_array_get(array, i);

        if (!json_is_integer(number) || json_integer_value(number) < 0)
            return false;
        ret[i] = (uint64_t)json_integer_value(number);
    }
    return json_array_size(array) == 2;
}

static enum emx_status open_tensor(const struct embedding_source *s, const char *name, const json_t *tensor,
                                   uint64_t data, struct emx_embeddings *e, struct emx_error *err)
{
    const char *dtype = json_string_value(json_object_get(tensor, "dtype"));
    struct number_type type;
    uint64_t shape[2], offsets[2];
    enum emx_status status;

    if (!parse_type(dtype, &type))
        return emx_fail(err, EMX_ERR_FORMAT, "%s: tensor '%s' is of %s, which is none of F16, BF16, F32, F64", s->path,
                        name, dtype ? dtype : "no type");
    if (!get_pair(tensor, "shape", shape))
        return emx_fail(err, EMX_ERR_FORMAT, "%s: tensor '%s' is no matrix of a vector for each token", s->path, name);
    if (!get_pair(tensor, "data_offsets", offsets) || offsets[0] > offsets[1])
        return emx_fail(err, EMX_ERR_FORMAT, "%s: tensor '%s' does not say where its data is", s->path, name);
    if (offsets[1] > s->len - data)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: is cut off: tensor '%s' ends at byte %llu of %zu", s->path, name,
                        (unsigned long long)offsets[1] + data, s->len);
    status = embed_matrix(s, shape[0], shape[1], type, data + offsets[0], e, err);
    if (!status && shape[0] * shape[1] * number_size(type) != offsets[1] - offsets[0])
        status = emx_fail(err, EMX_ERR_FORMAT, "%s: tensor '%s' takes %llu bytes by its shape and %llu by its offsets",
                          s->path, name, (unsigned long long)(shape[0] * shape[1] * number_size(type)),
                          (unsigned long long)(offsets[1] - offsets[0]));
    return status;
}

static enum emx_status safetensors_open(const struct embedding_source *s, struct emx_embeddings *e,
                                        struct emx_error *err)
{
    uint64_t n = header_bytes(s);
    const char *name = NULL;
    json_t *root, *tensor = NULL;
    json_error_t error;
    enum emx_status status;

    if (n > MOST_HEADER)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: has no safetensors header", s->path);
    if (n > s->len - 8)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: is cut off: the header should have %llu bytes, there are %zu",
                        s->path, (unsigned long long)n, s->len - 8);
    root = json_loadb((const char *)s->bytes + 8, (size_t)n, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(root)) {
        json_decref(root);
        return emx_fail(err, EMX_ERR_FORMAT, "%s: the safetensors header is no JSON object", s->path);
    }
    status = choose(s, root, &name, &tensor, err);
    if (!status)
        status = open_tensor(s, name, tensor, 8 + n, e, err);
    json_decref(root);
    return status;
}

const struct embedding_ops embedding_safetensors = {
    .name = "safetensors",
    .probe = safetensors_probe,
    .open = safetensors_open,
};
