/*
 * gaps.h - what is missing of a shard that is counted all the same: the content of broken zstd frames
 *
 * Bytes are of the content after the header, as in spans.  Tokens keep their numbers; one that lies partly in a gap is
 * missing, too.
 */
#ifndef SCAN_GAPS_H
#define SCAN_GAPS_H

#include <emx/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gap {
    uint64_t begin, end;
    uint64_t stored_begin, stored_end; /* of the frame in the file */
    char *reason;                      /* malloc'ed */
};

/* Those of a shard.  Zeroed at first; guarded by the shard's mutex. */
struct gaps {
    struct gap *list; /* [n] */
    size_t n, cap;
};

void gaps_finish(struct gaps *g);

/* A copy of *gap and its reason; false: no memory. */
bool gaps_add(struct gaps *g, const struct gap *gap);

/* From here on they are in order, which the other functions ask for. */
void gaps_sort(struct gaps *g);

/* Is there nothing but gaps from one byte to the other? */
bool gaps_cover(const struct gaps *g, uint64_t begin, uint64_t end);

/*
 * The next run of tokens of `size` bytes between gaps: at first *begin = *end = 0 and *at = 0.  *end is UINT64_MAX
 * behind the last gap.  False after that.
 */
bool gaps_next_run(const struct gaps *g, size_t size, size_t *at, uint64_t *begin, uint64_t *end);

/* Tokens that are missing. */
uint64_t gaps_n_tokens(const struct gaps *g, size_t size);

#endif
