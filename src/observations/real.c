#include "observations/real.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_one_of(const char *text, const char *const *words)
{
    while (*words && strcasecmp(text, *words) != 0)
        words++;
    return *words != NULL;
}

static const char *skip_digits(const char *s, bool *any)
{
    size_t n = strspn(s, "0123456789");

    *any |= n > 0;
    return s + n;
}

static bool is_decimal(const char *s)
{
    bool mantissa = false, exponent = false;

    s += *s == '+' || *s == '-';
    s = skip_digits(s, &mantissa);
    if (*s == '.')
        s = skip_digits(s + 1, &mantissa);
    if (mantissa && (*s == 'e' || *s == 'E')) {
        s++;
        s += *s == '+' || *s == '-';
        s = skip_digits(s, &exponent);
        mantissa = exponent;
    }
    return mantissa && *s == '\0';
}

enum real_kind real_parse(const char *text, locale_t plain, double *ret)
{
    static const char *const missing[] = {"", "na", "n/a", "nan", "-nan", "null", "none", NULL};
    static const char *const infinite[] = {"inf", "+inf", "-inf", "infinity", "+infinity", "-infinity", NULL};
    double x;

    if (is_one_of(text, missing))
        return REAL_MISSING;
    if (is_one_of(text, infinite))
        return REAL_NOT_FINITE;
    if (!is_decimal(text))
        return REAL_NONE;
    x = strtod_l(text, NULL, plain);
    if (!isfinite(x))
        return REAL_NOT_FINITE;
    *ret = x;
    return REAL_NUMBER;
}
