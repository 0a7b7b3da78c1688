#include "count/rows.h"
#include "pipeline/threads.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FETCH_AHEAD = 4 /* blocks */ };

struct rows {
    struct table *const *tables;
    size_t n_tables;
    struct rows_options options;
    struct bin_map map;
    struct pile *piles; /* [n_tables * n_parts] */
    size_t n_piles, n_parts;
    struct large_counts large; /* of all piles */
    bool may_repeat;           /* a key may be in several piles */
    struct emx_pair_count *buffer;
    size_t next_bin, piece_begin; /* bins of the current piece: from piece_begin to next_bin */
    struct place {
        size_t begin, n; /* rows of a bin in the buffer */
    } * places;          /* [n_bins] */
    _Atomic bool no_memory;
};

static enum emx_status fail_memory(struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_MEMORY, "out of memory to sort the pairs");
}

/* --- tables to piles --------------------------------------------------------------------------------- */

static void take_part(size_t item, unsigned thread, void *context)
{
    struct rows *r = context;
    struct emx_error error;

    (void)thread;
    if (pile_take(&r->piles[item], &r->map, r->tables[item / r->n_parts], item % r->n_parts, r->n_parts,
                  &r->options.rule, &error))
        r->no_memory = true;
}

/* A table that other threads have no part of is a pile; fewer tables than threads are shared by parts. */
static enum emx_status take_tables(struct rows *r, struct emx_error *err)
{
    size_t n_threads = placement_n_threads(r->options.placement);
    enum emx_status status;

    r->n_parts = r->n_tables && r->n_tables < n_threads ? (n_threads + r->n_tables - 1) / r->n_tables : 1;
    r->n_piles = r->n_tables * r->n_parts;
    r->piles = calloc(r->n_piles + 1, sizeof(*r->piles));
    r->places = calloc(r->map.n_bins, sizeof(*r->places));
    if (!r->piles || !r->places)
        return fail_memory(err);
    status = threads_for(r->options.placement, r->n_piles, take_part, r, err);
    return status || !r->no_memory ? status : fail_memory(err);
}

static enum emx_status collect_large(struct rows *r, struct emx_error *err)
{
    for (size_t i = 0; i < r->n_piles; i++) {
        if (!large_counts_append(&r->large, &r->piles[i].large))
            return fail_memory(err);
    }
    large_counts_sort(&r->large);
    return EMX_OK;
}

/* --- buffers ----------------------------------------------------------------------------------------- */

static size_t bin_size(const struct rows *r, size_t bin)
{
    uint64_t n = 0;

    for (size_t i = 0; i < r->n_piles; i++)
        n += r->piles[i].bins[bin].n;
    return (size_t)n;
}

static size_t rows_in_a_piece(const struct rows *r)
{
    size_t most = PIECE_ROWS * placement_n_threads(r->options.placement), largest = 0, all = 0;

    for (size_t b = 0; b < r->map.n_bins; b++) {
        size_t n = bin_size(r, b);

        all += n;
        largest = n > largest ? n : largest;
    }
    most = all < most ? all : most;
    return largest > most ? largest : most;
}

static bool reach_sorters(struct rows_space *s, size_t n)
{
    struct word_sorter *larger;

    if (n <= s->n_sorters)
        return true;
    larger = realloc(s->sorters, n * sizeof(*larger));
    if (!larger)
        return false;
    memset(larger + s->n_sorters, 0, (n - s->n_sorters) * sizeof(*larger));
    s->sorters = larger;
    s->n_sorters = n;
    return true;
}

enum emx_status rows_space_reach(struct rows_space *s, size_t n_rows, size_t n_threads, struct emx_error *err)
{
    if (s->cap < n_rows || !s->buffer) {
        free(s->buffer);
        s->buffer = malloc((n_rows + 1) * sizeof(*s->buffer));
        s->cap = s->buffer ? n_rows : 0;
    }
    return s->buffer && reach_sorters(s, n_threads) ? EMX_OK : fail_memory(err);
}

void rows_space_finish(struct rows_space *s)
{
    for (size_t i = 0; i < s->n_sorters; i++)
        word_sorter_finish(&s->sorters[i]);
    free(s->sorters);
    free(s->buffer);
    *s = (struct rows_space){0};
}

enum emx_status rows_create(struct table *const *tables, size_t n_tables, const struct rows_options *options,
                            struct rows **ret, struct emx_error *err)
{
    struct rows *r = calloc(1, sizeof(*r));
    enum emx_status status;

    if (!r)
        return fail_memory(err);
    r->tables = tables;
    r->n_tables = n_tables;
    r->options = *options;
    r->may_repeat = n_tables > 1;
    status = bin_map_init(&r->map, tables, n_tables, err);
    if (!status)
        status = take_tables(r, err);
    if (!status)
        status = collect_large(r, err);
    if (!status)
        status = rows_space_reach(options->space, rows_in_a_piece(r), placement_n_threads(options->placement), err);
    r->buffer = options->space->buffer;
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
    for (size_t i = 0; r->piles && i < r->n_piles; i++)
        pile_finish(&r->piles[i]);
    bin_map_finish(&r->map);
    free(r->piles);
    free(r->places);
    large_counts_finish(&r->large);
    free(r);
    *pr = NULL;
}

/* --- bins to rows ------------------------------------------------------------------------------------ */

/* Blocks lie anywhere in the table's memory: those that come soon are fetched while others are added. */
static void add_pile(struct word_sorter *s, const struct pile *p, size_t b)
{
    uint32_t at = p->bins[b].top, ahead = at;
    const uint64_t *block;

    for (unsigned i = 0; i < FETCH_AHEAD && ahead; i++)
        pile_fetch(pile_block(p, &ahead));
    while ((block = pile_block(p, &at))) {
        if (ahead)
            pile_fetch(pile_block(p, &ahead));
        word_sorter_add(s, block, PILE_BLOCK);
    }
    word_sorter_add(s, p->open + b * PILE_BLOCK, p->bins[b].n_open);
}

static void sort_bin(size_t item, unsigned thread, void *context)
{
    struct rows *r = context;
    size_t bin = r->piece_begin + item;
    struct place *place = &r->places[bin];
    struct emx_pair_count *rows = r->buffer + place->begin;
    struct word_sorter *sorter = &r->options.space->sorters[thread];

    if (!word_sorter_begin(sorter, r->map.token_bits, r->map.begin[bin], r->map.begin[bin + 1] - 1, place->n)) {
        r->no_memory = true;
        return;
    }
    for (size_t i = 0; i < r->n_piles; i++)
        add_pile(sorter, &r->piles[i], bin);
    place->n = word_sorter_rows(sorter, rows);
    if (r->may_repeat)
        place->n = rows_add_equal(rows, place->n);
    large_counts_add(&r->large, r->map.begin[bin], r->map.begin[bin + 1], r->map.token_bits, rows, place->n);
}

/* --- pieces ------------------------------------------------------------------------------------------ */

/* As many bins as the buffer has room for, at least one. */
static void lay_out_piece(struct rows *r)
{
    size_t at = 0;

    r->piece_begin = r->next_bin;
    for (; r->next_bin < r->map.n_bins; r->next_bin++) {
        size_t n = bin_size(r, r->next_bin);

        if (at + n > r->options.space->cap)
            break;
        r->places[r->next_bin] = (struct place){at, n};
        at += n;
    }
    assert(r->next_bin > r->piece_begin);
}

/* Close the gaps that equal pairs left between bins. */
static size_t close_gaps(struct rows *r)
{
    size_t n = 0;

    for (size_t b = r->piece_begin; b < r->next_bin; b++) {
        if (r->places[b].begin != n)
            memmove(r->buffer + n, r->buffer + r->places[b].begin, r->places[b].n * sizeof(*r->buffer));
        n += r->places[b].n;
    }
    return n;
}

enum emx_status rows_next(struct rows *r, const struct emx_pair_count **ret, size_t *ret_n, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    *ret = r->buffer;
    *ret_n = 0;
    while (!status && *ret_n == 0 && r->next_bin < r->map.n_bins) {
        lay_out_piece(r);
        status = threads_for(r->options.placement, r->next_bin - r->piece_begin, sort_bin, r, err);
        if (!status && r->no_memory)
            status = fail_memory(err);
        if (!status)
            *ret_n = close_gaps(r);
    }
    return status;
}
