/*
 * sum.h - Neumaier's compensated sum in long double
 *
 * The error stays near one rounding however many terms there are.  -ffast-math would delete the compensation.
 * Source: Neumaier (1974), "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", algorithm IV.
 */
#ifndef UTIL_SUM_H
#define UTIL_SUM_H

#include <math.h>

#ifdef __FAST_MATH__
#error "compensated sums need IEEE arithmetic: build without -ffast-math"
#endif

struct sum {
    long double value, carry; /* zero at first */
};

static inline void sum_add(struct sum *s, long double term)
{
    long double next = s->value + term;

    s->carry += fabsl(s->value) >= fabsl(term) ? (s->value - next) + term : (term - next) + s->value;
    s->value = next;
}

static inline long double sum_total(const struct sum *s)
{
    return s->value + s->carry;
}

#endif
