#include "scan/shard.h"

#include "util/clock.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* --- blocks ------------------------------------------------------------------------------------------ */

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

static void clear_block(struct block *b)
{
    b->n = b->n_ends = 0;
    b->span = (struct span){0};
    b->is_counted = false;
}

/* The n bytes in b->bytes as native tokens; u16 and u32 stay where they are. */
static void set_tokens(struct block *b, struct token_type type, size_t n_tokens)
{
    bool native = !type.big_endian && (type.dtype == DTYPE_U16 || type.dtype == DTYPE_U32 || type.dtype == DTYPE_I32);

    b->n = n_tokens;
    b->width = native && type.dtype == DTYPE_U16 ? 2 : 4;
    b->tokens = native ? (const void *)b->bytes : b->wide;
    if (!native)
        tokens_decode(b->bytes, type, n_tokens, b->wide);
}

static void set_span(struct block *b, uint64_t begin, uint64_t end)
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

/* --- opening ----------------------------------------------------------------------------------------- */

void shard_init(struct shard *s, struct domain *domain, const char *path)
{
    *s = (struct shard){.domain = domain,
                        .path = path,
                        .name = strcmp(path, "-") == 0 ? "standard input" : path,
                        .size = UINT64_MAX,
                        .limit = UINT64_MAX};
    pthread_mutex_init(&s->mutex, NULL);
}

void shard_close(struct shard *s)
{
    if (s->format && s->format->close)
        s->format->close(&s->open);
    stream_close(&s->open.stream);
    s->format = NULL;
    free(s->spans);
    free(s->counted);
    s->spans = NULL;
    s->counted = NULL;
    s->n_spans = s->n_counted = 0;
    stretches_finish(&s->stretches);
    gaps_finish(&s->gaps);
}

void shard_finish(struct shard *s)
{
    shard_close(s);
    free(s->failure);
    pthread_mutex_destroy(&s->mutex);
}

enum emx_status shard_restore(struct shard *s, const struct span *spans, size_t n_spans, const struct shard_sums *sums,
                              struct emx_error *err)
{
    s->spans = malloc((n_spans + 1) * sizeof(*s->spans));
    s->counted = malloc((n_spans + 1) * sizeof(*s->counted));
    if (!s->spans || !s->counted)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->name);
    for (size_t i = 0; i < n_spans; i++) {
        s->spans[i] = spans[i];
        s->counted[i] = (struct counted){spans[i].begin, spans[i].end};
    }
    s->n_spans = s->n_counted = n_spans;
    s->cap_spans = n_spans + 1;
    s->sums = *sums;
    return EMX_OK;
}

/* All tokens that its domain and its type allow are below. */
static uint32_t range_of(const struct shard *s)
{
    uint32_t range = s->domain->vocabulary, eod = s->domain->settings.eod;

    if (eod != EMX_NO_TOKEN && eod >= range)
        range = eod + 1;
    switch (s->open.is_flat ? s->open.flat.type.dtype : DTYPE_U32) {
    case DTYPE_U8:
    case DTYPE_I8:
        return range < 1u << 8 ? range : 1u << 8;
    case DTYPE_U16:
    case DTYPE_I16:
        return range < 1u << 16 ? range : 1u << 16;
    default:
        return range;
    }
}

static enum emx_status open_shard(struct shard *s, struct emx_error *err)
{
    enum emx_status status = stream_open(NULL, s->path, s->window_log_max, &s->open.stream, err);

    s->open.path = s->name;
    s->open.options = s->options;
    if (!status)
        status = format_open(&s->open, &s->format, err);
    if (status)
        return status;
    status = domain_agree_on_eod(s->domain, s->open.eod_first, s->name, err);
    if (status) {
        s->may_fail = false; /* which of two shards is to go is not ours to say */
        return status;
    }
    if (!s->open.is_flat && s->n_counted > 1)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: is counted in parts, but its format is read in order", s->name);
    s->key = pair_key_for(range_of(s));
    s->stage = SHARD_OPEN;
    return EMX_OK;
}

/* --- what is counted already --------------------------------------------------------------------------- */

/* Where it ends that `at` is counted: `at` itself if it is not; then *ret_stop is where more begins that is. */
static uint64_t counted_to(const struct shard *s, uint64_t at, uint64_t *ret_stop)
{
    size_t i = 0;

    while (i < s->n_counted && s->counted[i].end <= at)
        i++;
    *ret_stop = i < s->n_counted ? s->counted[i].begin : UINT64_MAX;
    return i < s->n_counted && s->counted[i].begin <= at ? s->counted[i].end : at;
}

static size_t at_most(size_t n, uint64_t limit)
{
    return n < limit ? n : (size_t)limit;
}

static enum emx_status refuse_shorter(const struct shard *s, uint64_t at, struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_CORRUPT, "%s: has changed since it was counted to byte %llu of the content: it ends",
                    s->name, (unsigned long long)at);
}

/* --- flat formats ------------------------------------------------------------------------------------ */

/* One past the last byte of tokens, after the header. */
static uint64_t content_end(const struct shard *s)
{
    uint64_t n = s->open.flat.n_tokens;

    return n < UINT64_MAX / shard_token_size(s) ? n * shard_token_size(s) : UINT64_MAX;
}

static enum emx_status check_flat_end(const struct shard *s, struct emx_error *err)
{
    uint64_t size = stream_position(s->open.stream) - s->open.flat.offset, end = content_end(s);

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

static bool span_is_empty(const struct span *span)
{
    return !span->n && !span->n_head && !span->n_tail && !span->end_before && !span->end_after;
}

/* The n bytes at `begin` of the content, in b->bytes, as a block; bytes of a token that is not whole are kept apart. */
static void set_block(const struct shard *s, struct block *b, uint64_t begin, size_t n)
{
    size_t size = shard_token_size(s), n_tail = n % size;

    b->index = begin / size;
    set_tokens(b, s->open.flat.type, n / size);
    b->span.n_tail = (uint8_t)n_tail;
    memcpy(b->span.tail, b->bytes + n - n_tail, n_tail);
    set_span(b, begin - b->span.n_head, begin + n);
}

static size_t clip(size_t n, uint64_t begin, uint64_t end)
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
        return refuse_shorter(s, end, err);
    b->is_counted = true;
    s->n_taken += at_most(n, end - begin) / shard_token_size(s);
    return status;
}

/* Under the mutex: read and decode the next block; an empty span at the end of the shard. */
static enum emx_status read_flat(struct shard *s, struct block *b, struct emx_error *err)
{
    struct stream *stream = s->open.stream;
    uint64_t offset = s->open.flat.offset, end = content_end(s), begin, counted, stop;
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
            set_block(s, b, begin, clip(clip(n, begin, end), s->n_taken * size, s->limit * size));
        if (n == 0 || !span_is_empty(&b->span))
            break; /* else these are bytes after the last token, read for the checksum only */
    }
    s->n_taken += b->n;
    return status;
}

/* --- pieces ------------------------------------------------------------------------------------------ */

/* The frame of the piece at hand failed for *error. */
static enum emx_status leave_gap(struct shard *s, struct block *b, const struct emx_error *error, struct emx_error *err)
{
    uint64_t offset = s->open.flat.offset, begin = b->piece_position - offset, end = content_end(s);
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

/* Without the mutex: the next block of the piece that b holds; *ret_any false when the piece is used up. */
static enum emx_status read_piece(struct shard *s, struct block *b, bool *ret_any, struct emx_error *err)
{
    size_t size = shard_token_size(s), n = 0;
    uint64_t offset = s->open.flat.offset, end = content_end(s), begin, counted, stop;
    enum emx_status status = EMX_OK;

    clear_block(b);
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
    set_block(s, b, begin, clip(n, begin, end));
    return EMX_OK;
}

/* Need it not even be decoded? */
static bool piece_is_counted(const struct shard *s, const struct stream_piece *piece)
{
    uint64_t offset = s->open.flat.offset, stop, begin = piece->position > offset ? piece->position - offset : 0;

    return piece->position + piece->size > offset &&
           offset + counted_to(s, begin, &stop) >= piece->position + piece->size;
}

/* Under the mutex. */
static enum emx_status take_piece(struct shard *s, struct block *b, bool *ret_taken, struct emx_error *err)
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

/* --- decoded formats --------------------------------------------------------------------------------- */

/* Take what is counted off the front of the batch, which then may be empty: b->is_counted. */
static enum emx_status leave_out_counted(struct shard *s, struct block *b, struct token_batch *batch, size_t *n_ends,
                                         struct emx_error *err)
{
    uint64_t stop, to = counted_to(s, 4 * s->n_taken, &stop);
    size_t n = at_most(batch->n, to / 4 - s->n_taken);

    if (to / 4 > s->n_taken && batch->n == 0)
        return refuse_shorter(s, to, err);
    b->is_counted = n > 0 && n == batch->n;
    batch->tokens += n;
    batch->n -= n;
    s->n_taken += n;
    while (*n_ends && batch->ends[0] < n) {
        batch->ends++;
        --*n_ends;
    }
    for (size_t i = 0; i < *n_ends; i++)
        batch->ends[i] -= (uint32_t)n;
    return EMX_OK;
}

/* Under the mutex: the next batch; b->n and its edges are 0 at the end of the shard. */
static enum emx_status read_batch(struct shard *s, struct block *b, struct emx_error *err)
{
    struct token_batch batch = {.tokens = b->wide, .cap = BLOCK_TOKENS, .ends = b->end_buffer};
    enum emx_status status = s->format->read(&s->open, &batch, err);
    size_t n_ends = batch.n_ends;

    if (status)
        return status;
    if (batch.n > s->limit - s->n_taken)
        batch.n = (size_t)(s->limit - s->n_taken);
    while (n_ends && batch.ends[n_ends - 1] > batch.n)
        n_ends--;
    clear_block(b);
    status = leave_out_counted(s, b, &batch, &n_ends, err);
    if (status || b->is_counted)
        return status;
    b->ends = batch.ends;
    if (n_ends && b->ends[n_ends - 1] == batch.n) {
        b->span.end_after = true;
        n_ends--;
    }
    if (n_ends && b->ends[0] == 0) {
        b->span.end_before = true;
        b->ends++;
        n_ends--;
    }
    b->n_ends = n_ends;
    b->index = s->n_taken;
    b->tokens = batch.tokens;
    b->width = 4;
    b->n = batch.n;
    set_span(b, 4 * s->n_taken, 4 * (s->n_taken + batch.n));
    s->n_taken += batch.n;
    return EMX_OK;
}

/* --- taking and putting ------------------------------------------------------------------------------ */

static enum emx_status end_shard(struct shard *s, struct emx_error *err)
{
    s->stage = SHARD_ENDED;
    return s->open.is_flat && s->n_taken < s->limit ? check_flat_end(s, err) : EMX_OK;
}

/* Under the mutex; *ret_any false: the shard has ended, or (in_piece) a piece was taken instead. */
static enum emx_status take_next(struct shard *s, struct block *b, bool *ret_any, struct emx_error *err)
{
    bool piece;
    enum emx_status status = s->stage == SHARD_NEW ? open_shard(s, err) : EMX_OK;

    *ret_any = false;
    if (status || s->stage == SHARD_ENDED || s->stage == SHARD_FAILED)
        return status;
    clear_block(b);
    status = take_piece(s, b, &piece, err);
    if (!status && !piece)
        status = s->n_taken == s->limit ? EMX_OK : s->open.is_flat ? read_flat(s, b, err) : read_batch(s, b, err);
    *ret_any = !status && !b->in_piece && (b->is_counted || !span_is_empty(&b->span));
    if (!status && !b->in_piece && !*ret_any)
        return end_shard(s, err);
    if (!status)
        s->n_out++;
    s->n_bytes_read = stream_n_stored(s->open.stream);
    return status;
}

/* Under the mutex: is this the thread that finds the shard at its end, or broken, and all blocks back? */
static bool is_last(struct shard *s)
{
    if ((s->stage != SHARD_ENDED && !s->failure) || s->n_out || s->finished)
        return false;
    s->finished = true;
    return true;
}

/*
 * Under the mutex: the shard fails at this byte of its content.  Blocks are taken in order and those before it will all
 * be looked at, so the error that is kept does not depend on the threads.
 */
static enum emx_status keep_failure(struct shard *s, uint64_t at, const struct emx_error *error, struct emx_error *err)
{
    s->stage = SHARD_FAILED;
    if (s->failure && s->failed_at <= at)
        return EMX_OK;
    if (!s->failure)
        s->failure = malloc(sizeof(*s->failure));
    if (!s->failure)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->name);
    *s->failure = *error;
    s->failed_at = at;
    return EMX_OK;
}

/* Under the mutex: an error of the shard is kept, if that is what it may have. */
static enum emx_status settle(struct shard *s, uint64_t at, enum emx_status status, struct emx_error *err)
{
    struct emx_error error;

    if (!status || !s->may_fail || status == EMX_ERR_MEMORY)
        return status;
    error = *err;
    return keep_failure(s, at, &error, err);
}

static uint64_t content_begin(const struct shard *s)
{
    return s->open.is_flat ? s->open.flat.offset : 0;
}

/* Of the content, where the next block would begin. */
static uint64_t place_of_next(const struct shard *s)
{
    if (s->stage == SHARD_ENDED) /* what is wrong is its end */
        return UINT64_MAX;
    if (!s->open.stream)
        return 0;
    return s->open.is_flat ? stream_position(s->open.stream) : 4 * s->n_taken;
}

enum emx_status shard_put_broken(struct shard *s, struct block *b, const struct emx_error *error, bool *ret_last,
                                 struct emx_error *err)
{
    enum emx_status status;

    pthread_mutex_lock(&s->mutex);
    status = keep_failure(s, content_begin(s) + b->span.begin, error, err);
    s->n_out--; /* the block, or the piece that it is of */
    b->in_piece = false;
    *ret_last = !status && is_last(s);
    pthread_mutex_unlock(&s->mutex);
    return status;
}

enum emx_status shard_fail(struct shard *s, const struct emx_error *error, struct emx_error *err)
{
    return keep_failure(s, UINT64_MAX, error, err);
}

/* A piece that cannot be decoded is given up. */
static enum emx_status give_up_piece(struct shard *s, struct block *b, enum emx_status status, bool *ret_last,
                                     struct emx_error *err)
{
    pthread_mutex_lock(&s->mutex);
    status = settle(s, b->piece_position, status, err);
    if (!status) {
        s->n_out--;
        b->in_piece = false;
        *ret_last = is_last(s);
    }
    pthread_mutex_unlock(&s->mutex);
    return status;
}

enum emx_status shard_take(struct shard *s, struct block *b, bool *ret_any, bool *ret_last, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    *ret_any = *ret_last = false;
    for (;;) {
        double start = clock_seconds(), locked;

        if (b->in_piece) {
            status = read_piece(s, b, ret_any, err);
            b->seconds_decoding += clock_seconds() - start;
            if (status)
                return give_up_piece(s, b, status, ret_last, err);
            if (*ret_any)
                return EMX_OK;
        }
        start = clock_seconds();
        pthread_mutex_lock(&s->mutex);
        locked = clock_seconds();
        s->n_out -= b->in_piece; /* the piece is used up */
        b->in_piece = false;
        status = take_next(s, b, ret_any, err);
        if (status) /* only then: a shard that has no more blocks may be closed by now */
            status = settle(s, place_of_next(s), status, err);
        if (status)
            s->stage = SHARD_FAILED; /* or another thread would open it again, or read on in a broken stream */
        *ret_last = !status && is_last(s);
        pthread_mutex_unlock(&s->mutex);
        b->seconds_waiting += locked - start;
        b->seconds_decoding += clock_seconds() - locked;
        if (status || *ret_any || !b->in_piece)
            return status;
    }
}

/* Under the mutex. */
static enum emx_status add_span(struct shard *s, const struct span *span, struct emx_error *err)
{
    if (s->n_spans == s->cap_spans) {
        size_t cap = s->cap_spans ? 2 * s->cap_spans : 16;
        struct span *larger = realloc(s->spans, cap * sizeof(*larger));

        if (!larger)
            return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->name);
        s->spans = larger;
        s->cap_spans = cap;
    }
    s->spans[s->n_spans++] = *span;
    return EMX_OK;
}

enum emx_status shard_add_block(struct shard *s, const struct block *b, struct emx_error *err)
{
    s->sums.n_tokens += b->n;
    s->sums.n_eod += b->sums.n_eod;
    s->sums.n_plain_ends += b->sums.n_plain_ends;
    return span_is_empty(&b->span) ? EMX_OK : add_span(s, &b->span, err);
}

enum emx_status shard_put(struct shard *s, const struct block *b, bool *ret_last, struct emx_error *err)
{
    enum emx_status status;

    pthread_mutex_lock(&s->mutex);
    status = shard_add_block(s, b, err);
    s->n_out -= !b->in_piece;
    *ret_last = !status && is_last(s);
    pthread_mutex_unlock(&s->mutex);
    return status;
}

/* --- when all blocks are back ------------------------------------------------------------------------- */

static int by_begin(const void *a, const void *b)
{
    const struct span *x = a, *y = b;

    return (x->begin > y->begin) - (x->begin < y->begin);
}

void shard_sort_spans(struct shard *s)
{
    qsort(s->spans, s->n_spans, sizeof(*s->spans), by_begin);
    gaps_sort(&s->gaps);
}

uint64_t shard_n_positions(const struct shard *s)
{
    return s->sums.n_tokens + gaps_n_tokens(&s->gaps, shard_token_size(s));
}

bool shard_index_ends_at(const struct shard *s, uint64_t index)
{
    size_t i = shard_index_after(s, index ? index - 1 : 0);

    return index && i < s->open.index.n && s->open.index.ends[i] == index;
}

size_t shard_index_after(const struct shard *s, uint64_t index)
{
    size_t low = 0, high = s->open.index.n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (s->open.index.ends[middle] > index)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

enum emx_status shard_check_index(const struct shard *s, struct emx_error *err)
{
    const struct document_index *index = &s->open.index;
    uint64_t n = shard_n_positions(s);

    if (s->limit == UINT64_MAX && index->n && index->ends[index->n - 1] != n)
        return emx_fail(err, EMX_ERR_CORRUPT,
                        "%s: the index ends its last document at token %llu, but there are %llu tokens", s->name,
                        (unsigned long long)index->ends[index->n - 1], (unsigned long long)n);
    return EMX_OK;
}

void shard_describe(const struct shard *s, struct emx_shard_record *ret)
{
    *ret = (struct emx_shard_record){
        .path = s->path,
        .format = s->format->name,
        .codec = stream_codec(s->open.stream),
        .dtype = s->open.dtype_name,
        .n_bytes = stream_n_stored(s->open.stream),
        .xxh3 = stream_xxh3(s->open.stream),
        .index_xxh3 = s->open.index_xxh3,
        .n_tokens = s->sums.n_tokens,
    };
}
