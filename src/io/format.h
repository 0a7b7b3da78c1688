/*
 * format.h - the table of shard formats: what a new format has to provide
 *
 * A format is one file, src/io/fmt_NAME.c, and one line in the table of formats.c.  It gives the tokens of
 * one shard in order, and where documents end.  There are two kinds:
 *
 *   flat     a run of fixed-width integers at some offset (Megatron, llm.c, raw, .npy, .ds): open() only describes
 *            it (struct flat_layout) and the pipeline decodes, whole frames in parallel where it can;
 *   decoded  anything else (JSONL, MDS): read() produces tokens.
 *
 * Life: probe() -> open() -> read() until 0 tokens, or the pipeline follows the layout -> close().
 * A format may not believe any size a file states before comparing it with the file's own size or
 * with what the stream delivers.
 */
#ifndef IO_FORMAT_H
#define IO_FORMAT_H

#include "io/stream.h"
#include "token/dtype.h"

#include <limits.h>

/* What the user said of a domain; zero / NONE where nothing was said. */
struct format_options {
    const char *format;     /* name in the table, or NULL: recognise by content */
    struct token_type type; /* --dtype */
    const char *column;     /* token column or key of JSONL and MDS; NULL: tokens, input_ids, ids, token_ids */
    uint64_t memory;        /* most bytes for what is kept of an index, of a shard or beside it; 0: no such limit */
};

/* A document ends before token number `end`: ends[] rises and the last is the number of tokens of the shard. */
struct document_index {
    uint64_t *ends; /* [n] owned by the format's state; NULL when n is 0 */
    size_t n;       /* empty documents are left out */
};

struct flat_layout {
    uint64_t offset;   /* of the first token, in decompressed bytes */
    uint64_t n_tokens; /* UINT64_MAX: to the end of the stream */
    bool trailing_ok;  /* bytes after n_tokens are allowed (Megatron: a warning), else an error */
    struct token_type type;
};

struct shard_open {
    /* given */
    const struct file_space *space;
    const char *path;
    const struct format_options *options;
    struct stream *stream;
    /* set by the format's open() */
    bool is_flat;
    struct flat_layout flat;
    const char *dtype_name;      /* for the record: static string, "u16", ..., "text" */
    bool has_index;              /* document ends come from `index`; --eod only checks */
    struct document_index index; /* flat formats */
    bool ends_in_batch;          /* decoded formats: read() marks document ends */
    bool documents_cross_shards; /* llm.c, MDS, build-nanogpt: a tail without EOD is no document of its own */
    bool eod_first;              /* this format's writers put the EOD token before a document (llm.c) */
    uint64_t index_xxh3;         /* of the side file, 0 if none */
    const char *warning;         /* static sentence worth a line on stderr, or NULL */
    void *state;                 /* format's own, freed by close() */
};

/* Tokens from a decoded format. */
struct token_batch {
    uint32_t *tokens; /* [cap] */
    size_t cap;       /* at least 4096 */
    size_t n;
    uint32_t *ends; /* [cap] positions in this batch before which a document ends, 1..n, rising */
    size_t n_ends;
};

struct format_ops {
    const char *name;
    const char *summary; /* one line for --help */
    /* Do these first bytes (and the path's siblings) belong to the format?  Must be specific; cheap. */
    bool (*probe)(const struct file_space *space, const char *path, const void *head, size_t len);
    /* The stream stands at its beginning (peek, read and skip as needed; a flat format leaves it at flat.offset or
     * before). */
    enum emx_status (*open)(struct shard_open *s, struct emx_error *err);
    /* Decoded formats only: fill batch->tokens, n, ends, n_ends; n == 0 && n_ends == 0 means the shard is over.
     * ends[0] may be 0 if tokens of that document were delivered in an earlier batch; n == 0 with an end only in the
     * last batch. */
    enum emx_status (*read)(struct shard_open *s, struct token_batch *batch, struct emx_error *err);
    void (*close)(struct shard_open *s);
};

extern const struct format_ops *const formats[]; /* NULL-terminated */
const struct format_ops *format_by_name(const char *name);

/*
 * Choose the format (option, else by content and siblings) and open it.  A shard that nothing recognises is
 * EMX_ERR_ARG naming --format and --dtype; `raw` needs --dtype.
 */
EMX_CHECKED enum emx_status format_open(struct shard_open *s, const struct format_ops **ret, struct emx_error *err);

/*
 * A file beside the shard, decompressed, as file_load(): s->index_xxh3 is set.  At most `most` bytes, and no more than
 * options->memory / takes: `takes` is how many times its size it takes in memory.
 */
EMX_CHECKED enum emx_status format_load_beside(struct shard_open *s, const char *path, uint64_t most, unsigned takes,
                                               char **ret_data, size_t *ret_len, struct emx_error *err);

/* Is there memory for n bytes of an index?  EMX_ERR_RANGE beyond options->memory. */
EMX_CHECKED enum emx_status format_check_memory(const struct shard_open *s, uint64_t n, struct emx_error *err);

/* For a flat format whose layout is set: compare its number of tokens with the size of the stream, where that is known.
 */
EMX_CHECKED enum emx_status format_check_size(const struct shard_open *s, struct emx_error *err);

/* For a flat format whose index is read: does the last document end where the stream does, if that is known? */
EMX_CHECKED enum emx_status format_check_index(const struct shard_open *s, struct emx_error *err);

/*
 * For a headerless format whose layout is set: a warning if tokens read as u16 look like the halves of u32 ones (nearly
 * every second one below 4, as the high halves of ids below 2^18 are, and the others not).
 */
EMX_CHECKED enum emx_status format_warn_if_wider(struct shard_open *s, struct emx_error *err);

/*
 * The file beside a shard that exists: path without a codec's ending (.zst, .zstd, .gz), then with `from` at its end
 * replaced by `to` ("a.bin.zst", ".bin", ".idx": "a.idx"), or that name with such an ending of its own.  False if path
 * does not end in `from`, or there is no such file; a name of PATH_MAX bytes is none.
 */
bool path_existing_sibling(const struct file_space *space, const char *path, const char *from, const char *to,
                           char ret[PATH_MAX]);

#endif
