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

#include "random.h"

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

/* A check that cannot hold here. */
#define FAIL(what)                                                                                                     \
    do {                                                                                                               \
        printf("%s:%d: not so: %s\n", __FILE__, __LINE__, what);                                                       \
        test_checks_failed++;                                                                                          \
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

/* The folder of data that others published, EMX_SHARED_DATA; NULL where it is not set, or empty. */
static inline const char *test_shared_data(void)
{
    const char *folder = getenv("EMX_SHARED_DATA");

    return folder && *folder ? folder : NULL;
}

/* Where a tool makes programs slower, TEST_SLOWER says how many times; long tests do as much less.  1 otherwise. */
static inline int test_slower(void)
{
    const char *text = getenv("TEST_SLOWER");

    return text && atoi(text) > 1 ? atoi(text) : 1;
}

/* What is left of n rounds, at least one. */
static inline int test_rounds(int n)
{
    return (n + test_slower() - 1) / test_slower();
}

/* `many`, or `few` where a tool makes programs tens of times slower, as valgrind and the thread sanitizer do. */
static inline int test_few(int many, int few)
{
    return test_slower() < 10 ? many : few;
}

/* The step of long double at 1 as it is computed: valgrind has 53 bits where the compiler's LDBL_EPSILON is of 64. */
static inline double test_long_double_step(void)
{
    volatile long double one = 1, step = 1;

    while (one + step / 2 != one)
        step /= 2;
    return (double)step;
}

static inline int test_summary(void)
{
    printf("%d passed, %d failed\n", test_passed, test_failed);
    return test_failed != 0;
}

#endif
