/*
 * test_io_memory.c - io when memory runs out: one clear status, nothing leaked, whichever allocation it is
 */
#include "failing_memory.h"
#include "shard_makers.h"

WRAP(ZSTD_DCtx *, ZSTD_createDCtx, (void), ())

static struct bytes twin, zstd, gzip;

/* A pass over `stored` that uses everything; EMX_OK or the first error. */
static enum emx_status use(const void *context, struct emx_error *err)
{
    const struct bytes *stored = context;
    static unsigned char buf[100000];
    struct memory_space m;
    struct stream *s = NULL;
    struct piece_decoder *d = NULL;
    struct stream_piece piece = {0};
    const void *seen;
    bool taken = false;
    size_t n = 1;
    enum emx_status status = stream_open(memory_space(&m, "x", stored->data, stored->len), "x", 27, &s, err);

    if (status == EMX_OK)
        status = piece_decoder_create(27, &d, err);
    if (status == EMX_OK)
        status = stream_peek(s, &seen, 65536, &n, err);
    while (status == EMX_OK && n > 0) {
        status = stream_take_piece(s, &piece, &taken, err);
        if (status == EMX_OK && taken)
            status = piece_read(d, &piece, "x", buf, sizeof(buf), &n, err);
        else if (status == EMX_OK)
            status = stream_read_some(s, buf, sizeof(buf), &n, err);
    }
    free(piece.stored);
    piece_decoder_destroy(&d);
    stream_close(&s);
    return status;
}

static enum emx_status load(const void *context, struct emx_error *err)
{
    const struct bytes *stored = context;
    struct memory_space m;
    char *data = NULL;
    size_t len;
    uint64_t hash;
    enum emx_status status =
        file_load(memory_space(&m, "x", stored->data, stored->len), "x", (size_t)1 << 24, &data, &len, &hash, err);

    free(data);
    return status;
}

/* A made shard, whose format its content or what stands beside it tells. */
static enum emx_status recognise(const void *context, struct emx_error *err)
{
    const struct made_shard *m = context;
    const struct file_space *space = made_shard_space(m);
    struct shard_open s = {.space = space, .path = m->shard.path, .options = &m->options};
    const struct format_ops *f = NULL;
    enum emx_status status = stream_open(space, s.path, 27, &s.stream, err);

    if (!status)
        status = format_open(&s, &f, err);
    CHECK(status || strcmp(f->name, m->format) == 0);
    if (f && f->close)
        f->close(&s);
    stream_close(&s.stream);
    return status;
}

/* Let the first allocation fail, then the second, until there is none left to fail. */
static void exhaust(enum emx_status (*run)(const void *context, struct emx_error *err), const void *context)
{
    unsigned n = 0;

    do {
        struct emx_error err = {0};
        enum emx_status status;

        failed = false;
        until_failure = ++n;
        status = run(context, &err);
        until_failure = 0;
        CHECK(status == (failed ? EMX_ERR_MEMORY : EMX_OK));
        CHECK(!failed || (err.status == EMX_ERR_MEMORY && strstr(err.message, "out of memory")));
    } while (failed);
    CHECK(n > 4);
}

static void streams_survive(void)
{
    exhaust(use, &twin);
    exhaust(use, &zstd);
    exhaust(use, &gzip);
}

static void side_files_survive(void)
{
    exhaust(load, &twin);
    exhaust(load, &zstd);
    exhaust(load, &gzip);
}

/* Not taken for headerless tokens, say, because no memory was left to look for an index. */
static void formats_are_recognised(void)
{
    static const uint32_t tokens[] = {3, 1, 4, 1, 5, 9, 2, 6};
    static const uint64_t ends[] = {2, 5, 8};
    const struct documents documents = {tokens, 8, ends, 3};

    for (unsigned kind = 0; kind < N_SHARD_KINDS; kind++) {
        struct made_shard m;

        make_shard(&m, kind, &documents);
        exhaust(recognise, &m);
        made_shard_finish(&m);
    }
}

int main(void)
{
    uint64_t seed = test_seed();

    put_tokens(&twin, 500000, &seed);
    for (size_t pos = 0; pos < twin.len; pos += 125000)
        put_zstd(&zstd, twin.data + pos, 125000, (struct frame_options){.level = 1});
    put_zstd(&zstd, twin.data, twin.len, (struct frame_options){.level = 1});
    put_zstd(&zstd, twin.data, twin.len, (struct frame_options){.level = 1, .no_content_size = true});
    put_gzip(&gzip, twin.data, 300000);
    RUN(streams_survive);
    RUN(side_files_survive);
    RUN(formats_are_recognised);
    bytes_free(&twin);
    bytes_free(&zstd);
    bytes_free(&gzip);
    return test_summary();
}
