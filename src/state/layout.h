/*
 * layout.h - constants of the .emx file; docs/emx-format.md is the text they come from
 */
#ifndef STATE_LAYOUT_H
#define STATE_LAYOUT_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define STATE_MAGIC                                                                                                    \
    "\x89"                                                                                                             \
    "EMX\r\n\x1a\n"
#define STATE_END_MAGIC "EMX end\n"
#define MAGIC_BYTES 8
#define HEADER_BYTES 16        /* magic, u32 version, u32 flags */
#define TRAILER_BYTES 40       /* u64 offset, length, XXH3 of the directory; u64 XXH3 of header and these; magic */
#define ENTRY_BYTES 40         /* of the directory: u32 type, flags, domain, 0; u64 offset, length, XXH3 */
#define BLOCK_HEADER_BYTES 32  /* u64 XXH3; u32 rows, runs, bytes of bits, of classes, of runs, 0 */
#define DOMAIN_FIXED_BYTES 88  /* of a DOMN section, before the name */
#define SHARD_FIXED_BYTES 48   /* of a shard record, before its four strings */
#define SKIPPED_FIXED_BYTES 40 /* of a record of what was left out, before its three strings */
#define SECTION_OPTIONAL 1u    /* flag: a reader that does not know the type may skip the section */

#define MAX_DOMAINS (1u << 20)
#define MAX_SHARDS (1u << 31)
#define MAX_NAME_BYTES 65535u           /* of a domain, and of each string of a shard record */
#define MAX_TOTAL ((uint64_t)INT64_MAX) /* tokens of a domain */

/* Section types are four letters, first letter in the lowest byte. */
#define SECTION_TYPE(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
enum section_type {
    SECTION_SHARDS = SECTION_TYPE('S', 'H', 'R', 'D'),
    SECTION_TAILS = SECTION_TYPE('T', 'A', 'I', 'L'),
    SECTION_PAIRS = SECTION_TYPE('P', 'A', 'I', 'R'),
    SECTION_SPECTRA = SECTION_TYPE('S', 'P', 'E', 'C'),
    SECTION_DOMAIN = SECTION_TYPE('D', 'O', 'M', 'N'),
    SECTION_COVARIANCE = SECTION_TYPE('C', 'O', 'V', 'R'), /* optional */
    SECTION_SKIPPED = SECTION_TYPE('S', 'K', 'I', 'P'),    /* optional, the only one */
};

static inline uint32_t section_flags(enum section_type type)
{
    return type == SECTION_COVARIANCE || type == SECTION_SKIPPED ? SECTION_OPTIONAL : 0;
}

struct section {
    uint32_t type, flags, domain;
    uint64_t offset, len, xxh3;
};

/*
 * A row's class byte: log2 of the distance from the second token before in the low 5 bits, log2 of the count in
 * the high 3; ESCAPED_CLASS says that the count's log2 follows in 6 bits.
 */
#define DISTANCE_CLASS_BITS 5
#define DISTANCE_CLASS_MASK 31u
#define MAX_DISTANCE_CLASS 24u
#define ESCAPED_CLASS 7u
#define ESCAPE_BITS 6
#define MAX_COUNT_CLASS 62u

/*
 * Worst cases.  Bits of a row: 24 of the distance, 6 and 62 of the count; 8 bytes more, as they are stored eight at a
 * time.  Runs: two LEB128 numbers to 2^24.
 */
#define RUN_BYTES 8
#define MAX_BITS_BYTES ((size_t)PAIR_BLOCK_ROWS * (MAX_DISTANCE_CLASS + ESCAPE_BITS + MAX_COUNT_CLASS) / 8 + 8)
#define MAX_RUN_BYTES ((size_t)PAIR_BLOCK_ROWS * RUN_BYTES)

static inline void put_u32(void *p, uint32_t v)
{
    v = htole32(v);
    memcpy(p, &v, sizeof(v));
}

static inline void put_u64(void *p, uint64_t v)
{
    v = htole64(v);
    memcpy(p, &v, sizeof(v));
}

static inline uint32_t get_u32(const void *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return le32toh(v);
}

static inline uint64_t get_u64(const void *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return le64toh(v);
}

#define LEB128_MAX_BYTES 10

/* Seven bits a byte, lowest first, the high bit says that more follow.  Returns the end. */
static inline unsigned char *put_leb128(unsigned char *p, uint64_t v)
{
    for (; v >= 128; v >>= 7)
        *p++ = (unsigned char)(v | 128);
    *p++ = (unsigned char)v;
    return p;
}

/* Read one number from [p, end) in its shortest form; returns where it ends, or NULL if there is none. */
static inline const unsigned char *get_leb128(const unsigned char *p, const unsigned char *end, uint64_t *ret)
{
    uint64_t v = 0;

    for (unsigned shift = 0; p < end && shift < 64; shift += 7, p++) {
        uint64_t part = *p & 127u;

        if (shift == 63 && part > 1)
            return NULL;
        v |= part << shift;
        if (*p < 128) {
            *ret = v;
            return part || shift == 0 ? p + 1 : NULL;
        }
    }
    return NULL;
}

#endif
