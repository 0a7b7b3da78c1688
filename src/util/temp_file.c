#include "util/temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void temp_file_init(struct temp_file *f, const char *folder)
{
    *f = (struct temp_file){.folder = folder, .fd = -1};
    if (!f->folder || !f->folder[0])
        f->folder = getenv("TMPDIR");
    if (!f->folder || !f->folder[0])
        f->folder = "/tmp";
    pthread_mutex_init(&f->mutex, NULL);
}

void temp_file_finish(struct temp_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->path);
    pthread_mutex_destroy(&f->mutex);
}

const char *temp_file_describe(const struct temp_file *f, char *buf, size_t cap)
{
    if (f->path)
        return f->path;
    snprintf(buf, cap, "a temporary file in %s", f->folder);
    return buf;
}

enum emx_status temp_file_open(struct temp_file *f, const char *path, uint64_t n_bytes, struct emx_error *err)
{
    struct stat st;

    f->path = strdup(path);
    if (!f->path)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (f->fd < 0 || fstat(f->fd, &st) != 0)
        return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot be opened", path);
    if ((uint64_t)st.st_size < n_bytes)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: has %llu bytes where there should be %llu", path,
                        (unsigned long long)st.st_size, (unsigned long long)n_bytes);
    if (ftruncate(f->fd, (off_t)n_bytes) != 0)
        return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot be cut to %llu bytes", path,
                              (unsigned long long)n_bytes);
    f->n_bytes = n_bytes;
    return EMX_OK;
}

enum emx_status temp_file_sync(struct temp_file *f, struct emx_error *err)
{
    /* Some file systems have nothing to sync and say so. */
    if (f->fd < 0 || fdatasync(f->fd) == 0 || errno == EINVAL || errno == ENOSYS)
        return EMX_OK;
    return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot be written to the disk", f->path ? f->path : f->folder);
}

/* Where a file system has no files without a name, the name goes at once. */
static int open_unnamed(const char *folder)
{
    char name[PATH_MAX];
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    if (snprintf(name, sizeof(name), "%s/entromix.XXXXXX", folder) >= (int)sizeof(name)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    return fd;
}

static enum emx_status reserve(struct temp_file *f, size_t len, uint64_t *ret_at, struct emx_error *err)
{
    enum emx_status status = EMX_OK;

    pthread_mutex_lock(&f->mutex);
    if (f->fd < 0)
        f->fd = open_unnamed(f->folder);
    if (f->fd < 0)
        status =
            emx_fail_errno(err, EMX_ERR_IO, errno,
                           "cannot create a temporary file for pairs in %s (--tmpdir names another folder)", f->folder);
    *ret_at = f->n_bytes;
    f->n_bytes += len;
    pthread_mutex_unlock(&f->mutex);
    return status;
}

static enum emx_status write_failed(const struct temp_file *f, int errnum, uint64_t at, struct emx_error *err)
{
    if (f->path)
        return emx_fail_errno(err, EMX_ERR_IO, errnum, "%s: cannot write at byte %llu", f->path,
                              (unsigned long long)at);
    return emx_fail_errno(err, EMX_ERR_IO, errnum,
                          "cannot write byte %llu of a temporary file for pairs in %s (--tmpdir names another folder)",
                          (unsigned long long)at, f->folder);
}

enum emx_status temp_file_write(struct temp_file *f, const void *data, size_t len, uint64_t *ret_at,
                                struct emx_error *err)
{
    uint64_t at;
    enum emx_status status = reserve(f, len, &at, err);

    *ret_at = at;
    while (!status && len) {
        ssize_t n = pwrite(f->fd, data, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return write_failed(f, n ? errno : ENOSPC, at, err);
        data = (const char *)data + n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return status;
}

enum emx_status temp_file_read(const struct temp_file *f, uint64_t at, void *data, size_t len, struct emx_error *err)
{
    char name[PATH_MAX];

    while (len) {
        ssize_t n = pread(f->fd, data, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return emx_fail_errno(err, EMX_ERR_IO, n ? errno : EIO, "cannot read byte %llu of %s",
                                  (unsigned long long)at, temp_file_describe(f, name, sizeof(name)));
        data = (char *)data + n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return EMX_OK;
}
