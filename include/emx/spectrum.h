/*
 * spectrum.h - how many types share each count; all that entropy needs to know
 *
 * A domain's counts (of tokens, of adjacent pairs) reduce to the numbers of types
 * that were seen once, twice, ...  The spectrum is made of integers, so it is the
 * same for any number of threads, any batch size and any order of shards.
 */
#ifndef EMX_SPECTRUM_H
#define EMX_SPECTRUM_H

#include <emx/status.h>
#include <stddef.h>
#include <stdint.h>

/* A view, made by emx_spectrum_view(): owns nothing, valid while the arrays are. */
struct emx_spectrum {
    const uint64_t *count; /* [len] strictly increasing, from at least 1 */
    const uint64_t *types; /* [len] types[i] types were seen count[i] times each */
    size_t len;            /* at most sqrt(2 * n_total) if no types[i] is 0 */
    uint64_t n_total;      /* sum of types[i] * count[i] */
    uint64_t n_types;      /* sum of types[i] */
};

/*
 * Check two arrays of length len and make a view of them.  len 0 is a valid empty
 * spectrum (n_total 0).
 *
 * Returns EMX_OK, and only then writes *ret;
 *         EMX_ERR_ARG    if count[] does not strictly increase from at least 1,
 *                        or a types[i] is 0;
 *         EMX_ERR_RANGE  if n_total or n_types does not fit in 64 bits.
 */
EMX_API EMX_CHECKED enum emx_status emx_spectrum_view(const uint64_t *count, const uint64_t *types, size_t len,
                                                      struct emx_spectrum *ret);

/*
 * A spectrum under construction: add the count of one type after the other, in any
 * order.  Counts below 65536 are tallied in an array, the rest (at most
 * n_total / 65536 of them) kept and sorted when viewed.
 * Thread-safety: one thread at a time; threads each fill their own and merge.
 */
struct emx_spectrum_builder;

EMX_API EMX_CHECKED enum emx_status emx_spectrum_builder_create(struct emx_spectrum_builder **ret);
/* Sets *b to NULL; accepts NULL there. */
EMX_API void emx_spectrum_builder_destroy(struct emx_spectrum_builder **b);
/* As after _create(), keeping memory for reuse. */
EMX_API void emx_spectrum_builder_reset(struct emx_spectrum_builder *b);

/* Add one type that was seen `count` times; 0 is ignored.  EMX_ERR_MEMORY when out of memory. */
EMX_API EMX_CHECKED enum emx_status emx_spectrum_builder_add(struct emx_spectrum_builder *b, uint64_t count);

/* Add the types of another builder, which stays as it is.  EMX_ERR_MEMORY changes nothing. */
EMX_API EMX_CHECKED enum emx_status emx_spectrum_builder_merge(struct emx_spectrum_builder *b,
                                                               const struct emx_spectrum_builder *other);

/*
 * View what was added so far.  The arrays belong to the builder and live until it is viewed again, or
 * destroyed; more may be added or merged between views.  EMX_ERR_MEMORY, EMX_ERR_RANGE as emx_spectrum_view().
 */
EMX_API EMX_CHECKED enum emx_status emx_spectrum_builder_view(struct emx_spectrum_builder *b, struct emx_spectrum *ret);

#endif
