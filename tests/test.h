/*
 * test.h - checks for small test programs
 *
 *     static void entropy_of_uniform_is_log_n(void) { CHECK_NEAR(h, log(8), 1e-15); }
 *     int main(void) { RUN(entropy_of_uniform_is_log_n); return test_summary(); }
 *
 * A failed check prints where and goes on; a test passes when none of its checks failed.
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int test_checks_failed __attribute__((unused)), test_passed, test_failed;

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond)) {                                                                                                 \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #cond);                                                          \
            test_checks_failed++;                                                                                      \
        }                                                                                                              \
    } while (0)

#define CHECK_NEAR(a, b, tolerance)                                                                                    \
    do {                                                                                                               \
        double test_a = (a), test_b = (b);                                                                             \
        if (!(fabs(test_a - test_b) <= (tolerance))) {                                                                 \
            printf("%s:%d: %s = %.17g, expected %.17g within %g\n", __FILE__, __LINE__, #a, test_a, test_b,            \
                   (double)(tolerance));                                                                               \
            test_checks_failed++;                                                                                      \
        }                                                                                                              \
    } while (0)

#define CHECK_STR(a, b)                                                                                                \
    do {                                                                                                               \
        const char *test_a = (a), *test_b = (b);                                                                       \
        if (!test_a || strcmp(test_a, test_b) != 0) {                                                                  \
            printf("%s:%d: %s is \"%s\", expected \"%s\"\n", __FILE__, __LINE__, #a, test_a ? test_a : "(null)",       \
                   test_b);                                                                                            \
            test_checks_failed++;                                                                                      \
        }                                                                                                              \
    } while (0)

#define RUN(test)                                                                                                      \
    do {                                                                                                               \
        test_checks_failed = 0;                                                                                        \
        test();                                                                                                        \
        if (test_checks_failed) {                                                                                      \
            printf("FAILED %s\n", #test);                                                                              \
            test_failed++;                                                                                             \
        } else {                                                                                                       \
            test_passed++;                                                                                             \
        }                                                                                                              \
        fflush(stdout);                                                                                                \
    } while (0)

static inline int test_summary(void)
{
    printf("%d passed, %d failed\n", test_passed, test_failed);
    return test_failed != 0;
}

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
