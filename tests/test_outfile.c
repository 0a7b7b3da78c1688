/* outfile: a file is whole or untouched, and nothing is left beside it */
#include "folder.h"
#include "test.h"

#include "util/outfile.h"
#include <emx/file.h>

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static const char *in_folder(const char *name)
{
    static char path[2][400];
    static int turn;

    turn ^= 1;
    snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
    return path[turn];
}

static bool holds(const char *path, const char *text)
{
    char got[100] = {0};
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(got, 1, sizeof(got) - 1, f) : 0;

    if (f)
        fclose(f);
    return f && n == strlen(text) && memcmp(got, text, n) == 0;
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_mode & 0777 : 0;
}

static void written_file_has_its_bytes_and_umask(void)
{
    const char *path = in_folder("new");
    mode_t old = umask(027);

    CHECK(emx_write_file(path, "hello", 5, NULL) == EMX_OK);
    umask(old);
    CHECK(holds(path, "hello"));
    CHECK(mode_of(path) == 0640);
    CHECK(emx_write_file(path, "", 0, NULL) == EMX_OK);
    CHECK(holds(path, ""));
    CHECK(files_in(folder) == 1);
    unlink(path);
}

static void replaced_file_keeps_mode_and_links(void)
{
    const char *path = in_folder("file"), *link = in_folder("link");

    CHECK(emx_write_file(path, "one", 3, NULL) == EMX_OK);
    CHECK(chmod(path, 0604) == 0);
    CHECK(symlink("file", link) == 0);
    CHECK(emx_write_file(link, "two", 3, NULL) == EMX_OK);
    CHECK(holds(path, "two"));
    CHECK(mode_of(path) == 0604);
    CHECK(files_in(folder) == 2);
    unlink(path);
    unlink(link);
}

static void large_writes_arrive_in_order(void)
{
    size_t n = 5 << 20;
    unsigned char *data = malloc(n), *back = malloc(n + 1);
    struct outfile *o = NULL;
    const char *path = in_folder("large");
    FILE *f;

    for (size_t i = 0; i < n; i++)
        data[i] = (unsigned char)(i * 2654435761u >> 13);
    CHECK(outfile_create(path, &o, NULL) == EMX_OK);
    for (size_t at = 0, step = 1; at < n; at += step, step = step * 3 + 1) {
        if (step > n - at)
            step = n - at;
        CHECK(outfile_write(o, data + at, step, NULL) == EMX_OK);
        CHECK(outfile_position(o) == at + step);
    }
    CHECK(outfile_commit(o, NULL) == EMX_OK);
    outfile_destroy(&o);
    f = fopen(path, "r");
    CHECK(f && fread(back, 1, n + 1, f) == n && memcmp(data, back, n) == 0);
    fclose(f);
    unlink(path);
    free(data);
    free(back);
}

static void uncommitted_file_leaves_nothing(void)
{
    struct outfile *o = NULL;
    const char *path = in_folder("never");

    CHECK(outfile_create(path, &o, NULL) == EMX_OK);
    CHECK(outfile_write(o, "x", 1, NULL) == EMX_OK);
    outfile_destroy(&o);
    CHECK(!o && files_in(folder) == 0);
    CHECK(emx_write_file(path, "old", 3, NULL) == EMX_OK);
    CHECK(outfile_create(path, &o, NULL) == EMX_OK);
    CHECK(outfile_write(o, "new", 3, NULL) == EMX_OK);
    outfile_destroy(&o);
    CHECK(holds(path, "old") && files_in(folder) == 1);
    unlink(path);
}

/* Run a check in a child that may spoil its process; true if it returned true. */
static bool in_child(bool (*check)(void))
{
    pid_t pid = fork();
    int status = 1;

    if (pid == 0)
        _exit(check() ? 0 : 1);
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool refused(const char *path, const char *cause)
{
    struct emx_error err = {0};
    char *data = calloc(3, 1 << 20);
    enum emx_status status = emx_write_file(path, data, 3 << 20, &err);
    bool ok =
        status == EMX_ERR_IO && err.status == EMX_ERR_IO && strstr(err.message, path) && strstr(err.message, cause);

    if (!ok)
        printf("status %d: %s\n", status, err.message);
    free(data);
    return ok;
}

static bool no_room(void)
{
    struct rlimit limit = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};

    signal(SIGXFSZ, SIG_IGN);
    return setrlimit(RLIMIT_FSIZE, &limit) == 0 && refused(in_folder("full"), "File too large");
}

static bool no_permission(void)
{
    return (geteuid() != 0 || setuid(65534) == 0) && refused(in_folder("shut/file"), "Permission denied") &&
           refused(in_folder("protected"), "Permission denied");
}

static void failures_name_the_path_and_leave_nothing(void)
{
    CHECK(refused("/dev/full", "No space left on device"));
    CHECK(refused(in_folder("missing/file"), "No such file or directory"));
    CHECK(refused(folder, "Is a directory"));
    CHECK(in_child(no_room));
    CHECK(files_in(folder) == 0);

    CHECK(chmod(folder, 0755) == 0);
    CHECK(mkdir(in_folder("shut"), 0555) == 0);
    CHECK(emx_write_file(in_folder("protected"), "p", 1, NULL) == EMX_OK);
    CHECK(chmod(in_folder("protected"), 0444) == 0);
    CHECK(in_child(no_permission));
    CHECK(holds(in_folder("protected"), "p"));
    CHECK(rmdir(in_folder("shut")) == 0 && unlink(in_folder("protected")) == 0);
    CHECK(files_in(folder) == 0);
}

static void touch(const char *name)
{
    FILE *f = fopen(in_folder(name), "w");

    CHECK(f && fclose(f) == 0);
}

static void what_a_killed_writer_left_is_removed(void)
{
    static const char *const others[] = {".file.0123456789abcde.tmp",    ".file.0123456789abcdef0.tmp",
                                         ".file.0123456789abcdeg.tmp",   ".file.0123456789abcdef.tmp~",
                                         ".file2.0123456789abcdef.tmp",  "file.0123456789abcdef.tmp",
                                         ".another.0123456789abcdef.tmp"};
    enum { N = sizeof(others) / sizeof(*others) };
    const char *link = ".file.00000000000000aa.tmp";

    for (size_t i = 0; i < N; i++)
        touch(others[i]);
    CHECK(symlink("elsewhere", in_folder(link)) == 0);
    touch(".file.0123456789abcdef.tmp");
    touch(".file.fedcba9876543210.tmp");
    CHECK(emx_write_file(in_folder("file"), "f", 1, NULL) == EMX_OK);
    CHECK(files_in(folder) == N + 2);
    for (size_t i = 0; i < N; i++)
        CHECK(unlink(in_folder(others[i])) == 0);
    CHECK(unlink(in_folder(link)) == 0 && unlink(in_folder("file")) == 0);
}

/* Where temporary files have names: that of a writer who lives stays, that of one who was killed goes. */
static bool living_writers_are_told_from_killed_ones(void)
{
    struct outfile *o = NULL;
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(outfile_create("shared", &o, NULL) == EMX_OK && kill(getpid(), SIGKILL) == 0);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) || files_in(folder) != 1)
        return false;
    return outfile_create("shared", &o, NULL) == EMX_OK && files_in(folder) == 1 &&
           emx_write_file("shared", "one", 3, NULL) == EMX_OK && files_in(folder) == 2 &&
           outfile_write(o, "two", 3, NULL) == EMX_OK && outfile_commit(o, NULL) == EMX_OK && holds("shared", "two") &&
           (outfile_destroy(&o), files_in(folder)) == 1 && unlink("/shared") == 0;
}

/* Without /proc a file cannot get a name later: it has a hidden one from the start. */
static bool without_proc(void)
{
    struct outfile *o = NULL;
    bool ok;

    if (chroot(folder) != 0 && (unshare(CLONE_NEWUSER) != 0 || chroot(folder) != 0)) {
        puts("named temporaries not tried: this process may not chroot");
        return true;
    }
    strcpy(folder, "/");
    ok = chdir("/") == 0 && outfile_create("named", &o, NULL) == EMX_OK && files_in(folder) == 1;
    outfile_destroy(&o);
    ok = ok && files_in(folder) == 0 && emx_write_file("named", "n", 1, NULL) == EMX_OK && holds("named", "n");
    return ok && files_in(folder) == 1 && no_room() && files_in(folder) == 1 && unlink("/named") == 0 &&
           living_writers_are_told_from_killed_ones();
}

static void named_temporaries_do_the_same(void)
{
    CHECK(in_child(without_proc));
    CHECK(files_in(folder) == 0);
}

/* Standard output by any of its names, and a pipe, are written through. */
static void outputs_that_are_no_files_are_written_directly(void)
{
    static const char *const names[] = {"-", "/dev/stdout", "/proc/self/fd/1"};
    int saved = dup(STDOUT_FILENO), ends[2];
    char got[16] = {0};

    CHECK(pipe(ends) == 0);
    for (size_t i = 0; i < 3; i++) {
        enum emx_status status;

        fflush(stdout);
        dup2(ends[1], STDOUT_FILENO);
        status = emx_write_file(names[i], "abc", 3, NULL);
        dup2(saved, STDOUT_FILENO);
        CHECK(status == EMX_OK);
        CHECK(read(ends[0], got, sizeof(got)) == 3 && memcmp(got, "abc", 3) == 0);
    }
    close(saved);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    strcpy(folder, "/tmp/emx-outfile-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    RUN(written_file_has_its_bytes_and_umask);
    RUN(replaced_file_keeps_mode_and_links);
    RUN(large_writes_arrive_in_order);
    RUN(uncommitted_file_leaves_nothing);
    RUN(failures_name_the_path_and_leave_nothing);
    RUN(what_a_killed_writer_left_is_removed);
    RUN(named_temporaries_do_the_same);
    RUN(outputs_that_are_no_files_are_written_directly);
    rmdir(folder);
    return test_summary();
}
