#include "vne/row_sums.h"

void row_sums_plain(const int16_t *rows, size_t width, const struct token_count *counts, const struct token_run *runs,
                    size_t n_runs, int32_t *sums)
{
    size_t k = 0;

    for (size_t r = 0; r < n_runs; r++) {
        int32_t *sum = sums + runs[r].document * width;

        for (; k < runs[r].end; k++) {
            const int16_t *row = rows + counts[k].row * width;

            for (size_t i = 0; i < width; i++)
                sum[i] += counts[k].n * row[row_place(i)];
        }
    }
}

void row_sums_kernels(row_sums_fn *ret[2], size_t *ret_n)
{
    *ret_n = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        ret[(*ret_n)++] = row_sums_avx2;
#endif
    ret[(*ret_n)++] = row_sums_plain;
}
