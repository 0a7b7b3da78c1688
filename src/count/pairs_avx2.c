/* pairs_avx2.c - for x86-64 since about 2013; compiled with -mavx2 */
#include "count/pairs.h"

#include <immintrin.h>

static inline unsigned search_half(const uint64_t *slots, __m256i mask, __m256i tag)
{
    __m256i words = _mm256_load_si256((const __m256i *)(const void *)slots);

    return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_and_si256(words, mask), tag)));
}

static inline unsigned search_line(const uint64_t *line, uint64_t mask, uint64_t tag)
{
    __m256i masks = _mm256_set1_epi64x((long long)mask), tags = _mm256_set1_epi64x((long long)tag);

    return search_half(line, masks, tags) | search_half(line + 4, masks, tags) << 4;
}

#define KERNEL pairs_kernel_avx2
#include "count/pairs_kernel.h"
