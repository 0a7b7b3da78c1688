/*
 * skipped.h - what scans left out (SKIP): to bytes and back, and joined
 */
#ifndef STATE_SKIPPED_H
#define STATE_SKIPPED_H

#include <emx/state.h>
#include <stdio.h>

/* Into the order of the file; of those with one domain, path and place one stays.  Returns how many are left. */
size_t skipped_sort(struct emx_skipped *s, size_t n);

/* NULL, or what does not hold (a static string): order, strings, ranges. */
const char *skipped_check(const struct emx_skipped *s, size_t n);

/* Failures stay in the stream: the caller asks ferror(). */
void skipped_encode(const struct emx_skipped *s, size_t n, FILE *to);

/*
 * Decode a section of `len` bytes; *ret [*ret_n] points into it and is the caller's to free.  Returns NULL, or what is
 * wrong (a static string); *ret_memory says that it is only memory that lacks.
 */
const char *skipped_decode(const char *bytes, size_t len, struct emx_skipped **ret, size_t *ret_n, bool *ret_memory);

/* Write what the states left out, but for shards that one of them has counted. */
EMX_CHECKED enum emx_status skipped_merge(struct emx_state *const *states, size_t n_states, struct emx_state_writer *w,
                                          struct emx_error *err);

#endif
