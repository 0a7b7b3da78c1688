/*
 * scan.c - emx_scan(): how a shard travels
 *
 *     prepare.c   the caller's words are checked, every shard is there, threads are planned
 *     work.c      each thread takes a shard (schedule.c), block by block (shard.c), and counts it (count.c) in a
 *                 table of its domain (domain.c); the caller's thread reports progress
 *     write.c     domain by domain, the tables are sorted (count/rows.c), encoded and written (state/)
 */
#include "scan/scan.h"
#include "scan/part.h"

#include "util/clock.h"

static enum emx_status scan_all(const struct emx_scan_domain *domains, size_t n_domains,
                                const struct emx_scan_options *options, const char *output,
                                struct emx_scan_times *ret_times, struct emx_error *err)
{
    double start = clock_seconds(), counted;
    struct emx_state_writer *writer = NULL;
    struct scan s;
    enum emx_status status = scan_prepare(&s, domains, n_domains, options, err);

    if (!status) /* before the work of hours, not after it */
        status = emx_state_writer_create(output, &writer, err);
    if (!status)
        status = scan_count(&s, err);
    counted = clock_seconds();
    if (!status)
        status = scan_write(&s, writer, err);
    if (!status)
        status = emx_state_writer_commit(writer, err);
    if (!status)
        status = checkpoint_remove(&s.checkpoint, err);
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
static enum emx_status write_nothing(const char *output, struct emx_scan_times *ret_times, struct emx_error *err)
{
    struct emx_state_writer *writer = NULL;
    enum emx_status status = emx_state_writer_create(output, &writer, err);

    if (!status)
        status = emx_state_writer_commit(writer, err);
    if (!status && ret_times)
        *ret_times = (struct emx_scan_times){0};
    emx_state_writer_destroy(&writer);
    return status;
}

enum emx_status emx_scan(const struct emx_scan_domain *domains, size_t n_domains,
                         const struct emx_scan_options *options, const char *output, struct emx_scan_times *ret_times,
                         struct emx_error *err)
{
    bool may_skip = options->on_error != EMX_ON_ERROR_FAIL;
    struct part part;
    enum emx_status status;

    if (!options->n_parts)
        return scan_all(domains, n_domains, options, output, ret_times, err);
    status = part_take(domains, n_domains, options->part, options->n_parts, may_skip, &part, err);
    if (status)
        return status;
    status = part.n_domains ? scan_all(part.domains, part.n_domains, options, output, ret_times, err)
                            : write_nothing(output, ret_times, err);
    part_finish(&part);
    return status;
}
