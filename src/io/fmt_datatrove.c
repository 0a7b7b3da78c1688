/*
 * fmt_datatrove.c - datatrove and nanotron: X.ds of bare u16 or u32, X.ds.metadata with their size, X.ds.index with the
 * ends of documents
 *
 * The index (u64 ends, in tokens) is optional.  Files shuffled by context have no index of their own, and a copied
 * one is wrong: it is believed only if it rises and ends where the tokens end, which the scan checks.
 */
#include "io/format.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_METADATA = 1 << 16 };
#define MOST_INDEX (UINT64_C(1) << 34)

static bool datatrove_probe(const struct file_space *space, const char *path, const void *head, size_t len)
{
    char beside[PATH_MAX];

    (void)head;
    (void)len;
    return path_existing_sibling(space, path, ".ds", ".ds.metadata", beside) ||
           path_existing_sibling(space, path, ".ds", ".ds.index", beside);
}

/* The second line is the number of tokens.  Tools that rewrite the tokens may copy it: no reason to refuse them. */
static void check_count(struct shard_open *s, const char *line)
{
    uint64_t size = stream_size(s->stream);
    char *end;
    unsigned long long n = strtoull(line, &end, 10);

    if (end != line && size != UINT64_MAX && n != size / dtype_size(s->flat.type.dtype))
        s->warning = "the .metadata beside it states another number of tokens than there are";
}

/* The first line is TOKENIZER|SIZE, and the tokenizer's name may hold bars. */
static enum emx_status read_metadata(struct shard_open *s, const char *path, struct emx_error *err)
{
    char *text, *bar;
    size_t len, n;
    uint64_t xxh3;
    enum emx_status status = file_load(s->space, path, MOST_METADATA, &text, &len, &xxh3, err);

    if (status)
        return status;
    n = strcspn(text, "\n");
    text[strcspn(text, "\r\n")] = 0;
    bar = strrchr(text, '|');
    if (bar && strcmp(bar, "|2") == 0)
        s->flat.type.dtype = DTYPE_U16;
    else if (bar && strcmp(bar, "|4") == 0)
        s->flat.type.dtype = DTYPE_U32;
    else
        status =
            emx_fail(err, EMX_ERR_FORMAT, "%s: its first line does not end in |2 or |4, the size of a token", path);
    if (!status && n < len)
        check_count(s, text + n + 1);
    free(text);
    return status;
}

static enum emx_status read_index(struct shard_open *s, const char *path, struct emx_error *err)
{
    char *bytes;
    size_t len, n = 0;
    uint64_t *ends, last = 0;
    enum emx_status status = format_load_beside(s, path, MOST_INDEX, 1, &bytes, &len, err);

    if (status)
        return status;
    ends = (uint64_t *)(void *)bytes; /* malloc'ed: aligned */
    if (len % 8 != 0)
        status = emx_fail(err, EMX_ERR_CORRUPT, "%s: %zu bytes are no whole number of 8-byte ends", path, len);
    for (size_t i = 0; i < len / 8 && !status; i++) {
        uint64_t end = le64toh(ends[i]);

        if (end < last)
            status = emx_fail(err, EMX_ERR_CORRUPT,
                              "%s: document %zu (byte %zu) ends at token %llu, before the one in front of it", path, i,
                              8 * i, (unsigned long long)end);
        if (end > last)
            ends[n++] = end;
        last = end;
    }
    if (status) {
        free(bytes);
        return status;
    }
    s->index = (struct document_index){ends, n};
    s->has_index = true;
    if (n == 0)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: %s lists no document", s->path, path);
    return format_check_index(s, err);
}

static void datatrove_close(struct shard_open *s)
{
    free(s->index.ends);
    s->index = (struct document_index){0};
}

static enum emx_status set_type(struct shard_open *s, struct emx_error *err)
{
    char path[PATH_MAX];
    bool is_there = path_existing_sibling(s->space, s->path, ".ds", ".ds.metadata", path);
    enum dtype given = s->options->type.dtype;
    enum emx_status status = EMX_OK;

    if (is_there)
        status = read_metadata(s, path, err);
    else if (given == DTYPE_NONE)
        status =
            emx_fail(err, EMX_ERR_ARG,
                     "%s: has no .metadata beside it to tell the size of a token: give --dtype (u16 or u32)", s->path);
    else
        s->flat.type = s->options->type;
    if (!status && is_there && given != DTYPE_NONE && given != s->flat.type.dtype)
        status = emx_fail(err, EMX_ERR_ARG, "%s: --dtype says otherwise than %s, which says %s", s->path, path,
                          token_type_name(s->flat.type));
    return status;
}

static enum emx_status datatrove_open(struct shard_open *s, struct emx_error *err)
{
    char index[PATH_MAX];
    enum emx_status status = set_type(s, err);

    s->is_flat = true;
    s->flat.n_tokens = UINT64_MAX;
    s->dtype_name = token_type_name(s->flat.type);
    if (!status && path_existing_sibling(s->space, s->path, ".ds", ".ds.index", index))
        status = read_index(s, index, err);
    if (status)
        datatrove_close(s);
    return status;
}

const struct format_ops format_datatrove = {
    .name = "datatrove",
    .summary = "datatrove and nanotron .ds, with .index and .metadata",
    .probe = datatrove_probe,
    .open = datatrove_open,
    .close = datatrove_close,
};
