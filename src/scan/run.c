#include "scan/run.h"

#include "state/block_encode.h"
#include "state/layout.h"

#include <stdlib.h>

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

static enum emx_status append_block(struct run *r, struct temp_file *f, const struct state_block *b,
                                    struct emx_error *err)
{
    uint64_t at;
    enum emx_status status;

    if (!reserve(r))
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for runs on disk");
    status = temp_file_write(f, b->stored, b->n_stored, &at, err);
    if (status)
        return status;
    r->blocks[r->n_blocks++] =
        (struct run_block){b->first_key, b->last_key, at, (uint32_t)b->n_stored, (uint32_t)b->n_rows};
    r->n_rows += b->n_rows;
    r->max_token = b->max_token > r->max_token ? b->max_token : r->max_token;
    return EMX_OK;
}

enum emx_status run_append(struct run *r, struct temp_file *f, struct state_encoder *encoder,
                           struct state_block *staging, const struct emx_pair_count *rows, size_t n,
                           struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < n && !status; i += RUN_BLOCK_ROWS) {
        size_t part = n - i < RUN_BLOCK_ROWS ? n - i : RUN_BLOCK_ROWS;

        status = encode_block_uncounted(encoder, rows + i, part, staging, err);
        if (!status)
            status = append_block(r, f, staging, err);
    }
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
    return emx_fail(err, EMX_ERR_CORRUPT, "the temporary file in %s: the block at byte %llu has %s", f->folder,
                    (unsigned long long)b->at, wrong);
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
