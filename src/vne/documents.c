#include "vne/documents.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 64 << 10 /* tokens */, WINDOW_LOG_MAX = 31 };

struct reader {
    const struct emx_shard_record *record;
    const struct emx_domain_settings *settings;
    const struct documents_sink *sink;
    struct shard_open open;
    const struct format_ops *format;
    uint32_t *tokens;     /* [BATCH] */
    uint32_t *ends;       /* [BATCH] of decoded formats */
    unsigned char *bytes; /* [8 * BATCH] of flat ones */

    uint64_t index;                   /* of the next token */
    uint64_t number;                  /* of documents before this place */
    size_t next_index;                /* position in open.index.ends */
    bool is_open, is_wanted, is_edge; /* is_edge: the last shard's document goes on */
};

/* --- documents --------------------------------------------------------------------------------------------- */

static void begin(struct reader *r, bool is_edge)
{
    r->is_open = true;
    r->is_edge = is_edge;
    r->is_wanted = !is_edge && r->sink->begin(r->sink->context, r->index);
}

static enum emx_status end(struct reader *r, bool is_document, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    if (!r->is_open)
        return EMX_OK;
    if (r->is_wanted)
        status = r->sink->end(r->sink->context, is_document, err);
    r->number += is_document && !r->is_edge;
    r->is_open = false;
    return status;
}

static bool crosses_shards(const struct reader *r)
{
    return r->open.documents_cross_shards && r->settings->eod != EMX_NO_TOKEN;
}

/* An index or the format says that a document ends here; at the end of the shard others know better. */
static enum emx_status end_if_within(struct reader *r, struct emx_error *err)
{
    return r->index < r->record->n_tokens ? end(r, true, err) : EMX_OK;
}

/* Tokens of one document, none of them EOD. */
static enum emx_status add_plain(struct reader *r, const uint32_t *tokens, size_t n, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    if (n && !r->is_open)
        begin(r, r->settings->eod_first && r->index == 0 && crosses_shards(r));
    if (n && r->is_wanted)
        status = r->sink->tokens(r->sink->context, tokens, n, r->index, err);
    r->index += n;
    return status;
}

static enum emx_status add_eod(struct reader *r, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    if (r->settings->eod_first)
        status = end(r, true, err);
    if (!r->is_open)
        begin(r, false);
    if (!status && !r->settings->eod_first)
        status = end(r, true, err);
    r->index++;
    return status;
}

/* Tokens between two ends of which an index or the format tells. */
static enum emx_status add_run(struct reader *r, const uint32_t *tokens, size_t n, struct emx_error *err)
{
    enum emx_status status = EMX_OK;
    size_t from = 0;

    for (size_t i = 0; i < n && !status; i++) {
        if (tokens[i] != r->settings->eod)
            continue;
        status = add_plain(r, tokens + from, i - from, err);
        if (!status)
            status = add_eod(r, err);
        from = i + 1;
    }
    return status ? status : add_plain(r, tokens + from, n - from, err);
}

/* --- reading ------------------------------------------------------------------------------------------------- */

static enum emx_status add_flat(struct reader *r, size_t n, struct emx_error *err)
{
    const struct document_index *index = &r->open.index;
    uint64_t first = r->index;
    size_t from = 0;
    enum emx_status status = EMX_OK;

    while (!status && r->next_index < index->n && index->ends[r->next_index] <= first + n) {
        size_t to = (size_t)(index->ends[r->next_index++] - first);

        status = add_run(r, r->tokens + from, to - from, err);
        if (!status)
            status = end_if_within(r, err);
        from = to;
    }
    return status ? status : add_run(r, r->tokens + from, n - from, err);
}

static enum emx_status read_flat(struct reader *r, struct emx_error *err)
{
    struct stream *stream = r->open.stream;
    size_t size = dtype_size(r->open.flat.type.dtype), n = 1;
    enum emx_status status = stream_skip(stream, r->open.flat.offset - stream_position(stream), err);

    while (!status && n && r->index < r->record->n_tokens) {
        uint64_t left = r->record->n_tokens - r->index;

        status = stream_read(stream, r->bytes, (left < BATCH ? (size_t)left : BATCH) * size, &n, err);
        n /= size;
        if (status)
            break;
        tokens_decode(r->bytes, r->open.flat.type, n, r->tokens);
        status = add_flat(r, n, err);
    }
    return status;
}

static enum emx_status add_batch(struct reader *r, const struct token_batch *batch, struct emx_error *err)
{
    uint64_t left = r->record->n_tokens - r->index;
    size_t n = batch->n < left ? batch->n : (size_t)left, from = 0;
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < batch->n_ends && batch->ends[i] <= n && !status; i++) {
        status = add_run(r, batch->tokens + from, batch->ends[i] - from, err);
        if (!status)
            status = end_if_within(r, err);
        from = batch->ends[i];
    }
    return status ? status : add_run(r, batch->tokens + from, n - from, err);
}

static enum emx_status read_batches(struct reader *r, struct emx_error *err)
{
    struct token_batch batch = {.tokens = r->tokens, .cap = BATCH, .n = 1, .ends = r->ends};
    enum emx_status status = EMX_OK;

    while (!status && (batch.n || batch.n_ends) && r->index < r->record->n_tokens) {
        batch.n = batch.n_ends = 0;
        status = r->format->read(&r->open, &batch, err);
        if (!status)
            status = add_batch(r, &batch, err);
    }
    return status;
}

/* --- a shard --------------------------------------------------------------------------------------------------- */

static enum emx_status refuse_changed(const struct reader *r, struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_CORRUPT, "%s: is not what was counted: it was changed since the scan",
                    r->record->path);
}

/* Of a sampled domain only the beginning was read. */
static enum emx_status check_same(struct reader *r, struct emx_error *err)
{
    size_t n = 1;
    enum emx_status status = EMX_OK;

    if (r->index != r->record->n_tokens || r->number != r->record->n_documents)
        return refuse_changed(r, err);
    if (r->settings->sample_tokens)
        return EMX_OK;
    while (!status && n)
        status = stream_read(r->open.stream, r->bytes, BATCH, &n, err);
    if (!status && stream_xxh3(r->open.stream) != r->record->xxh3)
        status = refuse_changed(r, err);
    return status;
}

static enum emx_status open_and_read(struct reader *r, struct emx_error *err)
{
    enum emx_status status = stream_open(NULL, r->record->path, WINDOW_LOG_MAX, &r->open.stream, err);

    if (!status)
        status = format_open(&r->open, &r->format, err);
    if (!status)
        status = r->open.is_flat ? read_flat(r, err) : read_batches(r, err);
    if (!status) /* the end of the shard ends what is open, unless the next shard goes on with it */
        status = end(r, !(crosses_shards(r) && !r->settings->eod_first), err);
    return status ? status : check_same(r, err);
}

enum emx_status documents_read(const struct emx_shard_record *record, const struct emx_domain_settings *settings,
                               const char *column, const struct documents_sink *sink, struct emx_error *err)
{
    struct format_options options = {.format = record->format, .column = column};
    struct reader r = {.record = record, .settings = settings, .sink = sink};
    enum emx_status status;

    (void)token_type_parse(record->dtype, &options.type); /* JSON has none */
    r.open.path = record->path;
    r.open.options = &options;
    r.tokens = malloc(BATCH * sizeof(*r.tokens));
    r.ends = malloc(BATCH * sizeof(*r.ends));
    r.bytes = malloc(BATCH * 8);
    if (r.tokens && r.ends && r.bytes)
        status = open_and_read(&r, err);
    else
        status = emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", record->path);
    if (r.format && r.format->close)
        r.format->close(&r.open);
    stream_close(&r.open.stream);
    free(r.tokens);
    free(r.ends);
    free(r.bytes);
    return status;
}
