/*
 * block.h - one thread's buffers, and the block of a shard that is in them
 */
#ifndef SCAN_BLOCK_H
#define SCAN_BLOCK_H

#include "io/format.h"

enum {
    BLOCK_BYTES = 256 << 10, /* of content; with its table lines it stays in a 512 KiB L2 */
    BLOCK_TOKENS = BLOCK_BYTES / 2,
};

/* Where one block began and ended. */
struct span {
    uint64_t begin, end;        /* bytes of content after the header (decoded formats: 4 a token) */
    uint64_t n;                 /* whole tokens */
    uint32_t first, last;       /* of them */
    bool end_before, end_after; /* a decoded format has a document end at this edge */
    uint8_t n_head, n_tail;     /* bytes of a token that lies across two pieces */
    uint8_t head[8], tail[8];
    uint64_t check; /* sum of its blocks' (block_sign()) where the shard signs, else 0 */
};

/* What the blocks of a shard add up to. */
struct shard_sums {
    uint64_t n_tokens, n_eod;
    uint64_t n_plain_ends; /* document ends of the index at which no EOD stands */
};

/*
 * One thread's buffers and the block in them.  The thread makes them itself, after it was bound, so their pages lie on
 * its NUMA node; of what it counts only the buffers of a stream that cannot be cut in pieces may lie elsewhere, with
 * the thread that opened the shard.
 */
struct block {
    const void *tokens; /* [n] of `width` bytes, native */
    size_t width, n;
    uint64_t index;       /* of tokens[0] in the shard */
    const uint32_t *ends; /* [n_ends] decoded formats: a document ends before tokens[ends[i]], 0 < ends[i] < n */
    size_t n_ends;
    struct span span;
    struct shard_sums sums; /* filled by who counts the block */

    unsigned char *bytes; /* [BLOCK_BYTES] */
    uint32_t *wide;       /* [BLOCK_BYTES] enough for one-byte tokens */
    uint32_t *end_buffer; /* [BLOCK_TOKENS] */
    struct stream_piece piece;
    bool in_piece;
    uint64_t piece_position; /* in the content, of the next byte of the piece */
    uint64_t piece_good_to;  /* there a broken frame may begin; before it all was decoded once (skips_frames) */
    struct piece_decoder *decoder;
    bool is_counted; /* no tokens are in it, but it took part in reading on over some that were counted already */
    double seconds_decoding, seconds_waiting;
};

static inline uint32_t block_token(const struct block *b, size_t i)
{
    return b->width == 2 ? ((const uint16_t *)b->tokens)[i] : ((const uint32_t *)b->tokens)[i];
}

/* Take the checksum of the block's tokens and ends into b->span.check. */
void block_sign(struct block *b);

EMX_CHECKED enum emx_status block_init(struct block *b, int window_log_max, struct emx_error *err);
void block_finish(struct block *b);

/* For who reads blocks: nothing is in it. */
void block_clear(struct block *b);
/* The first n_tokens of b->bytes as native tokens; u16 and u32 stay where they are. */
void block_set_tokens(struct block *b, struct token_type type, size_t n_tokens);
/* The span of its tokens, which lie there in the content. */
void block_set_span(struct block *b, uint64_t begin, uint64_t end);

static inline bool span_is_empty(const struct span *span)
{
    return !span->n && !span->n_head && !span->n_tail && !span->end_before && !span->end_after;
}

#endif
