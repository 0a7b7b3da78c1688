/*
 * seal_run.c - a counted domain's tables, and what of them is on disk, to one run of sorted rows
 *
 * A run's blocks are small and its rows need no place in the whole table: it is what ranks exchange.
 */
#include "scan/seal.h"

#include "state/block_encode.h"

#include <stdlib.h>

struct storing {
    struct sealer *sealer;
    const struct emx_pair_count *rows;
    size_t n_rows;
    struct run_block *blocks;
};

static void store_item(size_t item, unsigned thread, void *context)
{
    struct storing *st = context;
    struct sealer *s = st->sealer;
    struct emx_error *error = &s->errors[thread];
    size_t begin = item * RUN_BLOCK_ROWS;
    size_t n = st->n_rows - begin < RUN_BLOCK_ROWS ? st->n_rows - begin : RUN_BLOCK_ROWS;

    if (error->status)
        return;
    error->status = encode_block_uncounted(s->encoders[thread], st->rows + begin, n, &s->staging[thread], error);
    if (!error->status)
        error->status = run_store_block(&s->spiller->spill->file, &s->staging[thread], &st->blocks[item], error);
}

/* As run_append(), by all threads. */
static enum emx_status append(struct sealer *s, struct run *run, const struct emx_pair_count *rows, size_t n,
                              struct emx_error *err)
{
    size_t n_blocks = (n + RUN_BLOCK_ROWS - 1) / RUN_BLOCK_ROWS;
    struct storing st = {.sealer = s, .rows = rows, .n_rows = n, .blocks = calloc(n_blocks + 1, sizeof(*st.blocks))};
    enum emx_status status;

    if (!st.blocks)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for runs on disk");
    status = sealer_for(s, n_blocks, store_item, &st, err);
    for (size_t i = 0; i < n_blocks && !status; i++)
        status = run_add_block(run, &st.blocks[i], err);
    free(st.blocks);
    return status;
}

static enum emx_status append_all(struct sealer *s, next_rows_fn *next, void *source, struct run *run,
                                  struct emx_error *err)
{
    const struct emx_pair_count *piece;
    size_t n = 1;
    enum emx_status status = EMX_OK;

    while (!status && n) {
        status = next(source, &piece, &n, err);
        if (!status)
            status = append(s, run, piece, n, err);
    }
    return status;
}

static enum emx_status store_tables(struct sealer *s, struct domain *d, struct run *run, struct emx_error *err)
{
    struct rows *rows = NULL;
    enum emx_status status = sealer_sort(s, d, &rows, err);

    if (!status)
        status = append_all(s, next_of_rows, rows, run, err);
    rows_destroy(&rows);
    return status;
}

static enum emx_status store_runs(struct sealer *s, struct domain *d, struct run *run, struct emx_error *err)
{
    struct merge *merge = NULL;
    enum emx_status status = sealer_merge(s, d, &merge, err);

    if (!status)
        status = append_all(s, next_of_merge, merge, run, err);
    merge_destroy(&merge);
    return status;
}

static enum emx_status keep_run(struct domain *d, struct run *run, struct emx_error *err)
{
    if (!d->runs)
        d->runs = malloc(sizeof(*d->runs));
    if (!d->runs)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for runs on disk");
    for (size_t i = 0; i < d->n_runs; i++)
        run_finish(&d->runs[i]);
    d->runs[0] = *run;
    d->n_runs = 1;
    return EMX_OK;
}

enum emx_status seal_to_run(struct sealer *s, struct domain *d, struct emx_error *err)
{
    struct run run = {0};
    enum emx_status status;

    spill_leave_out(s->spiller->spill, d);
    status = domain_is_in_runs(d) ? store_runs(s, d, &run, err) : store_tables(s, d, &run, err);
    if (!status)
        status = keep_run(d, &run, err);
    if (!status)
        domain_release_tables(d);
    spill_sealed(s->spiller->spill);
    if (status)
        run_finish(&run);
    return status;
}
