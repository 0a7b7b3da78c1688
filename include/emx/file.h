/*
 * file.h - write a file whole or not at all
 */
#ifndef EMX_FILE_H
#define EMX_FILE_H

#include <emx/status.h>
#include <stddef.h>

/*
 * Write len bytes to the file at path: into a temporary file beside it, synced, then renamed, so that
 * `path` has either all of the bytes or what it had before.  Path "-" is standard output; what is no regular
 * file (a pipe, a device) is written directly.  A file that was there keeps its mode and must be writable.
 * EMX_ERR_IO names path and cause.
 */
EMX_API EMX_CHECKED enum emx_status emx_write_file(const char *path, const void *data, size_t len,
                                                   struct emx_error *err);

#endif
