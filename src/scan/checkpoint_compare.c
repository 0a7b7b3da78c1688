/* checkpoint_compare.c - is the scan that resumes the one that was stopped?  If not, one sentence says why */
#include "scan/checkpoint.h"
#include "scan/scan.h"

#include "pipeline/threads.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- settings ------------------------------------------------------------------------------------------ */

static const char *or_none(const char *s)
{
    return s ? s : "none";
}

struct number {
    char text[32];
};

static const char *token_text(uint32_t token, struct number *n)
{
    if (token == EMX_NO_TOKEN)
        return "none";
    snprintf(n->text, sizeof(n->text), "%" PRIu32, token);
    return n->text;
}

static const char *amount_text(uint64_t amount, struct number *n)
{
    if (amount == 0)
        return "none";
    snprintf(n->text, sizeof(n->text), "%" PRIu64, amount);
    return n->text;
}

static const char *pairs_text(const struct emx_domain_settings *s, struct number *n)
{
    if (s->pairs == EMX_PAIRS_WINDOW)
        snprintf(n->text, sizeof(n->text), "window:%" PRIu32, s->window);
    else
        snprintf(n->text, sizeof(n->text), "%s", s->pairs == EMX_PAIRS_STREAM ? "stream" : "within-document");
    return n->text;
}

/* Compares one setting by how it is written. */
static enum emx_status same(const struct scan *s, const char *domain, const char *what, const char *then,
                            const char *now, struct emx_error *err)
{
    if (strcmp(then, now) == 0)
        return EMX_OK;
    return emx_fail(err, EMX_ERR_ARG, "%s: the checkpoint is of another scan: domain '%s' had %s %s, now it has %s",
                    s->checkpoint.folder, domain, what, then, now);
}

static enum emx_status same_settings(const struct scan *s, const struct emx_scan_domain *then,
                                     const struct emx_scan_domain *now, struct emx_error *err)
{
    const struct emx_domain_settings *a = &then->settings, *b = &now->settings;
    const char *name = now->name;
    struct number x, y;
    enum emx_status status = same(s, name, "format", or_none(then->format), or_none(now->format), err);

    if (!status)
        status = same(s, name, "dtype", or_none(then->dtype), or_none(now->dtype), err);
    if (!status)
        status = same(s, name, "column", or_none(then->column), or_none(now->column), err);
    if (!status)
        status = same(s, name, "pairs", pairs_text(a, &x), pairs_text(b, &y), err);
    if (!status)
        status = same(s, name, "eod", token_text(a->eod, &x), token_text(b->eod, &y), err);
    if (!status)
        status = same(s, name, "its eod", a->eod_first ? "first" : "last", b->eod_first ? "first" : "last", err);
    if (!status)
        status = same(s, name, "a vocabulary of", amount_text(a->vocabulary, &x), amount_text(b->vocabulary, &y), err);
    if (!status)
        status =
            same(s, name, "a sample of", amount_text(a->sample_tokens, &x), amount_text(b->sample_tokens, &y), err);
    return status;
}

/* --- shards -------------------------------------------------------------------------------------------- */

static bool is_given(const struct emx_scan_domain *d, const char *path)
{
    for (size_t i = 0; i < d->n_shards; i++) {
        if (strcmp(d->shards[i], path) == 0)
            return true;
    }
    return false;
}

/* The first shard that differs tells whether one is missing, is new, or only stands elsewhere. */
static enum emx_status same_shards(const struct scan *s, const struct domain *d, const struct journal_shard *then,
                                   size_t n_then, struct emx_error *err)
{
    const struct emx_scan_domain *given = d->given;
    size_t i = 0;

    while (i < n_then && i < given->n_shards && strcmp(then[i].path, given->shards[i]) == 0)
        i++;
    if (i == n_then && i == given->n_shards)
        return EMX_OK;
    if (i < n_then && !is_given(given, then[i].path))
        return emx_fail(err, EMX_ERR_ARG,
                        "%s: the checkpoint is of another scan: shard %s of domain '%s' is missing now",
                        s->checkpoint.folder, then[i].path, given->name);
    if (i < given->n_shards && (i == n_then || is_given(given, then[i].path)))
        return emx_fail(err, EMX_ERR_ARG,
                        "%s: the checkpoint is of another scan: shard %s of domain '%s' is new, or stands elsewhere in "
                        "the list",
                        s->checkpoint.folder, given->shards[i], given->name);
    return emx_fail(err, EMX_ERR_ARG, "%s: the checkpoint is of another scan: domain '%s' has shard %s twice",
                    s->checkpoint.folder, given->name, then[i].path);
}

/* --- documents ----------------------------------------------------------------------------------------- */

static enum emx_status same_sums(const struct scan *s, const struct journal_sums *then, struct emx_error *err)
{
    const struct bagging *b = &s->bagging;
    const char *folder = s->checkpoint.folder;
    struct number x, y;

    if (!then->source || !b->given)
        return !then->source == !b->given
                   ? EMX_OK
                   : emx_fail(err, EMX_ERR_ARG,
                              "%s: the checkpoint is of another scan: documents were %s summed up, now they are %s",
                              folder, then->source ? "being" : "not", b->given ? "to be" : "not");
    if (then->vectors != b->vectors || then->dimension != b->rows->dimension)
        return emx_fail(
            err, EMX_ERR_ARG,
            "%s: the checkpoint is of another scan: documents were summed up with the vectors of %s, and %s "
            "has others, or it is another precision, now",
            folder, then->source, b->given->source);
    if (then->n_requested != b->given->n_documents)
        return emx_fail(err, EMX_ERR_ARG,
                        "%s: the checkpoint is of another scan: it took %s%s documents of a domain, now it is to take "
                        "%s%s",
                        folder, then->n_requested ? "" : "all",
                        then->n_requested ? amount_text(then->n_requested, &x) : "", b->given->n_documents ? "" : "all",
                        b->given->n_documents ? amount_text(b->given->n_documents, &y) : "");
    if (then->n_requested && then->seed != b->given->seed)
        return emx_fail(err, EMX_ERR_ARG,
                        "%s: the checkpoint is of another scan: it took documents by the seed %" PRIu64
                        ", now by %" PRIu64,
                        folder, then->seed, b->given->seed);
    return EMX_OK;
}

enum emx_status checkpoint_compare(const struct scan *s, const struct journal *j, struct emx_error *err)
{
    const struct journal_shard *shards = j->shards;
    enum emx_status status = EMX_OK;

    for (size_t i = 0; i < s->n_domains && i < j->n_domains && !status; i++) {
        const struct emx_scan_domain *then = &j->domains[i].given, *now = s->domains[i].given;

        if (strcmp(then->name, now->name) != 0)
            return emx_fail(err, EMX_ERR_ARG,
                            "%s: the checkpoint is of another scan: domain %zu was '%s', now it is '%s'",
                            s->checkpoint.folder, i + 1, then->name, now->name);
        status = same_settings(s, then, now, err);
        if (!status)
            status = same_shards(s, &s->domains[i], shards, then->n_shards, err);
        shards += then->n_shards;
    }
    if (!status && s->options->on_error != j->on_error)
        status = emx_fail(err, EMX_ERR_ARG, "%s: the checkpoint is of another scan: broken shards %s",
                          s->checkpoint.folder, j->on_error == EMX_ON_ERROR_FAIL ? "were not skipped" : "were skipped");
    if (!status)
        status = same_sums(s, &j->sums, err);
    if (!status && s->n_domains != j->n_domains)
        status =
            emx_fail(err, EMX_ERR_ARG, "%s: the checkpoint is of another scan: it had %zu domains, now there are %zu",
                     s->checkpoint.folder, j->n_domains, s->n_domains);
    return status;
}

/* --- content ------------------------------------------------------------------------------------------- */

enum { VERIFIED_AT_ONCE = 64 /* between two looks at whether the caller wants to stop */ };

struct verifying {
    struct scan *scan;
    const struct journal *journal;
    const size_t *shards; /* those of other stamps */
    pthread_mutex_t mutex;
    struct emx_error error; /* the first; guarded by the mutex */
};

static enum emx_status verify_content(const struct journal_shard *then, struct emx_error *err)
{
    struct file *f = NULL;
    uint64_t xxh3 = 0;
    enum emx_status status = file_open(NULL, then->path, &f, err);

    if (!status)
        status = file_checksum(f, then->record.n_bytes, &xxh3, err);
    file_close(&f);
    if (!status && xxh3 != then->record.xxh3)
        status =
            emx_fail(err, EMX_ERR_ARG,
                     "%s: has changed since the checkpoint: of its first %" PRIu64 " bytes the checksum is another",
                     then->path, then->record.n_bytes);
    return status;
}

static void verify_item(size_t item, unsigned thread, void *context)
{
    struct verifying *v = context;
    struct emx_error error;

    (void)thread;
    if (!verify_content(&v->journal->shards[v->shards[item]], &error))
        return;
    pthread_mutex_lock(&v->mutex);
    if (!v->error.status)
        v->error = error;
    pthread_mutex_unlock(&v->mutex);
}

static bool is_same_stamp(const struct file_stamp *a, const struct file_stamp *b)
{
    return a->size == b->size && a->inode == b->inode && a->modified_ns == b->modified_ns &&
           a->changed_ns == b->changed_ns;
}

static enum emx_status list_doubtful(const struct scan *s, const struct journal *j, size_t *shards, size_t *ret_n,
                                     struct emx_error *err)
{
    *ret_n = 0;
    for (size_t i = 0; i < j->n_shards; i++) {
        const struct journal_shard *then = &j->shards[i];
        const struct file_stamp *now = &s->checkpoint.stamps[i];

        if (then->stamp.size != now->size)
            return emx_fail(err, EMX_ERR_ARG,
                            "%s: has changed since the checkpoint: it had %" PRIu64 " bytes, now it has %" PRIu64,
                            then->path, then->stamp.size, now->size);
        if ((then->stage == JOURNAL_BEGUN || then->stage == JOURNAL_DONE) && !is_same_stamp(&then->stamp, now))
            shards[(*ret_n)++] = i;
    }
    return EMX_OK;
}

enum emx_status checkpoint_verify(struct scan *s, const struct journal *j, struct emx_error *err)
{
    size_t *shards = malloc((j->n_shards + 1) * sizeof(*shards)), n = 0;
    struct verifying v = {.scan = s, .journal = j, .shards = shards, .mutex = PTHREAD_MUTEX_INITIALIZER};
    enum emx_status status;

    if (!shards)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu shards", j->n_shards);
    status = list_doubtful(s, j, shards, &n, err);
    for (size_t i = 0; i < n && !status; i += VERIFIED_AT_ONCE) {
        v.shards = shards + i;
        status = threads_for(s->placement, n - i < VERIFIED_AT_ONCE ? n - i : VERIFIED_AT_ONCE, verify_item, &v, err);
        if (!status && v.error.status)
            status = emx_fail(err, v.error.status, "%s", v.error.message);
        if (!status && !scan_report(s))
            status = emx_fail(err, EMX_ERR_STOPPED, "stopped");
    }
    free(shards);
    return status;
}
