/* own_folder.h - a folder of the test's own, and files in it by their names */
#ifndef TESTS_OWN_FOLDER_H
#define TESTS_OWN_FOLDER_H

#include "folder.h"
#include "test.h"

#include <ftw.h>
#include <unistd.h>

static char folder[64];

/* One path for one name, so that it can be kept; of more than 128 names the oldest goes. */
static inline char *path_of(const char *name)
{
    static char paths[128][256];
    static unsigned next;
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    for (size_t i = 0; i < 128; i++) {
        if (strcmp(paths[i], path) == 0)
            return paths[i];
    }
    return strcpy(paths[next++ % 128], path);
}

static inline bool make_folder_in(const char *parent, const char *test)
{
    snprintf(folder, sizeof(folder), "%s/emx-%s-XXXXXX", parent, test);
    return mkdtemp(folder);
}

static inline bool make_folder(const char *test)
{
    return make_folder_in("/tmp", test);
}

/* For many small files: spare the disk, if there is a folder in memory. */
static inline bool make_folder_in_memory(const char *test)
{
    return make_folder_in("/dev/shm", test) || make_folder(test);
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static inline void remove_folder(void)
{
    CHECK(nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

static inline void write_bytes(const char *name, const void *data, size_t len)
{
    FILE *f = fopen(path_of(name), "wb");
    bool written = f && fwrite(data, 1, len, f) == len;

    CHECK(f && fclose(f) == 0 && written);
}

static inline bool same_files(const char *a, const char *b)
{
    return same_file(path_of(a), path_of(b));
}

#endif
