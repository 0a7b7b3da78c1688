/*
 * test_pieces.c - a shard taken in pieces, decoded by any thread, is the shard read in order
 */
#include "stored.h"

#include <pthread.h>
#include <xxhash.h>

static uint64_t seed;

static const struct frame_options quick = {.level = 1, .checksum = true};

struct plan {
    unsigned n_reads; /* of 4 tries to take a piece, this many are a read instead */
    size_t read_cap, piece_cap;
    bool peek;
};

struct totals {
    size_t n_pieces;
    uint64_t hash; /* of positions and sizes */
};

static enum emx_status decode_piece(struct piece_decoder *d, struct stream_piece *piece, size_t cap, struct bytes *out,
                                    struct emx_error *err)
{
    const size_t before = out->len;
    size_t n = cap;
    enum emx_status status = EMX_OK;

    while (status == EMX_OK && n == cap) {
        status = piece_read(d, piece, "x", bytes_room(out, cap), cap, &n, err);
        out->len += status == EMX_OK ? n : 0;
    }
    CHECK(status != EMX_OK || out->len - before == piece->size);
    return status;
}

/* Alternate as the plan says; what comes out is appended to *out. */
static enum emx_status take_all(struct stream *s, struct piece_decoder *d, struct plan plan, struct bytes *out,
                                struct totals *totals, struct emx_error *err)
{
    struct stream_piece piece = {0};
    enum emx_status status = EMX_OK;
    size_t n = 1;

    while (status == EMX_OK && n > 0) {
        bool taken = false;
        const void *seen;

        if (plan.peek)
            status = stream_peek(s, &seen, 65536, &n, err);
        if (status == EMX_OK && test_random(&seed) % 4 >= plan.n_reads)
            status = stream_take_piece(s, &piece, &taken, err);
        if (status == EMX_OK && taken) {
            CHECK(piece.position == out->len && piece.size > 0 && piece.n_stored <= 8 << 20);
            totals->n_pieces++;
            totals->hash = (totals->hash ^ piece.position ^ piece.size) * 0x9E3779B97F4A7C15u;
            status = decode_piece(d, &piece, plan.piece_cap, out, err);
            n = 1;
        } else if (status == EMX_OK) {
            status = stream_read_some(s, bytes_room(out, plan.read_cap), plan.read_cap, &n, err);
            out->len += status == EMX_OK ? n : 0;
        }
    }
    free(piece.stored);
    return status;
}

static enum emx_status take_memory(const struct bytes *stored, struct plan plan, struct bytes *out,
                                   struct totals *totals, struct emx_error *err)
{
    struct memory_space m;
    struct stream *s = NULL;
    struct piece_decoder *d = NULL;
    enum emx_status status;

    *totals = (struct totals){0};
    CHECK(piece_decoder_create(23, &d, NULL) == EMX_OK);
    status = stream_open(memory_space(&m, "x.zst", stored->data, stored->len), "x.zst", 23, &s, err);
    if (status == EMX_OK)
        status = take_all(s, d, plan, out, totals, err);
    if (status == EMX_OK)
        CHECK(stream_xxh3(s) == XXH3_64bits(stored->data, stored->len) && stream_n_stored(s) == stored->len);
    stream_close(&s);
    piece_decoder_destroy(&d);
    return status;
}

static size_t expect_pieces(const struct bytes *stored, const struct bytes *twin, struct plan plan)
{
    struct bytes out = {0};
    struct totals totals;
    struct emx_error err = {0};

    if (take_memory(stored, plan, &out, &totals, &err) != EMX_OK)
        printf("%s\n", err.message);
    CHECK(err.status == EMX_OK);
    CHECK(out.len == twin->len && memcmp(out.data, twin->data, out.len) == 0);
    bytes_free(&out);
    return totals.n_pieces;
}

static void put_frames(struct bytes *stored, const struct bytes *twin, size_t content, struct frame_options o)
{
    for (size_t pos = 0; pos < twin->len; pos += content)
        put_zstd(stored, twin->data + pos, twin->len - pos < content ? twin->len - pos : content, o);
}

static void put_mixed_frames(struct bytes *stored, const struct bytes *twin)
{
    size_t pos = 0;

    while (pos < twin->len) {
        const size_t limit = (size_t)1 << test_random(&seed) % 20, n = (size_t)test_random(&seed) % limit;
        const size_t len = n < twin->len - pos ? n : twin->len - pos;
        const uint64_t dice = test_random(&seed);

        put_zstd(stored, twin->data + pos, len,
                 (struct frame_options){.level = 1, .checksum = dice & 1, .no_content_size = (dice & 14) == 0});
        if ((dice & 0xF0) == 0)
            put_skippable(stored, dice >> 8 & 15, (size_t)(dice >> 16) % 3000);
        pos += len;
    }
}

static void pieces_and_reads_give_the_shard(void)
{
    for (int round = 0; round < test_rounds(12); round++) {
        struct bytes twin = {0}, stored = {0};

        put_tokens(&twin, 1000000, &seed);
        put_mixed_frames(&stored, &twin);
        for (unsigned n_reads = 0; n_reads < 5; n_reads += 2) {
            expect_pieces(&stored, &twin, (struct plan){n_reads, 100000, 1 << 20, false});
            expect_pieces(&stored, &twin, (struct plan){n_reads, 777, 4999, round & 1});
        }
        bytes_free(&twin);
        bytes_free(&stored);
    }
}

static void the_set_of_pieces_is_in_the_bytes(void)
{
    struct bytes twin = {0}, stored = {0};
    struct totals first, again;

    put_tokens(&twin, 2000000, &seed);
    put_mixed_frames(&stored, &twin);
    for (int round = 0; round < 4; round++) {
        struct bytes out = {0};
        const struct plan plan = {0, 10000, round & 1 ? 1000 : 1 << 20, false};

        CHECK(take_memory(&stored, plan, &out, round ? &again : &first, NULL) == EMX_OK);
        CHECK(round == 0 || (again.n_pieces == first.n_pieces && again.hash == first.hash));
        bytes_free(&out);
    }
    CHECK(first.n_pieces > 3);
    bytes_free(&twin);
    bytes_free(&stored);
}

static void short_frames_are_joined(void)
{
    struct bytes twin = {0}, stored = {0};
    const struct plan plan = {0, 65536, 1 << 20, false};

    put_tokens(&twin, 2 << 20, &seed);
    put_frames(&stored, &twin, 1000, quick);
    CHECK(expect_pieces(&stored, &twin, plan) == 16); /* 4 MiB in 263 frames of 1000 bytes each */
    stored.len = 0;
    put_frames(&stored, &twin, 128 << 10, quick);
    CHECK(expect_pieces(&stored, &twin, plan) == 16);
    stored.len = 0;
    put_frames(&stored, &twin, 1 << 20, quick);
    CHECK(expect_pieces(&stored, &twin, plan) == 4);
    bytes_free(&twin);
    bytes_free(&stored);
}

static void peeking_first_changes_no_piece(void)
{
    struct bytes twin = {0}, stored = {0};

    put_tokens(&twin, 1 << 20, &seed);
    put_frames(&stored, &twin, 10000, quick);
    CHECK(expect_pieces(&stored, &twin, (struct plan){0, 1 << 18, 1 << 18, true}) ==
          expect_pieces(&stored, &twin, (struct plan){0, 1 << 18, 1 << 18, false}));
    bytes_free(&twin);
    bytes_free(&stored);
}

static void a_single_frame_is_no_piece(void)
{
    struct bytes twin = {0}, stored = {0};
    const struct plan plan = {0, 65536, 1 << 20, false};

    put_tokens(&twin, 1 << 20, &seed);
    put_zstd(&stored, twin.data, twin.len, quick);
    CHECK(expect_pieces(&stored, &twin, plan) == 0);
    stored.len = 0;
    put_frames(&stored, &twin, 1 << 20, (struct frame_options){.level = 1, .no_content_size = true});
    CHECK(expect_pieces(&stored, &twin, plan) == 0);
    bytes_free(&twin);
    bytes_free(&stored);
}

/* 9 MiB of noise in one frame, and a short one after it. */
static void a_large_frame_is_no_piece(void)
{
    struct bytes twin = {0}, stored = {0};

    while (twin.len < 9 << 20) {
        const uint64_t noise = test_random(&seed);

        put(&twin, &noise, sizeof(noise));
    }
    put_zstd(&stored, twin.data, twin.len, quick);
    put_zstd(&stored, twin.data, 1000, quick);
    put(&twin, twin.data, 1000);
    CHECK(expect_pieces(&stored, &twin, (struct plan){0, 1 << 20, 1 << 20, false}) == 1);
    bytes_free(&twin);
    bytes_free(&stored);
}

/* Takers share a lock; each puts what it got where it belongs. */
struct crew {
    pthread_mutex_t lock;
    struct stream *s;
    unsigned char *out;
    bool over;
};

static bool take_turn(struct crew *c, struct stream_piece *piece, bool *taken)
{
    size_t n = 0;
    bool ok;

    pthread_mutex_lock(&c->lock);
    ok = !c->over && stream_take_piece(c->s, piece, taken, NULL) == EMX_OK;
    if (ok && !*taken) {
        ok = stream_read_some(c->s, c->out + stream_position(c->s), 50000, &n, NULL) == EMX_OK && n > 0;
        c->over = !ok;
    }
    pthread_mutex_unlock(&c->lock);
    return ok;
}

static void *work(void *context)
{
    struct crew *c = context;
    struct stream_piece piece = {0};
    struct piece_decoder *d = NULL;
    bool taken, ok = piece_decoder_create(27, &d, NULL) == EMX_OK;
    size_t n;

    while (ok && take_turn(c, &piece, &taken)) {
        for (uint64_t done = 0; taken && ok && done < piece.size; done += n) {
            const uint64_t left = piece.size - done;

            ok = piece_read(d, &piece, "x", c->out + piece.position + done, left < 100000 ? left : 100000, &n, NULL) ==
                     EMX_OK &&
                 n > 0;
        }
    }
    free(piece.stored);
    piece_decoder_destroy(&d);
    return ok ? c : NULL;
}

static void threads_decode_what_one_would(void)
{
    struct bytes twin = {0}, stored = {0};
    struct crew c = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct memory_space m;
    pthread_t threads[4];

    put_tokens(&twin, 2000000, &seed);
    put_mixed_frames(&stored, &twin);
    c.out = must(calloc(twin.len + 50000, 1));
    CHECK(stream_open(memory_space(&m, "x", stored.data, stored.len), "x", 27, &c.s, NULL) == EMX_OK);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, work, &c);
    for (int i = 0; i < 4; i++) {
        void *ok;

        pthread_join(threads[i], &ok);
        CHECK(ok == &c);
    }
    CHECK(stream_position(c.s) == twin.len);
    CHECK(memcmp(c.out, twin.data, twin.len) == 0);
    stream_close(&c.s);
    free(c.out);
    bytes_free(&twin);
    bytes_free(&stored);
}

static void damage_is_noticed_in_pieces(void)
{
    struct bytes twin = {0}, stored = {0};

    put_tokens(&twin, 1500, &seed);
    put_frames(&stored, &twin, 1000, quick);
    for (size_t i = 0; i < stored.len * 8; i++) {
        struct bytes out = {0};
        struct totals totals;
        struct emx_error err = {0};

        stored.data[i / 8] ^= (unsigned char)(1 << i % 8);
        if (take_memory(&stored, (struct plan){0, 100, 1 + i % 1500, false}, &out, &totals, &err) == EMX_OK)
            CHECK(out.len == twin.len && memcmp(out.data, twin.data, out.len) == 0);
        else
            CHECK(strstr(err.message, "x") == err.message);
        stored.data[i / 8] ^= (unsigned char)(1 << i % 8);
        bytes_free(&out);
    }
    for (size_t len = 1; len < stored.len; len++) {
        const struct bytes cut = {stored.data, len, len};
        struct bytes out = {0};
        struct totals totals;

        if (take_memory(&cut, (struct plan){0, 100, 5000, false}, &out, &totals, NULL) == EMX_OK)
            CHECK(out.len % 1000 == 0 && memcmp(out.data, twin.data, out.len) == 0);
        bytes_free(&out);
    }
    bytes_free(&twin);
    bytes_free(&stored);
}

/* Reading a header inside the first frame costs that frame's parallelism, not the rest's. */
static void reading_comes_back_to_pieces(void)
{
    struct bytes twin = {0}, stored = {0};
    struct memory_space m;
    struct stream *s = NULL;
    struct piece_decoder *d = NULL;
    struct bytes out = {0};
    struct totals totals = {0};

    put_tokens(&twin, 1 << 20, &seed);
    for (size_t pos = 0; pos < twin.len; pos += 300000) { /* as pzstd does it */
        put_skippable(&stored, 0, 4);
        put_zstd(&stored, twin.data + pos, twin.len - pos < 300000 ? twin.len - pos : 300000, quick);
    }
    CHECK(piece_decoder_create(27, &d, NULL) == EMX_OK);
    CHECK(stream_open(memory_space(&m, "x", stored.data, stored.len), "x", 27, &s, NULL) == EMX_OK);
    CHECK(stream_skip(s, 1024, NULL) == EMX_OK);
    put(&out, twin.data, 1024);
    CHECK(take_all(s, d, (struct plan){0, 7000, 100000, false}, &out, &totals, NULL) == EMX_OK);
    CHECK(totals.n_pieces == 6); /* of 7 frames */
    CHECK(out.len == twin.len && memcmp(out.data, twin.data, out.len) == 0);
    stream_close(&s);
    piece_decoder_destroy(&d);
    bytes_free(&out);
    bytes_free(&twin);
    bytes_free(&stored);
}

/* A size that a frame states and does not hold, smaller or larger, is an error whatever the reads ask for. */
static void lying_sizes_are_errors(void)
{
    static const uint32_t lies[] = {1, 99999, 100001, 1 << 20, 1 << 22};

    for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
        struct bytes twin = {0}, stored = {0};

        put_tokens(&twin, 100000, &seed);
        put_frames(&stored, &twin, 100000, (struct frame_options){.level = 1});
        CHECK((stored.data[4] & 0xE3) == 0xA0);
        for (int k = 0; k < 4; k++)
            stored.data[5 + k] = (unsigned char)(lies[i] >> 8 * k);
        for (size_t cap = 100; cap < 1 << 23; cap *= 17) {
            struct bytes out = {0};
            struct totals totals;

            CHECK(take_memory(&stored, (struct plan){0, cap, cap, false}, &out, &totals, NULL) == EMX_ERR_CORRUPT);
            CHECK(totals.n_pieces == 1);
            bytes_free(&out);
        }
        bytes_free(&twin);
        bytes_free(&stored);
    }
}

/* A piece whose reader lost interest does not spoil the next one of that decoder. */
static void a_piece_may_be_left_half_read(void)
{
    struct bytes twin = {0}, stored = {0};
    struct memory_space m;
    struct stream *s = NULL;
    struct piece_decoder *d = NULL;
    struct stream_piece piece = {0};
    unsigned char *buf = must(malloc(300000));
    bool taken;
    size_t n;

    put_tokens(&twin, 300000, &seed);
    put_frames(&stored, &twin, 300000, quick);
    CHECK(piece_decoder_create(27, &d, NULL) == EMX_OK);
    CHECK(stream_open(memory_space(&m, "x", stored.data, stored.len), "x", 27, &s, NULL) == EMX_OK);
    CHECK(stream_take_piece(s, &piece, &taken, NULL) == EMX_OK && taken);
    CHECK(piece_read(d, &piece, "x", buf, 1000, &n, NULL) == EMX_OK && n == 1000);
    CHECK(stream_take_piece(s, &piece, &taken, NULL) == EMX_OK && taken);
    CHECK(piece_read(d, &piece, "x", buf, 300000, &n, NULL) == EMX_OK && n == 300000);
    CHECK(memcmp(buf, twin.data + 300000, 300000) == 0);
    CHECK(piece_read(d, &piece, "x", buf, 300000, &n, NULL) == EMX_OK && n == 0);
    free(piece.stored);
    free(buf);
    stream_close(&s);
    piece_decoder_destroy(&d);
    bytes_free(&twin);
    bytes_free(&stored);
}

int main(void)
{
    seed = test_seed();
    RUN(pieces_and_reads_give_the_shard);
    RUN(the_set_of_pieces_is_in_the_bytes);
    RUN(short_frames_are_joined);
    RUN(peeking_first_changes_no_piece);
    RUN(a_single_frame_is_no_piece);
    RUN(a_large_frame_is_no_piece);
    RUN(reading_comes_back_to_pieces);
    RUN(threads_decode_what_one_would);
    RUN(damage_is_noticed_in_pieces);
    RUN(lying_sizes_are_errors);
    RUN(a_piece_may_be_left_half_read);
    return test_summary();
}
