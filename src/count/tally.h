/*
 * tally.h - counts of single tokens: the tails of a domain
 *
 * A tail is a token that is not the first of a counted pair: the last of a document, window or shard.  There is about
 * one a document, so a mutex serves; the array grows to the largest token that was a tail. Thread-safety: any thread.
 */
#ifndef COUNT_TALLY_H
#define COUNT_TALLY_H

#include <emx/status.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally {
    pthread_mutex_t mutex;
    uint64_t *count; /* [n], guarded by the mutex while threads count */
    size_t n;
};

void tally_init(struct tally *t);
void tally_finish(struct tally *t);

/* Each of the n tokens (below 2^24) is one more tail. */
EMX_CHECKED enum emx_status tally_add(struct tally *t, const uint32_t *tokens, size_t n, struct emx_error *err);
/* The token is `count` more tails. */
EMX_CHECKED enum emx_status tally_add_many(struct tally *t, uint32_t token, uint64_t count, struct emx_error *err);
/* All counts of `from` go; both are at rest.  False if they were never in it. */
bool tally_subtract(struct tally *t, const struct tally *from);

#endif
