#include "scan/sums_file.h"

#include "io/file.h"
#include "scan/bagged_bytes.h"
#include "scan/scan.h"
#include "state/covariance.h"
#include "state/layout.h"
#include "util/outfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SUMS_MAGIC "EMXsums\n"
enum { SUMS_HEADER_BYTES = 16 /* magic, u64 number of the data file */ };

static char *path_in(const char *folder, uint32_t slot)
{
    char *path = NULL;

    return asprintf(&path, "%s/" SUMS_NAME "%u", folder, slot) < 0 ? NULL : path;
}

static enum emx_status no_memory(const char *folder, struct emx_error *err)
{
    return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", folder);
}

enum emx_status sums_files_remove(const char *folder, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    for (uint32_t slot = 0; slot < 2 && !status; slot++) {
        char *path = path_in(folder, slot);

        if (!path)
            return no_memory(folder, err);
        if (unlink(path) != 0 && errno != ENOENT)
            status = emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot be removed", path);
        free(path);
    }
    return status;
}

/* --- writing ----------------------------------------------------------------------------------------------- */

/* What fails is kept, and asked for once at the end. */
struct writing {
    struct outfile *file;
    XXH3_state_t *hash;
    enum emx_status status;
    struct emx_error *err;
};

static void put(void *context, const void *bytes, size_t n)
{
    struct writing *w = context;

    XXH3_64bits_update(w->hash, bytes, n);
    if (!w->status)
        w->status = outfile_write(w->file, bytes, n, w->err);
}

/* As the journal says of it. */
static bool has_begun(const struct shard *shard)
{
    return !shard->finished && shard->n_spans;
}

static void write_all(const struct scan *s, struct writing *w)
{
    const struct bytes_out to = {put, w};
    size_t dimension = s->bagging.rows->dimension;
    unsigned char header[SUMS_HEADER_BYTES];

    memcpy(header, SUMS_MAGIC, 8);
    put_u64(header + 8, s->checkpoint.id);
    put(w, header, sizeof(header));
    for (size_t i = 0; i < s->n_domains; i++)
        bagged_put(&s->bagging.of_domain[i], dimension, &to);
    for (size_t i = 0; i < s->n_shards; i++) {
        if (has_begun(&s->shards[i]))
            stretches_put(&s->shards[i].stretches, dimension, &to);
    }
}

enum emx_status sums_file_write(const struct scan *s, struct journal_sums *place, struct emx_error *err)
{
    char *path = path_in(s->checkpoint.folder, place->slot);
    struct writing w = {.hash = XXH3_createState(), .err = err};

    if (!path || !w.hash)
        w.status = no_memory(s->checkpoint.folder, err);
    if (!w.status)
        w.status = outfile_create(path, &w.file, err);
    if (!w.status) {
        XXH3_64bits_reset(w.hash);
        write_all(s, &w);
        place->n_bytes = outfile_position(w.file);
        place->xxh3 = XXH3_64bits_digest(w.hash);
    }
    if (!w.status)
        w.status = outfile_commit(w.file, err);
    outfile_destroy(&w.file);
    XXH3_freeState(w.hash);
    free(path);
    return w.status;
}

/* --- reading ----------------------------------------------------------------------------------------------- */

struct reading {
    struct file *file;
    enum emx_status status;
    struct emx_error *err;
};

static bool take(void *context, void *ret, size_t n)
{
    struct reading *r = context;
    size_t got = 0;

    if (!r->status)
        r->status = file_read(r->file, ret, n, &got, r->err);
    if (!r->status && got < n)
        r->status = emx_fail(r->err, EMX_ERR_CORRUPT, "%s: is cut off", file_path(r->file));
    return !r->status;
}

static enum emx_status check_file(struct reading *r, const struct journal *j)
{
    uint64_t xxh3 = 0;
    enum emx_status status = EMX_OK;

    if (file_size(r->file) == j->sums.n_bytes)
        status = file_checksum(r->file, j->sums.n_bytes, &xxh3, r->err);
    if (!status && (file_size(r->file) != j->sums.n_bytes || xxh3 != j->sums.xxh3))
        status = emx_fail(r->err, EMX_ERR_CORRUPT, "%s: is not the file that the checkpoint was written with",
                          file_path(r->file));
    return status;
}

static enum emx_status check_sums(const struct scan *s, const struct bagged *b, const char *path, struct emx_error *err)
{
    struct emx_covariance head = {.dimension = (uint32_t)s->bagging.rows->dimension,
                                  .precise = s->bagging.rows->precise,
                                  .n_documents = b->n_documents};
    const char *wrong = NULL;

    if (b->n_documents > EMX_MAX_DOCUMENTS || (b->n_documents && !b->sums))
        wrong = "a covariance of more or fewer documents than were taken";
    if (!wrong && b->sums)
        wrong = covariance_check_sums(&head, b->sums);
    return wrong ? emx_fail(err, EMX_ERR_CORRUPT, "%s: has %s", path, wrong) : EMX_OK;
}

/* The sentence for what was taken: what the file says may be wrong, or it could not be read. */
static enum emx_status judge(const struct reading *r, enum emx_status status)
{
    if (status != EMX_ERR_CORRUPT)
        return status;
    return r->status ? r->status
                     : emx_fail(r->err, status, "%s: is no file of sums over documents", file_path(r->file));
}

static enum emx_status read_header(const struct scan *s, struct reading *r)
{
    unsigned char header[SUMS_HEADER_BYTES];

    if (!take(r, header, sizeof(header)))
        return r->status;
    if (memcmp(header, SUMS_MAGIC, 8) != 0 || get_u64(header + 8) != s->checkpoint.id)
        return emx_fail(r->err, EMX_ERR_CORRUPT, "%s: does not belong to %s", file_path(r->file),
                        s->checkpoint.journal_path);
    return EMX_OK;
}

static enum emx_status read_all(struct scan *s, const struct journal *j, struct reading *r)
{
    const struct bytes_in from = {take, r};
    size_t dimension = s->bagging.rows->dimension;
    unsigned char more;
    size_t n = 0;
    enum emx_status status = read_header(s, r);

    for (size_t i = 0; i < s->n_domains && !status; i++) {
        status = judge(r, bagged_take(&s->bagging.of_domain[i], dimension, &from, r->err));
        if (!status)
            status = check_sums(s, &s->bagging.of_domain[i], file_path(r->file), r->err);
    }
    for (size_t i = 0; i < s->n_shards && !status; i++) {
        if (j->shards[i].stage == JOURNAL_BEGUN)
            status = judge(r, stretches_take(&s->shards[i].stretches, dimension, s->bagging.given->n_documents,
                                             &s->bagging.store, &from, r->err));
    }
    if (!status)
        status = file_read(r->file, &more, 1, &n, r->err);
    return !status && n ? judge(r, EMX_ERR_CORRUPT) : status;
}

enum emx_status sums_file_read(struct scan *s, const struct journal *j, struct emx_error *err)
{
    char *path = path_in(s->checkpoint.folder, j->sums.slot);
    struct reading r = {.err = err};
    enum emx_status status = path ? file_open(NULL, path, &r.file, err) : no_memory(s->checkpoint.folder, err);

    if (!status)
        status = check_file(&r, j);
    if (!status)
        status = read_all(s, j, &r);
    file_close(&r.file);
    free(path);
    return status;
}
