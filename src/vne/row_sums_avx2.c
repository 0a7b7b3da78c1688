/*
 * row_sums_avx2.c - for x86-64 since about 2013; compiled with -mavx2
 *
 * The instruction that multiplies 16-bit integers adds the products of neighbours, so two rows are interleaved and
 * multiplied by their two counts at once.
 */
#include "vne/row_sums.h"

#include <immintrin.h>

/* n_vectors is a constant at each place of use. */
static inline __attribute__((always_inline)) void sum_up(const int16_t *rows, const struct token_count *counts,
                                                         size_t n_counts, int32_t *ret, size_t n_vectors)
{
    const size_t width = 16 * n_vectors;
    __m256i low[4], high[4]; /* of each vector's halves of 128 bits: numbers 0 to 3, 4 to 7 */

    for (size_t i = 0; i < n_vectors; i++)
        low[i] = high[i] = _mm256_setzero_si256();
    for (size_t k = 0; k < n_counts; k += 2) {
        const int16_t *a = rows + counts[k].token * width, *b = rows + counts[k + 1].token * width;
        const int16_t *next_a = rows + counts[k + ROWS_AHEAD].token * width;
        const int16_t *next_b = rows + counts[k + ROWS_AHEAD + 1].token * width;
        __m256i n = _mm256_set1_epi32((int)(counts[k].n | counts[k + 1].n << 16));

        for (size_t i = 0; i < n_vectors; i += 2) {
            _mm_prefetch((const char *)(next_a + 16 * i), _MM_HINT_T0);
            _mm_prefetch((const char *)(next_b + 16 * i), _MM_HINT_T0);
        }
        for (size_t i = 0; i < n_vectors; i++) {
            __m256i x = _mm256_load_si256((const __m256i *)(const void *)(a + 16 * i));
            __m256i y = _mm256_load_si256((const __m256i *)(const void *)(b + 16 * i));

            low[i] = _mm256_add_epi32(low[i], _mm256_madd_epi16(_mm256_unpacklo_epi16(x, y), n));
            high[i] = _mm256_add_epi32(high[i], _mm256_madd_epi16(_mm256_unpackhi_epi16(x, y), n));
        }
    }
    for (size_t i = 0; i < n_vectors; i++) {
        _mm256_storeu_si256((__m256i *)(void *)(ret + 16 * i), _mm256_permute2x128_si256(low[i], high[i], 0x20));
        _mm256_storeu_si256((__m256i *)(void *)(ret + 16 * i + 8), _mm256_permute2x128_si256(low[i], high[i], 0x31));
    }
}

void row_sums_avx2(const int16_t *rows, size_t width, const struct token_count *counts, size_t n_counts, int32_t *ret)
{
    switch (width) {
    case 64:
        sum_up(rows, counts, n_counts, ret, 4);
        break;
    case 48:
        sum_up(rows, counts, n_counts, ret, 3);
        break;
    case 32:
        sum_up(rows, counts, n_counts, ret, 2);
        break;
    default:
        sum_up(rows, counts, n_counts, ret, 1);
    }
}
