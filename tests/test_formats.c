/* Shards made from the layouts that their writers document, read back; and what must not be read. */
#include "shard_reader.h"

#include <zlib.h>
#include <zstd.h>

static const struct format_options nothing_said;
static const struct format_options u16_said = {.type.dtype = DTYPE_U16};
static const struct format_options u32_said = {.type.dtype = DTYPE_U32};

/* --- bytes --------------------------------------------------------------------------------------------- */

struct bytes {
    unsigned char data[1 << 16];
    size_t n;
};

static void put(struct bytes *b, const void *data, size_t n)
{
    memcpy(b->data + b->n, data, n);
    b->n += n;
}

static void put_int(struct bytes *b, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        b->data[b->n++] = (unsigned char)(value >> 8 * i);
}

static void put_text(struct bytes *b, const char *text)
{
    put(b, text, strlen(text));
}

/* tokens first, first + 1, ... */
static void put_tokens(struct bytes *b, uint32_t first, size_t n, size_t size)
{
    for (size_t i = 0; i < n; i++)
        put_int(b, first + i, size);
}

static void compress_zstd(const struct bytes *from, struct bytes *to)
{
    to->n = ZSTD_compress(to->data, sizeof(to->data), from->data, from->n, 3);
}

static void compress_gzip(const struct bytes *from, struct bytes *to)
{
    z_stream z = {.next_in = (unsigned char *)from->data,
                  .avail_in = (unsigned)from->n,
                  .next_out = to->data,
                  .avail_out = sizeof(to->data)};

    deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
    deflate(&z, Z_FINISH);
    to->n = z.total_out;
    deflateEnd(&z);
}

/* --- checks -------------------------------------------------------------------------------------------- */

static void check_run(const struct shard_contents *c, uint32_t first, size_t n)
{
    size_t wrong = 0;

    CHECK(c->n == n);
    for (size_t i = 0; i < c->n && i < n; i++)
        wrong += c->tokens[i] != first + i;
    CHECK(wrong == 0);
}

static void check_ends(const struct shard_contents *c, const uint64_t *ends, size_t n)
{
    CHECK(c->n_ends == n);
    for (size_t i = 0; i < n && i < c->n_ends; i++)
        CHECK(c->ends[i] == ends[i]);
}

static struct shard_contents read_well(const char *path, const struct format_options *options, const char *format)
{
    struct shard_contents c;
    struct emx_error err;

    if (read_shard(path, options, &c, &err)) {
        printf("%s\n", err.message);
        FAIL("is read");
    } else {
        CHECK_STR(c.format, format);
    }
    return c;
}

static void refuse(const char *path, const struct format_options *options, enum emx_status status, const char *words)
{
    struct shard_contents c;
    struct emx_error err = {0};
    enum emx_status got = read_shard(path, options, &c, &err);

    if (got != status || !strstr(err.message, words)) {
        printf("%s: %s: %s\n", path, emx_status_str(got), err.message);
        FAIL("is refused as it should be");
    }
    CHECK(strstr(err.message, path) || strstr(err.message, "index.json") || strchr(err.message, ':'));
    contents_finish(&c);
}

/* Every shorter file is an error. */
static void refuse_every_cut(const char *path, const struct bytes *b, const struct format_options *options,
                             size_t least)
{
    size_t read = 0;

    for (size_t n = least; n < b->n; n++) {
        struct shard_contents c;

        space_files[0].len = n;
        read += read_shard(path, options, &c, NULL) == EMX_OK;
        contents_finish(&c);
    }
    CHECK(read == 0);
}

/* --- Megatron ------------------------------------------------------------------------------------------ */

static void megatron_index(struct bytes *b, unsigned dtype, const uint32_t *lengths, size_t n, size_t size,
                           const uint64_t *documents, size_t n_documents)
{
    uint64_t pointer = 0;

    b->n = 0;
    put(b, "MMIDIDX\0", 9);
    put_int(b, 1, 8);
    put_int(b, dtype, 1);
    put_int(b, n, 8);
    if (documents)
        put_int(b, n_documents, 8);
    for (size_t i = 0; i < n; i++)
        put_int(b, lengths[i], 4);
    for (size_t i = 0; i < n; i++) {
        put_int(b, pointer, 8);
        pointer += lengths[i] * size;
    }
    for (size_t i = 0; i < n_documents; i++)
        put_int(b, documents[i], 8);
}

static const uint32_t lengths[] = {3, 4, 0, 5};
static const uint64_t documents[] = {0, 2, 2, 4}; /* the second is empty */

static void megatron_documents_are_found(void)
{
    static struct bytes index, bin, packed;
    struct shard_contents c;

    megatron_index(&index, 8, lengths, 4, 2, documents, 4);
    bin.n = 0;
    put_tokens(&bin, 100, 12, 2);
    space_clear();
    space_add("x.idx", index.data, index.n);
    space_add("x.bin", bin.data, bin.n);
    c = read_well("x.bin", &nothing_said, "megatron");
    check_run(&c, 100, 12);
    check_ends(&c, (uint64_t[]){7, 12}, 2);
    CHECK(!c.warning && c.has_index);
    contents_finish(&c);
    compress_zstd(&index, &packed);
    space_clear();
    space_add("x.idx.zst", packed.data, packed.n);
    space_add("x.bin", bin.data, bin.n);
    c = read_well("x.bin", &nothing_said, "megatron");
    check_ends(&c, (uint64_t[]){7, 12}, 2);
    contents_finish(&c);
}

static void fairseq_and_third_parties_are_told_apart(void)
{
    static struct bytes index, bin;
    struct shard_contents c;

    bin.n = 0;
    put_tokens(&bin, 100, 12, 4);
    for (int kind = 0; kind < 4; kind++) {
        /* fairseq; the last entry left out; only the first entry; none */
        megatron_index(&index, 4, lengths, 4, 4, kind ? documents : NULL, (size_t[]){0, 3, 1, 0}[kind]);
        space_clear();
        space_add("x.idx", index.data, index.n);
        space_add("x.bin", bin.data, bin.n);
        c = read_well("x.bin", &nothing_said, "megatron");
        check_run(&c, 100, 12);
        check_ends(&c, (uint64_t[]){3, 7, 12}, 3);
        CHECK(kind == 0 ? !c.warning : c.warning && strstr(c.warning, "each sequence counts as a document"));
        contents_finish(&c);
    }
}

static void multimodal_modes_and_trailing_bytes_are_tolerated(void)
{
    static struct bytes index, bin;
    struct shard_contents c;

    megatron_index(&index, 8, lengths, 4, 2, documents, 4);
    put_int(&index, 0, 4); /* one mode a sequence */
    bin.n = 0;
    put_tokens(&bin, 100, 12, 2);
    put_int(&bin, 7, 1);
    space_clear();
    space_add("x.idx", index.data, index.n);
    space_add("x.bin", bin.data, bin.n);
    c = read_well("x.bin", &nothing_said, "megatron");
    check_run(&c, 100, 12);
    CHECK(c.warning && strstr(c.warning, "not counted"));
    contents_finish(&c);
}

static void bad_megatron_indexes_are_refused(void)
{
    static struct bytes index, bin;

    bin.n = 0;
    put_tokens(&bin, 100, 11, 2);
    megatron_index(&index, 8, lengths, 4, 2, documents, 4);
    space_clear();
    space_add("x.idx", index.data, index.n);
    space_add("x.bin", bin.data, bin.n);
    refuse("x.bin", &nothing_said, EMX_ERR_CORRUPT, "x.idx points to byte 24");
    bin.n = 0;
    put_tokens(&bin, 100, 12, 2);
    space_files[1].len = bin.n;
    refuse_every_cut("x.bin", &index, &nothing_said, 0);
    space_files[0].len = index.n;
    index.data[17] = 7;
    refuse("x.bin", &nothing_said, EMX_ERR_FORMAT, "floating point");
    index.data[17] = 99;
    refuse("x.bin", &nothing_said, EMX_ERR_FORMAT, "dtype code 99");
    index.data[17] = 8;
    index.data[9] = 2;
    refuse("x.bin", &nothing_said, EMX_ERR_VERSION, "version 2");
    index.data[9] = 1;
    index.data[34 + 16] = 1; /* the first pointer */
    refuse("x.bin", &nothing_said, EMX_ERR_FORMAT, "out of order");
    index.data[34 + 16] = 0;
    index.data[34 + 3] = 0x80; /* the first length */
    refuse("x.bin", &nothing_said, EMX_ERR_CORRUPT, "negative");
    index.data[34 + 3] = 0;
    index.data[0] = 'T';
    refuse("x.bin", &nothing_said, EMX_ERR_FORMAT, "magic");
    memcpy(index.data, "TNTIDX\0\0", 8);
    refuse("x.bin", &nothing_said, EMX_ERR_FORMAT, "TNTIDX");
    memset(index.data + 18, 0xFF, 8); /* sequences without end */
    memcpy(index.data, "MMIDIDX\0", 9);
    index.data[9] = 1;
    refuse("x.bin", &nothing_said, EMX_ERR_CORRUPT, "x.idx");
    space_clear();
    space_add("x.bin", bin.data, bin.n);
    refuse("x.bin", &(struct format_options){.format = "megatron"}, EMX_ERR_IO, ".idx");
    space_clear();
    megatron_index(&index, 8, lengths, 4, 2, documents, 4);
    space_add("x.idx", index.data, index.n);
    refuse("x.idx", &u16_said, EMX_ERR_FORMAT, "give the .bin");
}

static void dtype_codes_are_those_that_all_forks_agree_on(void)
{
    static const struct {
        unsigned code;
        size_t size;
    } good[] = {{1, 1}, {2, 1}, {3, 2}, {4, 4}, {5, 8}, {8, 2}, {9, 4}, {10, 8}};
    static struct bytes index, bin;

    for (unsigned code = 0; code < 256; code++) {
        size_t size = 0;
        struct shard_contents c;

        for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
            size = good[i].code == code ? good[i].size : size;
        megatron_index(&index, code, lengths, 4, size ? size : 2, documents, 4);
        bin.n = 0;
        put_tokens(&bin, 100, 12, size ? size : 2);
        space_clear();
        space_add("x.idx", index.data, index.n);
        space_add("x.bin", bin.data, bin.n);
        if (!size) {
            refuse("x.bin", &nothing_said, EMX_ERR_FORMAT, "dtype code");
            continue;
        }
        c = read_well("x.bin", &nothing_said, "megatron");
        check_run(&c, 100, 12);
        contents_finish(&c);
    }
}

/* Above every vocabulary, where the scan finds them. */
static void negative_tokens_are_no_tokens(void)
{
    static struct bytes index, bin;
    struct shard_contents c;

    megatron_index(&index, 4, lengths, 4, 4, documents, 4);
    bin.n = 0;
    put_tokens(&bin, 100, 12, 4);
    bin.data[4 * 5 + 3] = 0x80;
    space_clear();
    space_add("x.idx", index.data, index.n);
    space_add("x.bin", bin.data, bin.n);
    c = read_well("x.bin", &nothing_said, "megatron");
    CHECK(c.tokens[4] == 104 && c.tokens[5] == UINT32_MAX && c.tokens[6] == 106);
    contents_finish(&c);
}

static void an_index_decides_whatever_the_bin_looks_like(void)
{
    static struct bytes index, bin;
    struct shard_contents c;
    const uint32_t one[] = {4};

    bin.n = 0;
    put_text(&bin, "PAR1\x93NUM");
    megatron_index(&index, 8, one, 1, 2, (uint64_t[]){0, 1}, 2);
    space_clear();
    space_add("x.idx", index.data, index.n);
    space_add("x.bin", bin.data, bin.n);
    c = read_well("x.bin", &nothing_said, "megatron");
    CHECK(c.n == 4);
    contents_finish(&c);
}

/* --- llm.c ---------------------------------------------------------------------------------------------- */

static void llmc_file(struct bytes *b, uint32_t magic, uint32_t version, uint32_t n, size_t size)
{
    b->n = 0;
    put_int(b, magic, 4);
    put_int(b, version, 4);
    put_int(b, n, 4);
    memset(b->data + b->n, 0, 1024 - b->n);
    b->n = 1024;
    put_tokens(b, 7, n, size);
}

static void llmc_shards_are_read(void)
{
    static struct bytes b, packed;
    struct shard_contents c;

    for (int wide = 0; wide < 2; wide++) {
        llmc_file(&b, wide ? 20240801 : 20240520, wide ? 7 : 1, 50, wide ? 4 : 2);
        space_clear();
        space_add("t_train_000001.bin", b.data, b.n);
        c = read_well("t_train_000001.bin", &nothing_said, "llmc");
        check_run(&c, 7, 50);
        CHECK(c.cross_shards && c.eod_first);
        contents_finish(&c);
        refuse_every_cut("t_train_000001.bin", &b, &nothing_said, 4);
        compress_gzip(&b, &packed);
        space_clear();
        space_add("t.bin.gz", packed.data, packed.n);
        c = read_well("t.bin.gz", &nothing_said, "llmc");
        check_run(&c, 7, 50);
        contents_finish(&c);
    }
}

static void bad_llmc_shards_are_refused(void)
{
    static struct bytes b;

    llmc_file(&b, 20240328, 1, 50, 2);
    space_clear();
    space_add("x.bin", b.data, b.n);
    refuse("x.bin", &u16_said, EMX_ERR_FORMAT, "tokenizer");
    llmc_file(&b, 20240801, 1, 50, 4); /* the version of u16 */
    space_files[0].len = b.n;
    refuse("x.bin", &nothing_said, EMX_ERR_VERSION, "version 1 at byte 4 is not 7");

    llmc_file(&b, 20240520, 7, 50, 2); /* the version of u32 */
    space_clear();
    space_add("x.bin", b.data, b.n);
    refuse("x.bin", &nothing_said, EMX_ERR_VERSION, "version 7");
    llmc_file(&b, 20240522, 1, 50, 2);
    refuse("x.bin", &u16_said, EMX_ERR_FORMAT, "evaluation");
    llmc_file(&b, 20240520, 1, 50, 2);
    put_int(&b, 0, 1);
    space_files[0].len = b.n;
    refuse("x.bin", &nothing_said, EMX_ERR_FORMAT, "1 bytes follow");
    llmc_file(&b, 20240520, 1, 0xFFFFFFFF, 0);
    space_files[0].len = b.n;
    refuse("x.bin", &nothing_said, EMX_ERR_FORMAT, "negative");
}

/* --- raw and npy ---------------------------------------------------------------------------------------- */

static void headerless_shards_need_a_dtype(void)
{
    static struct bytes b, packed;
    struct shard_contents c;

    b.n = 0;
    put_tokens(&b, 1000, 301, 2);
    space_clear();
    space_add("x.bin", b.data, b.n);
    refuse("x.bin", &nothing_said, EMX_ERR_ARG, "--dtype");
    refuse("x.bin", &u32_said, EMX_ERR_FORMAT, "602 bytes");
    c = read_well("x.bin", &u16_said, "raw");
    check_run(&c, 1000, 301);
    CHECK(!c.warning);
    contents_finish(&c);
    compress_zstd(&b, &packed);
    space_clear();
    space_add("x.bin.zst", packed.data, packed.n);
    c = read_well("x.bin.zst", &u16_said, "raw");
    check_run(&c, 1000, 301);
    contents_finish(&c);
    space_clear();
    space_add("empty.bin", b.data, 0);
    refuse("empty.bin", &u16_said, EMX_ERR_FORMAT, "is empty");
}

static void u32_read_as_u16_is_noticed(void)
{
    static struct bytes b;
    struct shard_contents c;

    b.n = 0;
    put_tokens(&b, 90000, 500, 4);
    space_clear();
    space_add("x.bin", b.data, b.n);
    c = read_well("x.bin", &u16_said, "raw");
    CHECK(c.warning && strstr(c.warning, "--dtype u32"));
    contents_finish(&c);
    b.n = 0; /* small u16 tokens are no u32 ones */
    for (size_t i = 0; i < 1000; i++)
        put_int(&b, i % 3, 2);
    space_files[0].len = b.n;
    c = read_well("x.bin", &u16_said, "raw");
    CHECK(!c.warning);
    contents_finish(&c);
}

static size_t npy_file(struct bytes *b, unsigned version, const char *dictionary, size_t n, size_t size)
{
    size_t len = strlen(dictionary);

    b->n = 0;
    put(b, "\x93NUMPY", 6);
    put_int(b, version, 1);
    put_int(b, 0, 1);
    put_int(b, len + 1, version == 1 ? 2 : 4);
    put_text(b, dictionary);
    put_text(b, "\n");
    put_tokens(b, 5, n, size);
    return b->n;
}

static void true_npy_is_read(void)
{
    static struct bytes b;
    static const char *const good[] = {
        "{'descr': '<u2', 'fortran_order': False, 'shape': (40,), }   ",
        "{\"shape\":(40L,),\"descr\":\"<u2\",\"fortran_order\":False}",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (4, 10)}",
        "{ 'fortran_order' : True , 'shape' : ( 40 , ) , 'descr' : '<u2' }",
    };

    for (unsigned version = 1; version <= 3; version++) {
        for (size_t i = 0; i < 4; i++) {
            struct shard_contents c;

            space_clear();
            space_add("x.npy", b.data, npy_file(&b, version, good[i], 40, 2));
            c = read_well("x.npy", &nothing_said, "npy");
            check_run(&c, 5, 40);
            contents_finish(&c);
        }
    }
    refuse_every_cut("x.npy", &b, &nothing_said, 6);
}

static void arrays_of_other_things_are_refused(void)
{
    static struct bytes b;
    static const struct {
        const char *dictionary, *words;
    } bad[] = {
        {"{'descr': '|O', 'fortran_order': False, 'shape': (40,), }", "'|O'"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (40,), }", "'<f4'"},
        {"{'descr': [('a', '<u2')], 'fortran_order': False, 'shape': (40,), }", "description"},
        {"{'descr': '<u2', 'fortran_order': True, 'shape': (4, 10), }", "fortran_order"},
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (), }", "0 dimensions"},
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (2, 2, 10), }", "3 dimensions"},
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (41,), }", "cut off"},
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (39,), }", "2 bytes follow"},
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (99999999999999999999,), }", "description"},
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "description"},
        {"{'descr': '<u2', 'fortran_order': False}", "description"},
        {"{'descr': '<u2', 'descr': '<u2', 'fortran_order': False, 'shape': (40,)}", "description"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct shard_contents c;
        struct emx_error err = {0};

        space_clear();
        space_add("x.npy", b.data, npy_file(&b, 1, bad[i].dictionary, 40, 2));
        CHECK(read_shard("x.npy", &nothing_said, &c, &err) != EMX_OK);
        if (!strstr(err.message, bad[i].words)) {
            printf("%s\n", err.message);
            FAIL("says why");
        }
        contents_finish(&c);
    }
    space_clear();
    space_add("x.npy", b.data, npy_file(&b, 9, bad[0].dictionary, 40, 2));
    refuse("x.npy", &nothing_said, EMX_ERR_VERSION, "version 9");
    b.data[6] = 2;
    b.data[10] = 1; /* 65536 more bytes of header */
    refuse("x.npy", &nothing_said, EMX_ERR_RANGE, "longer than 10000");
}

/* --- Dolma and datatrove --------------------------------------------------------------------------------- */

static void dolma_takes_documents_from_its_sidecar(void)
{
    static struct bytes b, csv, packed;
    struct shard_contents c;

    b.n = csv.n = 0;
    put_tokens(&b, 9, 20, 2);
    put_text(&csv, "0,4,\"a,\"\"b\"\"\nc\",src,1\r\n4,4,empty,src,2\r\n4,15,d,src,3\r\n15,20,e,src,4\r\n");
    compress_gzip(&csv, &packed);
    space_clear();
    space_add("part-0-00000.npy", b.data, b.n);
    refuse("part-0-00000.npy", &nothing_said, EMX_ERR_ARG, "--dtype");
    c = read_well("part-0-00000.npy", &u16_said, "raw"); /* alone it is but bare tokens */
    check_run(&c, 9, 20);
    contents_finish(&c);
    c = read_well("part-0-00000.npy", &(struct format_options){.format = "dolma", .type.dtype = DTYPE_U16}, "dolma");
    CHECK(c.n_ends == 0);
    contents_finish(&c);
    space_add("part-0-00000.csv.gz", packed.data, packed.n);
    refuse("part-0-00000.npy", &nothing_said, EMX_ERR_ARG, "--dtype");
    c = read_well("part-0-00000.npy", &u16_said, "dolma");
    check_run(&c, 9, 20);
    check_ends(&c, (uint64_t[]){4, 15, 20}, 3);
    contents_finish(&c);
    csv.n = 0;
    put_text(&csv, "0,4\n4,19\n");
    compress_gzip(&csv, &packed);
    space_files[1].len = packed.n;
    refuse("part-0-00000.npy", &u16_said, EMX_ERR_CORRUPT, "index ends");
    csv.n = 0;
    put_text(&csv, "0,4\n5,20\n");
    compress_gzip(&csv, &packed);
    space_files[1].len = packed.n;
    refuse("part-0-00000.npy", &u16_said, EMX_ERR_CORRUPT, "line 2");
    csv.n = 0;
    compress_gzip(&csv, &packed); /* a writer that got no document leaves zeros */
    space_files[1].len = packed.n;
    refuse("part-0-00000.npy", &u16_said, EMX_ERR_FORMAT, "no document");
}

static void datatrove_reads_its_side_files(void)
{
    static struct bytes b, index, packed;
    struct shard_contents c;
    const char *metadata = "Unknown Tokenizer|2|4\n20\n0 GT";

    b.n = index.n = 0;
    put_tokens(&b, 70000, 20, 4);
    for (size_t i = 0; i < 3; i++)
        put_int(&index, (uint64_t[]){8, 8, 20}[i], 8);
    space_clear();
    space_add("00000.ds", b.data, b.n);
    refuse("00000.ds", &(struct format_options){.format = "datatrove"}, EMX_ERR_ARG, "--dtype");
    space_add("00000.ds.metadata", metadata, strlen(metadata));
    c = read_well("00000.ds", &nothing_said, "datatrove");
    check_run(&c, 70000, 20);
    CHECK(c.n_ends == 0);
    contents_finish(&c);
    space_add("00000.ds.index", index.data, index.n);
    c = read_well("00000.ds", &nothing_said, "datatrove");
    check_ends(&c, (uint64_t[]){8, 20}, 2);
    contents_finish(&c);
    space_files[1].path = "moved"; /* without .metadata the index still counts */
    refuse("00000.ds", &nothing_said, EMX_ERR_ARG, "--dtype");
    c = read_well("00000.ds", &u32_said, "datatrove");
    check_ends(&c, (uint64_t[]){8, 20}, 2);
    CHECK(!c.warning);
    contents_finish(&c);
    space_files[1] = (struct memory_file){"00000.ds.metadata", "t|4\n21", 6};
    c = read_well("00000.ds", &nothing_said, "datatrove");
    CHECK(c.warning && strstr(c.warning, ".metadata"));
    contents_finish(&c);
    space_files[2].len = 0;
    refuse("00000.ds", &nothing_said, EMX_ERR_FORMAT, "00000.ds.index lists no document");
    space_files[2].len = 24;
    refuse("00000.ds", &u16_said, EMX_ERR_ARG, "says otherwise");
    index.data[16] = 19; /* ends before the tokens do */
    refuse("00000.ds", &nothing_said, EMX_ERR_CORRUPT, "index ends");
    index.data[16] = 7;
    refuse("00000.ds", &nothing_said, EMX_ERR_CORRUPT, "document 2");
    space_files[2].len = 23;
    refuse("00000.ds", &nothing_said, EMX_ERR_CORRUPT, "23 bytes");
    space_files[2].len = 16;
    index.data[8] = 20;
    compress_zstd(&b, &packed);
    space_files[0] = (struct memory_file){"00000.ds.zst", packed.data, packed.n};
    c = read_well("00000.ds.zst", &nothing_said, "datatrove");
    check_ends(&c, (uint64_t[]){8, 20}, 2);
    contents_finish(&c);
    space_files[1] = (struct memory_file){"00000.ds.metadata", "gpt2|3", 6};
    refuse("00000.ds.zst", &nothing_said, EMX_ERR_FORMAT, "|2 or |4");
}

/* --- what is no shard -------------------------------------------------------------------------------------- */

static void known_files_are_never_read_as_tokens(void)
{
    static const struct {
        const char *head;
        size_t len;
        const char *words;
    } known[] = {
        {"PAR1....", 8, "Parquet"},
        {"ARROW1\0\0", 8, "Arrow"},
        {"\xFF\xFF\xFF\xFF\x10\x01\0\0", 8, "Arrow stream"},
        {"LITPKDS.", 8, "lit-gpt"},
        {"\x80\x04\x95.....", 8, "pickle"},
        {"\x10\0\0\0\0\0\0\0{\"a\":1}", 15, "safetensors"},
        {"PK\3\4....", 8, "zip"},
        {"HUFFIDX.", 8, "Huffman"},
        {"TNTIDX\0\0", 8, "fairseq"},
        {"\xBA\x16\x4F\x2F....", 8, "fastText"},
        {"BZh91AY&SY\x12\x34\x56\x78", 14, "bzip2"},
        {"\xFD"
         "7zXZ\0\0\x04\xE6\xD6\xB4\x46",
         12, "xz"},
    };
    static char tar[512];
    static struct bytes b;
    struct shard_contents contents;

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        space_clear();
        space_add("x.bin", known[i].head, known[i].len);
        refuse("x.bin", &u16_said, EMX_ERR_FORMAT, known[i].words);
    }
    memcpy(tar + 257, "ustar", 5);
    space_clear();
    space_add("x.bin", tar, sizeof(tar));
    refuse("x.bin", &u16_said, EMX_ERR_FORMAT, "tar");
    for (size_t i = 0; i < 4; i++) /* 2 items */
        put_int(&b, (uint64_t[]){2, 16, 20, 24}[i], 4);
    put_tokens(&b, 1, 2, 4);
    space_clear();
    space_add("chunk-0-0.bin", b.data, b.n);
    refuse("chunk-0-0.bin", &u32_said, EMX_ERR_FORMAT, "litdata");
    space_files[0].len -= 4; /* such tokens may be */
    contents = read_well("chunk-0-0.bin", &u32_said, "raw");
    contents_finish(&contents);
    space_clear();
    space_add("x.pbin", b.data + 8, b.n - 8);
    refuse("x.pbin", &u16_said, EMX_ERR_FORMAT, "Modalities");
    contents = read_well("x.pbin", &(struct format_options){.format = "raw", .type.dtype = DTYPE_U16}, "raw");
    contents_finish(&contents);
}

int main(void)
{
    RUN(megatron_documents_are_found);
    RUN(fairseq_and_third_parties_are_told_apart);
    RUN(multimodal_modes_and_trailing_bytes_are_tolerated);
    RUN(bad_megatron_indexes_are_refused);
    RUN(dtype_codes_are_those_that_all_forks_agree_on);
    RUN(negative_tokens_are_no_tokens);
    RUN(an_index_decides_whatever_the_bin_looks_like);
    RUN(llmc_shards_are_read);
    RUN(bad_llmc_shards_are_refused);
    RUN(headerless_shards_need_a_dtype);
    RUN(u32_read_as_u16_is_noticed);
    RUN(true_npy_is_read);
    RUN(arrays_of_other_things_are_refused);
    RUN(dolma_takes_documents_from_its_sidecar);
    RUN(datatrove_reads_its_side_files);
    RUN(known_files_are_never_read_as_tokens);
    return test_summary();
}
