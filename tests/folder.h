/* folder.h - a test's own folder: what it holds, files of it */
#ifndef TESTS_FOLDER_H
#define TESTS_FOLDER_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static inline int files_in(const char *folder)
{
    DIR *dir = opendir(folder);
    int n = -2; /* . and .. */

    while (dir && readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* The whole file, malloc'ed. */
static inline unsigned char *read_whole(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "r");
    struct stat st;
    unsigned char *data = NULL;

    if (f && fstat(fileno(f), &st) == 0) {
        data = malloc((size_t)st.st_size + 1);
        *ret_len = fread(data, 1, (size_t)st.st_size, f);
    }
    if (f)
        fclose(f);
    return data;
}

/* Both there, not empty, and the same. */
static inline bool same_file(const char *a, const char *b)
{
    size_t na = 0, nb = 1;
    unsigned char *x = read_whole(a, &na), *y = read_whole(b, &nb);
    bool same = x && y && na > 0 && na == nb && memcmp(x, y, na) == 0;

    free(x);
    free(y);
    return same;
}

#endif
