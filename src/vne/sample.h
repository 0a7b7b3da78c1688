/*
 * sample.h - which documents of a domain are taken: those whose hash is least, kept until all are known
 *
 *     sample_create() -> ( sample_wants() -> sample_offer_tokens() | sample_offer() )... -> sample_end()... until none
 *
 * A document's hash is of its shard's path, the number of its first token in the shard, and a seed.  So it is known
 * when the document begins, and which documents are taken does not depend on threads, blocks, the order of shards or
 * other domains; and a larger sample has the smaller in it.
 *
 * Of N documents in random order n (1 + ln(N / n)) are among the n least so far when they come.  Only n of them are to
 * be summed up; so a document waits as it is, as tokens, where these are not more than its sum, or others left room.
 */
#ifndef VNE_SAMPLE_H
#define VNE_SAMPLE_H

#include "vne/bags.h"
#include "vne/pool.h"

/* Of a shard. */
uint64_t sample_path_hash(const char *path, uint64_t seed);
/* Of its document that begins with token number `index`. */
uint64_t sample_hash(uint64_t path_hash, uint64_t index);

/* Documents of a domain.  Thread-safety: any thread, but for _create(), _destroy() and _move(). */
struct sample;

/* A document that waits. */
struct sampled {
    struct bag_part part; /* sum NULL: it is not summed up yet, and here are */
    const void *tokens;   /* [n] of `width` bytes, 2 or 4 */
    size_t n, width;
};

/*
 * At most n_wanted >= 1 documents, 8 * dimension bytes each on average, SAMPLE_SPARE_BYTES, or an eighth of the budget
 * if that is less, and as many again as a sixteenth of all that.  Memory is taken from the store, which is borrowed,
 * and its budget.  EMX_ERR_MEMORY.
 */
enum { SAMPLE_SPARE_BYTES = 32 << 20 };
EMX_CHECKED enum emx_status sample_create(uint64_t n_wanted, size_t dimension, struct chunk_store *store,
                                          struct sample **ret, struct emx_error *err);
/* Accepts NULL. */
void sample_destroy(struct sample **s);

/* Might a document of that hash be taken?  Once false, it is false for good. */
bool sample_wants(const struct sample *s, uint64_t hash);
/* Is there room for it as tokens, so many bytes? */
bool sample_has_room(const struct sample *s, size_t n_bytes);
/* All of a document: copied, or not taken after all. */
EMX_CHECKED enum emx_status sample_offer(struct sample *s, uint64_t hash, const struct bag_part *document,
                                         struct emx_error *err);
/* ... as its n tokens of `width` bytes, 2 or 4, without EOD. */
EMX_CHECKED enum emx_status sample_offer_tokens(struct sample *s, uint64_t hash, const void *tokens, size_t n,
                                                size_t width, struct emx_error *err);
uint64_t sample_n(struct sample *s);
/* The i-th < sample_n() of those taken so far, valid while no other thread looks for more. */
const struct sampled *sample_document(const struct sample *s, size_t i, uint64_t *ret_hash);
/* All of it to another sample, of documents that are as long. */
EMX_CHECKED enum emx_status sample_move(struct sample *s, struct sample *to, struct emx_error *err);
/* After the last is offered: end some of the documents in these bags, and forget them. *ret_any false: none was left.
 */
EMX_CHECKED enum emx_status sample_end(struct sample *s, struct bags *b, bool *ret_any, struct emx_error *err);

#endif
