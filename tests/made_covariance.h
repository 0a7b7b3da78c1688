/*
 * made_covariance.h - covariances of random documents for tests of state files
 */
#ifndef TESTS_MADE_COVARIANCE_H
#define TESTS_MADE_COVARIANCE_H

#include "random.h"
#include "state/covariance.h"

enum { MADE_DIMENSION = 5, MADE_SUMS = MADE_DIMENSION * (MADE_DIMENSION + 1) / 2 };

struct made_covariance {
    struct emx_covariance head;
    wide sums[MADE_SUMS];
};

/* Of all documents of a domain with so many, with another direction each; of every tenth nothing is known. */
static inline struct made_covariance random_covariance(uint64_t *seed, bool precise, uint64_t n_documents,
                                                       uint64_t n_tokens)
{
    const double grid = precise ? 0x1p40 : 0x1p24;
    struct made_covariance c = {.head = {.dimension = MADE_DIMENSION,
                                         .precise = precise,
                                         .vectors = 0x0123456789abcdef,
                                         .weighting = "none",
                                         .seed = 3,
                                         .n_documents = n_documents - n_documents / 10,
                                         .n_left_out = n_documents / 10,
                                         .n_tokens = n_tokens - n_tokens / 3,
                                         .n_tokens_without_vector = n_tokens / 4,
                                         .source = "made"}};

    for (uint64_t n = 0; n < c.head.n_documents; n++) {
        double x[MADE_DIMENSION], square = 0;
        wide *sum = c.sums;

        for (size_t i = 0; i < MADE_DIMENSION; i++) {
            x[i] = (double)(test_random(seed) % 2001) - 999.5;
            square += x[i] * x[i];
        }
        for (size_t i = 0; i < MADE_DIMENSION; i++)
            x[i] = rint(x[i] / sqrt(square) * grid);
        for (size_t k = 0; k < MADE_DIMENSION; k++) {
            for (size_t i = k; i < MADE_DIMENSION; i++)
                *sum++ += (wide)x[i] * (wide)x[k];
        }
    }
    return c;
}

#endif
