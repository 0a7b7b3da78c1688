/*
 * outfile.h - an output file that appears under its name whole or not at all
 *
 *     outfile_create() -> outfile_write()* -> outfile_commit() -> outfile_destroy()
 *
 * Bytes are buffered and go to a file without a name in the folder of `path` (O_TMPFILE), which the system
 * drops whatever ends the program; where a file system has no such files, to a hidden one with an unpredictable
 * name.  Commit syncs it, gives it the name `path` and syncs the folder.  What a writer of `path` that was killed left
 * under a hidden name is removed by the next one (util/temporary.h).
 * Thread-safety: one thread at a time.
 */
#ifndef UTIL_OUTFILE_H
#define UTIL_OUTFILE_H

#include <emx/status.h>
#include <stddef.h>
#include <stdint.h>

struct outfile;

/*
 * Path "-" (or a name of the same file, as /dev/stdout) writes to standard output, and what is no regular file is
 * opened and written directly: there nothing can be taken back.
 */
EMX_CHECKED enum emx_status outfile_create(const char *path, struct outfile **ret, struct emx_error *err);

/* Append.  After a failure only destroy. */
EMX_CHECKED enum emx_status outfile_write(struct outfile *o, const void *data, size_t len, struct emx_error *err);

/* Bytes appended so far. */
uint64_t outfile_position(const struct outfile *o);

/* For messages: path as given, "standard output" for "-". */
const char *outfile_name(const struct outfile *o);

/* Give the file its name; then only destroy. */
EMX_CHECKED enum emx_status outfile_commit(struct outfile *o, struct emx_error *err);

/* Leaves nothing behind unless committed.  Accepts NULL. */
void outfile_destroy(struct outfile **o);

#endif
