/*
 * columns.h - a table with aligned columns, for people
 *
 *     columns_create(headers, n) -> columns_cell() n times a row -> columns_print() -> columns_destroy()
 *
 * A header that begins with '>' makes its column right-aligned; the sign is not shown.  Cells may be UTF-8.
 * Memory failures are remembered: columns_print() then returns false.
 */
#ifndef CLI_COLUMNS_H
#define CLI_COLUMNS_H

#include <emx/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct columns;

struct columns *columns_create(const char *const *headers, size_t n); /* NULL: no memory */
void columns_cell(struct columns *c, const char *fmt, ...) EMX_PRINTF(2, 3);
bool columns_print(const struct columns *c, FILE *out);
void columns_destroy(struct columns *c);

#endif
