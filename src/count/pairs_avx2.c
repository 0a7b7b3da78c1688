/* pairs_avx2.c - for x86-64 since about 2013; compiled with -mavx2 */
#include "count/pairs.h"

#include <immintrin.h>

static inline unsigned half_matches(const uint64_t *slots, __m256i mask, __m256i value)
{
    __m256i words = _mm256_and_si256(_mm256_load_si256((const __m256i *)(const void *)slots), mask);

    return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(words, value)));
}

static inline unsigned line_matches(const uint64_t *line, uint64_t mask, uint64_t value)
{
    __m256i masks = _mm256_set1_epi64x((long long)mask), values = _mm256_set1_epi64x((long long)value);

    return half_matches(line, masks, values) | half_matches(line + 4, masks, values) << 4;
}

#include "count/pairs_vector.h"
#define KERNEL pairs_kernel_avx2
#include "count/pairs_kernel.h"
