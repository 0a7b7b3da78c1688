/* pairs_avx512.c - for x86-64 with 512-bit vectors: a line is one; compiled with -mavx512f */
#include "count/pairs.h"

#include <immintrin.h>

static inline unsigned line_matches(const void *line, uint64_t mask, uint64_t value)
{
    __m512i words = _mm512_xor_si512(_mm512_load_si512(line), _mm512_set1_epi64((long long)value));

    return _mm512_testn_epi64_mask(words, _mm512_set1_epi64((long long)mask));
}

static inline unsigned small_matches(const void *line, uint32_t mask, uint32_t value)
{
    __m512i words = _mm512_xor_si512(_mm512_load_si512(line), _mm512_set1_epi32((int)value));

    return _mm512_testn_epi32_mask(words, _mm512_set1_epi32((int)mask));
}

#include "count/pairs_vector.h"
#define KERNEL pairs_kernel_avx512
#include "count/pairs_kernel.h"
