/*
 * write.c - the writing phase: tables to sorted rows to the state file, one domain after the other
 */
#include "scan/scan.h"

#include "pipeline/threads.h"
#include "state/writer.h"

#include <stdlib.h>
#include <string.h>

struct writing {
    struct scan *scan;
    struct emx_state_writer *writer;
    struct state_encoder **encoders; /* [n_threads] */
    struct state_block *blocks;      /* [n_blocks] encoded together, appended in order */
    size_t n_threads, n_blocks;
    const struct emx_pair_count *rows; /* [n_rows] being encoded */
    size_t n_rows;
    struct emx_pair_count *rest; /* [n_rest] rows of the last piece that did not fill a block */
    size_t n_rest;
    struct emx_error *errors; /* [n_threads] */
};

enum { BLOCKS_PER_THREAD = 4 /* so that one slow block does not keep the others waiting for long */ };

static void writing_finish(struct writing *w)
{
    for (size_t i = 0; w->encoders && i < w->n_threads; i++)
        state_encoder_destroy(&w->encoders[i]);
    for (size_t i = 0; w->blocks && i < w->n_blocks; i++)
        state_block_finish(&w->blocks[i]);
    emx_state_writer_destroy(&w->writer);
    free(w->encoders);
    free(w->blocks);
    free(w->rest);
    free(w->errors);
}

static enum emx_status writing_init(struct writing *w, struct scan *s, const char *output, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    *w = (struct writing){.scan = s, .n_threads = placement_n_threads(s->placement)};
    w->n_blocks = w->n_threads * BLOCKS_PER_THREAD;
    w->encoders = calloc(w->n_threads, sizeof(struct state_encoder *));
    w->blocks = calloc(w->n_blocks, sizeof(*w->blocks));
    w->errors = calloc(w->n_threads, sizeof(*w->errors));
    w->rest = malloc(PAIR_BLOCK_ROWS * sizeof(*w->rest));
    if (!w->encoders || !w->blocks || !w->errors || !w->rest)
        status = emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory to write", output);
    for (size_t i = 0; i < w->n_threads && !status; i++)
        status = state_encoder_create(&w->encoders[i], err);
    return status ? status : emx_state_writer_create(output, &w->writer, err);
}

/* --- head of a domain ---------------------------------------------------------------------------------- */

static int by_path_and_checksum(const void *a, const void *b)
{
    const struct emx_shard_record *x = a, *y = b;
    int order = strcmp(x->path, y->path);

    return order ? order : (x->xxh3 > y->xxh3) - (x->xxh3 < y->xxh3);
}

static enum emx_status begin_domain(struct writing *w, struct domain *d, struct emx_error *err)
{
    struct scan *s = w->scan;
    size_t first = 0;
    struct emx_domain head = {.name = d->given->name, .settings = d->settings, .n_shards = d->n_shards};

    for (const struct domain *before = s->domains; before < d; before++)
        first += before->n_shards;
    for (size_t i = first; i < first + d->n_shards; i++) {
        head.n_documents += s->records[i].n_documents;
        head.n_documents_without_eod += s->n_without_eod[i];
    }
    qsort(s->records + first, d->n_shards, sizeof(*s->records), by_path_and_checksum);
    head.shards = s->records + first;
    return emx_state_writer_begin_domain(w->writer, &head, err);
}

static enum emx_status write_tails(struct writing *w, const struct tally *tails, struct emx_error *err)
{
    struct emx_pair_count *rows;
    size_t n = 0;
    enum emx_status status;

    for (size_t i = 0; i < tails->n; i++)
        n += tails->count[i] > 0;
    rows = malloc((n + 1) * sizeof(*rows));
    if (!rows)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu tails", n);
    n = 0;
    for (size_t i = 0; i < tails->n; i++) {
        if (tails->count[i])
            rows[n++] = (struct emx_pair_count){(uint32_t)i, EMX_NO_TOKEN, tails->count[i]};
    }
    status = emx_state_writer_tails(w->writer, rows, n, err);
    free(rows);
    return status;
}

/* --- pairs --------------------------------------------------------------------------------------------- */

static void encode_item(size_t item, unsigned thread, void *context)
{
    struct writing *w = context;
    size_t begin = item * PAIR_BLOCK_ROWS;
    size_t n = w->n_rows - begin < PAIR_BLOCK_ROWS ? w->n_rows - begin : PAIR_BLOCK_ROWS;

    if (w->errors[thread].status)
        return;
    w->errors[thread].status =
        state_encode_block(w->encoders[thread], w->rows + begin, n, &w->blocks[item], &w->errors[thread]);
}

/* Encode and append rows; every block but the last is full. */
static enum emx_status write_rows(struct writing *w, const struct emx_pair_count *rows, size_t n, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    while (n && !status) {
        size_t n_blocks = (n - 1) / PAIR_BLOCK_ROWS + 1;

        n_blocks = n_blocks < w->n_blocks ? n_blocks : w->n_blocks;
        w->rows = rows;
        w->n_rows = n < n_blocks * PAIR_BLOCK_ROWS ? n : n_blocks * PAIR_BLOCK_ROWS;
        status = threads_for(w->scan->placement, n_blocks, encode_item, w, err);
        for (size_t i = 0; i < w->n_threads && !status; i++) {
            if (w->errors[i].status)
                status = emx_fail(err, w->errors[i].status, "%s", w->errors[i].message);
        }
        for (size_t i = 0; i < n_blocks && !status; i++)
            status = state_writer_append_block(w->writer, &w->blocks[i], err);
        rows += w->n_rows;
        n -= w->n_rows;
    }
    return status;
}

/* A piece of the rows: fill the block that the last piece began, write what is full, keep the rest. */
static enum emx_status write_piece(struct writing *w, const struct emx_pair_count *rows, size_t n,
                                   struct emx_error *err)
{
    enum emx_status status = EMX_OK;
    size_t full;

    if (w->n_rest) {
        size_t missing = PAIR_BLOCK_ROWS - w->n_rest < n ? PAIR_BLOCK_ROWS - w->n_rest : n;

        memcpy(w->rest + w->n_rest, rows, missing * sizeof(*rows));
        w->n_rest += missing;
        rows += missing;
        n -= missing;
        if (w->n_rest < PAIR_BLOCK_ROWS)
            return EMX_OK;
        status = write_rows(w, w->rest, w->n_rest, err);
        w->n_rest = 0;
    }
    full = n / PAIR_BLOCK_ROWS * PAIR_BLOCK_ROWS;
    if (!status)
        status = write_rows(w, rows, full, err);
    w->n_rest = n - full;
    memcpy(w->rest, rows + full, w->n_rest * sizeof(*rows));
    return status;
}

static enum emx_status write_pairs(struct writing *w, struct rows *rows, struct emx_error *err)
{
    const struct emx_pair_count *piece;
    size_t n = 1;
    enum emx_status status = EMX_OK;

    while (n && !status) {
        status = rows_next(rows, &piece, &n, err);
        if (!status && n)
            status = write_piece(w, piece, n, err);
    }
    if (!status)
        status = write_rows(w, w->rest, w->n_rest, err);
    w->n_rest = 0;
    return status;
}

static enum rows_drop drop_of(const struct emx_domain_settings *settings)
{
    if (settings->pairs != EMX_PAIRS_WITHIN_DOCUMENT || settings->eod == EMX_NO_TOKEN)
        return ROWS_DROP_NONE;
    return settings->eod_first ? ROWS_DROP_BEFORE : ROWS_DROP_AFTER;
}

static enum emx_status write_domain(struct writing *w, struct domain *d, struct emx_error *err)
{
    struct rows_options options = {.drop = drop_of(&d->settings),
                                   .eod = d->settings.eod,
                                   .tails = &d->tails,
                                   .placement = w->scan->placement,
                                   .budget = &w->scan->budget};
    struct table **tables = calloc(d->n_tables + 1, sizeof(struct table *));
    struct rows *rows = NULL;
    enum emx_status status = EMX_OK;

    if (!tables)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory to sort the pairs");
    for (size_t i = 0; i < d->n_tables; i++)
        tables[i] = d->tables[i].table;
    status = rows_create(tables, d->n_tables, &options, &rows, err);
    if (!status)
        status = begin_domain(w, d, err);
    if (!status)
        status = write_tails(w, &d->tails, err);
    if (!status)
        status = write_pairs(w, rows, err);
    if (!status)
        status = state_writer_end_domain_parallel(w->writer, w->encoders, w->n_threads, err);
    rows_destroy(&rows);
    free(tables);
    domain_release_tables(d);
    return status;
}

enum emx_status scan_write(struct scan *s, const char *output, struct emx_error *err)
{
    struct writing w;
    enum emx_status status = writing_init(&w, s, output, err);

    for (size_t i = 0; i < s->n_domains && !status; i++)
        status = write_domain(&w, s->by_name[i], err);
    if (!status)
        status = emx_state_writer_commit(w.writer, err);
    writing_finish(&w);
    return status;
}
