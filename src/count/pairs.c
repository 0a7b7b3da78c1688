#include "count/pairs.h"

void pairs_kernels(const struct pairs_kernel *ret[3], size_t *ret_n)
{
    *ret_n = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("bmi2"))
        ret[(*ret_n)++] = &pairs_kernel_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
        ret[(*ret_n)++] = &pairs_kernel_avx2;
#endif
    ret[(*ret_n)++] = &pairs_kernel_plain;
}

static const struct pairs_kernel *best(void)
{
    const struct pairs_kernel *kernels[3];
    size_t n;

    pairs_kernels(kernels, &n);
    return kernels[0];
}

void pairs_count_u16(struct table_adder *a, const uint16_t *x, size_t n)
{
    best()->count_u16(a, x, n);
}

void pairs_count_u32(struct table_adder *a, const uint32_t *x, size_t n)
{
    best()->count_u32(a, x, n);
}

void pairs_count_one(struct table_adder *a, uint32_t first, uint32_t second)
{
    struct pair_key key = a->view.key;

    table_add(a, pair_key_mix(key, pair_key_pack(key, first, second)), 1);
}

void pairs_flush(struct table_adder *a)
{
    best()->flush(a);
}
