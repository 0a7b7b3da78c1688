/* Every format through every codec, of the shard and of the files beside it: the same tokens and documents. */
#include "shard_makers.h"
#include "shard_reader.h"

enum { N_TOKENS = 6000, MOST_DOCUMENTS = N_TOKENS / 2 };

static uint32_t tokens[N_TOKENS];
static uint64_t ends[MOST_DOCUMENTS];
static struct documents documents = {.tokens = tokens, .n = N_TOKENS, .ends = ends};

/* Documents of at least two tokens. */
static void make_documents(uint64_t seed)
{
    for (size_t i = 0; i < N_TOKENS; i++)
        tokens[i] = (uint32_t)(test_random(&seed) >> (49 + test_random(&seed) % 14));
    for (size_t at = 0; at < N_TOKENS; documents.n_ends++) {
        at += 2 + test_random(&seed) % 300;
        at = at + 2 > N_TOKENS ? N_TOKENS : at;
        ends[documents.n_ends] = at;
    }
}

/* --- codecs ----------------------------------------------------------------------------------------------- */

enum codec { PLAIN, ONE_FRAME, MANY_FRAMES, GZIP, MANY_MEMBERS, N_CODECS };
static const char *const endings[N_CODECS] = {"", ".zstd", ".zst", ".gz", ".gz"};

static void put_parts(struct bytes *to, const struct bytes *from, enum codec codec)
{
    enum { PART = 777 };

    for (size_t at = 0; at < from->len; at += PART) {
        size_t n = from->len - at < PART ? from->len - at : PART;

        if (codec == MANY_MEMBERS) {
            put_gzip(to, from->data + at, n);
            continue;
        }
        put_skippable(to, 3, at % 10);
        put_zstd(to, from->data + at, n, (struct frame_options){.level = 3, .checksum = at & 1});
    }
}

static void encode(struct bytes *to, const struct bytes *from, enum codec codec)
{
    bytes_room(to, 1);
    if (codec == PLAIN)
        put(to, from->data, from->len);
    else if (codec == ONE_FRAME)
        put_zstd(to, from->data, from->len, (struct frame_options){.level = 3, .no_content_size = true});
    else if (codec == GZIP)
        put_gzip(to, from->data, from->len);
    else
        put_parts(to, from, codec);
}

struct stored_file {
    char path[64];
    struct bytes bytes;
};

/* index.json is never compressed. */
static void store(struct stored_file *f, const struct made_file *from, enum codec codec)
{
    *f = (struct stored_file){0};
    if (!from->path)
        return;
    if (strstr(from->path, "index.json"))
        codec = PLAIN;
    snprintf(f->path, sizeof(f->path), "%s%s", from->path, endings[codec]);
    encode(&f->bytes, &from->bytes, codec);
    space_add(f->path, f->bytes.data, f->bytes.len);
}

/* --- one shard ---------------------------------------------------------------------------------------------- */

static size_t count_differences(const struct shard_contents *c, bool has_ends)
{
    size_t n_ends = has_ends ? documents.n_ends : 0, wrong = (c->n != documents.n) + (c->n_ends != n_ends);

    for (size_t i = 0; i < c->n && i < documents.n; i++)
        wrong += c->tokens[i] != tokens[i];
    for (size_t i = 0; i < c->n_ends && i < n_ends; i++)
        wrong += c->ends[i] != ends[i];
    return wrong;
}

static void check_shard(unsigned kind, enum codec codec, enum codec side_codec)
{
    struct made_shard m;
    struct stored_file files[3];
    struct shard_contents c;
    struct emx_error err = {0};

    make_shard(&m, kind, &documents);
    space_clear();
    store(&files[0], &m.shard, codec);
    store(&files[1], &m.side, side_codec);
    store(&files[2], &m.metadata, side_codec);
    if (read_shard(files[0].path, &m.options, &c, &err)) {
        printf("kind %u, %s: %s\n", kind, files[0].path, err.message);
        FAIL("is read");
    } else {
        CHECK_STR(c.format, m.format);
        CHECK(count_differences(&c, m.has_ends) == 0);
        contents_finish(&c);
    }
    for (size_t i = 0; i < 3; i++)
        bytes_free(&files[i].bytes);
    made_shard_finish(&m);
}

static void shards_read_the_same_through_every_codec(void)
{
    for (unsigned kind = 0; kind < N_SHARD_KINDS; kind++) {
        for (enum codec codec = PLAIN; codec < N_CODECS; codec++)
            check_shard(kind, codec, PLAIN);
    }
}

static void side_files_read_the_same_through_every_codec(void)
{
    for (unsigned kind = 0; kind < N_SHARD_KINDS; kind++) {
        for (enum codec codec = ONE_FRAME; codec < N_CODECS; codec++)
            check_shard(kind, (enum codec)((codec + kind) % N_CODECS), codec);
    }
}

int main(void)
{
    make_documents(test_seed());
    RUN(shards_read_the_same_through_every_codec);
    RUN(side_files_read_the_same_through_every_codec);
    return test_summary();
}
