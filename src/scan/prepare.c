/* prepare.c - what the caller gave, checked before any byte is read */
#include "pipeline/limits.h"
#include "scan/scan.h"
#include "util/clock.h"

#include <stdlib.h>
#include <string.h>

enum {
    MOST_THREADS = 4096,
    MOST_DOMAINS = 1 << 20,
    LEAST_WINDOW_LOG = 27, /* as the zstd program accepts without --long */
    MOST_WINDOW_LOG = 31,
};
#define MOST_SHARDS ((size_t)1 << 31)
#define LEAST_MEMORY (UINT64_C(16) << 20)
#define LEAST_MEMORY_OF_A_THREAD (UINT64_C(1) << 19) /* a small table of its domain */
#define BUFFERS_OF_A_THREAD (UINT64_C(25) << 20)     /* what it needs beside tables */

/* --- settings of a domain ------------------------------------------------------------------------------ */

static enum emx_status check_settings(const struct emx_scan_domain *d, struct emx_error *err)
{
    const struct emx_domain_settings *s = &d->settings;

    if (!d->name || !d->name[0])
        return emx_fail(err, EMX_ERR_ARG, "a domain has no name");
    if (d->n_shards == 0)
        return emx_fail(err, EMX_ERR_ARG, "domain '%s' has no shard", d->name);
    if (s->vocabulary > EMX_MAX_VOCABULARY)
        return emx_fail(err, EMX_ERR_ARG, "domain '%s': a vocabulary of %u is larger than the largest, %u", d->name,
                        s->vocabulary, EMX_MAX_VOCABULARY);
    if (s->eod != EMX_NO_TOKEN && s->eod >= (s->vocabulary ? s->vocabulary : EMX_MAX_VOCABULARY))
        return emx_fail(err, EMX_ERR_ARG, "domain '%s': the EOD token %u is not below the vocabulary of %u", d->name,
                        s->eod, s->vocabulary ? s->vocabulary : EMX_MAX_VOCABULARY);
    if ((s->pairs == EMX_PAIRS_WINDOW) != (s->window > 0))
        return emx_fail(err, EMX_ERR_ARG, "domain '%s': pairs within windows need a window of at least 1 token",
                        d->name);
    return EMX_OK;
}

static enum emx_status set_format(const struct emx_scan_domain *d, struct format_options *ret, struct emx_error *err)
{
    *ret = (struct format_options){.format = d->format, .column = d->column};
    if (d->format && !format_by_name(d->format))
        return emx_fail(err, EMX_ERR_ARG, "domain '%s': there is no shard format '%s'", d->name, d->format);
    if (d->dtype && !token_type_parse(d->dtype, &ret->type))
        return emx_fail(err, EMX_ERR_ARG,
                        "domain '%s': '%s' is no dtype: u8, i8, u16, i16, u32, i32, u64, i64, or one of these with "
                        "'be' (big-endian)",
                        d->name, d->dtype);
    return EMX_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct domain *const *)a)->given->name, (*(struct domain *const *)b)->given->name);
}

static enum emx_status sort_domains(struct scan *s, struct emx_error *err)
{
    for (size_t i = 0; i < s->n_domains; i++)
        s->by_name[i] = &s->domains[i];
    qsort(s->by_name, s->n_domains, sizeof(struct domain *), by_name);
    for (size_t i = 1; i < s->n_domains; i++) {
        if (by_name(&s->by_name[i - 1], &s->by_name[i]) == 0)
            return emx_fail(err, EMX_ERR_ARG, "two domains are named '%s'", s->by_name[i]->given->name);
    }
    return EMX_OK;
}

static enum emx_status prepare_domains(struct scan *s, const struct emx_scan_domain *given, size_t n,
                                       struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    if (n == 0)
        return emx_fail(err, EMX_ERR_ARG, "there is no domain to scan");
    if (n > MOST_DOMAINS)
        return emx_fail(err, EMX_ERR_ARG, "%zu domains are more than %d", n, MOST_DOMAINS);
    s->domains = calloc(n, sizeof(*s->domains));
    s->by_name = calloc(n, sizeof(struct domain *));
    s->formats = calloc(n, sizeof(*s->formats));
    s->sealed = calloc(n, sizeof(*s->sealed));
    s->progress = calloc(n, sizeof(*s->progress));
    if (!s->domains || !s->by_name || !s->formats || !s->sealed || !s->progress)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu domains", n);
    for (; s->n_domains < n && !status; s->n_domains++) {
        domain_init(&s->domains[s->n_domains], &given[s->n_domains], s->placement, s->regions);
        status = check_settings(&given[s->n_domains], err);
        if (!status)
            status = set_format(&given[s->n_domains], &s->formats[s->n_domains], err);
        if (!status && scan_may_skip(s))
            status = domain_allow_taking_back(&s->domains[s->n_domains], err);
    }
    return status ? status : sort_domains(s, err);
}

/* --- shards -------------------------------------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum emx_status refuse_repeated(const struct emx_scan_domain *d, struct emx_error *err)
{
    const char **paths = malloc(d->n_shards * sizeof(*paths));
    enum emx_status status = EMX_OK;

    if (!paths)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu shards", d->n_shards);
    memcpy(paths, d->shards, d->n_shards * sizeof(*paths));
    qsort(paths, d->n_shards, sizeof(*paths), by_path);
    for (size_t i = 1; i < d->n_shards && !status; i++) {
        if (strcmp(paths[i - 1], paths[i]) == 0)
            status = emx_fail(err, EMX_ERR_ARG, "domain '%s': shard %s is given twice", d->name, paths[i]);
    }
    free(paths);
    return status;
}

/* A sampled domain takes an equal part of each shard: the first ceil(sample / shards) tokens. */
static uint64_t tokens_to_take(const struct emx_scan_domain *d)
{
    uint64_t sample = d->settings.sample_tokens;

    return sample ? (sample - 1) / d->n_shards + 1 : UINT64_MAX;
}

/* One that is not there is known to be broken before the work begins. */
static enum emx_status prepare_shard(struct scan *s, struct shard *shard, struct emx_error *err)
{
    struct emx_error missing;
    enum emx_status status = file_measure(shard->path, &shard->size, &missing);

    shard->may_fail = scan_may_skip(s) && (status || shard->size != UINT64_MAX);
    shard->signs = shard->may_fail;
    shard->skips_frames = shard->may_fail && s->options->on_error == EMX_ON_ERROR_SKIP_FRAME;
    if (status && !shard->may_fail)
        return emx_fail(err, status, "%s", missing.message);
    return status ? shard_fail(shard, &missing, err) : EMX_OK;
}

static enum emx_status prepare_shards(struct scan *s, struct emx_error *err)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_domains; i++) {
        enum emx_status status = refuse_repeated(s->domains[i].given, err);

        if (status)
            return status;
        if (s->domains[i].n_shards > MOST_SHARDS - n)
            return emx_fail(err, EMX_ERR_ARG, "more than %zu shards", MOST_SHARDS);
        n += s->domains[i].n_shards;
    }
    s->shards = calloc(n, sizeof(*s->shards));
    s->records = calloc(n, sizeof(*s->records));
    s->n_without_eod = calloc(n, sizeof(*s->n_without_eod));
    if (!s->shards || !s->records || !s->n_without_eod)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu shards", n);
    for (size_t i = 0; i < s->n_domains; i++) {
        const struct emx_scan_domain *given = s->domains[i].given;

        s->domains[i].first_shard = s->n_shards;
        for (size_t k = 0; k < given->n_shards; k++) {
            struct shard *shard = &s->shards[s->n_shards++];
            enum emx_status status;

            shard_init(shard, &s->domains[i], given->shards[k]);
            s->formats[i].memory = s->index_memory;
            shard->options = &s->formats[i];
            shard->limit = tokens_to_take(given);
            shard->window_log_max = s->window_log_max;
            status = prepare_shard(s, shard, err);
            if (status)
                return status;
        }
    }
    return EMX_OK;
}

/* --- the machine --------------------------------------------------------------------------------------- */

static enum emx_status prepare_regions(struct scan *s, struct emx_error *err)
{
    unsigned n = placement_n_nodes(s->placement);

    s->regions = calloc(n, sizeof(*s->regions));
    if (!s->regions)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory for %u NUMA nodes", n);
    for (; s->n_regions < n; s->n_regions++)
        regions_init(&s->regions[s->n_regions], &s->budget);
    regions_link(s->regions, n);
    return EMX_OK;
}

/* Ranks on one machine, and on the processors of one node, share their memory. */
static uint64_t memory_there_is(const struct scan *s)
{
    uint64_t most = machine_memory() / s->cluster->n_on_node;
    uint64_t on_nodes = placement_memory(s->placement) / s->cluster->n_sharing;

    return most < on_nodes ? most : on_nodes;
}

/* Half of what there is, if the caller does not say: buffers and the system's cache of files need some, too. */
static enum emx_status prepare_memory(struct scan *s, struct emx_error *err)
{
    uint64_t least = LEAST_MEMORY_OF_A_THREAD * s->times.n_threads;

    least = least > LEAST_MEMORY ? least : LEAST_MEMORY;
    s->budget.limit = s->options->memory_bytes ? s->options->memory_bytes : memory_there_is(s) / 2;
    if (s->budget.limit < least)
        return emx_fail(err, EMX_ERR_ARG, "%s, %llu bytes, is below the least for %u thread%s, %llu MiB",
                        s->options->memory_bytes ? "the limit of memory" : "half of the memory that this process has",
                        (unsigned long long)s->budget.limit, s->times.n_threads, s->times.n_threads == 1 ? "" : "s",
                        (unsigned long long)(least >> 20));
    s->index_memory = s->budget.limit / 2 / s->times.n_threads;
    s->window_log_max = LEAST_WINDOW_LOG;
    while (s->window_log_max < MOST_WINDOW_LOG &&
           (uint64_t)s->times.n_threads << (s->window_log_max + 1) <= s->budget.limit / 4)
        s->window_log_max++;
    return EMX_OK;
}

/*
 * If the caller does not say: each of the ranks that may run on the same processors takes a part of them, and no more
 * threads than the other half of the memory has buffers for, which a container of many processors may lack.
 */
static enum emx_status choose_n_threads(struct scan *s, bool bind, struct emx_error *err)
{
    unsigned n = placement_n_threads(s->placement), wanted = n / s->cluster->n_sharing;
    uint64_t most = memory_there_is(s) / 2 / BUFFERS_OF_A_THREAD;

    wanted = wanted < most ? wanted : (unsigned)most;
    wanted = wanted ? wanted : 1;
    if (wanted == n)
        return EMX_OK;
    placement_destroy(&s->placement);
    return placement_create(NULL, wanted, bind, &s->placement, err);
}

static enum emx_status prepare_machine(struct scan *s, struct emx_error *err)
{
    const struct emx_scan_options *o = s->options;
    /* Ranks do not know which of the processors they share others bind to. */
    bool bind = o->bind_threads && s->cluster->n_sharing == 1;
    enum emx_status status;

    if (o->n_threads > MOST_THREADS)
        return emx_fail(err, EMX_ERR_ARG, "%u threads are more than %d", o->n_threads, MOST_THREADS);
    status = placement_create(NULL, o->n_threads, bind, &s->placement, err);
    if (!status && !o->n_threads)
        status = choose_n_threads(s, bind, err);
    if (status)
        return status;
    s->times.n_threads = placement_n_threads(s->placement);
    status = prepare_memory(s, err);
    return status ? status : prepare_regions(s, err);
}

/* What is not done together. */
static enum emx_status check_options(const struct emx_scan_options *o, struct emx_error *err)
{
    if (o->on_error == EMX_ON_ERROR_SKIP_FRAME && o->checkpoint)
        return emx_fail(
            err, EMX_ERR_ARG,
            "checkpoints do not hold what is missing of a shard: skip whole shards, or scan without checkpoints");
    if (o->vectors && o->vectors->n_documents && o->n_parts > 1)
        return emx_fail(err, EMX_ERR_ARG,
                        "a part of the shards cannot have a sample of the documents: samples of parts do not merge");
    return EMX_OK;
}

enum emx_status scan_prepare(struct scan *s, struct emx_cluster *cluster, const struct emx_scan_domain *domains,
                             size_t n_domains, const struct emx_scan_options *options, struct emx_error *err)
{
    enum emx_status status;

    *s = (struct scan){.options = options, .cluster = cluster, .start = clock_seconds(), .checkpoint.lock = -1};
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->changed, NULL);
    spill_init(&s->spill, options->tmpdir, &s->budget);
    skips_init(&s->skips, options, &s->share);
    status = check_options(options, err);
    if (!status)
        status = prepare_machine(s, err);
    if (!status)
        status = prepare_domains(s, domains, n_domains, err);
    if (!status)
        status = bagging_init(&s->bagging, options->vectors, s->domains, s->n_domains, s->placement, &s->budget, err);
    s->spill.domains = s->domains;
    s->spill.n_domains = s->n_domains;
    if (!status)
        status = prepare_shards(s, err);
    return status;
}

void scan_finish(struct scan *s)
{
    checkpoint_finish(&s->checkpoint);
    schedule_destroy(&s->schedule);
    for (size_t i = 0; i < s->n_shards; i++)
        shard_finish(&s->shards[i]);
    for (size_t i = 0; i < s->n_domains; i++) {
        domain_finish(&s->domains[i]);
        sealed_finish(&s->sealed[i], &s->budget);
    }
    bagging_finish(&s->bagging);
    spill_finish(&s->spill);
    skips_finish(&s->skips);
    for (size_t i = 0; i < s->n_collected; i++)
        free(s->collected[i]);
    free(s->collected);
    share_finish(&s->share);
    free(s->sealed);
    free(s->progress);
    for (unsigned i = 0; i < s->n_regions; i++)
        regions_finish(&s->regions[i]);
    free(s->regions);
    placement_destroy(&s->placement);
    free(s->shards);
    free(s->records);
    free(s->n_without_eod);
    free(s->domains);
    free(s->by_name);
    free(s->formats);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->mutex);
}
