/*
 * sample.h - which documents of a domain are taken: those whose hash is least, and their vectors until all are known
 *
 * A document's hash is of its shard's path, the number of its first token in the shard, and a seed.  So it is known
 * when the document begins, and which documents are taken does not depend on threads, blocks, the order of shards or
 * other domains; and a larger sample has the smaller in it.
 */
#ifndef VNE_SAMPLE_H
#define VNE_SAMPLE_H

#include "vne/bags.h"

/* Of a shard. */
uint64_t sample_path_hash(const char *path, uint64_t seed);
/* Of its document that begins with token number `index`. */
uint64_t sample_hash(uint64_t path_hash, uint64_t index);

/* Documents of a domain.  Thread-safety: any thread, but for _create(), _destroy(), _move() and _take(). */
struct sample;

/* At most n_wanted >= 1 documents, 8 * dimension bytes each.  EMX_ERR_MEMORY. */
EMX_CHECKED enum emx_status sample_create(uint64_t n_wanted, size_t dimension, struct sample **ret,
                                          struct emx_error *err);
/* Accepts NULL. */
void sample_destroy(struct sample **s);

/* Might a document of that hash be taken?  Once false, it is false for good. */
bool sample_wants(const struct sample *s, uint64_t hash);
/* All of a document: copied, or not taken after all. */
EMX_CHECKED enum emx_status sample_offer(struct sample *s, uint64_t hash, const struct bag_part *document,
                                         struct emx_error *err);
/* Those taken so far, while no other thread looks for more: the i-th < sample_n(), valid as long. */
uint64_t sample_n(const struct sample *s);
const struct bag_part *sample_document(const struct sample *s, size_t i, uint64_t *ret_hash);
/* All of it to another sample, of documents that are as long. */
EMX_CHECKED enum emx_status sample_move(struct sample *s, struct sample *to, struct emx_error *err);
/* End each document taken in these bags, and forget them all. */
EMX_CHECKED enum emx_status sample_take(struct sample *s, struct bags *b, struct emx_error *err);

#endif
