/* checkpoint_folder.c - the folder of checkpoints: whose it is, its lock, and that it is left as it was found */
#include "scan/checkpoint.h"
#include "scan/sums_file.h"

#include "cluster/cluster.h"
#include "util/file_lock.h"
#include "util/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOURNAL_NAME "checkpoint.journal"

/* --- which ----------------------------------------------------------------------------------------------- */

/* So that the folder is still there if the machine stops.  Where that cannot be had, the scan is none the worse. */
static void sync_folder_around(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), around;

    if (fd < 0)
        return;
    around = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (around >= 0) {
        (void)fsync(around);
        close(around);
    }
    close(fd);
}

static enum emx_status make_folder(const char *folder, struct emx_error *err)
{
    if (mkdir(folder, 0777) == 0)
        sync_folder_around(folder);
    else if (errno != EEXIST)
        return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot create the folder for checkpoints", folder);
    return EMX_OK;
}

/* "rank-3-of-8": of how many; 0 for any other name. */
static unsigned ranks_in_name(const char *name)
{
    unsigned rank, size;
    int end = 0;

    return sscanf(name, "rank-%u-of-%u%n", &rank, &size, &end) == 2 && !name[end] ? size : 0;
}

/* Every rank has a part of the counts: another number of ranks would lose some. */
static enum emx_status check_ranks(const char *folder, unsigned size, struct emx_error *err)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    enum emx_status status = EMX_OK;

    while (dir && !status && (entry = readdir(dir))) {
        unsigned n = strcmp(entry->d_name, JOURNAL_NAME) == 0 ? 1 : ranks_in_name(entry->d_name);

        if (n && n != size)
            status =
                emx_fail(err, EMX_ERR_ARG, "%s: holds the checkpoint of a scan by %u process%s, and this one is by %u",
                         folder, n, n == 1 ? "" : "es", size);
    }
    if (dir)
        closedir(dir);
    return status;
}

static enum emx_status make_folders(struct checkpoint *c, const struct emx_cluster *cluster, struct emx_error *err)
{
    enum emx_status status = check_ranks(c->folder, cluster->size, err);

    if (status || cluster->size == 1)
        return status;
    status = make_folder(c->folder, err);
    if (status)
        return status;
    if (asprintf(&c->rank_folder, "%s/rank-%u-of-%u", c->folder, cluster->rank, cluster->size) < 0) {
        c->rank_folder = NULL;
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", c->folder);
    }
    c->folder = c->rank_folder;
    return EMX_OK;
}

static enum emx_status make_paths(struct checkpoint *c, struct emx_error *err)
{
    if (asprintf(&c->data_path, "%s/checkpoint.data", c->folder) < 0)
        c->data_path = NULL;
    if (asprintf(&c->journal_path, "%s/" JOURNAL_NAME, c->folder) < 0)
        c->journal_path = NULL;
    if (asprintf(&c->lock_path, "%s/checkpoint.lock", c->folder) < 0)
        c->lock_path = NULL;
    if (!c->data_path || !c->journal_path || !c->lock_path)
        return emx_fail(err, EMX_ERR_MEMORY, "%s: out of memory", c->folder);
    return make_folder(c->folder, err);
}

enum emx_status checkpoint_choose_folder(struct checkpoint *c, const struct emx_cluster *cluster, struct emx_error *err)
{
    enum emx_status status = make_folders(c, cluster, err);

    return status ? status : make_paths(c, err);
}

/* --- its lock ------------------------------------------------------------------------------------------ */

/* Is the file that was locked still the one of that name?  Who held it before may have removed it. */
static bool is_in_place(int fd, const char *path)
{
    struct stat open_file, named;

    return fstat(fd, &open_file) == 0 && stat(path, &named) == 0 && open_file.st_ino == named.st_ino &&
           open_file.st_dev == named.st_dev;
}

static enum emx_status lock_folder(struct checkpoint *c, struct emx_error *err)
{
    for (int attempt = 0; attempt < 16; attempt++) {
        c->lock = open(c->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (c->lock < 0)
            return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot be opened", c->lock_path);
        if (!file_lock(c->lock)) {
            if (errno == EAGAIN || errno == EACCES)
                return emx_fail(err, EMX_ERR_ARG, "%s: another scan is working with this folder of checkpoints",
                                c->folder);
            return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot be locked", c->lock_path);
        }
        if (is_in_place(c->lock, c->lock_path))
            return EMX_OK;
        close(c->lock);
        c->lock = -1;
    }
    return emx_fail(err, EMX_ERR_IO, "%s: cannot be locked: others keep removing it", c->lock_path);
}

/* Of a journal, or of sums, that a process was about to put in place when it was killed. */
static void remove_left(const char *folder)
{
    static const char *const names[] = {JOURNAL_NAME, SUMS_NAME "0", SUMS_NAME "1"};
    int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

    for (size_t i = 0; i < 3 && fd >= 0; i++)
        temporary_remove_left(fd, names[i]);
    if (fd >= 0)
        close(fd);
}

enum emx_status checkpoint_lock(struct checkpoint *c, struct emx_error *err)
{
    enum emx_status status = lock_folder(c, err);

    if (!status)
        remove_left(c->folder);
    return status;
}

enum emx_status checkpoint_remove(struct checkpoint *c, struct emx_error *err)
{
    if (!c->folder)
        return EMX_OK;
    /* the journal first: data without it are nothing */
    if (unlink(c->journal_path) != 0 || unlink(c->data_path) != 0 || sums_files_remove(c->folder, err) != EMX_OK ||
        unlink(c->lock_path) != 0)
        return emx_fail_errno(err, EMX_ERR_IO, errno, "%s: cannot remove the checkpoint of the scan, which is complete",
                              c->folder);
    if (c->rank_folder)
        rmdir(c->rank_folder); /* stays if somebody has put something there */
    return EMX_OK;
}
