/* read_pieces.c - blocks of whole zstd frames, which each thread decodes by itself */
#include "scan/shard_readers.h"

/* The frame of the piece at hand failed for *error. */
static enum emx_status leave_gap(struct shard *s, struct block *b, const struct emx_error *error, struct emx_error *err)
{
    uint64_t offset = s->open.flat.offset, begin = b->piece_position - offset, end = flat_end(s);
    struct piece_frame frame;
    struct gap gap;
    bool added;

    if (b->piece_position < offset || !piece_pass(b->decoder, &b->piece, &frame))
        return emx_fail(err, error->status, "%s", error->message);
    gap = (struct gap){.begin = begin < end ? begin : end,
                       .end = begin + frame.size < end ? begin + frame.size : end,
                       .stored_begin = frame.offset,
                       .stored_end = frame.offset + frame.n_stored,
                       .reason = (char *)error->message};
    b->piece_position += frame.size;
    pthread_mutex_lock(&s->mutex);
    added = gaps_add(&s->gaps, &gap);
    pthread_mutex_unlock(&s->mutex);
    return added ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->name);
}

/* Where the piece was checked up to: find the next good frames, and leave gaps for broken ones before them. */
static enum emx_status check_piece(struct shard *s, struct block *b, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    while (!status && b->piece_position == b->piece_good_to && b->piece_position < b->piece.position + b->piece.size) {
        struct emx_error error;
        uint64_t n = 0;

        status = piece_check(b->decoder, &b->piece, s->name, b->bytes, BLOCK_BYTES, &n, &error);
        if (status == EMX_ERR_MEMORY)
            return emx_fail(err, status, "%s", error.message);
        if (status)
            status = leave_gap(s, b, &error, err);
        b->piece_good_to = b->piece_position + n;
    }
    return status;
}

static enum emx_status read_piece_header(struct shard *s, struct block *b, struct emx_error *err)
{
    uint64_t offset = s->open.flat.offset;
    size_t got = 1;
    enum emx_status status = EMX_OK;

    while (!status && got && b->piece_position < offset) {
        uint64_t n = offset - b->piece_position < BLOCK_BYTES ? offset - b->piece_position : BLOCK_BYTES;

        status = piece_read(b->decoder, &b->piece, s->name, b->bytes, (size_t)n, &got, err);
        b->piece_position += got;
    }
    return status;
}

/* The rest of a token that began before the piece, but not what is counted from `stop` on. */
static enum emx_status read_piece_head(struct shard *s, struct block *b, uint64_t stop, struct emx_error *err)
{
    size_t size = shard_token_size(s), got = 0;
    uint64_t begin = b->piece_position - s->open.flat.offset;
    enum emx_status status = EMX_OK;

    if (begin % size) {
        status = piece_read(b->decoder, &b->piece, s->name, b->span.head,
                            at_most(size - (size_t)(begin % size), stop - begin), &got, err);
        b->span.n_head = (uint8_t)got;
        b->piece_position += got;
    }
    return status;
}

/* Decode over some of what is counted to `end` of the content; *ret_any false at the end of the piece. */
static enum emx_status read_over_piece(struct shard *s, struct block *b, uint64_t end, bool *ret_any,
                                       struct emx_error *err)
{
    uint64_t begin = b->piece_position - s->open.flat.offset;
    size_t n = 0;
    enum emx_status status =
        piece_read(b->decoder, &b->piece, s->name, b->bytes, at_most(BLOCK_BYTES, end - begin), &n, err);

    b->piece_position += n;
    b->is_counted = *ret_any = !status && n > 0;
    return status;
}

enum emx_status pieces_read(struct shard *s, struct block *b, bool *ret_any, struct emx_error *err)
{
    size_t size = shard_token_size(s), n = 0;
    uint64_t offset = s->open.flat.offset, end = flat_end(s), begin, counted, stop;
    enum emx_status status = EMX_OK;

    block_clear(b);
    *ret_any = false;
    if (s->skips_frames)
        status = check_piece(s, b, err);
    if (!status && b->piece_position < offset)
        status = read_piece_header(s, b, err);
    if (status || b->piece_position < offset)
        return status;
    begin = b->piece_position - offset;
    counted = counted_to(s, begin, &stop);
    if (counted > begin)
        return read_over_piece(s, b, counted, ret_any, err);
    if (s->skips_frames && b->piece_good_to - offset < stop)
        stop = b->piece_good_to - offset;
    status = read_piece_head(s, b, stop, err);
    begin = b->piece_position - offset;
    if (!status)
        status = piece_read(b->decoder, &b->piece, s->name, b->bytes,
                            at_most(BLOCK_BYTES - BLOCK_BYTES % size, stop - begin), &n, err);
    if (status)
        return status;
    *ret_any = n + b->span.n_head > 0;
    if (!*ret_any)
        return EMX_OK;
    b->piece_position += n;
    if (begin >= end)
        b->span.n_head = 0; /* bytes after the last token: decoded for their checksum only */
    flat_set_block(s, b, begin, flat_clip(n, begin, end));
    return EMX_OK;
}

/* Need it not even be decoded? */
static bool piece_is_counted(const struct shard *s, const struct stream_piece *piece)
{
    uint64_t offset = s->open.flat.offset, stop, begin = piece->position > offset ? piece->position - offset : 0;

    return piece->position + piece->size > offset &&
           offset + counted_to(s, begin, &stop) >= piece->position + piece->size;
}

enum emx_status pieces_take(struct shard *s, struct block *b, bool *ret_taken, struct emx_error *err)
{
    enum emx_status status;

    *ret_taken = false;
    if (!s->open.is_flat || s->limit != UINT64_MAX)
        return EMX_OK;
    status = stream_take_piece(s->open.stream, &b->piece, ret_taken, err);
    b->in_piece = !status && *ret_taken;
    b->piece_position = b->piece_good_to = b->piece.position;
    if (b->in_piece && piece_is_counted(s, &b->piece)) {
        b->in_piece = false;
        b->is_counted = true;
    }
    return status;
}
