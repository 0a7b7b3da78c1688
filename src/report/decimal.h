/*
 * decimal.h - numbers as decimals that every trainer's parser reads alike
 *
 * Always with a point and a digit on both sides of it ("1.0": parsers that are strict about types take "1" for an
 * integer), never with an exponent (YAML 1.1 reads 1e-05 as a string), whatever the locale.
 */
#ifndef REPORT_DECIMAL_H
#define REPORT_DECIMAL_H

#include "report/text.h"

/* A finite number in the fewest significant digits (at most 17) that read back as x. */
void text_add_decimal(struct text *t, double x);

/*
 * Decimals of n shares that sum to exactly 1 as they are printed: each as text_add_decimal() writes it, but
 * the largest (the first of several), which is 1 - sum of the others, computed on the digits.
 * Shares are >= 0 and sum to 1 within 1e-9.
 *
 * ret[n] receives strings to be freed with decimal_shares_finish().
 */
EMX_CHECKED enum emx_status decimal_shares(const double *share, size_t n, char **ret);
void decimal_shares_finish(char **shares, size_t n);

#endif
