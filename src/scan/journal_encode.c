/* journal_encode.c - failures stay in the stream, which is asked once at the end */
#include "scan/journal.h"
#include "scan/journal_layout.h"

#include "state/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

void journal_finish(struct journal *j)
{
    for (size_t i = 0; i < j->n_domains; i++) {
        free(j->domains[i].plus.tails);
        free(j->domains[i].plus.runs);
        free(j->domains[i].minus.tails);
        free(j->domains[i].minus.runs);
    }
    for (size_t i = 0; i < j->n_shards; i++)
        free(j->shards[i].spans);
    free(j->domains);
    free(j->shards);
    free(j->bytes);
    *j = (struct journal){0};
}

static void write_u32(FILE *to, uint32_t v)
{
    unsigned char bytes[4];

    put_u32(bytes, v);
    fwrite(bytes, sizeof(bytes), 1, to);
}

static void write_u64(FILE *to, uint64_t v)
{
    unsigned char bytes[8];

    put_u64(bytes, v);
    fwrite(bytes, sizeof(bytes), 1, to);
}

/* NULL is written as "", which no such string is. */
static void write_string(FILE *to, const char *s)
{
    s = s ? s : "";
    fwrite(s, strlen(s) + 1, 1, to);
}

static void write_counts(FILE *to, const struct journal_counts *c)
{
    write_u64(to, c->n_tails);
    for (size_t i = 0; i < c->n_tails; i++) {
        write_u32(to, c->tails[i].token);
        write_u64(to, c->tails[i].count);
    }
    write_u64(to, c->n_runs);
    for (size_t i = 0; i < c->n_runs; i++) {
        write_u64(to, c->runs[i].at);
        write_u64(to, c->runs[i].n_blocks);
        write_u64(to, c->runs[i].xxh3);
        write_u32(to, c->runs[i].max_token);
    }
}

static void write_domain(FILE *to, const struct journal_domain *d)
{
    const struct emx_domain_settings *s = &d->given.settings;

    write_string(to, d->given.name);
    write_string(to, d->given.format);
    write_string(to, d->given.dtype);
    write_string(to, d->given.column);
    write_u64(to, d->given.n_shards);
    write_u32(to, (uint32_t)s->pairs);
    write_u32(to, s->window);
    write_u32(to, s->eod);
    write_u32(to, s->eod_first);
    write_u32(to, s->vocabulary);
    write_u64(to, s->sample_tokens);
    write_u32(to, d->eod_order_known);
    write_u32(to, d->eod_first);
    write_u64(to, d->n_tokens);
    write_u64(to, d->n_pair_types);
    write_counts(to, &d->plus);
    write_counts(to, &d->minus);
}

static void write_span(FILE *to, const struct span *s)
{
    write_u64(to, s->begin);
    write_u64(to, s->end);
    write_u64(to, s->n);
    write_u32(to, s->first);
    write_u32(to, s->last);
    fputc(s->end_before, to);
    fputc(s->end_after, to);
    fputc(s->n_head, to);
    fputc(s->n_tail, to);
    fwrite(s->head, sizeof(s->head), 1, to);
    fwrite(s->tail, sizeof(s->tail), 1, to);
    write_u64(to, s->check);
}

static void write_begun(FILE *to, const struct journal_shard *s)
{
    write_u64(to, s->sums.n_tokens);
    write_u64(to, s->sums.n_eod);
    write_u64(to, s->sums.n_plain_ends);
    write_u64(to, s->n_spans);
    for (size_t i = 0; i < s->n_spans; i++)
        write_span(to, &s->spans[i]);
}

static void write_done(FILE *to, const struct journal_shard *s)
{
    const struct emx_shard_record *r = &s->record;

    write_string(to, r->format);
    write_string(to, r->codec);
    write_string(to, r->dtype);
    write_u64(to, r->index_xxh3);
    write_u64(to, r->n_tokens);
    write_u64(to, r->n_documents);
    write_u64(to, r->n_pairs);
    write_u64(to, s->n_without_eod);
}

static void write_shard(FILE *to, const struct journal_shard *s)
{
    write_string(to, s->path);
    write_u64(to, s->stamp.size);
    write_u64(to, s->stamp.inode);
    write_u64(to, (uint64_t)s->stamp.modified_ns);
    write_u64(to, (uint64_t)s->stamp.changed_ns);
    write_u32(to, s->stage);
    if (s->stage == JOURNAL_SKIPPED)
        write_string(to, s->reason);
    if (s->stage != JOURNAL_BEGUN && s->stage != JOURNAL_DONE)
        return;
    write_u64(to, s->record.n_bytes);
    write_u64(to, s->record.xxh3);
    if (s->stage == JOURNAL_BEGUN)
        write_begun(to, s);
    else
        write_done(to, s);
}

static void write_sums(FILE *to, const struct journal_sums *s)
{
    write_string(to, s->source);
    if (!s->source)
        return;
    write_u64(to, s->vectors);
    write_u32(to, s->dimension);
    write_u64(to, s->n_requested);
    write_u64(to, s->seed);
    write_u32(to, s->slot);
    write_u64(to, s->n_bytes);
    write_u64(to, s->xxh3);
}

static void write_header(char *bytes, size_t n)
{
    memcpy(bytes, JOURNAL_MAGIC, JOURNAL_MAGIC_BYTES);
    put_u32(bytes + 8, JOURNAL_VERSION);
    put_u32(bytes + 12, 0);
    put_u64(bytes + JOURNAL_CHECKED_BYTES, journal_checksum(bytes, n));
}

enum emx_status journal_encode(const struct journal *j, char **ret_bytes, size_t *ret_n, struct emx_error *err)
{
    static const char header[JOURNAL_HEADER_BYTES];
    char *bytes = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&bytes, &n);
    bool failed = !to;

    if (to) {
        fwrite(header, sizeof(header), 1, to);
        write_u64(to, j->id);
        write_u64(to, j->n_data_bytes);
        write_u32(to, j->on_error);
        write_sums(to, &j->sums);
        write_u64(to, j->n_domains);
        write_u64(to, j->n_shards);
        for (size_t i = 0; i < j->n_domains; i++)
            write_domain(to, &j->domains[i]);
        for (size_t i = 0; i < j->n_shards; i++)
            write_shard(to, &j->shards[i]);
        failed = ferror(to);
        failed |= fclose(to) != 0;
    }
    if (failed) {
        free(bytes);
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a checkpoint");
    }
    write_header(bytes, n);
    *ret_bytes = bytes;
    *ret_n = n;
    return EMX_OK;
}
