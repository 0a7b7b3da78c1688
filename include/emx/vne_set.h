/*
 * vne_set.h - von Neumann entropies of the domains of a state file: a second pass over their shards
 *
 *     emx_vne_measure() -> emx_vne_set_write() ... emx_vne_set_read() -> emx_vne_set_find() -> emx_vne_set_destroy()
 *
 * The result is kept in the state file (struct emx_covariance), where states merge it; emx_scan() writes it there
 * itself if it is given vectors.
 *
 * The state says which shards there are, how they are read and how many documents each has.  Of each domain
 * n_documents are taken, those whose hash of (path of the shard, number of the document's first token in it, seed) is
 * least: a sample that does not depend on threads, on the order of shards or on the other domains, and grows when more
 * are asked for; each takes 8 bytes a dimension while its domain is read.  A document's vector is the sum of the
 * vectors of its tokens, without the token that ends it (eod), weighted if asked for.  Documents of which no token has
 * a vector are left out and counted.
 *
 * Equal bits for any number of threads: vectors of tokens are rounded to integers, so that a document's sum is exact in
 * any order, and documents are added as integers (vne.h).  A component is rounded to at most 2^-15 of the largest that
 * any token has there, which moves the entropy by some 1e-6 nats (docs/vne.md); precise, to 2^-38 of it.
 */
#ifndef EMX_VNE_SET_H
#define EMX_VNE_SET_H

#include <emx/embeddings.h>
#include <emx/vne.h>

enum emx_vne_weighting {
    EMX_VNE_WEIGHTING_NONE, /* every token counts the same: the mean of their vectors */
    /*
     * a / (a + p(x)), a = 0.001, with p(x) the share of token x in all domains of the state.
     * Source: Arora, Liang, Ma (2017), "A simple but tough-to-beat baseline for sentence embeddings" (SIF).
     */
    EMX_VNE_WEIGHTING_SIF,
    /*
     * log(n / n(x)), with n the documents of all domains and n(x) those of them that have token x: the shards are
     * read once more before.  A token that is in all documents counts nothing.
     * Source: Sparck Jones (1972), "A statistical interpretation of term specificity and its application in retrieval".
     */
    EMX_VNE_WEIGHTING_IDF,
};

/* "none", "sif", "idf". */
EMX_API const char *emx_vne_weighting_name(enum emx_vne_weighting w);

/*
 * What EMX_VNE_WEIGHTING_SIF weighs tokens with: (*ret)[*ret_n], to be freed by the caller; tokens beyond weigh 1.
 * EMX_ERR_MEMORY, and what reading the state can return.
 */
EMX_API EMX_CHECKED enum emx_status emx_vne_sif_weights(struct emx_state *s, double **ret, size_t *ret_n,
                                                        struct emx_error *err);

struct emx_vne_options {
    uint64_t n_documents; /* to take of each domain; 0: all */
    uint64_t seed;        /* another one takes other documents */
    enum emx_vne_weighting weighting;
    /*
     * The entropy is that of the vectors as they are to 1e-10 nats; takes longer, and 8 bytes a number of the vectors
     * instead of 2.  A document of more than 2^25 tokens is EMX_ERR_ARG then.
     */
    bool precise;
    unsigned n_threads; /* 0: processors this process may use */
    const char *column; /* token column of JSONL and MDS shards; NULL: the usual names */
    const char *source; /* where the vectors come from, to remember; NULL: not said */
};

struct emx_vne_domain {
    char *name;
    uint64_t n_documents;                       /* in the matrix */
    uint64_t n_left_out;                        /* taken, but without direction */
    uint64_t n_tokens, n_tokens_without_vector; /* of the documents taken */
    struct emx_vne vne;                         /* all 0 if n_documents is 0 */
    double *eigenvalues;                        /* [dimension] descending */
    struct emx_density *density;                /* NULL in a set that was read */
};

struct emx_vne_set {
    size_t dimension;
    struct emx_vne_domain *domains; /* [n_domains] sorted by name */
    size_t n_domains;
    uint64_t n_requested, seed;
    bool precise;
    uint64_t vectors; /* checksum of tokens' vectors as they were used, weights included */
    char *weighting;  /* "none", "sif" */
    char *source;
};

/*
 * Read the shards of all domains of s again.  Paths are taken as the state has them, so relative ones begin at the
 * folder the scan was started in.
 * EMX_ERR_CORRUPT for a shard that is not what was counted; EMX_ERR_RANGE for a token beyond the embeddings' matrix,
 * with shard and number; EMX_ERR_ARG for a domain whose shard was standard input; EMX_ERR_MEMORY; and what shards can
 * do: _IO, _FORMAT, _CORRUPT.
 */
EMX_API EMX_CHECKED enum emx_status emx_vne_measure(struct emx_state *s, const struct emx_embeddings *e,
                                                    const struct emx_vne_options *options, struct emx_vne_set **ret,
                                                    struct emx_error *err);

/*
 * Write s once more, with the set that was measured of it in place of the covariances that it had.  The output may be
 * the file that s was opened from.  What reading a state and writing one can return.
 */
EMX_API EMX_CHECKED enum emx_status emx_vne_set_write(const struct emx_vne_set *set, struct emx_state *s,
                                                      const char *output, struct emx_error *err);
/*
 * The domains of s that have a covariance (perhaps none), with their eigenvalues, which are found on n_threads (0:
 * processors this process may use): 10 ms a domain at 300 dimensions, 10 s at 4096.
 * EMX_ERR_ARG if not all were measured alike; EMX_ERR_CORRUPT, EMX_ERR_IO, EMX_ERR_MEMORY.
 */
EMX_API EMX_CHECKED enum emx_status emx_vne_set_read(struct emx_state *s, unsigned n_threads, struct emx_vne_set **ret,
                                                     struct emx_error *err);
EMX_API void emx_vne_set_destroy(struct emx_vne_set **set);

/* The domain of that name, or NULL. */
EMX_API const struct emx_vne_domain *emx_vne_set_find(const struct emx_vne_set *set, const char *name);

#endif
