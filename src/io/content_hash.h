/*
 * content_hash.h - the hashes of files that are cheap enough to take while reading: xxh32, xxh64, xxh3_64, xxh128
 */
#ifndef IO_CONTENT_HASH_H
#define IO_CONTENT_HASH_H

#include <emx/status.h>
#include <stdbool.h>
#include <stddef.h>

struct content_hash;

bool content_hash_is_known(const char *name);

/* `name` is known.  NULL if there is no memory. */
struct content_hash *content_hash_create(const char *name);
void content_hash_destroy(struct content_hash **h);
void content_hash_add(struct content_hash *h, const void *bytes, size_t n);

/* Is the hash of what was added written so, in hexadecimal digits of either case? */
bool content_hash_is(const struct content_hash *h, const char *hex);

#endif
