/*
 * fmt_npy.c - true NumPy arrays, versions 1 to 3, of integers
 *
 * One dimension is a stream of tokens.  Two are rows; rows that lie one after the other are read as the same stream,
 * since packed windows are what they hold in practice: give --eod or --pairs window:N for their bounds.
 */
#include "io/format.h"
#include "io/npy_header.h"

#include <stdio.h>
#include <string.h>

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
    return npy_has_magic(head, len);
}

static enum emx_status describe(struct shard_open *s, const struct npy_header *h, struct emx_error *err)
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
    s->flat = (struct flat_layout){.offset = h->data_offset, .n_tokens = h->n_elements, .type = type};
    s->dtype_name = token_type_name(type);
    return format_check_size(s, err);
}

static enum emx_status npy_open(struct shard_open *s, struct emx_error *err)
{
    const void *head;
    size_t len;
    struct npy_header h;
    enum emx_status status = stream_peek(s->stream, &head, NPY_MOST_PREFIX, &len, err);

    if (status)
        return status;
    if (!npy_has_magic(head, len))
        return emx_fail(err, EMX_ERR_FORMAT,
                        "%s: has no NumPy header; if it is headerless, its --format is raw or dolma", s->path);
    status = npy_header_read(s->path, head, len, &h, err);
    return status ? status : describe(s, &h, err);
}

const struct format_ops format_npy = {
    .name = "npy",
    .summary = "NumPy .npy of integers, versions 1 to 3",
    .probe = npy_probe,
    .open = npy_open,
};
