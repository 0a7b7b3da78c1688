/*
 * fuzz_formats.c - arbitrary bytes as shards and the files beside them
 *
 * The first bytes say which kind of shard it is to be and how the files come about: made whole from documents of the
 * input (what comes back is known then), made and then edited, or the input itself.  Whatever a format accepts keeps
 * to the rules of io/format.h, and batches of any size give the same tokens and documents.
 */
#include "../shard_makers.h"
#include "input.h"

enum { MOST_TOKENS = 1 << 16, MOST_MADE = 2048, MOST_EDITS = 16 };

static unsigned next_u16(struct input *in)
{
    unsigned low = next_byte(in);

    return low | next_byte(in) << 8;
}

/* --- files --------------------------------------------------------------------------------------------------- */

static uint32_t made_tokens[MOST_MADE];
static uint64_t made_ends[MOST_MADE];

/* Up to 2048 tokens, in documents of two or more. */
static struct documents make_documents(struct input *in)
{
    struct documents d = {.tokens = made_tokens, .n = 2 + next_u16(in) % (MOST_MADE - 1), .ends = made_ends};
    unsigned step = next_byte(in), length = 2 + next_byte(in);

    for (size_t i = 0; i < d.n; i++)
        made_tokens[i] = (uint32_t)(i * i * step + i) & 0x7FFF;
    for (uint64_t at = 0; at < d.n; d.n_ends++) {
        at = d.n - at < length + 2 ? d.n : at + length;
        made_ends[d.n_ends] = at;
        length = 2 + (length * 7 + step) % 300;
    }
    return d;
}

static void edit(struct bytes *b, struct input *in)
{
    unsigned what = next_byte(in), at = next_u16(in);

    if (b->len == 0)
        return;
    at %= (unsigned)b->len;
    if (what == 255)
        b->len = at;
    else if (what == 254)
        put_int(b, at, 1 + at % 8);
    else if (what % 4 == 0)
        b->data[at] ^= (unsigned char)(1 << (what >> 2 & 7));
    else
        b->data[at] = (unsigned char)next_byte(in);
}

static void edit_files(struct made_shard *m, struct input *in)
{
    struct bytes *const files[] = {&m->shard.bytes, &m->side.bytes, &m->side.bytes, &m->metadata.bytes};

    for (int i = 0; i < MOST_EDITS && in->left; i++)
        edit(files[next_byte(in) % 4], in);
}

static void take_file(struct made_file *f, struct input *in, size_t len)
{
    len = len < in->left ? len : in->left;
    f->bytes.len = 0;
    bytes_room(&f->bytes, 1);
    put(&f->bytes, in->data, len);
    in->data += len;
    in->left -= len;
}

/* --- reading ------------------------------------------------------------------------------------------------- */

struct contents {
    enum emx_status status;
    uint32_t tokens[MOST_TOKENS];
    size_t n;
    uint64_t ends[MOST_TOKENS];
    size_t n_ends;
    bool is_whole; /* not only what there is room for */
};

static void check_index(const struct document_index *index)
{
    require(index->n == 0 || index->ends, "an index has its ends");
    for (size_t i = 0; i < index->n; i++)
        require(index->ends[i] > (i ? index->ends[i - 1] : 0), "ends rise");
}

static enum emx_status read_flat(struct shard_open *s, struct contents *c, struct emx_error *err)
{
    static unsigned char bytes[MOST_TOKENS * 8];
    size_t item = dtype_size(s->flat.type.dtype), cap = MOST_TOKENS * item, n;
    enum emx_status status;

    require(item > 0, "a flat format has a type");
    require(stream_position(s->stream) <= s->flat.offset, "the stream is not beyond the first token");
    check_index(&s->index);
    status = stream_skip(s->stream, s->flat.offset - stream_position(s->stream), err);
    if (!status)
        status = stream_read(s->stream, bytes, cap, &n, err);
    if (status)
        return status;
    c->is_whole = n < cap;
    c->n = n / item < s->flat.n_tokens ? n / item : (size_t)s->flat.n_tokens;
    if (c->is_whole && s->flat.n_tokens != UINT64_MAX && stream_size(s->stream) != UINT64_MAX)
        require(c->n == s->flat.n_tokens, "the tokens are there");
    tokens_decode(bytes, s->flat.type, c->n, c->tokens);
    for (size_t i = 0; i < s->index.n && i < MOST_TOKENS; i++)
        c->ends[c->n_ends++] = s->index.ends[i];
    if (c->is_whole && s->index.n && stream_size(s->stream) != UINT64_MAX)
        require(s->index.ends[s->index.n - 1] == c->n, "the last document ends with the tokens");
    return EMX_OK;
}

static void add_batch(struct contents *c, const struct token_batch *b, bool *ret_open)
{
    require(b->n <= b->cap && b->n_ends <= b->cap, "a batch keeps to its capacity");
    for (size_t i = 0; i < b->n_ends; i++) {
        require(b->ends[i] <= b->n && (i == 0 || b->ends[i] > b->ends[i - 1]), "ends of a batch rise");
        require(b->ends[i] > 0 || *ret_open, "no empty document ends");
        c->ends[c->n_ends++] = c->n + b->ends[i];
    }
    if (b->n)
        *ret_open = b->n_ends == 0 || b->ends[b->n_ends - 1] < b->n;
    else if (b->n_ends)
        *ret_open = false;
    memcpy(c->tokens + c->n, b->tokens, b->n * sizeof(*c->tokens));
    c->n += b->n;
}

static enum emx_status read_batches(const struct format_ops *f, struct shard_open *s, struct contents *c, size_t cap,
                                    struct emx_error *err)
{
    static uint32_t tokens[MOST_TOKENS], ends[MOST_TOKENS];
    bool open = false;

    while (c->n + cap <= MOST_TOKENS) {
        struct token_batch batch = {.tokens = tokens, .ends = ends, .cap = cap};
        enum emx_status status = f->read(s, &batch, err);

        c->is_whole = !status && !batch.n && !batch.n_ends;
        if (status || c->is_whole)
            return status;
        add_batch(c, &batch, &open);
    }
    return EMX_OK;
}

static void check_message(const struct emx_error *err, enum emx_status status, const char *path)
{
    require(err->status == status && err->message[0], "a failure has a message");
    require(strstr(err->message, path) || strchr(err->message, ':'), "a message names a file");
}

static void read_shard(const struct made_shard *m, const char *format, size_t cap, struct contents *c)
{
    struct format_options options = m->options;
    struct shard_open s = {.space = made_shard_space(m), .path = m->shard.path, .options = &options};
    const struct format_ops *f = NULL;
    struct emx_error err = {0};

    options.format = format;
    c->n = c->n_ends = 0;
    c->is_whole = false;
    c->status = stream_open(s.space, s.path, 20, &s.stream, &err);
    if (!c->status)
        c->status = format_open(&s, &f, &err);
    if (!c->status) {
        require(s.dtype_name, "a shard has a dtype's name");
        c->status = s.is_flat ? read_flat(&s, c, &err) : read_batches(f, &s, c, cap, &err);
    }
    if (c->status)
        check_message(&err, c->status, s.path);
    if (f && f->close)
        f->close(&s);
    stream_close(&s.stream);
}

/* --- checks ---------------------------------------------------------------------------------------------------- */

static bool is_same(const struct contents *c, const uint32_t *tokens, size_t n, const uint64_t *ends, size_t n_ends)
{
    return c->n == n && c->n_ends == n_ends && memcmp(c->tokens, tokens, n * sizeof(*tokens)) == 0 &&
           memcmp(c->ends, ends, n_ends * sizeof(*ends)) == 0;
}

static void check(const struct made_shard *m, const char *format, size_t cap, const struct documents *expected)
{
    static struct contents large, small;

    read_shard(m, format, MOST_TOKENS / 2, &large);
    read_shard(m, format, cap, &small);
    require(large.status == small.status || !large.is_whole || !small.is_whole, "any batch accepts it or none");
    if (!large.status && !small.status && large.is_whole && small.is_whole)
        require(is_same(&large, small.tokens, small.n, small.ends, small.n_ends), "batches do not show");
    if (expected)
        require(!large.status &&
                    is_same(&large, expected->tokens, expected->n, expected->ends, m->has_ends ? expected->n_ends : 0),
                "what was made comes back");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned kind = next_byte(&in) % N_SHARD_KINDS, mode = next_byte(&in);
    struct documents d = make_documents(&in);
    struct made_shard m;
    bool is_made = mode % 4 == 0, is_edited = mode % 4 != 3;
    size_t cap = 4096 + 7 * (mode >> 3);

    make_shard(&m, kind, &d);
    if (!is_made && is_edited)
        edit_files(&m, &in);
    if (!is_edited) {
        take_file(&m.side, &in, next_u16(&in));
        take_file(&m.metadata, &in, next_byte(&in));
        take_file(&m.shard, &in, in.left);
    }
    check(&m, mode & 4 ? m.format : NULL, cap, is_made ? &d : NULL);
    made_shard_finish(&m);
    return 0;
}
