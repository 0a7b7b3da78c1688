/*
 * extend.c - joins rows of losses with rows of mixtures
 */
#include "observations/extend.h"

#include "io/file.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)64 << 20)

static enum emx_status no_memory(const struct extension *x, struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", x->mixtures ? x->mixtures : "the table of losses");
}

static void free_row(char **row, size_t n)
{
    for (size_t i = 0; i < n && row; i++)
        free(row[i]);
    free(row);
}

static char **copy_row(const struct csv_row *row)
{
    char **copy = calloc(row->n, sizeof(*copy));

    for (size_t i = 0; i < row->n && copy; i++) {
        copy[i] = strdup(row->fields[i]);
        if (!copy[i]) {
            free_row(copy, row->n);
            return NULL;
        }
    }
    return copy;
}

static enum emx_status keep_row(const struct csv_row *row, void *context, struct emx_error *err)
{
    struct extension *x = context;

    if (x->n_rows == 0)
        x->n = row->n;
    if (row->n != x->n)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: row %zu has %zu column%s where the header has %zu", x->mixtures,
                        row->number, row->n, row->n == 1 ? "" : "s", x->n);
    if (x->n_rows > JOINED_ROWS_MAX)
        return emx_fail(err, EMX_ERR_RANGE, "%s: row %zu: there are more than %zu mixtures", x->mixtures, row->number,
                        JOINED_ROWS_MAX);
    if (x->n_rows == x->rows_cap) {
        size_t cap = 2 * x->rows_cap + 64;
        char ***grown = reallocarray(x->rows, cap, sizeof(*grown));

        if (!grown)
            return no_memory(x, err);
        x->rows = grown;
        x->rows_cap = cap;
    }
    x->rows[x->n_rows] = copy_row(row);
    if (!x->rows[x->n_rows])
        return no_memory(x, err);
    x->n_rows++;
    return EMX_OK;
}

enum emx_status extend_init(struct extension *x, struct emx_error *err)
{
    char *data = NULL;
    size_t len;
    uint64_t xxh3;
    enum emx_status status;

    if (!x->mixtures)
        return EMX_OK;
    status = file_load(NULL, x->mixtures, FILE_BYTES_MAX, &data, &len, &xxh3, err);
    if (status == EMX_OK)
        status = csv_rows_read(x->mixtures, data, len, keep_row, x, err);
    free(data);
    if (status == EMX_OK && x->n_rows == 0)
        status = emx_fail(err, EMX_ERR_EMPTY, "%s: is empty", x->mixtures);
    return status;
}

/* The one name that both headers have. */
static enum emx_status find_key(struct extension *x, const char *path, const struct csv_row *header,
                                struct emx_error *err)
{
    size_t n = 0;

    for (size_t i = 0; i < header->n; i++) {
        for (size_t j = 0; j < x->n; j++) {
            if (strcmp(header->fields[i], x->rows[0][j]) != 0)
                continue;
            x->left = i;
            x->key = j;
            n++;
        }
    }
    if (n != 1)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: has %zu columns that %s has too, and must have one, to join them",
                        x->mixtures, n, path);
    return EMX_OK;
}

static enum emx_status number_keys(struct extension *x, struct emx_error *err)
{
    for (size_t i = 1; i < x->n_rows; i++) {
        size_t number = names_add(&x->keys, x->rows[i][x->key]);

        if (number == SIZE_MAX)
            return no_memory(x, err);
        if (number != i - 1)
            return emx_fail(err, EMX_ERR_FORMAT, "%s: column '%s': two rows have '%.40s'", x->mixtures,
                            x->rows[0][x->key], x->rows[i][x->key]);
    }
    return EMX_OK;
}

static enum emx_status begin(struct extension *x, const char *path, const struct csv_row *header, struct emx_error *err)
{
    enum emx_status status = x->mixtures ? find_key(x, path, header, err) : EMX_OK;

    if (status == EMX_OK && x->mixtures)
        status = number_keys(x, err);
    if (status != EMX_OK)
        return status;
    x->n_left = header->n;
    x->fields = calloc(header->n + x->n + 1, sizeof(*x->fields));
    return x->fields ? EMX_OK : no_memory(x, err);
}

/* The row of mixtures that belongs to it, or NULL. */
static char **find_mixture(const struct extension *x, const struct csv_row *row, bool is_header)
{
    size_t number = is_header ? 0 : names_find(&x->keys, row->fields[x->left]);

    if (is_header)
        return x->rows[0];
    return number == SIZE_MAX ? NULL : x->rows[number + 1];
}

enum emx_status extend_row(struct extension *x, const char *path, const struct csv_row *row, struct csv_row *ret,
                           struct emx_error *err)
{
    bool is_header = !x->fields;
    enum emx_status status = is_header ? begin(x, path, row, err) : EMX_OK;
    size_t n = row->n;
    char **mixture;

    if (status != EMX_OK)
        return status;
    if (row->n != x->n_left)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: row %zu has %zu column%s where the header has %zu", path, row->number,
                        row->n, row->n == 1 ? "" : "s", x->n_left);
    memcpy(x->fields, row->fields, n * sizeof(*x->fields));
    if (x->mixtures) {
        mixture = find_mixture(x, row, is_header);
        if (!mixture)
            return emx_fail(err, EMX_ERR_FORMAT, "%s: row %zu: %s has no row whose '%s' is '%.40s'", path, row->number,
                            x->mixtures, x->rows[0][x->key], row->fields[x->left]);
        for (size_t i = 0; i < x->n; i++) {
            if (i != x->key)
                x->fields[n++] = mixture[i];
        }
    }
    if (x->step)
        x->fields[n++] = is_header ? "step" : x->step;
    *ret = (struct csv_row){row->number, n, x->fields};
    return EMX_OK;
}

void extend_finish(struct extension *x)
{
    for (size_t i = 0; i < x->n_rows; i++)
        free_row(x->rows[i], x->n);
    free(x->rows);
    names_finish(&x->keys);
    free(x->fields);
    *x = (struct extension){0};
}
