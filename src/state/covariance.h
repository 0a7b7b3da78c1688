/*
 * covariance.h - the COVR section of a domain: sums over its documents' unit vectors
 *
 * Its head, a struct emx_covariance, is read when a state is opened, its sums when they are asked for: at the largest
 * dimension they take 134 MB.  Sums are the entries (i, k), i >= k, of a symmetric matrix: column 0 from the diagonal
 * down, column 1, ...
 */
#ifndef STATE_COVARIANCE_H
#define STATE_COVARIANCE_H

#include "state/section_writer.h"
#include "util/wide.h"

#include <emx/state.h>
#include <stdbool.h>

static inline size_t covariance_n_sums(size_t dimension)
{
    return dimension * (dimension + 1) / 2;
}

/* Do sums with these heads add up to what measuring all documents at once gives?  NULL, or why not: b "has ...". */
const char *covariance_difference(const struct emx_covariance *a, const struct emx_covariance *b);

/* Heads of one kind and their sums, added up.  False if there are too many documents. */
bool covariance_add(struct emx_covariance *to, const struct emx_covariance *from);
void covariance_add_sums(size_t dimension, wide *to, const wide *from);

/* What must hold of the head in that domain, and of the sums; NULL, or what does not hold (a static string). */
const char *covariance_check(const struct emx_covariance *c, const struct emx_domain *d);
const char *covariance_check_sums(const struct emx_covariance *c, const wide *sums);

/* The content of the section. */
EMX_CHECKED enum emx_status covariance_write(const struct emx_covariance *c, const wide *sums, struct section_writer *w,
                                             struct emx_error *err);

/* Bytes of the head, of which the first COVARIANCE_BEGIN bytes tell; 0 if it cannot be. */
#define COVARIANCE_BEGIN 12u
size_t covariance_head_bytes(const unsigned char *begin, uint64_t section_len);

/* Strings point into bytes[n].  Returns NULL, or what is wrong (a static string). */
const char *covariance_decode(const char *bytes, size_t n, uint64_t section_len, struct emx_covariance *ret);
/* ret[covariance_n_sums(c->dimension)] from the bytes after the head. */
void covariance_decode_sums(const struct emx_covariance *c, const unsigned char *bytes, uint64_t n, wide *ret);

/*
 * In an open state: the sums of a domain that has a covariance, to be freed.  EMX_ERR_IO, EMX_ERR_CORRUPT,
 * EMX_ERR_MEMORY.
 */
EMX_CHECKED enum emx_status covariance_load(struct emx_state *s, size_t domain, wide **ret, struct emx_error *err);

/* In a state that is written, at most once after emx_state_writer_end_domain(): of the domain that ended. */
EMX_CHECKED enum emx_status covariance_append(struct emx_state_writer *w, const struct emx_covariance *c,
                                              const wide *sums, struct emx_error *err);

/* s, written again, with other covariances: heads[n_domains], sums[n_domains]; where a head is NULL, with none. */
EMX_CHECKED enum emx_status covariance_replace(struct emx_state *s, const struct emx_covariance *const *heads,
                                               const wide *const *sums, const char *output, struct emx_error *err);

#endif
