/* read_flat.c - blocks of tokens that lie as bytes, one after the other */
#include "scan/shard_readers.h"

#include <string.h>

uint64_t flat_end(const struct shard *s)
{
    uint64_t n = s->open.flat.n_tokens;

    return n < UINT64_MAX / shard_token_size(s) ? n * shard_token_size(s) : UINT64_MAX;
}

enum emx_status flat_check_end(const struct shard *s, struct emx_error *err)
{
    uint64_t size = stream_position(s->open.stream) - s->open.flat.offset, end = flat_end(s);

    if (end == UINT64_MAX && size % shard_token_size(s) != 0)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: %llu bytes are no whole number of %zu-byte tokens (%s)", s->name,
                        (unsigned long long)size, shard_token_size(s), s->open.dtype_name);
    if (end != UINT64_MAX && size < end)
        return emx_fail(err, EMX_ERR_CORRUPT,
                        "%s: cut off at byte %llu: %llu tokens should follow the header, there are %llu", s->name,
                        (unsigned long long)stream_position(s->open.stream), (unsigned long long)s->open.flat.n_tokens,
                        (unsigned long long)(size / shard_token_size(s)));
    if (end != UINT64_MAX && size > end && !s->open.flat.trailing_ok)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: %llu bytes follow the last token at byte %llu", s->name,
                        (unsigned long long)(size - end), (unsigned long long)(s->open.flat.offset + end));
    return EMX_OK;
}

void flat_set_block(const struct shard *s, struct block *b, uint64_t begin, size_t n)
{
    size_t size = shard_token_size(s), n_tail = n % size;

    b->index = begin / size;
    block_set_tokens(b, s->open.flat.type, n / size);
    b->span.n_tail = (uint8_t)n_tail;
    memcpy(b->span.tail, b->bytes + n - n_tail, n_tail);
    block_set_span(b, begin - b->span.n_head, begin + n);
}

size_t flat_clip(size_t n, uint64_t begin, uint64_t end)
{
    uint64_t left = begin < end ? end - begin : 0;

    return n < left ? n : (size_t)left;
}

/* Only a sample has no use for pieces. */
static enum emx_status read_some(struct shard *s, void *bytes, size_t cap, size_t *ret_n, struct emx_error *err)
{
    return s->limit == UINT64_MAX ? stream_read_some(s->open.stream, bytes, cap, ret_n, err)
                                  : stream_read(s->open.stream, bytes, cap, ret_n, err);
}

/*
 * Under the mutex: read over some of what is counted, from `begin` to `end` of the content.  Of a sample, by the same
 * reads as when it was counted: how much of the file they touch is in its record.
 */
static enum emx_status read_over(struct shard *s, struct block *b, uint64_t begin, uint64_t end, struct emx_error *err)
{
    size_t n = 0, cap = s->limit == UINT64_MAX ? at_most(BLOCK_BYTES, end - begin) : BLOCK_BYTES;
    enum emx_status status = read_some(s, b->bytes, cap, &n, err);

    if (!status && n == 0)
        return counted_refuse_shorter(s, end, err);
    b->is_counted = true;
    s->n_taken += at_most(n, end - begin) / shard_token_size(s);
    return status;
}

enum emx_status flat_read(struct shard *s, struct block *b, struct emx_error *err)
{
    struct stream *stream = s->open.stream;
    uint64_t offset = s->open.flat.offset, end = flat_end(s), begin, counted, stop;
    size_t size = shard_token_size(s), cap = BLOCK_BYTES - BLOCK_BYTES % size, n = 1;
    enum emx_status status = EMX_OK;

    if (stream_position(stream) < offset)
        status = stream_skip(stream, offset - stream_position(stream), err);
    begin = stream_position(stream) - offset;
    counted = counted_to(s, begin, &stop);
    if (!status && counted > begin)
        return read_over(s, b, begin, counted, err);
    if (!status && begin % size && begin < end) { /* the last piece ended within a token */
        status = stream_read(stream, b->span.head, at_most(size - (size_t)(begin % size), stop - begin), &n, err);
        b->span.n_head = (uint8_t)n;
    }
    while (!status) {
        begin = stream_position(stream) - offset;
        status = read_some(s, b->bytes, at_most(cap, stop - begin), &n, err);
        if (!status)
            flat_set_block(s, b, begin, flat_clip(flat_clip(n, begin, end), s->n_taken * size, s->limit * size));
        if (n == 0 || !span_is_empty(&b->span))
            break; /* else these are bytes after the last token, read for the checksum only */
    }
    s->n_taken += b->n;
    return status;
}
