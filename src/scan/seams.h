/*
 * seams.h - the pairs between the blocks of a shard
 *
 * Where a span ends and the next begins, the last token of one and the first of the other are a pair, or a break; and a
 * token may lie across the two.  seams_join() counts these and makes one span of the two, so a shard whose blocks are
 * all counted has a single span.  While blocks are missing nothing is joined over their place; but over what is missing
 * for good (gaps.h) spans are joined without a pair.
 */
#ifndef SCAN_SEAMS_H
#define SCAN_SEAMS_H

#include "scan/count.h"

/*
 * No thread works on the shard, or none will find another block in it.  EMX_ERR_RANGE if a token across two spans is
 * not below the vocabulary: then nothing was counted or joined.
 */
EMX_CHECKED enum emx_status seams_join(struct counter *c, struct shard *s, struct emx_error *err);

/* All blocks are counted and joined: count the last tail and sum up the shard.  *ret is its record. */
EMX_CHECKED enum emx_status seams_complete(struct counter *c, struct shard *s, struct emx_shard_record *ret,
                                           uint64_t *ret_documents_without_eod, struct emx_error *err);

#endif
