/*
 * meet.c - before ranks share shards: do all of them see the same ones, with the same settings?  Which of them were
 * begun or done in an earlier scan?
 */
#include "scan/scan.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static void add_text(XXH3_state_t *h, const char *text)
{
    XXH3_64bits_update(h, text ? text : "", text ? strlen(text) + 1 : 0);
    XXH3_64bits_update(h, "", 1);
}

static void add_number(XXH3_state_t *h, uint64_t x)
{
    XXH3_64bits_update(h, &x, sizeof(x));
}

static void add_domain(XXH3_state_t *h, const struct emx_scan_domain *d)
{
    const struct emx_domain_settings *s = &d->settings;

    add_text(h, d->name);
    add_text(h, d->format);
    add_text(h, d->dtype);
    add_text(h, d->column);
    add_number(h, s->pairs);
    add_number(h, s->window);
    add_number(h, s->eod);
    add_number(h, s->eod_first);
    add_number(h, s->vocabulary);
    add_number(h, s->sample_tokens);
    add_number(h, d->n_shards);
}

static void add_vectors(XXH3_state_t *h, const struct bagging *b)
{
    if (!b->given)
        return;
    add_text(h, b->given->source);
    add_number(h, b->vectors);
    add_number(h, b->rows->dimension);
    add_number(h, b->given->n_documents);
    add_number(h, b->given->seed);
}

/* Sizes decide the order in which shards are claimed. */
static void hash_scan(const struct scan *s, XXH3_state_t *h)
{
    add_number(h, s->options->resume);
    add_text(h, s->options->checkpoint);
    add_number(h, s->options->on_error);
    add_number(h, s->options->max_bad);
    add_vectors(h, &s->bagging);
    for (size_t i = 0; i < s->n_domains; i++)
        add_domain(h, s->domains[i].given);
    for (size_t i = 0; i < s->n_shards; i++) {
        add_text(h, s->shards[i].path);
        add_number(h, s->shards[i].size);
    }
}

static enum emx_status check_same(struct scan *s, struct emx_error *err)
{
    XXH3_state_t *h = XXH3_createState();
    uint64_t mine = 0, first;
    enum emx_status status = EMX_OK;

    if (h) {
        XXH3_64bits_reset(h);
        hash_scan(s, h);
        mine = XXH3_64bits_digest(h);
        XXH3_freeState(h);
    } else {
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    }
    first = mine;
    cluster_broadcast(s->cluster, 0, &first, sizeof(first));
    if (!status && mine != first)
        status = emx_fail(
            err, EMX_ERR_ARG,
            "this rank has other settings, vectors, or shards of another path or size, than rank 0: all ranks need the "
            "same arguments and the same files");
    return emx_cluster_agree(s->cluster, status, err);
}

/* Each rank would wait for its own, or take the words of another's. */
static enum emx_status refuse_stdin(const struct scan *s, struct emx_error *err)
{
    for (size_t i = 0; s->cluster->size > 1 && i < s->n_shards; i++) {
        if (strcmp(s->shards[i].path, "-") == 0)
            return emx_fail(err, EMX_ERR_ARG, "domain '%s': ranks cannot share standard input ('-')",
                            s->shards[i].domain->given->name);
    }
    return EMX_OK;
}

/* --- checkpoints ---------------------------------------------------------------------------------------- */

static bool is_restored(const struct shard *shard)
{
    return shard->finished || shard->n_spans;
}

/* Bits of the shards that checkpoints have, and their number, which the bits' sum over the ranks must agree with. */
static void mark_restored(const struct scan *s, uint64_t *words, size_t n_words)
{
    for (size_t i = 0; i < s->n_shards; i++) {
        words[i / 64] |= (uint64_t)is_restored(&s->shards[i]) << i % 64;
        words[n_words - 1] += is_restored(&s->shards[i]);
    }
}

static enum emx_status take_marks(struct scan *s, const uint64_t *words, size_t n_words, struct emx_error *err)
{
    uint64_t n = 0;

    for (size_t i = 0; i < s->n_shards; i++) {
        bool is_marked = words[i / 64] >> i % 64 & 1;

        n += is_marked;
        s->shards[i].is_taken = is_marked && !is_restored(&s->shards[i]);
    }
    if (n != words[n_words - 1])
        return emx_fail(err, EMX_ERR_CORRUPT, "the checkpoints of the ranks do not belong together");
    return EMX_OK;
}

/* What a rank has begun or done in an earlier scan no other is to claim. */
static enum emx_status share_restored(struct scan *s, struct emx_error *err)
{
    size_t n_words = (s->n_shards + 63) / 64 + 1;
    uint64_t *words = calloc(n_words, sizeof(*words));
    enum emx_status status = words ? EMX_OK : emx_fail(err, EMX_ERR_MEMORY, "out of memory for the shards");

    status = emx_cluster_agree(s->cluster, status, err);
    if (!status) {
        mark_restored(s, words, n_words);
        cluster_sum(s->cluster, words, n_words);
        cluster_broadcast(s->cluster, 0, words, n_words * sizeof(*words));
        status = emx_cluster_agree(s->cluster, take_marks(s, words, n_words, err), err);
    }
    free(words);
    return status;
}

static enum emx_status open_checkpoints(struct scan *s, struct emx_error *err)
{
    enum emx_status status = emx_cluster_agree(s->cluster, checkpoint_open(s, err), err);

    return status || !s->options->resume || s->cluster->size == 1 ? status : share_restored(s, err);
}

enum emx_status scan_meet(struct scan *s, struct emx_error *err)
{
    enum emx_status status = emx_cluster_agree(s->cluster, refuse_stdin(s, err), err);

    if (!status)
        status = check_same(s, err);
    if (!status)
        status = share_init(&s->share, s->cluster, s->n_domains, err);
    if (!status)
        status = open_checkpoints(s, err);
    if (!status)
        status = schedule_create(s->shards, s->n_shards, s->domains, s->n_domains, s->times.n_threads, &s->share,
                                 &s->schedule, err);
    return emx_cluster_agree(s->cluster, status, err);
}
