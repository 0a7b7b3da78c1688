#include "io/mds_index.h"
#include "io/content_hash.h"

#include <jansson.h>
#include <stdlib.h>

struct mds_index {
    json_t *root, *shards;
};

enum emx_status mds_index_parse(const char *path, const char *text, size_t len, struct mds_index **ret,
                                struct emx_error *err)
{
    struct mds_index *x = calloc(1, sizeof(*x));
    json_error_t error = {0};
    enum emx_status status = EMX_OK;

    *ret = NULL;
    if (!x)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    x->root = json_loadb(text, len, 0, &error);
    x->shards = json_object_get(x->root, "shards");
    if (!x->root && json_error_code(&error) == json_error_out_of_memory)
        status = emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    if (!status && json_is_array(x->shards))
        *ret = x;
    else
        mds_index_destroy(&x);
    return status;
}

enum emx_status mds_index_load(const struct file_space *space, const char *path, struct mds_index **ret,
                               struct emx_error *err)
{
    char *text;
    size_t len;
    uint64_t xxh3;
    enum emx_status status = file_load(space, path, MDS_INDEX_BYTES, &text, &len, &xxh3, err);

    *ret = NULL;
    if (status)
        return status;
    status = mds_index_parse(path, text, len, ret, err);
    free(text);
    return status;
}

void mds_index_destroy(struct mds_index **x)
{
    if (*x)
        json_decref((*x)->root);
    free(*x);
    *x = NULL;
}

size_t mds_index_n(const struct mds_index *x)
{
    return json_array_size(x->shards);
}

static uint64_t number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) && json_integer_value(value) >= 0 ? (uint64_t)json_integer_value(value) : UINT64_MAX;
}

static struct mds_file file_of(const json_t *shard, const char *key)
{
    json_t *file = json_object_get(shard, key), *hashes = json_object_get(file, "hashes"), *value;
    struct mds_file f = {.basename = json_string_value(json_object_get(file, "basename")),
                         .n_bytes = number_of(file, "bytes")};
    const char *name;

    json_object_foreach(hashes, name, value)
    {
        if (!f.hash_name && json_is_string(value) && content_hash_is_known(name)) {
            f.hash_name = name;
            f.hash_hex = json_string_value(value);
        }
    }
    return f;
}

struct mds_entry mds_index_entry(const struct mds_index *x, size_t i)
{
    const json_t *shard = json_array_get(x->shards, i);

    return (struct mds_entry){file_of(shard, "raw_data"), file_of(shard, "zip_data"), number_of(shard, "samples")};
}
