/*
 * test_file.c - files on disk, in memory and in pipes
 */
#include "stored.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <xxhash.h>

static uint64_t seed;
static char folder[] = "/tmp/emx-file-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[4][128];
    static unsigned turn;
    char *p = path[turn++ % 4];

    snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
    return p;
}

static const char *write_file(const char *name, const void *data, size_t n)
{
    const char *path = in_folder(name);
    FILE *f = must(fopen(path, "wb"));

    CHECK(fwrite(data, 1, n, f) == n);
    CHECK(fclose(f) == 0);
    return path;
}

static void check_reads(const struct file_space *space, const char *path, const struct bytes *twin)
{
    struct file *f = NULL;
    unsigned char *buf = must(malloc(twin->len + 1));
    size_t done = 0, n = 1;
    struct emx_error err;

    CHECK(file_open(space, path, &f, &err) == EMX_OK);
    CHECK(file_size(f) == twin->len);
    CHECK_STR(file_path(f), path);
    while (n > 0) {
        const size_t want = 1 + (size_t)test_random(&seed) % 9999;
        const size_t at = (size_t)test_random(&seed) % twin->len;

        CHECK(file_read(f, buf, want, &n, &err) == EMX_OK);
        CHECK(n == (want < twin->len - done ? want : twin->len - done));
        CHECK(memcmp(buf, twin->data + done, n) == 0);
        done += n;
        CHECK(file_read_at(f, at, buf, twin->len - at, &err) == EMX_OK);
        CHECK(memcmp(buf, twin->data + at, twin->len - at) == 0);
    }
    CHECK(file_read_at(f, twin->len, buf, 0, &err) == EMX_OK);
    CHECK(file_read_at(f, twin->len, buf, 1, &err) == EMX_ERR_CORRUPT && strstr(err.message, "is cut off"));
    CHECK(file_read_at(f, UINT64_MAX, buf, 2, &err) == EMX_ERR_CORRUPT);
    CHECK(file_read_at(f, 1, buf, SIZE_MAX, &err) == EMX_ERR_CORRUPT);
    file_close(&f);
    CHECK(f == NULL);
    free(buf);
}

static void reads_in_order_and_by_position(void)
{
    struct bytes twin = {0};
    struct memory_space m;
    const char *path;

    put_tokens(&twin, 50000, &seed);
    path = write_file("a.bin", twin.data, twin.len);
    check_reads(NULL, path, &twin);
    check_reads(memory_space(&m, "a.bin", twin.data, twin.len), "a.bin", &twin);
    CHECK(unlink(path) == 0);
    bytes_free(&twin);
}

static void memory_hides_the_disk(void)
{
    const char *path = write_file("b.bin", "disk", 4);
    const struct memory_file files[] = {{"other", "x", 1}, {path, "memory", 6}};
    struct file_space space = {files, 1, false};
    struct file *f = NULL;
    char buf[6];

    CHECK(file_open(&space, path, &f, NULL) == EMX_OK && file_size(f) == 4);
    file_close(&f);
    space.n = 2;
    CHECK(file_open(&space, path, &f, NULL) == EMX_OK && file_size(f) == 6);
    CHECK(file_read_at(f, 0, buf, 6, NULL) == EMX_OK && memcmp(buf, "memory", 6) == 0);
    file_close(&f);
    space = (struct file_space){files, 1, true};
    CHECK(file_open(&space, path, &f, NULL) == EMX_ERR_IO);
    CHECK(!file_exists(&space, path) && file_exists(&space, "other") && file_exists(NULL, path));
    CHECK(unlink(path) == 0);
    CHECK(!file_exists(NULL, path));
}

static void expect_refusal(const char *path, const char *part)
{
    struct file *f = NULL;
    struct emx_error err = {0};

    CHECK(file_open(NULL, path, &f, &err) == EMX_ERR_IO);
    CHECK(strstr(err.message, part) && strstr(err.message, path) == err.message);
    file_close(&f);
}

static void what_is_no_file_is_refused(void)
{
    expect_refusal(in_folder("missing"), "cannot be opened: No such file");
    expect_refusal(folder, "is a directory, not a file");
    expect_refusal("/dev/zero", "is a device, not a file");
    CHECK(!file_exists(NULL, folder));
}

/* Read a little, let `change` happen to the file, read the rest. */
static void expect_change_noticed(off_t new_size, const char *part)
{
    static char data[100000];
    const char *path = write_file("c.bin", data, sizeof(data));
    struct file *f = NULL;
    struct emx_error err = {0};
    size_t n;

    CHECK(file_open(NULL, path, &f, NULL) == EMX_OK);
    CHECK(file_read(f, data, 10, &n, NULL) == EMX_OK && n == 10);
    CHECK(truncate(path, new_size) == 0);
    CHECK(file_read(f, data, sizeof(data), &n, &err) == EMX_ERR_CORRUPT);
    CHECK(strstr(err.message, part) != NULL);
    file_close(&f);
    CHECK(unlink(path) == 0);
}

static void a_file_that_changes_is_an_error(void)
{
    expect_change_noticed(50000, "was changed while it was read: 100000 bytes at first, now 50000");
    expect_change_noticed(5, "was changed while it was read");
    expect_change_noticed(100003, "now at least 100003");
}

static void side_files_are_loaded_whole(void)
{
    struct bytes twin = {0}, zstd = {0}, gzip = {0};
    const struct bytes *stored[] = {&twin, &zstd, &gzip};

    put_tokens(&twin, 100000, &seed);
    put_zstd(&zstd, twin.data, twin.len, (struct frame_options){.level = 1});
    put_gzip(&gzip, twin.data, twin.len);
    for (int i = 0; i < 3; i++) {
        struct memory_space m;
        const struct file_space *space = memory_space(&m, "a.idx", stored[i]->data, stored[i]->len);
        struct emx_error err = {0};
        char *data = NULL;
        uint64_t hash;
        size_t len;

        CHECK(file_load(space, "a.idx", twin.len, &data, &len, &hash, &err) == EMX_OK);
        CHECK(len == twin.len && memcmp(data, twin.data, len) == 0 && data[len] == '\0');
        CHECK(hash == XXH3_64bits(stored[i]->data, stored[i]->len));
        free(data);
        data = NULL;
        CHECK(file_load(space, "a.idx", twin.len - 1, &data, &len, &hash, &err) == EMX_ERR_RANGE);
        CHECK(data == NULL && strstr(err.message, "is larger than 199999 bytes"));
        CHECK(file_load(space, "b.idx", 1, &data, &len, &hash, &err) == EMX_ERR_IO && data == NULL);
    }
    bytes_free(&twin);
    bytes_free(&zstd);
    bytes_free(&gzip);
}

static void an_empty_side_file_is_loaded(void)
{
    struct memory_space m;
    char *data = NULL;
    uint64_t hash;
    size_t len = 1;

    CHECK(file_load(memory_space(&m, "a", "", 0), "a", 0, &data, &len, &hash, NULL) == EMX_OK);
    CHECK(len == 0 && data && data[0] == '\0');
    free(data);
    CHECK(file_load(memory_space(&m, "a", "x", 1), "a", SIZE_MAX, &data, &len, &hash, NULL) == EMX_OK);
    CHECK(len == 1 && data[0] == 'x' && data[1] == '\0');
    free(data);
}

static void on_alarm(int signal)
{
    (void)signal;
}

struct dripper {
    int fd;
    const struct bytes *bytes;
};

static void *drip(void *context)
{
    const struct dripper *d = context;

    for (size_t done = 0; done < d->bytes->len; done += 500) {
        CHECK(write(d->fd, d->bytes->data + done, 500) == 500);
        usleep(2000);
    }
    close(d->fd);
    return NULL;
}

/* Signals every millisecond, and a pipe that says EAGAIN: neither ends the file. */
static void interruptions_are_survived(void)
{
    const struct sigaction action = {.sa_handler = on_alarm};
    const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    const int saved = dup(0);
    struct bytes twin = {0};
    unsigned char buf[40000];
    struct file *f = NULL;
    pthread_t thread;
    sigset_t alarm_only;
    int ends[2];
    size_t n;

    put_tokens(&twin, 10000, &seed);
    CHECK(pipe2(ends, O_NONBLOCK) == 0);
    dup2(ends[0], 0);
    close(ends[0]);
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm_only, NULL); /* in the writer only */
    pthread_create(&thread, NULL, drip, &(struct dripper){ends[1], &twin});
    pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    CHECK(file_open(NULL, "-", &f, NULL) == EMX_OK);
    CHECK(file_size(f) == UINT64_MAX);
    CHECK(file_read_at(f, 0, buf, 1, NULL) == EMX_ERR_IO);
    CHECK(file_read(f, buf, sizeof(buf), &n, NULL) == EMX_OK);
    CHECK(n == twin.len && memcmp(buf, twin.data, n) == 0);
    file_close(&f);
    CHECK(fcntl(0, F_GETFD) != -1); /* standard input is not ours to close */
    setitimer(ITIMER_REAL, &never, NULL);
    pthread_join(thread, NULL);
    dup2(saved, 0);
    close(saved);
    bytes_free(&twin);
}

static void nothing_is_left_behind(void)
{
    CHECK(rmdir(folder) == 0);
}

int main(void)
{
    seed = test_seed();
    must(mkdtemp(folder));
    RUN(reads_in_order_and_by_position);
    RUN(memory_hides_the_disk);
    RUN(what_is_no_file_is_refused);
    RUN(a_file_that_changes_is_an_error);
    RUN(side_files_are_loaded_whole);
    RUN(an_empty_side_file_is_loaded);
    RUN(interruptions_are_survived);
    RUN(nothing_is_left_behind);
    return test_summary();
}
