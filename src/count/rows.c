#include "count/rows.h"
#include "pipeline/threads.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUCKET_BITS = 17,     /* first tokens are counted exactly up to this, in steps of neighbours above */
    GROUP_ROWS = 8192,    /* 128 KiB to sort: half of a small L2 */
    MOST_GROUPS = 4096,   /* more streams than this and the scatter leaves the TLB */
    LEAST_ROWS = 1 << 20, /* a piece of 16 MiB is had whatever the budget says */
    SMALL_PART = 64,      /* of the budget, for rows */
    ENTRIES = 512,        /* read from a table at a time, on the stack */
    DIGIT_BITS = 8,
    DIGITS = 1 << DIGIT_BITS,
};

struct group {
    size_t begin, n;  /* rows in the piece's buffer */
    uint64_t n_found; /* entries in the tables, an upper bound of n */
};

/* A thread's share of the slots: the same in both passes, so that what it counted is what it scatters. */
struct slice {
    uint32_t *in_bucket; /* [n_buckets] */
    size_t *at;          /* [n_groups] where its next row of a group goes, in the current piece */
    struct rows *rows;
    unsigned token_bits; /* of the table being read */
    struct emx_error error;
};

struct rows {
    struct table *const *tables;
    size_t n_tables;
    struct rows_options options;
    unsigned bucket_shift;
    size_t n_buckets;
    uint32_t *group_of; /* [n_buckets] */
    struct group *groups;
    size_t n_groups;
    struct slice *slices;
    size_t n_slices;
    size_t next_group, piece_begin, piece_end; /* groups of the current piece */
    struct emx_pair_count *buffer;
    size_t cap; /* rows of the buffer, which is the space's */
    _Atomic bool no_memory;
};

/* --- first pass: how many pairs in each bucket ------------------------------------------------------- */

static bool dropped(const struct rows *r, uint32_t first, uint32_t second)
{
    return (r->options.drop == ROWS_DROP_AFTER && first == r->options.eod) ||
           (r->options.drop == ROWS_DROP_BEFORE && second == r->options.eod);
}

static void count_entries(struct slice *s, const struct table_entry *entries, size_t n)
{
    const struct rows *r = s->rows;
    uint32_t mask = (UINT32_C(1) << s->token_bits) - 1;

    for (size_t i = 0; i < n; i++) {
        uint32_t first = (uint32_t)(entries[i].key >> s->token_bits);

        if (!dropped(r, first, (uint32_t)entries[i].key & mask))
            s->in_bucket[first >> r->bucket_shift]++;
        else if (!s->error.status && tally_add_many(r->options.tails, first, entries[i].count, &s->error))
            s->error.status = EMX_ERR_MEMORY;
    }
}

/* Both passes read a slice of every table through this. */
static void read_slice(struct rows *r, size_t slice, void (*use)(struct slice *, const struct table_entry *, size_t))
{
    struct slice *s = &r->slices[slice];
    struct table_entry entries[ENTRIES];
    size_t n;

    for (size_t i = 0; i < r->n_tables; i++) {
        struct table_cursor cursor = table_cursor_begin(r->tables[i], slice, r->n_slices);

        s->token_bits = table_key(r->tables[i]).token_bits;
        while ((n = table_cursor_next(&cursor, entries, ENTRIES)))
            use(s, entries, n);
    }
}

static void count_slice(size_t slice, unsigned thread, void *context)
{
    (void)thread;
    read_slice(context, slice, count_entries);
}

/* --- groups ------------------------------------------------------------------------------------------ */

static uint64_t bucket_size(const struct rows *r, size_t bucket)
{
    uint64_t n = 0;

    for (size_t i = 0; i < r->n_slices; i++)
        n += r->slices[i].in_bucket[bucket];
    return n;
}

static enum emx_status make_groups(struct rows *r, struct emx_error *err)
{
    uint64_t n_rows = 0, wanted, size = 0;
    size_t n = 1;

    for (size_t b = 0; b < r->n_buckets; b++)
        n_rows += bucket_size(r, b);
    wanted = n_rows / MOST_GROUPS > GROUP_ROWS ? n_rows / MOST_GROUPS : GROUP_ROWS;
    r->groups = calloc(n_rows / wanted + 2, sizeof(*r->groups)); /* all but the last hold `wanted` */
    if (!r->groups)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory to sort the pairs");
    for (size_t b = 0; b < r->n_buckets; b++) {
        if (size >= wanted) {
            n++;
            size = 0;
        }
        size += bucket_size(r, b);
        r->groups[n - 1].n_found = size;
        r->group_of[b] = (uint32_t)(n - 1);
    }
    r->n_groups = n_rows ? n : 0;
    for (size_t i = 0; i < r->n_slices; i++) {
        r->slices[i].at = calloc(n, sizeof(size_t));
        if (!r->slices[i].at)
            return emx_fail(err, EMX_ERR_MEMORY, "out of memory to sort the pairs");
    }
    return EMX_OK;
}

/*
 * All rows where they take a small part of the budget; else an eighth of them, so that eight readings of the tables are
 * the most.  At least LEAST_ROWS and the largest group; and no more than the budget has room for beyond that.
 */
static size_t rows_in_a_piece(const struct rows *r)
{
    uint64_t all = 0, largest = LEAST_ROWS, wanted, room = budget_left(r->options.budget) + r->options.space->n_taken;

    for (size_t g = 0; g < r->n_groups; g++) {
        all += r->groups[g].n_found;
        largest = r->groups[g].n_found > largest ? r->groups[g].n_found : largest;
    }
    wanted = all > r->options.budget->limit / SMALL_PART / sizeof(*r->buffer) ? all / 8 : all;
    room /= sizeof(*r->buffer);
    wanted = wanted < room ? wanted : room;
    return wanted > largest ? wanted : largest;
}

static enum emx_status take_buffer(struct rows *r, struct emx_error *err)
{
    struct rows_space *s = r->options.space;
    size_t n = rows_in_a_piece(r);

    if (s->cap < n) {
        budget_give(r->options.budget, s->n_taken);
        free(s->buffer);
        s->buffer = malloc(n * sizeof(*s->buffer));
        s->cap = s->buffer ? n : 0;
        s->n_taken = budget_take(r->options.budget, n * sizeof(*s->buffer)) ? n * sizeof(*s->buffer) : 0;
    }
    r->buffer = s->buffer;
    r->cap = s->cap;
    return r->buffer ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "out of memory to sort %zu pairs", n);
}

/* Scratch for as many threads as there are now. */
static bool reserve_scratch(struct rows_space *s, size_t n)
{
    struct rows_scratch *larger;

    if (n <= s->n_scratch)
        return true;
    larger = realloc(s->scratch, n * sizeof(*larger));
    if (!larger)
        return false;
    memset(larger + s->n_scratch, 0, (n - s->n_scratch) * sizeof(*larger));
    s->scratch = larger;
    s->n_scratch = n;
    return true;
}

void rows_space_finish(struct rows_space *s, struct budget *budget)
{
    for (size_t i = 0; i < s->n_scratch; i++)
        free(s->scratch[i].rows);
    free(s->scratch);
    free(s->buffer);
    budget_give(budget, s->n_taken);
    *s = (struct rows_space){0};
}

static unsigned widest_token(struct table *const *tables, size_t n)
{
    unsigned bits = 16;

    for (size_t i = 0; i < n; i++)
        bits = table_key(tables[i]).token_bits > bits ? table_key(tables[i]).token_bits : bits;
    return bits;
}

static enum emx_status allocate(struct rows *r, struct emx_error *err)
{
    unsigned bits = widest_token(r->tables, r->n_tables);
    bool ok;

    r->bucket_shift = bits > BUCKET_BITS ? bits - BUCKET_BITS : 0;
    r->n_buckets = (size_t)1 << (bits - r->bucket_shift);
    r->n_slices = placement_n_threads(r->options.placement);
    r->group_of = calloc(r->n_buckets, sizeof(*r->group_of));
    r->slices = calloc(r->n_slices, sizeof(*r->slices));
    ok = r->group_of && r->slices && reserve_scratch(r->options.space, r->n_slices);
    for (size_t i = 0; ok && i < r->n_slices; i++) {
        r->slices[i].rows = r;
        r->slices[i].in_bucket = calloc(r->n_buckets, sizeof(uint32_t));
        ok = r->slices[i].in_bucket;
    }
    return ok ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "out of memory to sort the pairs");
}

enum emx_status rows_create(struct table *const *tables, size_t n_tables, const struct rows_options *options,
                            struct rows **ret, struct emx_error *err)
{
    struct rows *r = calloc(1, sizeof(*r));
    enum emx_status status;

    if (!r)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory to sort the pairs");
    r->tables = tables;
    r->n_tables = n_tables;
    r->options = *options;
    status = allocate(r, err);
    if (!status)
        status = threads_for(options->placement, r->n_slices, count_slice, r, err);
    for (size_t i = 0; !status && i < r->n_slices; i++) {
        if (r->slices[i].error.status)
            status = emx_fail(err, EMX_ERR_MEMORY, "%s", r->slices[i].error.message);
    }
    if (!status)
        status = make_groups(r, err);
    if (!status)
        status = take_buffer(r, err);
    if (status)
        rows_destroy(&r);
    else
        *ret = r;
    return status;
}

void rows_destroy(struct rows **pr)
{
    struct rows *r = *pr;

    if (!r)
        return;
    for (size_t i = 0; r->slices && i < r->n_slices; i++) {
        free(r->slices[i].in_bucket);
        free(r->slices[i].at);
    }
    free(r->slices);
    free(r->groups);
    free(r->group_of);
    free(r);
    *pr = NULL;
}

/* --- second pass: every pair to its group ------------------------------------------------------------ */

/* Lay out groups and each slice's part of them in the buffer. */
static void lay_out_piece(struct rows *r)
{
    size_t at = 0, b = 0;

    r->piece_begin = r->next_group;
    while (r->next_group < r->n_groups && at + r->groups[r->next_group].n_found <= r->cap) {
        r->groups[r->next_group].begin = at;
        at += r->groups[r->next_group++].n_found;
    }
    r->piece_end = r->next_group;
    assert(r->piece_end > r->piece_begin);
    while (b < r->n_buckets && r->group_of[b] < r->piece_begin)
        b++;
    for (size_t g = r->piece_begin; g < r->piece_end; g++) {
        size_t place = r->groups[g].begin, first = b;

        for (size_t i = 0; i < r->n_slices; i++) {
            r->slices[i].at[g] = place;
            for (b = first; b < r->n_buckets && r->group_of[b] == g; b++)
                place += r->slices[i].in_bucket[b];
        }
        r->groups[g].n = place - r->groups[g].begin;
    }
}

static void scatter_entries(struct slice *s, const struct table_entry *entries, size_t n)
{
    const struct rows *r = s->rows;
    uint32_t mask = (UINT32_C(1) << s->token_bits) - 1;

    for (size_t i = 0; i < n; i++) {
        uint32_t first = (uint32_t)(entries[i].key >> s->token_bits), second = (uint32_t)entries[i].key & mask;
        size_t g = r->group_of[first >> r->bucket_shift];

        if (g >= r->piece_begin && g < r->piece_end && !dropped(r, first, second))
            r->buffer[s->at[g]++] = (struct emx_pair_count){first, second, entries[i].count};
    }
}

static void scatter_slice(size_t slice, unsigned thread, void *context)
{
    (void)thread;
    read_slice(context, slice, scatter_entries);
}

/* --- sorting a group --------------------------------------------------------------------------------- */

/* First and second token in as few bits as the group needs. */
struct compact {
    uint32_t base;
    unsigned second_bits, bits;
};

static unsigned bit_length(uint32_t x)
{
    return x ? 32 - (unsigned)__builtin_clz(x) : 0;
}

static struct compact compact_for(const struct emx_pair_count *rows, size_t n)
{
    uint32_t low = UINT32_MAX, high = 0, second = 0;

    for (size_t i = 0; i < n; i++) {
        low = rows[i].first < low ? rows[i].first : low;
        high = rows[i].first > high ? rows[i].first : high;
        second |= rows[i].second;
    }
    return (struct compact){low, bit_length(second), bit_length(second) + bit_length(high - low)};
}

static inline uint64_t compact_key(struct compact c, const struct emx_pair_count *row)
{
    return (uint64_t)(row->first - c.base) << c.second_bits | row->second;
}

/* One stable pass by the digit at `shift`. */
static void radix_pass(const struct emx_pair_count *from, struct emx_pair_count *to, size_t n, struct compact c,
                       unsigned shift)
{
    size_t at[DIGITS] = {0}, sum = 0;

    for (size_t i = 0; i < n; i++)
        at[compact_key(c, &from[i]) >> shift & (DIGITS - 1)]++;
    for (size_t d = 0; d < DIGITS; d++) {
        size_t k = at[d];

        at[d] = sum;
        sum += k;
    }
    for (size_t i = 0; i < n; i++)
        to[at[compact_key(c, &from[i]) >> shift & (DIGITS - 1)]++] = from[i];
}

static size_t add_equal(struct emx_pair_count *rows, size_t n)
{
    size_t k = 0;

    for (size_t i = 1; i < n; i++) {
        if (rows[i].first == rows[k].first && rows[i].second == rows[k].second)
            rows[k].count += rows[i].count;
        else
            rows[++k] = rows[i];
    }
    return n ? k + 1 : 0;
}

static bool scratch_reach(struct rows_scratch *s, size_t n)
{
    if (n <= s->cap)
        return true;
    free(s->rows);
    s->rows = malloc(n * sizeof(*s->rows));
    s->cap = s->rows ? n : 0;
    return s->rows;
}

static void sort_group(size_t item, unsigned thread, void *context)
{
    struct rows *r = context;
    struct group *g = &r->groups[r->piece_begin + item];
    struct emx_pair_count *from = r->buffer + g->begin, *to;
    struct compact c;

    if (!scratch_reach(&r->options.space->scratch[thread], g->n)) {
        r->no_memory = true;
        return;
    }
    to = r->options.space->scratch[thread].rows;
    c = compact_for(from, g->n);
    for (unsigned shift = 0; shift < c.bits; shift += DIGIT_BITS) {
        struct emx_pair_count *swap = from;

        radix_pass(from, to, g->n, c, shift);
        from = to;
        to = swap;
    }
    if (from != r->buffer + g->begin)
        memcpy(r->buffer + g->begin, from, g->n * sizeof(*from));
    g->n = add_equal(r->buffer + g->begin, g->n);
}

/* Close the gaps that equal pairs left between groups. */
static size_t close_gaps(struct rows *r)
{
    size_t n = 0;

    for (size_t g = r->piece_begin; g < r->piece_end; g++) {
        if (r->groups[g].begin != n)
            memmove(r->buffer + n, r->buffer + r->groups[g].begin, r->groups[g].n * sizeof(*r->buffer));
        n += r->groups[g].n;
    }
    return n;
}

enum emx_status rows_next(struct rows *r, const struct emx_pair_count **ret, size_t *ret_n, struct emx_error *err)
{
    const struct placement *p = r->options.placement;
    enum emx_status status;

    *ret = r->buffer;
    *ret_n = 0;
    if (r->next_group == r->n_groups)
        return EMX_OK;
    lay_out_piece(r);
    status = threads_for(p, r->n_slices, scatter_slice, r, err);
    if (!status)
        status = threads_for(p, r->piece_end - r->piece_begin, sort_group, r, err);
    if (!status && r->no_memory)
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory to sort the pairs");
    if (!status)
        *ret_n = close_gaps(r);
    return status;
}
