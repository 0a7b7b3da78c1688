/* domain_values.c - a number for each domain from a CSV file */
#include "io/file.h"
#include "observations/csv_rows.h"
#include "observations/real.h"

#include <emx/domain_values.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)64 << 20)

struct reader {
    const char *path, *column;
    const char *const *domains; /* [n] */
    size_t n;
    enum emx_others others;
    double *values; /* [n] NAN: not seen yet */
    locale_t plain;
    size_t domain_at, value_at; /* columns; SIZE_MAX until the header is read */
};

static enum emx_status read_header(struct reader *r, const struct csv_row *row, struct emx_error *err)
{
    for (size_t i = 0; i < row->n; i++) {
        if (strcmp(row->fields[i], "domain") == 0)
            r->domain_at = i;
        else if (strcmp(row->fields[i], r->column) == 0 || row->n == 2)
            r->value_at = i;
    }
    if (r->domain_at == SIZE_MAX || r->value_at == SIZE_MAX)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: row %zu: has no columns 'domain' and '%s'", r->path, row->number,
                        r->column);
    return EMX_OK;
}

static enum emx_status put(struct reader *r, size_t row, const char *name, double value, struct emx_error *err)
{
    size_t i = 0;

    while (i < r->n && strcmp(r->domains[i], name) != 0)
        i++;
    if (i == r->n && r->others == EMX_OTHERS_IGNORE)
        return EMX_OK;
    if (i == r->n)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: row %zu: domain '%.255s' is not one of those asked for", r->path, row,
                        name);
    if (!isnan(r->values[i]))
        return emx_fail(err, EMX_ERR_FORMAT, "%s: row %zu: domain '%s' occurs twice", r->path, row, name);
    if (!(value >= 0))
        return emx_fail(err, EMX_ERR_RANGE, "%s: row %zu: domain '%s' has %g, below 0", r->path, row, name, value);
    r->values[i] = value;
    return EMX_OK;
}

static enum emx_status on_row(const struct csv_row *row, void *context, struct emx_error *err)
{
    struct reader *r = context;
    double value;

    if (r->domain_at == SIZE_MAX)
        return read_header(r, row, err);
    if (row->n <= r->domain_at || row->n <= r->value_at)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: row %zu has %zu column%s only", r->path, row->number, row->n,
                        row->n == 1 ? "" : "s");
    if (real_parse(row->fields[r->value_at], r->plain, &value) != REAL_NUMBER)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: row %zu: '%.40s' is not a number", r->path, row->number,
                        row->fields[r->value_at]);
    return put(r, row->number, row->fields[r->domain_at], value, err);
}

static enum emx_status parse(struct reader *r, const char *text, size_t len, struct emx_error *err)
{
    enum emx_status status;

    r->plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!r->plain)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", r->path);
    status = csv_rows_read(r->path, text, len, on_row, r, err);
    freelocale(r->plain);
    for (size_t i = 0; i < r->n && status == EMX_OK; i++)
        if (isnan(r->values[i]))
            status = emx_fail(err, EMX_ERR_FORMAT, "%s: has no row of domain '%s'", r->path, r->domains[i]);
    return status;
}

enum emx_status emx_domain_values_read(const char *path, const char *column, const char *const *domains, size_t n,
                                       enum emx_others others, double *ret, struct emx_error *err)
{
    struct reader r = {.path = strcmp(path, "-") == 0 ? "standard input" : path,
                       .column = column,
                       .domains = domains,
                       .n = n,
                       .others = others,
                       .values = ret,
                       .domain_at = SIZE_MAX,
                       .value_at = SIZE_MAX};
    char *text = NULL;
    size_t len;
    uint64_t xxh3;
    enum emx_status status = file_load(NULL, path, FILE_BYTES_MAX, &text, &len, &xxh3, err);

    for (size_t i = 0; i < n; i++)
        ret[i] = NAN;
    if (status == EMX_OK)
        status = parse(&r, text, len, err);
    free(text);
    return status;
}
