#include "io/npy_header.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_HEADER = 10000 /* NumPy's own limit */, PREFIX_V1 = 10, PREFIX_V2 = 12 };
_Static_assert(NPY_MOST_PREFIX == PREFIX_V2 + MOST_HEADER, "all of a header can be seen");

static const char magic[] = "\x93NUMPY";

bool npy_has_magic(const void *head, size_t len)
{
    return len >= sizeof(magic) - 1 && memcmp(head, magic, sizeof(magic) - 1) == 0;
}

/* --- the dictionary: a Python literal with exactly three keys ------------------------------------------ */

struct cursor {
    char *p, *end;
};

static void skip_space(struct cursor *c)
{
    while (c->p < c->end && isspace((unsigned char)*c->p))
        c->p++;
}

static bool take(struct cursor *c, char wanted)
{
    skip_space(c);
    if (c->p == c->end || *c->p != wanted)
        return false;
    c->p++;
    return true;
}

/* 'text' or "text", cut out in place; NULL if there is none. */
static char *take_string(struct cursor *c)
{
    char quote, *text;

    skip_space(c);
    if (c->p == c->end || (*c->p != '\'' && *c->p != '"'))
        return NULL;
    quote = *c->p++;
    text = c->p;
    while (c->p < c->end && *c->p != quote)
        c->p++;
    if (c->p == c->end)
        return NULL;
    *c->p++ = 0;
    return text;
}

static bool take_bool(struct cursor *c, bool *ret)
{
    skip_space(c);
    *ret = c->end - c->p >= 4 && memcmp(c->p, "True", 4) == 0;
    if (!*ret && !(c->end - c->p >= 5 && memcmp(c->p, "False", 5) == 0))
        return false;
    c->p += *ret ? 4 : 5;
    return true;
}

static bool take_dimension(struct cursor *c, uint64_t *ret)
{
    uint64_t n = 0;

    skip_space(c);
    if (c->p == c->end || !isdigit((unsigned char)*c->p))
        return false;
    for (; c->p < c->end && isdigit((unsigned char)*c->p); c->p++) {
        if (n > (UINT64_MAX >> 5) / 10)
            return false;
        n = n * 10 + (uint64_t)(*c->p - '0');
    }
    if (c->p < c->end && *c->p == 'L') /* Python 2 */
        c->p++;
    *ret = n;
    return true;
}

static bool take_shape(struct cursor *c, struct npy_header *h)
{
    uint64_t n;

    h->n_elements = 1;
    if (!take(c, '('))
        return false;
    while (!take(c, ')')) {
        if (!take_dimension(c, &n) || (n && h->n_elements > (UINT64_MAX >> 5) / n))
            return false;
        h->n_elements *= n;
        if (h->n_dims < 2)
            h->dims[h->n_dims] = n;
        h->n_dims++;
        if (!take(c, ',') && !(take(c, ')') && h->n_dims > 1))
            return false;
        if (c->p[-1] == ')')
            break;
    }
    return true;
}

/* "<u2"; a longer one is of something else than numbers, and cut off. */
static bool take_descr(struct cursor *c, struct npy_header *h)
{
    const char *descr = take_string(c);

    if (descr)
        snprintf(h->descr, sizeof(h->descr), "%s", descr);
    return descr;
}

static bool parse_dictionary(struct cursor *c, struct npy_header *h)
{
    bool seen_descr = false, seen_order = false, seen_shape = false;

    if (!take(c, '{'))
        return false;
    while (!take(c, '}')) {
        char *key = take_string(c);

        if (!key || !take(c, ':'))
            return false;
        if (strcmp(key, "descr") == 0 && !seen_descr)
            seen_descr = take_descr(c, h);
        else if (strcmp(key, "fortran_order") == 0 && !seen_order)
            seen_order = take_bool(c, &h->fortran_order);
        else if (strcmp(key, "shape") == 0 && !seen_shape)
            seen_shape = take_shape(c, h);
        else
            return false;
        if (!take(c, ',')) {
            if (!take(c, '}'))
                return false;
            break;
        }
    }
    return seen_descr && seen_order && seen_shape;
}

/* --- the file's beginning ------------------------------------------------------------------------------ */

static enum emx_status read_dictionary(const char *path, const unsigned char *text, size_t len, struct npy_header *ret,
                                       struct emx_error *err)
{
    char *copy = malloc(len + 1);
    struct cursor c = {copy, copy + len};
    bool parsed;

    if (!copy)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    memcpy(copy, text, len);
    copy[len] = 0;
    parsed = parse_dictionary(&c, ret);
    free(copy);
    if (!parsed)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: the NumPy header at byte %llu is not a description of plain numbers",
                        path, (unsigned long long)(ret->data_offset - len));
    return EMX_OK;
}

enum emx_status npy_header_read(const char *path, const void *head, size_t len, struct npy_header *ret,
                                struct emx_error *err)
{
    const unsigned char *p = head;
    size_t prefix, header_bytes;

    *ret = (struct npy_header){0};
    if (len < PREFIX_V2)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: the NumPy header is cut off at byte %zu", path, len);
    if (p[6] < 1 || p[6] > 3)
        return emx_fail(err, EMX_ERR_VERSION, "%s: NumPy format version %u.%u is not known", path, p[6], p[7]);
    prefix = p[6] == 1 ? PREFIX_V1 : PREFIX_V2;
    header_bytes = p[8] | (size_t)p[9] << 8;
    if (p[6] > 1)
        header_bytes |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
    if (header_bytes > MOST_HEADER)
        return emx_fail(err, EMX_ERR_RANGE, "%s: a NumPy header of %zu bytes is longer than %d", path, header_bytes,
                        MOST_HEADER);
    if (len < prefix + header_bytes)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: the NumPy header is cut off at byte %zu", path, len);
    ret->data_offset = prefix + header_bytes;
    return read_dictionary(path, p + prefix, header_bytes, ret, err);
}
