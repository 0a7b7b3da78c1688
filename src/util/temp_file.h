/*
 * temp_file.h - one file for what memory has no room for
 *
 * It has no name: the system drops it whatever ends the program.  It is made when it is first written to, so that a
 * folder that nobody needs may be missing.  Or it has one, and stays for another run of the program.
 * Thread-safety: any thread may write and read.
 */
#ifndef UTIL_TEMP_FILE_H
#define UTIL_TEMP_FILE_H

#include <emx/status.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct temp_file {
    const char *folder;
    char *path; /* NULL: it has no name */
    pthread_mutex_t mutex;
    /* guarded by the mutex */
    int fd; /* -1 until it is needed */
    uint64_t n_bytes;
};

/* In `folder` (borrowed), or $TMPDIR, or /tmp. */
void temp_file_init(struct temp_file *f, const char *folder);
void temp_file_finish(struct temp_file *f);

/*
 * Before anything is written: give it this name, and keep the first n_bytes of what a file of the name holds.
 * EMX_ERR_CORRUPT if it holds fewer.
 */
EMX_CHECKED enum emx_status temp_file_open(struct temp_file *f, const char *path, uint64_t n_bytes,
                                           struct emx_error *err);
/* What was written is on the disk, and will still be there if the machine stops. */
EMX_CHECKED enum emx_status temp_file_sync(struct temp_file *f, struct emx_error *err);
/* For messages: "a temporary file in FOLDER", or its name. */
const char *temp_file_describe(const struct temp_file *f, char *buf, size_t cap);

/* Append, and tell where. */
EMX_CHECKED enum emx_status temp_file_write(struct temp_file *f, const void *data, size_t len, uint64_t *ret_at,
                                            struct emx_error *err);
EMX_CHECKED enum emx_status temp_file_read(const struct temp_file *f, uint64_t at, void *data, size_t len,
                                           struct emx_error *err);

#endif
