#include "scan/take_back.h"

#include "scan/seams.h"

#include <string.h>

/* Is the block in one of the spans, which ascend and do not touch?  *at moves on to where it could be. */
static bool was_counted(const struct shard *failed, const struct span *block, size_t *at)
{
    while (*at < failed->n_spans && failed->spans[*at].end < block->end)
        ++*at;
    return *at < failed->n_spans && failed->spans[*at].begin <= block->begin;
}

/* What takes back, with the thread's means. */
struct taker {
    struct counter *counter;
    struct bagger *bagger;
    take_back_go_on_fn *go_on;
    void *context;
};

static enum emx_status count_again(const struct taker *t, struct shard *again, struct block *b, struct emx_error *err)
{
    bool last;
    enum emx_status status = count_block(t->counter, again, b, err);

    if (!status)
        status = bagger_block(t->bagger, again, b, err);
    return status ? status : shard_put(again, b, &last, err);
}

/* What fails in reading ends it: the spans will tell whether it has come far enough. */
static enum emx_status read_again(const struct taker *t, const struct shard *failed, struct shard *again,
                                  struct block *b, struct emx_error *err)
{
    uint64_t end = failed->n_spans ? failed->spans[failed->n_spans - 1].end : 0;
    bool any = true, last;
    size_t at = 0;
    enum emx_status status = EMX_OK;

    while (!status && any) {
        if (!t->go_on(t->context)) {
            b->in_piece = false;
            return emx_fail(err, EMX_ERR_STOPPED, "stopped");
        }
        status = shard_take(again, b, &any, &last, err);
        if (status == EMX_ERR_MEMORY)
            return status;
        if (status && b->in_piece) { /* the next piece may be good */
            b->in_piece = false;
            any = true;
            status = EMX_OK;
        } else if (status || !any || b->span.begin >= end) {
            b->in_piece = false;
            return EMX_OK;
        } else if (was_counted(failed, &b->span, &at)) {
            status = count_again(t, again, b, err);
        }
    }
    return status;
}

/* Document ends at the edges lead to no pair, and a batch that holds nothing else may have been read or not. */
static bool same_span(const struct span *a, const struct span *b)
{
    return a->begin == b->begin && a->end == b->end && a->n == b->n && a->first == b->first && a->last == b->last &&
           a->n_head == b->n_head && a->n_tail == b->n_tail && a->check == b->check &&
           memcmp(a->head, b->head, a->n_head) == 0 && memcmp(a->tail, b->tail, a->n_tail) == 0;
}

static bool same_spans(const struct shard *a, const struct shard *b)
{
    for (size_t i = 0; i < a->n_spans && i < b->n_spans; i++) {
        if (!same_span(&a->spans[i], &b->spans[i]))
            return false;
    }
    return a->n_spans == b->n_spans && a->open.index_xxh3 == b->open.index_xxh3;
}

static enum emx_status count_minus(const struct taker *t, struct shard *failed, struct shard *again,
                                   struct block *space, struct emx_error *err)
{
    enum emx_status status = read_again(t, failed, again, space, err);

    if (!status) {
        again->failure = failed->failure; /* a token across two blocks that was refused is no part of it */
        status = seams_join(t->counter, again, err);
        again->failure = NULL;
    }
    if (status == EMX_ERR_RANGE || (!status && !same_spans(failed, again)))
        return emx_fail(
            err, EMX_ERR_CORRUPT,
            "%s: reads otherwise than the first time, so what was counted cannot be taken back (then: %.500s)",
            failed->name, failed->failure->message);
    return status;
}

enum emx_status take_back(struct counter *c, struct bagger *w, struct shard *failed, struct block *space,
                          take_back_go_on_fn *go_on, void *context, struct emx_error *err)
{
    const struct taker t = {c, w, go_on, context};
    struct shard again;
    enum emx_status status = EMX_OK;

    if (failed->n_spans == 0)
        return EMX_OK;
    status = seams_join(c, failed, err);
    if (status)
        return status;
    shard_init(&again, failed->domain->taken_back, failed->path);
    again.options = failed->options;
    again.size = failed->size;
    again.limit = failed->limit;
    again.window_log_max = failed->window_log_max;
    again.signs = true;
    again.skips_frames = failed->skips_frames;
    status = count_minus(&t, failed, &again, space, err);
    failed->domain->n_tokens -= failed->sums.n_tokens;
    shard_finish(&again);
    return status;
}
