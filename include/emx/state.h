/*
 * state.h - the .emx file: what a scan counted, exactly
 *
 * The layout is in docs/emx-format.md, byte by byte.  A state holds domains sorted by
 * name; each has its settings, the shards it was counted from, its sorted pair table,
 * its tails and its three spectra.  Equal counts of equal shards give equal bytes.
 *
 * Reading:  emx_state_open() or _open_memory() -> emx_state_domain() / emx_state_pairs_*()
 *           -> emx_state_close()
 * Writing:  emx_state_writer_create() -> for each domain in order of name: _begin_domain(),
 *           then _tails(), _pairs()* in ascending order, _end_domain() -> _skipped() if something was left out
 *           -> _commit() -> _destroy(); _destroy() without _commit() leaves nothing behind.
 */
#ifndef EMX_STATE_H
#define EMX_STATE_H

#include <emx/spectrum.h>
#include <stdbool.h>

#define EMX_STATE_VERSION 1
#define EMX_MAX_VOCABULARY (1u << 24)

enum emx_pairs_mode {
    EMX_PAIRS_WITHIN_DOCUMENT = 0, /* pairs do not cross a document end */
    EMX_PAIRS_STREAM = 1,          /* pairs cross document ends, not shards */
    EMX_PAIRS_WINDOW = 2,          /* pairs cross document ends, not the ends of windows of `window` tokens */
};

#define EMX_NO_TOKEN UINT32_MAX

/* How a domain was counted; two states merge only where these agree. */
struct emx_domain_settings {
    enum emx_pairs_mode pairs;
    uint32_t window;        /* tokens in a window; 0 unless pairs is EMX_PAIRS_WINDOW */
    uint32_t eod;           /* end-of-document token, or EMX_NO_TOKEN */
    bool eod_first;         /* the token opens a document (BOS, llm.c) instead of ending it */
    uint32_t vocabulary;    /* declared: every token is below it; 0 if none was declared */
    uint64_t sample_tokens; /* tokens sampled of the domain; 0: all */
};

/* One shard as it was read.  In arrays sorted by (path, xxh3). */
struct emx_shard_record {
    const char *path;    /* as the user gave it, UTF-8 not required */
    const char *format;  /* name of the shard format, as in --format */
    const char *codec;   /* "none", "zstd" or "gzip" */
    const char *dtype;   /* "u16", ... of the tokens in the shard; "text" for JSON */
    uint64_t n_bytes;    /* bytes of the file that were read (all of it unless sampled) */
    uint64_t xxh3;       /* XXH3-64 (seed 0) of those bytes: `xxhsum -H3` prints the same */
    uint64_t index_xxh3; /* the same of the index beside it (.idx, .index); 0 if none */
    uint64_t n_tokens, n_documents, n_pairs;
};

/*
 * Sums over documents of a domain, from which its von Neumann entropy follows (vne.h); vne_set.h reads and writes them.
 * Sums of two states add up to those of both if `vectors` and all up to `seed` agree, and no document was passed over.
 */
struct emx_covariance {
    uint32_t dimension;
    bool precise;          /* sums are of multiples of 2^-40 instead of 2^-24 (emx_density_bits()) */
    uint64_t vectors;      /* checksum of the vectors of tokens, as they were used (with the weights of tokens) */
    const char *weighting; /* of tokens in a document, as in --weighting */
    uint64_t n_requested;  /* documents of the domain that were to be taken; 0, or more than it has: all */
    uint64_t seed;         /* of the sample */
    uint64_t n_documents;  /* in the sums */
    uint64_t n_left_out;   /* taken, but without direction */
    uint64_t n_tokens, n_tokens_without_vector; /* of the documents taken */
    const char *source;                         /* where the vectors are from, for people */
};

/* Something of a shard that a scan left out, because it was broken, and went on (emx_scan_options.on_error). */
enum emx_skipped_what {
    EMX_SKIPPED_SHARD = 1, /* all of it: nothing of it is in the counts, and it has no record among the shards */
    EMX_SKIPPED_FRAME = 2, /* one zstd frame: the rest of the shard is counted */
};
struct emx_skipped {
    const char *domain; /* its name; the state has no such domain if nothing of it was counted */
    const char *path;   /* as the user gave it */
    const char *reason; /* the sentence that an error would have been */
    enum emx_skipped_what what;
    uint64_t byte_begin, byte_end;   /* of the file as it is stored, where the frame lies; 0 of a shard */
    uint64_t token_begin, token_end; /* numbers of the tokens, from 0 in the shard, that are missing; 0 of a shard */
};

struct emx_domain {
    const char *name;
    struct emx_domain_settings settings;
    const struct emx_shard_record *shards; /* [n_shards] sorted by path */
    size_t n_shards;
    uint64_t n_tokens, n_documents, n_pairs, n_pair_types, n_tails; /* n_tokens = n_pairs + n_tails */
    uint64_t n_documents_without_eod; /* documents of an index (or line) that the declared eod does not end; else 0 */
    uint32_t max_token;               /* largest token id seen; 0 if none */
    struct emx_spectrum tokens, pairs, firsts;
    const struct emx_covariance *covariance; /* NULL: none was summed up */
};

struct emx_state;

/*
 * Open a state file and check its header, directory, every section but the pair tables and
 * the sums of covariances (those are checked as they are read).  path "-" reads all of standard input.
 * EMX_ERR_IO, EMX_ERR_FORMAT (not a state file), EMX_ERR_VERSION, EMX_ERR_CORRUPT, EMX_ERR_MEMORY.
 */
EMX_API EMX_CHECKED enum emx_status emx_state_open(const char *path, struct emx_state **ret, struct emx_error *err);

/* The same from bytes that outlive the state; `name` is used in messages and copied. */
EMX_API EMX_CHECKED enum emx_status emx_state_open_memory(const void *data, size_t len, const char *name,
                                                          struct emx_state **ret, struct emx_error *err);
EMX_API void emx_state_close(struct emx_state **s);

EMX_API size_t emx_state_n_domains(const struct emx_state *s);
/* Borrowed from the state, valid until it is closed. */
EMX_API const struct emx_domain *emx_state_domain(const struct emx_state *s, size_t i);

/* What the scans left out, ascending by domain, path and place.  Borrowed as above. */
EMX_API size_t emx_state_n_skipped(const struct emx_state *s);
EMX_API const struct emx_skipped *emx_state_skipped(const struct emx_state *s, size_t i);

/* One row of a table: the pair (first, second) was seen count times. */
struct emx_pair_count {
    uint32_t first, second;
    uint64_t count;
};

/*
 * Stream the pairs of domain i in ascending order of (first, second), and its tails: tokens
 * that are not the first of a pair (last of a document, window or shard), ascending; they are
 * emx_pair_count rows with second == EMX_NO_TOKEN.  The unigram count of x is the sum of its
 * row plus its tail.  A cursor holds one block at a time: some 300 KiB, never more than 3 MiB.
 * Several cursors may be open on one state; after a failure only destroy them.
 */
struct emx_pair_cursor;
EMX_API EMX_CHECKED enum emx_status emx_pair_cursor_create(struct emx_state *s, size_t domain,
                                                           struct emx_pair_cursor **ret, struct emx_error *err);
EMX_API EMX_CHECKED enum emx_status emx_tail_cursor_create(struct emx_state *s, size_t domain,
                                                           struct emx_pair_cursor **ret, struct emx_error *err);
/* *ret_more is false at the end, and then *ret is not written. */
EMX_API EMX_CHECKED enum emx_status emx_pair_cursor_next(struct emx_pair_cursor *c, struct emx_pair_count *ret,
                                                         bool *ret_more, struct emx_error *err);
EMX_API void emx_pair_cursor_destroy(struct emx_pair_cursor **c);

/*
 * Read every byte and check every checksum, order and total: EMX_OK means that the settings, shards, totals and
 * spectra of each domain are those of its rows.  EMX_ERR_IO, EMX_ERR_CORRUPT, EMX_ERR_MEMORY.
 */
EMX_API EMX_CHECKED enum emx_status emx_state_verify(struct emx_state *s, struct emx_error *err);

/*
 * Writer.  Bytes go to a temporary file beside `path`; _commit() syncs it, renames it to `path` and
 * syncs the folder, so `path` is whole or untouched.  path "-" writes to standard output.
 */
struct emx_state_writer;
EMX_API EMX_CHECKED enum emx_status emx_state_writer_create(const char *path, struct emx_state_writer **ret,
                                                            struct emx_error *err);
/*
 * Of *domain the writer uses name, settings, shards (in any order), n_documents, n_documents_without_eod;
 * it copies them.  All other fields it computes from the rows that follow.  Names must ascend (strcmp).
 * Where there are shards, their tokens, documents and pairs must add up to the domain's: _end_domain() sees to it.
 * EMX_ERR_ARG if not, or for a shard (path, xxh3) that is there twice, or settings out of their limits.
 */
EMX_API EMX_CHECKED enum emx_status
emx_state_writer_begin_domain(struct emx_state_writer *w, const struct emx_domain *domain, struct emx_error *err);
/*
 * Rows ascending strictly by (first, second), over all calls of the domain; counts at least 1 (EMX_ERR_ARG).  Tokens
 * below EMX_MAX_VOCABULARY, the tokens of a domain below 2^63 (EMX_ERR_RANGE).
 */
EMX_API EMX_CHECKED enum emx_status
emx_state_writer_pairs(struct emx_state_writer *w, const struct emx_pair_count *rows, size_t n, struct emx_error *err);
/* All tails of the domain at once, ascending by first; before the first pairs.  Without a call it has none. */
EMX_API EMX_CHECKED enum emx_status
emx_state_writer_tails(struct emx_state_writer *w, const struct emx_pair_count *rows, size_t n, struct emx_error *err);
EMX_API EMX_CHECKED enum emx_status emx_state_writer_end_domain(struct emx_state_writer *w, struct emx_error *err);
/*
 * What was left out, in any order; once, after the last domain.  Of several with one domain, path and place one stays.
 * EMX_ERR_ARG if a string is empty or has 65,536 bytes or more, or a range is no range.
 */
EMX_API EMX_CHECKED enum emx_status emx_state_writer_skipped(struct emx_state_writer *w,
                                                             const struct emx_skipped *skipped, size_t n,
                                                             struct emx_error *err);
EMX_API EMX_CHECKED enum emx_status emx_state_writer_commit(struct emx_state_writer *w, struct emx_error *err);
/* Also removes the temporary file unless committed.  Accepts NULL. */
EMX_API void emx_state_writer_destroy(struct emx_state_writer **w);

/*
 * Merge state files into one: equal bytes to one scan of everything.  Streams the tables; memory does
 * not grow with them (each input takes some 300 KiB and a file descriptor).  Domains of one name join
 * when their settings are equal and nothing was sampled, else EMX_ERR_ARG.  A shard (domain, path,
 * checksum) present in two inputs would be counted twice: EMX_ERR_ARG.  The output may be one of the inputs.
 * What the inputs left out is listed, but for shards that another input has counted since.
 *
 * Covariances of domains that join are added up, in integers, and dropped with a warning where that is not what one
 * scan would give: an input has none or another kind (struct emx_covariance), or not all documents were taken.
 */
struct emx_merge_options {
    /* Called with a sentence worth a warning.  NULL: dropped. */
    void (*warn)(const char *sentence, void *context);
    void *context;
};
/* Options NULL: none. */
EMX_API EMX_CHECKED enum emx_status emx_state_merge(const char *const *inputs, size_t n_inputs, const char *output,
                                                    const struct emx_merge_options *options, struct emx_error *err);

#endif
