#include "util/temporary.h"

#include "util/file_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_OF_BASE = 200, DIGITS = 16 };
#define SUFFIX ".tmp"

bool temporary_name(const char *base, char ret[NAME_MAX + 1])
{
    uint64_t random;

    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return false;
    snprintf(ret, NAME_MAX + 1, ".%.*s.%0*llx" SUFFIX, MOST_OF_BASE, base, DIGITS, (unsigned long long)random);
    return true;
}

static bool is_name_for(const char *base, const char *name)
{
    size_t n = strnlen(base, MOST_OF_BASE);
    const char *digits = name + n + 2;

    return name[0] == '.' && strncmp(name + 1, base, n) == 0 && name[n + 1] == '.' &&
           strspn(digits, "0123456789abcdef") == DIGITS && strcmp(digits + DIGITS, SUFFIX) == 0;
}

bool temporary_claim(int fd)
{
    struct stat st;

    if (!file_lock(fd))
        return errno != EAGAIN && errno != EACCES; /* no locks here: nobody removes anything */
    return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

static bool is_own_file(int folder, const char *name)
{
    struct stat st;

    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid();
}

/* The lock is held until the name is gone, so that a writer who has just made the file finds it out. */
static void remove_if_unclaimed(int folder, const char *name)
{
    int fd = is_own_file(folder, name) ? openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;

    if (fd < 0)
        return;
    if (file_lock(fd))
        unlinkat(folder, name, 0);
    close(fd);
}

void temporary_remove_left(int folder, const char *base)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((entry = readdir(dir))) {
        if (is_name_for(base, entry->d_name))
            remove_if_unclaimed(folder, entry->d_name);
    }
    closedir(dir);
}
