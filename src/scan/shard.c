#include "scan/shard.h"

#include "scan/shard_readers.h"
#include "util/clock.h"

#include <stdlib.h>
#include <string.h>

/* --- opening ----------------------------------------------------------------------------------------- */

void shard_init(struct shard *s, struct domain *domain, const char *path)
{
    *s = (struct shard){.domain = domain,
                        .path = path,
                        .name = strcmp(path, "-") == 0 ? "standard input" : path,
                        .size = UINT64_MAX,
                        .limit = UINT64_MAX};
    pthread_mutex_init(&s->mutex, NULL);
}

void shard_close(struct shard *s)
{
    if (s->format && s->format->close)
        s->format->close(&s->open);
    stream_close(&s->open.stream);
    s->format = NULL;
    free(s->spans);
    free(s->counted);
    s->spans = NULL;
    s->counted = NULL;
    s->n_spans = s->n_counted = 0;
    stretches_finish(&s->stretches);
    gaps_finish(&s->gaps);
}

void shard_finish(struct shard *s)
{
    shard_close(s);
    free(s->failure);
    pthread_mutex_destroy(&s->mutex);
}

enum emx_status shard_restore(struct shard *s, const struct span *spans, size_t n_spans, const struct shard_sums *sums,
                              struct emx_error *err)
{
    s->spans = malloc((n_spans + 1) * sizeof(*s->spans));
    s->counted = malloc((n_spans + 1) * sizeof(*s->counted));
    if (!s->spans || !s->counted)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->name);
    for (size_t i = 0; i < n_spans; i++) {
        s->spans[i] = spans[i];
        s->counted[i] = (struct counted){spans[i].begin, spans[i].end};
    }
    s->n_spans = s->n_counted = n_spans;
    s->cap_spans = n_spans + 1;
    s->sums = *sums;
    return EMX_OK;
}

/* All tokens that its domain and its type allow are below. */
static uint32_t range_of(const struct shard *s)
{
    uint32_t range = s->domain->vocabulary, eod = s->domain->settings.eod;

    if (eod != EMX_NO_TOKEN && eod >= range)
        range = eod + 1;
    switch (s->open.is_flat ? s->open.flat.type.dtype : DTYPE_U32) {
    case DTYPE_U8:
    case DTYPE_I8:
        return range < 1u << 8 ? range : 1u << 8;
    case DTYPE_U16:
    case DTYPE_I16:
        return range < 1u << 16 ? range : 1u << 16;
    default:
        return range;
    }
}

static enum emx_status open_shard(struct shard *s, struct emx_error *err)
{
    enum emx_status status = stream_open(NULL, s->path, s->window_log_max, &s->open.stream, err);

    s->open.path = s->name;
    s->open.options = s->options;
    if (!status)
        status = format_open(&s->open, &s->format, err);
    if (status)
        return status;
    status = domain_agree_on_eod(s->domain, s->open.eod_first, s->name, err);
    if (status) {
        s->may_fail = false; /* which of two shards is to go is not ours to say */
        return status;
    }
    if (!s->open.is_flat && s->n_counted > 1)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: is counted in parts, but its format is read in order", s->name);
    s->key = pair_key_for(range_of(s));
    s->stage = SHARD_OPEN;
    return EMX_OK;
}

/* --- what is counted already --------------------------------------------------------------------------- */

uint64_t counted_to(const struct shard *s, uint64_t at, uint64_t *ret_stop)
{
    size_t i = 0;

    while (i < s->n_counted && s->counted[i].end <= at)
        i++;
    *ret_stop = i < s->n_counted ? s->counted[i].begin : UINT64_MAX;
    return i < s->n_counted && s->counted[i].begin <= at ? s->counted[i].end : at;
}

enum emx_status counted_refuse_shorter(const struct shard *s, uint64_t at, struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_CORRUPT, "%s: has changed since it was counted to byte %llu of the content: it ends",
                    s->name, (unsigned long long)at);
}

/* --- taking and putting ------------------------------------------------------------------------------ */

static enum emx_status end_shard(struct shard *s, struct emx_error *err)
{
    s->stage = SHARD_ENDED;
    return s->open.is_flat && s->n_taken < s->limit ? flat_check_end(s, err) : EMX_OK;
}

/* Under the mutex; *ret_any false: the shard has ended, or (in_piece) a piece was taken instead. */
static enum emx_status take_next(struct shard *s, struct block *b, bool *ret_any, struct emx_error *err)
{
    bool piece;
    enum emx_status status = s->stage == SHARD_NEW ? open_shard(s, err) : EMX_OK;

    *ret_any = false;
    if (status || s->stage == SHARD_ENDED || s->stage == SHARD_FAILED)
        return status;
    block_clear(b);
    status = pieces_take(s, b, &piece, err);
    if (!status && !piece)
        status = s->n_taken == s->limit ? EMX_OK : s->open.is_flat ? flat_read(s, b, err) : batches_read(s, b, err);
    *ret_any = !status && !b->in_piece && (b->is_counted || !span_is_empty(&b->span));
    if (!status && !b->in_piece && !*ret_any)
        return end_shard(s, err);
    if (!status)
        s->n_out++;
    s->n_bytes_read = stream_n_stored(s->open.stream);
    return status;
}

/* Under the mutex: is this the thread that finds the shard at its end, or broken, and all blocks back? */
static bool is_last(struct shard *s)
{
    if ((s->stage != SHARD_ENDED && !s->failure) || s->n_out || s->finished)
        return false;
    s->finished = true;
    return true;
}

/*
 * Under the mutex: the shard fails at this byte of its content.  Blocks are taken in order and those before it will all
 * be looked at, so the error that is kept does not depend on the threads.
 */
static enum emx_status keep_failure(struct shard *s, uint64_t at, const struct emx_error *error, struct emx_error *err)
{
    s->stage = SHARD_FAILED;
    if (s->failure && s->failed_at <= at)
        return EMX_OK;
    if (!s->failure)
        s->failure = malloc(sizeof(*s->failure));
    if (!s->failure)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->name);
    *s->failure = *error;
    s->failed_at = at;
    return EMX_OK;
}

/* Under the mutex: an error of the shard is kept, if that is what it may have. */
static enum emx_status settle(struct shard *s, uint64_t at, enum emx_status status, struct emx_error *err)
{
    struct emx_error error;

    if (!status || !s->may_fail || status == EMX_ERR_MEMORY)
        return status;
    error = *err;
    return keep_failure(s, at, &error, err);
}

static uint64_t content_begin(const struct shard *s)
{
    return s->open.is_flat ? s->open.flat.offset : 0;
}

/* Of the content, where the next block would begin. */
static uint64_t place_of_next(const struct shard *s)
{
    if (s->stage == SHARD_ENDED) /* what is wrong is its end */
        return UINT64_MAX;
    if (!s->open.stream)
        return 0;
    return s->open.is_flat ? stream_position(s->open.stream) : 4 * s->n_taken;
}

enum emx_status shard_put_broken(struct shard *s, struct block *b, const struct emx_error *error, bool *ret_last,
                                 struct emx_error *err)
{
    enum emx_status status;

    pthread_mutex_lock(&s->mutex);
    status = keep_failure(s, content_begin(s) + b->span.begin, error, err);
    s->n_out--; /* the block, or the piece that it is of */
    b->in_piece = false;
    *ret_last = !status && is_last(s);
    pthread_mutex_unlock(&s->mutex);
    return status;
}

enum emx_status shard_fail(struct shard *s, const struct emx_error *error, struct emx_error *err)
{
    enum emx_status status;

    pthread_mutex_lock(&s->mutex); /* others may still come to see that the shard has no more */
    status = keep_failure(s, UINT64_MAX, error, err);
    pthread_mutex_unlock(&s->mutex);
    return status;
}

/* A piece that cannot be decoded is given up. */
static enum emx_status give_up_piece(struct shard *s, struct block *b, enum emx_status status, bool *ret_last,
                                     struct emx_error *err)
{
    pthread_mutex_lock(&s->mutex);
    status = settle(s, b->piece_position, status, err);
    if (!status) {
        s->n_out--;
        b->in_piece = false;
        *ret_last = is_last(s);
    }
    pthread_mutex_unlock(&s->mutex);
    return status;
}

enum emx_status shard_take(struct shard *s, struct block *b, bool *ret_any, bool *ret_last, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    *ret_any = *ret_last = false;
    for (;;) {
        double start = clock_seconds(), locked;

        if (b->in_piece) {
            status = pieces_read(s, b, ret_any, err);
            b->seconds_decoding += clock_seconds() - start;
            if (status)
                return give_up_piece(s, b, status, ret_last, err);
            if (*ret_any)
                return EMX_OK;
        }
        start = clock_seconds();
        pthread_mutex_lock(&s->mutex);
        locked = clock_seconds();
        s->n_out -= b->in_piece; /* the piece is used up */
        b->in_piece = false;
        status = take_next(s, b, ret_any, err);
        if (status) /* only then: a shard that has no more blocks may be closed by now */
            status = settle(s, place_of_next(s), status, err);
        if (status)
            s->stage = SHARD_FAILED; /* or another thread would open it again, or read on in a broken stream */
        *ret_last = !status && is_last(s);
        pthread_mutex_unlock(&s->mutex);
        b->seconds_waiting += locked - start;
        b->seconds_decoding += clock_seconds() - locked;
        if (status || *ret_any || !b->in_piece)
            return status;
    }
}

/* Under the mutex. */
static enum emx_status add_span(struct shard *s, const struct span *span, struct emx_error *err)
{
    if (s->n_spans == s->cap_spans) {
        size_t cap = s->cap_spans ? 2 * s->cap_spans : 16;
        struct span *larger = realloc(s->spans, cap * sizeof(*larger));

        if (!larger)
            return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", s->name);
        s->spans = larger;
        s->cap_spans = cap;
    }
    s->spans[s->n_spans++] = *span;
    return EMX_OK;
}

enum emx_status shard_add_block(struct shard *s, const struct block *b, struct emx_error *err)
{
    s->sums.n_tokens += b->n;
    s->sums.n_eod += b->sums.n_eod;
    s->sums.n_plain_ends += b->sums.n_plain_ends;
    return span_is_empty(&b->span) ? EMX_OK : add_span(s, &b->span, err);
}

enum emx_status shard_put(struct shard *s, const struct block *b, bool *ret_last, struct emx_error *err)
{
    enum emx_status status;

    pthread_mutex_lock(&s->mutex);
    status = shard_add_block(s, b, err);
    if (!status) /* else the block stays out, or another thread would end the shard without it */
        s->n_out -= !b->in_piece;
    *ret_last = !status && is_last(s);
    pthread_mutex_unlock(&s->mutex);
    return status;
}

/* --- when all blocks are back ------------------------------------------------------------------------- */

static int by_begin(const void *a, const void *b)
{
    const struct span *x = a, *y = b;

    return (x->begin > y->begin) - (x->begin < y->begin);
}

void shard_sort_spans(struct shard *s)
{
    qsort(s->spans, s->n_spans, sizeof(*s->spans), by_begin);
    gaps_sort(&s->gaps);
}

uint64_t shard_n_positions(const struct shard *s)
{
    return s->sums.n_tokens + gaps_n_tokens(&s->gaps, shard_token_size(s));
}

bool shard_index_ends_at(const struct shard *s, uint64_t index)
{
    size_t i = shard_index_after(s, index ? index - 1 : 0);

    return index && i < s->open.index.n && s->open.index.ends[i] == index;
}

size_t shard_index_after(const struct shard *s, uint64_t index)
{
    size_t low = 0, high = s->open.index.n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (s->open.index.ends[middle] > index)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

enum emx_status shard_check_index(const struct shard *s, struct emx_error *err)
{
    const struct document_index *index = &s->open.index;
    uint64_t n = shard_n_positions(s);

    if (s->limit == UINT64_MAX && index->n && index->ends[index->n - 1] != n)
        return emx_fail(err, EMX_ERR_CORRUPT,
                        "%s: the index ends its last document at token %llu, but there are %llu tokens", s->name,
                        (unsigned long long)index->ends[index->n - 1], (unsigned long long)n);
    return EMX_OK;
}

void shard_describe(const struct shard *s, struct emx_shard_record *ret)
{
    *ret = (struct emx_shard_record){
        .path = s->path,
        .format = s->format->name,
        .codec = stream_codec(s->open.stream),
        .dtype = s->open.dtype_name,
        .n_bytes = stream_n_stored(s->open.stream),
        .xxh3 = stream_xxh3(s->open.stream),
        .index_xxh3 = s->open.index_xxh3,
        .n_tokens = s->sums.n_tokens,
    };
}
