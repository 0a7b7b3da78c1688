/*
 * shard_makers.h - shards of every format and dialect, made from the layouts that their writers document
 *
 * The same documents go into each; what has to come out is told beside the files.
 */
#ifndef TESTS_SHARD_MAKERS_H
#define TESTS_SHARD_MAKERS_H

#include "io/format.h"
#include "stored.h"

#include <xxhash.h>

struct documents {
    const uint32_t *tokens; /* [n] */
    size_t n;
    const uint64_t *ends; /* [n_ends] rising, the last is n */
    size_t n_ends;
};

struct made_file {
    const char *path; /* NULL: no such file */
    struct bytes bytes;
};

struct made_shard {
    const char *format;
    struct made_file shard, side, metadata;
    struct format_options options;
    bool has_ends; /* the format states where documents end */
};

static inline void made_shard_finish(struct made_shard *m)
{
    bytes_free(&m->shard.bytes);
    bytes_free(&m->side.bytes);
    bytes_free(&m->metadata.bytes);
    *m = (struct made_shard){0};
}

/* Its files, in memory: until the next call. */
static inline struct file_space *made_shard_space(const struct made_shard *m)
{
    static struct memory_file files[3];
    static struct file_space space = {.files = files, .memory_only = true};
    const struct made_file *const all[] = {&m->shard, &m->side, &m->metadata};

    space.n = 0;
    for (size_t i = 0; i < 3; i++) {
        if (all[i]->path)
            files[space.n++] = (struct memory_file){all[i]->path, all[i]->bytes.data, all[i]->bytes.len};
    }
    return &space;
}

/* --- parts ----------------------------------------------------------------------------------------------- */

static inline void put_int(struct bytes *b, uint64_t x, size_t size)
{
    unsigned char le[8];

    for (size_t i = 0; i < size; i++)
        le[i] = (unsigned char)(x >> 8 * i);
    put(b, le, size);
}

static inline void put_text(struct bytes *b, const char *text)
{
    put(b, text, strlen(text));
}

static inline void put_number(struct bytes *b, uint64_t x)
{
    char text[32];

    snprintf(text, sizeof(text), "%" PRIu64, x);
    put_text(b, text);
}

static inline void put_ids(struct bytes *b, const uint32_t *tokens, size_t n, struct token_type type)
{
    size_t size = dtype_size(type.dtype);

    for (size_t i = 0; i < n; i++)
        put_int(b, type.big_endian ? (uint64_t)__builtin_bswap64(tokens[i]) >> (64 - 8 * size) : tokens[i], size);
}

static inline uint64_t document_begin(const struct documents *d, size_t i)
{
    return i ? d->ends[i - 1] : 0;
}

/* --- Megatron -------------------------------------------------------------------------------------------- */

enum megatron_dialect {
    MEGATRON_PLAIN,
    MEGATRON_HALVES,
    MEGATRON_MODES,
    MEGATRON_NO_LAST,
    MEGATRON_ONLY_FIRST,
    FAIRSEQ
};

/* A document is a sequence, or (HALVES) a sequence of one token and one of the rest. */
static inline void put_megatron_index(struct bytes *b, const struct documents *d, enum megatron_dialect dialect,
                                      unsigned code, size_t size)
{
    size_t parts = dialect == MEGATRON_HALVES ? 2 : 1, n_entries = d->n_ends + (dialect != MEGATRON_NO_LAST);
    struct bytes lengths = {0}, pointers = {0};

    for (size_t i = 0; i < d->n_ends; i++) {
        uint64_t at = document_begin(d, i);

        for (size_t k = 0; k < parts; k++) {
            uint64_t end = k + 1 == parts ? d->ends[i] : at + 1;

            put_int(&lengths, end - at, 4);
            put_int(&pointers, at * size, 8);
            at = end;
        }
    }
    n_entries = dialect == FAIRSEQ ? 0 : dialect == MEGATRON_ONLY_FIRST ? 1 : n_entries;
    put(b, "MMIDIDX\0", 9);
    put_int(b, 1, 8);
    put_int(b, code, 1);
    put_int(b, parts * d->n_ends, 8);
    if (dialect != FAIRSEQ)
        put_int(b, n_entries, 8);
    put(b, lengths.data, lengths.len);
    put(b, pointers.data, pointers.len);
    for (size_t i = 0; i < n_entries; i++)
        put_int(b, parts * i, 8);
    for (size_t i = 0; i < d->n_ends && dialect == MEGATRON_MODES; i++)
        put_int(b, 0, 1);
    bytes_free(&lengths);
    bytes_free(&pointers);
}

static inline void make_megatron(struct made_shard *m, const struct documents *d, enum megatron_dialect dialect,
                                 unsigned code, enum dtype dtype)
{
    *m = (struct made_shard){.format = "megatron", .shard.path = "x.bin", .side.path = "x.idx", .has_ends = true};
    put_ids(&m->shard.bytes, d->tokens, d->n, (struct token_type){.dtype = dtype});
    put_megatron_index(&m->side.bytes, d, dialect, code, dtype_size(dtype));
}

/* --- llm.c, bare tokens, NumPy ------------------------------------------------------------------------------ */

static inline void make_llmc(struct made_shard *m, const struct documents *d, uint32_t magic, uint32_t version,
                             enum dtype dtype)
{
    *m = (struct made_shard){.format = "llmc", .shard.path = "x_train_000001.bin"};
    put_int(&m->shard.bytes, magic, 4);
    put_int(&m->shard.bytes, version, 4);
    put_int(&m->shard.bytes, d->n, 4);
    while (m->shard.bytes.len < 1024)
        put_int(&m->shard.bytes, 0, 4);
    put_ids(&m->shard.bytes, d->tokens, d->n, (struct token_type){.dtype = dtype});
}

static inline void make_raw(struct made_shard *m, const struct documents *d, struct token_type type)
{
    *m = (struct made_shard){.format = "raw", .shard.path = "x.bin", .options.type = type};
    put_ids(&m->shard.bytes, d->tokens, d->n, type);
}

static inline void make_dolma(struct made_shard *m, const struct documents *d, enum dtype dtype)
{
    *m = (struct made_shard){.format = "dolma",
                             .shard.path = "part-0-00000.npy",
                             .side.path = "part-0-00000.csv",
                             .options.type.dtype = dtype,
                             .has_ends = true};
    put_ids(&m->shard.bytes, d->tokens, d->n, m->options.type);
    for (size_t i = 0; i < d->n_ends; i++) {
        put_number(&m->side.bytes, document_begin(d, i));
        put_text(&m->side.bytes, ",");
        put_number(&m->side.bytes, d->ends[i]);
        put_text(&m->side.bytes, i % 2 ? ",id,src,3\r\n" : ",\"i,\"\"d\"\"\r\n\",\"s,rc\",3\r\n");
    }
}

/* 2-D if the tokens can be halved. */
static inline void make_npy(struct made_shard *m, const struct documents *d, unsigned version, const char *descr,
                            struct token_type type)
{
    char header[200];
    bool halves = version == 2 && d->n % 2 == 0;
    int len = halves ? snprintf(header, sizeof(header), "{'descr': '%s', 'fortran_order': False, 'shape': (2, %zu), }",
                                descr, d->n / 2)
                     : snprintf(header, sizeof(header), "{'descr': '%s', 'fortran_order': False, 'shape': (%zu,), }",
                                descr, d->n);

    *m = (struct made_shard){.format = "npy", .shard.path = "x.npy"};
    put_text(&m->shard.bytes, "\x93NUMPY");
    put_int(&m->shard.bytes, version, 2);
    put_int(&m->shard.bytes, (uint64_t)len + 1, version == 1 ? 2 : 4);
    put_text(&m->shard.bytes, header);
    put_text(&m->shard.bytes, "\n");
    put_ids(&m->shard.bytes, d->tokens, d->n, type);
}

/* --- datatrove -------------------------------------------------------------------------------------------- */

static inline void make_datatrove(struct made_shard *m, const struct documents *d, enum dtype dtype)
{
    *m = (struct made_shard){.format = "datatrove",
                             .shard.path = "00000_x.ds",
                             .side.path = "00000_x.ds.index",
                             .metadata.path = "00000_x.ds.metadata",
                             .has_ends = true};
    put_ids(&m->shard.bytes, d->tokens, d->n, (struct token_type){.dtype = dtype});
    for (size_t i = 0; i < d->n_ends; i++)
        put_int(&m->side.bytes, d->ends[i], 8);
    put_text(&m->metadata.bytes, dtype == DTYPE_U16 ? "Unknown Tokenizer|2|2\n" : "a|b|4\n");
    put_number(&m->metadata.bytes, d->n);
    put_text(&m->metadata.bytes, "\n1.23 GT");
}

/* --- MDS --------------------------------------------------------------------------------------------------- */

enum mds_encoding { MDS_BYTES, MDS_ANY, MDS_SHAPED, MDS_STATIC };

/* Sample i of `length` tokens, between a text column and a fixed one. */
static inline void put_mds_sample(struct bytes *b, const uint32_t *tokens, size_t length, enum mds_encoding encoding,
                                  size_t i)
{
    struct token_type type = {.dtype = encoding == MDS_BYTES ? DTYPE_I64 : DTYPE_I32};
    struct bytes array = {0};

    if (encoding == MDS_ANY)
        put_int(&array, 33, 1);
    if (encoding == MDS_ANY || encoding == MDS_SHAPED) { /* one dimension, of 1, 2, 4 or 8 bytes */
        size_t k = length > 255 ? 1 + i % 3 : i % 4;

        put_int(&array, 1 << 2 | k, 1);
        put_int(&array, length, (size_t)1 << k);
    }
    put_ids(&array, tokens, length, type);
    put_int(b, i % 5, 4);
    if (encoding != MDS_STATIC)
        put_int(b, array.len, 4);
    put(b, "hello", i % 5);
    put(b, array.data, array.len);
    put_int(b, i, 8);
    bytes_free(&array);
}

static inline void put_mds_config(struct bytes *b, enum mds_encoding encoding, size_t length)
{
    static const char *const encodings[] = {"bytes", "ndarray", "ndarray:int32", "ndarray:int32:"};

    put_text(b, "{\"column_encodings\": [\"str\", \"");
    put_text(b, encodings[encoding]);
    if (encoding == MDS_STATIC)
        put_number(b, length);
    put_text(b, "\", \"int\"], \"column_names\": [\"a\", \"tokens\", \"z\"], \"column_sizes\": [null, ");
    if (encoding == MDS_STATIC)
        put_number(b, 4 * length);
    else
        put_text(b, "null");
    put_text(b, ", 8], \"compression\": null, \"format\": \"mds\", \"size_limit\": 67108864, \"version\": 2}");
}

static inline void put_mds_index(struct bytes *b, const char *raw_name, const struct bytes *raw, size_t n_samples)
{
    char hash[17];

    snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)XXH64(raw->data, raw->len, 0));
    put_text(b,
             "{\"version\": 2, \"shards\": [{\"raw_data\": {\"basename\": \"other.mds\", \"bytes\": 3, \"hashes\": {}},"
             " \"zip_data\": null, \"samples\": 1}, {\"raw_data\": {\"basename\": \"");
    put_text(b, raw_name);
    put_text(b, "\", \"bytes\": ");
    put_number(b, raw->len);
    put_text(b, ", \"hashes\": {\"sha1\": \"00\", \"xxh64\": \"");
    put_text(b, hash);
    put_text(b, "\"}}, \"zip_data\": {\"basename\": \"");
    put_text(b, raw_name);
    put_text(b, ".zstd\", \"hashes\": {}}, \"samples\": ");
    put_number(b, n_samples);
    put_text(b, "}]}");
}

/* Windows of `length` tokens; the last is shorter unless all are of one shape. */
static inline void make_mds(struct made_shard *m, const struct documents *d, enum mds_encoding encoding, size_t length)
{
    struct bytes samples = {0}, offsets = {0}, config = {0};
    size_t n = 0, window = encoding == MDS_STATIC && d->n % length ? d->n : length;

    *m = (struct made_shard){.format = "mds", .shard.path = "m/shard.00000.mds", .side.path = "m/index.json"};
    put_int(&offsets, 0, 4);
    for (size_t at = 0; at < d->n; at += window, n++) {
        put_mds_sample(&samples, d->tokens + at, d->n - at < window ? d->n - at : window, encoding, n);
        put_int(&offsets, samples.len, 4);
    }
    put_mds_config(&config, encoding, window);
    put_int(&m->shard.bytes, n, 4);
    for (size_t i = 0; i <= n; i++) {
        uint32_t offset = (uint32_t)offsets.data[4 * i] | (uint32_t)offsets.data[4 * i + 1] << 8 |
                          (uint32_t)offsets.data[4 * i + 2] << 16 | (uint32_t)offsets.data[4 * i + 3] << 24;

        put_int(&m->shard.bytes, 8 + 4 * n + config.len + offset, 4);
    }
    put(&m->shard.bytes, config.data, config.len);
    put(&m->shard.bytes, samples.data, samples.len);
    put_mds_index(&m->side.bytes, "shard.00000.mds", &m->shard.bytes, n);
    bytes_free(&samples);
    bytes_free(&offsets);
    bytes_free(&config);
}

/* --- JSON -------------------------------------------------------------------------------------------------- */

enum json_dialect { JSON_OBJECTS, JSON_ARRAYS, JSON_CHUNKS };

static inline void put_json_array(struct bytes *b, const uint32_t *tokens, size_t n, bool chunks)
{
    put_text(b, chunks ? "[[" : "[");
    for (size_t i = 0; i < n; i++) {
        put_text(b, i == 0 ? "" : chunks && i % 7 == 0 ? "], [" : i % 3 ? "," : ", ");
        put_number(b, tokens[i]);
    }
    put_text(b, chunks ? "]]" : "]");
}

/* Lines end in LF or CRLF, the last in nothing. */
static inline void make_json(struct made_shard *m, const struct documents *d, enum json_dialect dialect)
{
    struct bytes *b = &m->shard.bytes;

    *m = (struct made_shard){.format = "jsonl", .shard.path = "x.jsonl", .has_ends = true};
    if (dialect == JSON_OBJECTS)
        put_text(b, "\xEF\xBB\xBF");
    for (size_t i = 0; i < d->n_ends; i++) {
        uint64_t begin = document_begin(d, i);

        put_text(b, i ? i % 2 ? "\n" : "\r\n\n" : "");
        if (dialect == JSON_OBJECTS)
            put_text(b, "{\"text\": \"a [1, 2] \\\"b\\u00e9\", \"n\": -1.5e3, \"meta\": {\"tokens\": [\"x\", null]}, "
                        "\"labels\": [-100, 1.5], \"input_ids\": ");
        put_json_array(b, d->tokens + begin, (size_t)(d->ends[i] - begin), dialect == JSON_CHUNKS);
        if (dialect == JSON_OBJECTS)
            put_text(b, ", \"attention_mask\": [1, 1]}");
    }
}

/* --- all of them ---------------------------------------------------------------------------------------------- */

enum { N_SHARD_KINDS = 33 };

static inline void make_npy_kind(struct made_shard *m, const struct documents *d, unsigned kind)
{
    static const struct {
        const char *descr;
        struct token_type type;
    } types[] = {{"<u2", {DTYPE_U16, false}},
                 {"<i4", {DTYPE_I32, false}},
                 {">u2", {DTYPE_U16, true}},
                 {"<i8", {DTYPE_I64, false}},
                 {">u4", {DTYPE_U32, true}}};

    make_npy(m, d, 1 + kind % 3, types[kind].descr, types[kind].type);
}

/*
 * A shard of one of the kinds, below N_SHARD_KINDS, of documents that are not empty and tokens below 2^15.
 * MEGATRON_HALVES needs documents of two tokens or more.  The caller finishes it.
 */
static inline void make_shard(struct made_shard *m, unsigned kind, const struct documents *d)
{
    static const struct token_type raw[] = {{DTYPE_U16, false}, {DTYPE_I16, true}, {DTYPE_U32, false},
                                            {DTYPE_I32, true},  {DTYPE_U64, true}, {DTYPE_I64, false}};

    if (kind < 6)
        make_megatron(m, d, (enum megatron_dialect)kind, 8, DTYPE_U16);
    else if (kind < 9)
        make_megatron(m, d, kind == 6 ? MEGATRON_PLAIN : FAIRSEQ, kind == 8 ? 9 : 4, kind == 8 ? DTYPE_U32 : DTYPE_I32);
    else if (kind < 11)
        make_llmc(m, d, kind == 9 ? 20240520 : 20240801, kind == 9 ? 1 : 7, kind == 9 ? DTYPE_U16 : DTYPE_U32);
    else if (kind < 17)
        make_raw(m, d, raw[kind - 11]);
    else if (kind < 19)
        make_dolma(m, d, kind == 17 ? DTYPE_U16 : DTYPE_U32);
    else if (kind < 24)
        make_npy_kind(m, d, kind - 19);
    else if (kind < 26)
        make_datatrove(m, d, kind == 24 ? DTYPE_U16 : DTYPE_U32);
    else if (kind < 30)
        make_mds(m, d, (enum mds_encoding)(kind - 26), 100);
    else
        make_json(m, d, (enum json_dialect)(kind - 30));
}

#endif
