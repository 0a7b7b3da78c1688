/* folder.h - what a test's own folder holds */
#ifndef TESTS_FOLDER_H
#define TESTS_FOLDER_H

#include <dirent.h>

static inline int files_in(const char *folder)
{
    DIR *dir = opendir(folder);
    int n = -2; /* . and .. */

    while (dir && readdir(dir))
        n++;
    closedir(dir);
    return n;
}

#endif
