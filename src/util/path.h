/* path.h - endings of file names: those of codecs, which stand behind all others */
#ifndef UTIL_PATH_H
#define UTIL_PATH_H

#include <stddef.h>
#include <string.h>

/* NULL-terminated. */
static const char *const path_codec_endings[] = {".zst", ".zstd", ".gz", NULL};

/* The length of the first len bytes without the ending, or 0 if they do not end in it or are no more than it. */
static inline size_t path_cut(const char *path, size_t len, const char *ending)
{
    size_t n = strlen(ending);

    return len > n && memcmp(path + len - n, ending, n) == 0 ? len - n : 0;
}

/* The same with the first of several endings that fits. */
static inline size_t path_cut_any(const char *path, size_t len, const char *const endings[])
{
    size_t cut = 0;

    for (size_t i = 0; endings[i] && !cut; i++)
        cut = path_cut(path, len, endings[i]);
    return cut;
}

/* The length of the path without a codec's ending. */
static inline size_t path_length_without_codec(const char *path)
{
    size_t len = strlen(path), cut = path_cut_any(path, len, path_codec_endings);

    return cut ? cut : len;
}

#endif
