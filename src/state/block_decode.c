/*
 * block_decode.c - the bytes of a block back to rows, a part at a time
 *
 * Classes and runs are decompressed at once (one byte a row); the bits are taken as the rows are asked for, so a
 * cursor needs little more memory than the block.
 */
#include "state/block_decode.h"

#include "state/layout.h"

#include <stdlib.h>
#include <xxhash.h>

enum emx_status block_decoder_init(struct block_decoder *d, struct emx_error *err)
{
    d->zstd = ZSTD_createDCtx();
    d->classes = malloc(PAIR_BLOCK_ROWS);
    return d->zstd && d->classes ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "out of memory");
}

void block_decoder_finish(struct block_decoder *d)
{
    ZSTD_freeDCtx(d->zstd);
    free(d->stored);
    free(d->classes);
    free(d->run_bytes);
    free(d->runs);
    *d = (struct block_decoder){0};
}

const char *block_header_decode(const unsigned char *bytes, struct block_header *ret)
{
    struct block_header h = {
        .xxh3 = get_u64(bytes),
        .n_rows = get_u32(bytes + 8),
        .n_runs = get_u32(bytes + 12),
        .n_bits = get_u32(bytes + 16),
        .n_classes = get_u32(bytes + 20),
        .n_run_bytes = get_u32(bytes + 24),
    };

    if (h.n_rows == 0 || h.n_rows > PAIR_BLOCK_ROWS || h.n_runs == 0 || h.n_runs > h.n_rows)
        return "a number of rows that is out of range";
    if (h.n_bits > MAX_BITS_BYTES || h.n_classes > ZSTD_COMPRESSBOUND(PAIR_BLOCK_ROWS) ||
        h.n_run_bytes > ZSTD_COMPRESSBOUND(MAX_RUN_BYTES) || get_u32(bytes + 28) != 0)
        return "a length that is out of range";
    *ret = h;
    return NULL;
}

size_t block_header_stored(const struct block_header *h)
{
    return (size_t)BLOCK_HEADER_BYTES + h->n_bits + h->n_classes + h->n_run_bytes;
}

static bool reserve_stored(struct block_decoder *d, size_t n)
{
    if (n > d->cap_stored) {
        free(d->stored);
        d->stored = malloc(n + 8);
        d->cap_stored = d->stored ? n : 0;
    }
    return d->stored != NULL;
}

static bool reserve_runs(struct block_decoder *d, size_t n)
{
    if (n > d->cap_runs) {
        free(d->runs);
        free(d->run_bytes);
        d->runs = malloc(n * sizeof(*d->runs));
        d->run_bytes = malloc(n * RUN_BYTES);
        d->cap_runs = d->runs && d->run_bytes ? n : 0;
    }
    return d->cap_runs != 0;
}

unsigned char *block_decoder_reserve(struct block_decoder *d, const struct block_header *h)
{
    d->header = *h;
    d->n_stored = block_header_stored(h);
    if (!reserve_stored(d, d->n_stored) || !reserve_runs(d, h->n_runs))
        return NULL;
    memset(d->stored + d->n_stored, 0, 8);
    return d->stored;
}

static const char *decode_classes(struct block_decoder *d)
{
    size_t n = ZSTD_decompressDCtx(d->zstd, d->classes, d->header.n_rows,
                                   d->stored + BLOCK_HEADER_BYTES + d->header.n_bits, d->header.n_classes);

    return !ZSTD_isError(n) && n == d->header.n_rows ? NULL : "classes that zstd cannot decompress to its rows";
}

/* Both columns, checked: firsts ascend below the limit, lengths add up to the rows. */
static const char *parse_runs(struct block_decoder *d, const unsigned char *p, const unsigned char *end)
{
    uint64_t number, first = UINT64_MAX, rows = 0;

    for (size_t i = 0; i < d->header.n_runs; i++) {
        p = get_leb128(p, end, &number);
        if (!p || number == 0 || number > EMX_MAX_VOCABULARY)
            return "a first token that is out of range";
        first += number;
        if (first >= EMX_MAX_VOCABULARY)
            return "a first token that is out of range";
        d->runs[i].first = (uint32_t)first;
    }
    for (size_t i = 0; i < d->header.n_runs; i++) {
        p = get_leb128(p, end, &number);
        if (!p || number == 0 || number > d->header.n_rows - rows)
            return "runs that do not add up to its rows";
        rows += number;
        d->runs[i].n_rows = (uint32_t)number;
    }
    return p == end && rows == d->header.n_rows ? NULL : "runs that do not add up to its rows";
}

static const char *decode_runs(struct block_decoder *d)
{
    const unsigned char *from = d->stored + d->n_stored - d->header.n_run_bytes;
    size_t n = ZSTD_decompressDCtx(d->zstd, d->run_bytes, d->cap_runs * RUN_BYTES, from, d->header.n_run_bytes);

    return ZSTD_isError(n) ? "runs that zstd cannot decompress" : parse_runs(d, d->run_bytes, d->run_bytes + n);
}

const char *block_decoder_begin(struct block_decoder *d)
{
    const char *wrong;

    if (XXH3_64bits(d->stored + 8, d->n_stored - 8) != d->header.xxh3)
        return "a checksum that does not match";
    d->next_row = d->next_run = d->bit = 0;
    d->left_in_run = 0;
    wrong = decode_classes(d);
    return wrong ? wrong : decode_runs(d);
}

/* At most 57 bits. */
static inline uint64_t load_bits(const unsigned char *bits, size_t at)
{
    return get_u64(bits + (at >> 3)) >> (at & 7);
}

static inline uint64_t low_bits(uint64_t v, unsigned width)
{
    return v & (((uint64_t)1 << width) - 1);
}

/*
 * A count whose logarithm is in the bits at *at; 0 if it is out of range or past `end`.  There are eight bytes after
 * the end, and each load is within 7 + 6 + 32 bits of a position that was checked.
 */
static uint64_t read_escaped(const unsigned char *bits, size_t *at, size_t end)
{
    unsigned class = (unsigned)low_bits(load_bits(bits, *at), ESCAPE_BITS);
    unsigned low = class < 32 ? class : 32;
    uint64_t count;

    *at += ESCAPE_BITS;
    if (class < ESCAPED_CLASS || class > MAX_COUNT_CLASS || *at + class > end)
        return 0;
    count = low_bits(load_bits(bits, *at), low);
    if (class > 32)
        count |= low_bits(load_bits(bits, *at + 32), class - 32) << 32;
    *at += class;
    return count | (uint64_t)1 << class;
}

/* The next n rows, all of the run in progress. */
static const char *decode_rows(struct block_decoder *d, struct emx_pair_count *rows, size_t n)
{
    const unsigned char *bits = d->stored + BLOCK_HEADER_BYTES;
    const unsigned char *classes = d->classes + d->next_row;
    size_t at = d->bit, end = (size_t)d->header.n_bits * 8;
    uint32_t first = d->runs[d->next_run - 1].first, second = d->before, wrong = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned distance_class = classes[i] & DISTANCE_CLASS_MASK, count_class = classes[i] >> DISTANCE_CLASS_BITS;
        uint64_t word = load_bits(bits, at), count;

        at += distance_class;
        if (count_class < ESCAPED_CLASS) {
            count = low_bits(word >> distance_class, count_class) | (uint64_t)1 << count_class;
            at += count_class;
        } else {
            if (at > end)
                return "bits that are cut off";
            count = read_escaped(bits, &at, end);
            wrong |= count == 0;
        }
        if (at > end)
            return "bits that are cut off";
        second += (uint32_t)low_bits(word, distance_class) | 1u << distance_class;
        wrong |= (distance_class > MAX_DISTANCE_CLASS) | (second >= EMX_MAX_VOCABULARY);
        rows[i] = (struct emx_pair_count){.first = first, .second = second, .count = count};
    }
    d->bit = at;
    d->before = second;
    d->next_row += n;
    d->left_in_run -= (uint32_t)n;
    return wrong ? "a row that is out of range" : NULL;
}

/* After the last row at most seven bits are left, all 0. */
static const char *check_end(const struct block_decoder *d)
{
    size_t left = (size_t)d->header.n_bits * 8 - d->bit;

    if (d->next_row < d->header.n_rows)
        return NULL;
    if (left > 7 || low_bits(load_bits(d->stored + BLOCK_HEADER_BYTES, d->bit), (unsigned)left) != 0)
        return "bits after its last row";
    return NULL;
}

const char *block_decoder_rows(struct block_decoder *d, struct emx_pair_count *rows, size_t cap, size_t *ret_n)
{
    const char *wrong = NULL;
    size_t n = 0;

    while (n < cap && d->next_row < d->header.n_rows && !wrong) {
        size_t part;

        if (d->left_in_run == 0) {
            d->left_in_run = d->runs[d->next_run++].n_rows;
            d->before = UINT32_MAX;
        }
        part = d->left_in_run < cap - n ? d->left_in_run : cap - n;
        wrong = decode_rows(d, rows + n, part);
        n += part;
    }
    *ret_n = n;
    return wrong ? wrong : n ? check_end(d) : NULL;
}
