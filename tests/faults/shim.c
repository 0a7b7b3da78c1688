/*
 * shim.c - the n-th system call of a program fails, for programs that are run with LD_PRELOAD
 *
 *     EMX_FAULT=CALL:WHAT:N     the N-th CALL, from 1, goes wrong as WHAT says; N+ : that and all later ones
 *     EMX_FAULT_COUNT=FILE      16 bytes that live on: how many CALLs there were, and how many went wrong (u64 each)
 *     EMX_FAULT_FROM=NAME       memory only: count only what objects ask for whose names have NAME in them, and libc
 *     EMX_FAULT_PATH=PART       files only: count only calls on those whose path, as the kernel tells it, has PART in
 * it
 *
 *     CALL   open read write fsync close rename link unlink truncate stat mmap memory thread
 *     WHAT   the name of an errno: the call fails with it
 *            SHORT     read and write: a third of the bytes, at least one
 *            SHRINK    read, mmap: the file is first, or then, cut to half of its size
 *            KILL      the program is killed before the call, as by SIGKILL
 *
 * Calls on what the kernel makes up (/proc, /sys, /dev) and on standard error are neither counted nor failed, so that N
 * does not depend on the machine.  Allocation goes to glibc's own functions by their inner names: there is no moment
 * before dlsym() works.  One fault a program: several would have to be told apart by seed, and one is enough to find
 * who does not check.
 */
#undef _FILE_OFFSET_BITS /* both names of open() and its like are wanted */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define VISIBLE __attribute__((visibility("default")))

enum call { OPEN, READ, WRITE, FSYNC, CLOSE, RENAME, LINK, UNLINK, TRUNCATE, STAT, MMAP, MEMORY, THREAD, N_CALLS };
enum { SHORT = -1, SHRINK = -2, KILL = -3 }; /* beside errno */

static const char *const call_names[N_CALLS] = {"open",   "read",     "write", "fsync", "close",  "rename", "link",
                                                "unlink", "truncate", "stat",  "mmap",  "memory", "thread"};

static const struct {
    const char *name;
    int what;
} whats[] = {
    {"SHORT", SHORT},   {"SHRINK", SHRINK}, {"KILL", KILL},     {"EIO", EIO},       {"EINTR", EINTR},
    {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EROFS", EROFS},   {"ENOMEM", ENOMEM}, {"EAGAIN", EAGAIN},
    {"EACCES", EACCES}, {"EMFILE", EMFILE}, {"ESTALE", ESTALE}, {"EPERM", EPERM},   {"EOPNOTSUPP", EOPNOTSUPP}};

struct counts {
    _Atomic uint64_t calls, faults;
};

/* Constant once the program runs. */
static int failing_call = -1, what;
static uint64_t first;
static bool go_on;
static const char *part_of_path;
static struct counts own_counts, *counts = &own_counts;

/* Address ranges of code whose allocations count; none: all do. */
static struct range {
    uintptr_t begin, end;
} ranges[8];
static size_t n_ranges;

/* --- beginning --------------------------------------------------------------------------------------------------- */

static int add_ranges(struct dl_phdr_info *info, size_t size, void *context)
{
    const char *from = context, *name = info->dlpi_name;
    char program[4096];

    (void)size;
    if (!name[0]) {
        ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

        program[n > 0 ? n : 0] = '\0';
        name = strrchr(program, '/') ? strrchr(program, '/') : "";
    }
    if (!strstr(name, from) && !strstr(name, "/libc.so"))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_LOAD || !(info->dlpi_phdr[i].p_flags & PF_X))
            continue;
        if (n_ranges < sizeof(ranges) / sizeof(*ranges)) {
            ranges[n_ranges].begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            ranges[n_ranges].end = ranges[n_ranges].begin + info->dlpi_phdr[i].p_memsz;
            n_ranges++;
        }
    }
    return 0;
}

static void open_counts(const char *path)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *shared = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, sizeof(*counts)) == 0)
        shared = (void *)syscall(SYS_mmap, NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        syscall(SYS_close, fd);
    if (shared == MAP_FAILED)
        abort();
    counts = shared;
}

static int find_call(const char *name, size_t len)
{
    for (int i = 0; i < N_CALLS; i++) {
        if (strlen(call_names[i]) == len && memcmp(call_names[i], name, len) == 0)
            return i;
    }
    return -1;
}

/* Of programs that this one starts, nothing fails. */
__attribute__((constructor)) static void begin(void)
{
    const char *fault = getenv("EMX_FAULT"), *path = getenv("EMX_FAULT_COUNT"), *from = getenv("EMX_FAULT_FROM");
    const char *second = fault ? strchr(fault, ':') : NULL, *third = second ? strchr(second + 1, ':') : NULL;
    char *end;

    if (!third)
        return;
    part_of_path = getenv("EMX_FAULT_PATH");
    if (from && from[0])
        dl_iterate_phdr(add_ranges, (void *)from);
    if (path)
        open_counts(path);
    for (size_t i = 0; i < sizeof(whats) / sizeof(*whats); i++) {
        if (strlen(whats[i].name) == (size_t)(third - second - 1) &&
            memcmp(whats[i].name, second + 1, (size_t)(third - second - 1)) == 0)
            what = whats[i].what;
    }
    first = strtoull(third + 1, &end, 10);
    go_on = *end == '+';
    if (!what)
        abort();
    failing_call = find_call(fault, (size_t)(second - fault));
}

/* --- counting ---------------------------------------------------------------------------------------------------- */

/* Is this call the one that goes wrong? */
static bool is_hit(enum call call)
{
    uint64_t n;

    if ((int)call != failing_call)
        return false;
    n = 1 + atomic_fetch_add(&counts->calls, 1);
    if (n != first && !(go_on && n > first))
        return false;
    atomic_fetch_add(&counts->faults, 1);
    if (what == KILL)
        kill(getpid(), SIGKILL);
    return true;
}

static const char *path_of(int fd, char *path, size_t cap)
{
    char link[64];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = syscall(SYS_readlinkat, AT_FDCWD, link, path, cap - 1);
    path[n > 0 ? n : 0] = '\0';
    return path;
}

/* Files, pipes and sockets count; what the kernel makes up does not. */
static bool counts_fd(int fd)
{
    int before = errno;
    char path[4096];
    struct statfs fs;
    bool is_made_up = syscall(SYS_fstatfs, fd, &fs) == 0 &&
                      (fs.f_type == 0x9fa0 || fs.f_type == 0x62656572 || fs.f_type == 0x27e0eb ||
                       fs.f_type == 0x63677270); /* proc, sysfs, cgroup, cgroup2 */
    bool has_part = !part_of_path || strstr(path_of(fd, path, sizeof(path)), part_of_path);

    errno = before;
    return fd != STDERR_FILENO && !is_made_up && has_part;
}

static bool counts_path(int folder, const char *path)
{
    static const char *const made_up[] = {"/proc/", "/sys/", "/dev/"};
    char around[4096], whole[8192];
    int before = errno;

    for (size_t i = 0; i < 3; i++) {
        if (strncmp(path, made_up[i], strlen(made_up[i])) == 0)
            return false;
    }
    if (!part_of_path)
        return true;
    snprintf(whole, sizeof(whole), "%s/%s", folder < 0 ? "" : path_of(folder, around, sizeof(around)), path);
    errno = before;
    return strstr(whole, part_of_path);
}

static bool counts_caller(const void *address)
{
    uintptr_t at = (uintptr_t)address;

    for (size_t i = 0; i < n_ranges; i++) {
        if (at >= ranges[i].begin && at < ranges[i].end)
            return true;
    }
    return n_ranges == 0;
}

/* Does it fail, with errno set? */
static bool fails(enum call call)
{
    if (!is_hit(call) || what < 0)
        return false;
    errno = what;
    return true;
}

static bool fails_on_fd(enum call call, int fd)
{
    return (int)call == failing_call && counts_fd(fd) && fails(call);
}

static bool fails_on_path(enum call call, int folder, const char *path)
{
    return (int)call == failing_call && counts_path(folder, path) && fails(call);
}

/* --- files ------------------------------------------------------------------------------------------------------- */

static void shrink(int fd)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (syscall(SYS_fstat, fd, &st) == 0)
        syscall(SYS_truncate, path, st.st_size / 2);
}

/* The number of bytes to ask for; -1: the call fails. */
static ssize_t bytes_to_move(enum call call, int fd, size_t n)
{
    if ((int)call != failing_call || !counts_fd(fd) || !is_hit(call))
        return (ssize_t)n;
    if (what > 0) {
        errno = what;
        return -1;
    }
    if (what == SHRINK)
        shrink(fd);
    return what == SHORT && n > 1 ? (ssize_t)(n / 3 + 1) : (ssize_t)n;
}

VISIBLE ssize_t read(int fd, void *buf, size_t n)
{
    ssize_t some = bytes_to_move(READ, fd, n);

    return some < 0 ? -1 : syscall(SYS_read, fd, buf, some);
}

VISIBLE ssize_t pread64(int fd, void *buf, size_t n, off64_t offset)
{
    ssize_t some = bytes_to_move(READ, fd, n);

    return some < 0 ? -1 : syscall(SYS_pread64, fd, buf, some, offset);
}

VISIBLE ssize_t write(int fd, const void *buf, size_t n)
{
    ssize_t some = bytes_to_move(WRITE, fd, n);

    return some < 0 ? -1 : syscall(SYS_write, fd, buf, some);
}

VISIBLE ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t offset)
{
    ssize_t some = bytes_to_move(WRITE, fd, n);

    return some < 0 ? -1 : syscall(SYS_pwrite64, fd, buf, some, offset);
}

static int open_at(int folder, const char *path, int flags, mode_t mode)
{
    if (fails_on_path(OPEN, folder, path))
        return -1;
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

static mode_t mode_of(int flags, va_list args)
{
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? (mode_t)va_arg(args, int) : 0;
}

#define OPEN_FUNCTION(name, parameters, folder)                                                                        \
    VISIBLE int name parameters                                                                                        \
    {                                                                                                                  \
        va_list args;                                                                                                  \
        mode_t mode;                                                                                                   \
                                                                                                                       \
        va_start(args, flags);                                                                                         \
        mode = mode_of(flags, args);                                                                                   \
        va_end(args);                                                                                                  \
        return open_at(folder, path, flags, mode);                                                                     \
    }

OPEN_FUNCTION(open, (const char *path, int flags, ...), AT_FDCWD)
OPEN_FUNCTION(open64, (const char *path, int flags, ...), AT_FDCWD)
OPEN_FUNCTION(openat, (int folder, const char *path, int flags, ...), folder)
OPEN_FUNCTION(openat64, (int folder, const char *path, int flags, ...), folder)

VISIBLE FILE *fopen64(const char *path, const char *mode)
{
    FILE *(*real)(const char *, const char *);

    *(void **)&real = dlsym(RTLD_NEXT, "fopen64");
    return fails_on_path(OPEN, AT_FDCWD, path) ? NULL : real(path, mode);
}

VISIBLE int fsync(int fd)
{
    return fails_on_fd(FSYNC, fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

VISIBLE int fdatasync(int fd)
{
    return fails_on_fd(FSYNC, fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

/* As Linux does it: what fails to close is closed. */
VISIBLE int close(int fd)
{
    bool failed = fails_on_fd(CLOSE, fd);
    int error = errno, code = (int)syscall(SYS_close, fd);

    if (!failed)
        return code;
    errno = error;
    return -1;
}

VISIBLE int rename(const char *from, const char *to)
{
    return fails_on_path(RENAME, AT_FDCWD, to) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

VISIBLE int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    return fails_on_path(RENAME, to_folder, to) ? -1 : (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
}

VISIBLE int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    return fails_on_path(LINK, to_folder, to) ? -1 : (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
}

VISIBLE int unlink(const char *path)
{
    return fails_on_path(UNLINK, AT_FDCWD, path) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

VISIBLE int unlinkat(int folder, const char *path, int flags)
{
    return fails_on_path(UNLINK, folder, path) ? -1 : (int)syscall(SYS_unlinkat, folder, path, flags);
}

VISIBLE int ftruncate64(int fd, off64_t n)
{
    return fails_on_fd(TRUNCATE, fd) ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

VISIBLE int fstat64(int fd, struct stat64 *st)
{
    return fails_on_fd(STAT, fd) ? -1 : (int)syscall(SYS_fstat, fd, st);
}

VISIBLE int stat64(const char *path, struct stat64 *st)
{
    return fails_on_path(STAT, AT_FDCWD, path) ? -1 : (int)syscall(SYS_newfstatat, AT_FDCWD, path, st, 0);
}

/* Of files; memory by mmap() counts as memory. */
VISIBLE void *mmap64(void *at, size_t n, int protection, int flags, int fd, off64_t offset)
{
    bool hit = is_hit(fd >= 0 ? MMAP : MEMORY);
    void *p;

    if (hit && what > 0) {
        errno = what;
        return MAP_FAILED;
    }
    p = (void *)syscall(SYS_mmap, at, n, protection, flags, fd, offset);
    if (hit && what == SHRINK)
        shrink(fd);
    return p;
}

/* --- memory and threads ------------------------------------------------------------------------------------------ */

extern void *__libc_malloc(size_t n), *__libc_calloc(size_t n, size_t size), *__libc_realloc(void *p, size_t n),
    *__libc_memalign(size_t alignment, size_t n);

#define FAILS_FOR_CALLER ((int)MEMORY == failing_call && counts_caller(__builtin_return_address(0)) && fails(MEMORY))

VISIBLE void *malloc(size_t n)
{
    return FAILS_FOR_CALLER ? NULL : __libc_malloc(n);
}

VISIBLE void *calloc(size_t n, size_t size)
{
    return FAILS_FOR_CALLER ? NULL : __libc_calloc(n, size);
}

VISIBLE void *realloc(void *p, size_t n)
{
    return FAILS_FOR_CALLER ? NULL : __libc_realloc(p, n);
}

VISIBLE void *reallocarray(void *p, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return FAILS_FOR_CALLER ? NULL : __libc_realloc(p, bytes);
}

VISIBLE void *aligned_alloc(size_t alignment, size_t n)
{
    return FAILS_FOR_CALLER ? NULL : __libc_memalign(alignment, n);
}

VISIBLE int posix_memalign(void **ret, size_t alignment, size_t n)
{
    void *p = FAILS_FOR_CALLER ? NULL : __libc_memalign(alignment, n);

    if (!p)
        return ENOMEM;
    *ret = p;
    return 0;
}

typedef int create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

VISIBLE int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    create_fn *real;

    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return fails(THREAD) ? EAGAIN : real(thread, attributes, start, argument);
}
