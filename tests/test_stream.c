/*
 * test_stream.c - whatever a file's codec, its stream is the plain bytes, or an error
 */
#include "stored.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

static uint64_t seed;

static const struct frame_options quick = {.level = 3, .checksum = true};
static const struct frame_options sizeless = {.level = 1, .no_content_size = true};

/* Peek, read and skip at random, to the end; every byte must be the twin's. */
static enum emx_status wander(struct stream *s, const struct bytes *twin, struct emx_error *err)
{
    unsigned char *buf = must(malloc(300000));
    enum emx_status status = EMX_OK;
    size_t n = 1;

    while (status == EMX_OK && n > 0) {
        const size_t left = twin->len - (size_t)stream_position(s);
        const size_t limit = (size_t)1 << test_random(&seed) % 19, want = 1 + (size_t)test_random(&seed) % limit;
        const size_t expected = want < left ? want : left;
        const unsigned char *here = twin->data + stream_position(s);
        const void *seen = buf;

        switch (test_random(&seed) % 4) {
        case 0:
            status = stream_peek(s, &seen, want < 65536 ? want : 65536, &n, err);
            CHECK(status != EMX_OK || n == (expected < 65536 ? expected : 65536));
            break;
        case 1:
            if (want <= left)
                status = stream_skip(s, want, err);
            n = 0;
            break;
        case 2:
            status = stream_read_some(s, buf, want, &n, err);
            CHECK(status != EMX_OK || (n <= expected && (n > 0 || left == 0)));
            break;
        default:
            status = stream_read(s, buf, want, &n, err);
            CHECK(status != EMX_OK || n == expected);
        }
        CHECK(status != EMX_OK || n <= left);
        CHECK(status != EMX_OK || n > left || n == 0 || memcmp(seen, here, n) == 0);
        n = left;
    }
    if (status == EMX_OK)
        status = stream_read(s, buf, 1, &n, err);
    CHECK(status != EMX_OK || n == 0);
    free(buf);
    return status;
}

static void expect_twin(const char *path, const struct bytes *stored, const struct bytes *twin, const char *codec)
{
    for (int round = 0; round < 3; round++) {
        struct memory_space m;
        struct stream *s = NULL;
        struct emx_error err = {0};

        if (stream_open(memory_space(&m, path, stored->data, stored->len), path, 27, &s, &err) != EMX_OK) {
            printf("%s\n", err.message);
            CHECK(s != NULL);
            return;
        }
        CHECK_STR(stream_codec(s), codec);
        CHECK(stream_size(s) == twin->len || stream_size(s) == UINT64_MAX);
        if (wander(s, twin, &err) != EMX_OK)
            printf("%s\n", err.message);
        CHECK(err.status == EMX_OK);
        CHECK(stream_position(s) == twin->len);
        CHECK(stream_n_stored(s) == stored->len);
        CHECK(stream_xxh3(s) == XXH3_64bits(stored->data, stored->len));
        stream_close(&s);
        CHECK(s == NULL);
    }
}

/* Read to the end in reads of `cap`; *ret_equal: these are the twin's bytes. */
static enum emx_status read_through(const char *path, const struct bytes *stored, const struct bytes *twin, size_t cap,
                                    bool *ret_equal, struct emx_error *err)
{
    struct memory_space m;
    struct stream *s = NULL;
    struct bytes out = {0};
    size_t n = cap;
    enum emx_status status = stream_open(memory_space(&m, path, stored->data, stored->len), path, 23, &s, err);

    while (status == EMX_OK && n == cap) {
        status = stream_read(s, bytes_room(&out, cap), cap, &n, err);
        out.len += status == EMX_OK ? n : 0;
    }
    *ret_equal = twin && out.len == twin->len && memcmp(out.data, twin->data, out.len) == 0;
    bytes_free(&out);
    stream_close(&s);
    return status;
}

static void expect_error(const char *path, const struct bytes *stored, enum emx_status status, const char *part)
{
    struct emx_error err = {0};
    bool equal;

    CHECK(read_through(path, stored, NULL, 5000, &equal, &err) == status);
    CHECK(err.status == status);
    CHECK(strstr(err.message, part) != NULL);
    CHECK(strstr(err.message, path) == err.message);
    if (!strstr(err.message, part))
        printf("\"%s\" lacks \"%s\"\n", err.message, part);
}

static void each_codec_gives_the_plain_bytes(void)
{
    static const size_t sizes[] = {0, 1, 50, 32768, 32769, 400000};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct bytes twin = {0}, zstd = {0}, gzip = {0}, unsized = {0};

        bytes_room(&twin, 1);
        put_tokens(&twin, sizes[i], &seed);
        put_zstd(&zstd, twin.data, twin.len, quick);
        put_zstd(&unsized, twin.data, twin.len, sizeless);
        put_gzip(&gzip, twin.data, twin.len);
        expect_twin("a.bin", &twin, &twin, "none");
        expect_twin("a.bin.zst", &zstd, &twin, "zstd");
        expect_twin("a.bin", &unsized, &twin, "zstd");
        expect_twin("a.bin.gz", &gzip, &twin, "gzip");
        bytes_free(&twin);
        bytes_free(&zstd);
        bytes_free(&unsized);
        bytes_free(&gzip);
    }
}

/* Frames of all lengths and kinds, with and without something between them. */
static void put_random_frames(struct bytes *stored, const struct bytes *twin)
{
    size_t pos = 0;

    while (pos < twin->len) {
        const size_t limit = (size_t)1 << test_random(&seed) % 18, n = (size_t)test_random(&seed) % limit;
        const size_t len = n < twin->len - pos ? n : twin->len - pos;
        const uint64_t dice = test_random(&seed);

        put_zstd(stored, twin->data + pos, len,
                 (struct frame_options){.level = 1, .checksum = dice & 1, .no_content_size = (dice & 6) == 0});
        if ((dice & 0x38) == 0)
            put_skippable(stored, dice >> 6 & 15, (size_t)(dice >> 10) % 3000);
        pos += len;
    }
}

static void many_frames_make_one_shard(void)
{
    for (int round = 0; round < 8; round++) {
        struct bytes twin = {0}, stored = {0};

        put_tokens(&twin, 300000, &seed);
        put_random_frames(&stored, &twin);
        expect_twin("a.zst", &stored, &twin, "zstd");
        bytes_free(&twin);
        bytes_free(&stored);
    }
}

static void skippable_frames_are_passed_anywhere(void)
{
    struct bytes twin = {0}, stored = {0}, nothing = {0};

    bytes_room(&nothing, 1);
    put_tokens(&twin, 1000, &seed);
    put_skippable(&stored, 0, 700000);
    put_skippable(&stored, 15, 0);
    expect_twin("only-skippable.bin", &stored, &nothing, "zstd");
    put_zstd(&stored, "", 0, quick);
    put_zstd(&stored, twin.data, 1200, quick);
    put_skippable(&stored, 7, 2000000);
    put_zstd(&stored, "", 0, sizeless);
    put_zstd(&stored, twin.data + 1200, 800, sizeless);
    put_zstd(&stored, "", 0, quick);
    put_skippable(&stored, 14, 5);
    expect_twin("a.bin", &stored, &twin, "zstd");
    stored.len -= 1;
    expect_error("a.bin", &stored, EMX_ERR_CORRUPT, "is cut off");
    bytes_free(&twin);
    bytes_free(&stored);
    bytes_free(&nothing);
}

/* The seekable format: independent frames, then a table of them in a skippable frame. */
static void seekable_files_are_read(void)
{
    struct bytes twin = {0}, stored = {0}, table = {0};
    uint32_t n_frames = 0;

    put_tokens(&twin, 100000, &seed);
    for (size_t pos = 0; pos < twin.len; pos += 16384, n_frames++) {
        const size_t n = twin.len - pos < 16384 ? twin.len - pos : 16384, before = stored.len;

        put_zstd(&stored, twin.data + pos, n, quick);
        put_le32(&table, (uint32_t)(stored.len - before));
        put_le32(&table, (uint32_t)n);
    }
    put_le32(&table, n_frames);
    put(&table, "\0\xB1\xEA\x92\x8F", 5);
    put_le32(&stored, 0x184D2A5E);
    put_le32(&stored, (uint32_t)table.len);
    put(&stored, table.data, table.len);
    expect_twin("a.bin.zst", &stored, &twin, "zstd");
    bytes_free(&twin);
    bytes_free(&stored);
    bytes_free(&table);
}

static void gzip_members_and_padding(void)
{
    struct bytes twin = {0}, stored = {0};

    put_tokens(&twin, 100000, &seed);
    put_gzip(&stored, twin.data, 150000);
    put_gzip(&stored, "", 0);
    put_gzip(&stored, twin.data + 150000, 50000);
    expect_twin("a.bin.gz", &stored, &twin, "gzip");
    memset(bytes_room(&stored, 600000), 0, 600000);
    stored.len += 600000;
    expect_twin("a.bin", &stored, &twin, "gzip");
    put(&stored, "x", 1);
    expect_error("a.bin.gz", &stored, EMX_ERR_CORRUPT, "is no gzip member");
    bytes_free(&twin);
    bytes_free(&stored);
}

/* Peek after peek, each longer, changes nothing, wherever the frames end. */
static void peeks_disturb_nothing(void)
{
    struct bytes twin = {0}, stored = {0};
    struct memory_space m;
    struct stream *s = NULL;
    const void *seen;
    size_t n = 0;

    put_tokens(&twin, 50000, &seed);
    put_random_frames(&stored, &twin);
    CHECK(stream_open(memory_space(&m, "a", stored.data, stored.len), "a", 27, &s, NULL) == EMX_OK);
    for (size_t cap = 0; cap <= 65536; cap += 1024) {
        CHECK(stream_peek(s, &seen, cap, &n, NULL) == EMX_OK);
        CHECK(n == cap && memcmp(seen, twin.data, n) == 0);
        CHECK(stream_position(s) == 0);
    }
    CHECK(wander(s, &twin, NULL) == EMX_OK);
    stream_close(&s);
    bytes_free(&twin);
    bytes_free(&stored);
}

/* Looking at 64 KiB behind a huge skippable frame falls back on decoding ahead. */
static void peek_past_a_long_skippable_frame(void)
{
    struct bytes twin = {0}, stored = {0};

    put_tokens(&twin, 100000, &seed);
    put_zstd(&stored, twin.data, 100, quick);
    put_skippable(&stored, 1, 5000000);
    put_zstd(&stored, twin.data + 100, twin.len - 100, quick);
    expect_twin("a.zst", &stored, &twin, "zstd");
    bytes_free(&twin);
    bytes_free(&stored);
}

static void cut_anywhere_is_an_error(const char *path, const struct bytes *whole, const struct bytes *twin)
{
    for (size_t len = 1; len < whole->len; len++) {
        struct bytes cut = {must(malloc(len)), len, len};
        struct emx_error err = {0};
        bool equal;

        memcpy(cut.data, whole->data, len);
        CHECK(read_through(path, &cut, twin, 1 + len % 700, &equal, &err) == EMX_ERR_CORRUPT);
        CHECK(strncmp(err.message, path, strlen(path)) == 0);
        bytes_free(&cut);
    }
}

static void flip_anywhere_is_an_error_or_equal(const char *path, const struct bytes *whole, const struct bytes *twin)
{
    for (size_t i = 0; i < whole->len * 8; i++) {
        struct emx_error err = {0};
        bool equal;

        whole->data[i / 8] ^= (unsigned char)(1 << i % 8);
        if (read_through(path, whole, twin, 1 + i % 700, &equal, &err) == EMX_OK)
            CHECK(equal);
        else
            CHECK(err.message[0] != '\0');
        whole->data[i / 8] ^= (unsigned char)(1 << i % 8);
    }
}

static void damaged_zstd_is_noticed(void)
{
    struct bytes twin = {0}, one = {0}, two = {0};

    put_tokens(&twin, 1000, &seed);
    put_zstd(&one, twin.data, twin.len, quick);
    cut_anywhere_is_an_error("x.zst", &one, &twin);
    flip_anywhere_is_an_error_or_equal("x.zst", &one, &twin);
    put_zstd(&two, twin.data, twin.len, (struct frame_options){.level = 1, .checksum = true, .no_content_size = true});
    flip_anywhere_is_an_error_or_equal("x.zst", &two, &twin);
    bytes_free(&twin);
    bytes_free(&one);
    bytes_free(&two);
}

static void damaged_gzip_is_noticed(void)
{
    struct bytes twin = {0}, one = {0};

    put_tokens(&twin, 500, &seed);
    put_gzip(&one, twin.data, twin.len);
    cut_anywhere_is_an_error("x.gz", &one, &twin);
    flip_anywhere_is_an_error_or_equal("x.gz", &one, &twin);
    bytes_free(&twin);
    bytes_free(&one);
}

static void messages_say_where(void)
{
    struct bytes twin = {0}, stored = {0};
    char part[64];
    size_t first;

    put_tokens(&twin, 20000, &seed);
    put_zstd(&stored, twin.data, twin.len, quick);
    first = stored.len;
    put_zstd(&stored, twin.data, twin.len, quick);
    stored.data[stored.len - 1] ^= 1;
    snprintf(part, sizeof(part), "zstd frame at byte %zu does not match its checksum", first);
    expect_error("x.zst", &stored, EMX_ERR_CORRUPT, part);
    stored.len -= 5;
    snprintf(part, sizeof(part), "zstd frame at byte %zu is cut off", first);
    expect_error("x.zst", &stored, EMX_ERR_CORRUPT, part);
    stored.len = first + 3;
    expect_error("x.zst", &stored, EMX_ERR_CORRUPT, part);
    stored.len = first;
    put(&stored, "ab", 2);
    snprintf(part, sizeof(part), "what begins at byte %zu is no zstd frame", first);
    expect_error("x.zst", &stored, EMX_ERR_CORRUPT, part);
    bytes_free(&twin);
    bytes_free(&stored);
}

static void a_failed_stream_stays_failed(void)
{
    struct bytes twin = {0}, stored = {0};
    struct memory_space m;
    struct stream *s = NULL;
    struct stream_piece piece = {0};
    struct emx_error first = {0}, again = {0};
    unsigned char *buf;
    const void *seen;
    size_t n;
    bool taken;

    put_tokens(&twin, 20000, &seed);
    put_zstd(&stored, twin.data, twin.len, quick);
    stored.data[stored.len - 1] ^= 1;
    buf = must(malloc(twin.len + 1));
    CHECK(stream_open(memory_space(&m, "x", stored.data, stored.len), "x", 27, &s, NULL) == EMX_OK);
    CHECK(stream_read(s, buf, twin.len + 1, &n, &first) == EMX_ERR_CORRUPT);
    CHECK(stream_read(s, buf, 1, &n, &again) == EMX_ERR_CORRUPT);
    CHECK_STR(again.message, first.message);
    CHECK(stream_peek(s, &seen, 1, &n, NULL) == EMX_ERR_CORRUPT);
    CHECK(stream_skip(s, 1, NULL) == EMX_ERR_CORRUPT);
    CHECK(stream_take_piece(s, &piece, &taken, NULL) == EMX_ERR_CORRUPT && !taken);
    stream_close(&s);
    free(buf);
    bytes_free(&twin);
    bytes_free(&stored);
}

/* Who reads exactly the content still learns of a wrong checksum behind it. */
static void an_exact_read_checks_the_frame(void)
{
    struct bytes twin = {0}, stored = {0};
    struct memory_space m;
    struct stream *s = NULL;
    unsigned char *buf;
    size_t n;

    put_tokens(&twin, 200000, &seed);
    put_zstd(&stored, twin.data, twin.len, quick);
    stored.data[stored.len - 1] ^= 1;
    buf = must(malloc(twin.len));
    CHECK(stream_open(memory_space(&m, "x", stored.data, stored.len), "x", 27, &s, NULL) == EMX_OK);
    CHECK(stream_read(s, buf, twin.len, &n, NULL) == EMX_ERR_CORRUPT);
    stream_close(&s);
    free(buf);
    bytes_free(&twin);
    bytes_free(&stored);
}

/* Replace the content size that a frame states (4 bytes, no window byte or dictionary: after magic and descriptor). */
static void restate_size(struct bytes *stored, uint32_t claimed)
{
    CHECK((stored->data[4] & 0xE3) == 0xA0);
    for (int i = 0; i < 4; i++)
        stored->data[5 + i] = (unsigned char)(claimed >> 8 * i);
}

static void lying_sizes_are_errors(void)
{
    static const uint32_t lies[] = {1, 199998, 200002, 1 << 20, 1 << 23};

    for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
        struct bytes twin = {0}, stored = {0};

        put_tokens(&twin, 100000, &seed);
        put_zstd(&stored, twin.data, twin.len, (struct frame_options){.level = 3});
        restate_size(&stored, lies[i]);
        for (size_t cap = 100; cap < 1 << 25; cap *= 17) {
            struct emx_error err = {0};
            bool equal;

            CHECK(read_through("x", &stored, &twin, cap, &equal, &err) == EMX_ERR_CORRUPT);
        }
        bytes_free(&twin);
        bytes_free(&stored);
    }
}

/* libzstd alone lets this pass where it cannot decode at one stroke: 2 bytes stated, one empty block. */
static void a_lying_empty_frame_is_an_error(void)
{
    static const unsigned char frame[] = {0x28, 0xB5, 0x2F, 0xFD, 0x20, 2, 1, 0, 0};
    struct emx_error err = {0};
    struct bytes stored = {0};
    bool equal;

    put(&stored, frame, sizeof(frame));
    CHECK(read_through("x", &stored, NULL, 1, &equal, &err) == EMX_ERR_CORRUPT);
    CHECK_STR(err.message, "x: zstd frame at byte 0 holds less than it states");
    bytes_free(&stored);
}

static void windows_have_a_limit(void)
{
    struct bytes twin = {0}, stored = {0};
    struct memory_space m;
    struct stream *s = NULL;
    struct emx_error err = {0};
    unsigned char byte;
    size_t n;

    memset(bytes_room(&twin, 3 << 20), 7, 3 << 20);
    twin.len = 3 << 20;
    put_zstd(&stored, twin.data, twin.len, (struct frame_options){.level = 1, .window_log = 20});
    CHECK(stream_open(memory_space(&m, "x", stored.data, stored.len), "x", 20, &s, NULL) == EMX_OK);
    CHECK(stream_read(s, &byte, 1, &n, NULL) == EMX_OK && n == 1);
    stream_close(&s);
    CHECK(stream_open(&m.space, "x", 19, &s, NULL) == EMX_OK);
    CHECK(stream_read(s, &byte, 1, &n, &err) == EMX_ERR_RANGE);
    CHECK(strstr(err.message, "a window of 1048576 bytes") != NULL);
    stream_close(&s);
    stored.data[5] = 22 << 3; /* 2^32: more than any decoder takes */
    CHECK(stream_open(&m.space, "x", 31, &s, NULL) == EMX_OK);
    CHECK(stream_read(s, &byte, 1, &n, &err) == EMX_ERR_RANGE);
    stream_close(&s);
    bytes_free(&twin);
    bytes_free(&stored);
}

static void dictionaries_are_refused(void)
{
    /* descriptor: 1 byte of dictionary id, single segment with 1 byte of size; then one raw block "ab" */
    static const unsigned char frame[] = {0x28, 0xB5, 0x2F, 0xFD, 0x21, 99, 2, 0x11, 0, 0, 'a', 'b'};
    struct bytes stored = {0};

    put(&stored, frame, sizeof(frame));
    expect_error("x", &stored, EMX_ERR_FORMAT, "dictionary 99");
    bytes_free(&stored);
}

static void other_codecs_are_named(void)
{
    static const unsigned char bzip2[] = "BZh91AY&SY\x12\x34\x56\x78more";
    static const unsigned char xz[] = "\xFD"
                                      "7zXZ\0\0\x04\xE6\xD6\xB4\x46 more";
    unsigned char lz4[] = "\x04\x22\x4D\x18\x64\x40?more";
    struct bytes b = {0};

    put(&b, bzip2, sizeof(bzip2));
    expect_error("x", &b, EMX_ERR_FORMAT, "is bzip2-compressed, which is not supported; recompress with zstd");
    b.len = 0;
    put(&b, xz, sizeof(xz));
    expect_error("x", &b, EMX_ERR_FORMAT, "is xz-compressed");
    b.len = 0;
    lz4[6] = (unsigned char)(XXH32(lz4 + 4, 2, 0) >> 8);
    put(&b, lz4, sizeof(lz4));
    expect_error("x", &b, EMX_ERR_FORMAT, "is lz4-compressed");
    b.len = 0;
    put(&b, "whatever", 8);
    expect_error("x.mds.br", &b, EMX_ERR_FORMAT, "is brotli-compressed");
    bytes_free(&b);
}

/* Raw tokens may spell a magic number; only a possible header makes a compressed file of them. */
static void raw_files_are_not_misread(void)
{
    static const struct {
        const char *name;
        unsigned char head[16];
    } raw[] = {
        {"zstd magic, reserved bit", {0x28, 0xB5, 0x2F, 0xFD, 0x08}},
        {"zstd magic, reserved block type", {0x28, 0xB5, 0x2F, 0xFD, 0x20, 1, 0x07, 0, 0}},
        {"zstd magic, block too large", {0x28, 0xB5, 0x2F, 0xFD, 0x20, 1, 0x01, 0, 0xFF}},
        {"skippable frame past the end", {0x50, 0x2A, 0x4D, 0x18, 0, 0, 1, 0}},
        {"skippable frame, then no frame", {0x50, 0x2A, 0x4D, 0x18, 2, 0, 0, 0}},
        {"gzip magic, reserved flag", {0x1F, 0x8B, 8, 0x20}},
        {"gzip magic, unknown system", {0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0x40}},
        {"bzip2 magic, no block", "BZh9 is a token"},
        {"lz4 magic, wrong header hash", {0x04, 0x22, 0x4D, 0x18, 0x64, 0x40, 0}},
    };

    for (size_t i = 0; i < sizeof(raw) / sizeof(*raw); i++) {
        struct bytes b = {0};

        put(&b, raw[i].head, sizeof(raw[i].head));
        put_tokens(&b, 500, &seed);
        expect_twin("a.bin", &b, &b, "none");
        bytes_free(&b);
    }
}

static void short_raw_files_are_raw(void)
{
    static const unsigned char zstd[] = {0x28, 0xB5, 0x2F, 0xFD}, gzip[] = {0x1F, 0x8B, 8, 0};

    for (size_t len = 0; len <= 4; len++) {
        struct bytes b = {0};

        put(&b, zstd, len);
        expect_twin("a.bin", &b, &b, "none");
        b.len = 0;
        put(&b, gzip, len);
        expect_twin("a.bin", &b, &b, "none");
        bytes_free(&b);
    }
}

static void a_name_that_lies_is_an_error(void)
{
    struct bytes b = {0}, nothing = {0}, zstd = {0};

    bytes_room(&nothing, 1);
    put_tokens(&b, 100, &seed);
    put_zstd(&zstd, b.data, b.len, quick);
    expect_error("a.bin.zst", &b, EMX_ERR_CORRUPT, "is named .zst but does not begin as zstd does");
    expect_error("a.mds.zstd", &b, EMX_ERR_CORRUPT, "is named .zstd");
    expect_error("a.bin.gz", &b, EMX_ERR_CORRUPT, "is named .gz");
    expect_twin("a.bin.zst", &nothing, &nothing, "none");
    expect_twin("a.bin.gz", &zstd, &b, "zstd");
    bytes_free(&b);
    bytes_free(&nothing);
    bytes_free(&zstd);
}

static uint64_t size_of(const struct bytes *stored)
{
    struct memory_space m;
    struct stream *s = NULL;
    uint64_t size = 0;

    CHECK(stream_open(memory_space(&m, "x", stored->data, stored->len), "x", 27, &s, NULL) == EMX_OK);
    if (s)
        size = stream_size(s);
    stream_close(&s);
    return size;
}

static void sizes_known_beforehand(void)
{
    struct bytes twin = {0}, b = {0};

    put_tokens(&twin, 200000, &seed);
    CHECK(size_of(&twin) == twin.len);
    put_zstd(&b, twin.data, twin.len, quick);
    CHECK(size_of(&b) == twin.len);
    put_skippable(&b, 3, 100);
    put_zstd(&b, twin.data, 77, (struct frame_options){.level = 1});
    CHECK(size_of(&b) == twin.len + 77);
    b.len--;
    CHECK(size_of(&b) == UINT64_MAX);
    b.len++;
    put_zstd(&b, twin.data, 77, sizeless);
    CHECK(size_of(&b) == UINT64_MAX);
    b.len = 0;
    put_gzip(&b, twin.data, 77);
    CHECK(size_of(&b) == UINT64_MAX);
    bytes_free(&twin);
    bytes_free(&b);
}

static void skipping_past_the_end_is_an_error(void)
{
    struct bytes twin = {0}, b = {0};
    struct memory_space m;
    struct stream *s = NULL;
    struct emx_error err = {0};

    put_tokens(&twin, 1000, &seed);
    put_gzip(&b, twin.data, twin.len);
    CHECK(stream_open(memory_space(&m, "x", b.data, b.len), "x", 27, &s, NULL) == EMX_OK);
    CHECK(stream_skip(s, 2000, &err) == EMX_OK);
    CHECK(stream_skip(s, 0, &err) == EMX_OK);
    CHECK(stream_skip(s, UINT64_MAX, &err) == EMX_ERR_CORRUPT);
    CHECK(strstr(err.message, "ends after 2000 bytes") != NULL);
    stream_close(&s);
    bytes_free(&twin);
    bytes_free(&b);
}

/* 64 MiB of one byte in a few KiB: streaming needs no more than the window. */
static void a_bomb_is_streamed(void)
{
    struct bytes zeros = {0}, b = {0};
    struct memory_space m;
    struct stream *s = NULL;

    zeros.len = (size_t)64 << 20;
    zeros.data = must(calloc(zeros.len, 1));
    put_zstd(&b, zeros.data, zeros.len, (struct frame_options){.level = 3});
    CHECK(b.len < 16384);
    CHECK(stream_open(memory_space(&m, "x", b.data, b.len), "x", 27, &s, NULL) == EMX_OK);
    CHECK(stream_skip(s, zeros.len, NULL) == EMX_OK);
    stream_close(&s);
    bytes_free(&zeros);
    bytes_free(&b);
}

struct feeder {
    const struct bytes *bytes;
    int fd;
};

/* In drips, so that reads from the pipe come back short. */
static void *feed(void *context)
{
    const struct feeder *f = context;
    size_t done = 0, step = 1;

    while (done < f->bytes->len) {
        const size_t left = f->bytes->len - done;
        const ssize_t n = write(f->fd, f->bytes->data + done, step < left ? step : left);

        if (n <= 0)
            break;
        done += (size_t)n;
        step = step * 7 % 5003 + 1;
    }
    close(f->fd);
    return NULL;
}

static void check_pipe(const struct bytes *stored, const struct bytes *twin)
{
    const int saved = dup(0);
    struct stream *s = NULL;
    struct feeder f;
    pthread_t thread;
    int ends[2];

    CHECK(pipe(ends) == 0);
    dup2(ends[0], 0);
    close(ends[0]);
    f = (struct feeder){stored, ends[1]};
    pthread_create(&thread, NULL, feed, &f);
    CHECK(stream_open(NULL, "-", 27, &s, NULL) == EMX_OK);
    CHECK_STR(stream_path(s), "standard input");
    CHECK(wander(s, twin, NULL) == EMX_OK);
    CHECK(stream_position(s) == twin->len);
    CHECK(stream_xxh3(s) == XXH3_64bits(stored->data, stored->len));
    stream_close(&s);
    pthread_join(thread, NULL);
    dup2(saved, 0);
    close(saved);
}

static void standard_input_is_a_shard(void)
{
    struct bytes twin = {0}, zstd = {0};

    put_tokens(&twin, 200000, &seed);
    put_skippable(&zstd, 2, 1000);
    put_random_frames(&zstd, &twin);
    check_pipe(&twin, &twin);
    check_pipe(&zstd, &twin);
    bytes_free(&twin);
    bytes_free(&zstd);
}

static void disk_and_fifo(void)
{
    char folder[] = "/tmp/emx-stream-XXXXXX", path[64];
    struct bytes twin = {0}, stored = {0};
    struct stream *s = NULL;
    struct feeder f;
    pthread_t thread;

    put_tokens(&twin, 1000000, &seed);
    put_random_frames(&stored, &twin);
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/a.zst", folder);
    f = (struct feeder){&stored, open(path, O_WRONLY | O_CREAT, 0600)};
    feed(&f);
    CHECK(stream_open(NULL, path, 27, &s, NULL) == EMX_OK);
    CHECK(wander(s, &twin, NULL) == EMX_OK);
    CHECK(stream_xxh3(s) == XXH3_64bits(stored.data, stored.len));
    stream_close(&s);
    CHECK(unlink(path) == 0 && mkfifo(path, 0600) == 0);
    f.fd = open(path, O_RDWR); /* so that neither side waits for the other to open */
    pthread_create(&thread, NULL, feed, &f);
    CHECK(stream_open(NULL, path, 27, &s, NULL) == EMX_OK);
    CHECK(stream_size(s) == UINT64_MAX);
    CHECK(wander(s, &twin, NULL) == EMX_OK);
    stream_close(&s);
    pthread_join(thread, NULL);
    CHECK(unlink(path) == 0 && rmdir(folder) == 0);
    bytes_free(&twin);
    bytes_free(&stored);
}

int main(void)
{
    seed = test_seed();
    RUN(each_codec_gives_the_plain_bytes);
    RUN(many_frames_make_one_shard);
    RUN(skippable_frames_are_passed_anywhere);
    RUN(seekable_files_are_read);
    RUN(gzip_members_and_padding);
    RUN(peeks_disturb_nothing);
    RUN(peek_past_a_long_skippable_frame);
    RUN(damaged_zstd_is_noticed);
    RUN(damaged_gzip_is_noticed);
    RUN(messages_say_where);
    RUN(a_failed_stream_stays_failed);
    RUN(an_exact_read_checks_the_frame);
    RUN(lying_sizes_are_errors);
    RUN(a_lying_empty_frame_is_an_error);
    RUN(windows_have_a_limit);
    RUN(dictionaries_are_refused);
    RUN(other_codecs_are_named);
    RUN(raw_files_are_not_misread);
    RUN(short_raw_files_are_raw);
    RUN(a_name_that_lies_is_an_error);
    RUN(sizes_known_beforehand);
    RUN(skipping_past_the_end_is_an_error);
    RUN(a_bomb_is_streamed);
    RUN(standard_input_is_a_shard);
    RUN(disk_and_fifo);
    return test_summary();
}
