/*
 * fmt_dolma.c - Dolma and OLMo: a .npy that is none, but bare tokens; maybe a .csv.gz of documents beside it
 *
 * Rows of the sidecar are start,end[,id,src,loc], ends exclusive, in tokens, and cover the shard.  Only the two numbers
 * are read; the other fields may be quoted and hold commas and line ends.
 */
#include "io/format.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_ROW = 4 /* bytes: "0,1" and the end of its line */ };
#define MOST_SIDECAR (UINT64_C(1) << 34)

static bool is_true_npy(const void *head, size_t len)
{
    return len >= 6 && memcmp(head, "\x93NUMPY", 6) == 0;
}

/* Headerless, so only its sidecar can tell; without one --dtype makes it `raw`, which reads the same tokens. */
static bool dolma_probe(const struct file_space *space, const char *path, const void *head, size_t len)
{
    char sidecar[PATH_MAX];

    return path_existing_sibling(space, path, ".npy", ".csv", sidecar) && !is_true_npy(head, len);
}

/* --- sidecar ------------------------------------------------------------------------------------------- */

struct rows {
    const char *path, *p, *end;
    uint64_t line;
};

static bool take_number(struct rows *r, char after, uint64_t *ret)
{
    const char *begin = r->p;

    for (*ret = 0; r->p < r->end && isdigit((unsigned char)*r->p); r->p++) {
        if (*ret > UINT64_MAX / 20)
            return false;
        *ret = *ret * 10 + (uint64_t)(*r->p - '0');
    }
    if (r->p == begin)
        return false;
    if (after && (r->p == r->end || *r->p != after))
        return false;
    r->p += after != 0;
    return true;
}

/* To the end of the row, over quoted fields. */
static void skip_rest(struct rows *r)
{
    bool quoted = false;

    for (; r->p < r->end && (quoted || *r->p != '\n'); r->p++) {
        quoted ^= *r->p == '"';
        r->line += *r->p == '\n';
    }
    if (r->p < r->end)
        r->p++;
    r->line++;
}

static enum emx_status read_rows(struct rows *r, uint64_t *ends, size_t *ret_n, struct emx_error *err)
{
    uint64_t start, end, last = 0;

    for (*ret_n = 0; r->p < r->end; skip_rest(r)) {
        if (*r->p == '\r' || *r->p == '\n')
            continue;
        if (!take_number(r, ',', &start) || !take_number(r, 0, &end))
            return emx_fail(err, EMX_ERR_FORMAT, "%s: line %llu does not begin with two numbers, start,end", r->path,
                            (unsigned long long)r->line);
        if (start != last || end < start)
            return emx_fail(err, EMX_ERR_CORRUPT,
                            "%s: line %llu is a document from token %llu to %llu, after one to %llu", r->path,
                            (unsigned long long)r->line, (unsigned long long)start, (unsigned long long)end,
                            (unsigned long long)last);
        if (end > last)
            ends[(*ret_n)++] = end;
        last = end;
    }
    return EMX_OK;
}

static enum emx_status read_sidecar(struct shard_open *s, const char *path, struct emx_error *err)
{
    char *text;
    size_t len;
    enum emx_status status = format_load_beside(s, path, MOST_SIDECAR, 3, &text, &len, err);
    struct rows r;
    uint64_t *ends;

    if (status)
        return status;
    ends = malloc((len / LEAST_ROW + 1) * sizeof(*ends));
    r = (struct rows){path, text, text + len, 1};
    status = ends ? read_rows(&r, ends, &s->index.n, err) : emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    free(text);
    if (status) {
        free(ends);
        s->index.n = 0;
        return status;
    }
    s->index.ends = ends;
    s->has_index = true;
    if (s->index.n == 0)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: %s lists no document: an abandoned shard of zeros?", s->path, path);
    return format_check_index(s, err);
}

/* --- opening ------------------------------------------------------------------------------------------- */

static void dolma_close(struct shard_open *s)
{
    free(s->index.ends);
    s->index = (struct document_index){0};
}

static enum emx_status dolma_open(struct shard_open *s, struct emx_error *err)
{
    struct token_type type = s->options->type;
    char sidecar[PATH_MAX];
    const void *head;
    size_t len;
    enum emx_status status = stream_peek(s->stream, &head, 16, &len, err);

    if (!status && is_true_npy(head, len))
        status = emx_fail(err, EMX_ERR_FORMAT, "%s: has a NumPy header: its --format is npy", s->path);
    if (!status && type.dtype == DTYPE_NONE)
        status = emx_fail(err, EMX_ERR_ARG,
                          "%s: a headerless .npy does not say what its tokens are: give --dtype (u16, u32)", s->path);
    s->is_flat = true;
    s->flat = (struct flat_layout){.n_tokens = UINT64_MAX, .type = type};
    s->dtype_name = token_type_name(type);
    if (!status && path_existing_sibling(s->space, s->path, ".npy", ".csv", sidecar))
        status = read_sidecar(s, sidecar, err);
    if (!status)
        status = format_warn_if_wider(s, err);
    if (status)
        dolma_close(s);
    return status;
}

const struct format_ops format_dolma = {
    .name = "dolma",
    .summary = "Dolma and OLMo headerless .npy, maybe with .csv.gz (needs --dtype)",
    .probe = dolma_probe,
    .open = dolma_open,
    .close = dolma_close,
};
