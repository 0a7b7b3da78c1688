/*
 * codec_zstd.c - a file of zstd frames, in order or frame by frame
 *
 * The file is a row of frames.  Between two of them (in_frame is false) next_frame() passes skippable frames and
 * frames that state no content, and reads the header of the one to come; only there can pieces be taken and
 * bytes be looked at.  Inside a frame libzstd decodes from the source's buffer into the caller's; a frame that
 * is wholly buffered and fits is decoded in place, others go through libzstd's window.
 *
 * Where a frame ends is found by walking its block headers, which are 3 bytes before at most 128 KiB.
 */
#include "io/codec.h"
#include "io/zstd_decoder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Below this much content handing a piece to another thread costs more than it saves. */
#define PIECE_CONTENT_MIN ((uint64_t)256 << 10)
#define PIECE_STORED_MAX ((size_t)8 << 20)
/* look() decodes from the buffer twice; beyond this much stored it is not worth the memory. */
#define LOOK_STORED_MAX ((size_t)1 << 20)
/* Walking all frames of a file of at most this size to know its content's size is cheap. */
#define SIZED_STORED_MAX ((uint64_t)8 << 20)

struct zstd {
    struct zstd_decoder decoder; /* its frame is being read, or to come */
    uint64_t window_max;
    bool seen_frame;       /* a frame with content was begun or taken */
    uint64_t content_size; /* of that frame, the last one */
};

static const char *const extensions[] = {".zst", ".zstd", NULL};

/* A first frame must have a possible header and first block; a skippable one, another frame or nothing behind it. */
static enum emx_status probe(struct source *src, bool *ret, struct emx_error *err)
{
    enum emx_status status = source_need(src, ZSTD_FRAME_HEADER_MAX + ZSTD_BLOCK_HEADER, err);
    const uint64_t size = file_size(src->file);
    unsigned char head[ZSTD_FRAME_HEADER_MAX];
    struct zstd_frame frame;
    struct zstd_block block;
    uint64_t next, n;

    *ret = false;
    if (status != EMX_OK || zstd_frame_parse(source_bytes(src), source_left(src), &frame) != ZSTD_HEADER_OK)
        return status;
    if (!frame.skippable) {
        *ret = source_left(src) < frame.header_len + ZSTD_BLOCK_HEADER ||
               zstd_block_parse(source_bytes(src) + frame.header_len, &block);
        return EMX_OK;
    }
    next = frame.header_len + frame.content_size;
    *ret = size == UINT64_MAX || next == size;
    if (*ret || next > size)
        return EMX_OK;
    n = size - next < sizeof(head) ? size - next : sizeof(head);
    status = file_read_at(src->file, next, head, (size_t)n, err);
    *ret = zstd_frame_parse(head, (size_t)n, &frame) != ZSTD_HEADER_BAD;
    return status;
}

static void close_zstd(void *state)
{
    struct zstd *z = state;

    zstd_decoder_finish(&z->decoder);
    free(z);
}

static enum emx_status open_zstd(struct source *src, int window_log_max, void **ret, struct emx_error *err)
{
    struct zstd *z = calloc(1, sizeof(*z));
    enum emx_status status;

    if (!z)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", file_path(src->file));
    status = zstd_decoder_init(&z->decoder, window_log_max, err);
    z->window_max = (uint64_t)1 << window_log_max;
    if (status == EMX_OK)
        *ret = z;
    else
        free(z);
    return status;
}

/* Can the frame at hand be decoded here at all? */
static bool is_acceptable(const struct zstd *z)
{
    return z->decoder.frame.window <= z->window_max && z->decoder.frame.dictionary == 0;
}

static enum emx_status check_frame(const struct zstd *z, const struct source *src, struct emx_error *err)
{
    char cause[192];

    if (is_acceptable(z))
        return EMX_OK;
    if (z->decoder.frame.dictionary) {
        snprintf(cause, sizeof(cause), "needs dictionary %" PRIu32 ", and dictionaries are not supported",
                 z->decoder.frame.dictionary);
        return zstd_decoder_fails(&z->decoder, file_path(src->file), EMX_ERR_FORMAT, cause, err);
    }
    snprintf(cause, sizeof(cause),
             "needs a window of %" PRIu64 " bytes, more than the %" PRIu64
             " allowed (for shards, a greater --memory or fewer --threads allow more)",
             z->decoder.frame.window, z->window_max);
    return zstd_decoder_fails(&z->decoder, file_path(src->file), EMX_ERR_RANGE, cause, err);
}

static enum emx_status decode_some(struct zstd *z, struct source *src, ZSTD_outBuffer *out, struct emx_error *err)
{
    enum emx_status status = source_need(src, 1, err);
    ZSTD_inBuffer in = {source_bytes(src), source_left(src), 0};

    if (status == EMX_OK)
        status = zstd_decoder_step(&z->decoder, file_path(src->file), &in, out, err);
    source_take(src, in.pos);
    return status;
}

/* What follows the last byte of content: the last block's end and the checksum. */
static enum emx_status finish_frame(struct zstd *z, struct source *src, struct emx_error *err)
{
    char nothing;
    ZSTD_outBuffer out = {&nothing, 0, 0};
    enum emx_status status = EMX_OK;

    while (z->decoder.in_frame && status == EMX_OK)
        status = decode_some(z, src, &out, err);
    return status;
}

static enum emx_status pass_frame(struct zstd *z, struct source *src, struct emx_error *err)
{
    uint64_t dropped = 0;
    enum emx_status status;

    if (!z->decoder.frame.skippable) {
        zstd_decoder_begin(&z->decoder);
        return finish_frame(z, src, err);
    }
    source_take(src, z->decoder.frame.header_len);
    status = source_drop(src, z->decoder.frame.content_size, &dropped, err);
    if (status == EMX_OK && dropped < z->decoder.frame.content_size)
        return zstd_decoder_fails(&z->decoder, file_path(src->file), EMX_ERR_CORRUPT, "is cut off", err);
    return status;
}

/* Read the header at hand; *ret_over: the file ends here. */
static enum emx_status read_header(struct zstd *z, struct source *src, bool *ret_over, struct emx_error *err)
{
    enum emx_status status = source_need(src, ZSTD_FRAME_HEADER_MAX, err);

    if (status != EMX_OK)
        return status;
    *ret_over = source_left(src) == 0;
    if (*ret_over)
        return EMX_OK;
    z->decoder.frame_offset = source_offset(src);
    switch (zstd_frame_parse(source_bytes(src), source_left(src), &z->decoder.frame)) {
    case ZSTD_HEADER_OK:
        return check_frame(z, src, err);
    case ZSTD_HEADER_SHORT:
        return zstd_decoder_fails(&z->decoder, file_path(src->file), EMX_ERR_CORRUPT, "is cut off", err);
    default:
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: what begins at byte %" PRIu64 " is no zstd frame",
                        file_path(src->file), z->decoder.frame_offset);
    }
}

/* Between frames: pass those that hold nothing, until one that may, or the end of the file. */
static enum emx_status next_frame(struct zstd *z, struct source *src, bool *ret_over, struct emx_error *err)
{
    for (;;) {
        enum emx_status status = read_header(z, src, ret_over, err);

        if (status != EMX_OK || *ret_over || (!z->decoder.frame.skippable && z->decoder.frame.content_size > 0))
            return status;
        status = pass_frame(z, src, err);
        if (status != EMX_OK)
            return status;
    }
}

/* Between frames: the header of what follows at once, without insisting that it is one. */
static enum emx_status glance(struct source *src, struct zstd_frame *ret, bool *ret_is_frame, struct emx_error *err)
{
    enum emx_status status = source_need(src, ZSTD_FRAME_HEADER_MAX, err);

    *ret_is_frame = status == EMX_OK && zstd_frame_parse(source_bytes(src), source_left(src), ret) == ZSTD_HEADER_OK;
    return status;
}

/* Is this a place to try take_piece()?  Frames without a size are better read on. */
static enum emx_status piece_may_follow(struct source *src, bool *ret, struct emx_error *err)
{
    struct zstd_frame frame;
    enum emx_status status = glance(src, &frame, ret, err);

    *ret = *ret && frame.content_size != UINT64_MAX;
    return status;
}

/* Can what follows join the piece?  If so, it is the frame at hand. */
static enum emx_status piece_goes_on(struct zstd *z, struct source *src, bool *ret, struct emx_error *err)
{
    enum emx_status status = glance(src, &z->decoder.frame, ret, err);

    *ret = *ret && !z->decoder.frame.skippable && z->decoder.frame.content_size > 0 && is_acceptable(z);
    return status;
}

static enum emx_status read_zstd(void *state, struct source *src, bool pause, void *buf, size_t cap, size_t *ret_n,
                                 struct emx_error *err)
{
    struct zstd *z = state;
    ZSTD_outBuffer out = {buf, cap, 0};
    enum emx_status status = EMX_OK;
    bool over = false, stop = false;

    while (out.pos < cap && status == EMX_OK && !stop) {
        if (!z->decoder.in_frame) {
            status = next_frame(z, src, &over, err);
            if (status != EMX_OK || over)
                break;
            zstd_decoder_begin(&z->decoder);
            z->seen_frame = true;
            z->content_size = z->decoder.frame.content_size;
        }
        status = decode_some(z, src, &out, err);
        if (status == EMX_OK && !z->decoder.in_frame && pause && out.pos > 0)
            status = piece_may_follow(src, &stop, err);
    }
    if (status == EMX_OK && zstd_decoder_is_full(&z->decoder))
        status = finish_frame(z, src, err);
    *ret_n = out.pos;
    return status;
}

/* Decode from the buffered bytes and leave them there; true if that gave all that read() would give. */
static enum emx_status decode_ahead(struct zstd *z, struct source *src, ZSTD_outBuffer *out, bool *ret_enough,
                                    struct emx_error *err)
{
    size_t used = 0, hint = 1;

    while (out->pos < out->size && used < LOOK_STORED_MAX) {
        enum emx_status status = source_need(src, used + 1, err);
        ZSTD_inBuffer in = {source_bytes(src), source_left(src), used};

        if (status != EMX_OK)
            return status;
        if (used == in.size)
            break;
        hint = ZSTD_decompressStream(z->decoder.dctx, out, &in);
        if (ZSTD_isError(hint))
            break;
        used = in.pos;
    }
    *ret_enough = out->pos == out->size || (hint == 0 && used == source_left(src) && src->at_end);
    return EMX_OK;
}

static enum emx_status look(void *state, struct source *src, void *buf, size_t cap, size_t *ret_n, bool *ret_looked,
                            struct emx_error *err)
{
    struct zstd *z = state;
    ZSTD_outBuffer out = {buf, cap, 0};
    bool over = false;
    enum emx_status status;

    if (z->decoder.in_frame)
        return EMX_OK;
    status = next_frame(z, src, &over, err);
    if (status == EMX_OK && !over) {
        status = decode_ahead(z, src, &out, ret_looked, err);
        zstd_decoder_reset(&z->decoder);
    }
    *ret_looked = *ret_looked || over;
    *ret_n = out.pos;
    return status;
}

/*
 * Bytes of the frame at hand, from header to checksum, in *ret_n if they are at most `max` and all there (they are
 * buffered then), else 0.  What is wrong with a frame is for read() to say.
 */
static enum emx_status buffer_frame(const struct zstd *z, struct source *src, size_t max, size_t *ret_n,
                                    struct emx_error *err)
{
    size_t pos = z->decoder.frame.header_len;
    struct zstd_block block = {0};
    enum emx_status status;

    *ret_n = 0;
    while (!block.last) {
        status = source_need(src, pos + ZSTD_BLOCK_HEADER, err);
        if (status != EMX_OK || source_left(src) < pos + ZSTD_BLOCK_HEADER)
            return status;
        if (!zstd_block_parse(source_bytes(src) + pos, &block))
            return EMX_OK;
        pos += ZSTD_BLOCK_HEADER + block.stored;
        if (pos > max)
            return EMX_OK;
    }
    pos += z->decoder.frame.checksum ? 4 : 0;
    status = source_need(src, pos + 1, err); /* one more tells whether anything follows */
    if (status == EMX_OK && pos <= max && source_left(src) >= pos)
        *ret_n = pos;
    return status;
}

static enum emx_status append_frame(struct stream_piece *piece, struct source *src, size_t n, struct emx_error *err)
{
    if (n > piece->cap - piece->n_stored) {
        const size_t twice = piece->cap * 2, need = piece->n_stored + n, cap = twice > need ? twice : need;
        unsigned char *stored = realloc(piece->stored, cap);

        if (!stored)
            return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", file_path(src->file));
        piece->stored = stored;
        piece->cap = cap;
    }
    memcpy(piece->stored + piece->n_stored, source_bytes(src), n);
    piece->n_stored += n;
    source_take(src, n);
    return EMX_OK;
}

/* Behind the piece. */
static enum emx_status tell_what_follows(struct source *src, struct stream_piece *piece, struct emx_error *err)
{
    struct zstd_frame frame;
    bool is_frame;
    enum emx_status status = glance(src, &frame, &is_frame, err);

    piece->size_after = is_frame && !frame.skippable ? frame.content_size : 0;
    piece->is_last = src->at_end && source_left(src) == 0;
    return status;
}

static enum emx_status take_piece(void *state, struct source *src, struct stream_piece *piece, bool *ret_taken,
                                  struct emx_error *err)
{
    struct zstd *z = state;
    bool over = false, more = true;
    enum emx_status status;

    if (z->decoder.in_frame)
        return EMX_OK;
    status = next_frame(z, src, &over, err);
    piece->offset = z->decoder.frame_offset;
    piece->size_before = z->content_size;
    while (status == EMX_OK && !over && more && piece->size < PIECE_CONTENT_MIN) {
        const uint64_t content = z->decoder.frame.content_size;
        size_t n = 0;

        if (content <= UINT64_MAX / 2)
            status = buffer_frame(z, src, PIECE_STORED_MAX - piece->n_stored, &n, err);
        if (status != EMX_OK || n == 0 || (!z->seen_frame && src->at_end && source_left(src) == n))
            break;
        status = append_frame(piece, src, n, err);
        piece->size += content;
        z->seen_frame = true;
        z->content_size = content;
        if (status == EMX_OK)
            status = piece_goes_on(z, src, &more, err);
    }
    *ret_taken = piece->size > 0;
    return status || !*ret_taken ? status : tell_what_follows(src, piece, err);
}

/* As buffer_frame(), by position in the file; false if the frame does not end inside it. */
static bool walk_frame(struct file *f, uint64_t *offset, uint64_t *content)
{
    const uint64_t left = file_size(f) - *offset;
    const size_t n = left < ZSTD_FRAME_HEADER_MAX ? (size_t)left : ZSTD_FRAME_HEADER_MAX;
    unsigned char head[ZSTD_FRAME_HEADER_MAX];
    struct zstd_block block = {0};
    struct zstd_frame frame;

    if (file_read_at(f, *offset, head, n, NULL) != EMX_OK || zstd_frame_parse(head, n, &frame) != ZSTD_HEADER_OK)
        return false;
    *offset += frame.header_len;
    if (frame.skippable) {
        *offset += frame.content_size;
        return *offset <= file_size(f);
    }
    while (!block.last) {
        if (file_read_at(f, *offset, head, ZSTD_BLOCK_HEADER, NULL) != EMX_OK || !zstd_block_parse(head, &block))
            return false;
        *offset += ZSTD_BLOCK_HEADER + block.stored;
    }
    *offset += frame.checksum ? 4 : 0;
    if (*offset > file_size(f) || frame.content_size >= UINT64_MAX - *content)
        return false;
    *content += frame.content_size;
    return true;
}

static uint64_t size(const void *state, const struct source *src)
{
    uint64_t offset = 0, content = 0;

    (void)state;
    if (file_size(src->file) > SIZED_STORED_MAX)
        return UINT64_MAX;
    while (offset < file_size(src->file)) {
        if (!walk_frame(src->file, &offset, &content))
            return UINT64_MAX;
    }
    return content;
}

const struct codec codec_zstd = {
    .name = "zstd",
    .extensions = extensions,
    .probe = probe,
    .open = open_zstd,
    .read = read_zstd,
    .look = look,
    .take_piece = take_piece,
    .size = size,
    .close = close_zstd,
};
