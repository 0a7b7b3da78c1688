/*
 * outfile.c - an output file that appears under its name whole or not at all
 *
 * All names are relative to an open folder, so a folder that is moved meanwhile does no harm.
 */
#include "util/outfile.h"

#include "util/file_lock.h"
#include "util/temporary.h"

#include <emx/file.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)1 << 20)

struct outfile {
    char *name;                   /* for messages */
    char *target;                 /* what is replaced: path with its links resolved; NULL if written directly */
    const char *base;             /* last component of target */
    int folder;                   /* of target, O_PATH; -1 if written directly */
    int fd;                       /* -1 if not open */
    bool is_stdout;               /* fd is not ours to close */
    char temporary[NAME_MAX + 1]; /* name in folder, "" if none: unnamed, renamed, or written directly */
    uint64_t n_written;           /* handed to the system */
    size_t n_buffered;
    unsigned char *buffer; /* [BUFFER_BYTES] */
};

static enum emx_status create_failed(const struct outfile *o, int errnum, struct emx_error *err)
{
    if (errnum == ENOMEM)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", o->name);
    return emx_fail_errno(err, EMX_ERR_IO, errnum, "cannot create %s", o->name);
}

/* A file without a name; it gets one through /proc, so it is of use only where /proc is mounted. */
static bool open_unnamed(struct outfile *o)
{
    char proc[40];

    o->fd = openat(o->folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    if (o->fd < 0)
        return false;
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", o->fd);
    if (access(proc, F_OK) == 0) {
        (void)file_lock(o->fd); /* for when it has one; where locks do not work nobody removes it */
        return true;
    }
    close(o->fd);
    o->fd = -1;
    return false;
}

static enum emx_status open_named(struct outfile *o, struct emx_error *err)
{
    for (int attempt = 0; attempt < 16; attempt++) {
        if (!temporary_name(o->base, o->temporary))
            break;
        o->fd = openat(o->folder, o->temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
        if (o->fd >= 0 && temporary_claim(o->fd))
            return EMX_OK;
        if (o->fd < 0 && errno != EEXIST)
            break;
        if (o->fd >= 0)
            close(o->fd);
        o->fd = -1;
    }
    o->temporary[0] = '\0';
    return create_failed(o, errno, err);
}

/* Split target at its last slash and open the folder. */
static enum emx_status open_folder(struct outfile *o, struct emx_error *err)
{
    char *slash = strrchr(o->target, '/');
    char *folder = slash ? strndup(o->target, slash == o->target ? 1 : (size_t)(slash - o->target)) : strdup(".");

    o->base = slash ? slash + 1 : o->target;
    if (!folder)
        return create_failed(o, ENOMEM, err);
    o->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (o->folder < 0)
        return create_failed(o, errno, err);
    return *o->base ? EMX_OK : create_failed(o, EISDIR, err);
}

static enum emx_status open_replacement(struct outfile *o, const char *path, const struct stat *old,
                                        struct emx_error *err)
{
    enum emx_status status;

    if (old && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0)
        return create_failed(o, errno, err);
    o->target = old ? realpath(path, NULL) : strdup(path);
    if (!o->target)
        return create_failed(o, errno, err);
    status = open_folder(o, err);
    if (status == EMX_OK) {
        temporary_remove_left(o->folder, o->base);
        status = open_unnamed(o) ? EMX_OK : open_named(o, err);
    }
    /* Where modes cannot be set there is none to keep. */
    if (status == EMX_OK && old && fchmod(o->fd, old->st_mode & 0777) != 0 && errno != EPERM)
        return create_failed(o, errno, err);
    return status;
}

static enum emx_status open_direct(struct outfile *o, const char *path, const struct stat *old, struct emx_error *err)
{
    if (S_ISDIR(old->st_mode))
        return create_failed(o, EISDIR, err);
    o->fd = open(path, O_WRONLY | O_CLOEXEC);
    return o->fd < 0 ? create_failed(o, errno, err) : EMX_OK;
}

static enum emx_status open_output(struct outfile *o, const char *path, struct emx_error *err)
{
    struct stat old, out;

    if (strcmp(path, "-") == 0) {
        o->is_stdout = true;
    } else if (stat(path, &old) != 0) {
        return errno == ENOENT ? open_replacement(o, path, NULL, err) : create_failed(o, errno, err);
    } else {
        o->is_stdout = fstat(STDOUT_FILENO, &out) == 0 && out.st_dev == old.st_dev && out.st_ino == old.st_ino;
        if (!o->is_stdout)
            return S_ISREG(old.st_mode) ? open_replacement(o, path, &old, err) : open_direct(o, path, &old, err);
    }
    o->fd = STDOUT_FILENO;
    return EMX_OK;
}

enum emx_status outfile_create(const char *path, struct outfile **ret, struct emx_error *err)
{
    struct outfile *o = calloc(1, sizeof(*o));
    enum emx_status status = EMX_ERR_MEMORY;

    if (!o)
        return emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    o->folder = o->fd = -1;
    o->name = strdup(strcmp(path, "-") == 0 ? "standard output" : path);
    o->buffer = malloc(BUFFER_BYTES);
    if (!o->name || !o->buffer)
        emx_fail(err, EMX_ERR_MEMORY, "out of memory");
    else
        status = open_output(o, path, err);
    if (status != EMX_OK)
        outfile_destroy(&o);
    else
        *ret = o;
    return status;
}

uint64_t outfile_position(const struct outfile *o)
{
    return o->n_written + o->n_buffered;
}

const char *outfile_name(const struct outfile *o)
{
    return o->name;
}

static enum emx_status write_all(struct outfile *o, const unsigned char *data, size_t len, struct emx_error *err)
{
    while (len) {
        ssize_t n = write(o->fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return emx_fail_errno(err, EMX_ERR_IO, n ? errno : EIO, "%s: cannot write at byte %llu", o->name,
                                  (unsigned long long)o->n_written);
        data += n;
        len -= (size_t)n;
        o->n_written += (uint64_t)n;
    }
    return EMX_OK;
}

static enum emx_status flush(struct outfile *o, struct emx_error *err)
{
    size_t n = o->n_buffered;

    o->n_buffered = 0;
    return write_all(o, o->buffer, n, err);
}

enum emx_status outfile_write(struct outfile *o, const void *data, size_t len, struct emx_error *err)
{
    if (len > BUFFER_BYTES - o->n_buffered) {
        enum emx_status status = flush(o, err);

        if (status != EMX_OK)
            return status;
        if (len >= BUFFER_BYTES)
            return write_all(o, data, len, err);
    }
    if (len)
        memcpy(o->buffer + o->n_buffered, data, len);
    o->n_buffered += len;
    return EMX_OK;
}

/* rename() replaces the target at once, linkat() cannot: so an unnamed file first gets a temporary name. */
static bool link_temporary(struct outfile *o, const char *proc)
{
    for (int attempt = 0; attempt < 16; attempt++) {
        if (!temporary_name(o->base, o->temporary))
            break;
        if (linkat(AT_FDCWD, proc, o->folder, o->temporary, AT_SYMLINK_FOLLOW) == 0)
            return true;
        if (errno != EEXIST)
            break;
    }
    o->temporary[0] = '\0';
    return false;
}

/* Where there is no target yet, an unnamed file gets its name in one step: a kill leaves nothing else. */
static bool put_in_place(struct outfile *o)
{
    char proc[40];

    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", o->fd);
    if (!o->temporary[0] && linkat(AT_FDCWD, proc, o->folder, o->base, AT_SYMLINK_FOLLOW) == 0)
        return true;
    if (!o->temporary[0] && (errno != EEXIST || !link_temporary(o, proc)))
        return false;
    if (renameat(o->folder, o->temporary, o->folder, o->base) != 0)
        return false;
    o->temporary[0] = '\0';
    return true;
}

/* Some file systems have nothing to sync and say so. */
static bool sync_fd(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL || errno == ENOSYS || errno == EROFS;
}

static bool sync_folder(struct outfile *o)
{
    int fd = openat(o->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok;

    if (fd < 0)
        return errno == EACCES; /* a folder may be written to and not be readable */
    ok = sync_fd(fd);
    close(fd);
    return ok;
}

enum emx_status outfile_commit(struct outfile *o, struct emx_error *err)
{
    enum emx_status status = flush(o, err);

    if (status != EMX_OK || !o->target)
        return status;
    if (!sync_fd(o->fd) || !put_in_place(o))
        return emx_fail_errno(err, EMX_ERR_IO, errno, "cannot write %s", o->name);
    if (!sync_folder(o))
        return emx_fail_errno(err, EMX_ERR_IO, errno, "%s is in place, but its folder could not be synced", o->name);
    return EMX_OK;
}

void outfile_destroy(struct outfile **ptr)
{
    struct outfile *o = *ptr;

    if (!o)
        return;
    if (o->temporary[0])
        unlinkat(o->folder, o->temporary, 0);
    if (o->fd >= 0 && !o->is_stdout)
        close(o->fd);
    if (o->folder >= 0)
        close(o->folder);
    free(o->target);
    free(o->buffer);
    free(o->name);
    free(o);
    *ptr = NULL;
}

enum emx_status emx_write_file(const char *path, const void *data, size_t len, struct emx_error *err)
{
    struct outfile *o = NULL;
    enum emx_status status = outfile_create(path, &o, err);

    if (status == EMX_OK)
        status = outfile_write(o, data, len, err);
    if (status == EMX_OK)
        status = outfile_commit(o, err);
    outfile_destroy(&o);
    return status;
}
