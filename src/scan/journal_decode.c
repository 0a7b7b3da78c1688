/*
 * journal_decode.c - bytes to a journal, none of them believed
 *
 * The checksum tells of what a disk does; the checks behind it tell of a program that wrote nonsense, so that no
 * number here can lead to a wrong count or a wild access.
 */
#include "scan/journal.h"
#include "scan/journal_layout.h"

#include "state/layout.h"

#include <stdlib.h>

enum { SPAN_BYTES = 60, TAIL_BYTES = 12, RUN_BYTES_IN_JOURNAL = 28, LEAST_DOMAIN_BYTES = 96, LEAST_SHARD_BYTES = 37 };

struct reader {
    const char *p, *end;
    const char *wrong; /* NULL: nothing yet; then all that is read is 0 */
    bool no_memory;
};

static void blame(struct reader *r, const char *wrong)
{
    if (!r->wrong)
        r->wrong = wrong;
    r->p = r->end;
}

static const char *read_bytes(struct reader *r, size_t n)
{
    const char *p = r->p;

    if ((size_t)(r->end - p) < n) {
        blame(r, "it is cut off");
        return NULL;
    }
    r->p += n;
    return p;
}

static uint32_t read_u32(struct reader *r)
{
    const char *p = read_bytes(r, 4);

    return p ? get_u32(p) : 0;
}

static uint64_t read_u64(struct reader *r)
{
    const char *p = read_bytes(r, 8);

    return p ? get_u64(p) : 0;
}

static uint8_t read_u8(struct reader *r)
{
    const char *p = read_bytes(r, 1);

    return p ? (uint8_t)*p : 0;
}

static bool read_bool(struct reader *r)
{
    uint32_t v = read_u32(r);

    if (v > 1)
        blame(r, "a flag is neither 0 nor 1");
    return v == 1;
}

/* "" if there is none. */
static const char *read_string(struct reader *r)
{
    const char *s = r->p, *nul = memchr(s, '\0', (size_t)(r->end - s));

    if (!nul) {
        blame(r, "a string is cut off");
        return "";
    }
    r->p = nul + 1;
    return s;
}

static const char *read_optional(struct reader *r)
{
    const char *s = read_string(r);

    return *s ? s : NULL;
}

/* How many items follow, of at least `least` bytes each, and room for them. */
static void *read_array(struct reader *r, uint64_t n, size_t least, size_t item, size_t *ret_n)
{
    void *items;

    *ret_n = 0;
    if (n > (size_t)(r->end - r->p) / least) {
        blame(r, "it is cut off");
        return NULL;
    }
    items = calloc((size_t)n + 1, item);
    if (!items) {
        r->no_memory = true;
        blame(r, "out of memory");
        return NULL;
    }
    *ret_n = (size_t)n;
    return items;
}

/* --- domains ------------------------------------------------------------------------------------------- */

static void read_settings(struct reader *r, struct emx_domain_settings *s)
{
    uint32_t pairs = read_u32(r);

    if (pairs > EMX_PAIRS_WINDOW)
        blame(r, "there is no such mode of pairs");
    s->pairs = (enum emx_pairs_mode)pairs;
    s->window = read_u32(r);
    s->eod = read_u32(r);
    s->eod_first = read_bool(r);
    s->vocabulary = read_u32(r);
    s->sample_tokens = read_u64(r);
}

static void read_tails(struct reader *r, struct journal_counts *d)
{
    uint64_t sum = 0;

    d->tails = read_array(r, read_u64(r), TAIL_BYTES, sizeof(*d->tails), &d->n_tails);
    for (size_t i = 0; i < d->n_tails && !r->wrong; i++) {
        struct journal_tail *t = &d->tails[i];

        t->token = read_u32(r);
        t->count = read_u64(r);
        if (t->token >= EMX_MAX_VOCABULARY || (i && t->token <= t[-1].token))
            blame(r, "tails do not ascend");
        if (t->count == 0 || t->count > MAX_TOTAL - sum)
            blame(r, "the count of a tail is out of range");
        sum += t->count;
    }
}

static void read_runs(struct reader *r, const struct journal *j, struct journal_counts *d)
{
    d->runs = read_array(r, read_u64(r), RUN_BYTES_IN_JOURNAL, sizeof(*d->runs), &d->n_runs);
    for (size_t i = 0; i < d->n_runs && !r->wrong; i++) {
        d->runs[i].at = read_u64(r);
        d->runs[i].n_blocks = read_u64(r);
        d->runs[i].xxh3 = read_u64(r);
        d->runs[i].max_token = read_u32(r);
        if (d->runs[i].at > j->n_data_bytes || d->runs[i].max_token >= EMX_MAX_VOCABULARY)
            blame(r, "a run lies behind the end of the data");
    }
}

static void read_domain(struct reader *r, const struct journal *j, struct journal_domain *d)
{
    d->given.name = read_string(r);
    d->given.format = read_optional(r);
    d->given.dtype = read_optional(r);
    d->given.column = read_optional(r);
    d->given.n_shards = (size_t)read_u64(r);
    read_settings(r, &d->given.settings);
    d->eod_order_known = read_bool(r);
    d->eod_first = read_bool(r);
    d->n_tokens = read_u64(r);
    d->n_pair_types = read_u64(r);
    read_tails(r, &d->plus);
    read_runs(r, j, &d->plus);
    read_tails(r, &d->minus);
    read_runs(r, j, &d->minus);
}

/* --- shards -------------------------------------------------------------------------------------------- */

static bool is_bool(uint8_t v)
{
    return v <= 1;
}

static void read_span(struct reader *r, struct span *s)
{
    const char *head, *tail;
    uint8_t before, after;

    s->begin = read_u64(r);
    s->end = read_u64(r);
    s->n = read_u64(r);
    s->first = read_u32(r);
    s->last = read_u32(r);
    before = read_u8(r);
    after = read_u8(r);
    s->n_head = read_u8(r);
    s->n_tail = read_u8(r);
    head = read_bytes(r, sizeof(s->head));
    tail = read_bytes(r, sizeof(s->tail));
    s->check = read_u64(r);
    if (r->wrong)
        return;
    s->end_before = before;
    s->end_after = after;
    memcpy(s->head, head, sizeof(s->head));
    memcpy(s->tail, tail, sizeof(s->tail));
    if (!is_bool(before) || !is_bool(after) || s->n_head >= sizeof(s->head) || s->n_tail >= sizeof(s->tail))
        blame(r, "a span has impossible edges");
    if (s->end < s->begin || s->n > s->end - s->begin)
        blame(r, "a span has more tokens than bytes");
    if (s->n && (s->first >= EMX_MAX_VOCABULARY || s->last >= EMX_MAX_VOCABULARY))
        blame(r, "a token is out of range");
}

static void read_begun(struct reader *r, struct journal_shard *s)
{
    uint64_t n = 0;

    s->sums.n_tokens = read_u64(r);
    s->sums.n_eod = read_u64(r);
    s->sums.n_plain_ends = read_u64(r);
    s->spans = read_array(r, read_u64(r), SPAN_BYTES, sizeof(*s->spans), &s->n_spans);
    for (size_t i = 0; i < s->n_spans && !r->wrong; i++) {
        read_span(r, &s->spans[i]);
        if (i && s->spans[i].begin < s->spans[i - 1].end)
            blame(r, "spans overlap");
        n += s->spans[i].n;
    }
    if (!r->wrong && (n != s->sums.n_tokens || s->sums.n_eod > n || s->sums.n_plain_ends > n))
        blame(r, "spans do not add up to the shard");
}

static void read_done(struct reader *r, struct journal_shard *s)
{
    struct emx_shard_record *to = &s->record;

    to->path = s->path;
    to->format = read_string(r);
    to->codec = read_string(r);
    to->dtype = read_string(r);
    to->index_xxh3 = read_u64(r);
    to->n_tokens = read_u64(r);
    to->n_documents = read_u64(r);
    to->n_pairs = read_u64(r);
    s->n_without_eod = read_u64(r);
    if (!r->wrong && (to->n_tokens > MAX_TOTAL || to->n_documents > to->n_tokens || to->n_pairs > to->n_tokens ||
                      s->n_without_eod > to->n_documents))
        blame(r, "the numbers of a shard are out of range");
}

static void read_shard(struct reader *r, struct journal_shard *s)
{
    uint32_t stage;

    s->path = read_string(r);
    s->stamp.size = read_u64(r);
    s->stamp.inode = read_u64(r);
    s->stamp.modified_ns = (int64_t)read_u64(r);
    s->stamp.changed_ns = (int64_t)read_u64(r);
    stage = read_u32(r);
    if (stage > JOURNAL_SKIPPED)
        blame(r, "a shard is in no known stage");
    s->stage = (enum journal_stage)stage;
    if (!r->wrong && s->stage == JOURNAL_SKIPPED)
        s->reason = read_string(r);
    if (r->wrong || s->stage == JOURNAL_NEW || s->stage == JOURNAL_SKIPPED)
        return;
    s->record.n_bytes = read_u64(r);
    s->record.xxh3 = read_u64(r);
    if (s->record.n_bytes > s->stamp.size)
        blame(r, "more bytes of a shard were read than it has");
    if (s->stage == JOURNAL_BEGUN)
        read_begun(r, s);
    else
        read_done(r, s);
}

/* --- the whole ----------------------------------------------------------------------------------------- */

static void read_sums(struct reader *r, struct journal_sums *s)
{
    s->source = read_optional(r);
    if (!s->source)
        return;
    s->vectors = read_u64(r);
    s->dimension = read_u32(r);
    s->n_requested = read_u64(r);
    s->seed = read_u64(r);
    s->slot = read_u32(r);
    s->n_bytes = read_u64(r);
    s->xxh3 = read_u64(r);
    if (s->slot > 1)
        blame(r, "there is no such file of sums over documents");
}

static void read_all(struct reader *r, struct journal *j)
{
    uint64_t n_domains, n_shards, n = 0;
    uint32_t on_error;

    j->id = read_u64(r);
    j->n_data_bytes = read_u64(r);
    on_error = read_u32(r);
    if (on_error > EMX_ON_ERROR_SKIP_SHARD)
        blame(r, "there is no such way to treat errors");
    j->on_error = (enum emx_on_error)on_error;
    read_sums(r, &j->sums);
    n_domains = read_u64(r);
    n_shards = read_u64(r);
    if (j->n_data_bytes > INT64_MAX)
        blame(r, "the data file cannot be as large");
    j->domains = read_array(r, n_domains, LEAST_DOMAIN_BYTES, sizeof(*j->domains), &j->n_domains);
    for (size_t i = 0; i < j->n_domains && !r->wrong; i++) {
        read_domain(r, j, &j->domains[i]);
        if (__builtin_add_overflow(n, j->domains[i].given.n_shards, &n))
            blame(r, "domains have too many shards");
    }
    if (n != n_shards)
        blame(r, "the shards of its domains do not add up");
    j->shards = read_array(r, n_shards, LEAST_SHARD_BYTES, sizeof(*j->shards), &j->n_shards);
    for (size_t i = 0; i < j->n_shards && !r->wrong; i++)
        read_shard(r, &j->shards[i]);
    if (!r->wrong && r->p != r->end)
        blame(r, "bytes follow its end");
}

static const char *check_header(const char *bytes, size_t n)
{
    if (n < JOURNAL_HEADER_BYTES || memcmp(bytes, JOURNAL_MAGIC, JOURNAL_MAGIC_BYTES) != 0)
        return "it does not begin as one";
    if (get_u64(bytes + JOURNAL_CHECKED_BYTES) != journal_checksum(bytes, n))
        return "its checksum does not match";
    return NULL;
}

enum emx_status journal_decode(char *bytes, size_t n, const char *path, struct journal *ret, struct emx_error *err)
{
    struct reader r = {.wrong = check_header(bytes, n)};
    uint32_t version = r.wrong ? JOURNAL_VERSION : get_u32(bytes + JOURNAL_MAGIC_BYTES);

    *ret = (struct journal){.bytes = bytes};
    if (version != JOURNAL_VERSION) {
        journal_finish(ret);
        return emx_fail(err, EMX_ERR_VERSION, "%s: is a checkpoint of version %u, this program reads version %d", path,
                        version, JOURNAL_VERSION);
    }
    if (!r.wrong) {
        r.p = bytes + JOURNAL_HEADER_BYTES;
        r.end = bytes + n;
        read_all(&r, ret);
    }
    if (!r.wrong)
        return EMX_OK;
    journal_finish(ret);
    if (r.no_memory)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    return emx_fail(err, EMX_ERR_CORRUPT, "%s: is no whole checkpoint: %s", path, r.wrong);
}
