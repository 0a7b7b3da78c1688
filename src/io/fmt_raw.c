/* fmt_raw.c - nothing but tokens (nanoGPT and many others): the type must be told */
#include "io/format.h"

static enum emx_status raw_open(struct shard_open *s, struct emx_error *err)
{
    struct token_type type = s->options->type;
    uint64_t size = stream_size(s->stream);

    if (type.dtype == DTYPE_NONE)
        return emx_fail(err, EMX_ERR_ARG,
                        "%s: a headerless file does not say what its tokens are: give --dtype (u16, u32, ...)",
                        s->path);
    if (size != UINT64_MAX && size % dtype_size(type.dtype) != 0)
        return emx_fail(err, EMX_ERR_FORMAT, "%s: %llu bytes are no whole number of %zu-byte tokens (%s)", s->path,
                        (unsigned long long)size, dtype_size(type.dtype), token_type_name(type));
    s->is_flat = true;
    s->flat = (struct flat_layout){.n_tokens = UINT64_MAX, .type = type};
    s->dtype_name = token_type_name(type);
    return format_warn_if_wider(s, err);
}

const struct format_ops format_raw = {
    .name = "raw",
    .summary = "headerless integers, as of nanoGPT (needs --dtype)",
    .open = raw_open,
};
