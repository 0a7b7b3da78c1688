/*
 * take_back.h - the counts of a shard that failed in its middle, out of its domain again
 *
 * Its blocks were counted in tables that hold other shards, too, and are in no one place.  So it is read once more, and
 * the same blocks are counted into a second domain, `taken_back`, whose tables go to runs of their own; these are
 * subtracted when the domain is sealed (scan/seal.h, scan/merge_runs.h).  Sums over documents are of integers, and are
 * subtracted at once (scan/bagging.h).
 *
 * What was counted is what the spans say: before it is taken back they are joined, as at the end of a shard, gaps left;
 * the second reading makes the same spans of the same blocks, and they must be equal, checksums of the tokens included.
 */
#ifndef SCAN_TAKE_BACK_H
#define SCAN_TAKE_BACK_H

#include "scan/bagging.h"
#include "scan/count.h"

/* Asked between blocks; false: it takes too long. */
typedef bool take_back_go_on_fn(void *context);

/*
 * For who was told `last` and found `failure` set.  *space is the thread's, and holds no block.
 * EMX_ERR_CORRUPT: the shard does not read as before; EMX_ERR_STOPPED: go_on() said so, and the domain's counts are of
 * no use any more; EMX_ERR_MEMORY, and what counting can return.
 */
EMX_CHECKED enum emx_status take_back(struct counter *c, struct bagger *w, struct shard *failed, struct block *space,
                                      take_back_go_on_fn *go_on, void *context, struct emx_error *err);

#endif
