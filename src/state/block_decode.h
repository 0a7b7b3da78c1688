/*
 * block_decode.h - the bytes of a block back to rows, a part at a time
 *
 * The bytes are read into the decoder's own buffer; nothing in them is believed.  Functions return NULL, or
 * what is wrong with the block (a static string).
 */
#ifndef STATE_BLOCK_DECODE_H
#define STATE_BLOCK_DECODE_H

#include "state/writer.h"

#include <zstd.h>

/* Widths of what a block consists of, from its header. */
struct block_header {
    uint64_t xxh3;
    uint32_t n_rows, n_runs;
    uint32_t n_bits, n_classes, n_run_bytes; /* bytes */
};

struct block_decoder {
    ZSTD_DCtx *zstd;
    unsigned char *stored; /* [n_stored] and 8 bytes more, as bits are loaded by eight bytes */
    size_t n_stored, cap_stored;
    unsigned char *classes;   /* [PAIR_BLOCK_ROWS] */
    struct state_run *runs;   /* [cap_runs], sum unused */
    unsigned char *run_bytes; /* [cap_runs * RUN_BYTES] */
    size_t cap_runs;
    struct block_header header;
    size_t next_row, next_run;
    uint32_t left_in_run; /* rows of runs[next_run - 1] still to come */
    uint32_t before;      /* second token of the row before, UINT32_MAX at the beginning of a run */
    size_t bit;           /* position of the next */
};

/* Works on a zeroed decoder; on failure _finish() may still be called. */
EMX_CHECKED enum emx_status block_decoder_init(struct block_decoder *d, struct emx_error *err);
void block_decoder_finish(struct block_decoder *d);

/* Decode BLOCK_HEADER_BYTES and check that they are within limits. */
const char *block_header_decode(const unsigned char *bytes, struct block_header *ret);
size_t block_header_stored(const struct block_header *h); /* bytes of the block, header included */

/*
 * Make room for the block of this header.  Returns where its block_header_stored(h) bytes go; NULL when out of
 * memory.
 */
unsigned char *block_decoder_reserve(struct block_decoder *d, const struct block_header *h);

/* The whole block is where _reserve() said: check its checksum and prepare for its rows. */
const char *block_decoder_begin(struct block_decoder *d);

/* Next rows, up to cap; *ret_n is 0 only at the end of the block.  Within the block rows ascend strictly. */
const char *block_decoder_rows(struct block_decoder *d, struct emx_pair_count *rows, size_t cap, size_t *ret_n);

#endif
