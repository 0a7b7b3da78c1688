#include "scan/block.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum emx_status block_init(struct block *b, int window_log_max, struct emx_error *err)
{
    enum emx_status status;

    *b = (struct block){0};
    status = piece_decoder_create(window_log_max, &b->decoder, err);
    b->bytes = malloc(BLOCK_BYTES);
    b->wide = malloc(BLOCK_BYTES * sizeof(*b->wide));
    b->end_buffer = malloc(BLOCK_TOKENS * sizeof(*b->end_buffer));
    if (!status && (!b->bytes || !b->wide || !b->end_buffer))
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory for a thread's buffers");
    if (status)
        block_finish(b);
    return status;
}

void block_finish(struct block *b)
{
    piece_decoder_destroy(&b->decoder);
    free(b->piece.stored);
    free(b->bytes);
    free(b->wide);
    free(b->end_buffer);
    *b = (struct block){0};
}

void block_clear(struct block *b)
{
    b->n = b->n_ends = 0;
    b->span = (struct span){0};
    b->is_counted = false;
}

void block_set_tokens(struct block *b, struct token_type type, size_t n_tokens)
{
    bool native = !type.big_endian && (type.dtype == DTYPE_U16 || type.dtype == DTYPE_U32 || type.dtype == DTYPE_I32);

    b->n = n_tokens;
    b->width = native && type.dtype == DTYPE_U16 ? 2 : 4;
    b->tokens = native ? (const void *)b->bytes : b->wide;
    if (!native)
        tokens_decode(b->bytes, type, n_tokens, b->wide);
}

void block_set_span(struct block *b, uint64_t begin, uint64_t end)
{
    b->span.begin = begin;
    b->span.end = end;
    b->span.n = b->n;
    if (b->n) {
        b->span.first = block_token(b, 0);
        b->span.last = block_token(b, b->n - 1);
    }
}

void block_sign(struct block *b)
{
    b->span.check = XXH3_64bits_withSeed(b->tokens, b->n * b->width, b->span.begin);
    if (b->n_ends)
        b->span.check += XXH3_64bits_withSeed(b->ends, b->n_ends * sizeof(*b->ends), b->index);
}
