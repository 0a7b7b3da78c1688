#include "scan/run.h"

#include "state/block_encode.h"
#include "state/layout.h"

#include <stdlib.h>
#include <xxhash.h>

void run_finish(struct run *r)
{
    free(r->blocks);
    *r = (struct run){0};
}

static bool reserve(struct run *r)
{
    size_t cap = r->cap_blocks ? 2 * r->cap_blocks : 64;
    struct run_block *larger;

    if (r->n_blocks < r->cap_blocks)
        return true;
    larger = realloc(r->blocks, cap * sizeof(*larger));
    if (!larger)
        return false;
    r->blocks = larger;
    r->cap_blocks = cap;
    return true;
}

enum emx_status run_add_block(struct run *r, const struct run_block *b, struct emx_error *err)
{
    if (!reserve(r))
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for runs on disk");
    r->blocks[r->n_blocks++] = *b;
    r->n_rows += b->n_rows;
    r->max_token = b->max_token > r->max_token ? b->max_token : r->max_token;
    return EMX_OK;
}

enum emx_status run_store_block(struct temp_file *f, const struct state_block *b, struct run_block *ret,
                                struct emx_error *err)
{
    *ret = (struct run_block){.first_key = b->first_key,
                              .last_key = b->last_key,
                              .n_stored = (uint32_t)b->n_stored,
                              .n_rows = (uint32_t)b->n_rows,
                              .max_token = b->max_token};
    return temp_file_write(f, b->stored, b->n_stored, &ret->at, err);
}

enum emx_status run_append(struct run *r, struct temp_file *f, struct state_encoder *encoder,
                           struct state_block *staging, const struct emx_pair_count *rows, size_t n,
                           struct emx_error *err)
{
    struct run_block block;
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < n && !status; i += RUN_BLOCK_ROWS) {
        size_t part = n - i < RUN_BLOCK_ROWS ? n - i : RUN_BLOCK_ROWS;

        status = encode_block_uncounted(encoder, rows + i, part, staging, err);
        if (!status)
            status = run_store_block(f, staging, &block, err);
        if (!status)
            status = run_add_block(r, &block, err);
    }
    return status;
}

/* --- its directory ------------------------------------------------------------------------------------- */

enum { ENTRY_BYTES_OF_BLOCK = 32 };

enum emx_status run_keep_directory(struct run *r, struct temp_file *f, struct emx_error *err)
{
    size_t n_bytes = r->n_blocks * ENTRY_BYTES_OF_BLOCK;
    unsigned char *bytes, *p;
    enum emx_status status;

    if (r->directory_kept)
        return EMX_OK;
    p = bytes = malloc(n_bytes + 1);
    if (!bytes)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for runs on disk");
    for (size_t i = 0; i < r->n_blocks; i++, p += ENTRY_BYTES_OF_BLOCK) {
        const struct run_block *b = &r->blocks[i];

        put_u64(p, b->first_key);
        put_u64(p + 8, b->last_key);
        put_u64(p + 16, b->at);
        put_u32(p + 24, b->n_stored);
        put_u32(p + 28, b->n_rows);
    }
    r->directory.xxh3 = XXH3_64bits(bytes, n_bytes);
    status = temp_file_write(f, bytes, n_bytes, &r->directory.at, err);
    r->directory.n_blocks = r->n_blocks;
    r->directory.max_token = r->max_token;
    r->directory_kept = !status;
    free(bytes);
    return status;
}

static bool is_key(uint64_t key)
{
    return key >> 32 < EMX_MAX_VOCABULARY && (key & UINT32_MAX) < EMX_MAX_VOCABULARY;
}

/* Its bytes have their checksum, so this finds a fault of the program that wrote them. */
static bool take_entry(struct run *r, const unsigned char *p, uint64_t n_file_bytes)
{
    const struct run_block b = {.first_key = get_u64(p),
                                .last_key = get_u64(p + 8),
                                .at = get_u64(p + 16),
                                .n_stored = get_u32(p + 24),
                                .n_rows = get_u32(p + 28),
                                .max_token = r->max_token}; /* or less */

    if (!is_key(b.first_key) || !is_key(b.last_key) || b.first_key > b.last_key)
        return false;
    if (r->n_blocks && r->blocks[r->n_blocks - 1].last_key >= b.first_key)
        return false;
    if (b.at > n_file_bytes || b.n_stored > n_file_bytes - b.at || b.n_rows == 0 || b.n_rows > RUN_BLOCK_ROWS)
        return false;
    r->blocks[r->n_blocks++] = b;
    r->n_rows += b.n_rows;
    return true;
}

enum emx_status run_load_directory(struct run *r, const struct temp_file *f, const struct run_directory *d,
                                   struct emx_error *err)
{
    char name[512];
    unsigned char *bytes;
    bool good = d->at <= f->n_bytes && d->n_blocks <= (f->n_bytes - d->at) / ENTRY_BYTES_OF_BLOCK;
    size_t n_bytes = good ? (size_t)d->n_blocks * ENTRY_BYTES_OF_BLOCK : 0;
    enum emx_status status = EMX_OK;

    *r = (struct run){.max_token = d->max_token, .directory = *d, .directory_kept = true};
    bytes = malloc(n_bytes + 1);
    r->blocks = malloc((n_bytes / ENTRY_BYTES_OF_BLOCK + 1) * sizeof(*r->blocks));
    r->cap_blocks = n_bytes / ENTRY_BYTES_OF_BLOCK + 1;
    if (!bytes || !r->blocks)
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory for runs on disk");
    else
        status = temp_file_read(f, d->at, bytes, n_bytes, err);
    good = good && !status && XXH3_64bits(bytes, n_bytes) == d->xxh3;
    for (size_t i = 0; i < d->n_blocks && good; i++)
        good = take_entry(r, bytes + i * ENTRY_BYTES_OF_BLOCK, f->n_bytes);
    if (!status && !good)
        status = emx_fail(err, EMX_ERR_CORRUPT, "%s: the list of blocks at byte %llu is not as it was written",
                          temp_file_describe(f, name, sizeof(name)), (unsigned long long)d->at);
    free(bytes);
    if (status)
        run_finish(r);
    return status;
}

/* --- reading ------------------------------------------------------------------------------------------- */

void run_reader_finish(struct run_reader *r)
{
    block_decoder_finish(&r->decoder);
    free(r->rows);
    *r = (struct run_reader){0};
}

static enum emx_status reader_init(struct run_reader *r, struct emx_error *err)
{
    enum emx_status status = r->decoder.zstd ? EMX_OK : block_decoder_init(&r->decoder, err);

    if (!status && !r->rows) {
        r->rows = malloc(RUN_BLOCK_ROWS * sizeof(*r->rows));
        status = r->rows ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "out of memory for runs on disk");
    }
    return status;
}

/* The file is ours, but the disk may have spoilt it. */
static enum emx_status refuse(const struct temp_file *f, const struct run_block *b, const char *wrong,
                              struct emx_error *err)
{
    char name[512];

    return emx_fail(err, EMX_ERR_CORRUPT, "%s: the block at byte %llu has %s",
                    temp_file_describe(f, name, sizeof(name)), (unsigned long long)b->at, wrong);
}

enum emx_status run_read(struct run_reader *r, const struct temp_file *f, const struct run_block *b,
                         struct emx_error *err)
{
    unsigned char bytes[BLOCK_HEADER_BYTES], *stored;
    struct block_header header;
    const char *wrong;
    size_t n;
    enum emx_status status = reader_init(r, err);

    if (!status)
        status = temp_file_read(f, b->at, bytes, sizeof(bytes), err);
    if (status)
        return status;
    wrong = block_header_decode(bytes, &header);
    if (wrong || header.n_rows != b->n_rows || block_header_stored(&header) != b->n_stored)
        return refuse(f, b, wrong ? wrong : "another number of rows", err);
    stored = block_decoder_reserve(&r->decoder, &header);
    if (!stored)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for runs on disk");
    status = temp_file_read(f, b->at, stored, b->n_stored, err);
    if (status)
        return status;
    wrong = block_decoder_begin(&r->decoder);
    if (!wrong)
        wrong = block_decoder_rows(&r->decoder, r->rows, RUN_BLOCK_ROWS, &n);
    return wrong ? refuse(f, b, wrong, err) : EMX_OK;
}

/* --- finding ------------------------------------------------------------------------------------------- */

size_t run_find_block(const struct run *r, uint64_t key)
{
    size_t low = 0, high = r->n_blocks;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (r->blocks[middle].last_key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t rows_find(const struct emx_pair_count *rows, size_t n, uint64_t key)
{
    size_t low = 0;

    while (low < n) {
        size_t middle = (low + n) / 2;

        if (row_key(&rows[middle]) < key)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}
