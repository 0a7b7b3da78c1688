/*
 * row_sums_avx2.c - for x86-64 since about 2013; compiled with -mavx2
 *
 * The instruction that multiplies 16-bit integers adds the products of neighbours, so two rows are interleaved and
 * multiplied by their two counts at once.
 */
#include "vne/row_sums.h"

#include <immintrin.h>

enum { MOST_VECTORS = BLOCK_COLUMNS / 16 };

static inline __m256i load(const void *x)
{
    return _mm256_loadu_si256(x);
}

/* n_vectors is a constant at each place of use. */
static inline __attribute__((always_inline)) void sum_up(const int16_t *rows, const struct token_count *counts,
                                                         const struct token_run *runs, size_t n_runs, int32_t *sums,
                                                         size_t n_vectors)
{
    const size_t width = 16 * n_vectors;
    __m256i low[MOST_VECTORS], high[MOST_VECTORS]; /* numbers 0 to 7 and 8 to 15 of each 16 */
    size_t k = 0;

    for (size_t r = 0; r < n_runs; r++) {
        int32_t *sum = sums + runs[r].document * width;

        for (size_t i = 0; i < n_vectors; i++) {
            low[i] = load(sum + 16 * i);
            high[i] = load(sum + 16 * i + 8);
        }
        for (; k < runs[r].end; k += 2) {
            const int16_t *a = rows + counts[k].row * width, *b = rows + counts[k + 1].row * width;
            const int16_t *next_a = rows + counts[k + ROWS_AHEAD].row * width;
            const int16_t *next_b = rows + counts[k + ROWS_AHEAD + 1].row * width;
            __m256i n = _mm256_set1_epi32((int)(counts[k].n | (uint32_t)counts[k + 1].n << 16));

            for (size_t i = 0; i < n_vectors; i += 2) {
                _mm_prefetch((const char *)(next_a + 16 * i), _MM_HINT_T0);
                _mm_prefetch((const char *)(next_b + 16 * i), _MM_HINT_T0);
            }
            for (size_t i = 0; i < n_vectors; i++) {
                __m256i x = load(a + 16 * i), y = load(b + 16 * i);

                low[i] = _mm256_add_epi32(low[i], _mm256_madd_epi16(_mm256_unpacklo_epi16(x, y), n));
                high[i] = _mm256_add_epi32(high[i], _mm256_madd_epi16(_mm256_unpackhi_epi16(x, y), n));
            }
        }
        for (size_t i = 0; i < n_vectors; i++) {
            _mm256_storeu_si256((__m256i *)(void *)(sum + 16 * i), low[i]);
            _mm256_storeu_si256((__m256i *)(void *)(sum + 16 * i + 8), high[i]);
        }
    }
}

void row_sums_avx2(const void *rows, size_t width, const struct token_count *counts, const struct token_run *runs,
                   size_t n_runs, void *sums)
{
    switch (width) {
    case 64:
        sum_up(rows, counts, runs, n_runs, sums, 4);
        break;
    case 48:
        sum_up(rows, counts, runs, n_runs, sums, 3);
        break;
    case 32:
        sum_up(rows, counts, runs, n_runs, sums, 2);
        break;
    default:
        sum_up(rows, counts, runs, n_runs, sums, 1);
    }
}
