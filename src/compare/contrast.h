/*
 * contrast.h - two distributions held against each other, one type after the other
 *
 * Of a pair of anything, [0] is that of the first distribution, [1] of the second; direction [0] is of the first from
 * the second.
 */
#ifndef COMPARE_CONTRAST_H
#define COMPARE_CONTRAST_H

#include "util/sum.h"
#include <emx/compare.h>
#include <stdbool.h>

/* How a distribution is smoothed when the other is coded with it. */
struct smoother {
    enum emx_smoothing smoothing;
    double amount;
};

/* sum n log(p / q'), and whether a q' was 0. */
struct excess {
    struct sum sum;
    bool infinite;
};

struct contrast {
    const struct smoother *smoother;
    double alphabet; /* types there may be */
    uint64_t total[2];
    struct excess excess[2];
    struct sum jensen, shared; /* of types in both: sum 2 JS terms, sum min(p, q) */
    uint64_t types[3];         /* seen in the first, in the second, in both */
    uint64_t mass[2];          /* tokens of types in both */
};

/* A type seen count[0] and count[1] times, not both 0. */
void contrast_add(struct contrast *c, const uint64_t count[2]);

/* Only the part in excess: the same where totals are those of a row of the table. */
void excess_add(struct excess *e, const struct smoother *s, const uint64_t count[2], const uint64_t total[2],
                double alphabet);

/* Of e[2]: KL in that direction. */
double excess_mean(const struct excess *e, const uint64_t total[2], int direction);
double contrast_jensen(const struct contrast *c);
struct emx_overlap contrast_overlap(const struct contrast *c, int direction);

#endif
