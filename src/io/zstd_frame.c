#include "io/zstd_frame.h"

#define MAGIC 0xFD2FB528u
#define MAGIC_SKIPPABLE 0x184D2A50u /* and the 15 after it */
#define BLOCK_MAX (128u << 10)

static uint64_t little_endian(const unsigned char *bytes, size_t n)
{
    uint64_t value = 0;

    while (n > 0)
        value = value << 8 | bytes[--n];
    return value;
}

/* Exponent in the upper 5 bits, eighths in the lower 3; at most 2^41 + 7/8. */
static uint64_t window_size(unsigned char descriptor)
{
    uint64_t base = (uint64_t)1 << (10 + (descriptor >> 3));

    return base + base / 8 * (descriptor & 7);
}

static enum zstd_header parse_skippable(const unsigned char *bytes, struct zstd_frame *ret)
{
    *ret = (struct zstd_frame){.skippable = true, .header_len = 8, .content_size = little_endian(bytes + 4, 4)};
    return ZSTD_HEADER_OK;
}

static enum zstd_header parse_data_frame(const unsigned char *bytes, size_t n, struct zstd_frame *ret)
{
    static const size_t dictionary_len[] = {0, 1, 2, 4}, content_len[] = {0, 2, 4, 8};
    const unsigned char descriptor = bytes[4];
    const bool single_segment = descriptor & 0x20;
    const size_t window_len = single_segment ? 0 : 1;
    const size_t dictionary = dictionary_len[descriptor & 3];
    const size_t content = descriptor >> 6 ? content_len[descriptor >> 6] : single_segment;
    const unsigned char *field = bytes + 5;

    if (descriptor & 0x08)
        return ZSTD_HEADER_BAD; /* reserved bit */
    if (n < 5 + window_len + dictionary + content)
        return ZSTD_HEADER_SHORT;
    *ret = (struct zstd_frame){.header_len = 5 + window_len + dictionary + content, .checksum = descriptor & 0x04};
    if (!single_segment)
        ret->window = window_size(*field);
    field += window_len;
    ret->dictionary = (uint32_t)little_endian(field, dictionary);
    field += dictionary;
    ret->content_size = content ? little_endian(field, content) + (content == 2 ? 256 : 0) : UINT64_MAX;
    if (single_segment)
        ret->window = ret->content_size;
    return ZSTD_HEADER_OK;
}

/* Do the first bytes of a magic number (low byte first) agree as far as there are any? */
static bool begins(const unsigned char *bytes, size_t n, uint32_t magic, uint32_t free_bits)
{
    const size_t len = n < 4 ? n : 4;
    const uint32_t mask = (uint32_t)(((uint64_t)1 << 8 * len) - 1) & ~free_bits;

    return ((uint32_t)little_endian(bytes, len) & mask) == (magic & mask);
}

enum zstd_header zstd_frame_parse(const unsigned char *bytes, size_t n, struct zstd_frame *ret)
{
    if (begins(bytes, n, MAGIC_SKIPPABLE, 15))
        return n < 8 ? ZSTD_HEADER_SHORT : parse_skippable(bytes, ret);
    if (begins(bytes, n, MAGIC, 0))
        return n < 5 ? ZSTD_HEADER_SHORT : parse_data_frame(bytes, n, ret);
    return ZSTD_HEADER_BAD;
}

bool zstd_block_parse(const unsigned char bytes[ZSTD_BLOCK_HEADER], struct zstd_block *ret)
{
    const uint32_t header = (uint32_t)little_endian(bytes, ZSTD_BLOCK_HEADER);
    const unsigned type = header >> 1 & 3;

    ret->last = header & 1;
    ret->stored = type == 1 ? 1 : header >> 3; /* a run is one byte, repeated */
    return type != 3 && header >> 3 <= BLOCK_MAX;
}
