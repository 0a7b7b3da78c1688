/*
 * columns.c - a table with aligned columns, for people
 */
#include "columns.h"

#include "human.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct columns {
    size_t n_columns, n_cells, cap;
    char **cells;  /* [n_cells] row after row, the headers first */
    bool *right;   /* [n_columns] */
    size_t *width; /* [n_columns] */
    bool failed;
};

static void add_cell(struct columns *c, char *cell)
{
    size_t column = c->n_cells % c->n_columns;

    if (c->n_cells == c->cap) {
        size_t cap = 2 * c->cap + c->n_columns;
        char **grown = reallocarray(c->cells, cap, sizeof(*grown));

        if (!grown)
            goto fail;
        c->cells = grown;
        c->cap = cap;
    }
    if (!cell)
        goto fail;
    c->cells[c->n_cells++] = cell;
    if (human_width(cell) > c->width[column])
        c->width[column] = human_width(cell);
    return;
fail:
    free(cell);
    c->failed = true;
}

struct columns *columns_create(const char *const *headers, size_t n)
{
    struct columns *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->n_columns = n;
    c->right = calloc(n, sizeof(*c->right));
    c->width = calloc(n, sizeof(*c->width));
    if (!c->right || !c->width) {
        columns_destroy(c);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        c->right[i] = headers[i][0] == '>';
        add_cell(c, strdup(headers[i] + c->right[i]));
    }
    return c;
}

void columns_destroy(struct columns *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n_cells; i++)
        free(c->cells[i]);
    free(c->cells);
    free(c->right);
    free(c->width);
    free(c);
}

void columns_cell(struct columns *c, const char *fmt, ...)
{
    char *raw;
    va_list args;
    int len;

    va_start(args, fmt);
    len = vasprintf(&raw, fmt, args);
    va_end(args);
    if (len < 0) {
        c->failed = true;
        return;
    }
    add_cell(c, human_printable(raw));
    free(raw);
}

static void print_cell(const struct columns *c, size_t i, FILE *out)
{
    size_t column = i % c->n_columns;
    int padding = (int)(c->width[column] - human_width(c->cells[i]));
    bool last = column + 1 == c->n_columns;

    if (c->right[column])
        fprintf(out, "%*s", padding, "");
    fputs(c->cells[i], out);
    if (!c->right[column] && !last)
        fprintf(out, "%*s", padding, "");
    fputs(last ? "\n" : "  ", out);
}

bool columns_print(const struct columns *c, FILE *out)
{
    for (size_t i = 0; i < c->n_cells && !c->failed; i++)
        print_cell(c, i, out);
    return !c->failed;
}
