/*
 * file.c - disk files, pipes and memory files behind one door
 *
 * A regular file is known by its size when it was opened: one that ends earlier or goes on longer while it is
 * read has been changed under us, and what was read of it belongs to no single shard, so that is an error.
 *
 * Reads are plain read(2) into the caller's buffer.  So that the disk works while the caller decodes, the kernel
 * is told of the next AHEAD bytes with POSIX_FADV_WILLNEED, again each time half of them are used up.
 */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define AHEAD ((uint64_t)8 << 20)
#define STDIN_NAME "standard input"

struct file {
    char *path;
    int fd;                    /* -1: in memory */
    bool is_stdin;             /* not ours to close */
    const unsigned char *data; /* of a memory file, or mapped */
    bool is_mapped;
    uint64_t size; /* UINT64_MAX: unknown */
    struct timespec changed;
    uint64_t position; /* of file_read() */
    uint64_t advised;  /* the kernel was told of the bytes before */
};

static const struct memory_file *find_memory_file(const struct file_space *space, const char *path)
{
    for (size_t i = 0; space && i < space->n; i++) {
        if (strcmp(space->files[i].path, path) == 0)
            return &space->files[i];
    }
    return NULL;
}

/* What fstat() says decides whether this can be read as a file or as a pipe. */
static enum emx_status check_kind(struct file *f, struct emx_error *err)
{
    struct stat st;

    if (fstat(f->fd, &st) != 0)
        return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot be examined", f->path);
    if (S_ISDIR(st.st_mode))
        return emx_fail(err, EMX_ERR_IO, "%s: is a directory, not a file", f->path);
    if ((S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) && !f->is_stdin)
        return emx_fail(err, EMX_ERR_IO, "%s: is a device, not a file or a pipe", f->path);
    if (S_ISREG(st.st_mode) && !f->is_stdin)
        f->size = (uint64_t)st.st_size;
    f->changed = st.st_mtim;
    return EMX_OK;
}

static enum emx_status open_disk(struct file *f, const char *path, struct emx_error *err)
{
    enum emx_status status;

    f->is_stdin = strcmp(path, "-") == 0;
    do {
        f->fd = f->is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    } while (f->fd < 0 && errno == EINTR);
    if (f->fd < 0)
        return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot be opened", f->path);
    status = check_kind(f, err);
    if (status == EMX_OK && f->size != UINT64_MAX)
        (void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* advice only: works without */
    return status;
}

enum emx_status file_open(const struct file_space *space, const char *path, struct file **ret, struct emx_error *err)
{
    const struct memory_file *memory = find_memory_file(space, path);
    struct file *f = calloc(1, sizeof(*f));
    enum emx_status status = EMX_OK;

    if (f)
        f->path = strdup(strcmp(path, "-") == 0 ? STDIN_NAME : path);
    if (!f || !f->path) {
        free(f);
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", path);
    }
    f->fd = -1;
    f->size = UINT64_MAX;
    if (memory) {
        f->data = memory->data;
        f->size = memory->len;
    } else if (space && space->memory_only) {
        status = emx_fail_errno(err, EMX_ERR_IO, ENOENT, "%s: cannot be opened", path);
    } else {
        status = open_disk(f, path, err);
    }
    if (status == EMX_OK)
        *ret = f;
    else
        file_close(&f);
    return status;
}

void file_close(struct file **f)
{
    if (!*f)
        return;
    if ((*f)->is_mapped)
        munmap((void *)(*f)->data, (*f)->size);
    if ((*f)->fd >= 0 && !(*f)->is_stdin)
        close((*f)->fd);
    free((*f)->path);
    free(*f);
    *f = NULL;
}

const char *file_path(const struct file *f)
{
    return f->path;
}

uint64_t file_size(const struct file *f)
{
    return f->size;
}

bool file_exists(const struct file_space *space, const char *path)
{
    struct stat st;

    if (find_memory_file(space, path))
        return true;
    if (space && space->memory_only)
        return false;
    if (stat(path, &st) != 0)
        return errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG;
    return S_ISREG(st.st_mode);
}

enum emx_status file_measure(const char *path, uint64_t *ret_size, struct emx_error *err)
{
    struct stat st;

    *ret_size = UINT64_MAX;
    if (strcmp(path, "-") == 0)
        return EMX_OK;
    if (stat(path, &st) != 0 || access(path, R_OK) != 0)
        return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot be opened", path);
    if (S_ISREG(st.st_mode))
        *ret_size = (uint64_t)st.st_size;
    return EMX_OK;
}

static int64_t nanoseconds(const struct timespec *t)
{
    return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

enum emx_status file_stamp(const char *path, struct file_stamp *ret, struct emx_error *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot be examined", path);
    if (!S_ISREG(st.st_mode))
        return emx_fail(err, EMX_ERR_IO, "%s: is not a regular file", path);
    *ret = (struct file_stamp){(uint64_t)st.st_size, st.st_ino, nanoseconds(&st.st_mtim), nanoseconds(&st.st_ctim)};
    return EMX_OK;
}

static size_t read_memory(struct file *f, void *buf, size_t cap)
{
    uint64_t left = f->size - f->position;
    size_t n = left < cap ? (size_t)left : cap;

    if (n)
        memcpy(buf, f->data + f->position, n);
    f->position += n;
    return n;
}

static void advise_ahead(struct file *f)
{
    if (f->size == UINT64_MAX || f->advised >= f->size || f->position + AHEAD / 2 < f->advised)
        return;
    if (f->advised < f->position)
        f->advised = f->position;
    (void)posix_fadvise(f->fd, (off_t)f->advised, (off_t)AHEAD, POSIX_FADV_WILLNEED);
    f->advised += AHEAD;
}

/* May a failed read be tried again?  Standard input may be non-blocking by someone else's wish. */
static bool worth_retrying(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    if (errno == EINTR)
        return true;
    if (errno != EAGAIN)
        return false;
    return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

/* One read(2) that delivers something, or *ret_n == 0 at the end of the file. */
static enum emx_status read_some(struct file *f, void *buf, size_t cap, size_t *ret_n, struct emx_error *err)
{
    ssize_t n;

    do {
        n = read(f->fd, buf, cap < SSIZE_MAX ? cap : SSIZE_MAX);
    } while (n < 0 && worth_retrying(f->fd));
    if (n < 0)
        return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot read at byte %" PRIu64, f->path, f->position);
    f->position += (uint64_t)n;
    *ret_n = (size_t)n;
    return EMX_OK;
}

/* `ended`: read(2) found the end of the file. */
static enum emx_status check_size(const struct file *f, bool ended, struct emx_error *err)
{
    if (f->size == UINT64_MAX || f->position == f->size || (f->position < f->size && !ended))
        return EMX_OK;
    return emx_fail(err, EMX_ERR_CORRUPT, "%s: was changed while it was read: %" PRIu64 " bytes at first, %s%" PRIu64,
                    f->path, f->size, ended ? "now " : "now at least ", f->position);
}

enum emx_status file_read(struct file *f, void *buf, size_t cap, size_t *ret_n, struct emx_error *err)
{
    size_t done = 0;

    if (f->fd < 0) {
        *ret_n = read_memory(f, buf, cap);
        return EMX_OK;
    }
    while (done < cap) {
        size_t n = 0;
        enum emx_status status;

        advise_ahead(f);
        status = read_some(f, (char *)buf + done, cap - done, &n, err);
        if (status == EMX_OK)
            status = check_size(f, n == 0, err);
        if (status != EMX_OK)
            return status;
        if (n == 0)
            break;
        done += n;
    }
    *ret_n = done;
    return EMX_OK;
}

static enum emx_status read_disk_at(struct file *f, uint64_t offset, char *buf, size_t n, struct emx_error *err)
{
    while (n > 0) {
        ssize_t got = pread(f->fd, buf, n < SSIZE_MAX ? n : SSIZE_MAX, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot read at byte %" PRIu64, f->path, offset);
        if (got == 0)
            return emx_fail(err, EMX_ERR_CORRUPT, "%s: is cut off at byte %" PRIu64, f->path, offset);
        buf += got;
        offset += (uint64_t)got;
        n -= (size_t)got;
    }
    return EMX_OK;
}

enum emx_status file_read_at(struct file *f, uint64_t offset, void *buf, size_t n, struct emx_error *err)
{
    if (f->size == UINT64_MAX)
        return emx_fail(err, EMX_ERR_IO, "%s: is a pipe and cannot be read by position", f->path);
    if (offset > f->size || n > f->size - offset)
        return emx_fail(err, EMX_ERR_CORRUPT, "%s: is cut off: %zu bytes at byte %" PRIu64 " of a file of %" PRIu64,
                        f->path, n, offset, f->size);
    if (f->fd >= 0)
        return read_disk_at(f, offset, buf, n, err);
    if (n)
        memcpy(buf, f->data + offset, n);
    return EMX_OK;
}

enum emx_status file_map(struct file *f, const unsigned char **ret, struct emx_error *err)
{
    void *data;

    if (f->size == UINT64_MAX)
        return emx_fail(err, EMX_ERR_IO, "%s: is a pipe and cannot be mapped", f->path);
    if (f->fd >= 0 && !f->is_mapped && f->size) {
        data = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, f->fd, 0);
        if (data == MAP_FAILED)
            return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot be mapped", f->path);
        f->data = data;
        f->is_mapped = true;
    }
    *ret = f->data ? f->data : (const unsigned char *)"";
    return EMX_OK;
}

enum emx_status file_check_unchanged(const struct file *f, struct emx_error *err)
{
    struct stat st;

    if (f->fd < 0)
        return EMX_OK;
    if (fstat(f->fd, &st) != 0)
        return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot be examined", f->path);
    if ((uint64_t)st.st_size == f->size && st.st_mtim.tv_sec == f->changed.tv_sec &&
        st.st_mtim.tv_nsec == f->changed.tv_nsec)
        return EMX_OK;
    return emx_fail(err, EMX_ERR_CORRUPT, "%s: was changed while it was read", f->path);
}
