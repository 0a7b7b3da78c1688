/*
 * fmt_llmc.c - llm.c and modded-nanogpt: 256 x i32 of header (magic, version, number of tokens), then u16 or u32
 *
 * Writers put the EOT token before each document and cut documents at the ends of shards.
 */
#include "io/format.h"

#include <endian.h>
#include <string.h>

enum {
    HEADER_BYTES = 1024,
    MAGIC_U16 = 20240520,
    MAGIC_U32 = 20240801,
    MAGIC_EVAL = 20240522,
    MAGIC_TOKENIZER = 20240328,
};

static uint32_t word_at(const void *head, size_t i)
{
    uint32_t word;

    memcpy(&word, (const char *)head + 4 * i, 4);
    return le32toh(word);
}

static bool llmc_probe(const struct file_space *space, const char *path, const void *head, size_t len)
{
    uint32_t magic = len >= 8 ? word_at(head, 0) : 0;

    (void)space;
    (void)path;
    return magic == MAGIC_U16 || magic == MAGIC_U32 || magic == MAGIC_EVAL || magic == MAGIC_TOKENIZER;
}

static enum emx_status llmc_open(struct shard_open *s, struct emx_error *err)
{
    const void *head;
    size_t len;
    uint32_t magic, version;
    enum emx_status status = stream_peek(s->stream, &head, HEADER_BYTES, &len, err);

    if (status)
        return status;
    if (len < HEADER_BYTES)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: the llm.c header is cut off at byte %zu of %d", s->path, len,
                        HEADER_BYTES);
    magic = word_at(head, 0);
    version = word_at(head, 1);
    if (magic == MAGIC_EVAL || magic == MAGIC_TOKENIZER)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: is an llm.c %s file, not a shard of tokens", s->path,
                        magic == MAGIC_EVAL ? "evaluation" : "tokenizer");
    if (magic != MAGIC_U16 && magic != MAGIC_U32)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: the llm.c magic number is %u, not %d (u16) or %d (u32)", s->path,
                        magic, MAGIC_U16, MAGIC_U32);
    if (version != (magic == MAGIC_U16 ? 1 : 7))
        return emx_fail(err, EMX_ERR_VERSION,
                        "%s: llm.c version %u at byte 4 is not %d, which goes with magic number %u", s->path, version,
                        magic == MAGIC_U16 ? 1 : 7, magic);
    if (word_at(head, 2) > INT32_MAX)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: the number of tokens at byte 8 is negative", s->path);
    s->is_flat = true;
    s->flat = (struct flat_layout){
        .offset = HEADER_BYTES, .n_tokens = word_at(head, 2), .type.dtype = magic == MAGIC_U16 ? DTYPE_U16 : DTYPE_U32};
    s->dtype_name = token_type_name(s->flat.type);
    s->documents_cross_shards = true;
    s->eod_first = true;
    return format_check_size(s, err);
}

const struct format_ops format_llmc = {
    .name = "llmc",
    .summary = "llm.c and modded-nanogpt .bin (u16, u32)",
    .probe = llmc_probe,
    .open = llmc_open,
};
