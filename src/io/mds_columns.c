#include "io/mds_columns.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const known_names[] = {"tokens", "input_ids", "ids", "token_ids"};
enum { N_KNOWN = sizeof(known_names) / sizeof(*known_names) };

enum dtype mds_dtype_of_code(unsigned code)
{
    switch (code) {
    case 8:
        return DTYPE_U8;
    case 9:
        return DTYPE_I8;
    case 16:
        return DTYPE_U16;
    case 17:
        return DTYPE_I16;
    case 32:
        return DTYPE_U32;
    case 33:
        return DTYPE_I32;
    case 64:
        return DTYPE_U64;
    case 65:
        return DTYPE_I64;
    default:
        return DTYPE_NONE;
    }
}

/* "int32" and the like, `len` characters. */
static enum dtype dtype_of_name(const char *name, size_t len)
{
    char short_name[8];
    struct token_type type;
    size_t skip = len > 4 && memcmp(name, "uint", 4) == 0 ? 4 : len > 3 && memcmp(name, "int", 3) == 0 ? 3 : 0;

    if (!skip || len - skip > 2)
        return DTYPE_NONE;
    snprintf(short_name, sizeof(short_name), "%c%.*s", name[0], (int)(len - skip), name + skip);
    return token_type_parse(short_name, &type) ? type.dtype : DTYPE_NONE;
}

/* "2048" or "4,512": the number of values. */
static bool parse_shape(const char *text, uint64_t *ret)
{
    *ret = 1;
    for (;;) {
        char *end;
        unsigned long long n = strtoull(text, &end, 10);

        if (end == text || *text == '-' || n > UINT32_MAX || *ret > UINT32_MAX)
            return false;
        *ret *= n;
        if (*end == 0)
            return true;
        if (*end != ',')
            return false;
        text = end + 1;
    }
}

/* ndarray, ndarray:DTYPE or ndarray:DTYPE:SHAPE */
static bool parse_ndarray(const char *encoding, struct mds_columns *c)
{
    const char *dtype = encoding + strlen("ndarray"), *shape;

    c->has_shape = true;
    c->n_values = UINT64_MAX;
    if (*dtype == 0)
        return true;
    dtype++;
    shape = strchr(dtype, ':');
    c->dtype = dtype_of_name(dtype, shape ? (size_t)(shape - dtype) : strlen(dtype));
    c->has_shape = !shape;
    return c->dtype != DTYPE_NONE && (!shape || parse_shape(shape + 1, &c->n_values));
}

static bool is_ndarray(const char *encoding)
{
    size_t n = strlen("ndarray");

    return strncmp(encoding, "ndarray", n) == 0 && (encoding[n] == 0 || encoding[n] == ':');
}

static enum emx_status parse_encoding(const char *path, const char *column, const char *encoding,
                                      const struct format_options *options, struct mds_columns *c,
                                      struct emx_error *err)
{
    if (strcmp(encoding, "bytes") == 0) { /* llm-foundry before arrays; the type was an option of its reader */
        c->dtype = options->type.dtype == DTYPE_NONE ? DTYPE_I64 : options->type.dtype;
        c->n_values = UINT64_MAX;
        return EMX_OK;
    }
    if (is_ndarray(encoding) && parse_ndarray(encoding, c))
        return EMX_OK;
    return emx_fail(err, EMX_ERR_FORMAT, "%s: column '%s' has the encoding '%.100s', which is no array of tokens%s",
                    path, column, encoding, strcmp(encoding, "pkl") == 0 ? " (a Python pickle is never read)" : "");
}

/* --- columns ------------------------------------------------------------------------------------------- */

struct config {
    const char *path;
    json_t *names, *encodings, *sizes; /* arrays of one length */
};

static bool has_sound_entry(const struct config *c, size_t i)
{
    const json_t *size = json_array_get(c->sizes, i);

    if (!json_is_string(json_array_get(c->names, i)) || !json_is_string(json_array_get(c->encodings, i)))
        return false;
    return json_is_null(size) ||
           (json_is_integer(size) && json_integer_value(size) > 0 && json_integer_value(size) < INT32_MAX);
}

static bool is_sound(const struct config *c)
{
    size_t n = json_array_size(c->names);

    if (n < 1 || n > MDS_MOST_COLUMNS || json_array_size(c->encodings) != n || json_array_size(c->sizes) != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!has_sound_entry(c, i))
            return false;
    }
    return true;
}

static const char *name_at(const struct config *c, size_t i)
{
    return json_string_value(json_array_get(c->names, i));
}

/* How many columns have this name; the last of them is *ret. */
static size_t find_columns(const struct config *c, const char *name, size_t *ret)
{
    size_t found = 0;

    for (size_t i = 0; i < json_array_size(c->names); i++) {
        if (strcmp(name_at(c, i), name) == 0) {
            *ret = i;
            found++;
        }
    }
    return found;
}

static enum emx_status choose_column(const struct config *c, const char *wanted, size_t *ret, struct emx_error *err)
{
    size_t found = 0;

    if (wanted)
        found = find_columns(c, wanted, ret);
    for (size_t i = 0; i < N_KNOWN && !wanted; i++)
        found += find_columns(c, known_names[i], ret);
    if (found == 1)
        return EMX_OK;
    if (wanted)
        return emx_fail(err, EMX_ERR_ARG, "%s: has %zu columns '%s' that --column names; its first column is '%.100s'",
                        c->path, found, wanted, name_at(c, 0));
    return emx_fail(err, EMX_ERR_ARG,
                    "%s: has %s column tokens, input_ids, ids or token_ids; name it with --column, if the shard "
                    "is tokenized (its first column is '%.100s')",
                    c->path, found ? "more than one" : "no", name_at(c, 0));
}

static void set_sizes(const struct config *c, struct mds_columns *ret)
{
    ret->n = json_array_size(c->sizes);
    for (size_t i = 0; i < ret->n; i++) /* null has the integer value 0 */
        ret->sizes[i] = (uint32_t)json_integer_value(json_array_get(c->sizes, i));
}

static enum emx_status parse(const struct config *c, const struct format_options *options, struct mds_columns *ret,
                             struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    *ret = (struct mds_columns){0};
    if (!is_sound(c))
        return emx_fail(err, EMX_ERR_FORMAT, "%s: its configuration does not give columns with encodings and sizes",
                        c->path);
    set_sizes(c, ret);
    status = choose_column(c, options->column, &ret->token, err);
    if (status)
        return status;
    return parse_encoding(c->path, name_at(c, ret->token), json_string_value(json_array_get(c->encodings, ret->token)),
                          options, ret, err);
}

enum emx_status mds_columns_parse(const char *path, const char *json, size_t len, const struct format_options *options,
                                  struct mds_columns *ret, struct emx_error *err)
{
    json_error_t error;
    json_t *root = json_loadb(json, len, 0, &error);
    struct config c = {path, json_object_get(root, "column_names"), json_object_get(root, "column_encodings"),
                       json_object_get(root, "column_sizes")};
    enum emx_status status;

    if (!root && json_error_code(&error) == json_error_out_of_memory)
        status = emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    else
        status = parse(&c, options, ret, err);
    json_decref(root);
    return status;
}
