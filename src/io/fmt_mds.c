/*
 * fmt_mds.c - MosaicML Streaming: a shard of samples, of whose columns one is tokens
 *
 *     samples N 4, offsets 4 (N + 1), configuration (JSON, to the first offset), samples
 *
 * Samples are windows cut from one stream of documents, so they are read as one run of tokens, which goes on
 * in the next shard.  The shard says itself how it is to be read; index.json, where it is found, is what its size
 * and hash are compared with.
 */
#include "io/content_hash.h"
#include "io/mds_columns.h"
#include "io/mds_index.h"
#include "util/path.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_SAMPLES = 1 << 26,
    MOST_CONFIG = 1 << 20,
    CHUNK_BYTES = 64 << 10,
};

struct mds {
    struct mds_columns columns;
    uint32_t *offsets; /* [n_samples + 1] of the samples */
    uint32_t n_samples, next;
    enum dtype dtype;  /* of the array at hand */
    uint64_t n_values; /* of it, to come */
    uint64_t n_after;  /* bytes of the sample behind it */
    bool over;

    struct mds_index *index;   /* NULL: none lists the shard */
    struct mds_entry entry;    /* if there is an index */
    bool is_zip;               /* the file is the entry's compressed one */
    struct content_hash *hash; /* of what was read so far; NULL: not asked for */
    unsigned char chunk[CHUNK_BYTES];
};

static uint32_t u32_at(const void *p)
{
    uint32_t x;

    memcpy(&x, p, 4);
    return le32toh(x);
}

/* --- recognising ----------------------------------------------------------------------------------------- */

static bool is_named_so(const char *path)
{
    return path_cut(path, path_length_without_codec(path), ".mds");
}

/* Offsets that rise from where a configuration of a possible length ends, which begins as it must. */
static bool looks_so(const unsigned char *head, size_t len)
{
    uint64_t n = len >= 12 ? u32_at(head) : 0, config = 8 + 4 * n, offset = n ? u32_at(head + 4) : 0;

    if (n == 0 || n > MOST_SAMPLES || offset < config + 2 || offset > config + MOST_CONFIG)
        return false;
    for (size_t i = 8; i + 4 <= len && i < config; i += 4) {
        if (u32_at(head + i) < offset)
            return false;
        offset = u32_at(head + i);
    }
    return config + 2 <= len && head[config] == '{' && head[config + 1] == '"'; /* beyond the head only a name tells */
}

static bool mds_probe(const struct file_space *space, const char *path, const void *head, size_t len)
{
    (void)space;
    return is_named_so(path) || looks_so(head, len);
}

/* --- reading in order -------------------------------------------------------------------------------- */

static enum emx_status take(struct shard_open *s, void *buf, size_t n, struct emx_error *err)
{
    struct mds *m = s->state;
    size_t got;
    enum emx_status status = stream_read(s->stream, buf, n, &got, err);

    if (!status && m->hash)
        content_hash_add(m->hash, buf, got);
    if (!status && got < n)
        status = emx_fail(err, EMX_ERR_CORRUPT, "%s: cut off at byte %llu", s->path,
                          (unsigned long long)stream_position(s->stream));
    return status;
}

static enum emx_status take_u32(struct shard_open *s, uint32_t *ret, struct emx_error *err)
{
    unsigned char bytes[4];
    enum emx_status status = take(s, bytes, 4, err);

    if (!status)
        *ret = u32_at(bytes);
    return status;
}

static enum emx_status skip(struct shard_open *s, uint64_t n, struct emx_error *err)
{
    struct mds *m = s->state;
    enum emx_status status = EMX_OK;

    while (n && !status) {
        size_t some = n < CHUNK_BYTES ? (size_t)n : CHUNK_BYTES;

        status = take(s, m->chunk, some, err);
        n -= some;
    }
    return status;
}

/* --- index.json ------------------------------------------------------------------------------------------ */

static bool is_file(const struct mds_file *f, const char *name)
{
    return f->basename && strcmp(f->basename, name) == 0;
}

static void find_entry(struct mds *m, const char *name)
{
    for (size_t i = 0; i < mds_index_n(m->index); i++) {
        m->entry = mds_index_entry(m->index, i);
        m->is_zip = is_file(&m->entry.zip, name);
        if (m->is_zip || is_file(&m->entry.raw, name))
            return;
    }
    mds_index_destroy(&m->index);
}

static enum emx_status load_index(struct shard_open *s, const char *path, struct emx_error *err)
{
    struct mds *m = s->state;
    char *text;
    size_t len;
    enum emx_status status = format_load_beside(s, path, MDS_INDEX_BYTES, MDS_INDEX_TAKES, &text, &len, err);

    if (status)
        return status;
    status = mds_index_parse(path, text, len, &m->index, err);
    free(text);
    return status;
}

/* The index in the folder of the path's first `n` bytes, if it lists the rest of the path. */
static enum emx_status try_index(struct shard_open *s, size_t n, struct emx_error *err)
{
    struct mds *m = s->state;
    char *path = malloc(n + sizeof("index.json"));
    enum emx_status status = EMX_OK;

    if (!path)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->path);
    memcpy(path, s->path, n);
    strcpy(path + n, "index.json");
    if (file_exists(s->space, path))
        status = load_index(s, path, err);
    free(path);
    if (status || !m->index)
        return status;
    find_entry(m, s->path + n);
    s->warning = m->index ? NULL : "index.json beside it does not list this shard, so its size is not verified";
    s->index_xxh3 = m->index ? s->index_xxh3 : 0;
    return EMX_OK;
}

/* In the shard's folder, or, when indexes were merged, in the one above. */
static enum emx_status open_index(struct shard_open *s, struct emx_error *err)
{
    struct mds *m = s->state;
    const char *slash = strrchr(s->path, '/');
    size_t n = slash ? (size_t)(slash + 1 - s->path) : 0, above = n ? n - 1 : 0;
    enum emx_status status = try_index(s, n, err);

    while (above && s->path[above - 1] != '/')
        above--;
    if (!status && !m->index && n)
        status = try_index(s, above, err);
    if (!status && m->index && m->entry.raw.hash_name) {
        m->hash = content_hash_create(m->entry.raw.hash_name);
        if (!m->hash)
            status = emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->path);
    }
    return status;
}

static enum emx_status compare_size(const struct shard_open *s, const char *what, uint64_t found, uint64_t stated,
                                    struct emx_error *err)
{
    if (stated == UINT64_MAX || found == stated)
        return EMX_OK;
    return emx_fail(err, EMX_ERR_CORRUPT, "%s: has %llu %s, but %llu by index.json", s->path, (unsigned long long)found,
                    what, (unsigned long long)stated);
}

/* --- header ------------------------------------------------------------------------------------------ */

static enum emx_status check_offset(const struct shard_open *s, uint32_t i, uint32_t offset, uint32_t previous,
                                    struct emx_error *err)
{
    if (offset >= previous)
        return EMX_OK;
    return emx_fail(err, EMX_ERR_CORRUPT, "%s: sample %u begins at byte %u by the offset at byte %llu, not behind %u",
                    s->path, i, offset, 4 + 4 * (unsigned long long)i, previous);
}

/* Memory grows with what is there, not with what the header says. */
static enum emx_status read_offsets(struct shard_open *s, struct emx_error *err)
{
    struct mds *m = s->state;
    size_t cap = 0;
    uint32_t previous = 8 + 4 * m->n_samples;
    enum emx_status status = EMX_OK;

    for (uint32_t i = 0; i <= m->n_samples && !status; i++) {
        if (i == cap) {
            size_t n_bytes = (cap ? 2 * cap : 1024) * sizeof(*m->offsets);
            uint32_t *larger;

            status = format_check_memory(s, n_bytes, err);
            if (status)
                return status;
            larger = realloc(m->offsets, n_bytes);
            if (!larger)
                return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory for %u samples", s->path, m->n_samples);
            m->offsets = larger;
            cap = cap ? 2 * cap : 1024;
        }
        status = take_u32(s, &m->offsets[i], err);
        if (!status)
            status = check_offset(s, i, m->offsets[i], previous, err);
        previous = m->offsets[i];
    }
    return status;
}

static enum emx_status read_config(struct shard_open *s, struct emx_error *err)
{
    struct mds *m = s->state;
    uint32_t len = m->offsets[0] - (8 + 4 * m->n_samples);
    char *text = NULL;
    enum emx_status status = EMX_OK;

    if (len > MOST_CONFIG)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: a configuration of %u bytes is longer than %d", s->path, len,
                        MOST_CONFIG);
    text = malloc(len + 1);
    if (!text)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->path);
    status = take(s, text, len, err);
    if (!status)
        status = mds_columns_parse(s->path, text, len, s->options, &m->columns, err);
    free(text);
    return status;
}

static enum emx_status check_sizes(const struct shard_open *s, struct emx_error *err)
{
    const struct mds *m = s->state;
    uint64_t size = stream_size(s->stream), end = m->offsets[m->n_samples];
    enum emx_status status = EMX_OK;

    if (size != UINT64_MAX && size != end)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: holds %llu bytes, but its samples end at byte %llu", s->path,
                        (unsigned long long)size, (unsigned long long)end);
    if (m->index)
        status = compare_size(s, "bytes", end, m->entry.raw.n_bytes, err);
    if (!status && m->index)
        status = compare_size(s, "samples", m->n_samples, m->entry.n_samples, err);
    return status;
}

static enum emx_status read_header(struct shard_open *s, struct emx_error *err)
{
    struct mds *m = s->state;
    uint64_t size = stream_size(s->stream);
    enum emx_status status = take_u32(s, &m->n_samples, err);

    if (!status && size != UINT64_MAX && m->n_samples > size / 4)
        status = emx_fail(err, EMX_ERR_FORMAT, "%s: is no MDS shard: the offsets of %u samples do not fit", s->path,
                          m->n_samples);
    if (!status && m->n_samples > MOST_SAMPLES)
        status = emx_fail(err, EMX_ERR_RANGE, "%s: %u samples are more than %d (is it an MDS shard?)", s->path,
                          m->n_samples, MOST_SAMPLES);
    if (!status)
        status = read_offsets(s, err);
    if (!status)
        status = check_sizes(s, err);
    return status ? status : read_config(s, err);
}

/* --- samples ----------------------------------------------------------------------------------------- */

static enum emx_status refuse_sample(const struct shard_open *s, const char *why, struct emx_error *err)
{
    const struct mds *m = s->state;

    return emx_fail(err, EMX_ERR_CORRUPT, "%s: sample %u at byte %u %s", s->path, m->next, m->offsets[m->next], why);
}

/* The shape in front of the values: (dimensions << 2 | k), then the dimensions in 2^k bytes each. */
static enum emx_status take_shape(struct shard_open *s, uint64_t *left, uint64_t *ret_n, struct emx_error *err)
{
    unsigned char head, dimensions[63 * 8];
    size_t width, n;
    enum emx_status status;

    if (*left < 1)
        return refuse_sample(s, "ends within the shape of its tokens", err);
    status = take(s, &head, 1, err);
    width = (size_t)1 << (head & 3);
    n = head >> 2;
    if (!status && *left - 1 < n * width)
        status = refuse_sample(s, "ends within the shape of its tokens", err);
    if (!status)
        status = take(s, dimensions, n * width, err);
    *left -= status ? 0 : 1 + n * width;
    *ret_n = 1;
    for (size_t i = 0; i < n && !status; i++) {
        uint64_t d = 0;

        memcpy(&d, dimensions + i * width, width);
        d = le64toh(d);
        if (d && *ret_n > UINT32_MAX / d)
            status = refuse_sample(s, "states more tokens than a shard can hold", err);
        *ret_n *= d;
    }
    return status;
}

static enum emx_status take_dtype(struct shard_open *s, uint64_t *left, struct emx_error *err)
{
    struct mds *m = s->state;
    unsigned char code;
    enum emx_status status;

    m->dtype = m->columns.dtype;
    if (m->dtype != DTYPE_NONE)
        return EMX_OK;
    if (*left < 1)
        return refuse_sample(s, "has no array of tokens", err);
    status = take(s, &code, 1, err);
    --*left;
    m->dtype = status ? DTYPE_NONE : mds_dtype_of_code(code);
    if (!status && m->dtype == DTYPE_NONE)
        status = refuse_sample(s, "holds an array that is not of integers", err);
    return status;
}

/* Up to the first value of an array in a column of `left` bytes. */
static enum emx_status begin_array(struct shard_open *s, uint64_t left, struct emx_error *err)
{
    struct mds *m = s->state;
    enum emx_status status = take_dtype(s, &left, err);
    size_t size = dtype_size(m->dtype);
    uint64_t n;

    if (status)
        return status;
    n = left / size;
    if (m->columns.has_shape)
        status = take_shape(s, &left, &n, err);
    if (!status && (left != n * size || (m->columns.n_values != UINT64_MAX && n != m->columns.n_values)))
        status = refuse_sample(s, "holds another number of tokens than its shape or type says", err);
    m->n_values = status ? 0 : n;
    s->dtype_name = token_type_name((struct token_type){.dtype = m->dtype});
    return status;
}

static enum emx_status begin_sample(struct shard_open *s, struct emx_error *err)
{
    struct mds *m = s->state;
    const struct mds_columns *c = &m->columns;
    uint64_t total = 0, before = 0, of_token = 0;
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < c->n && !status; i++) {
        uint32_t size = c->sizes[i];

        if (size == 0) {
            status = take_u32(s, &size, err);
            total += 4;
        }
        before += i < c->token ? size : 0;
        of_token = i == c->token ? size : of_token;
        total += status ? 0 : size;
    }
    if (!status && total != m->offsets[m->next + 1] - m->offsets[m->next])
        status = refuse_sample(s, "has columns of another size than the offsets say", err);
    if (!status)
        status = skip(s, before, err);
    if (!status)
        status = begin_array(s, of_token, err);
    m->n_after = m->offsets[m->next + 1] - stream_position(s->stream) - m->n_values * dtype_size(m->dtype);
    m->next++;
    return status;
}

static enum emx_status end_shard(struct shard_open *s, struct emx_error *err)
{
    struct mds *m = s->state;
    const void *more;
    size_t n;
    enum emx_status status = stream_peek(s->stream, &more, 1, &n, err);

    m->over = true;
    if (!status && n)
        status = emx_fail(err, EMX_ERR_CORRUPT, "%s: more bytes follow the last sample at byte %llu", s->path,
                          (unsigned long long)stream_position(s->stream));
    if (!status && m->index && m->is_zip)
        status = compare_size(s, "compressed bytes", stream_n_stored(s->stream), m->entry.zip.n_bytes, err);
    if (!status && m->hash && !content_hash_is(m->hash, m->entry.raw.hash_hex))
        status =
            emx_fail(err, EMX_ERR_CORRUPT, "%s: its %s is not the one in index.json", s->path, m->entry.raw.hash_name);
    return status;
}

/* --- the format ---------------------------------------------------------------------------------------- */

static void mds_close(struct shard_open *s)
{
    struct mds *m = s->state;

    if (m) {
        free(m->offsets);
        content_hash_destroy(&m->hash);
        mds_index_destroy(&m->index);
    }
    free(m);
    s->state = NULL;
}

static enum emx_status mds_open(struct shard_open *s, struct emx_error *err)
{
    enum emx_status status;

    s->state = calloc(1, sizeof(struct mds));
    if (!s->state)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->path);
    s->documents_cross_shards = true;
    s->dtype_name = "ndarray"; /* until the first sample says more */
    status = open_index(s, err);
    if (!status)
        status = read_header(s, err);
    if (status)
        mds_close(s);
    return status;
}

static enum emx_status read_values(struct shard_open *s, struct token_batch *batch, struct emx_error *err)
{
    struct mds *m = s->state;
    size_t size = dtype_size(m->dtype), n = CHUNK_BYTES / size;
    enum emx_status status;

    n = n < batch->cap - batch->n ? n : batch->cap - batch->n;
    n = n < m->n_values ? n : (size_t)m->n_values;
    status = take(s, m->chunk, n * size, err);
    if (status)
        return status;
    tokens_decode(m->chunk, (struct token_type){.dtype = m->dtype}, n, batch->tokens + batch->n);
    batch->n += n;
    m->n_values -= n;
    return EMX_OK;
}

static enum emx_status mds_read(struct shard_open *s, struct token_batch *batch, struct emx_error *err)
{
    struct mds *m = s->state;
    enum emx_status status = EMX_OK;

    batch->n = batch->n_ends = 0;
    while (!status && !m->over && batch->n < batch->cap) {
        if (m->n_values) {
            status = read_values(s, batch, err);
            continue;
        }
        status = skip(s, m->n_after, err);
        m->n_after = 0;
        if (!status)
            status = m->next < m->n_samples ? begin_sample(s, err) : end_shard(s, err);
    }
    return status;
}

const struct format_ops format_mds = {
    .name = "mds",
    .summary = "MosaicML Streaming (LLM Foundry) .mds, with index.json",
    .probe = mds_probe,
    .open = mds_open,
    .read = mds_read,
    .close = mds_close,
};
