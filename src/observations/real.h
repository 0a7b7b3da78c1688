/* real.h - decimal numbers of a text, with '.' whatever the locale */
#ifndef OBSERVATIONS_REAL_H
#define OBSERVATIONS_REAL_H

#include <locale.h>

enum real_kind { REAL_NUMBER, REAL_MISSING, REAL_NOT_FINITE, REAL_NONE };

/*
 * Digits with or without a sign, a point and an exponent are a number; nothing, NA, NaN, null and None are missing;
 * inf, infinity and what no double holds are not finite; anything else is none.  `plain` is the "C" locale.
 */
enum real_kind real_parse(const char *text, locale_t plain, double *ret);

#endif
