/*
 * zstd_frame.h - zstd frame and block headers, read without decoding (RFC 8878, section 3.1)
 *
 * libzstd's stable interface tells neither the window that a frame needs nor where a frame ends that is not
 * wholly in memory; both are a few bytes of header.
 */
#ifndef IO_ZSTD_FRAME_H
#define IO_ZSTD_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZSTD_FRAME_HEADER_MAX 18 /* bytes; enough for every header */
#define ZSTD_BLOCK_HEADER 3

struct zstd_frame {
    bool skippable;
    size_t header_len;     /* bytes before the first block; 8 if skippable */
    uint64_t content_size; /* decompressed, UINT64_MAX if not stated; of a skippable frame what follows the header */
    uint64_t window;       /* bytes of content that a decoder must keep; 0 if skippable */
    uint32_t dictionary;   /* id, 0 if none */
    bool checksum;         /* 4 bytes after the last block */
};

enum zstd_header { ZSTD_HEADER_OK, ZSTD_HEADER_SHORT, ZSTD_HEADER_BAD };

/* *ret is written on ZSTD_HEADER_OK; _SHORT: the bytes end before the header does; _BAD: this is no frame. */
enum zstd_header zstd_frame_parse(const unsigned char *bytes, size_t n, struct zstd_frame *ret);

struct zstd_block {
    bool last;
    size_t stored; /* bytes after the block's header, at most 128 KiB */
};

/* False if no decoder would accept the block: of the reserved type, or too large. */
bool zstd_block_parse(const unsigned char bytes[ZSTD_BLOCK_HEADER], struct zstd_block *ret);

#endif
