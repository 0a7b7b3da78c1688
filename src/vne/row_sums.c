#include "vne/row_sums.h"

#include <string.h>

void row_sums_plain(const void *rows, size_t width, const struct token_count *counts, const struct token_run *runs,
                    size_t n_runs, void *sums)
{
    size_t k = 0;

    for (size_t r = 0; r < n_runs; r++) {
        int32_t *sum = (int32_t *)sums + runs[r].document * width;

        for (; k < runs[r].end; k++) {
            const int16_t *row = (const int16_t *)rows + counts[k].row * width;

            for (size_t i = 0; i < width; i++)
                sum[i] += counts[k].n * row[row_place(i)];
        }
    }
}

/* Loops of a constant length, of which compilers make vectors. */
void row_sums_precise(const void *rows, size_t width, const struct token_count *counts, const struct token_run *runs,
                      size_t n_runs, void *sums)
{
    const double *numbers = rows;
    size_t k = 0;

    (void)width;
    for (size_t r = 0; r < n_runs; r++) {
        double *to = (double *)sums + runs[r].document * (size_t)PRECISE_COLUMNS, sum[PRECISE_COLUMNS];

        memcpy(sum, to, sizeof(sum));
        for (; k < runs[r].end; k++) {
            const double *row = numbers + counts[k].row * (size_t)PRECISE_COLUMNS, n = counts[k].n;
            const double *next = numbers + counts[k + ROWS_AHEAD].row * (size_t)PRECISE_COLUMNS;

            __builtin_prefetch(next);
            __builtin_prefetch(next + PRECISE_COLUMNS / 2);
            for (size_t i = 0; i < PRECISE_COLUMNS; i++)
                sum[i] += n * row[i];
        }
        memcpy(to, sum, sizeof(sum));
    }
}

void row_sums_kernels(bool precise, row_sums_fn *ret[2], size_t *ret_n)
{
    *ret_n = 0;
    if (precise) {
        ret[(*ret_n)++] = row_sums_precise;
        return;
    }
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        ret[(*ret_n)++] = row_sums_avx2;
#endif
    ret[(*ret_n)++] = row_sums_plain;
}
