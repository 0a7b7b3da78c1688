/*
 * test_linalg.c - what BLAS and LAPACK compute does not depend on how many threads are in them
 */
#include "test.h"

#include "linalg/linalg.h"
#include "linalg/symmetric.h"

#include <pthread.h>

enum { N_THREADS = 8, N_ROUNDS = 100, N_SUMS = 1000, SIZE = 24, COLUMNS = 64 };

/* What one thread computes: sums of integers, so exact; decompositions, which are the same each time. */
struct results {
    double sums[SIZE * SIZE], values[SIZE], singular[SIZE];
};

struct one {
    pthread_t thread;
    uint64_t seed;
    struct results first;
    size_t n_others; /* rounds with other results than the first */
};

static void compute(uint64_t seed, struct linalg_work *w, struct results *ret)
{
    double a[SIZE * COLUMNS], tall[COLUMNS * SIZE], b[COLUMNS], vt[SIZE * SIZE], ub[SIZE], copy[SIZE * SIZE];

    memset(ret, 0, sizeof(*ret));
    for (size_t i = 0; i < SIZE * COLUMNS; i++)
        a[i] = tall[i] = (double)(test_random(&seed) % 1000);
    for (size_t i = 0; i < COLUMNS; i++)
        b[i] = 1;
    for (size_t i = 0; i < N_SUMS; i++)
        linalg_add_outer_products(SIZE, COLUMNS, a, ret->sums);
    memcpy(copy, ret->sums, sizeof(copy));
    CHECK(linalg_eigenvalues(SIZE, copy, ret->values));
    CHECK(linalg_svd(w, tall, COLUMNS, SIZE, b, ret->singular, vt, ub));
}

static void *repeat(void *one)
{
    struct one *o = one;
    struct linalg_work *w = linalg_work_create(COLUMNS, SIZE);
    struct results again;

    for (int i = 0; i < test_rounds(N_ROUNDS); i++) {
        compute(o->seed, w, &again);
        o->n_others += memcmp(&again, &o->first, sizeof(again)) != 0;
    }
    linalg_work_destroy(&w);
    return NULL;
}

static void threads_do_not_disturb_each_other(void)
{
    struct one threads[N_THREADS];
    struct linalg_work *w = linalg_work_create(COLUMNS, SIZE);

    for (size_t i = 0; i < N_THREADS; i++) {
        threads[i] = (struct one){.seed = i};
        compute(i, w, &threads[i].first);
    }
    linalg_work_destroy(&w);
    for (size_t i = 0; i < N_THREADS; i++)
        CHECK(pthread_create(&threads[i].thread, NULL, repeat, &threads[i]) == 0);
    for (size_t i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i].thread, NULL);
        CHECK(threads[i].n_others == 0);
    }
}

static void sums_are_those_of_the_definition(void)
{
    double a[SIZE * COLUMNS], sums[SIZE * SIZE] = {0};
    uint64_t seed = 1;

    for (size_t i = 0; i < SIZE * COLUMNS; i++)
        a[i] = (double)(test_random(&seed) % 1000);
    linalg_add_outer_products(SIZE, COLUMNS, a, sums);
    for (size_t k = 0; k < SIZE; k++)
        for (size_t i = k; i < SIZE; i++) {
            double sum = 0;

            for (size_t j = 0; j < COLUMNS; j++)
                sum += a[j * SIZE + i] * a[j * SIZE + k];
            CHECK(sums[k * SIZE + i] == sum);
        }
}

int main(void)
{
    RUN(sums_are_those_of_the_definition);
    RUN(threads_do_not_disturb_each_other);
    return test_summary();
}
