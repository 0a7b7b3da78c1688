/*
 * mixture_read.c - proportions out of a mixture file: entromix's own JSON, a JSON object of numbers, or CSV
 */
#include "report/mixture_read.h"

#include "io/file.h"
#include "observations/csv_rows.h"
#include "observations/real.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)64 << 20)

struct reader {
    const char *path;
    const char *const *domains; /* [n] */
    size_t n;
    double *proportion; /* [n] NAN: not seen yet */
    struct emx_error *err;
    locale_t plain;
    size_t domain_column, proportion_column; /* of CSV; SIZE_MAX until the header is read */
};

static enum emx_status put(struct reader *r, const char *name, double value)
{
    size_t i = 0;

    while (i < r->n && strcmp(r->domains[i], name) != 0)
        i++;
    if (i == r->n)
        return emx_fail(r->err, EMX_ERR_FORMAT, "%s: domain '%.255s' is not one of the law's", r->path, name);
    if (!isnan(r->proportion[i]))
        return emx_fail(r->err, EMX_ERR_FORMAT, "%s: domain '%s' occurs twice", r->path, name);
    if (!(value >= 0 && value <= 1))
        return emx_fail(r->err, EMX_ERR_RANGE, "%s: the proportion of domain '%s' is not between 0 and 1", r->path,
                        name);
    r->proportion[i] = value;
    return EMX_OK;
}

/* "domains": [{"name": ..., "proportion": ...}, ...] */
static enum emx_status read_domains(struct reader *r, const json_t *domains)
{
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < json_array_size(domains) && status == EMX_OK; i++) {
        const json_t *d = json_array_get(domains, i), *p = json_object_get(d, "proportion");
        const char *name = json_string_value(json_object_get(d, "name"));

        if (!name || !json_is_number(p))
            return emx_fail(r->err, EMX_ERR_FORMAT, "%s: domain %zu has no 'name' or no 'proportion'", r->path, i + 1);
        status = put(r, name, json_number_value(p));
    }
    return status;
}

static enum emx_status read_object(struct reader *r, json_t *object)
{
    const char *name;
    json_t *value;
    enum emx_status status = EMX_OK;

    json_object_foreach(object, name, value)
    {
        if (!json_is_number(value))
            return emx_fail(r->err, EMX_ERR_FORMAT, "%s: '%.255s' is no number", r->path, name);
        status = put(r, name, json_number_value(value));
        if (status != EMX_OK)
            break;
    }
    return status;
}

static enum emx_status read_json(struct reader *r, const char *text, size_t len)
{
    json_error_t error = {0};
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    enum emx_status status;

    if (!root && json_error_code(&error) == json_error_out_of_memory)
        return emx_fail(r->err, EMX_ERR_MEMORY, "%s: out of memory", r->path);
    if (!root)
        return emx_fail(r->err, EMX_ERR_FORMAT, "%s: line %d: is no JSON: %s", r->path, error.line, error.text);
    if (json_is_array(json_object_get(root, "domains")))
        status = read_domains(r, json_object_get(root, "domains"));
    else if (json_is_object(root))
        status = read_object(r, root);
    else
        status = emx_fail(r->err, EMX_ERR_FORMAT, "%s: is no JSON object", r->path);
    json_decref(root);
    return status;
}

static enum emx_status read_header(struct reader *r, const struct csv_row *row)
{
    for (size_t i = 0; i < row->n; i++) {
        if (strcmp(row->fields[i], "domain") == 0)
            r->domain_column = i;
        if (strcmp(row->fields[i], "proportion") == 0 || strcmp(row->fields[i], "weight") == 0)
            r->proportion_column = i;
    }
    if (r->domain_column == SIZE_MAX || r->proportion_column == SIZE_MAX)
        return emx_fail(r->err, EMX_ERR_FORMAT, "%s: row %zu: has no columns 'domain' and 'proportion'", r->path,
                        row->number);
    return EMX_OK;
}

static enum emx_status on_row(const struct csv_row *row, void *context, struct emx_error *err)
{
    struct reader *r = context;
    double value;

    if (r->domain_column == SIZE_MAX)
        return read_header(r, row);
    if (row->n <= r->domain_column || row->n <= r->proportion_column)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: row %zu has %zu columns only", r->path, row->number, row->n);
    if (real_parse(row->fields[r->proportion_column], r->plain, &value) != REAL_NUMBER)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: row %zu, column 'proportion': '%.40s' is not a number", r->path,
                        row->number, row->fields[r->proportion_column]);
    return put(r, row->fields[r->domain_column], value);
}

static enum emx_status read_csv(struct reader *r, const char *text, size_t len)
{
    enum emx_status status;

    r->plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!r->plain)
        return emx_fail(r->err, EMX_ERR_MEMORY, "%s: out of memory", r->path);
    status = csv_rows_read(r->path, text, len, on_row, r, r->err);
    freelocale(r->plain);
    return status;
}

static enum emx_status check(struct reader *r)
{
    double sum = 0;

    for (size_t i = 0; i < r->n; i++) {
        if (isnan(r->proportion[i]))
            return emx_fail(r->err, EMX_ERR_FORMAT, "%s: has no proportion of domain '%s'", r->path, r->domains[i]);
        sum += r->proportion[i];
    }
    if (!(fabs(sum - 1) <= 1e-6))
        return emx_fail(r->err, EMX_ERR_RANGE, "%s: the proportions sum to %.9g, not to 1", r->path, sum);
    return EMX_OK;
}

enum emx_status mixture_parse(const char *path, const char *text, size_t len, const char *const *domains, size_t n,
                              double *ret, struct emx_error *err)
{
    struct reader r = {path, domains, n, ret, err, (locale_t)0, SIZE_MAX, SIZE_MAX};
    const char *begin = text + strspn(text, " \t\r\n");
    enum emx_status status;

    for (size_t i = 0; i < n; i++)
        ret[i] = NAN;
    status = *begin == '{' || *begin == '[' ? read_json(&r, text, len) : read_csv(&r, text, len);
    return status == EMX_OK ? check(&r) : status;
}

enum emx_status emx_mixture_read(const char *path, const char *const *domains, size_t n_domains, double *ret_proportion,
                                 struct emx_error *err)
{
    char *text = NULL;
    size_t len;
    uint64_t xxh3;
    enum emx_status status = file_load(NULL, path, FILE_BYTES_MAX, &text, &len, &xxh3, err);

    if (status == EMX_OK)
        status = mixture_parse(strcmp(path, "-") == 0 ? "standard input" : path, text, len, domains, n_domains,
                               ret_proportion, err);
    free(text);
    return status;
}
