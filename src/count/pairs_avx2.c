/* pairs_avx2.c - for x86-64 since about 2013; compiled with -mavx2 */
#include "count/pairs.h"

#include <immintrin.h>

static inline __m256i half_of(const void *line, size_t half, __m256i mask)
{
    return _mm256_and_si256(_mm256_load_si256((const __m256i *)line + half), mask);
}

static inline unsigned half_matches(const void *line, size_t half, __m256i mask, __m256i value)
{
    return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(half_of(line, half, mask), value)));
}

static inline unsigned line_matches(const void *line, uint64_t mask, uint64_t value)
{
    __m256i masks = _mm256_set1_epi64x((long long)mask), values = _mm256_set1_epi64x((long long)value);

    return half_matches(line, 0, masks, values) | half_matches(line, 1, masks, values) << 4;
}

static inline unsigned half_small_matches(const void *line, size_t half, __m256i mask, __m256i value)
{
    return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(half_of(line, half, mask), value)));
}

static inline unsigned small_matches(const void *line, uint32_t mask, uint32_t value)
{
    __m256i masks = _mm256_set1_epi32((int)mask), values = _mm256_set1_epi32((int)value);

    return half_small_matches(line, 0, masks, values) | half_small_matches(line, 1, masks, values) << 8;
}

#include "count/pairs_vector.h"
#define KERNEL pairs_kernel_avx2
#include "count/pairs_kernel.h"
