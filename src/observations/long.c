/*
 * long.c - tables with a row a domain of an evaluation, in any order
 *
 * Rows are kept until the end, then sorted by run and step: each run's proportions and each evaluation's losses
 * stand together then.
 */
#include "observations/table_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A domain's number, SIZE_MAX if it is not wanted. */
static enum emx_status find_domain(struct table_reader *t, const struct csv_row *row, size_t *ret)
{
    const char *name = row->fields[t->header.domain], *fault = header_name_fault(name);

    if (fault)
        return emx_fail(t->err, EMX_ERR_FORMAT, "%s: row %zu, column 'domain': the name of a domain %s", t->path,
                        row->number, fault);
    *ret = t->options->n_domains > 0 ? names_find(&t->domains, name) : names_add(&t->domains, name);
    if (t->options->n_domains > 0)
        return EMX_OK;
    if (*ret == SIZE_MAX)
        return reader_no_memory(t);
    if (*ret >= CSV_FIELDS_MAX)
        return emx_fail(t->err, EMX_ERR_RANGE, "%s: row %zu, column 'domain': there are more than 4096 domains",
                        t->path, row->number);
    return EMX_OK;
}

static enum emx_status keep(struct table_reader *t, const struct long_entry *entry)
{
    if (t->n_entries == t->entries_cap) {
        size_t cap = 2 * t->entries_cap + 64;
        struct long_entry *grown = reallocarray(t->entries, cap, sizeof(*grown));

        if (!grown)
            return reader_no_memory(t);
        t->entries = grown;
        t->entries_cap = cap;
    }
    t->entries[t->n_entries++] = *entry;
    return EMX_OK;
}

enum emx_status long_row(struct table_reader *t, const struct csv_row *row)
{
    struct long_entry entry = {.row = row->number};
    enum emx_status status = find_domain(t, row, &entry.domain);

    if (status != EMX_OK || entry.domain == SIZE_MAX)
        return status;
    entry.run = names_add(&t->runs, row->fields[t->header.run]);
    if (entry.run == SIZE_MAX)
        return reader_no_memory(t);
    status = cell_step(t, row, &entry.step);
    if (status == EMX_OK)
        status = cell_proportion(t, row, t->header.proportion, &entry.proportion);
    if (status == EMX_OK)
        status = cell_loss(t, row, t->header.loss, true, &entry.loss);
    return status == EMX_OK ? keep(t, &entry) : status;
}

static int compare_entries(const void *a, const void *b)
{
    const struct long_entry *x = a, *y = b;

    if (x->run != y->run)
        return x->run < y->run ? -1 : 1;
    if (x->step != y->step)
        return x->step < y->step ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* One run's entries, and scratch for its numbers. */
struct run {
    const struct long_entry *entries; /* [n] */
    size_t n;
    double *proportion, *loss; /* [m] each */
    const size_t *place;       /* [m] of a domain among the scored, SIZE_MAX if it is not */
    bool *seen;                /* [m] scratch: domains of one step */
};

static enum emx_status read_proportions(struct table_reader *t, const struct run *r)
{
    size_t m = t->evaluations.m;

    for (size_t i = 0; i < m; i++)
        r->proportion[i] = NAN;
    for (size_t i = 0; i < r->n; i++) {
        const struct long_entry *e = &r->entries[i];
        double *p = &r->proportion[e->domain];

        if (!isnan(*p) && !(fabs(*p - e->proportion) <= SAME_TOLERANCE))
            return emx_fail(t->err, EMX_ERR_FORMAT,
                            "%s: row %zu, column '%s': domain '%s' has another proportion in other rows of run '%s'",
                            t->path, e->row, t->header.names[t->header.proportion], t->domains.names[e->domain],
                            t->runs.names[e->run]);
        if (isnan(*p))
            *p = e->proportion;
    }
    for (size_t i = 0; i < m; i++) {
        if (isnan(r->proportion[i]))
            return emx_fail(t->err, EMX_ERR_FORMAT,
                            "%s: row %zu, column 'domain': run '%s' has no row of domain '%s', which other runs have",
                            t->path, r->entries[0].row, t->runs.names[r->entries[0].run], t->domains.names[i]);
    }
    return EMX_OK;
}

/* Losses of the n entries of one step; *ret_whole is whether all scored domains have one. */
static enum emx_status read_losses(struct table_reader *t, const struct run *r, const struct long_entry *e, size_t n,
                                   bool *ret_whole)
{
    size_t k = t->evaluations.k, missing = k;
    enum emx_status status = EMX_OK;

    memset(r->seen, 0, t->evaluations.m * sizeof(*r->seen));
    for (size_t i = 0; i < k; i++)
        r->loss[i] = NAN;
    for (size_t i = 0; i < n && status == EMX_OK; i++) {
        if (r->seen[e[i].domain])
            status = emx_fail(t->err, EMX_ERR_FORMAT,
                              "%s: row %zu, column '%s': domain '%s' of run '%s' has this step in an earlier row",
                              t->path, e[i].row, t->header.names[t->header.step], t->domains.names[e[i].domain],
                              t->runs.names[e[i].run]);
        r->seen[e[i].domain] = true;
        if (r->place[e[i].domain] != SIZE_MAX)
            r->loss[r->place[e[i].domain]] = e[i].loss;
    }
    for (size_t i = 0; i < k; i++)
        missing -= !isnan(r->loss[i]);
    *ret_whole = missing == 0;
    return status;
}

static enum emx_status missing_loss(struct table_reader *t, const struct run *r, const struct long_entry *e)
{
    size_t domain = 0;

    while (r->place[domain] == SIZE_MAX || !isnan(r->loss[r->place[domain]]))
        domain++;
    return emx_fail(t->err, EMX_ERR_FORMAT,
                    "%s: row %zu, column 'loss': run '%s' has no loss of domain '%s' at this step; --drop-missing "
                    "leaves such evaluations out",
                    t->path, e->row, t->runs.names[e->run], t->domains.names[domain]);
}

/* The n entries of one step of the run. */
static enum emx_status add_evaluation(struct table_reader *t, const struct run *r, const struct long_entry *e, size_t n,
                                      size_t run)
{
    bool whole = false;
    enum emx_status status = read_losses(t, r, e, n, &whole);

    if (status != EMX_OK)
        return status;
    if (whole)
        return evaluations_add(t, run, e->row, e->step, r->loss);
    t->n_missing++;
    return t->options->drop_missing ? EMX_OK : missing_loss(t, r, e);
}

static enum emx_status add_run(struct table_reader *t, const struct run *r)
{
    size_t run = 0;
    enum emx_status status = read_proportions(t, r);

    if (status == EMX_OK)
        status = evaluations_add_run(t, r->proportion, r->entries[0].row, &run);
    for (size_t i = 0, n; i < r->n && status == EMX_OK; i += n) {
        n = 1;
        while (i + n < r->n && r->entries[i + n].step == r->entries[i].step)
            n++;
        status = add_evaluation(t, r, r->entries + i, n, run);
    }
    return status;
}

static enum emx_status add_runs(struct table_reader *t, struct run *r)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < t->n_entries && status == EMX_OK; i += r->n) {
        r->entries = t->entries + i;
        r->n = 1;
        while (i + r->n < t->n_entries && r->entries[r->n].run == r->entries[0].run)
            r->n++;
        status = add_run(t, r);
    }
    return status;
}

/* Which domains are scored: those that have a loss anywhere. */
static void find_scored(struct table_reader *t, size_t *place)
{
    for (size_t i = 0; i < t->evaluations.m; i++)
        place[i] = SIZE_MAX;
    for (size_t i = 0; i < t->n_entries; i++) {
        if (!isnan(t->entries[i].loss))
            place[t->entries[i].domain] = 0;
    }
    for (size_t i = 0; i < t->evaluations.m; i++) {
        if (place[i] == 0)
            place[i] = t->evaluations.k++;
    }
}

static enum emx_status check_domains(struct table_reader *t, bool *seen)
{
    for (size_t i = 0; i < t->n_entries; i++)
        seen[t->entries[i].domain] = true;
    for (size_t i = 0; i < t->domains.n; i++) {
        if (!seen[i])
            return emx_fail(t->err, EMX_ERR_ARG, "%s: column 'domain': no row is of '%s'", t->path,
                            t->domains.names[i]);
    }
    return EMX_OK;
}

static enum emx_status finish(struct table_reader *t, struct run *r, size_t *place)
{
    enum emx_status status = check_domains(t, r->seen);

    if (status != EMX_OK)
        return status;
    qsort(t->entries, t->n_entries, sizeof(*t->entries), compare_entries);
    find_scored(t, place);
    if (t->evaluations.k == 0)
        return emx_fail(t->err, EMX_ERR_EMPTY, "%s: column 'loss': no row has a loss", t->path);
    for (size_t i = 0; i < t->domains.n; i++)
        t->scored[i] = place[i] != SIZE_MAX;
    return add_runs(t, r);
}

enum emx_status long_finish(struct table_reader *t)
{
    const size_t m = t->domains.n;
    double *numbers = calloc(2 * m + 1, sizeof(*numbers));
    size_t *place = calloc(m + 1, sizeof(*place));
    struct run r = {.proportion = numbers, .loss = numbers ? numbers + m : NULL, .place = place};
    enum emx_status status = EMX_OK;

    t->evaluations.m = m;
    r.seen = calloc(m + 1, sizeof(*r.seen));
    t->scored = calloc(m + 1, sizeof(*t->scored));
    if (!numbers || !place || !r.seen || !t->scored)
        status = reader_no_memory(t);
    else if (t->n_entries > 0)
        status = finish(t, &r, place);
    free(numbers);
    free(place);
    free(r.seen);
    return status;
}
