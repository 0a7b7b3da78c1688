/* emb_npy.c - a NumPy matrix, row = token id */
#include "embed/embed.h"
#include "io/npy_header.h"

#include <string.h>

static bool npy_probe(const struct embedding_source *s)
{
    return npy_has_magic(s->bytes, s->len);
}

static bool parse_type(const char *descr, struct number_type *ret)
{
    static const enum number_kind kinds[] = {NUMBER_F16, NUMBER_F32, NUMBER_F64};
    const char *digit = strlen(descr) == 3 ? strchr("248", descr[2]) : NULL;

    if (!digit || (descr[0] != '<' && descr[0] != '>') || descr[1] != 'f')
        return false;
    *ret = (struct number_type){kinds[digit - "248"], descr[0] == '>'};
    return true;
}

static enum emx_status npy_open(const struct embedding_source *s, struct emx_embeddings *e, struct emx_error *err)
{
    size_t len = s->len < NPY_MOST_PREFIX ? s->len : NPY_MOST_PREFIX;
    struct number_type type;
    struct npy_header h;
    enum emx_status status;

    if (!npy_has_magic(s->bytes, s->len))
        return emx_fail(err, EMX_ERR_FORMAT, "%s: has no NumPy header", s->path);
    status = npy_header_read(s->path, s->bytes, len, &h, err);
    if (status)
        return status;
    if (!parse_type(h.descr, &type))
        return emx_fail(err, EMX_ERR_FORMAT, "%s: elements of type '%s' are none of f2, f4, f8", s->path, h.descr);
    if (h.n_dims != 2)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: an array of %u dimensions is no matrix of a vector for each token",
                        s->path, h.n_dims);
    if (h.fortran_order)
        return emx_fail(err, EMX_ERR_FORMAT,
                        "%s: the rows of this matrix lie across one another (fortran_order); save a copy in C order",
                        s->path);
    return embed_matrix(s, h.dims[0], h.dims[1], type, h.data_offset, e, err);
}

const struct embedding_ops embedding_npy = {
    .name = "npy",
    .probe = npy_probe,
    .open = npy_open,
};
