/*
 * read.c - a file of losses: header, rows, then everything in order
 */
#include "observations/read.h"

#include "io/file.h"
#include "observations/table_reader.h"

#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)256 << 20)

enum emx_status reader_no_memory(struct table_reader *t)
{
    return emx_fail(t->err, EMX_ERR_MEMORY, "%s: out of memory", t->path);
}

/* Domains of a long table that the caller named. */
static enum emx_status name_domains(struct table_reader *t)
{
    for (size_t i = 0; i < t->options->n_domains; i++) {
        const char *name = t->options->domains[i], *fault = header_name_fault(name);

        if (fault)
            return emx_fail(t->err, EMX_ERR_ARG, "--domain: '%.255s' %s", name, fault);
        if (names_find(&t->domains, name) != SIZE_MAX)
            return emx_fail(t->err, EMX_ERR_ARG, "--domain: '%s' is named twice", name);
        if (names_add(&t->domains, name) == SIZE_MAX)
            return reader_no_memory(t);
    }
    return EMX_OK;
}

static enum emx_status begin(struct table_reader *t, const struct csv_row *row)
{
    enum emx_status status = header_read(t->path, row, t->options, t->plain, &t->header, t->err);

    if (status != EMX_OK)
        return status;
    if (t->extension.mixtures && t->header.run == NO_COLUMN)
        t->header.run = t->extension.left;
    return t->header.is_long ? name_domains(t) : wide_begin(t);
}

static enum emx_status read_row(struct table_reader *t, const struct csv_row *row, struct emx_error *err)
{
    if (t->header.n == 0)
        return begin(t, row);
    if (t->n_rows++ == ROWS_MAX)
        return emx_fail(err, EMX_ERR_RANGE, "%s: row %zu: there are more than %zu rows", t->path, row->number,
                        ROWS_MAX);
    if (!cells_pass(t, row)) {
        t->n_filtered++;
        return EMX_OK;
    }
    return t->header.is_long ? long_row(t, row) : wide_row(t, row);
}

static enum emx_status on_row(const struct csv_row *row, void *context, struct emx_error *err)
{
    struct table_reader *t = context;
    struct csv_row extended;
    enum emx_status status = extend_row(&t->extension, t->path, row, &extended, err);

    return status == EMX_OK ? read_row(t, &extended, err) : status;
}

static enum emx_status add_domain(struct table_reader *t, const char *name, bool scored, struct emx_observations *o)
{
    o->domains[o->n_domains] = strdup(name);
    if (!o->domains[o->n_domains])
        return reader_no_memory(t);
    if (scored)
        o->scored[o->n_scored++] = o->n_domains;
    o->n_domains++;
    return EMX_OK;
}

static enum emx_status add_domains(struct table_reader *t, struct emx_observations *o)
{
    const size_t m = t->evaluations.m;
    enum emx_status status = EMX_OK;

    o->domains = calloc(m, sizeof(*o->domains));
    o->scored = calloc(m, sizeof(*o->scored));
    if (!o->domains || !o->scored)
        return reader_no_memory(t);
    for (size_t i = 0; i < m && status == EMX_OK; i++)
        status = add_domain(t, t->header.is_long ? t->domains.names[i] : t->header.domains[i].name, t->scored[i], o);
    return status;
}

static enum emx_status no_rows(struct table_reader *t)
{
    if (t->header.n == 0)
        return emx_fail(t->err, EMX_ERR_EMPTY, "%s: is empty", t->path);
    return emx_fail(t->err, EMX_ERR_EMPTY,
                    "%s: no row is left of %zu: --where leaves out %zu, and %zu ha%s a missing loss", t->path,
                    t->n_rows, t->n_filtered, t->n_missing, t->n_missing == 1 ? "s" : "ve");
}

static enum emx_status finish(struct table_reader *t, struct emx_observations *o)
{
    enum emx_status status = EMX_OK;

    if (t->header.is_long)
        status = long_finish(t);
    if (status != EMX_OK)
        return status;
    if (t->evaluations.n == 0)
        return no_rows(t);
    o->source = strdup(t->path);
    o->step_name = strdup(t->header.names[t->header.step]);
    if (!o->source || !o->step_name)
        return reader_no_memory(t);
    o->n_filtered = t->n_filtered;
    o->n_missing = t->n_missing;
    status = add_domains(t, o);
    return status == EMX_OK ? evaluations_finish(t, o) : status;
}

static void free_reader(struct table_reader *t)
{
    extend_finish(&t->extension);
    header_finish(&t->header);
    names_finish(&t->runs);
    names_finish(&t->domains);
    evaluations_free(&t->evaluations);
    free(t->entries);
    free(t->scored);
    free(t->scratch);
    if (t->plain)
        freelocale(t->plain);
}

static enum emx_status parse(struct table_reader *t, const char *data, size_t len, struct emx_observations **ret)
{
    struct emx_observations *o = calloc(1, sizeof(*o));
    enum emx_status status;

    t->plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!o || !t->plain)
        status = reader_no_memory(t);
    else
        status = extend_init(&t->extension, t->err);
    if (status == EMX_OK)
        status = csv_rows_read(t->path, data, len, on_row, t, t->err);
    if (status == EMX_OK)
        status = finish(t, o);
    if (status == EMX_OK)
        *ret = o;
    else
        emx_observations_destroy(&o);
    return status;
}

static enum emx_status check_options(const struct emx_observations_options *o, struct emx_error *err)
{
    if (!(o->zero_as >= 0 && o->zero_as < 1))
        return emx_fail(err, EMX_ERR_ARG, "--zero-as: %g is not between 0 and 1", o->zero_as);
    return EMX_OK;
}

enum emx_status observations_parse(const char *path, const char *data, size_t len,
                                   const struct emx_observations_options *options, struct emx_observations **ret,
                                   struct emx_error *err)
{
    struct table_reader t = {.path = path,
                             .options = options,
                             .err = err,
                             .extension = {.mixtures = options->mixture_table, .step = options->step}};
    enum emx_status status = check_options(options, err);

    if (status == EMX_OK)
        status = parse(&t, data, len, ret);
    free_reader(&t);
    return status;
}

enum emx_status emx_observations_read(const char *path, const struct emx_observations_options *options,
                                      struct emx_observations **ret, struct emx_error *err)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    char *data = NULL;
    size_t len;
    uint64_t xxh3;
    enum emx_status status = file_load(NULL, path, FILE_BYTES_MAX, &data, &len, &xxh3, err);

    if (status == EMX_OK)
        status = observations_parse(name, data, len, options, ret, err);
    free(data);
    return status;
}

static void free_names(char **names, size_t n)
{
    for (size_t i = 0; i < n && names; i++)
        free(names[i]);
    free(names);
}

void emx_observations_destroy(struct emx_observations **o)
{
    if (!*o)
        return;
    free_names((*o)->domains, (*o)->n_domains);
    free_names((*o)->mixtures, (*o)->n_mixtures);
    free((*o)->proportion);
    free((*o)->scored);
    free((*o)->mixture);
    free((*o)->step);
    free((*o)->loss);
    free((*o)->source);
    free((*o)->step_name);
    free(*o);
    *o = NULL;
}
