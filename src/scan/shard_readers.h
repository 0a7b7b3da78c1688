/*
 * shard_readers.h - the next block of a shard, by what the shard is
 *
 *     flat_read()       tokens as bytes at an offset: plain files, and streams that cannot be cut in pieces
 *     pieces_take(),    the same in many zstd frames: whole frames are taken under the mutex, and blocks of them read
 *     pieces_read()     without it
 *     batches_read()    formats that decode tokens: JSONL, MDS and others
 *
 * For shard.c alone.  All but pieces_read() are called under the shard's mutex.  They set b->span, empty at the end of
 * the shard, or b->is_counted where they have read over what an earlier scan counted.
 */
#ifndef SCAN_SHARD_READERS_H
#define SCAN_SHARD_READERS_H

#include "scan/shard.h"

EMX_CHECKED enum emx_status flat_read(struct shard *s, struct block *b, struct emx_error *err);
/* Where the stream has ended: are the tokens as many as the header says, or a whole number? */
EMX_CHECKED enum emx_status flat_check_end(const struct shard *s, struct emx_error *err);

/* Not *ret_taken: there is no piece, read on otherwise.  One that is counted already need not be decoded. */
EMX_CHECKED enum emx_status pieces_take(struct shard *s, struct block *b, bool *ret_taken, struct emx_error *err);
/* The next block of the piece that b holds; *ret_any false when the piece is used up. */
EMX_CHECKED enum emx_status pieces_read(struct shard *s, struct block *b, bool *ret_any, struct emx_error *err);

EMX_CHECKED enum emx_status batches_read(struct shard *s, struct block *b, struct emx_error *err);

/* --- what they share ----------------------------------------------------------------------------------- */

/* One past the last byte of tokens, after the header. */
uint64_t flat_end(const struct shard *s);
/* The n bytes at `begin` of the content, in b->bytes, as a block; bytes of a token that is not whole are kept apart. */
void flat_set_block(const struct shard *s, struct block *b, uint64_t begin, size_t n);
/* Of n bytes at `begin`, those before `end`. */
size_t flat_clip(size_t n, uint64_t begin, uint64_t end);

/* Where it ends that `at` is counted: `at` itself if it is not; then *ret_stop is where more begins that is. */
uint64_t counted_to(const struct shard *s, uint64_t at, uint64_t *ret_stop);
/* The shard ends before what was counted does, at byte `at` of the content. */
enum emx_status counted_refuse_shorter(const struct shard *s, uint64_t at, struct emx_error *err);

static inline size_t at_most(size_t n, uint64_t limit)
{
    return n < limit ? n : (size_t)limit;
}

#endif
