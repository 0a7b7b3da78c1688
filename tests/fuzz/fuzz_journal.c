/*
 * fuzz_journal.c - any bytes as the journal of a checkpoint: what is accepted keeps to its rules, and is written the
 * same again
 *
 * A right header is put before the input, or else the checksum would stop nearly all of them; an input that begins
 * with the magic bytes is taken as the whole file.
 */
#include "input.h"
#include "scan/journal.h"
#include "scan/journal_layout.h"
#include "state/layout.h"

#include <string.h>

static char *make_file(const uint8_t *data, size_t size, size_t *ret_n)
{
    bool is_whole = size >= JOURNAL_MAGIC_BYTES && memcmp(data, JOURNAL_MAGIC, JOURNAL_MAGIC_BYTES) == 0;
    size_t head = is_whole ? 0 : JOURNAL_HEADER_BYTES;
    char *bytes = calloc(1, head + size + 1);

    require(bytes != NULL, "memory");
    if (size)
        memcpy(bytes + head, data, size);
    *ret_n = head + size;
    if (!is_whole) {
        memcpy(bytes, JOURNAL_MAGIC, JOURNAL_MAGIC_BYTES);
        put_u32(bytes + JOURNAL_MAGIC_BYTES, JOURNAL_VERSION);
        put_u64(bytes + JOURNAL_CHECKED_BYTES, journal_checksum(bytes, *ret_n));
    }
    return bytes;
}

static void check_counts(const struct journal *j, const struct journal_counts *c)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < c->n_tails; i++) {
        require(c->tails[i].token < EMX_MAX_VOCABULARY && c->tails[i].count > 0, "tails are of tokens that were seen");
        require(i == 0 || c->tails[i].token > c->tails[i - 1].token, "tails ascend");
        require(!__builtin_add_overflow(sum, c->tails[i].count, &sum) && sum <= MAX_TOTAL, "tails have a sum");
    }
    for (size_t i = 0; i < c->n_runs; i++)
        require(c->runs[i].at <= j->n_data_bytes && c->runs[i].max_token < EMX_MAX_VOCABULARY,
                "runs lie in the data file");
}

static void check_spans(const struct journal_shard *s)
{
    uint64_t end = 0, n = 0;

    for (size_t i = 0; i < s->n_spans; i++) {
        const struct span *span = &s->spans[i];

        require(span->begin >= end && span->end >= span->begin, "spans follow each other");
        require(span->n <= span->end - span->begin, "a token has a byte or more");
        require(span->n_head < sizeof(span->head) && span->n_tail < sizeof(span->tail), "parts of tokens fit");
        require(!span->n || (span->first < EMX_MAX_VOCABULARY && span->last < EMX_MAX_VOCABULARY), "tokens have ids");
        end = span->end;
        n += span->n;
    }
    require(s->stage != JOURNAL_BEGUN || n == s->sums.n_tokens, "spans add up");
}

static void check_shard(const struct journal_shard *s)
{
    require(s->path && s->stage <= JOURNAL_SKIPPED && (s->reason != NULL) == (s->stage == JOURNAL_SKIPPED),
            "a shard has a path and a stage");
    require(s->stage == JOURNAL_BEGUN || !s->n_spans, "only a begun one has spans");
    require(s->record.n_bytes <= s->stamp.size, "no more bytes were read than there are");
    if (s->stage == JOURNAL_DONE)
        require(s->record.n_tokens <= MAX_TOTAL && s->record.n_documents <= s->record.n_tokens &&
                    s->record.n_pairs <= s->record.n_tokens && s->n_without_eod <= s->record.n_documents,
                "a shard has no more documents and pairs than tokens");
    check_spans(s);
}

static void check(const struct journal *j)
{
    size_t n_shards = 0;

    require(j->n_data_bytes <= INT64_MAX && j->on_error <= EMX_ON_ERROR_SKIP_SHARD, "a data file can be as large");
    require(j->sums.slot <= 1, "there are two files of sums");
    for (size_t i = 0; i < j->n_domains; i++) {
        const struct journal_domain *d = &j->domains[i];

        require(d->given.name && d->given.settings.pairs <= EMX_PAIRS_WINDOW, "a domain has a name and settings");
        check_counts(j, &d->plus);
        check_counts(j, &d->minus);
        n_shards += d->given.n_shards;
    }
    require(n_shards == j->n_shards, "shards are of domains");
    for (size_t i = 0; i < j->n_shards; i++)
        check_shard(&j->shards[i]);
}

static void check_again(const struct journal *j, size_t n)
{
    char *again = NULL;
    size_t n_again = 0;

    require(journal_encode(j, &again, &n_again, NULL) == EMX_OK, "memory");
    require(n_again == n &&
                memcmp(again + JOURNAL_HEADER_BYTES, j->bytes + JOURNAL_HEADER_BYTES, n - JOURNAL_HEADER_BYTES) == 0,
            "the same is written again");
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct emx_error err = {.message = ""};
    struct journal j;
    size_t n;
    char *bytes = make_file(data, size, &n);

    if (journal_decode(bytes, n, "the journal", &j, &err) != EMX_OK) {
        require(strncmp(err.message, "the journal: ", 13) == 0 && !j.domains && !j.shards, "a refusal has a sentence");
        return 0;
    }
    check(&j);
    check_again(&j, n);
    journal_finish(&j);
    return 0;
}
