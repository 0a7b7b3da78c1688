/*
 * fields.c - records as cells, JSON and CSV
 */
#include "fields.h"

#include "human.h"
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

double fields_nats_per_unit(const char *unit)
{
    return strcmp(unit, "bits") == 0 ? log(2) : 1;
}

static bool is_shown(const struct fields *f, size_t i)
{
    return !(f->field[i].condition & f->hidden);
}

static bool is_in_table(const struct fields *f, size_t i, int table)
{
    return (f->field[i].tables & table) && is_shown(f, i);
}

static uint64_t count_of(const struct field *field, const void *record)
{
    return *(const uint64_t *)((const char *)record + field->at);
}

static double real_of(const struct fields *f, size_t i, const void *record)
{
    double value = *(const double *)((const char *)record + f->field[i].at);

    if (f->field[i].kind == FIELD_PERPLEXITY)
        return exp(value);
    return f->field[i].kind == FIELD_ENTROPY ? value / f->nats_per_unit : value;
}

size_t fields_headers(const struct fields *f, int table, const char **ret)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n; i++) {
        if (is_in_table(f, i, table))
            ret[n++] = f->field[i].header;
    }
    return n;
}

static void add_cell(const struct fields *f, size_t i, const void *record, struct columns *c)
{
    struct human_number n;

    if (f->field[i].kind == FIELD_COUNT)
        columns_cell(c, "%s", human_grouped(&n, count_of(&f->field[i], record)));
    else if (isnan(real_of(f, i, record)))
        columns_cell(c, "-");
    else if (f->field[i].kind == FIELD_TINY)
        columns_cell(c, "%.1e", real_of(f, i, record));
    else
        columns_cell(c, "%.*f", f->field[i].kind == FIELD_PERPLEXITY ? 2 : f->decimals, real_of(f, i, record));
}

void fields_cells(const struct fields *f, int table, const void *record, struct columns *c)
{
    for (size_t i = 0; i < f->n; i++) {
        if (is_in_table(f, i, table))
            add_cell(f, i, record, c);
    }
}

void fields_csv_header(const struct fields *f, FILE *out)
{
    for (size_t i = 0; i < f->n; i++) {
        if (is_shown(f, i))
            fprintf(out, ",%s", f->field[i].key);
    }
}

void fields_csv(const struct fields *f, const void *record, FILE *out)
{
    for (size_t i = 0; i < f->n; i++) {
        if (!is_shown(f, i))
            continue;
        if (f->field[i].kind == FIELD_COUNT)
            fprintf(out, ",%" PRIu64, count_of(&f->field[i], record));
        else if (f->spells_infinity)
            fprintf(out, ",%.17g", real_of(f, i, record));
        else
            report_csv_real(real_of(f, i, record), out);
    }
}

bool fields_json(const struct fields *f, const void *record, json_t *object)
{
    bool failed = false;

    for (size_t i = 0; i < f->n; i++) {
        if (is_shown(f, i))
            failed |=
                json_object_set_new(object, f->field[i].key,
                                    f->field[i].kind == FIELD_COUNT ? report_json_count(count_of(&f->field[i], record))
                                                                    : report_json_real(real_of(f, i, record))) != 0;
    }
    return !failed;
}
