#include "scan/share.h"

#include <stdlib.h>

/* Counters of each domain, then those of the scan. */
enum { CLAIMED, WARNED, TOKENS, PAIR_TYPES, SHARDS, N_OF_DOMAIN };
enum { STOP, BYTES, SKIPPED, N_OF_SCAN };

static size_t of_domain(size_t domain, size_t which)
{
    return domain * N_OF_DOMAIN + which;
}

static size_t of_scan(const struct share *s, size_t which)
{
    return s->n_domains * N_OF_DOMAIN + which;
}

enum emx_status share_init(struct share *s, struct emx_cluster *cluster, size_t n_domains, struct emx_error *err)
{
    size_t n = n_domains * N_OF_DOMAIN + N_OF_SCAN;
    enum emx_status status = EMX_OK;

    *s = (struct share){.n_domains = n_domains, .told = calloc(n, sizeof(*s->told))};
    if (!s->told)
        status = emx_fail(err, EMX_ERR_MEMORY, "out of memory for %zu domains", n_domains);
    status = emx_cluster_agree(cluster, status, err);
    if (!status)
        status = cluster_begin_counters(cluster, n, err);
    if (!status)
        s->cluster = cluster;
    return status;
}

void share_finish(struct share *s)
{
    if (s->cluster)
        cluster_end_counters(s->cluster);
    free(s->told);
    *s = (struct share){0};
}

uint64_t share_claim(struct share *s, size_t domain)
{
    return cluster_add(s->cluster, of_domain(domain, CLAIMED), 1);
}

bool share_is_first(struct share *s, size_t domain)
{
    return cluster_add(s->cluster, of_domain(domain, WARNED), 1) == 0;
}

uint64_t share_skip(struct share *s)
{
    return cluster_add(s->cluster, of_scan(s, SKIPPED), 1);
}

void share_stop(struct share *s)
{
    if (!s->stop_told)
        cluster_add(s->cluster, of_scan(s, STOP), 1);
    s->stop_told = true;
}

bool share_is_stopped(struct share *s)
{
    return cluster_add(s->cluster, of_scan(s, STOP), 0) > 0;
}

/* A counter is the sum of the ranks' values: add what this rank's value has grown by. */
static void tell(struct share *s, size_t counter, uint64_t value)
{
    if (value != s->told[counter])
        cluster_add(s->cluster, counter, value - s->told[counter]);
    s->told[counter] = value;
}

void share_tell(struct share *s, const struct emx_scan_progress *p)
{
    tell(s, of_scan(s, BYTES), p->n_bytes);
    for (size_t i = 0; i < p->n_domains; i++) {
        tell(s, of_domain(i, TOKENS), p->domains[i].n_tokens);
        tell(s, of_domain(i, PAIR_TYPES), p->domains[i].n_pair_types);
        tell(s, of_domain(i, SHARDS), p->domains[i].n_shards);
    }
}

void share_ask(struct share *s, struct emx_scan_progress *p, struct emx_scan_domain_progress *domains)
{
    p->n_bytes = cluster_add(s->cluster, of_scan(s, BYTES), 0);
    p->n_tokens = p->n_shards = 0;
    for (size_t i = 0; i < p->n_domains; i++) {
        domains[i].n_tokens = cluster_add(s->cluster, of_domain(i, TOKENS), 0);
        domains[i].n_pair_types = cluster_add(s->cluster, of_domain(i, PAIR_TYPES), 0);
        domains[i].n_shards = (size_t)cluster_add(s->cluster, of_domain(i, SHARDS), 0);
        p->n_tokens += domains[i].n_tokens;
        p->n_shards += domains[i].n_shards;
    }
}
