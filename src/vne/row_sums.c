#include "vne/row_sums.h"

#include <string.h>

void row_sums_plain(const int16_t *rows, size_t width, const struct token_count *counts, size_t n_counts, int32_t *ret)
{
    memset(ret, 0, width * sizeof(*ret));
    for (size_t k = 0; k < n_counts; k++) {
        const int16_t *row = rows + counts[k].token * width;
        int32_t n = (int32_t)counts[k].n;

        for (size_t i = 0; i < width; i++)
            ret[i] += n * row[i];
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
