/*
 * bench_optimum - the exact optimum of a million domains with caps
 *
 *     bench_optimum [DOMAINS [ROUNDS]]
 *
 * Lines are TSV: case, domains, steps of the search for the multiplier, seconds (best and median of the rounds),
 * residual of the conditions of Karush, Kuhn and Tucker.  Caps bind about half of the domains.
 */
#include "bench.h"

#include <emx/optimum.h>

#include <stdio.h>

struct inputs {
    size_t n;
    double *gain, *alpha, *lo, *hi, *prior, *result;
};

static double uniform(uint64_t *seed)
{
    return (double)(test_random(seed) >> 11) * 0x1p-53;
}

static struct inputs make_inputs(size_t n)
{
    struct inputs in = {.n = n};
    double **arrays[] = {&in.gain, &in.alpha, &in.lo, &in.hi, &in.prior, &in.result};
    uint64_t seed = 1;

    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
        *arrays[i] = must_allocate(n * sizeof(double));
    for (size_t j = 0; j < n; j++) {
        in.gain[j] = exp(2 * uniform(&seed));
        in.alpha[j] = 0.02 + 0.4 * uniform(&seed);
        in.lo[j] = 0.1 * uniform(&seed) / (double)n;
        in.hi[j] = (0.3 + 2 * uniform(&seed)) / (double)n;
        in.prior[j] = 1 / (double)n;
    }
    return in;
}

static void measure(const char *name, const struct inputs *in, const struct emx_optimum_limits *limits, size_t n_rounds)
{
    double *times = must_allocate(n_rounds * sizeof(*times)), middle;
    struct emx_optimum_certificate c = {0};
    struct emx_error err;

    for (size_t i = 0; i < n_rounds; i++) {
        double begin = clock_seconds();

        if (emx_optimum_separable(in->gain, in->alpha, in->n, limits, in->result, &c, &err) != EMX_OK)
            die("%s", err.message);
        times[i] = clock_seconds() - begin;
    }
    middle = median(times, n_rounds);
    printf("%s\t%zu\t%zu\t%.4f\t%.4f\t%.1e\n", name, in->n, c.n_iterations, times[0], middle, c.residual);
    free(times);
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? (size_t)strtod(argv[1], NULL) : 1000000, n_rounds = argc > 2 ? (size_t)atoi(argv[2]) : 5;
    struct inputs in;

    if (n < 1 || n > 1000000000 || n_rounds < 1)
        die("usage: bench_optimum [DOMAINS [ROUNDS]]");
    in = make_inputs(n);
    puts("case\tdomains\tsteps\tbest_s\tmedian_s\tresidual");
    measure("free", &in, &(struct emx_optimum_limits){0}, n_rounds);
    measure("capped", &in, &(struct emx_optimum_limits){.lo = in.lo, .hi = in.hi}, n_rounds);
    measure("prior", &in, &(struct emx_optimum_limits){.lo = in.lo, .hi = in.hi, .prior = in.prior, .strength = 1},
            n_rounds);
    free(in.gain);
    free(in.alpha);
    free(in.lo);
    free(in.hi);
    free(in.prior);
    free(in.result);
    return 0;
}
