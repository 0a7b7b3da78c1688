/*
 * cut_file.c - says which mapped file a SIGBUS is about
 *
 * /proc/self/maps tells it.  Only what a signal handler may call is called: no memory, no stdio.
 */
#include "cut_file.h"

#include "say.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 4400 };

/* A hexadecimal number; *text moves behind it. */
static uintptr_t take_hex(const char **text)
{
    static const char digits[] = "0123456789abcdef";
    uintptr_t x = 0;

    for (const char *digit; **text && (digit = strchr(digits, **text)); ++*text)
        x = x << 4 | (uintptr_t)(digit - digits);
    return x;
}

/* "begin-end perms offset device inode   /path" */
static const char *path_if_at(const char *line, uintptr_t address)
{
    uintptr_t begin = take_hex(&line), end;

    if (*line++ != '-')
        return NULL;
    end = take_hex(&line);
    return address >= begin && address < end ? strchr(line, '/') : NULL;
}

/* The next line without its end, cut to its room; false after the last. */
static bool next_line(int fd, char line[LINE_BYTES])
{
    size_t n = 0;
    char c;

    while (read(fd, &c, 1) == 1) {
        if (c == '\n') {
            line[n] = '\0';
            return true;
        }
        if (n < LINE_BYTES - 1)
            line[n++] = c;
    }
    return false;
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    static const char before[] = "entromix: ", after[] = ": was cut short while it was read\n";
    static char line[LINE_BYTES];
    const char *path = NULL;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

    (void)context;
    while (fd >= 0 && !path && next_line(fd, line))
        path = path_if_at(line, (uintptr_t)info->si_addr);
    if (!path) { /* no file: let it be what it is */
        signal(number, SIG_DFL);
        return;
    }
    if (write(STDERR_FILENO, before, sizeof(before) - 1) < 0 || write(STDERR_FILENO, path, strlen(path)) < 0 ||
        write(STDERR_FILENO, after, sizeof(after) - 1) < 0)
        _exit(EXIT_FAILED);
    _exit(EXIT_FAILED);
}

void cut_file_watch(void)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};

    sigaction(SIGBUS, &action, NULL);
}
