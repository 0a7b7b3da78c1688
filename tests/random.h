/*
 * random.h - the generator of tests and benchmarks
 */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <inttypes.h>
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

#endif
