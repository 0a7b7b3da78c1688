/*
 * temporary.h - hidden names beside a file, for writers that give it its own name when it is whole
 *
 * A writer that is killed leaves its temporary file, so the next one that writes the same file removes it.  Whether its
 * writer lives, a lock tells, which the system lets go whatever ends the program; where locks do not work, nothing
 * is removed.
 */
#ifndef UTIL_TEMPORARY_H
#define UTIL_TEMPORARY_H

#include <limits.h>
#include <stdbool.h>

/* An unpredictable name for `base`, which has no slash.  False, with errno, if the system has no random numbers. */
bool temporary_name(const char *base, char ret[NAME_MAX + 1]);

/*
 * The file is ours from here on, until it is closed.  False if somebody was about to remove it, which can only be
 * before: then take another.
 */
bool temporary_claim(int fd);

/* In the folder (O_PATH is enough): of those for `base`, this user's that nobody has claimed. */
void temporary_remove_left(int folder, const char *base);

#endif
