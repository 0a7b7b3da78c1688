/* cells.c - what a single cell may be */
#include "observations/real.h"
#include "observations/table_reader.h"

#include <math.h>
#include <string.h>

static enum emx_status fail(struct table_reader *t, enum emx_status status, const struct csv_row *row, size_t column,
                            const char *cause)
{
    return emx_fail(t->err, status, "%s: row %zu, column '%s': %s", t->path, row->number, t->header.names[column],
                    cause);
}

static enum emx_status number(struct table_reader *t, const struct csv_row *row, size_t column, double *ret)
{
    switch (real_parse(row->fields[column], t->plain, ret)) {
    case REAL_NUMBER:
        return EMX_OK;
    case REAL_MISSING:
        return fail(t, EMX_ERR_FORMAT, row, column, "the number is missing");
    case REAL_NOT_FINITE:
        return fail(t, EMX_ERR_FORMAT, row, column, "the number is not finite");
    case REAL_NONE:
        break;
    }
    return emx_fail(t->err, EMX_ERR_FORMAT, "%s: row %zu, column '%s': '%.40s' is not a number", t->path, row->number,
                    t->header.names[column], row->fields[column]);
}

enum emx_status cell_proportion(struct table_reader *t, const struct csv_row *row, size_t column, double *ret)
{
    const struct emx_observations_options *o = t->options;
    enum emx_status status = number(t, row, column, ret);

    if (status != EMX_OK)
        return status;
    if (*ret < 0 || (*ret > 1 + SUM_TOLERANCE && !o->renormalise))
        return fail(t, EMX_ERR_RANGE, row, column, "a proportion is not between 0 and 1");
    if (*ret == 0 && !o->allow_zero && !(o->zero_as > 0))
        return fail(t, EMX_ERR_RANGE, row, column,
                    "the proportion is 0, where most laws have no value; --zero-as takes it for a small one");
    return EMX_OK;
}

enum emx_status cell_step(struct table_reader *t, const struct csv_row *row, double *ret)
{
    enum emx_status status = number(t, row, t->header.step, ret);

    if (status == EMX_OK && !(*ret > 0))
        return fail(t, EMX_ERR_RANGE, row, t->header.step, "the step is not above 0");
    return status;
}

enum emx_status cell_loss(struct table_reader *t, const struct csv_row *row, size_t column, bool may_be_missing,
                          double *ret)
{
    enum real_kind kind = real_parse(row->fields[column], t->plain, ret);

    if (kind == REAL_MISSING || kind == REAL_NOT_FINITE) {
        *ret = NAN;
        if (t->options->drop_missing || (may_be_missing && kind == REAL_MISSING))
            return EMX_OK;
        return fail(t, EMX_ERR_FORMAT, row, column,
                    kind == REAL_MISSING ? "the loss is missing; --drop-missing leaves such rows out"
                                         : "the loss is not finite; --drop-missing leaves such rows out");
    }
    if (kind == REAL_NONE)
        return number(t, row, column, ret);
    return *ret > 0 ? EMX_OK : fail(t, EMX_ERR_RANGE, row, column, "the loss is not above 0");
}

bool cells_pass(const struct table_reader *t, const struct csv_row *row)
{
    for (size_t i = 0; i < t->header.n_filters; i++) {
        const struct header_filter *f = &t->header.filters[i];
        const char *field = row->fields[f->column];
        double x;

        if (f->is_number && real_parse(field, t->plain, &x) == REAL_NUMBER ? x != f->number
                                                                           : strcmp(field, f->value) != 0)
            return false;
    }
    return true;
}
