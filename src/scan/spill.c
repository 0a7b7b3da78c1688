#include "scan/spill.h"

#include "scan/merge_runs.h"

#include <stdlib.h>

enum {
    MOST_RUNS = 64,   /* of a domain: a range of keys is read from all of them at once */
    MERGED_RUNS = 32, /* the smallest of them become one */
    SMALL_PART = 64,  /* of the budget: a table below that is spilled only if nothing else makes room */
};

void spill_init(struct spill *s, const char *folder, struct budget *budget)
{
    *s = (struct spill){.budget = budget};
    temp_file_init(&s->file, folder);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->sealed, NULL);
}

void spill_finish(struct spill *s)
{
    temp_file_finish(&s->file);
    pthread_cond_destroy(&s->sealed);
    pthread_mutex_destroy(&s->mutex);
}

void spiller_finish(struct spiller *s)
{
    rows_space_finish(&s->space);
    state_encoder_destroy(&s->encoder);
    state_block_finish(&s->staging);
}

/* --- a table to a run ---------------------------------------------------------------------------------- */

static enum emx_status append(struct spiller *s, struct run *run, const struct emx_pair_count *rows, size_t n,
                              struct emx_error *err)
{
    return run_append(run, &s->spill->file, s->encoder, &s->staging, rows, n, err);
}

static enum emx_status write_run(struct spiller *s, struct domain *d, struct table *const *tables, size_t n_tables,
                                 const struct placement *placement, struct run *run, struct emx_error *err)
{
    struct rows_options options = {.rule = domain_drop_rule(d), .placement = placement, .space = &s->space};
    const struct emx_pair_count *piece;
    struct rows *rows = NULL;
    size_t n = 1;
    enum emx_status status = s->encoder ? EMX_OK : state_encoder_create(&s->encoder, err);

    if (!status)
        status = rows_create(tables, n_tables, &options, &rows, err);
    while (!status && n) {
        status = rows_next(rows, &piece, &n, err);
        if (!status)
            status = append(s, run, piece, n, err);
    }
    rows_destroy(&rows);
    return status;
}

/* --- many runs to fewer -------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    const struct run *x = a, *y = b;

    return (x->n_rows > y->n_rows) - (x->n_rows < y->n_rows);
}

static enum emx_status merge_runs(struct spiller *s, const struct run *runs, size_t n_runs, struct run *ret,
                                  struct emx_error *err)
{
    const struct emx_pair_count *piece;
    struct merge *merge = NULL;
    size_t n = 1;
    enum emx_status status = merge_create(runs, n_runs, &s->spill->file, placement_here(), &s->space, &merge, err);

    while (!status && n) {
        status = merge_next(merge, &piece, &n, err);
        if (!status && s->spill->hurry)
            status = emx_fail(err, EMX_ERR_STOPPED, "stopped");
        if (!status)
            status = append(s, ret, piece, n, err);
    }
    merge_destroy(&merge);
    return status;
}

/* Only the holder of the mutex, or who seals the domain, touches its runs. */
static enum emx_status merge_smallest(struct spiller *s, struct domain *d, struct emx_error *err)
{
    struct run merged = {0};
    enum emx_status status;

    qsort(d->runs, d->n_runs, sizeof(*d->runs), by_size);
    status = merge_runs(s, d->runs, MERGED_RUNS, &merged, err);
    if (status) {
        run_finish(&merged);
        return status;
    }
    for (size_t i = 0; i < MERGED_RUNS; i++)
        run_finish(&d->runs[i]);
    d->runs[0] = merged;
    d->n_runs -= MERGED_RUNS - 1;
    for (size_t i = 1; i < d->n_runs; i++)
        d->runs[i] = d->runs[i + MERGED_RUNS - 1];
    return EMX_OK;
}

/* For as long as there is time. */
static enum emx_status merge_many(struct spiller *s, struct domain *d, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    while (!status && d->n_runs >= MOST_RUNS && !s->spill->hurry)
        status = merge_smallest(s, d, err);
    return status == EMX_ERR_STOPPED ? EMX_OK : status;
}

static enum emx_status add_run(struct spiller *s, struct domain *d, struct table *const *tables, size_t n_tables,
                               const struct placement *placement, struct emx_error *err)
{
    struct run *larger, run = {0};
    enum emx_status status = write_run(s, d, tables, n_tables, placement, &run, err);

    if (status)
        goto failed;
    if (run.n_rows == 0)
        return EMX_OK; /* all of them were dropped */
    larger = realloc(d->runs, (d->n_runs + 1) * sizeof(*larger));
    if (!larger) {
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory for runs on disk");
        goto failed;
    }
    d->runs = larger;
    d->runs[d->n_runs++] = run;
    return EMX_OK;
failed:
    run_finish(&run);
    return status;
}

static enum emx_status spill_table(struct spiller *s, struct domain *d, struct table *t,
                                   const struct placement *placement, struct emx_error *err)
{
    enum emx_status status = add_run(s, d, &t, 1, placement, err);

    return status ? status : merge_many(s, d, err);
}

/* --- which table --------------------------------------------------------------------------------------- */

struct victim {
    struct domain *domain;
    struct table *table;
    uint64_t n_spare; /* bytes */
};

static void look_at_tables(struct domain *d, struct table *stuck, struct victim *largest, struct victim *own)
{
    if (d->taken_back)
        look_at_tables(d->taken_back, stuck, largest, own);
    pthread_mutex_lock(&d->mutex);
    for (size_t i = 0; i < d->n_tables && !d->is_left_out; i++) {
        struct victim v = {d, d->tables[i].table, table_n_spare_bytes(d->tables[i].table)};

        if (v.table == stuck)
            *own = v;
        if (v.n_spare > largest->n_spare)
            *largest = v;
    }
    pthread_mutex_unlock(&d->mutex);
}

/* The stuck one if it is at least half as large as the largest: it will need its memory again. */
static struct victim choose(struct spill *s, struct table *stuck)
{
    struct victim largest = {0}, own = {0};

    for (size_t i = 0; i < s->n_domains; i++)
        look_at_tables(&s->domains[i], stuck, &largest, &own);
    return own.table && own.n_spare >= largest.n_spare / 2 ? own : largest;
}

static enum emx_status spill_victim(struct spiller *s, const struct victim *v, bool shrink, struct emx_error *err)
{
    struct table_adder *adder = aligned_alloc(64, (sizeof(*adder) + 63) / 64 * 64);
    enum emx_status status, left;

    if (!adder)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory to spill a table");
    *adder = (struct table_adder){0};
    do {
        table_enter(v->table, adder, true);
        domain_count_spilled(v->domain, v->table);
        status = table_n_used(v->table) ? spill_table(s, v->domain, v->table, placement_here(), err) : EMX_OK;
        table_empty(v->table, shrink);
        left = table_leave(adder, status ? NULL : err);
        /* keys that this thread moved, while it waited for the table to grow, may find it too small now, or filled */
    } while (!status && left == EMX_ERR_MEMORY && table_has_spilled(adder));
    table_adder_finish(adder);
    free(adder);
    return status ? status : left;
}

/* Called with the mutex. */
static enum emx_status make_room(struct spiller *s, struct table *stuck, struct emx_error *err)
{
    struct spill *spill = s->spill;
    struct victim v = choose(spill, stuck);
    enum emx_status status;

    if (spill->n_sealing && v.n_spare < spill->budget->limit / SMALL_PART) {
        pthread_cond_wait(&spill->sealed, &spill->mutex);
        return EMX_OK;
    }
    if (!v.table)
        return emx_fail(err, EMX_ERR_MEMORY, "the memory limit leaves no room for pair tables: raise --memory");
    status = spill_victim(s, &v, v.table != stuck, err);
    spill->n_spilled++;
    return status;
}

enum emx_status spill_make_room(struct spiller *s, struct table *stuck, uint64_t n_spilled, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    pthread_mutex_lock(&s->spill->mutex);
    if (s->spill->n_spilled == n_spilled)
        status = make_room(s, stuck, err);
    pthread_mutex_unlock(&s->spill->mutex);
    return status;
}

static void leave_out(struct domain *d)
{
    if (d->taken_back)
        leave_out(d->taken_back);
    pthread_mutex_lock(&d->mutex);
    d->is_left_out = true;
    pthread_mutex_unlock(&d->mutex);
}

void spill_leave_out(struct spill *s, struct domain *d)
{
    pthread_mutex_lock(&s->mutex); /* nobody is spilling one of its tables now, */
    leave_out(d);                  /* and nobody will */
    s->n_sealing++;
    pthread_mutex_unlock(&s->mutex);
}

void spill_sealed(struct spill *s)
{
    pthread_mutex_lock(&s->mutex);
    s->n_sealing--;
    pthread_cond_broadcast(&s->sealed);
    pthread_mutex_unlock(&s->mutex);
}

enum emx_status spill_domain(struct spiller *s, struct domain *d, const struct placement *placement, bool release,
                             struct emx_error *err)
{
    struct table **tables = calloc(d->n_tables + 1, sizeof(struct table *));
    size_t n = 0;
    enum emx_status status = EMX_OK;

    if (!tables)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory to spill tables");
    for (size_t i = 0; i < d->n_tables; i++) {
        if (table_n_used(d->tables[i].table))
            tables[n++] = d->tables[i].table;
    }
    if (n)
        status = add_run(s, d, tables, n, placement, err);
    for (size_t i = 0; i < n && !release; i++) {
        domain_count_spilled(d, tables[i]);
        table_empty(tables[i], false);
    }
    if (release)
        domain_release_tables(d);
    free(tables);
    return status;
}

enum emx_status spill_thin_out(struct spiller *s, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    pthread_mutex_lock(&s->spill->mutex);
    for (size_t i = 0; i < s->spill->n_domains && !status; i++) {
        struct domain *d = &s->spill->domains[i];

        status = merge_many(s, d, err);
        if (!status && d->taken_back)
            status = merge_many(s, d->taken_back, err);
    }
    pthread_mutex_unlock(&s->spill->mutex);
    return status;
}

enum emx_status spill_rest(struct spiller *s, struct domain *d, const struct placement *placement,
                           struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < d->n_tables && !status; i++) {
        if (table_n_used(d->tables[i].table))
            status = spill_table(s, d, d->tables[i].table, placement, err);
    }
    return status;
}
