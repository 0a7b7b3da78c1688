/* pairs_avx512.c - for x86-64 with 512-bit vectors: a line is one; compiled with -mavx512f */
#include "count/pairs.h"

#include <immintrin.h>

static inline unsigned search_line(const uint64_t *line, uint64_t mask, uint64_t tag)
{
    __m512i words = _mm512_and_si512(_mm512_load_si512(line), _mm512_set1_epi64((long long)mask));

    return _mm512_cmpeq_epi64_mask(words, _mm512_set1_epi64((long long)tag));
}

#define KERNEL pairs_kernel_avx512
#include "count/pairs_kernel.h"
