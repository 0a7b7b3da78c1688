#include "scan/seal.h"

#include "scan/merge_runs.h"

#include <stdlib.h>
#include <string.h>

enum { PART_FOR_TABLES = 2 /* of the budget, which encoded domains leave */ };

enum emx_status sealer_init(struct sealer *s, const struct placement *p, struct spiller *spiller, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    *s = (struct sealer){.placement = p, .spiller = spiller, .n_threads = placement_n_threads(p)};
    s->encoders = calloc(s->n_threads, sizeof(struct state_encoder *));
    s->staging = calloc(s->n_threads, sizeof(*s->staging));
    s->errors = calloc(s->n_threads, sizeof(*s->errors));
    s->rest = malloc(PAIR_BLOCK_ROWS * sizeof(*s->rest));
    if (!s->encoders || !s->staging || !s->errors || !s->rest)
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory to encode pairs");
    for (size_t i = 0; i < s->n_threads && !status; i++)
        status = state_encoder_create(&s->encoders[i], err);
    if (status)
        sealer_finish(s);
    return status;
}

void sealer_finish(struct sealer *s)
{
    for (size_t i = 0; i < s->n_threads; i++) {
        if (s->encoders)
            state_encoder_destroy(&s->encoders[i]);
        if (s->staging)
            state_block_finish(&s->staging[i]);
    }
    free(s->encoders);
    free(s->staging);
    free(s->errors);
    free(s->rest);
    free(s->tables);
    free(s->runs);
    *s = (struct sealer){0};
}

void sealed_finish(struct sealed *s, struct budget *budget)
{
    for (size_t i = 0; i < s->n_blocks; i++)
        state_block_finish(&s->blocks[i]);
    free(s->blocks);
    free(s->places);
    emx_spectrum_builder_destroy(&s->pairs);
    budget_give(budget, s->n_taken);
    *s = (struct sealed){0};
}

enum emx_status sealer_for(struct sealer *s, size_t n_items, item_fn *fn, void *context, struct emx_error *err)
{
    enum emx_status status = threads_for(s->placement, n_items, fn, context, err);

    for (size_t i = 0; i < s->n_threads && !status; i++) {
        if (s->errors[i].status)
            status = emx_fail(err, s->errors[i].status, "%s", s->errors[i].message);
    }
    return status;
}

/* --- blocks -------------------------------------------------------------------------------------------- */

static void *copy_of(const void *from, size_t n_bytes)
{
    void *copy = malloc(n_bytes);

    return copy ? memcpy(copy, from, n_bytes) : NULL;
}

/* The staging block has room for the worst case; what is kept has its own size. */
static bool keep_block(const struct state_block *staged, struct state_block *ret)
{
    *ret = *staged;
    ret->stored = copy_of(staged->stored, staged->n_stored);
    ret->runs = copy_of(staged->runs, staged->n_runs * sizeof(*staged->runs));
    return ret->stored && ret->runs;
}

/* Block i to disk. */
static enum emx_status store_block(struct sealed *s, struct temp_file *f, size_t i, struct emx_error *err)
{
    struct state_block *b = &s->blocks[i];
    enum emx_status status = temp_file_write(f, b->stored, b->n_stored, &s->places[i].stored, err);

    if (!status)
        status = temp_file_write(f, b->runs, b->n_runs * sizeof(*b->runs), &s->places[i].runs, err);
    free(b->stored);
    free(b->runs);
    b->stored = NULL;
    b->runs = NULL;
    return status;
}

/* All blocks from this one on. */
static enum emx_status store_blocks(struct sealer *s, struct sealed *to, size_t first, struct emx_error *err)
{
    struct block_place *larger = realloc(to->places, (to->n_blocks + 1) * sizeof(*larger));
    enum emx_status status = EMX_OK;

    if (!larger)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for encoded pairs");
    to->places = larger;
    for (size_t i = first; i < to->n_blocks && !status; i++)
        status = store_block(to, &s->spiller->spill->file, i, err);
    return status;
}

enum emx_status sealed_fetch(struct sealed *s, const struct spill *spill, size_t i, struct emx_error *err)
{
    struct state_block *b = &s->blocks[i];
    size_t n_run_bytes = b->n_runs * sizeof(*b->runs);
    enum emx_status status;

    if (!s->places)
        return EMX_OK;
    b->stored = malloc(b->n_stored);
    b->runs = malloc(n_run_bytes);
    if (!b->stored || !b->runs)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for encoded pairs");
    status = temp_file_read(&spill->file, s->places[i].stored, b->stored, b->n_stored, err);
    return status ? status : temp_file_read(&spill->file, s->places[i].runs, b->runs, n_run_bytes, err);
}

struct encoding {
    struct sealer *sealer;
    const struct emx_pair_count *rows;
    size_t n_rows;
    struct state_block *blocks;
};

static void encode_item(size_t item, unsigned thread, void *context)
{
    struct encoding *e = context;
    struct sealer *s = e->sealer;
    struct emx_error *error = &s->errors[thread];
    size_t begin = item * PAIR_BLOCK_ROWS;
    size_t n = e->n_rows - begin < PAIR_BLOCK_ROWS ? e->n_rows - begin : PAIR_BLOCK_ROWS;

    if (error->status)
        return;
    error->status = state_encode_block(s->encoders[thread], e->rows + begin, n, &s->staging[thread], error);
    if (!error->status && !keep_block(&s->staging[thread], &e->blocks[item]))
        emx_fail(error, EMX_ERR_MEMORY, "out of memory for encoded pairs");
}

/* Encode rows, every block but the last of the domain full. */
static enum emx_status encode_rows(struct sealer *s, const struct emx_pair_count *rows, size_t n, struct sealed *ret,
                                   struct emx_error *err)
{
    size_t n_blocks = (n + PAIR_BLOCK_ROWS - 1) / PAIR_BLOCK_ROWS;
    struct state_block *larger = realloc(ret->blocks, (ret->n_blocks + n_blocks + 1) * sizeof(*larger));
    struct encoding e = {.sealer = s, .rows = rows, .n_rows = n};

    if (!larger)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for encoded pairs");
    ret->blocks = larger;
    e.blocks = larger + ret->n_blocks;
    memset(e.blocks, 0, n_blocks * sizeof(*larger));
    ret->n_blocks += n_blocks;
    return sealer_for(s, n_blocks, encode_item, &e, err);
}

/* A piece of the rows: fill the block that the last piece began, encode what is full, keep the rest. */
static enum emx_status encode_piece(struct sealer *s, const struct emx_pair_count *rows, size_t n, struct sealed *ret,
                                    struct emx_error *err)
{
    enum emx_status status = EMX_OK;
    size_t full;

    if (s->n_rest) {
        size_t missing = PAIR_BLOCK_ROWS - s->n_rest < n ? PAIR_BLOCK_ROWS - s->n_rest : n;

        memcpy(s->rest + s->n_rest, rows, missing * sizeof(*rows));
        s->n_rest += missing;
        rows += missing;
        n -= missing;
        if (s->n_rest < PAIR_BLOCK_ROWS)
            return EMX_OK;
        status = encode_rows(s, s->rest, s->n_rest, ret, err);
        s->n_rest = 0;
    }
    full = n / PAIR_BLOCK_ROWS * PAIR_BLOCK_ROWS;
    if (!status && full)
        status = encode_rows(s, rows, full, ret, err);
    s->n_rest = n - full;
    memcpy(s->rest, rows + full, s->n_rest * sizeof(*rows));
    return status;
}

enum emx_status next_of_rows(void *source, const struct emx_pair_count **ret, size_t *ret_n, struct emx_error *err)
{
    return rows_next(source, ret, ret_n, err);
}

enum emx_status next_of_merge(void *source, const struct emx_pair_count **ret, size_t *ret_n, struct emx_error *err)
{
    return merge_next(source, ret, ret_n, err);
}

/* `to_disk`: blocks, too, do not stay in memory. */
static enum emx_status encode_pieces(struct sealer *s, next_rows_fn *next, void *source, bool to_disk,
                                     struct sealed *ret, struct emx_error *err)
{
    const struct emx_pair_count *piece;
    size_t n = 1;
    enum emx_status status = EMX_OK;

    s->n_rest = 0;
    while (n && !status) {
        size_t n_before = ret->n_blocks;

        status = next(source, &piece, &n, err);
        if (!status && n)
            status = encode_piece(s, piece, n, ret, err);
        else if (!status && s->n_rest)
            status = encode_rows(s, s->rest, s->n_rest, ret, err);
        if (!status && to_disk)
            status = store_blocks(s, ret, n_before, err);
        if (!status && s->go_on && !s->go_on(s->context))
            status = emx_fail(err, EMX_ERR_STOPPED, "stopped");
    }
    return status;
}

/* --- a domain ------------------------------------------------------------------------------------------ */

enum emx_status sealer_sort(struct sealer *s, struct domain *d, struct rows **ret, struct emx_error *err)
{
    struct rows_options options = {.rule = domain_drop_rule(d), .placement = s->placement, .space = &s->spiller->space};
    struct table **larger = realloc(s->tables, (d->n_tables + 1) * sizeof(struct table *));

    if (!larger)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory to sort the pairs");
    s->tables = larger;
    for (size_t i = 0; i < d->n_tables; i++)
        s->tables[i] = d->tables[i].table;
    return rows_create(s->tables, d->n_tables, &options, ret, err);
}

static enum emx_status encode_tables(struct sealer *s, struct domain *d, struct sealed *ret, struct emx_error *err)
{
    struct rows *rows = NULL;
    enum emx_status status = sealer_sort(s, d, &rows, err);

    if (!status)
        status = encode_pieces(s, next_of_rows, rows, false, ret, err);
    rows_destroy(&rows);
    return status;
}

/* All that is in tables to runs. */
static enum emx_status spill_all(struct sealer *s, struct domain *d, struct emx_error *err)
{
    enum emx_status status = spill_rest(s->spiller, d, s->placement, err);

    domain_release_tables(d);
    return status;
}

/* The runs of the domain, and those that are to be subtracted: s->runs[*ret_n]. */
static enum emx_status list_runs(struct sealer *s, struct domain *d, size_t *ret_n, struct emx_error *err)
{
    struct domain *minus = d->taken_back;
    size_t n_minus = minus ? minus->n_runs : 0;
    struct run *larger = realloc(s->runs, (d->n_runs + n_minus + 1) * sizeof(*larger));

    if (!larger)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for runs on disk");
    s->runs = larger;
    if (d->n_runs)
        memcpy(larger, d->runs, d->n_runs * sizeof(*larger));
    for (size_t i = 0; i < n_minus; i++) {
        larger[d->n_runs + i] = minus->runs[i];
        larger[d->n_runs + i].is_minus = true;
    }
    *ret_n = d->n_runs + n_minus;
    return EMX_OK;
}

static enum emx_status take_back_tails(struct domain *d, struct emx_error *err)
{
    if (tally_subtract(&d->tails, &d->taken_back->tails))
        return EMX_OK;
    return emx_fail(err, EMX_ERR_CORRUPT, "domain '%s': more is to be taken back than was counted", d->given->name);
}

enum emx_status sealer_merge(struct sealer *s, struct domain *d, struct merge **ret, struct emx_error *err)
{
    bool taken_back = domain_was_taken_back(d);
    size_t n = 0;
    enum emx_status status = spill_all(s, d, err);

    if (!status && taken_back)
        status = spill_all(s, d->taken_back, err);
    if (!status && taken_back)
        status = take_back_tails(d, err);
    if (!status)
        status = list_runs(s, d, &n, err);
    return status ? status
                  : merge_create(s->runs, n, &s->spiller->spill->file, s->placement, &s->spiller->space, ret, err);
}

static enum emx_status encode_runs(struct sealer *s, struct domain *d, struct sealed *ret, struct emx_error *err)
{
    struct merge *merge = NULL;
    enum emx_status status = sealer_merge(s, d, &merge, err);

    if (!status)
        status = encode_pieces(s, next_of_merge, merge, true, ret, err);
    merge_destroy(&merge);
    return status;
}

static enum emx_status take_spectra(struct sealer *s, struct sealed *ret, struct emx_error *err)
{
    enum emx_status status = emx_spectrum_builder_create(&ret->pairs);

    for (size_t i = 0; i < s->n_threads && !status; i++)
        status = state_encoder_take_spectrum(s->encoders[i], ret->pairs);
    return status ? emx_fail(err, status, "out of memory for a spectrum") : EMX_OK;
}

enum emx_status seal_rows(struct sealer *s, next_rows_fn *next, void *source, struct sealed *ret, struct emx_error *err)
{
    enum emx_status status;

    *ret = (struct sealed){0};
    status = encode_pieces(s, next, source, true, ret, err);
    if (!status)
        status = take_spectra(s, ret, err);
    if (status)
        sealed_finish(ret, s->spiller->spill->budget);
    return status;
}

static enum emx_status account(struct sealer *s, struct domain *d, struct sealed *ret, struct emx_error *err)
{
    struct budget *budget = s->spiller->spill->budget;
    uint64_t n = 0;

    if (ret->places)
        return EMX_OK;
    for (size_t i = 0; i < ret->n_blocks; i++)
        n += ret->blocks[i].n_stored + ret->blocks[i].n_runs * sizeof(*ret->blocks[i].runs);
    if (budget_left(budget) < n + budget->limit / PART_FOR_TABLES)
        regions_trim(d->regions);
    if (budget_left(budget) < n + budget->limit / PART_FOR_TABLES || !budget_take(budget, n))
        return store_blocks(s, ret, 0, err);
    ret->n_taken = n;
    return EMX_OK;
}

enum emx_status seal_domain(struct sealer *s, struct domain *d, struct sealed *ret, struct emx_error *err)
{
    enum emx_status status;

    *ret = (struct sealed){0};
    spill_leave_out(s->spiller->spill, d);
    status = domain_is_in_runs(d) ? encode_runs(s, d, ret, err) : encode_tables(s, d, ret, err);
    if (!status)
        status = take_spectra(s, ret, err);
    if (!status) {
        domain_release_tables(d);
        status = account(s, d, ret, err);
    }
    spill_sealed(s->spiller->spill);
    if (status)
        sealed_finish(ret, s->spiller->spill->budget);
    return status;
}
