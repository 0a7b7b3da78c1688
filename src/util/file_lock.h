/* file_lock.h - a lock that tells other processes that this one works with a file */
#ifndef UTIL_FILE_LOCK_H
#define UTIL_FILE_LOCK_H

#include <fcntl.h>
#include <stdbool.h>

/*
 * Lock a file that is open for writing.  The lock belongs to the open file, so the system lets it go whatever ends the
 * program.  False, with errno: EAGAIN or EACCES if it is another's.
 */
static inline bool file_lock(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_OFD_SETLK, &whole) == 0;
}

#endif
