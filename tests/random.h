/*
 * random.h - the generator of tests and benchmarks
 */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A seeded generator (splitmix64); TEST_SEED in the environment replays another seed. */
static inline uint64_t test_seed(void)
{
    const char *env = getenv("TEST_SEED");
    uint64_t seed = env ? strtoull(env, NULL, 0) : 20240214;
    printf("seed %" PRIu64 "\n", seed);
    return seed;
}

static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* A token of a vocabulary, number k with probability about 1 / (k + 1) / ln(vocabulary): Zipf's law. */
static inline uint32_t random_token(uint64_t *seed, uint32_t vocabulary)
{
    double u = (double)(test_random(seed) >> 11) * 0x1p-53;

    return (uint32_t)(pow((double)vocabulary + 1, u) - 1) % vocabulary;
}

#endif
