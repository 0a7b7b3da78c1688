/*
 * vne.h - von Neumann entropy: how many directions the documents of a domain point in
 *
 *     emx_density_create() -> emx_density_add() for each document, _merge() -> emx_density_spectrum() -> emx_vne_of()
 *
 * A document is the sum of its tokens' vectors, made a unit vector v.  The density matrix of N documents is
 * rho = K / N with the kernel K_jk = v_j . v_k (cosine); its eigenvalues but for zeros are those of the
 * covariance
 *
 *     C = 1/N sum_j v_j v_j^T        [dimension x dimension]
 *
 * which can be summed up document by document.  With its eigenvalues l, which add up to 1,
 *
 *     VNE = - sum l log l,   in nats:   0 (all documents alike) ... log min(N, dimension) (all at right angles).
 *
 * Exactness.  Each component of v is rounded to a multiple of 2^-24, so that the entries of N C are integers (times
 * 2^-48), and integers can be added in any order: equal documents give equal bits for any number of threads, any order
 * and any grouping into blocks.  Blocks of documents are multiplied by BLAS in double precision; a block ends
 * before any of its sums could reach 2^53, up to where doubles are exact.  C is divided by its own trace, which
 * rounding moves from N by less than 2^-23 sqrt(dimension) N.  In a precise matrix the multiples are of 2^-40; blocks
 * take three products instead of one.
 *
 * Sources: Xie et al. (2024), BiMix, arXiv 2405.14908, section 3; Friedman and Dieng (2023), "The Vendi score".
 */
#ifndef EMX_VNE_H
#define EMX_VNE_H

#include <emx/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EMX_MAX_DIMENSION 4096
#define EMX_MAX_DOCUMENTS (UINT64_C(1) << 40) /* in one matrix */

/*
 * Components of unit vectors are multiples of 2^-emx_density_bits().  Sums of their products over EMX_MAX_DOCUMENTS,
 * at most 2^(2 * 40 + 40) units, are far from where 128 bits end.
 */
#define EMX_DENSITY_BITS 24
#define EMX_DENSITY_PRECISE_BITS 40
static inline int emx_density_bits(bool precise)
{
    return precise ? EMX_DENSITY_PRECISE_BITS : EMX_DENSITY_BITS;
}

/* The sum of v v^T over documents.  Thread-safety: one thread at a time. */
struct emx_density;

/*
 * Precise: against the kernel of the x that are given the entropy agrees to 1e-13 nats instead of 1e-8.
 * EMX_ERR_RANGE unless 1 <= dimension <= EMX_MAX_DIMENSION; EMX_ERR_MEMORY: it takes 16 to 32 bytes a pair of
 * dimensions.
 */
EMX_API EMX_CHECKED enum emx_status emx_density_create(size_t dimension, bool precise, struct emx_density **ret,
                                                       struct emx_error *err);
EMX_API void emx_density_destroy(struct emx_density **d);
/* As after _create(). */
EMX_API void emx_density_reset(struct emx_density *d);

EMX_API size_t emx_density_dimension(const struct emx_density *d);
/* Documents in it; and those that were given but have no direction. */
EMX_API uint64_t emx_density_n_documents(const struct emx_density *d);
EMX_API uint64_t emx_density_n_left_out(const struct emx_density *d);

/*
 * Add the document of that direction: x[dimension] of any length.  A document whose x is zero (no tokens, none with a
 * vector, or all vectors zero) has no direction: it is left out and counted.  One whose numbers are not finite is
 * EMX_ERR_ARG, and EMX_ERR_RANGE is one too many.
 */
EMX_API EMX_CHECKED enum emx_status emx_density_add(struct emx_density *d, const double *x);

/* Add all documents of `other` to d.  EMX_ERR_ARG if dimensions or precisions differ; EMX_ERR_RANGE: too many
 * documents. */
EMX_API EMX_CHECKED enum emx_status emx_density_merge(struct emx_density *d, struct emx_density *other);

/*
 * C, divided by its trace: ret[dimension x dimension], both triangles.  EMX_ERR_EMPTY without documents.
 */
EMX_API EMX_CHECKED enum emx_status emx_density_matrix(struct emx_density *d, double *ret);

/*
 * The eigenvalues of that matrix, descending: ret[dimension], none below 0.
 * EMX_ERR_EMPTY without documents; EMX_ERR_MEMORY.
 */
EMX_API EMX_CHECKED enum emx_status emx_density_spectrum(struct emx_density *d, double *ret, struct emx_error *err);

struct emx_vne {
    double entropy;           /* VNE in nats */
    double vendi;             /* exp(VNE): the Vendi score, as so many documents at right angles */
    double effective_rank;    /* of the matrix of documents: exp of the entropy of its singular values' shares,
                                 sqrt(l) / sum sqrt(l); Roy and Vetterli (2007) */
    double participation;     /* 1 / sum l^2 */
    double top_share;         /* the largest l: of one direction (0.9 and more is usual of vectors that share a mean) */
    double top10_share;       /* of the ten largest */
    double document_variance; /* of what a document says of the entropy, at most; see emx_vne_error() */
};

/* From eigenvalues[n] >= 0, descending, that add up to 1. */
EMX_API void emx_vne_of(const double *eigenvalues, size_t n, struct emx_vne *ret);

/*
 * The standard error of the entropy, for documents that are independent draws: an upper bound, to first order.
 *
 * One more document of direction v, with the weight e of all, moves the entropy by e w,
 *
 *     w = sum_i c_i (u_i . v)^2,    c_i = - log l_i - VNE
 *
 * with u_i the eigenvector of l_i.  The standard error is the deviation of w over documents, divided by the root of
 * their number; but the mean of w^2 takes fourth powers of v, and C has second ones.  As (u_i . v)^2 are shares that
 * sum to 1, w^2 is at most sum_i c_i^2 (u_i . v)^2, with equality where each document points along one u_i, so that
 *
 *     document_variance = sum_i l_i c_i^2 >= mean of w^2.
 *
 * Without the first component, c_i is (- log m_i - VNE) / (1 - l_1) with m_i = l_i / (1 - l_1), and c_1 is 0.
 * On text the bound is 2 to 9 times the deviation of bootstrap samples, which the deviation of w meets (docs/vne.md).
 *
 * NAN without documents.
 */
EMX_API double emx_vne_error(const struct emx_vne *v, uint64_t n_documents);

/*
 * What is left when the first component is taken out of every document: v - u u^T v, with u the eigenvector of the
 * largest eigenvalue (the direction that vectors of tokens share, mostly).  Documents are not made unit vectors again,
 * so each counts by the square of what it has left, and all that changes is that the first eigenvalue is gone; the
 * others are divided by their sum.  All of *ret is 0 if that sum is below 1e-12: nothing is left but rounding.
 *
 * Source: Arora, Liang, Ma (2017), algorithm 1, which takes it out of document vectors of any length; from unit vectors
 * the result does not depend on how long documents are.
 */
EMX_API void emx_vne_without_first(const double *eigenvalues, size_t n, struct emx_vne *ret);

#endif
