/* journal_layout.h - constants that journal_encode.c and journal_decode.c share */
#ifndef SCAN_JOURNAL_LAYOUT_H
#define SCAN_JOURNAL_LAYOUT_H

#include <stddef.h>
#include <stdint.h>
#include <xxhash.h>

#define JOURNAL_MAGIC                                                                                                  \
    "\x89"                                                                                                             \
    "EMXJ\r\n\x1a"
enum {
    JOURNAL_VERSION = 3,
    JOURNAL_MAGIC_BYTES = 8,
    JOURNAL_HEADER_BYTES = 24,  /* magic, u32 version, u32 0, u64 checksum */
    JOURNAL_CHECKED_BYTES = 16, /* of the header: all but the checksum */
};

/* XXH3-64 of what follows the header, seeded with that of the header. */
static inline uint64_t journal_checksum(const char *bytes, size_t n)
{
    return XXH3_64bits_withSeed(bytes + JOURNAL_HEADER_BYTES, n - JOURNAL_HEADER_BYTES,
                                XXH3_64bits(bytes, JOURNAL_CHECKED_BYTES));
}

#endif
