/*
 * load.c - a whole side file in memory
 */
#include "io/stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

/* Side files are small: a window of more than their content's limit would be a mistake. */
#define WINDOW_LOG_MAX 27
#define FIRST_CAP ((size_t)64 << 10)
#define CHECKSUM_BYTES ((size_t)1 << 20)

/* Room for more, at most limit + 2 bytes: one shows that the limit is passed, one is for the NUL. */
static bool grow(char **data, size_t *cap, size_t limit)
{
    const size_t most = limit < SIZE_MAX - 2 ? limit + 2 : SIZE_MAX;
    const size_t more = *cap == 0 ? FIRST_CAP : *cap > SIZE_MAX / 2 ? SIZE_MAX : *cap * 2;
    const size_t next = more < most ? more : most;
    char *grown = realloc(*data, next);

    if (!grown)
        return false;
    *data = grown;
    *cap = next;
    return true;
}

static enum emx_status load(struct stream *s, size_t limit, const char *hint, char **data, size_t *len,
                            struct emx_error *err)
{
    size_t cap = 0, want, got;

    do {
        enum emx_status status;

        if (!grow(data, &cap, limit))
            return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", stream_path(s));
        want = cap - 1 - *len;
        status = stream_read(s, *data + *len, want, &got, err);
        if (status != EMX_OK)
            return status;
        *len += got;
        if (*len > limit)
            return emx_fail(err, EMX_ERR_RANGE, "%s: is larger than %zu bytes%s", stream_path(s), limit, hint);
    } while (got == want);
    (*data)[*len] = '\0';
    return EMX_OK;
}

enum emx_status file_load_hinting(const struct file_space *space, const char *path, size_t limit, const char *hint,
                                  char **ret_data, size_t *ret_len, uint64_t *ret_xxh3, struct emx_error *err)
{
    struct stream *s;
    char *data = NULL;
    size_t len = 0;
    enum emx_status status = stream_open(space, path, WINDOW_LOG_MAX, &s, err);

    if (status != EMX_OK)
        return status;
    status = load(s, limit, hint, &data, &len, err);
    if (status == EMX_OK) {
        *ret_data = data;
        *ret_len = len;
        *ret_xxh3 = stream_xxh3(s);
    } else {
        free(data);
    }
    stream_close(&s);
    return status;
}

enum emx_status file_load(const struct file_space *space, const char *path, size_t limit, char **ret_data,
                          size_t *ret_len, uint64_t *ret_xxh3, struct emx_error *err)
{
    return file_load_hinting(space, path, limit, "", ret_data, ret_len, ret_xxh3, err);
}

enum emx_status file_checksum(struct file *f, uint64_t n_bytes, uint64_t *ret_xxh3, struct emx_error *err)
{
    unsigned char *buf = malloc(CHECKSUM_BYTES);
    XXH3_state_t *hash = XXH3_createState();
    enum emx_status status = EMX_OK;

    if (!buf || !hash || XXH3_64bits_reset(hash) != XXH_OK)
        status = emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", file_path(f));
    for (uint64_t at = 0; at < n_bytes && !status;) {
        uint64_t left = n_bytes - at;
        size_t n = left < CHECKSUM_BYTES ? (size_t)left : CHECKSUM_BYTES;

        status = file_read_at(f, at, buf, n, err);
        if (!status)
            XXH3_64bits_update(hash, buf, n);
        at += n;
    }
    if (!status)
        *ret_xxh3 = XXH3_64bits_digest(hash);
    XXH3_freeState(hash);
    free(buf);
    return status;
}
