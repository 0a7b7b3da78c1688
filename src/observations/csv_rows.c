/*
 * csv_rows.c - the one door to libcsv
 *
 * libcsv calls back for each field and each end of a row and cannot be stopped by that, so the first failure is kept
 * and the rest of a block ignored.
 */
#include "observations/csv_rows.h"

#include <csv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)64 << 10)

struct reader {
    const char *name;
    csv_row_fn *tell;
    void *context;
    struct emx_error *err;
    enum emx_status status;
    size_t number; /* of the row that is being read */
    int last_end;  /* the character that ended the row before; 0 once the row has a field */
    char *text;    /* [len] the row's fields, each ended by NUL */
    size_t len, cap;
    size_t *at; /* [n] where in text they begin */
    const char **fields;
    size_t n;
};

static void fail_row(struct reader *r, enum emx_status status, const char *cause)
{
    r->status = emx_fail(r->err, status, "%s: row %zu: %s", r->name, r->number, cause);
}

static bool reserve(struct reader *r, size_t len)
{
    char *grown;

    if (len <= r->cap - r->len)
        return true;
    grown = realloc(r->text, 2 * (r->len + len));
    if (!grown) {
        fail_row(r, EMX_ERR_MEMORY, "out of memory");
        return false;
    }
    r->text = grown;
    r->cap = 2 * (r->len + len);
    return true;
}

static void on_field(void *bytes, size_t len, void *context)
{
    struct reader *r = context;

    r->last_end = 0;
    if (r->status != EMX_OK)
        return;
    if (r->n == CSV_FIELDS_MAX) {
        fail_row(r, EMX_ERR_RANGE, "has more than 4096 columns");
    } else if (len >= CSV_ROW_BYTES_MAX - r->len) {
        fail_row(r, EMX_ERR_RANGE, "is longer than 1 MiB");
    } else if (len > 0 && memchr(bytes, '\0', len)) {
        fail_row(r, EMX_ERR_FORMAT, "has a NUL byte: this is no text");
    } else if (reserve(r, len + 1)) {
        r->at[r->n++] = r->len;
        if (len > 0)
            memcpy(r->text + r->len, bytes, len);
        r->text[r->len + len] = '\0';
        r->len += len + 1;
    }
}

/* `end` is the character that ended the row, -1 at the end of the file. */
static void on_row(int end, void *context)
{
    struct reader *r = context;
    struct csv_row row = {r->number, r->n, r->fields};

    if (r->status != EMX_OK || (end == CSV_LF && r->last_end == CSV_CR)) { /* the rest of CRLF is no row */
        r->last_end = end;
        return;
    }
    for (size_t i = 0; i < r->n; i++)
        r->fields[i] = r->text + r->at[i];
    if (r->n > 0)
        r->status = r->tell(&row, r->context, r->err);
    r->number++;
    r->n = r->len = 0;
    r->last_end = end;
}

/* What libcsv itself found wrong. */
static void check_parser(struct reader *r, struct csv_parser *p)
{
    if (r->status != EMX_OK)
        return;
    if (csv_error(p) == CSV_EPARSE)
        fail_row(r, EMX_ERR_FORMAT, "has a quote where a CSV file can have none, or one that is not closed");
    else if (csv_error(p) != CSV_SUCCESS)
        fail_row(r, EMX_ERR_MEMORY, "out of memory");
}

static void parse(struct reader *r, struct csv_parser *p, const char *data, size_t len)
{
    for (size_t at = 0, n; at < len && r->status == EMX_OK; at += n) {
        n = len - at < BLOCK_BYTES ? len - at : BLOCK_BYTES;
        if (csv_parse(p, data + at, n, on_field, on_row, r) != n)
            check_parser(r, p);
        if (csv_get_buffer_size(p) > CSV_ROW_BYTES_MAX + BLOCK_BYTES && r->status == EMX_OK)
            fail_row(r, EMX_ERR_RANGE, "is longer than 1 MiB");
    }
    if (r->status == EMX_OK && csv_fini(p, on_field, on_row, r) != 0)
        check_parser(r, p);
}

enum emx_status csv_rows_read(const char *name, const char *data, size_t len, csv_row_fn *tell, void *context,
                              struct emx_error *err)
{
    struct reader r = {.name = name, .tell = tell, .context = context, .err = err, .number = 1};
    const size_t mark = len >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    struct csv_parser p;

    if (csv_init(&p, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL) != 0)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", name);
    csv_set_blk_size(&p, 4096);
    r.at = calloc(CSV_FIELDS_MAX, sizeof(*r.at));
    r.fields = calloc(CSV_FIELDS_MAX, sizeof(*r.fields));
    if (r.at && r.fields)
        parse(&r, &p, data + mark, len - mark);
    else
        fail_row(&r, EMX_ERR_MEMORY, "out of memory");
    csv_free(&p);
    free(r.text);
    free(r.at);
    free(r.fields);
    return r.status;
}
