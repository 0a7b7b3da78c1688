/*
 * fmt_megatron.c - Megatron-LM, NeMo, GPT-NeoX, fairseq: PREFIX.bin beside PREFIX.idx
 *
 * The .bin is bare tokens, so a .bin with an .idx beside it is Megatron whatever its bytes are.  Two layouts share the
 * index's magic and version, and only the size of the index tells them apart:
 *
 *     magic 9, version 8, dtype 1, sequences S 8, then
 *     Megatron   document entries D 8, lengths 4 S, pointers 8 S, documents 8 D [, modes S]
 *     fairseq    lengths 4 S, pointers 8 S: each sequence is a document
 *
 * Nothing is aligned.  An index can be many gigabytes: it is read in pieces, and of it only the ends of documents
 * are kept.
 */
#include "io/format.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAGIC_BYTES = 9,
    FAIRSEQ_HEADER = 26,
    MEGATRON_HEADER = 34,
    PIECE = 8192, /* entries read at a time */
};
static const char magic[MAGIC_BYTES] = "MMIDIDX\0";
#define MOST_INDEX (UINT64_C(1) << 40)
#define MOST_LOADED (UINT64_C(1) << 32) /* of a compressed index, which has to be in memory whole */

struct index {
    const char *path;
    struct file *file; /* plain, or */
    char *data;        /* [size] decompressed */
    uint64_t size;
    uint64_t n_sequences, n_entries;       /* S, D (0: fairseq) */
    uint64_t lengths, pointers, documents; /* offsets */
    struct token_type type;
};

static uint64_t u64_at(const void *p)
{
    uint64_t x;

    memcpy(&x, p, 8);
    return le64toh(x);
}

static uint32_t u32_at(const void *p)
{
    uint32_t x;

    memcpy(&x, p, 4);
    return le32toh(x);
}

static enum emx_status index_read(const struct index *x, uint64_t offset, void *buf, size_t n, struct emx_error *err)
{
    if (x->file)
        return file_read_at(x->file, offset, buf, n, err);
    if (offset > x->size || n > x->size - offset)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: is cut off at byte %llu", x->path, (unsigned long long)x->size);
    memcpy(buf, x->data + offset, n);
    return EMX_OK;
}

static bool is_compressed_name(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot && strcmp(dot, ".idx") != 0;
}

static void index_close(struct index *x)
{
    file_close(&x->file);
    free(x->data);
    x->data = NULL;
}

static enum emx_status index_open(struct index *x, struct shard_open *s, const char *path, struct emx_error *err)
{
    size_t len = 0;
    enum emx_status status;

    *x = (struct index){.path = path};
    if (is_compressed_name(path)) {
        status = format_load_beside(s, path, MOST_LOADED, 1, &x->data, &len, err);
        x->size = len;
        return status;
    }
    status = file_open(s->space, path, &x->file, err);
    if (!status)
        x->size = file_size(x->file);
    if (!status && x->size > MOST_INDEX)
        status = emx_fail(err, EMX_ERR_RANGE, "%s: an index of %llu bytes is larger than 1 TiB", path,
                          (unsigned long long)x->size);
    return status;
}

/* --- header -------------------------------------------------------------------------------------------- */

static enum emx_status read_dtype(struct index *x, unsigned code, struct emx_error *err)
{
    static const enum dtype dtypes[] = {[1] = DTYPE_U8,  [2] = DTYPE_I8,  [3] = DTYPE_I16, [4] = DTYPE_I32,
                                        [5] = DTYPE_I64, [8] = DTYPE_U16, [9] = DTYPE_U32, [10] = DTYPE_U64};

    if (code >= sizeof(dtypes) / sizeof(*dtypes) || dtypes[code] == DTYPE_NONE)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: dtype code %u at byte 17 is %s", x->path, code,
                        code == 6 || code == 7 ? "of floating point: these are no tokens" : "not known");
    x->type = (struct token_type){.dtype = dtypes[code]};
    return EMX_OK;
}

/* Megatron's or fairseq's, by size; modes of multimodal sets (one byte a sequence) may follow. */
static enum emx_status lay_out(struct index *x, uint64_t entries, struct emx_error *err)
{
    uint64_t s = x->n_sequences, least = MEGATRON_HEADER + 12 * s;

    if (s > MOST_INDEX / 12)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: %llu sequences at byte 18 do not fit in its %llu bytes", x->path,
                        (unsigned long long)s, (unsigned long long)x->size);
    if (x->size == FAIRSEQ_HEADER + 12 * s) {
        x->lengths = FAIRSEQ_HEADER;
    } else if (entries <= MOST_INDEX / 8 && (x->size == least + 8 * entries || x->size == least + 8 * entries + s)) {
        x->lengths = MEGATRON_HEADER;
        x->n_entries = entries;
    } else {
        return emx_fail(
            err, EMX_ERR_CORRUPT,
            "%s: holds %llu bytes, but %llu sequences and %llu document entries take %llu: cut off or damaged", x->path,
            (unsigned long long)x->size, (unsigned long long)s, (unsigned long long)entries,
            (unsigned long long)(least + 8 * (entries & (MOST_INDEX - 1))));
    }
    x->pointers = x->lengths + 4 * s;
    x->documents = x->pointers + 8 * s;
    return EMX_OK;
}

static enum emx_status read_header(struct index *x, struct emx_error *err)
{
    unsigned char head[MEGATRON_HEADER] = {0};
    size_t n = x->size < sizeof(head) ? (size_t)x->size : sizeof(head);
    enum emx_status status = index_read(x, 0, head, n, err);

    if (status)
        return status;
    if (n < FAIRSEQ_HEADER || memcmp(head, magic, MAGIC_BYTES) != 0) {
        if (n >= 6 && memcmp(head, "TNTIDX", 6) == 0)
            return emx_fail(err, EMX_ERR_FORMAT,
                            "%s: is a legacy (TNTIDX) index, which is not supported; convert it to mmap", x->path);
        if (n >= 7 && memcmp(head, "HUFFIDX", 7) == 0)
            return emx_fail(err, EMX_ERR_FORMAT, "%s: is a Huffman-coded fairseq index, which is not supported",
                            x->path);
        return emx_fail(err, EMX_ERR_FORMAT, "%s: does not begin with the magic MMIDIDX of a Megatron index", x->path);
    }
    if (u64_at(head + 9) != 1)
        return emx_fail(err, EMX_ERR_VERSION, "%s: index version %llu at byte 9 is not 1", x->path,
                        (unsigned long long)u64_at(head + 9));
    status = read_dtype(x, head[17], err);
    if (status)
        return status;
    x->n_sequences = u64_at(head + 18);
    return lay_out(x, n == sizeof(head) ? u64_at(head + 26) : 0, err);
}

/* --- documents ----------------------------------------------------------------------------------------- */

/* Reads the arrays of an index side by side, a piece at a time. */
struct sequences {
    const struct index *index;
    uint64_t next;
    unsigned char lengths[4 * PIECE], pointers[8 * PIECE];
};

static enum emx_status next_sequence(struct sequences *q, uint32_t *ret_length, uint64_t *ret_pointer,
                                     struct emx_error *err)
{
    const struct index *x = q->index;
    size_t at = (size_t)(q->next % PIECE);

    if (at == 0) {
        uint64_t left = x->n_sequences - q->next;
        size_t n = left < PIECE ? (size_t)left : PIECE;
        enum emx_status status = index_read(x, x->lengths + 4 * q->next, q->lengths, 4 * n, err);

        if (!status)
            status = index_read(x, x->pointers + 8 * q->next, q->pointers, 8 * n, err);
        if (status)
            return status;
    }
    *ret_length = u32_at(q->lengths + 4 * at);
    *ret_pointer = u64_at(q->pointers + 8 * at);
    q->next++;
    return EMX_OK;
}

/*
 * Where documents end, in sequences, ascending: documents[1..] where the writer filled it as Megatron does (first 0,
 * last S); third-party writers leave the last one out or write only the first: then the ends are as many as can be
 * told.
 */
struct documents {
    const struct index *index;
    bool each_sequence; /* no usable document index */
    uint64_t next;      /* entry */
    uint64_t end;       /* of the document at hand, in sequences */
    unsigned char entries[8 * PIECE];
    uint64_t loaded; /* first entry in entries[], or UINT64_MAX */
};

static enum emx_status entry_at(struct documents *d, uint64_t i, uint64_t *ret, struct emx_error *err)
{
    const struct index *x = d->index;

    if (d->loaded == UINT64_MAX || i < d->loaded || i >= d->loaded + PIECE) {
        uint64_t begin = i - i % PIECE, left = x->n_entries - begin;
        enum emx_status status =
            index_read(x, x->documents + 8 * begin, d->entries, 8 * (size_t)(left < PIECE ? left : PIECE), err);

        if (status)
            return status;
        d->loaded = begin;
    }
    *ret = u64_at(d->entries + 8 * (i - d->loaded));
    return EMX_OK;
}

static enum emx_status documents_begin(struct documents *d, const struct index *x, const char **ret_warning,
                                       struct emx_error *err)
{
    uint64_t first = 0, last = 0;
    enum emx_status status = EMX_OK;

    d->index = x;
    d->loaded = UINT64_MAX;
    d->next = 1;
    if (x->n_entries) {
        status = entry_at(d, 0, &first, err);
        if (!status)
            status = entry_at(d, x->n_entries - 1, &last, err);
    }
    if (status)
        return status;
    if (first != 0 || last > x->n_sequences)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: the document index runs from sequence %llu to %llu, of %llu",
                        x->path, (unsigned long long)first, (unsigned long long)last,
                        (unsigned long long)x->n_sequences);
    d->each_sequence = x->n_entries < 2 || last != x->n_sequences;
    if (d->each_sequence && x->lengths == MEGATRON_HEADER && x->n_sequences)
        *ret_warning = "the document index does not reach the last sequence, so each sequence counts as a document";
    return EMX_OK;
}

/* Sequences below *ret make up the documents so far; called once for each sequence number `done` that was reached. */
static enum emx_status is_document_end(struct documents *d, uint64_t done, bool *ret, struct emx_error *err)
{
    *ret = d->each_sequence;
    while (!d->each_sequence && d->end < done && d->next < d->index->n_entries) {
        uint64_t end;
        enum emx_status status = entry_at(d, d->next, &end, err);

        if (status)
            return status;
        if (end < d->end || end > d->index->n_sequences)
            return emx_fail(err, EMX_ERR_CORRUPT, "%s: document entry %llu is sequence %llu, after %llu",
                            d->index->path, (unsigned long long)d->next, (unsigned long long)end,
                            (unsigned long long)d->end);
        d->end = end;
        d->next++;
    }
    if (!d->each_sequence)
        *ret = d->end == done;
    return EMX_OK;
}

static enum emx_status add_end(struct shard_open *s, size_t *cap, uint64_t end, struct emx_error *err)
{
    struct document_index *index = &s->index;

    if (index->n && index->ends[index->n - 1] == end)
        return EMX_OK; /* an empty document */
    if (index->n == *cap) {
        size_t larger = *cap ? 2 * *cap : 1024;
        enum emx_status status = format_check_memory(s, larger * sizeof(*index->ends), err);
        uint64_t *ends = status ? NULL : realloc(index->ends, larger * sizeof(*ends));

        if (status)
            return status;
        if (!ends)
            return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory for %zu documents", s->path, larger);
        index->ends = ends;
        *cap = larger;
    }
    index->ends[index->n++] = end;
    return EMX_OK;
}

static enum emx_status check_sequence(const struct index *x, uint64_t i, uint32_t length, uint64_t pointer,
                                      uint64_t n_tokens, struct emx_error *err)
{
    size_t size = dtype_size(x->type.dtype);

    if (length > INT32_MAX)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: the length of sequence %llu at byte %llu is negative", x->path,
                        (unsigned long long)i, (unsigned long long)(x->lengths + 4 * i));
    if (pointer != n_tokens * size)
        return emx_fail(
            err, EMX_ERR_FORMAT,
            "%s: sequence %llu is said to begin at byte %llu of the .bin, not where the one before it ends, %llu: "
            "sequences out of order are not supported",
            x->path, (unsigned long long)i, (unsigned long long)pointer, (unsigned long long)(n_tokens * size));
    if (n_tokens + length > (UINT64_C(1) << 60))
        return emx_fail(err, EMX_ERR_RANGE, "%s: more than 2^60 tokens", x->path);
    return EMX_OK;
}

static enum emx_status read_documents(const struct index *x, struct shard_open *s, uint64_t *ret_tokens,
                                      struct emx_error *err)
{
    struct sequences *q = calloc(1, sizeof(*q));
    struct documents *d = calloc(1, sizeof(*d));
    size_t cap = 0;
    uint64_t n_tokens = 0;
    enum emx_status status = EMX_OK;

    if (!q || !d)
        status = emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", x->path);
    else
        status = documents_begin(d, x, &s->warning, err);
    if (!status)
        q->index = x;
    for (uint64_t i = 0; i < x->n_sequences && !status; i++) {
        uint32_t length;
        uint64_t pointer;
        bool ends = false;

        status = next_sequence(q, &length, &pointer, err);
        if (!status)
            status = check_sequence(x, i, length, pointer, n_tokens, err);
        if (!status)
            status = is_document_end(d, i + 1, &ends, err);
        if (status)
            break;
        n_tokens += length;
        if (ends && n_tokens)
            status = add_end(s, &cap, n_tokens, err);
    }
    *ret_tokens = n_tokens;
    free(q);
    free(d);
    return status;
}

/* --- the format ---------------------------------------------------------------------------------------- */

static bool megatron_probe(const struct file_space *space, const char *path, const void *head, size_t len)
{
    char index[PATH_MAX];

    (void)head;
    (void)len;
    return path_existing_sibling(space, path, ".bin", ".idx", index);
}

static void megatron_close(struct shard_open *s)
{
    free(s->index.ends);
    s->index = (struct document_index){0};
}

static enum emx_status check_bin(struct shard_open *s, const char *index, struct emx_error *err)
{
    uint64_t size = stream_size(s->stream), item = dtype_size(s->flat.type.dtype);

    if (size == UINT64_MAX)
        return EMX_OK;
    if (size / item < s->flat.n_tokens)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: holds %llu bytes, but %s points to byte %llu", s->path,
                        (unsigned long long)size, index, (unsigned long long)(s->flat.n_tokens * item));
    if (size > s->flat.n_tokens * item && !s->warning)
        s->warning = "bytes follow the last token that the index knows of; they are not counted";
    return EMX_OK;
}

static enum emx_status megatron_open(struct shard_open *s, struct emx_error *err)
{
    char path[PATH_MAX];
    struct index x;
    uint64_t n_tokens = 0;
    enum emx_status status;

    if (!path_existing_sibling(s->space, s->path, ".bin", ".idx", path))
        return emx_fail(err, EMX_ERR_IO, "%s: has no .idx beside it (give the .bin of PREFIX.bin and PREFIX.idx)",
                        s->path);
    status = index_open(&x, s, path, err);
    if (!status)
        status = read_header(&x, err);
    if (!status && x.file) /* only now: an index can be large, and be none */
        status = file_checksum(x.file, file_size(x.file), &s->index_xxh3, err);
    if (!status)
        status = read_documents(&x, s, &n_tokens, err);
    if (!status) {
        s->is_flat = true;
        s->has_index = true;
        s->flat = (struct flat_layout){.n_tokens = n_tokens, .trailing_ok = true, .type = x.type};
        s->dtype_name = token_type_name(x.type);
        status = check_bin(s, path, err);
    }
    if (status)
        megatron_close(s);
    index_close(&x);
    return status;
}

const struct format_ops format_megatron = {
    .name = "megatron",
    .summary = "Megatron, NeMo, GPT-NeoX, fairseq: .bin beside .idx",
    .probe = megatron_probe,
    .open = megatron_open,
    .close = megatron_close,
};
