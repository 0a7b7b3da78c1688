/*
 * csv_rows.h - the rows of a CSV file (RFC 4180), each told when it is whole
 *
 * The only user of libcsv.  Strict: a quote within a field that does not begin with one, text behind a closing quote
 * and a file that ends within quotes are errors; spaces around a field that is not quoted are dropped.  Lines end in
 * LF, CRLF or CR; a byte order mark is skipped; empty lines count as rows but are not told.
 */
#ifndef OBSERVATIONS_CSV_ROWS_H
#define OBSERVATIONS_CSV_ROWS_H

#include <emx/status.h>
#include <stddef.h>

#define CSV_FIELDS_MAX ((size_t)4096)
#define CSV_ROW_BYTES_MAX ((size_t)1 << 20)

struct csv_row {
    size_t number; /* from 1 */
    size_t n;      /* > 0 */
    const char *const *fields;
};

/* Strings are valid within the call.  Anything but EMX_OK ends the reading. */
typedef enum emx_status csv_row_fn(const struct csv_row *row, void *context, struct emx_error *err);

/*
 * `name` is for messages.  EMX_ERR_FORMAT for what is no CSV or has a NUL byte, EMX_ERR_RANGE past the limits above,
 * EMX_ERR_MEMORY, and what `tell` returns.
 */
EMX_CHECKED enum emx_status csv_rows_read(const char *name, const char *data, size_t len, csv_row_fn *tell,
                                          void *context, struct emx_error *err);

#endif
