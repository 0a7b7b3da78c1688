/*
 * scenarios.h - what the model explores: tiny tables, and what threads do to them
 */
#ifndef MODEL_SCENARIOS_H
#define MODEL_SCENARIOS_H

#include "explore.h"

enum { MAX_BLOCKS = 3, MAX_ADDITIONS = 4, MAX_KEYS = 64, KEY_BITS = 16 };

struct addition {
    uint64_t hash, count;
};

struct block {
    bool alone, kernel;                 /* kernel: pairs_kernel.h adds */
    struct addition add[MAX_ADDITIONS]; /* as far as counts are not 0 */
};

struct scenario {
    const char *name;
    enum slots { LARGE, SMALL, SMALL_AFTER_GROWTH } slots;
    /*
     * the table when threads begin; a line grows with its 6th key, 2 lines with the 11th, 4 with the 21st; with small
     * slots with its 12th, the 24th
     */
    unsigned lines_log2;
    unsigned n_filled; /* keys FILLED(i), once each */
    struct {
        unsigned n, line;
    } crowds[2];            /* keys CROWDED(s, crowd, i) of one line, once each: a 9th, or 17th, stands in the next */
    uint64_t near_overflow; /* KEY_A and KEY_B begin with so much less than half the field, if not 0 */
    uint64_t limit;         /* of the budget, in lines; 0: none */
    unsigned n_threads;
    struct block blocks[MAX_THREADS - 1][MAX_BLOCKS];
    bool deep;     /* only if asked for, and not to the end */
    bool overlook; /* a planted bug: growth overlooks those inside */
};

/* A key by its line in a table of 16 lines, a number, and its first slot. */
#define KEY(line, number, slot) ((uint64_t)(line) << (KEY_BITS - 4) | (uint64_t)(number) << 3 | (slot))
#define FILLED(i) KEY((i)*5 % 16, 100 + (i), (i) % 8)
#define CROWDED(s, crowd, i) KEY((s)->crowds[crowd].line, 200 + (i), (i) % 8)
#define KEY_A KEY(1, 1, 6)
#define KEY_B KEY(9, 2, 6)
#define KEY_C KEY(3, 3, 7)
#define KEY_D KEY(14, 4, 5)

/* clang-format off */
#define A1 {KEY_A, 1}
#define B1 {KEY_B, 1}
#define C1 {KEY_C, 1}
#define D1 {KEY_D, 1}
#define SHARED(...) {.add = {__VA_ARGS__}}
#define ALONE(...) {.alone = true, .add = {__VA_ARGS__}}
#define KERNEL(...) {.kernel = true, .add = {__VA_ARGS__}}
#define KERNEL_ALONE(...) {.alone = true, .kernel = true, .add = {__VA_ARGS__}}

static const struct scenario scenarios[] = {
    {.name = "two threads add the same new key, and another that begins in its slot",
     .n_threads = 2,
     .blocks = {{SHARED(A1, B1)}, {SHARED(B1, A1)}}},
    {.name = "the same, one of them by the kernel",
     .n_threads = 2,
     .blocks = {{SHARED(A1, B1)}, {KERNEL(B1, A1, A1)}}},
    {.name = "the same, both by the kernel",
     .n_filled = 1, .n_threads = 2,
     .blocks = {{KERNEL(A1, B1)}, {KERNEL(B1, A1)}}},
    {.name = "three threads add the same new key",
     .n_threads = 3,
     .blocks = {{SHARED(A1)}, {SHARED({KEY_A, 2})}, {SHARED({KEY_A, 3})}}},
    {.name = "a count overflows while others add to it",
     .n_threads = 2, .near_overflow = 1,
     .blocks = {{SHARED(A1, A1)}, {SHARED({KEY_A, 2}, A1)}}},
    {.name = "a count overflows by nothing more than its mark",
     .n_threads = 2, .near_overflow = 1,
     .blocks = {{SHARED(A1)}, {SHARED(C1)}}},
    {.name = "two counts overflow at once",
     .n_threads = 2, .near_overflow = 1,
     .blocks = {{SHARED({KEY_A, 2})}, {SHARED({KEY_B, 2})}}},
    {.name = "a count overflows while the kernel adds to it",
     .n_threads = 2, .near_overflow = 2,
     .blocks = {{SHARED(A1, A1)}, {KERNEL(A1, A1, A1)}}},
    {.name = "a line becomes too full and the table grows",
     .n_filled = 5, .n_threads = 2,
     .blocks = {{SHARED(A1), SHARED({FILLED(0), 1})}, {SHARED(B1, A1), SHARED({FILLED(1), 1})}}},
    {.name = "keys find no room and are added after growth",
     .n_filled = 5, .n_threads = 2,
     .blocks = {{SHARED(A1, C1, B1)}, {SHARED(D1, A1)}}},
    {.name = "a count overflows, the table grows, the count goes on",
     .n_filled = 3, .n_threads = 2, .near_overflow = 1,
     .blocks = {{SHARED(C1, A1)}, {KERNEL(A1), SHARED(A1)}}},
    {.name = "two threads move the lines of a larger table",
     .lines_log2 = 2, .n_filled = 20, .n_threads = 2,
     .blocks = {{SHARED(A1)}, {SHARED(A1), SHARED({FILLED(2), 1})}}},
    {.name = "two threads move a line and keys that stand after it",
     .lines_log2 = 1, .n_filled = 1, .crowds = {{9, 0}}, .n_threads = 2,
     .blocks = {{SHARED(A1)}, {SHARED(B1), SHARED(A1)}}},
    {.name = "two threads move keys that stand after a line, and after the next",
     .lines_log2 = 2, .n_filled = 6, .crowds = {{5, 6}, {9, 0}}, .n_threads = 2,
     .blocks = {{SHARED(D1)}, {SHARED({FILLED(3), 1})}}},
    {.name = "keys of the last line stand in the first",
     .lines_log2 = 1, .n_filled = 1, .crowds = {{9, 13}}, .n_threads = 2,
     .blocks = {{SHARED(B1)}, {SHARED(D1), KERNEL(B1)}}},
    {.name = "a thread alone grows a table of crowded lines where it stands",
     .lines_log2 = 1, .n_filled = 1, .crowds = {{9, 13}}, .n_threads = 2,
     .blocks = {{KERNEL_ALONE(D1, B1, D1), SHARED(B1)}, {ALONE(B1)}}},
    {.name = "three threads, growth by the last one out",
     .n_filled = 5, .n_threads = 3,
     .blocks = {{SHARED(A1)}, {SHARED(A1)}, {SHARED({FILLED(0), 1})}}},
    {.name = "three threads, all wait while the table grows",
     .lines_log2 = 1, .n_filled = 1, .crowds = {{9, 0}}, .n_threads = 3,
     .blocks = {{SHARED(A1)}, {ALONE({FILLED(0), 1})}, {ALONE({FILLED(0), 1})}}},
    {.name = "one thread alone, another shares, and the table grows",
     .n_filled = 5, .n_threads = 2,
     .blocks = {{ALONE(A1, B1), SHARED(A1)}, {SHARED(A1), KERNEL_ALONE(B1)}}},
    {.name = "two threads take turns alone, a third shares",
     .n_filled = 5, .n_threads = 3,
     .blocks = {{ALONE(A1)}, {KERNEL_ALONE(A1)}, {SHARED(A1)}}},
    {.name = "no memory to grow",
     .n_filled = 8, .limit = 1, .n_threads = 2,
     .blocks = {{SHARED(A1), SHARED(A1)}, {SHARED({FILLED(0), 1}, A1)}}},
    {.name = "no memory to grow, for three threads",
     .n_filled = 8, .limit = 1, .n_threads = 3,
     .blocks = {{SHARED(A1)}, {SHARED({FILLED(0), 1}, B1)}, {SHARED(A1)}}},
    {.name = "two threads and the kernel fill a line",
     .n_filled = 5, .n_threads = 3,
     .blocks = {{KERNEL(A1)}, {KERNEL(B1)}, {SHARED(A1)}}},
    {.name = "two threads see a count overflow, a third adds",
     .n_threads = 3, .near_overflow = 1, .deep = true,
     .blocks = {{SHARED(A1)}, {SHARED(A1)}, {SHARED(A1)}}},

    {.name = "small slots: two threads add the same new key, and another that begins in its slot",
     .slots = SMALL, .n_threads = 2,
     .blocks = {{SHARED(A1, B1)}, {SHARED(B1, A1)}}},
    {.name = "small slots: the same, both by the kernel",
     .slots = SMALL, .n_filled = 1, .n_threads = 2,
     .blocks = {{KERNEL(A1, B1)}, {KERNEL(B1, A1)}}},
    {.name = "small slots: a count overflows while others add to it",
     .slots = SMALL, .n_threads = 2, .near_overflow = 1,
     .blocks = {{SHARED(A1, A1)}, {SHARED({KEY_A, 2}, A1)}}},
    {.name = "small slots: a count overflows while the kernel adds to it",
     .slots = SMALL, .n_threads = 2, .near_overflow = 2,
     .blocks = {{SHARED(A1, A1)}, {KERNEL(A1, A1, A1)}}},
    {.name = "small slots: counts are added that no field holds",
     .slots = SMALL, .n_threads = 2, .near_overflow = 1,
     .blocks = {{SHARED({KEY_A, 5000}, C1)}, {KERNEL({KEY_A, 5000}, {KEY_C, 3000})}}},
    {.name = "small slots: two threads see a count overflow, a third adds",
     .slots = SMALL, .n_threads = 3, .near_overflow = 1,
     .blocks = {{SHARED(A1)}, {SHARED(A1)}, {SHARED(A1)}}},
    {.name = "small slots: a line becomes too full and the table grows",
     .slots = SMALL, .n_filled = 11, .n_threads = 2,
     .blocks = {{SHARED(A1), SHARED({FILLED(0), 1})}, {SHARED(B1, A1), SHARED({FILLED(1), 1})}}},
    {.name = "small slots: keys find no room and are added after growth",
     .slots = SMALL, .n_filled = 11, .n_threads = 2,
     .blocks = {{SHARED(A1, C1, B1)}, {SHARED(D1, {KEY(5, 5, 1), 1}, A1)}}},
    {.name = "small slots: two threads move a line and keys that stand after it",
     .slots = SMALL, .lines_log2 = 1, .n_filled = 5, .crowds = {{17, 0}}, .n_threads = 2,
     .blocks = {{SHARED(A1)}, {SHARED(B1), SHARED(A1)}}},
    {.name = "small slots: a thread alone grows a table of crowded lines where it stands",
     .slots = SMALL, .lines_log2 = 1, .n_filled = 5, .crowds = {{17, 13}}, .n_threads = 2,
     .blocks = {{KERNEL_ALONE(D1, B1, D1), SHARED(B1)}, {ALONE(B1)}}},
    {.name = "slots become small",
     .slots = SMALL_AFTER_GROWTH, .n_filled = 5, .n_threads = 2,
     .blocks = {{SHARED(A1), SHARED({FILLED(0), 1})}, {SHARED(B1, A1), KERNEL({FILLED(1), 1})}}},
    {.name = "slots become small, two threads at it, and keys stand after their line",
     .slots = SMALL_AFTER_GROWTH, .lines_log2 = 1, .n_filled = 1, .crowds = {{9, 0}}, .n_threads = 2,
     .blocks = {{SHARED(A1)}, {SHARED(B1), SHARED(A1)}}},
    {.name = "slots become small, and counts are too large for them",
     .slots = SMALL_AFTER_GROWTH, .n_filled = 3, .near_overflow = 1, .n_threads = 2,
     .blocks = {{SHARED(C1, A1)}, {KERNEL(A1), SHARED(A1)}}},
    {.name = "slots become small by a thread alone",
     .slots = SMALL_AFTER_GROWTH, .n_filled = 5, .n_threads = 2,
     .blocks = {{ALONE(A1, B1), SHARED(A1)}, {SHARED(A1), KERNEL_ALONE(B1)}}},
    {.name = "no memory for small slots",
     .slots = SMALL_AFTER_GROWTH, .n_filled = 8, .limit = 1, .n_threads = 2,
     .blocks = {{SHARED(A1), SHARED(A1)}, {SHARED({FILLED(0), 1}, A1)}}},

    {.name = "three threads fill a line beyond its room",
     .n_filled = 5, .n_threads = 3, .deep = true,
     .blocks = {{SHARED(A1, D1)}, {SHARED(B1)}, {SHARED(C1)}}},
    {.name = "three threads move the lines of a larger table",
     .lines_log2 = 2, .n_filled = 20, .n_threads = 3, .deep = true,
     .blocks = {{SHARED(A1)}, {SHARED(A1)}, {SHARED({FILLED(2), 1})}}},
    {.name = "three threads move keys that stand after their line",
     .lines_log2 = 1, .n_filled = 1, .crowds = {{9, 0}}, .n_threads = 3, .deep = true,
     .blocks = {{SHARED(A1)}, {SHARED(B1)}, {SHARED(A1)}}},
};
/* clang-format on */
enum { N_SCENARIOS = sizeof(scenarios) / sizeof(*scenarios) };

#endif
