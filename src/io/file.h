/*
 * file.h - bytes of one file, from disk, from a pipe or from memory
 *
 * Formats read their side files (.idx, .index, index.json) through this, by position;
 * shards are read in order through stream.h, which also sits on it.
 * The only place that opens input files.
 */
#ifndef IO_FILE_H
#define IO_FILE_H

#include <emx/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file;

/*
 * Files that exist only in memory, looked up by path before the disk is asked: how fuzzers and tests
 * give a format its side files.  NULL: none.  data is borrowed.
 */
struct memory_file {
    const char *path;
    const void *data;
    size_t len;
};
struct file_space {
    const struct memory_file *files; /* [n] */
    size_t n;
    bool memory_only; /* never touch the disk */
};

/* Open for reading. "-" is standard input (no size, no pread).  `space` may be NULL. */
EMX_CHECKED enum emx_status file_open(const struct file_space *space, const char *path, struct file **ret,
                                      struct emx_error *err);
void file_close(struct file **f);
const char *file_path(const struct file *f);

/*
 * Does a regular file of this path exist?  Also true if the system does not tell: then opening it says why.  Who takes
 * an index for missing because of a failing disk would count its shard as if there were none.
 */
bool file_exists(const struct file_space *space, const char *path);

/*
 * Size on disk of what will be opened later, without opening it, so that a missing or unreadable shard is known before
 * hours of reading; UINT64_MAX for what is not a regular file.
 */
EMX_CHECKED enum emx_status file_measure(const char *path, uint64_t *ret_size, struct emx_error *err);

/* What tells, without reading it, that a regular file was not touched: the system sets `changed_ns` by its own clock.
 */
struct file_stamp {
    uint64_t size, inode;
    int64_t modified_ns, changed_ns;
};
/* EMX_ERR_IO if the path is not that of a regular file. */
EMX_CHECKED enum emx_status file_stamp(const char *path, struct file_stamp *ret, struct emx_error *err);

/* Size in bytes; UINT64_MAX for a pipe. */
uint64_t file_size(const struct file *f);

/* Next bytes in order, up to cap; *ret_n is less only at the end of the file. Retries EINTR and short reads. */
EMX_CHECKED enum emx_status file_read(struct file *f, void *buf, size_t cap, size_t *ret_n, struct emx_error *err);

/* Exactly n bytes at offset; EMX_ERR_CORRUPT "... is cut off" if the file ends before. */
EMX_CHECKED enum emx_status file_read_at(struct file *f, uint64_t offset, void *buf, size_t n, struct emx_error *err);

/*
 * All its bytes, file_size() of them, mapped where they lie on disk: valid until file_close(), untouched until they are
 * read.  EMX_ERR_IO for a pipe.  Who cuts the file short meanwhile ends this process by SIGBUS, or, within its last
 * page, makes zeros of what was there: file_check_unchanged() tells.
 */
EMX_CHECKED enum emx_status file_map(struct file *f, const unsigned char **ret, struct emx_error *err);

/* Has the file on disk still the size and the time of change that it had when it was opened?  EMX_ERR_CORRUPT if not.
 */
EMX_CHECKED enum emx_status file_check_unchanged(const struct file *f, struct emx_error *err);

/* XXH3-64 of its first n bytes, as stored; the file has a size, of at least n. */
EMX_CHECKED enum emx_status file_checksum(struct file *f, uint64_t n, uint64_t *ret_xxh3, struct emx_error *err);

/*
 * A side file whole in memory: decompressed if zstd or gzip by content (path as given), at most `limit`
 * bytes (EMX_ERR_RANGE beyond).  *ret_data is malloc'ed, has one NUL byte after its end, and is the caller's.
 * *ret_xxh3 is XXH3-64 of the bytes as stored.
 */
EMX_CHECKED enum emx_status file_load(const struct file_space *space, const char *path, size_t limit, char **ret_data,
                                      size_t *ret_len, uint64_t *ret_xxh3, struct emx_error *err);

/* The same; `hint` ends the sentence about the limit. */
EMX_CHECKED enum emx_status file_load_hinting(const struct file_space *space, const char *path, size_t limit,
                                              const char *hint, char **ret_data, size_t *ret_len, uint64_t *ret_xxh3,
                                              struct emx_error *err);

#endif
