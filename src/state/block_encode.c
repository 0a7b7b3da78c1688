/*
 * block_encode.c - rows of a pair table to the bytes of a block
 *
 * Distances between the second tokens of a row, and counts, are spread over many powers of two, and within one
 * power nearly even.  So only their logarithms are worth an entropy coder: both go into one class byte a row, which
 * zstd's Huffman coder takes to 5 to 6 bits; the digits below go uncoded into a bit stream.  Real text takes
 * 1.5 bytes a row so, against 1.6 for LEB128 columns and zstd at twice the time (bench_state).
 *
 * zstd finds hardly a match in class bytes: a tiny hash table and long matches only keep it from searching.
 */
#include "state/block_encode.h"

#include "entropy/spectrum_builder.h"
#include "state/layout.h"

#include <stdlib.h>
#include <xxhash.h>
#include <zstd.h>

struct state_encoder {
    ZSTD_CCtx *zstd;
    struct emx_spectrum_builder *spectrum;
    unsigned char classes[PAIR_BLOCK_ROWS];
    unsigned char runs[MAX_RUN_BYTES];
};

/* Bits fill bytes from the lowest up. */
struct bit_writer {
    unsigned char *at;
    uint64_t pending;
    unsigned n_pending; /* below 8 */
};

/* width at most 56, value below 2^width. */
static inline void put_bits(struct bit_writer *w, uint64_t value, unsigned width)
{
    w->pending |= value << w->n_pending;
    w->n_pending += width;
    put_u64(w->at, w->pending);
    w->at += w->n_pending >> 3;
    w->pending >>= w->n_pending & ~7u;
    w->n_pending &= 7;
}

static inline unsigned floor_log2(uint64_t v)
{
    return 63 - (unsigned)__builtin_clzll(v);
}

void state_block_finish(struct state_block *b)
{
    free(b->stored);
    free(b->runs);
    *b = (struct state_block){0};
}

void state_encoder_destroy(struct state_encoder **e)
{
    if (!*e)
        return;
    ZSTD_freeCCtx((*e)->zstd);
    emx_spectrum_builder_destroy(&(*e)->spectrum);
    free(*e);
    *e = NULL;
}

static bool set_up_zstd(ZSTD_CCtx *zstd)
{
    return zstd && !ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, 1)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_minMatch, 7)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_hashLog, 8));
}

enum emx_status state_encoder_create(struct state_encoder **ret, struct emx_error *err)
{
    struct state_encoder *e = calloc(1, sizeof(*e));

    if (e) {
        e->zstd = ZSTD_createCCtx();
        if (set_up_zstd(e->zstd) && emx_spectrum_builder_create(&e->spectrum) == EMX_OK) {
            *ret = e;
            return EMX_OK;
        }
        state_encoder_destroy(&e);
    }
    return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
}

static size_t stored_bound(void)
{
    return BLOCK_HEADER_BYTES + MAX_BITS_BYTES + ZSTD_compressBound(PAIR_BLOCK_ROWS) +
           ZSTD_compressBound(MAX_RUN_BYTES);
}

/* Buffers are for the worst case; the system gives memory only to the pages that are used. */
static enum emx_status reserve_block(struct state_block *b, struct emx_error *err)
{
    if (!b->stored)
        b->stored = malloc(stored_bound());
    if (!b->runs)
        b->runs = malloc(PAIR_BLOCK_ROWS * sizeof(*b->runs));
    return b->stored && b->runs ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "out of memory");
}

static enum emx_status refuse_row(const struct emx_pair_count *row, struct emx_error *err)
{
    if (row->first >= EMX_MAX_VOCABULARY || row->second >= EMX_MAX_VOCABULARY || row->count > MAX_TOTAL)
        return emx_fail(err, EMX_ERR_RANGE, "pair (%u, %u) with count %llu is out of range", row->first, row->second,
                        (unsigned long long)row->count);
    return emx_fail(err, EMX_ERR_ARG, "pair (%u, %u), count %llu: pairs must ascend, counts be at least 1", row->first,
                    row->second, (unsigned long long)row->count);
}

/* Counts above the classes of three bits. */
static inline void put_escaped(struct bit_writer *w, uint64_t distance_bits, unsigned distance_class,
                               uint64_t count_bits, unsigned count_class)
{
    put_bits(w, distance_bits | (uint64_t)count_class << distance_class, distance_class + ESCAPE_BITS);
    if (count_class > 32) {
        put_bits(w, count_bits & UINT32_MAX, 32);
        put_bits(w, count_bits >> 32, count_class - 32);
    } else {
        put_bits(w, count_bits, count_class);
    }
}

/* Returns the class byte of a row. */
static inline unsigned char put_row(struct bit_writer *w, uint32_t distance, uint64_t count)
{
    unsigned distance_class = floor_log2(distance), count_class = floor_log2(count);
    uint64_t distance_bits = distance - (1u << distance_class);
    uint64_t count_bits = count - ((uint64_t)1 << count_class);

    if (count_class < ESCAPED_CLASS) {
        put_bits(w, distance_bits | count_bits << distance_class, distance_class + count_class);
        return (unsigned char)(count_class << DISTANCE_CLASS_BITS | distance_class);
    }
    put_escaped(w, distance_bits, distance_class, count_bits, count_class);
    return (unsigned char)(ESCAPED_CLASS << DISTANCE_CLASS_BITS | distance_class);
}

/*
 * Rows from i on that share their first token.  *ret_sum may have wrapped only if *high has bit 63: each count is
 * below 2^63, so the first sum that is not is seen.  Returns the end of the run, or the row that is wrong with
 * *ret_wrong set.
 */
static size_t encode_run(struct state_encoder *e, struct bit_writer *w, const struct emx_pair_count *rows, size_t i,
                         size_t n, uint64_t *ret_sum, uint64_t *high, bool *ret_wrong)
{
    uint32_t first = rows[i].first, before = UINT32_MAX;
    uint64_t sum = 0;

    for (; i < n && rows[i].first == first; i++) {
        uint32_t distance = rows[i].second - before;
        uint64_t count = rows[i].count;

        if (distance - 1 >= EMX_MAX_VOCABULARY || count - 1 >= MAX_TOTAL) {
            *ret_wrong = true;
            return i;
        }
        before = rows[i].second;
        e->classes[i] = put_row(w, distance, count);
        sum += count;
        *high |= sum;
    }
    *ret_sum = sum;
    if (before >= EMX_MAX_VOCABULARY) {
        *ret_wrong = true;
        return i - 1;
    }
    return i;
}

static enum emx_status encode_rows(struct state_encoder *e, const struct emx_pair_count *rows, size_t n,
                                   struct bit_writer *w, struct state_block *b, struct emx_error *err)
{
    uint64_t high = 0;
    bool wrong = false;

    b->n_runs = 0;
    b->sum = 0;
    b->max_token = 0;
    for (size_t i = 0; i < n;) {
        struct state_run *run = &b->runs[b->n_runs];
        size_t end = encode_run(e, w, rows, i, n, &run->sum, &high, &wrong);

        run->first = rows[i].first;
        if (wrong || run->first >= EMX_MAX_VOCABULARY || (b->n_runs && run[-1].first >= run->first))
            return refuse_row(&rows[wrong ? end : i], err);
        run->n_rows = (uint32_t)(end - i);
        b->n_runs++;
        b->sum += run->sum;
        high |= b->sum;
        if (b->max_token < rows[end - 1].second)
            b->max_token = rows[end - 1].second;
        i = end;
    }
    if (b->max_token < rows[n - 1].first)
        b->max_token = rows[n - 1].first;
    return high <= MAX_TOTAL ? EMX_OK : emx_fail(err, EMX_ERR_RANGE, "pairs are 2^63 or more");
}

/* First tokens as distances, then the lengths of the runs. */
static size_t encode_runs(struct state_encoder *e, const struct state_block *b)
{
    unsigned char *p = e->runs;
    uint32_t before = UINT32_MAX;

    for (size_t i = 0; i < b->n_runs; i++) {
        p = put_leb128(p, (uint32_t)(b->runs[i].first - before));
        before = b->runs[i].first;
    }
    for (size_t i = 0; i < b->n_runs; i++)
        p = put_leb128(p, b->runs[i].n_rows);
    return (size_t)(p - e->runs);
}

static enum emx_status tally_counts(struct state_encoder *e, const struct emx_pair_count *rows, size_t n,
                                    struct emx_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (spectrum_builder_add(e->spectrum, rows[i].count) != EMX_OK)
            return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    return EMX_OK;
}

/* Compress to the end of the block; returns the length, which zstd cannot fail to give in a buffer of stored_bound().
 */
static size_t append_compressed(struct state_encoder *e, struct state_block *b, const void *data, size_t len)
{
    size_t n = ZSTD_compress2(e->zstd, b->stored + b->n_stored, stored_bound() - b->n_stored, data, len);

    if (!ZSTD_isError(n))
        b->n_stored += n;
    return n;
}

static enum emx_status close_block(struct state_encoder *e, struct state_block *b, size_t n_bits, struct emx_error *err)
{
    size_t classes, runs;
    unsigned char *header = b->stored;

    b->n_stored = BLOCK_HEADER_BYTES + n_bits;
    classes = append_compressed(e, b, e->classes, b->n_rows);
    runs = append_compressed(e, b, e->runs, encode_runs(e, b));
    if (ZSTD_isError(classes) || ZSTD_isError(runs))
        return emx_fail(err, EMX_ERR_MEMORY, "zstd cannot compress a block: %s",
                        ZSTD_getErrorName(ZSTD_isError(classes) ? classes : runs));
    put_u32(header + 8, (uint32_t)b->n_rows);
    put_u32(header + 12, (uint32_t)b->n_runs);
    put_u32(header + 16, (uint32_t)n_bits);
    put_u32(header + 20, (uint32_t)classes);
    put_u32(header + 24, (uint32_t)runs);
    put_u32(header + 28, 0);
    put_u64(header, XXH3_64bits(header + 8, b->n_stored - 8));
    return EMX_OK;
}

enum emx_status encode_block_uncounted(struct state_encoder *e, const struct emx_pair_count *rows, size_t n,
                                       struct state_block *b, struct emx_error *err)
{
    struct bit_writer w = {0};
    enum emx_status status;

    if (n == 0 || n > PAIR_BLOCK_ROWS)
        return emx_fail(err, EMX_ERR_ARG, "a block of %zu rows", n);
    status = reserve_block(b, err);
    if (status != EMX_OK)
        return status;
    b->n_rows = n;
    b->first_key = (uint64_t)rows[0].first << 32 | rows[0].second;
    b->last_key = (uint64_t)rows[n - 1].first << 32 | rows[n - 1].second;
    w.at = b->stored + BLOCK_HEADER_BYTES;
    status = encode_rows(e, rows, n, &w, b, err);
    if (status != EMX_OK)
        return status;
    return close_block(e, b, (size_t)(w.at - b->stored) - BLOCK_HEADER_BYTES + (w.n_pending > 0), err);
}

enum emx_status state_encode_block(struct state_encoder *e, const struct emx_pair_count *rows, size_t n,
                                   struct state_block *ret, struct emx_error *err)
{
    enum emx_status status = encode_block_uncounted(e, rows, n, ret, err);

    return status == EMX_OK ? tally_counts(e, rows, n, err) : status;
}

enum emx_status state_encoder_take_spectrum(struct state_encoder *e, struct emx_spectrum_builder *into)
{
    enum emx_status status = emx_spectrum_builder_merge(into, e->spectrum);

    emx_spectrum_builder_reset(e->spectrum);
    return status;
}
