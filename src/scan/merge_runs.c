#include "scan/merge_runs.h"

#include "pipeline/threads.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEAST_RANGE_ROWS = 32768,
    RANGE_BLOCKS = 2, /* of each run, in the mean: one more is read for the edges */
};

/* One thread's. */
struct merger {
    struct run_reader reader;
    struct large_counts large;
    struct emx_error error;
    uint64_t words[RUN_BLOCK_ROWS];
};

/* Keys from `begin` to below that of the next range. */
struct range {
    uint64_t begin;
    size_t n_most; /* rows of all blocks that have such keys */
    size_t at, n;  /* in the buffer */
};

struct merge {
    const struct run *runs;
    size_t n_runs;
    const struct temp_file *file;
    const struct placement *placement;
    struct rows_space *space;
    unsigned token_bits;
    bool subtracts;
    struct range *ranges; /* [n_ranges + 1] the last is the end */
    size_t n_ranges, next_range, piece_begin;
    struct merger *mergers; /* [n_threads] */
    size_t n_threads;
};

static enum emx_status fail_memory(struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_MEMORY, "out of memory to merge runs on disk");
}

/* --- ranges -------------------------------------------------------------------------------------------- */

static int by_first_key(const void *a, const void *b)
{
    const struct run_block *x = a, *y = b;

    return (x->first_key > y->first_key) - (x->first_key < y->first_key);
}

static size_t most_rows(const struct merge *m, uint64_t begin, uint64_t end)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n_runs; i++) {
        const struct run *r = &m->runs[i];

        for (size_t b = run_find_block(r, begin); b < r->n_blocks && r->blocks[b].first_key < end; b++)
            n += r->blocks[b].n_rows;
    }
    return n;
}

/* blocks[n] ascend by their first key. */
static void cut_ranges(struct merge *m, const struct run_block *blocks, size_t n)
{
    size_t wanted = m->n_runs * RANGE_BLOCKS * RUN_BLOCK_ROWS, size = 0;

    wanted = wanted > LEAST_RANGE_ROWS ? wanted : LEAST_RANGE_ROWS;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || (size >= wanted && blocks[i].first_key > m->ranges[m->n_ranges - 1].begin)) {
            m->ranges[m->n_ranges++].begin = blocks[i].first_key;
            size = 0;
        }
        size += blocks[i].n_rows;
    }
    m->ranges[m->n_ranges].begin = UINT64_MAX;
    for (size_t i = 0; i < m->n_ranges; i++)
        m->ranges[i].n_most = most_rows(m, m->ranges[i].begin, m->ranges[i + 1].begin);
}

static enum emx_status make_ranges(struct merge *m, struct emx_error *err)
{
    struct run_block *blocks;
    size_t n = 0;

    for (size_t i = 0; i < m->n_runs; i++)
        n += m->runs[i].n_blocks;
    blocks = malloc((n + 1) * sizeof(*blocks));
    m->ranges = calloc(n + 1, sizeof(*m->ranges));
    if (!blocks || !m->ranges) {
        free(blocks);
        return fail_memory(err);
    }
    n = 0;
    for (size_t i = 0; i < m->n_runs; i++) {
        for (size_t b = 0; b < m->runs[i].n_blocks; b++)
            blocks[n++] = m->runs[i].blocks[b];
    }
    qsort(blocks, n, sizeof(*blocks), by_first_key);
    cut_ranges(m, blocks, n);
    free(blocks);
    return EMX_OK;
}

static unsigned widest_token(const struct merge *m)
{
    uint32_t max = 0;

    for (size_t i = 0; i < m->n_runs; i++)
        max = m->runs[i].max_token > max ? m->runs[i].max_token : max;
    return pair_key_for(max + 1).token_bits;
}

static enum emx_status reserve(struct merge *m, struct emx_error *err)
{
    size_t cap = PIECE_ROWS * m->n_threads;

    m->mergers = calloc(m->n_threads, sizeof(*m->mergers));
    if (!m->mergers)
        return fail_memory(err);
    for (size_t i = 0; i < m->n_ranges; i++)
        cap = m->ranges[i].n_most > cap ? m->ranges[i].n_most : cap;
    return rows_space_reach(m->space, cap, m->n_threads, err);
}

enum emx_status merge_create(const struct run *runs, size_t n_runs, const struct temp_file *file,
                             const struct placement *placement, struct rows_space *space, struct merge **ret,
                             struct emx_error *err)
{
    struct merge *m = calloc(1, sizeof(*m));
    enum emx_status status;

    if (!m)
        return fail_memory(err);
    *m = (struct merge){.runs = runs, .n_runs = n_runs, .file = file, .placement = placement, .space = space};
    m->token_bits = widest_token(m);
    for (size_t i = 0; i < n_runs; i++)
        m->subtracts |= runs[i].is_minus;
    m->n_threads = placement_n_threads(placement);
    status = make_ranges(m, err);
    if (!status)
        status = reserve(m, err);
    if (status)
        merge_destroy(&m);
    else
        *ret = m;
    return status;
}

void merge_destroy(struct merge **pm)
{
    struct merge *m = *pm;

    if (!m)
        return;
    for (size_t i = 0; m->mergers && i < m->n_threads; i++) {
        run_reader_finish(&m->mergers[i].reader);
        large_counts_finish(&m->mergers[i].large);
    }
    free(m->mergers);
    free(m->ranges);
    free(m);
    *pm = NULL;
}

/* --- a range ------------------------------------------------------------------------------------------- */

static uint64_t packed(const struct merge *m, uint64_t key)
{
    return key >> 32 << m->token_bits | (key & UINT32_MAX);
}

/*
 * Those rows of the block that was read that are in the range.  Sums are taken modulo 2^64, so a count is subtracted by
 * adding its complement.
 */
static enum emx_status add_rows(const struct merge *m, struct merger *to, struct word_sorter *sorter,
                                const struct run *run, size_t n_rows, uint64_t begin, uint64_t end)
{
    const unsigned count_bits = 64 - 2 * m->token_bits;
    const uint64_t mask = (UINT64_C(1) << count_bits) - 1;
    const struct emx_pair_count *rows = to->reader.rows;
    size_t first = rows_find(rows, n_rows, begin), last = rows_find(rows, n_rows, end);

    for (size_t i = first; i < last; i++) {
        uint64_t key = (uint64_t)rows[i].first << m->token_bits | rows[i].second;
        uint64_t count = run->is_minus ? 0 - rows[i].count : rows[i].count;

        to->words[i - first] = key << count_bits | (count & mask);
        if (count > mask && !large_counts_push(&to->large, key, count & ~mask))
            return fail_memory(&to->error);
    }
    word_sorter_add(sorter, to->words, last - first);
    return EMX_OK;
}

static enum emx_status add_run(const struct merge *m, struct merger *to, struct word_sorter *sorter,
                               const struct run *r, uint64_t begin, uint64_t end)
{
    enum emx_status status = EMX_OK;

    for (size_t b = run_find_block(r, begin); b < r->n_blocks && r->blocks[b].first_key < end && !status; b++) {
        status = run_read(&to->reader, m->file, &r->blocks[b], &to->error);
        if (!status)
            status = add_rows(m, to, sorter, r, r->blocks[b].n_rows, begin, end);
    }
    return status;
}

static uint64_t last_key(const struct merge *m)
{
    uint64_t last = 0;

    for (size_t i = 0; i < m->n_runs; i++) {
        const struct run *r = &m->runs[i];

        if (r->n_blocks && r->blocks[r->n_blocks - 1].last_key > last)
            last = r->blocks[r->n_blocks - 1].last_key;
    }
    return last;
}

static size_t drop_empty(struct emx_pair_count *rows, size_t n)
{
    size_t n_kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (rows[i].count)
            rows[n_kept++] = rows[i];
    }
    return n_kept;
}

static enum emx_status merge_range(struct merge *m, struct range *range, struct merger *to, struct word_sorter *sorter)
{
    struct emx_pair_count *rows = m->space->buffer + range->at;
    uint64_t end = range[1].begin, last = end == UINT64_MAX ? last_key(m) : end;
    enum emx_status status = EMX_OK;

    to->large.n = 0;
    if (!word_sorter_begin(sorter, m->token_bits, packed(m, range->begin), packed(m, last), range->n_most))
        return fail_memory(&to->error);
    for (size_t i = 0; i < m->n_runs && !status; i++)
        status = add_run(m, to, sorter, &m->runs[i], range->begin, end);
    if (status)
        return status;
    range->n = rows_add_equal(rows, word_sorter_rows(sorter, rows));
    large_counts_sort(&to->large);
    large_counts_add(&to->large, 0, UINT64_MAX, m->token_bits, rows, range->n);
    if (m->subtracts)
        range->n = drop_empty(rows, range->n);
    return EMX_OK;
}

static void merge_item(size_t item, unsigned thread, void *context)
{
    struct merge *m = context;
    struct merger *to = &m->mergers[thread];

    if (!to->error.status && merge_range(m, &m->ranges[m->piece_begin + item], to, &m->space->sorters[thread]))
        assert(to->error.status);
}

/* --- pieces -------------------------------------------------------------------------------------------- */

/* As many ranges as the buffer has room for, at least one. */
static void lay_out_piece(struct merge *m)
{
    size_t at = 0;

    m->piece_begin = m->next_range;
    for (; m->next_range < m->n_ranges; m->next_range++) {
        struct range *r = &m->ranges[m->next_range];

        if (at + r->n_most > m->space->cap)
            break;
        r->at = at;
        at += r->n_most;
    }
    assert(m->next_range > m->piece_begin);
}

static size_t close_gaps(struct merge *m)
{
    size_t n = 0;

    for (size_t i = m->piece_begin; i < m->next_range; i++) {
        if (m->ranges[i].at != n)
            memmove(m->space->buffer + n, m->space->buffer + m->ranges[i].at,
                    m->ranges[i].n * sizeof(*m->space->buffer));
        n += m->ranges[i].n;
    }
    return n;
}

static enum emx_status merge_piece(struct merge *m, size_t *ret_n, struct emx_error *err)
{
    enum emx_status status;

    lay_out_piece(m);
    status = threads_for(m->placement, m->next_range - m->piece_begin, merge_item, m, err);
    for (size_t i = 0; i < m->n_threads && !status; i++) {
        if (m->mergers[i].error.status)
            status = emx_fail(err, m->mergers[i].error.status, "%s", m->mergers[i].error.message);
    }
    if (!status)
        *ret_n = close_gaps(m);
    return status;
}

enum emx_status merge_next(struct merge *m, const struct emx_pair_count **ret, size_t *ret_n, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    *ret = m->space->buffer;
    *ret_n = 0;
    while (!status && *ret_n == 0 && m->next_range < m->n_ranges) /* a piece may have vanished altogether */
        status = merge_piece(m, ret_n, err);
    return status;
}
