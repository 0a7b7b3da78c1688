/*
 * bagging.h - sums over documents while their tokens are counted
 *
 *     bagging_init()                                       of the scan
 *     bagger_init() -> (bagger_block() ... bagger_shard_end())... -> bagger_leave()     of each thread
 *     bagging_write()                                      of each domain, when all threads are done
 *
 * A thread adds the documents of one domain after the other to sums of its own (vne/bags.h), and these to the domain's
 * when it goes to another.  All sums are integers, so they do not depend on who added what.  Of a sample the documents
 * wait (vne/sample.h) until the last shard of the domain is done: then they are summed up, by one thread while there
 * are other shards for the others, else by all (work.c).
 *
 * A shard that turns out broken is taken back (take_back.h): the same blocks, read again, end the same documents, and
 * these are subtracted.  What a sample forgot for its documents would be lost, so until a shard that may be skipped is
 * whole, its documents are in a sample of its own.
 *
 * Documents are those that are counted (count.c, seams.c): they end at EOD tokens, and where an index or the format
 * says so.
 */
#ifndef SCAN_BAGGING_H
#define SCAN_BAGGING_H

#include "scan/shard.h"
#include "util/wide.h"
#include "vne/sample.h"

struct bagging {
    const struct emx_scan_vectors *given; /* NULL: nothing is to be done */
    struct token_rows *rows;
    struct chunk_store store; /* of samples */
    size_t batch_counts;      /* of each thread (vne/bags.h) */
    uint64_t vectors;         /* checksum of the rows */
    struct domain *domains;
    struct bagged {            /* of a domain */
        struct sample *sample; /* NULL: all documents */
        pthread_mutex_t mutex;
        /* guarded by the mutex */
        wide *sums; /* or NULL: none yet */
        uint64_t n_documents, n_left_out, n_tokens, n_without_vector;
    } * of_domain; /* [n_domains] */
    size_t n_domains;
};

/*
 * Of domains[n_domains], which are borrowed, as are the vectors.  Takes what the sums need from the budget's limit:
 * EMX_ERR_ARG if that is more than half of it; EMX_ERR_RANGE if a domain's vocabulary has more tokens than there are
 * vectors; EMX_ERR_MEMORY.
 */
EMX_CHECKED enum emx_status bagging_init(struct bagging *b, const struct emx_scan_vectors *given,
                                         struct domain *domains, size_t n_domains, const struct placement *placement,
                                         struct budget *budget, struct emx_error *err);
void bagging_finish(struct bagging *b);

/* One thread's means. */
struct bagger {
    struct bagging *all;
    struct bags *bags;
    struct bag_sums sums;
    struct bagged *at; /* the domain that sums are of, or NULL */
    bool takes_back;   /* they are to be subtracted from it */
    int64_t *offered;  /* [dimension] sum of a document, on its way to a sample */
};

/* Zeroed at first.  Without vectors nothing is done. */
EMX_CHECKED enum emx_status bagger_init(struct bagger *w, struct bagging *all, struct emx_error *err);
void bagger_finish(struct bagger *w);

/* The documents of a block, before it is put back; all its tokens are below the vocabulary.  EMX_ERR_MEMORY, _RANGE. */
EMX_CHECKED enum emx_status bagger_block(struct bagger *w, struct shard *s, const struct block *b,
                                         struct emx_error *err);
/* All blocks are back: the documents at the shard's edges. */
EMX_CHECKED enum emx_status bagger_shard_end(struct bagger *w, struct shard *s, struct emx_error *err);
/* For these: documents are of the domain from now on. */
EMX_CHECKED enum emx_status bagger_enter(struct bagger *w, const struct domain *d, struct emx_error *err);
/* All shards of the domain are done: end some documents of its sample.  *ret_any false: none was left. */
EMX_CHECKED enum emx_status bagger_end_some(struct bagger *w, const struct domain *d, bool *ret_any,
                                            struct emx_error *err);
/* What the thread has goes to the domain. */
EMX_CHECKED enum emx_status bagger_leave(struct bagger *w, struct emx_error *err);

/* The domain's section, if there are vectors; it ended last in the writer.  Its sums are freed. */
EMX_CHECKED enum emx_status bagging_write(struct bagging *b, const struct domain *d, struct emx_state_writer *w,
                                          struct emx_error *err);

#endif
