/* random.h - splitmix64: numbers that depend on the seed alone */
#ifndef LAW_RANDOM_H
#define LAW_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *r)
{
    uint64_t x = r->state += 0x9e3779b97f4a7c15;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

/* A seed for number `item` of those that are drawn with `seed`. */
static inline uint64_t random_seed(uint64_t seed, uint64_t item)
{
    struct random r = {.state = seed ^ (item * 0xd1342543de82ef95)};

    return random_next(&r);
}

static inline double random_between(struct random *r, double low, double high)
{
    return low + (high - low) * ((double)(random_next(r) >> 11) * 0x1p-53);
}

/* 0 .. n - 1, n below 2^32. */
static inline size_t random_below(struct random *r, size_t n)
{
    return (size_t)(((random_next(r) >> 32) * n) >> 32);
}

#endif
