/*
 * fuzz_stream.c - arbitrary bytes as a shard: no crash, and every way of reading agrees
 *
 * The first byte says how the rest becomes the stored file: as it is, or as instructions from which frames and
 * members are made (then the content is known), which may be damaged afterwards.  The file is read once in large
 * reads and once with peeks, pieces and short reads; what both accept has to be the same bytes.
 */
#include "../stored.h"
#include "input.h"

#include <xxhash.h>

#define WINDOW_LOG_MAX 20
#define OUTPUT_MAX ((size_t)1 << 16) /* more would go to the making of pages */

/* A frame's content: bytes of the input, some of them many times. */
static void put_content(struct input *in, struct bytes *content)
{
    const unsigned n = next_byte(in), repeats = 1 + (next_byte(in) & 63);
    const size_t len = n < in->left ? n : in->left;

    for (unsigned i = 0; i < repeats; i++)
        put(content, in->data, len);
    in->data += len;
    in->left -= len;
}

static void build(struct input *in, struct bytes *stored, struct bytes *twin, bool gzip)
{
    while (in->left > 0) {
        const unsigned kind = next_byte(in);
        struct bytes content = {0};

        put_content(in, &content);
        if (gzip)
            put_gzip(stored, bytes_room(&content, 1) - content.len, content.len);
        else if ((kind & 7) == 7)
            put_skippable(stored, kind >> 4, content.len);
        else
            put_zstd(stored, bytes_room(&content, 1) - content.len, content.len,
                     (struct frame_options){.level = 1, .checksum = kind & 8, .no_content_size = kind & 16});
        if (gzip || (kind & 7) != 7)
            put(twin, bytes_room(&content, 1) - content.len, content.len);
        bytes_free(&content);
    }
}

static enum emx_status read_largely(struct stream *s, struct bytes *out)
{
    size_t n = 0;
    enum emx_status status = stream_read(s, bytes_room(out, OUTPUT_MAX), OUTPUT_MAX, &n, NULL);

    out->len += status == EMX_OK ? n : 0;
    return status;
}

static enum emx_status read_piece(struct piece_decoder *d, struct stream_piece *piece, struct bytes *out, size_t cap)
{
    size_t n = cap;
    enum emx_status status = EMX_OK;

    require(piece->position == out->len && piece->size > 0, "a piece is where the stream was");
    while (status == EMX_OK && n == cap && out->len < OUTPUT_MAX) {
        status = piece_read(d, piece, "x", bytes_room(out, cap), cap, &n, NULL);
        out->len += status == EMX_OK ? n : 0;
    }
    require(status != EMX_OK || n == cap || out->len - piece->position == piece->size, "a piece is of its size");
    return status;
}

static enum emx_status read_in_bits(struct stream *s, struct bytes *out, size_t cap)
{
    struct piece_decoder *d = NULL;
    struct stream_piece piece = {0};
    enum emx_status status = piece_decoder_create(WINDOW_LOG_MAX, &d, NULL);
    size_t n = 1;

    while (status == EMX_OK && n > 0 && out->len < OUTPUT_MAX) {
        const void *seen;
        bool taken = false;

        status = stream_peek(s, &seen, cap, &n, NULL);
        if (status == EMX_OK)
            status = stream_take_piece(s, &piece, &taken, NULL);
        n = 1;
        if (status == EMX_OK && taken)
            status = read_piece(d, &piece, out, cap);
        else if (status == EMX_OK)
            status = stream_read_some(s, bytes_room(out, cap), cap, &n, NULL);
        out->len += status == EMX_OK && !taken ? n : 0;
    }
    free(piece.stored);
    piece_decoder_destroy(&d);
    return status;
}

static enum emx_status read_stored(const struct bytes *stored, size_t cap, struct bytes *out)
{
    struct memory_space m;
    struct stream *s = NULL;
    enum emx_status status =
        stream_open(memory_space(&m, "x", stored->data, stored->len), "x", WINDOW_LOG_MAX, &s, NULL);

    if (status != EMX_OK)
        return status;
    status = cap ? read_in_bits(s, out, cap) : read_largely(s, out);
    if (status == EMX_OK && out->len < OUTPUT_MAX) {
        require(stream_size(s) == out->len || stream_size(s) == UINT64_MAX, "a known size is the size");
        require(stream_n_stored(s) == stored->len, "all of the file was read");
        require(stream_xxh3(s) == XXH3_64bits(stored->data, stored->len), "the hash is that of the file");
    }
    stream_close(&s);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    const unsigned mode = next_byte(&in), flip = next_byte(&in), cap = 1 + next_byte(&in) * 8;
    const bool built = (mode & 3) != 0, damaged = (mode & 3) == 2;
    struct bytes stored = {0}, twin = {0}, whole = {0}, bits = {0};
    enum emx_status status, status_bits;

    bytes_room(&stored, 1);
    if (built)
        build(&in, &stored, &twin, mode & 4);
    else
        put(&stored, in.data, in.left);
    if (damaged && stored.len)
        stored.data[(flip * stored.len) >> 8] ^= (unsigned char)(1 + (mode >> 3));
    status = read_stored(&stored, 0, &whole);
    status_bits = read_stored(&stored, cap, &bits);
    require((status == EMX_OK) == (status_bits == EMX_OK) || whole.len >= OUTPUT_MAX || bits.len >= OUTPUT_MAX,
            "both ways accept it or neither");
    if (status == EMX_OK && status_bits == EMX_OK && whole.len < OUTPUT_MAX)
        require(whole.len == bits.len && (whole.len == 0 || memcmp(whole.data, bits.data, bits.len) == 0),
                "both ways give the same bytes");
    if (built && !damaged && twin.len < OUTPUT_MAX)
        require(status == EMX_OK && whole.len == twin.len && (!twin.len || !memcmp(whole.data, twin.data, twin.len)),
                "what was stored comes back");
    bytes_free(&stored);
    bytes_free(&twin);
    bytes_free(&whole);
    bytes_free(&bits);
    return 0;
}
