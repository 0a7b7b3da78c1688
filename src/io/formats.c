#include "io/format.h"
#include "io/refused.h"
#include "util/path.h"

#include <stdlib.h>
#include <string.h>

extern const struct format_ops format_datatrove, format_dolma, format_jsonl, format_llmc, format_mds, format_megatron,
    format_npy, format_raw;

/*
 * In the order in which they are asked whether a shard is theirs: those that go by a file beside the shard first, since
 * its own bytes may look like anything.  `raw` never says yes: it takes what --dtype or --format gives it.
 */
const struct format_ops *const formats[] = {
    &format_megatron, &format_datatrove, &format_dolma, &format_mds, &format_llmc,
    &format_npy,      &format_jsonl,     &format_raw,   NULL,
};

const struct format_ops *format_by_name(const char *name)
{
    for (size_t i = 0; formats[i]; i++) {
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    }
    return NULL;
}

/* --- opening ----------------------------------------------------------------------------------------- */

enum { HEAD_BYTES = 4096 };

static enum emx_status recognise(struct shard_open *s, const void *head, size_t len, const struct format_ops **ret,
                                 struct emx_error *err)
{
    const char *refused;

    for (size_t i = 0; formats[i]; i++) {
        if (formats[i]->probe && formats[i]->probe(s->space, s->path, head, len)) {
            *ret = formats[i];
            return EMX_OK;
        }
    }
    refused = refused_kind(s->path, head, len, stream_size(s->stream));
    if (refused)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: is %s", s->path, refused);
    if (s->options->type.dtype == DTYPE_NONE)
        return emx_fail(err, EMX_ERR_ARG,
                        "%s: no format is recognised by its content; if it is headerless, say what its tokens are "
                        "with --dtype (u16, u32, ...), else name its --format",
                        s->path);
    *ret = &format_raw;
    return EMX_OK;
}

enum emx_status format_open(struct shard_open *s, const struct format_ops **ret, struct emx_error *err)
{
    const struct format_ops *format = s->options->format ? format_by_name(s->options->format) : NULL;
    const void *head;
    size_t len;
    enum emx_status status = stream_peek(s->stream, &head, HEAD_BYTES, &len, err);

    if (status)
        return status;
    if (len == 0)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: is empty", s->path);
    if (s->options->format && !format)
        return emx_fail(err, EMX_ERR_ARG, "%s: there is no shard format '%s'", s->path, s->options->format);
    if (!format)
        status = recognise(s, head, len, &format, err);
    if (!status)
        status = format->open(s, err);
    if (!status)
        *ret = format;
    return status;
}

/* --- memory ------------------------------------------------------------------------------------------------------ */

#define RAISED_BY "; --memory raises this limit, and fewer --threads do"

enum emx_status format_load_beside(struct shard_open *s, const char *path, uint64_t most, unsigned takes,
                                   char **ret_data, size_t *ret_len, struct emx_error *err)
{
    uint64_t memory = s->options->memory / takes;
    bool is_less = memory && memory < most;

    return file_load_hinting(s->space, path, (size_t)(is_less ? memory : most), is_less ? RAISED_BY : "", ret_data,
                             ret_len, &s->index_xxh3, err);
}

enum emx_status format_check_memory(const struct shard_open *s, uint64_t n, struct emx_error *err)
{
    if (!s->options->memory || n <= s->options->memory)
        return EMX_OK;
    return emx_fail(err, EMX_ERR_RANGE, "%s: its index takes more than %llu bytes of memory" RAISED_BY, s->path,
                    (unsigned long long)s->options->memory);
}

/* --- checks that formats share ------------------------------------------------------------------------- */

enum emx_status format_check_size(const struct shard_open *s, struct emx_error *err)
{
    uint64_t size = stream_size(s->stream), item = dtype_size(s->flat.type.dtype);
    uint64_t room = size == UINT64_MAX ? UINT64_MAX : size < s->flat.offset ? 0 : size - s->flat.offset;

    if (room / item < s->flat.n_tokens)
        return emx_fail(err, EMX_ERR_CORRUPT,
                        "%s: cut off: %llu tokens should follow byte %llu, there is room for %llu", s->path,
                        (unsigned long long)s->flat.n_tokens, (unsigned long long)s->flat.offset,
                        (unsigned long long)(room / item));
    if (size != UINT64_MAX && !s->flat.trailing_ok && room > s->flat.n_tokens * item)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: %llu bytes follow the last token at byte %llu", s->path,
                        (unsigned long long)(room - s->flat.n_tokens * item),
                        (unsigned long long)(s->flat.offset + s->flat.n_tokens * item));
    return EMX_OK;
}

enum emx_status format_check_index(const struct shard_open *s, struct emx_error *err)
{
    uint64_t size = stream_size(s->stream), item = dtype_size(s->flat.type.dtype);
    uint64_t end = s->index.n ? s->index.ends[s->index.n - 1] : 0;

    if (size == UINT64_MAX || (size % item == 0 && size / item == end))
        return EMX_OK;
    return emx_fail(err, EMX_ERR_CORRUPT,
                    "%s: the index ends its last document at token %llu, but there are %llu bytes of %zu-byte tokens",
                    s->path, (unsigned long long)end, (unsigned long long)size, (size_t)item);
}

enum emx_status format_warn_if_wider(struct shard_open *s, struct emx_error *err)
{
    enum { LOOK = 4096, LEAST = 256 };
    size_t len, low[2] = {0, 0}, n;
    const void *head;
    enum emx_status status = EMX_OK;

    if (s->flat.type.dtype != DTYPE_U16 || s->flat.type.big_endian)
        return EMX_OK;
    status = stream_peek(s->stream, &head, LOOK, &len, err);
    if (status || len < LEAST)
        return status;
    n = len / 4;
    for (size_t i = 0; i < 2 * n; i++) {
        const unsigned char *x = (const unsigned char *)head + 2 * i;

        low[i % 2] += x[1] == 0 && x[0] < 4;
    }
    if (low[1] > n - n / 50 && low[0] < n / 2)
        s->warning = "every second u16 token is below 4: these look like u32 tokens (--dtype u32)";
    return EMX_OK;
}

/* --- names of files beside a shard -------------------------------------------------------------------- */

bool path_existing_sibling(const struct file_space *space, const char *path, const char *from, const char *to,
                           char ret[PATH_MAX])
{
    size_t len = path_length_without_codec(path), n_from = strlen(from), n_to = strlen(to);
    char *end;

    if (len < n_from || memcmp(path + len - n_from, from, n_from) != 0 || len - n_from + n_to >= PATH_MAX)
        return false;
    len -= n_from;
    memcpy(ret, path, len);
    strcpy(ret + len, to);
    if (file_exists(space, ret))
        return true;
    len += n_to;
    end = ret + len;
    for (size_t i = 0; path_codec_endings[i]; i++) {
        if (len + strlen(path_codec_endings[i]) >= PATH_MAX)
            continue;
        strcpy(end, path_codec_endings[i]);
        if (file_exists(space, ret))
            return true;
    }
    return false;
}
