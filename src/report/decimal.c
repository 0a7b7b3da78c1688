#include "report/decimal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DIGITS = 17 };

/* The number 0.d1 d2 ... dn * 10^exponent.  0 has no digits. */
struct digits {
    char digit[MAX_DIGITS];
    int n, exponent;
};

/*
 * printf() rounds correctly; only its decimal point depends on the locale, and so does that of strtod(), which
 * is why the digits are taken from what strtod() has read back.
 */
static struct digits shortest(double x)
{
    struct digits d = {.n = 0};
    char s[64];
    const char *e;

    assert(x >= 0 && isfinite(x));
    if (x == 0)
        return d;
    for (int precision = 0; precision < MAX_DIGITS; precision++) {
        snprintf(s, sizeof(s), "%.*e", precision, x);
        if (strtod(s, NULL) == x)
            break;
    }
    e = strchr(s, 'e');
    for (const char *p = s; p < e; p++)
        if (*p >= '0' && *p <= '9')
            d.digit[d.n++] = *p;
    while (d.digit[d.n - 1] == '0')
        d.n--;
    d.exponent = atoi(e + 1) + 1;
    return d;
}

/* Digits after the point. */
static size_t decimals(const struct digits *d)
{
    return d->n > d->exponent ? (size_t)(d->n - d->exponent) : 0;
}

static void add_zeros(struct text *t, int n)
{
    for (int i = 0; i < n; i++)
        text_add(t, "0");
}

void text_add_decimal(struct text *t, double x)
{
    struct digits d = shortest(fabs(x));
    int whole = d.exponent > 0 ? d.exponent : 0, given = d.n < whole ? d.n : whole;

    if (x < 0)
        text_add(t, "-");
    if (whole == 0)
        text_add(t, "0");
    text_add_bytes(t, d.digit, (size_t)given);
    add_zeros(t, whole - given);
    text_add(t, ".");
    if (decimals(&d) == 0)
        text_add(t, "0");
    else
        add_zeros(t, d.exponent < 0 ? -d.exponent : 0);
    text_add_bytes(t, d.digit + given, (size_t)(d.n - given));
}

static size_t largest(const double *x, size_t n)
{
    size_t max = 0;

    for (size_t i = 1; i < n; i++)
        if (x[i] > x[max])
            max = i;
    return max;
}

/* Of all shares but that to skip. */
static size_t most_decimals(const double *share, size_t n, size_t skip)
{
    size_t most = 1;

    for (size_t i = 0; i < n; i++) {
        struct digits d = shortest(i == skip ? 0 : share[i]);

        most = decimals(&d) > most ? decimals(&d) : most;
    }
    return most;
}

/* place[k] is that of 10^-k.  Places may leave 0..9 until carry() puts them in order. */
static void subtract(int *place, double x)
{
    struct digits d = shortest(x);

    for (int k = 0; k < d.n; k++)
        place[k + 1 - d.exponent] -= d.digit[k] - '0';
}

static void carry(int *place, size_t n)
{
    for (size_t k = n; k-- > 1;) {
        int borrow = place[k] < 0 ? (9 - place[k]) / 10 : 0;

        place[k] += 10 * borrow;
        place[k - 1] -= borrow;
    }
    assert(place[0] >= 0); /* each of the others is at most 1/2, and all shares sum to about 1 */
}

/* What the shares but that to skip leave of 1; NULL if memory runs out. */
static char *remainder_of_one(const double *share, size_t n, size_t skip)
{
    size_t n_decimals = most_decimals(share, n, skip);
    int *place = calloc(n_decimals + 1, sizeof(*place));
    struct text t = {0};

    if (!place)
        return NULL;
    place[0] = 1;
    for (size_t i = 0; i < n; i++)
        if (i != skip)
            subtract(place, share[i]);
    carry(place, n_decimals + 1);
    while (n_decimals > 1 && place[n_decimals] == 0)
        n_decimals--;
    for (size_t k = 0; k <= n_decimals; k++)
        text_addf(&t, k == 1 ? ".%d" : "%d", place[k]);
    free(place);
    return text_take(&t);
}

enum emx_status decimal_shares(const double *share, size_t n, char **ret)
{
    size_t max = n ? largest(share, n) : 0;

    for (size_t i = 0; i < n; i++) {
        struct text t = {0};

        if (i != max)
            text_add_decimal(&t, share[i]);
        ret[i] = i == max ? remainder_of_one(share, n, max) : text_take(&t);
        if (!ret[i]) {
            decimal_shares_finish(ret, i);
            return EMX_ERR_MEMORY;
        }
    }
    return EMX_OK;
}

void decimal_shares_finish(char **shares, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(shares[i]);
}
