#include "util/temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
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
    pthread_mutex_destroy(&f->mutex);
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
        status = emx_fail_errno(err, EMX_ERR_IO, errno,
                                "the pairs do not fit in the memory limit, and cannot create a temporary file in %s "
                                "(--tmpdir names another folder)",
                                f->folder);
    *ret_at = f->n_bytes;
    f->n_bytes += len;
    pthread_mutex_unlock(&f->mutex);
    return status;
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
            return emx_fail_errno(err, EMX_ERR_IO, n ? errno : ENOSPC,
                                  "the pairs do not fit in the memory limit, and cannot write byte %llu of a temporary "
                                  "file in %s (--tmpdir names another folder)",
                                  (unsigned long long)at, f->folder);
        data = (const char *)data + n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return status;
}

enum emx_status temp_file_read(const struct temp_file *f, uint64_t at, void *data, size_t len, struct emx_error *err)
{
    while (len) {
        ssize_t n = pread(f->fd, data, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return emx_fail_errno(err, EMX_ERR_IO, n ? errno : EIO, "cannot read byte %llu of a temporary file in %s",
                                  (unsigned long long)at, f->folder);
        data = (char *)data + n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return EMX_OK;
}
