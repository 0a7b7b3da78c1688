/*
 * damage_shards.c - damaged shards of every format, and the files beside them
 *
 *     damage_shards           a few places of each file: seconds
 *     damage_shards --full    every bit of each file; files of EMX_SHARED_DATA, too, where it is set
 *
 * Shards are read as the table of formats reads them; of every SCAN_EVERY-th damage the program's own scan is asked as
 * well: what it accepts must be a state that verifies, and of a shard that can be read.
 */
#define MOST_TOKENS (1 << 15)

#include "../folder.h"
#include "../shard_makers.h"
#include "../shard_reader.h"
#include "damage.h"

#include <emx/scan.h>

#include <sys/stat.h>
#include <unistd.h>

enum { N_TOKENS = 120, SCAN_EVERY = 199 };

static uint32_t tokens[N_TOKENS];
static const uint64_t ends[] = {2, 41, 100, N_TOKENS};
static const struct documents documents = {tokens, N_TOKENS, ends, 4};
static char folder[] = "/tmp/emx-damage-XXXXXX", scanned[64], output[64];

/* A shard with the files beside it, and what is in it when it is whole. */
struct shard_case {
    struct made_shard made;
    struct made_file *damaged; /* one of `made` */
    struct shard_contents contents;
};

/* --- reading --------------------------------------------------------------------------------------------------- */

static enum emx_status read_case(const struct shard_case *c, const unsigned char *data, size_t len,
                                 struct shard_contents *ret, struct emx_error *err)
{
    const struct made_file *const all[] = {&c->made.shard, &c->made.side, &c->made.metadata};

    space_clear();
    for (size_t i = 0; i < 3; i++) {
        if (all[i] == c->damaged)
            space_add(all[i]->path, data, len);
        else if (all[i]->path)
            space_add(all[i]->path, all[i]->bytes.data, all[i]->bytes.len);
    }
    return read_shard(c->made.shard.path, &c->made.options, ret, err);
}

static bool is_same(const struct shard_contents *a, const struct shard_contents *b)
{
    return a->n == b->n && a->n_ends == b->n_ends && memcmp(a->tokens, b->tokens, a->n * sizeof(*a->tokens)) == 0 &&
           memcmp(a->ends, b->ends, a->n_ends * sizeof(*a->ends)) == 0;
}

/* Ends of documents rise, within the tokens. */
static bool is_valid(const struct shard_contents *c)
{
    for (size_t i = 0; i < c->n_ends; i++) {
        if (c->ends[i] > c->n || (i > 0 && c->ends[i] <= c->ends[i - 1]))
            return false;
    }
    return true;
}

static void write_file(const char *path, const void *data, size_t len)
{
    FILE *f = must(fopen(path, "wb"));

    if (fwrite(data, 1, len, f) != len || fclose(f) != 0)
        abort();
}

static bool verifies(const char *path)
{
    struct emx_state *s = NULL;
    bool ok = emx_state_open(path, &s, NULL) == EMX_OK && emx_state_verify(s, NULL) == EMX_OK;

    emx_state_close(&s);
    return ok;
}

/* As the program scans it, from disk. */
static bool scan_agrees(const struct shard_case *c, const unsigned char *data, size_t len, bool was_read)
{
    const struct made_file *const all[] = {&c->made.shard, &c->made.side, &c->made.metadata};
    const struct token_type type = c->made.options.type;
    const char *paths[] = {scanned}, *said = type.dtype == DTYPE_NONE ? NULL : token_type_name(type);
    const struct emx_scan_domain domain = {
        .name = "d", .shards = paths, .n_shards = 1, .dtype = said, .settings.eod = EMX_NO_TOKEN};
    const struct emx_scan_options options = {.n_threads = 1, .memory_bytes = 16 << 20};
    struct emx_error err = {0};
    enum emx_status status;
    char path[128];

    for (size_t i = 0; i < 3; i++) {
        if (!all[i]->path)
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, all[i]->path);
        if (all[i] == c->damaged)
            write_file(path, data, len);
        else
            write_file(path, all[i]->bytes.data, all[i]->bytes.len);
    }
    snprintf(scanned, sizeof(scanned), "%s/%s", folder, c->made.shard.path);
    status = emx_scan(&domain, 1, &options, output, NULL, &err);
    if (status)
        return damage_refused(status, &err) == REFUSED;
    return was_read && verifies(output) && unlink(output) == 0;
}

static enum outcome read_damaged(const struct subject *s, const unsigned char *data, size_t len)
{
    static size_t n_reads;
    const struct shard_case *c = s->context;
    struct shard_contents read;
    struct emx_error err = {0};
    enum emx_status status = read_case(c, data, len, &read, &err);
    enum outcome outcome = CHANGED;

    if (status)
        outcome = damage_refused(status, &err);
    else if (!is_valid(&read))
        outcome = WRONG;
    else if (is_same(&read, &c->contents))
        outcome = EQUAL;
    contents_finish(&read);
    if (n_reads++ % SCAN_EVERY == 0 && !scan_agrees(c, data, len, status == EMX_OK))
        outcome = WRONG;
    return outcome;
}

static bool damage_file(struct shard_case *c, struct made_file *file, const char *name, enum coverage coverage)
{
    struct subject s = {name, coverage, file->bytes.data, file->bytes.len, read_damaged, NULL, c};
    bool ok;

    c->damaged = file;
    ok = read_case(c, file->bytes.data, file->bytes.len, &c->contents, NULL) == EMX_OK && damage(&s);
    contents_finish(&c->contents);
    return ok;
}

/* --- formats --------------------------------------------------------------------------------------------------- */

static bool is_format(const struct made_shard *m, const char *name)
{
    return strcmp(m->format, name) == 0;
}

/* Only tokens to the end of the file, or lines. */
static bool is_bare(const struct made_shard *m)
{
    return is_format(m, "raw") || is_format(m, "jsonl");
}

static void plain_shards_of_every_format(void)
{
    static char names[N_SHARD_KINDS][3][40];

    for (unsigned kind = 0; kind < N_SHARD_KINDS; kind++) {
        struct shard_case c = {0};
        struct made_file *const files[] = {&c.made.shard, &c.made.side, &c.made.metadata};

        make_shard(&c.made, kind, &documents);
        for (size_t i = 0; i < 3; i++) {
            const char *ending = files[i]->path ? strrchr(files[i]->path, '.') : "";

            snprintf(names[kind][i], sizeof(names[kind][i]), "%s %s", c.made.format, ending);
            if (files[i]->path)
                CHECK(damage_file(&c, files[i], names[kind][i], is_bare(&c.made) ? OPEN : MEASURED));
        }
        made_shard_finish(&c.made);
    }
}

/* The shard as a compressor leaves it; frames of a hundred bytes. */
static void store(struct made_shard *m, const char *how)
{
    struct bytes plain = m->shard.bytes, stored = {0};
    static char path[64];
    const bool is_gzip = strcmp(how, "gzip") == 0, is_many = strcmp(how, "zstd, many frames") == 0;
    const struct frame_options o = {.level = 3,
                                    .checksum = strcmp(how, "zstd, no checksum") != 0,
                                    .no_content_size = strcmp(how, "zstd, no size") == 0};
    size_t step = is_many ? 100 : plain.len;

    for (size_t at = 0; at < plain.len; at += step) {
        if (is_gzip)
            put_gzip(&stored, plain.data, plain.len);
        else
            put_zstd(&stored, plain.data + at, plain.len - at < step ? plain.len - at : step, o);
    }
    if (is_many)
        put_skippable(&stored, 3, 10);
    snprintf(path, sizeof(path), "%s.%s", m->shard.path, is_gzip ? "gz" : "zst");
    m->shard.path = path;
    m->shard.bytes = stored;
    bytes_free(&plain);
}

/* A raw shard, and one of JSON: what states no lengths of its own. */
static void compressed_shards(void)
{
    static const struct {
        const char *how;
        enum coverage coverage;
    } codecs[] = {{"zstd, one frame", SEALED},
                  {"zstd, many frames", FRAMED},
                  {"zstd, no size", SEALED},
                  {"zstd, no checksum", MEASURED},
                  {"gzip", SEALED}};

    for (size_t i = 0; i < sizeof(codecs) / sizeof(*codecs); i++) {
        for (unsigned kind = 11; kind <= 30; kind += 19) {
            struct shard_case c = {0};

            make_shard(&c.made, kind, &documents);
            store(&c.made, codecs[i].how);
            CHECK(damage_file(&c, &c.made.shard, codecs[i].how, codecs[i].coverage));
            made_shard_finish(&c.made);
        }
    }
}

/* --- files of others ------------------------------------------------------------------------------------------- */

static bool load(struct made_file *f, const char *shared, const char *name)
{
    char path[512];
    size_t len = 0;
    unsigned char *data;

    snprintf(path, sizeof(path), "%s/format-samples/%s", shared, name);
    data = read_whole(path, &len);
    f->path = strrchr(name, '/') + 1;
    f->bytes = (struct bytes){data, len, len};
    return data != NULL;
}

static void files_of_others(void)
{
    static const struct {
        const char *shard, *side;
        enum dtype dtype;
        enum coverage coverage;
    } files[] = {
        {"megatron-mmididx/ag_news_prompt_targets_document.bin", "megatron-mmididx/ag_news_prompt_targets_document.idx",
         DTYPE_NONE, MEASURED},
        {"nanogpt-raw/tiny_demo_val.bin", NULL, DTYPE_U16, OPEN},
        {"json-token-arrays/openlm_2049_span_pad.json", NULL, DTYPE_NONE, OPEN},
        {"npy/numpy-1.24.2-written/u16_v1.npy", NULL, DTYPE_NONE, MEASURED},
        {"npy/numpy-1.24.2-written/u16_v3.npy", NULL, DTYPE_NONE, MEASURED},
        {"npy/numpy-1.24.2-written/i64_v1.npy", NULL, DTYPE_NONE, MEASURED},
        {"npy/numpy-1.24.2-written/u16_bigendian_v1.npy", NULL, DTYPE_NONE, MEASURED},
    };
    const char *shared = getenv("EMX_SHARED_DATA");

    if (!damage_is_full() || !shared) {
        puts("without --full and EMX_SHARED_DATA: files of others are left out");
        return;
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        struct shard_case c = {.made.options.type.dtype = files[i].dtype};

        CHECK(load(&c.made.shard, shared, files[i].shard));
        if (files[i].side)
            CHECK(load(&c.made.side, shared, files[i].side) &&
                  damage_file(&c, &c.made.side, c.made.side.path, MEASURED));
        CHECK(damage_file(&c, &c.made.shard, c.made.shard.path, files[i].coverage));
        made_shard_finish(&c.made);
    }
}

int main(int argc, char **argv)
{
    char command[64];
    uint64_t seed = test_seed();

    damage_begin(argc, argv);
    if (!mkdtemp(folder))
        return 1;
    snprintf(output, sizeof(output), "%s/out.emx", folder);
    snprintf(command, sizeof(command), "%s/m", folder); /* where the shard of MDS goes */
    mkdir(command, 0700);
    for (size_t i = 0; i < N_TOKENS; i++)
        tokens[i] = random_token(&seed, 1 << 15);
    RUN(plain_shards_of_every_format);
    RUN(compressed_shards);
    RUN(files_of_others);
    damage_table();
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    CHECK(system(command) == 0);
    return test_summary();
}
