/*
 * fmt_npy.c - true NumPy arrays, versions 1 to 3, of integers
 *
 * One dimension is a stream of tokens.  Two are rows; rows that lie one after the other are read as the same stream,
 * since packed windows are what they hold in practice: give --eod or --pairs window:N for their bounds.
 */
#include "io/format.h"

#include <ctype.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_HEADER = 10000 /* NumPy's own limit */, PREFIX_V1 = 10, PREFIX_V2 = 12 };

static const char magic[] = "\x93NUMPY";

struct npy_header {
    char *descr;
    bool fortran_order;
    unsigned n_dims;
    uint64_t n_elements;
    bool seen_descr, seen_order, seen_shape;
};

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
        h->n_dims++;
        if (!take(c, ',') && !(take(c, ')') && h->n_dims > 1))
            return false;
        if (c->p[-1] == ')')
            break;
    }
    return true;
}

static bool parse_header(struct cursor *c, struct npy_header *h)
{
    if (!take(c, '{'))
        return false;
    while (!take(c, '}')) {
        char *key = take_string(c);

        if (!key || !take(c, ':'))
            return false;
        if (strcmp(key, "descr") == 0 && !h->seen_descr)
            h->seen_descr = (h->descr = take_string(c));
        else if (strcmp(key, "fortran_order") == 0 && !h->seen_order)
            h->seen_order = take_bool(c, &h->fortran_order);
        else if (strcmp(key, "shape") == 0 && !h->seen_shape)
            h->seen_shape = take_shape(c, h);
        else
            return false;
        if (!take(c, ',')) {
            if (!take(c, '}'))
                return false;
            break;
        }
    }
    return h->seen_descr && h->seen_order && h->seen_shape;
}

/* "<u2" and the like. */
static bool parse_descr(const char *descr, struct token_type *ret)
{
    char name[8];

    if (strlen(descr) != 3 || !strchr("<>|=", descr[0]) || !strchr("ui", descr[1]) || !strchr("1248", descr[2]))
        return false;
    if (descr[2] != '1' && !strchr("<>", descr[0]))
        return false;
    snprintf(name, sizeof(name), "%c%d", descr[1], 8 * (descr[2] - '0'));
    if (!token_type_parse(name, ret))
        return false;
    ret->big_endian = descr[0] == '>' && descr[2] != '1';
    return true;
}

/* --- opening ----------------------------------------------------------------------------------------- */

static bool npy_probe(const struct file_space *space, const char *path, const void *head, size_t len)
{
    (void)space;
    (void)path;
    return len >= sizeof(magic) - 1 && memcmp(head, magic, sizeof(magic) - 1) == 0;
}

static enum emx_status describe(struct shard_open *s, const struct npy_header *h, uint64_t offset,
                                struct emx_error *err)
{
    struct token_type type;

    if (!parse_descr(h->descr, &type))
        return emx_fail(err, EMX_ERR_FORMAT, "%s: elements of type '%s' are no tokens", s->path, h->descr);
    if (h->n_dims < 1 || h->n_dims > 2)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: an array of %u dimensions is no stream of tokens", s->path,
                        h->n_dims);
    if (h->fortran_order && h->n_dims > 1)
        return emx_fail(err, EMX_ERR_FORMAT,
                        "%s: the rows of this array lie across one another (fortran_order); save a copy in C order",
                        s->path);
    s->is_flat = true;
    s->flat = (struct flat_layout){.offset = offset, .n_tokens = h->n_elements, .type = type};
    s->dtype_name = token_type_name(type);
    return format_check_size(s, err);
}

static enum emx_status npy_open(struct shard_open *s, struct emx_error *err)
{
    const unsigned char *head;
    const void *peeked;
    size_t len, prefix, header_bytes;
    struct npy_header h = {0};
    char *copy;
    struct cursor c;
    enum emx_status status = stream_peek(s->stream, &peeked, PREFIX_V2 + MOST_HEADER, &len, err);

    if (status)
        return status;
    head = peeked;
    if (len < PREFIX_V2 || memcmp(head, magic, sizeof(magic) - 1) != 0)
        return emx_fail(err, EMX_ERR_FORMAT,
                        "%s: has no NumPy header; if it is headerless, its --format is raw or dolma", s->path);
    if (head[6] < 1 || head[6] > 3)
        return emx_fail(err, EMX_ERR_VERSION, "%s: NumPy format version %u.%u is not known", s->path, head[6], head[7]);
    prefix = head[6] == 1 ? PREFIX_V1 : PREFIX_V2;
    header_bytes = head[8] | (size_t)head[9] << 8;
    if (head[6] > 1)
        header_bytes |= (size_t)head[10] << 16 | (size_t)head[11] << 24;
    if (header_bytes > MOST_HEADER)
        return emx_fail(err, EMX_ERR_RANGE, "%s: a NumPy header of %zu bytes is longer than %d", s->path, header_bytes,
                        MOST_HEADER);
    if (len < prefix + header_bytes)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: the NumPy header is cut off at byte %zu", s->path, len);
    copy = malloc(header_bytes + 1);
    if (!copy)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->path);
    memcpy(copy, head + prefix, header_bytes);
    copy[header_bytes] = 0;
    c = (struct cursor){copy, copy + header_bytes};
    if (parse_header(&c, &h))
        status = describe(s, &h, prefix + header_bytes, err);
    else
        status = emx_fail(err, EMX_ERR_FORMAT, "%s: the NumPy header at byte %zu is not a description of plain numbers",
                          s->path, prefix);
    free(copy);
    return status;
}

const struct format_ops format_npy = {
    .name = "npy",
    .summary = "NumPy .npy of integers, versions 1 to 3",
    .probe = npy_probe,
    .open = npy_open,
};
