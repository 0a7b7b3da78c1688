/*
 * scan.c - emx_scan(): how a shard travels
 *
 *     prepare.c   the caller's words are checked, every shard is there, threads are planned
 *     work.c      each thread takes a shard (schedule.c), block by block (shard.c), and counts it (count.c) in a
 *                 table of its domain (domain.c); the caller's thread reports progress
 *     write.c     domain by domain, the tables are sorted (count/rows.c), encoded and written (state/)
 *
 * Ranks of a cluster (cluster/) each do this: they claim shards from a list that all have (share.h), and write.c merges
 * what they counted.  A process alone is a cluster of one.
 */
#include "scan/scan.h"
#include "scan/part.h"

#include "util/clock.h"

/* On all ranks of a cluster; rank 0 has the writer. */
static enum emx_status scan_to(struct scan *s, const char *output, struct emx_state_writer **writer, double *counted,
                               struct emx_error *err)
{
    struct emx_cluster *c = s->cluster;
    enum emx_status status = scan_meet(s, err);

    if (status)
        return status;
    if (c->rank == 0) /* before the work of hours, not after it */
        status = emx_state_writer_create(output, writer, err);
    status = emx_cluster_agree(c, status, err);
    if (!status)
        status = emx_cluster_agree(c, scan_count(s, err), err);
    *counted = clock_seconds();
    if (status)
        return status;
    scan_report(s); /* what the others did last */
    status = scan_write(s, *writer, err);
    if (!status && c->rank == 0)
        status = emx_state_writer_commit(*writer, err);
    status = emx_cluster_agree(c, status, err);
    return status ? status : emx_cluster_agree(c, checkpoint_remove(&s->checkpoint, err), err);
}

static enum emx_status scan_in(struct emx_cluster *c, const struct emx_scan_domain *domains, size_t n_domains,
                               const struct emx_scan_options *options, const char *output,
                               struct emx_scan_times *ret_times, struct emx_error *err)
{
    double start = clock_seconds(), counted = start;
    struct emx_state_writer *writer = NULL;
    struct scan s;
    enum emx_status status = scan_prepare(&s, c, domains, n_domains, options, err);

    status = emx_cluster_agree(c, status, err);
    if (!status)
        status = scan_to(&s, output, &writer, &counted, err);
    s.times.checkpoint = s.checkpoint.duration;
    s.times.n_checkpoints = s.checkpoint.n_written;
    s.times.write = clock_seconds() - counted;
    s.times.wall = clock_seconds() - start;
    if (!status && ret_times)
        *ret_times = s.times;
    emx_state_writer_destroy(&writer);
    scan_finish(&s);
    return status;
}

/* Of a part without shards: a state without domains, which merges with the others. */
static enum emx_status write_nothing(struct emx_cluster *c, const char *output, struct emx_scan_times *ret_times,
                                     struct emx_error *err)
{
    struct emx_state_writer *writer = NULL;
    enum emx_status status = EMX_OK;

    if (c->rank == 0)
        status = emx_state_writer_create(output, &writer, err);
    if (!status && c->rank == 0)
        status = emx_state_writer_commit(writer, err);
    if (!status && ret_times)
        *ret_times = (struct emx_scan_times){0};
    emx_state_writer_destroy(&writer);
    return emx_cluster_agree(c, status, err);
}

/* All ranks take the same part, of shards of which all know the same sizes. */
static enum emx_status scan_part(struct emx_cluster *c, const struct emx_scan_domain *domains, size_t n_domains,
                                 const struct emx_scan_options *options, const char *output,
                                 struct emx_scan_times *ret_times, struct emx_error *err)
{
    bool may_skip = options->on_error != EMX_ON_ERROR_FAIL;
    struct part part = {0};
    enum emx_status status = part_take(domains, n_domains, options->part, options->n_parts, may_skip, &part, err);

    status = emx_cluster_agree(c, status, err);
    if (!status && cluster_least(c, part.n_domains) != part.n_domains)
        status = emx_fail(err, EMX_ERR_ARG, "this rank finds more shards in its part than others");
    status = emx_cluster_agree(c, status, err);
    if (!status)
        status = part.n_domains ? scan_in(c, part.domains, part.n_domains, options, output, ret_times, err)
                                : write_nothing(c, output, ret_times, err);
    part_finish(&part);
    return status;
}

static enum emx_status scan_all(struct emx_cluster *c, const struct emx_scan_domain *domains, size_t n_domains,
                                const struct emx_scan_options *options, const char *output,
                                struct emx_scan_times *ret_times, struct emx_error *err)
{
    return options->n_parts ? scan_part(c, domains, n_domains, options, output, ret_times, err)
                            : scan_in(c, domains, n_domains, options, output, ret_times, err);
}

enum emx_status emx_scan(const struct emx_scan_domain *domains, size_t n_domains,
                         const struct emx_scan_options *options, const char *output, struct emx_scan_times *ret_times,
                         struct emx_error *err)
{
    struct emx_cluster *alone = NULL;
    struct emx_error own;
    enum emx_status status;

    if (!err)
        err = &own; /* ranks tell each other */
    if (options->cluster)
        return scan_all(options->cluster, domains, n_domains, options, output, ret_times, err);
    status = cluster_alone(&alone, err);
    if (!status)
        status = scan_all(alone, domains, n_domains, options, output, ret_times, err);
    emx_cluster_leave(&alone);
    return status;
}
