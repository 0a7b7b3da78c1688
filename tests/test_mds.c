/* MDS shards: encodings of the token column, what index.json verifies, and what is refused. */
#include "shard_makers.h"
#include "shard_reader.h"

static const struct format_options nothing_said;

/* --- shards from their parts --------------------------------------------------------------------------------- */

/* Samples of one column or more; sample i is the bytes samples[i], headers included. */
static void put_shard(struct bytes *b, const char *names, const char *encodings, const char *sizes,
                      const struct bytes *samples, size_t n)
{
    struct bytes config = {0};
    size_t offset;

    put_text(&config, "{\"column_encodings\": [");
    put_text(&config, encodings);
    put_text(&config, "], \"column_names\": [");
    put_text(&config, names);
    put_text(&config, "], \"column_sizes\": [");
    put_text(&config, sizes);
    put_text(&config, "], \"format\": \"mds\", \"version\": 2}");
    offset = 8 + 4 * n + config.len;
    b->len = 0;
    put_int(b, n, 4);
    for (size_t i = 0; i <= n; i++) {
        put_int(b, offset, 4);
        offset += i < n ? samples[i].len : 0;
    }
    put(b, config.data, config.len);
    for (size_t i = 0; i < n; i++)
        put(b, samples[i].data, samples[i].len);
    bytes_free(&config);
}

/* One column of one sample, whose array is these bytes; with their number in front. */
static void put_single(struct bytes *b, const char *name, const char *encoding, const void *array, size_t len)
{
    struct bytes sample = {0};
    char names[64], encodings[64];

    snprintf(names, sizeof(names), "\"%s\"", name);
    snprintf(encodings, sizeof(encodings), "\"%s\"", encoding);
    put_int(&sample, len, 4);
    put(&sample, array, len);
    put_shard(b, names, encodings, "null", &sample, 1);
    bytes_free(&sample);
}

static void check_tokens(const struct bytes *b, const struct format_options *options, const uint32_t *tokens, size_t n)
{
    struct shard_contents c;
    struct emx_error err = {0};

    space_clear();
    space_add("shard.00000.mds", b->data, b->len);
    if (read_shard("shard.00000.mds", options, &c, &err)) {
        printf("%s\n", err.message);
        FAIL("is read");
        return;
    }
    CHECK_STR(c.format, "mds");
    CHECK(c.n == n && c.n_ends == 0 && (n == 0 || memcmp(c.tokens, tokens, n * 4) == 0));
    CHECK(c.cross_shards && !c.eod_first && !c.has_index && !c.warning);
    contents_finish(&c);
}

static void refuse_file(const char *path, const struct bytes *b, const struct format_options *options,
                        enum emx_status status, const char *words)
{
    struct shard_contents c;
    struct emx_error err = {0};
    enum emx_status got;

    space_add(path, b->data, b->len);
    got = read_shard(path, options, &c, &err);
    if (got != status || !strstr(err.message, words) || strncmp(err.message, path, strlen(path)) != 0) {
        printf("%s: %s\n", emx_status_str(got), err.message);
        printf("expected %s: %s\n", emx_status_str(status), words);
        FAIL("is refused as it should be");
    }
    contents_finish(&c);
}

static void refuse(const struct bytes *b, const struct format_options *options, enum emx_status status,
                   const char *words)
{
    space_clear();
    refuse_file("shard.00000.mds", b, options, status, words);
}

/* --- encodings ----------------------------------------------------------------------------------------------- */

static void arrays_of_every_type_are_read(void)
{
    static const struct {
        const char *name;
        unsigned code;
        size_t size;
    } types[] = {{"uint8", 8, 1},   {"int8", 9, 1},   {"uint16", 16, 2}, {"int16", 17, 2},
                 {"uint32", 32, 4}, {"int32", 33, 4}, {"uint64", 64, 8}, {"int64", 65, 8}};
    const uint32_t tokens[] = {1, 100, 7, 0, 7, 99};
    struct bytes b = {0}, array = {0};

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        for (int kind = 0; kind < 5; kind++) {
            char encoding[40];

            /* static; static, two dimensions; shape; two dimensions of u16; dtype and shape */
            snprintf(encoding, sizeof(encoding), kind == 4 ? "ndarray%.0s" : "ndarray:%s%s", types[i].name,
                     (const char *[]){":6", ":2,3", "", "", ""}[kind]);
            array.len = 0;
            if (kind == 4)
                put_int(&array, types[i].code, 1);
            if (kind == 2 || kind == 4)
                put_int(&array, 6 << 8 | 1 << 2 | 0, 2);
            if (kind == 3)
                put_int(&array, (uint64_t)3 << 24 | 2 << 8 | 2 << 2 | 1, 5);
            for (size_t k = 0; k < 6; k++)
                put_int(&array, tokens[k], types[i].size);
            put_single(&b, "tokens", encoding, array.data, array.len);
            check_tokens(&b, &nothing_said, tokens, 6);
        }
    }
    bytes_free(&array);
    bytes_free(&b);
}

/* llm-foundry's older writer: the type was an option of the reader, int64 by default. */
static void bytes_are_int64_unless_told(void)
{
    const uint32_t tokens[] = {5, 50256, 6}, halves[] = {5, 0, 0, 0, 50256, 0, 0, 0, 6, 0, 0, 0};
    struct bytes b = {0}, array = {0};

    for (size_t i = 0; i < 3; i++)
        put_int(&array, tokens[i], 8);
    put_single(&b, "tokens", "bytes", array.data, array.len);
    check_tokens(&b, &nothing_said, tokens, 3);
    check_tokens(&b, &(struct format_options){.type.dtype = DTYPE_U16}, halves, 12);
    put_single(&b, "tokens", "bytes", array.data, array.len - 4);
    refuse(&b, &nothing_said, EMX_ERR_CORRUPT, "another number of tokens");
    bytes_free(&array);
    bytes_free(&b);
}

static void negative_tokens_are_no_tokens(void)
{
    const uint32_t tokens[] = {7, UINT32_MAX};
    struct bytes b = {0};

    put_single(&b, "tokens", "ndarray:int32:2", "\7\0\0\0\xFE\xFF\xFF\xFF", 8);
    check_tokens(&b, &nothing_said, tokens, 2);
    bytes_free(&b);
}

static void what_is_no_array_of_tokens_is_refused(void)
{
    static const char *const bad[] = {"pkl",
                                      "str",
                                      "int",
                                      "json",
                                      "uint16",
                                      "ndarray:float32",
                                      "ndarray:float16:4",
                                      "ndarray:int32:",
                                      "ndarray:int32:x",
                                      "ndarray:int32:-1",
                                      "ndarray:int24",
                                      "ndarray:",
                                      "ndarrayx",
                                      "ndarray:int32:4294967295,4294967295,4294967295",
                                      "jpeg",
                                      ""};
    static const struct {
        const char *array;
        size_t len;
        const char *words;
    } broken[] = {
        {"", 0, "has no array"},
        {"\x21", 1, "ends within the shape"},
        {"\x21\x05\x02", 3, "ends within the shape"}, /* dimensions of u16 */
        {"\x21\x04\x02\1\0\0\0\2\0\0", 10, "another number of tokens"},
        {"\x21\x04\x01\1\0\0\0\2\0\0\0", 11, "another number of tokens"},
        {"\x22\x04\x01\0\0\x80\x3f", 7, "not of integers"},
        {"\x12\x04\x01\0\0", 5, "not of integers"},
        {"\x21\x08\xff\xff\xff\xff\1\0\0\0", 10, "another number of tokens"},
        {"\x21\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 18, "more tokens than a shard"},
    };
    struct bytes b = {0};

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        put_single(&b, "tokens", bad[i], "\1\0\0\0", 4);
        refuse(&b, &nothing_said, EMX_ERR_FORMAT, "no array of tokens");
    }
    put_single(&b, "tokens", "pkl", "\1\0\0\0", 4);
    refuse(&b, &nothing_said, EMX_ERR_FORMAT, "pickle");
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        put_single(&b, "tokens", "ndarray", broken[i].array, broken[i].len);
        refuse(&b, &nothing_said, EMX_ERR_CORRUPT, broken[i].words);
    }
    bytes_free(&b);
}

/* --- columns ------------------------------------------------------------------------------------------------- */

static void the_token_column_is_chosen(void)
{
    struct bytes b = {0}, sample = {0};
    const uint32_t first[] = {1}, second[] = {2};

    put_int(&sample, 1, 4);
    put_int(&sample, 2, 4);
    put_shard(&b, "\"labels\", \"tokens\"", "\"ndarray:int32:1\", \"ndarray:int32:1\"", "4, 4", &sample, 1);
    check_tokens(&b, &nothing_said, second, 1);
    check_tokens(&b, &(struct format_options){.column = "labels"}, first, 1);
    refuse(&b, &(struct format_options){.column = "mine"}, EMX_ERR_ARG, "has 0 columns 'mine'");
    put_shard(&b, "\"input_ids\", \"labels\"", "\"ndarray:int32:1\", \"ndarray:int32:1\"", "4, 4", &sample, 1);
    check_tokens(&b, &nothing_said, first, 1);
    put_shard(&b, "\"input_ids\", \"tokens\"", "\"ndarray:int32:1\", \"ndarray:int32:1\"", "4, 4", &sample, 1);
    refuse(&b, &nothing_said, EMX_ERR_ARG,
           "more than one column tokens, input_ids, ids or token_ids; name it with "
           "--column");
    check_tokens(&b, &(struct format_options){.column = "tokens"}, second, 1);
    put_shard(&b, "\"a\", \"text\"", "\"int32\", \"int32\"", "4, 4", &sample, 1);
    refuse(&b, &nothing_said, EMX_ERR_ARG, "has no column tokens, input_ids");
    bytes_free(&sample);
    bytes_free(&b);
}

static void broken_configurations_are_refused(void)
{
    static const char *const bad[][3] = {
        {"\"tokens\"", "\"bytes\"", "null, null"},
        {"\"tokens\", \"a\"", "\"bytes\"", "null"},
        {"\"tokens\"", "", "null"},
        {"", "", ""},
        {"7", "\"bytes\"", "null"},
        {"\"tokens\"", "7", "null"},
        {"\"tokens\"", "\"bytes\"", "-4"},
        {"\"tokens\"", "\"bytes\"", "0"},
        {"\"tokens\"", "\"bytes\"", "1.5"},
        {"\"tokens\"", "\"bytes\"", "4294967300"},
        {"\"tokens\"]]]", "", ""},
    };
    struct bytes b = {0}, sample = {0};

    put_int(&sample, 0, 4);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        put_shard(&b, bad[i][0], bad[i][1], bad[i][2], &sample, 1);
        refuse(&b, &nothing_said, EMX_ERR_FORMAT, "its configuration does not give columns");
    }
    bytes_free(&sample);
    bytes_free(&b);
}

/* --- sizes ------------------------------------------------------------------------------------------------------ */

static void make_small(struct made_shard *m)
{
    static uint32_t tokens[250];

    for (uint32_t i = 0; i < 250; i++)
        tokens[i] = i;
    make_mds(m, &(struct documents){tokens, 250, (uint64_t[]){250}, 1}, MDS_SHAPED, 100);
}

static void every_cut_is_refused(void)
{
    struct made_shard m;
    struct bytes packed = {0};

    make_small(&m);
    for (size_t n = 1; n < m.shard.bytes.len; n++) {
        for (int is_packed = 0; is_packed < 2; is_packed++) {
            struct shard_contents c;

            packed.len = 0;
            put_gzip(&packed, m.shard.bytes.data, n);
            space_clear();
            space_add("x.mds", m.shard.bytes.data, n);
            space_add("x.mds.gz", packed.data, packed.len);
            CHECK(read_shard(is_packed ? "x.mds.gz" : "x.mds", &nothing_said, &c, NULL) != EMX_OK);
            contents_finish(&c);
        }
    }
    put_int(&m.shard.bytes, 0, 1);
    refuse(&m.shard.bytes, &nothing_said, EMX_ERR_CORRUPT, "its samples end at byte");
    packed.len = 0;
    put_gzip(&packed, m.shard.bytes.data, m.shard.bytes.len);
    space_clear();
    refuse_file("x.mds.gz", &packed, &nothing_said, EMX_ERR_CORRUPT, "more bytes follow the last sample");
    bytes_free(&packed);
    made_shard_finish(&m);
}

static void offsets_are_held_to_each_other(void)
{
    struct made_shard m;

    make_small(&m);
    m.shard.bytes.data[8]--; /* where the second sample begins */
    refuse(&m.shard.bytes, &nothing_said, EMX_ERR_CORRUPT, "sample 0 at byte");
    m.shard.bytes.data[8]++;
    m.shard.bytes.data[11] = 0x80;
    refuse(&m.shard.bytes, &nothing_said, EMX_ERR_CORRUPT, "sample 2 begins at byte");
    m.shard.bytes.data[11] = 0;
    m.shard.bytes.data[4] = m.shard.bytes.data[5] = 0; /* the first sample, into the offsets */
    refuse(&m.shard.bytes, &nothing_said, EMX_ERR_CORRUPT, "sample 0 begins at byte 0 by the offset at byte 4");
    m.shard.bytes.data[3] = 0x10;
    refuse(&m.shard.bytes, &nothing_said, EMX_ERR_FORMAT, "is no MDS shard");
    made_shard_finish(&m);
}

static void no_samples_are_no_tokens(void)
{
    struct bytes b = {0};

    put_shard(&b, "\"tokens\"", "\"bytes\"", "null", NULL, 0);
    check_tokens(&b, &nothing_said, NULL, 0);
    bytes_free(&b);
}

/* Of another name, it is known by its content. */
static void shards_are_recognised_by_content(void)
{
    struct made_shard m;
    struct shard_contents c;

    make_small(&m);
    space_clear();
    space_add("part-0", m.shard.bytes.data, m.shard.bytes.len);
    CHECK(read_shard("part-0", &nothing_said, &c, NULL) == EMX_OK);
    CHECK_STR(c.format, "mds");
    CHECK(c.n == 250);
    contents_finish(&c);
    m.shard.bytes.data[4]++;
    space_files[0].len = 64;
    refuse_file("part-1", &(struct bytes){(unsigned char *)"no shard at all, 4 KiB", 22, 22}, &nothing_said,
                EMX_ERR_ARG, "no format is recognised");
    refuse_file("part-1.mds", &(struct bytes){(unsigned char *)"no shard at all, 4 KiB", 22, 22}, &nothing_said,
                EMX_ERR_FORMAT, "is no MDS shard");
    made_shard_finish(&m);
}

static void codecs_that_are_not_read_are_named(void)
{
    struct bytes b = {0};

    put_text(&b, "....................");
    space_clear();
    refuse_file("shard.00000.mds.snappy", &b, &nothing_said, EMX_ERR_FORMAT, "is snappy-compressed");
    refuse_file("shard.00000.mds.br", &b, &nothing_said, EMX_ERR_FORMAT, "is brotli-compressed");
    bytes_free(&b);
}

/* --- index.json ------------------------------------------------------------------------------------------------- */

struct entry {
    const char *raw_name, *hashes, *zip;
    size_t bytes, samples;
};

static void put_index(struct bytes *b, struct entry e)
{
    b->len = 0;
    put_text(b, "{\"shards\": [{\"raw_data\": {\"basename\": \"");
    put_text(b, e.raw_name);
    put_text(b, "\", \"bytes\": ");
    put_number(b, e.bytes);
    put_text(b, ", \"hashes\": {");
    put_text(b, e.hashes ? e.hashes : "");
    put_text(b, "}}, \"samples\": ");
    put_number(b, e.samples);
    put_text(b, ", \"zip_data\": ");
    put_text(b, e.zip ? e.zip : "null");
    put_text(b, "}], \"version\": 2}");
}

static void try_index(const char *path, const struct bytes *shard, const char *index_path, struct entry e,
                      enum emx_status status, const char *words)
{
    struct bytes index = {0};
    struct shard_contents c;
    struct emx_error err = {0};
    enum emx_status got;

    put_index(&index, e);
    space_clear();
    space_add(path, shard->data, shard->len);
    space_add(index_path, index.data, index.len);
    got = read_shard(path, &nothing_said, &c, &err);
    if (got != status || (status && !strstr(err.message, words))) {
        printf("%s: %s: %s\n", path, emx_status_str(got), err.message);
        FAIL("is read or refused as it should be");
    }
    if (!got)
        CHECK(words ? c.warning && strstr(c.warning, words) : !c.warning);
    contents_finish(&c);
    bytes_free(&index);
}

static void an_index_verifies_sizes(void)
{
    struct made_shard m;
    struct bytes zip = {0};
    struct entry e = {.raw_name = "s.mds", .samples = 3};
    char zip_data[100];

    make_small(&m);
    e.bytes = m.shard.bytes.len;
    try_index("d/s.mds", &m.shard.bytes, "d/index.json", e, EMX_OK, NULL);
    try_index("s.mds", &m.shard.bytes, "index.json", e, EMX_OK, NULL);
    try_index("/s.mds", &m.shard.bytes, "/index.json", e, EMX_OK, NULL);
    try_index("d/other.mds", &m.shard.bytes, "d/index.json", e, EMX_OK, "does not list this shard");
    e.bytes++;
    try_index("d/s.mds", &m.shard.bytes, "d/index.json", e, EMX_ERR_CORRUPT, "by index.json");
    try_index("d/s.mds", &m.shard.bytes, "elsewhere/index.json", e, EMX_OK, NULL);
    e.bytes--;
    e.samples = 4;
    try_index("d/s.mds", &m.shard.bytes, "d/index.json", e, EMX_ERR_CORRUPT, "has 3 samples, but 4 by index.json");
    e.samples = 3;
    e.raw_name = "d/s.mds"; /* indexes were merged into the folder above */
    try_index("d/s.mds", &m.shard.bytes, "index.json", e, EMX_OK, NULL);
    try_index("top/d/s.mds", &m.shard.bytes, "top/index.json", e, EMX_OK, NULL);
    e.bytes++;
    try_index("top/d/s.mds", &m.shard.bytes, "top/index.json", e, EMX_ERR_CORRUPT, "by index.json");
    e.bytes--;
    put_zstd(&zip, m.shard.bytes.data, m.shard.bytes.len, (struct frame_options){.level = 3});
    for (size_t off = 0; off < 2; off++) {
        snprintf(zip_data, sizeof(zip_data), "{\"basename\": \"s.mds.zstd\", \"bytes\": %zu, \"hashes\": {}}",
                 zip.len + off);
        e = (struct entry){"s.mds", NULL, zip_data, m.shard.bytes.len, 3};
        try_index("d/s.mds.zstd", &zip, "d/index.json", e, off ? EMX_ERR_CORRUPT : EMX_OK,
                  off ? "compressed bytes" : NULL);
        try_index("d/s.mds", &m.shard.bytes, "d/index.json", e, EMX_OK, NULL);
    }
    bytes_free(&zip);
    made_shard_finish(&m);
}

static void an_index_verifies_hashes(void)
{
    struct made_shard m;
    struct bytes zip = {0};
    XXH128_hash_t h;

    make_small(&m);
    put_gzip(&zip, m.shard.bytes.data, m.shard.bytes.len);
    h = XXH3_128bits(m.shard.bytes.data, m.shard.bytes.len);
    for (int kind = 0; kind < 10; kind++) {
        static const char *const names[] = {"xxh32", "xxh64", "xxh3_64", "xxh128", "sha1"};
        bool is_wrong = kind >= 5;
        char hex[40], hashes[80];
        struct entry e = {"s.mds", hashes, "{\"basename\": \"s.mds.gz\"}", m.shard.bytes.len, 3};
        bool is_found = is_wrong && kind % 5 < 4; /* sha1 is not taken */

        snprintf(hex, sizeof(hex), kind % 5 == 0 ? "%08llx" : "%016llx",
                 (unsigned long long)(kind % 5 == 0   ? XXH32(m.shard.bytes.data, m.shard.bytes.len, 0)
                                      : kind % 5 == 1 ? XXH64(m.shard.bytes.data, m.shard.bytes.len, 0)
                                                      : XXH3_64bits(m.shard.bytes.data, m.shard.bytes.len)));
        if (kind % 5 == 3)
            snprintf(hex, sizeof(hex), "%016llX%016llX", (unsigned long long)h.high64, (unsigned long long)h.low64);
        hex[7] = is_wrong ? hex[7] == '0' ? '1' : '0' : hex[7];
        snprintf(hashes, sizeof(hashes), "\"md5\": \"00\", \"%s\": \"%s\"", names[kind % 5], hex);
        try_index("d/s.mds", &m.shard.bytes, "d/index.json", e, is_found ? EMX_ERR_CORRUPT : EMX_OK,
                  is_found ? "is not the one in index.json" : NULL);
        try_index("d/s.mds.gz", &zip, "d/index.json", e, is_found ? EMX_ERR_CORRUPT : EMX_OK,
                  is_found ? "is not the one in index.json" : NULL);
    }
    bytes_free(&zip);
    made_shard_finish(&m);
}

static void an_index_of_something_else_does_not_matter(void)
{
    static const char *const others[] = {"", "{", "[]", "{\"chunks\": []}", "{\"shards\": {}}", "{\"shards\": 3}"};
    static const char *const odd[] = {"{\"shards\": []}", "{\"shards\": [7, null, {}, {\"raw_data\": 3}]}",
                                      "{\"shards\": [{\"raw_data\": {\"basename\": 7, \"hashes\": []}}]}"};
    struct made_shard m;

    make_small(&m);
    for (size_t i = 0; i < 9; i++) {
        const char *text = i < 6 ? others[i] : odd[i - 6];
        struct shard_contents c;

        space_clear();
        space_add("d/s.mds", m.shard.bytes.data, m.shard.bytes.len);
        space_add("d/index.json", text, strlen(text));
        CHECK(read_shard("d/s.mds", &nothing_said, &c, NULL) == EMX_OK);
        CHECK(c.n == 250 && (i < 6) == !c.warning);
        contents_finish(&c);
    }
    made_shard_finish(&m);
}

/* --- large ------------------------------------------------------------------------------------------------------- */

/* A sample longer than a batch is handed out in parts, and any batch gives the same tokens. */
static void samples_may_be_larger_than_batches(void)
{
    enum { N = 300000 };
    struct token_type i32 = {.dtype = DTYPE_I32};
    uint32_t *tokens = must(malloc(N * 4));
    struct bytes b = {0}, array = {0};
    uint64_t seed = test_seed();

    for (size_t i = 0; i < N; i++)
        tokens[i] = (uint32_t)(test_random(&seed) >> 40);
    put_int(&array, (uint64_t)N << 8 | 1 << 2 | 2, 5);
    put_ids(&array, tokens, N, i32);
    put_single(&b, "tokens", "ndarray:int32", array.data, array.len);
    check_tokens(&b, &nothing_said, tokens, N);
    free(tokens);
    bytes_free(&array);
    bytes_free(&b);
}

int main(void)
{
    RUN(arrays_of_every_type_are_read);
    RUN(bytes_are_int64_unless_told);
    RUN(negative_tokens_are_no_tokens);
    RUN(what_is_no_array_of_tokens_is_refused);
    RUN(the_token_column_is_chosen);
    RUN(broken_configurations_are_refused);
    RUN(every_cut_is_refused);
    RUN(offsets_are_held_to_each_other);
    RUN(no_samples_are_no_tokens);
    RUN(shards_are_recognised_by_content);
    RUN(codecs_that_are_not_read_are_named);
    RUN(an_index_verifies_sizes);
    RUN(an_index_verifies_hashes);
    RUN(an_index_of_something_else_does_not_matter);
    RUN(samples_may_be_larger_than_batches);
    return test_summary();
}
