/* wide.c - tables with a row an evaluation */
#include "observations/table_reader.h"

#include <math.h>
#include <stdlib.h>

enum emx_status wide_begin(struct table_reader *t)
{
    struct evaluations *e = &t->evaluations;

    e->m = t->header.n_domains;
    t->scratch = calloc(2 * e->m, sizeof(*t->scratch));
    t->scored = calloc(e->m, sizeof(*t->scored));
    if (!t->scratch || !t->scored)
        return reader_no_memory(t);
    for (size_t i = 0; i < e->m; i++) {
        t->scored[i] = t->header.domains[i].loss != NO_COLUMN;
        e->k += t->scored[i];
    }
    return EMX_OK;
}

/* Read proportion[m] and loss[k]. */
static enum emx_status read_numbers(struct table_reader *t, const struct csv_row *row, double *proportion, double *loss)
{
    const struct header *h = &t->header;
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < h->n_domains && status == EMX_OK; i++)
        status = cell_proportion(t, row, h->domains[i].proportion, &proportion[i]);
    for (size_t i = 0, k = 0; i < h->n_domains && status == EMX_OK; i++) {
        if (h->domains[i].loss != NO_COLUMN)
            status = cell_loss(t, row, h->domains[i].loss, false, &loss[k++]);
    }
    return status;
}

static bool any_missing(const double *loss, size_t k)
{
    while (k > 0 && !isnan(loss[k - 1]))
        k--;
    return k > 0;
}

/* The run of these proportions: usually that of the row before. */
static enum emx_status find_by_proportions(struct table_reader *t, const double *proportion, size_t row, size_t *ret)
{
    const struct evaluations *e = &t->evaluations;

    if (e->n > 0 && evaluations_differ(e, e->run[e->n - 1], proportion) == e->m) {
        *ret = e->run[e->n - 1];
        return EMX_OK;
    }
    *ret = evaluations_find_run(e, proportion);
    return *ret < e->n_runs ? EMX_OK : evaluations_add_run(t, proportion, row, ret);
}

static enum emx_status find_by_name(struct table_reader *t, const struct csv_row *row, const double *proportion,
                                    size_t *ret)
{
    const struct evaluations *e = &t->evaluations;
    size_t differs, run = names_add(&t->runs, row->fields[t->header.run]);

    if (run == SIZE_MAX)
        return reader_no_memory(t);
    if (run == e->n_runs)
        return evaluations_add_run(t, proportion, row->number, ret);
    differs = evaluations_differ(e, run, proportion);
    if (differs < e->m)
        return emx_fail(t->err, EMX_ERR_FORMAT,
                        "%s: row %zu, column '%s': run '%s' has another proportion than in row %zu", t->path,
                        row->number, t->header.names[t->header.domains[differs].proportion], t->runs.names[run],
                        e->first_row[run]);
    *ret = run;
    return EMX_OK;
}

enum emx_status wide_row(struct table_reader *t, const struct csv_row *row)
{
    double *proportion = t->scratch, *loss = t->scratch + t->evaluations.m, step;
    size_t run = 0;
    enum emx_status status = cell_step(t, row, &step);

    if (status == EMX_OK)
        status = read_numbers(t, row, proportion, loss);
    if (status != EMX_OK)
        return status;
    if (any_missing(loss, t->evaluations.k)) {
        t->n_missing++;
        return EMX_OK;
    }
    if (t->header.run == NO_COLUMN)
        status = find_by_proportions(t, proportion, row->number, &run);
    else
        status = find_by_name(t, row, proportion, &run);
    return status == EMX_OK ? evaluations_add(t, run, row->number, step, loss) : status;
}
