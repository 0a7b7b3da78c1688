/*
 * shard.h - one shard on its way through the threads
 *
 * Any number of threads work on a shard at once.  Each takes the next block under the shard's mutex, and counts it
 * after it has let go:
 *
 *     plain, gzip, one zstd frame, JSONL, MDS   reading and decoding go on under the mutex, one after the other;
 *     many zstd frames                          only the stored bytes are read under it: a "piece" of whole frames,
 * which the thread decodes by itself, block by block.
 *
 * So nobody waits for a queue, each thread has one block's buffers, and memory is bounded by the number of threads.
 * Blocks of one shard are counted in any order; each leaves a span, which remembers its first and last token.
 * When all blocks are counted, the last thread joins the spans in order and counts the pairs across their seams
 * (seams.h).
 *
 * Told to (skips_frames), a thread decodes the frames of a piece once before it reads blocks of them, so that nothing
 * of a broken one is counted: a gap is left in its place, and seams_join() breaks pairs there.
 *
 * A block may come out empty, for it has read over tokens that were counted before the scan was interrupted.
 *
 * Calls: (shard_take -> count the block -> shard_put)* by each thread until shard_take yields none; the one
 * that is told `last` then counts the seams, describes the shard and closes it.
 */
#ifndef SCAN_SHARD_H
#define SCAN_SHARD_H

#include "scan/block.h"
#include "scan/domain.h"
#include "scan/gaps.h"
#include "scan/stretch.h"

struct shard {
    /* constant after creation */
    struct domain *domain;
    const char *path; /* as given */
    const char *name; /* in messages: the path, or "standard input" */
    const struct format_options *options;
    uint64_t size;  /* bytes of the file; UINT64_MAX for a pipe */
    uint64_t limit; /* tokens to take, UINT64_MAX: all */
    int window_log_max;
    bool signs;        /* blocks are signed when they are counted, so that they can be taken back */
    bool may_fail;     /* if it is broken it is skipped: errors are kept in `failure` */
    bool skips_frames; /* a frame of a piece that cannot be decoded is left out: it becomes a gap */
    bool is_taken;     /* a checkpoint of another rank has it, begun or done */

    pthread_mutex_t mutex;
    /* guarded by the mutex; but `open`, `format` and `key` are constant once a block was taken */
    /* Failed: one thread, or (may_fail) the shard has the error; the others find no more blocks. */
    enum { SHARD_NEW, SHARD_OPEN, SHARD_ENDED, SHARD_FAILED } stage;
    struct shard_open open;
    const struct format_ops *format;
    struct pair_key key;
    uint64_t n_taken; /* tokens handed out, decoded formats and samples */
    unsigned n_out;   /* blocks and pieces that are not back yet */
    bool finished;    /* somebody was told `last` */
    struct span *spans;
    size_t n_spans, cap_spans;
    struct shard_sums sums;
    struct emx_error *failure; /* the first by its place in the shard, whichever thread finds its error first */
    uint64_t failed_at;
    struct stretches stretches; /* of documents, if they are summed up */
    struct gaps gaps;

    /* constant after creation: what an earlier scan has counted, in order; it is read again, for the checksum only */
    struct counted {
        uint64_t begin, end; /* as of a span */
    } * counted;             /* [n_counted] */
    size_t n_counted;

    _Atomic uint64_t n_bytes_read; /* for progress */
};

/* Bytes of a token in the units of spans. */
static inline size_t shard_token_size(const struct shard *s)
{
    return s->open.is_flat ? dtype_size(s->open.flat.type.dtype) : 4;
}

void shard_init(struct shard *s, struct domain *domain, const char *path);
void shard_finish(struct shard *s);

/*
 * Go on where an earlier scan of the same shard was: its spans, which are joined, and sums.  Before any block is taken.
 */
EMX_CHECKED enum emx_status shard_restore(struct shard *s, const struct span *spans, size_t n_spans,
                                          const struct shard_sums *sums, struct emx_error *err);

/*
 * The next block of the shard into *b; *ret_any false: there is none.  *ret_last true (only with *ret_any false): all
 * blocks are back and nobody else was told.  If then `failure` is set, the shard is broken; without may_fail the call
 * returns the error instead.
 */
EMX_CHECKED enum emx_status shard_take(struct shard *s, struct block *b, bool *ret_any, bool *ret_last,
                                       struct emx_error *err);
/* Hand back a counted block: its span and sums. */
EMX_CHECKED enum emx_status shard_put(struct shard *s, const struct block *b, bool *ret_last, struct emx_error *err);
/* Hand back a block that could not be counted, for *error is wrong with the shard (which may_fail). */
EMX_CHECKED enum emx_status shard_put_broken(struct shard *s, struct block *b, const struct emx_error *error,
                                             bool *ret_last, struct emx_error *err);
/* For who was told `last`: the shard as a whole is wrong. */
EMX_CHECKED enum emx_status shard_fail(struct shard *s, const struct emx_error *error, struct emx_error *err);
/* The same without the mutex, for who was told `last` and found a block of its own (a token across two pieces). */
EMX_CHECKED enum emx_status shard_add_block(struct shard *s, const struct block *b, struct emx_error *err);

/* The first entry of the document index that is greater than `index`: a position in open.index.ends. */
size_t shard_index_after(const struct shard *s, uint64_t index);
/* Tokens from the first to the last, counted or in a gap. */
uint64_t shard_n_positions(const struct shard *s);
/* Does the index end a document before token `index`? */
bool shard_index_ends_at(const struct shard *s, uint64_t index);

/* For who was told `last`: spans and gaps in order. */
void shard_sort_spans(struct shard *s);
/* The index must end where the tokens end. */
EMX_CHECKED enum emx_status shard_check_index(const struct shard *s, struct emx_error *err);

/* What the record of a shard needs to know of its file, before it is closed.  Strings are static or the shard's path.
 */
void shard_describe(const struct shard *s, struct emx_shard_record *ret);
void shard_close(struct shard *s);

#endif
