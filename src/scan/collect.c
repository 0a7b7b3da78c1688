#include "scan/collect.h"

#include "entropy/spectrum_builder.h"
#include "state/layout.h"
#include "util/memory_text.h"

#include <stdlib.h>
#include <string.h>

static enum emx_status no_memory(struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_MEMORY, "out of memory for what rank 0 is to know");
}

static void put_number(struct memory_text *m, uint64_t x)
{
    unsigned char bytes[8];

    put_u64(bytes, x);
    fwrite(bytes, 1, sizeof(bytes), m->stream);
}

/* --- records -------------------------------------------------------------------------------------------- */

/*
 * A shard that this rank counted: 8 numbers, 3 strings.  Formats and codecs have static names; a copy of the message
 * keeps them.
 */
enum { N_NUMBERS = 8 };

static void put_record(struct memory_text *m, const struct scan *s, size_t i)
{
    const struct emx_shard_record *r = &s->records[i];

    put_number(m, i);
    put_number(m, r->n_bytes);
    put_number(m, r->xxh3);
    put_number(m, r->index_xxh3);
    put_number(m, r->n_tokens);
    put_number(m, r->n_documents);
    put_number(m, r->n_pairs);
    put_number(m, s->n_without_eod[i]);
    fprintf(m->stream, "%s%c%s%c%s%c", r->format, 0, r->codec, 0, r->dtype, 0);
}

static const unsigned char *take_string(const unsigned char *p, const unsigned char *end, const char **ret)
{
    const unsigned char *nul = memchr(p, 0, (size_t)(end - p));

    *ret = (const char *)p;
    return nul ? nul + 1 : NULL;
}

static const unsigned char *take_record(struct scan *s, const unsigned char *p, const unsigned char *end)
{
    uint64_t i;
    struct emx_shard_record *r;

    if (end - p < 8 * N_NUMBERS || (i = get_u64(p)) >= s->n_shards)
        return NULL;
    r = &s->records[i];
    *r = (struct emx_shard_record){.path = s->shards[i].path,
                                   .n_bytes = get_u64(p + 8),
                                   .xxh3 = get_u64(p + 16),
                                   .index_xxh3 = get_u64(p + 24),
                                   .n_tokens = get_u64(p + 32),
                                   .n_documents = get_u64(p + 40),
                                   .n_pairs = get_u64(p + 48)};
    s->n_without_eod[i] = get_u64(p + 56);
    p = take_string(p + 8 * N_NUMBERS, end, &r->format);
    p = p ? take_string(p, end, &r->codec) : NULL;
    return p ? take_string(p, end, &r->dtype) : NULL;
}

/* A copy of a message, which lives as long as the scan; NULL if there is no memory. */
static const unsigned char *keep(struct scan *s, const unsigned char *data, size_t n)
{
    unsigned char *copy = malloc(n + 1), **larger = realloc(s->collected, (s->n_collected + 1) * sizeof(*larger));

    if (larger)
        s->collected = larger;
    if (!copy || !larger) {
        free(copy);
        return NULL;
    }
    memcpy(copy, data, n);
    return s->collected[s->n_collected++] = copy;
}

static enum emx_status take_records(void *context, const unsigned char *data, size_t n, struct emx_error *err)
{
    struct scan *s = context;
    const unsigned char *p = keep(s, data, n), *end = p + n;

    if (!p)
        return no_memory(err);
    while (p && p < end)
        p = take_record(s, p, end);
    return p ? EMX_OK : emx_fail(err, EMX_ERR_CORRUPT, "what a rank sent is no list of shards");
}

/* Do the shards of all ranks agree whether EOD opens documents? */
static enum emx_status agree_on_eod(struct scan *s, struct domain *d, struct emx_error *err)
{
    uint64_t last = cluster_least(s->cluster, d->eod_order_known && !d->settings.eod_first ? 0 : 1);
    uint64_t first = cluster_least(s->cluster, d->eod_order_known && d->settings.eod_first ? 0 : 1);

    if (first == 0 && last == 0)
        return emx_fail(err, EMX_ERR_ARG,
                        "domain '%s' mixes shards whose EOD token opens a document (llm.c) with shards whose EOD "
                        "token ends one: give them to two domains",
                        d->given->name);
    if (first == 0)
        d->settings.eod_first = true;
    return EMX_OK;
}

static enum emx_status write_records(const struct scan *s, struct memory_text *m, struct emx_error *err)
{
    if (!memory_text_open(m))
        return no_memory(err);
    for (size_t i = 0; i < s->n_shards; i++) {
        if (s->records[i].path)
            put_record(m, s, i);
    }
    return memory_text_close(m) ? EMX_OK : no_memory(err);
}

enum emx_status collect_records(struct scan *s, struct emx_error *err)
{
    struct memory_text m = {0};
    enum emx_status status = write_records(s, &m, err);

    status = cluster_collect(s->cluster, status, m.bytes, m.len, take_records, s, err);
    memory_text_finish(&m);
    for (size_t i = 0; i < s->n_domains && !status; i++)
        status = agree_on_eod(s, &s->domains[i], err);
    return status;
}

/* --- what is skipped ------------------------------------------------------------------------------------ */

/* 5 numbers, 3 strings. */
enum { N_SKIP_NUMBERS = 5 };

/* Rank 0 has its own. */
static enum emx_status write_skips(const struct scan *s, struct memory_text *m, struct emx_error *err)
{
    if (!memory_text_open(m))
        return no_memory(err);
    for (size_t i = 0; s->cluster->rank != 0 && i < s->skips.n; i++) {
        const struct emx_skipped *x = &s->skips.items[i];

        put_number(m, x->what);
        put_number(m, x->byte_begin);
        put_number(m, x->byte_end);
        put_number(m, x->token_begin);
        put_number(m, x->token_end);
        fprintf(m->stream, "%s%c%s%c%s%c", x->domain, 0, x->path, 0, x->reason, 0);
    }
    return memory_text_close(m) ? EMX_OK : no_memory(err);
}

static enum emx_status take_skip(struct scan *s, const unsigned char **p, const unsigned char *end,
                                 struct emx_error *err)
{
    const unsigned char *at = *p;
    struct emx_skipped x;

    *p = NULL;
    if (end - at < 8 * N_SKIP_NUMBERS)
        return EMX_OK;
    x = (struct emx_skipped){.what = (enum emx_skipped_what)get_u64(at),
                             .byte_begin = get_u64(at + 8),
                             .byte_end = get_u64(at + 16),
                             .token_begin = get_u64(at + 24),
                             .token_end = get_u64(at + 32)};
    at = take_string(at + 8 * N_SKIP_NUMBERS, end, &x.domain);
    at = at ? take_string(at, end, &x.path) : NULL;
    *p = at ? take_string(at, end, &x.reason) : NULL;
    return *p ? skips_adopt(&s->skips, &x, err) : EMX_OK;
}

static enum emx_status take_skips(void *context, const unsigned char *data, size_t n, struct emx_error *err)
{
    struct scan *s = context;
    const unsigned char *p = keep(s, data, n), *end = p + n;
    enum emx_status status = p ? EMX_OK : no_memory(err);

    while (!status && p && p < end)
        status = take_skip(s, &p, end, err);
    return status || p ? status : emx_fail(err, EMX_ERR_CORRUPT, "what a rank sent is no list of what it skipped");
}

enum emx_status collect_skips(struct scan *s, struct emx_error *err)
{
    struct memory_text m = {0};
    enum emx_status status = write_skips(s, &m, err);

    status = cluster_collect(s->cluster, status, m.bytes, m.len, take_skips, s, err);
    memory_text_finish(&m);
    return status;
}

/* --- tails ---------------------------------------------------------------------------------------------- */

enum emx_status collect_tails(struct scan *s, struct domain *d, struct emx_error *err)
{
    struct tally *t = &d->tails;
    uint64_t n = UINT64_MAX - cluster_least(s->cluster, UINT64_MAX - t->n);
    enum emx_status status = EMX_OK;

    if (n > t->n) /* as long as the longest */
        status = tally_add_many(t, (uint32_t)(n - 1), 0, err);
    status = emx_cluster_agree(s->cluster, status, err);
    if (!status)
        cluster_sum(s->cluster, t->count, (size_t)n);
    return status;
}

/* --- spectra -------------------------------------------------------------------------------------------- */

static enum emx_status take_spectrum(void *context, const unsigned char *data, size_t n, struct emx_error *err)
{
    for (size_t i = 0; i + 16 <= n; i += 16) {
        if (spectrum_builder_add_types(context, get_u64(data + i), get_u64(data + i + 8)))
            return emx_fail(err, EMX_ERR_MEMORY, "out of memory for a spectrum");
    }
    return EMX_OK;
}

/* Rank 0 has its own. */
static enum emx_status write_spectrum(const struct scan *s, struct emx_spectrum_builder *b, struct memory_text *m,
                                      struct emx_error *err)
{
    struct emx_spectrum view = {0};

    if (s->cluster->rank != 0 && emx_spectrum_builder_view(b, &view) != EMX_OK)
        return no_memory(err);
    if (!memory_text_open(m))
        return no_memory(err);
    for (size_t i = 0; i < view.len; i++) {
        put_number(m, view.count[i]);
        put_number(m, view.types[i]);
    }
    return memory_text_close(m) ? EMX_OK : no_memory(err);
}

enum emx_status collect_spectrum(struct scan *s, struct emx_spectrum_builder *b, struct emx_error *err)
{
    struct memory_text m = {0};
    enum emx_status status;

    if (s->cluster->size == 1)
        return EMX_OK;
    status = write_spectrum(s, b, &m, err);
    status = cluster_collect(s->cluster, status, m.bytes, m.len, take_spectrum, b, err);
    memory_text_finish(&m);
    return status;
}
