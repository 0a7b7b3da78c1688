/*
 * spectrum_builder.h - the builder of emx/spectrum.h for inner loops: one add a distinct pair
 */
#ifndef ENTROPY_SPECTRUM_BUILDER_H
#define ENTROPY_SPECTRUM_BUILDER_H

#include <emx/spectrum.h>

/*
 * Counts below this are tallied in an array; 512 KiB, of which real text touches the first pages.  Fuzzers, which make
 * many spectra of little, are built with less.
 */
#ifndef SPECTRUM_SMALL
#define SPECTRUM_SMALL 65536u
#endif

struct emx_spectrum_builder {
    uint64_t small[SPECTRUM_SMALL]; /* small[c] types were seen c times; small[0] is never looked at */
    uint64_t *large;                /* [n_large] counts of SPECTRUM_SMALL and more, one a type, unsorted */
    size_t n_large, cap_large;
    uint64_t *count, *types; /* [cap_view] what the last view shows */
    size_t cap_view;
};

EMX_CHECKED enum emx_status spectrum_builder_add_large(struct emx_spectrum_builder *b, uint64_t count);

/* emx_spectrum_builder_add(), inlined. */
EMX_CHECKED static inline enum emx_status spectrum_builder_add(struct emx_spectrum_builder *b, uint64_t count)
{
    if (count >= SPECTRUM_SMALL)
        return spectrum_builder_add_large(b, count);
    b->small[count]++;
    return EMX_OK;
}

/* Add `types` types that were each seen `count` times. */
EMX_CHECKED static inline enum emx_status spectrum_builder_add_types(struct emx_spectrum_builder *b, uint64_t count,
                                                                     uint64_t types)
{
    enum emx_status status = EMX_OK;

    if (count < SPECTRUM_SMALL) {
        b->small[count] += types;
        return EMX_OK;
    }
    for (; types && !status; types--)
        status = spectrum_builder_add_large(b, count);
    return status;
}

#endif
