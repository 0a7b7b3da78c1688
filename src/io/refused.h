/*
 * refused.h - files that are known, and known not to be shards that can be read
 *
 * Taken for bare tokens they would give numbers without a meaning.  A format that learns to read one of these takes its
 * line out.
 */
#ifndef IO_REFUSED_H
#define IO_REFUSED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the file is, as in "is %s"; NULL if it is nothing known.  size: of its content, UINT64_MAX if not known. */
const char *refused_kind(const char *path, const void *head, size_t len, uint64_t size);

#endif
