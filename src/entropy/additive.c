/*
 * additive.c - estimators that are a sum over types of a function of the count: plug-in, Miller-Madow, Grassberger
 */
#include "entropy/estimator.h"
#include "util/sum.h"
#include <emx/entropy.h>

#define EULER 0.577215664901532860606512090082402431L
#define LOG_2 0.693147180559945309417232121458176568L

uint64_t types_seen(const struct emx_spectrum *s, uint64_t count)
{
    for (size_t i = 0; i < s->len && s->count[i] <= count; i++) {
        if (s->count[i] == count)
            return s->types[i];
    }
    return 0;
}

long double n_log_n(uint64_t n)
{
    return (long double)n * logl((long double)n);
}

long double n_log_n_step(uint64_t n)
{
    long double x = (long double)n;

    return n == 1 ? 0 : logl(x) - (x - 1) * log1pl(-1 / x);
}

long double sum_n_log_n(const struct emx_spectrum *s)
{
    struct sum sum = {0};

    for (size_t i = 0; i < s->len; i++)
        sum_add(&sum, (long double)s->types[i] * n_log_n(s->count[i]));
    return sum_total(&sum);
}

static void prepare_plugin(struct estimate *e)
{
    e->value = emx_entropy_shannon(e->s);
}

static long double plugin_influence(const struct estimate *e, size_t row)
{
    return -n_log_n_step(e->s->count[row]) / (long double)e->s->n_total;
}

const struct estimator estimator_plugin = {"plugin", prepare_plugin, plugin_influence, NULL};

static void prepare_miller_madow(struct estimate *e)
{
    e->value = emx_entropy_shannon(e->s) + (long double)(e->s->n_types - 1) / (2 * (long double)e->s->n_total);
}

static long double miller_madow_influence(const struct estimate *e, size_t row)
{
    long double d = plugin_influence(e, row);

    return e->s->count[row] == 1 ? d + 1 / (2 * (long double)e->s->n_total) : d;
}

const struct estimator estimator_miller_madow = {"miller-madow", prepare_miller_madow, miller_madow_influence, NULL};

/*
 * psi(x + 1/2) for x >= 0.  With x >= 16, psi(x + 1/2) = log x - sum B_2k(1/2) / (2k x^2k), an alternating series whose
 * error is below its first term left out, 3e-20 here; smaller x come from psi(y) = psi(y + 1) - 1/y.
 */
static long double digamma_half(uint64_t x)
{
    static const long double c[] = {1.0L / 24,       -7.0L / 960,
                                    31.0L / 8064,    -127.0L / 30720,
                                    511.0L / 67584,  -1414477.0L / 67092480,
                                    8191.0L / 98304, -118518239.0L / 267386880};
    long double below = 0, y, power, series = 0;

    for (; x < 16; x++)
        below += 1 / ((long double)x + 0.5L);
    y = (long double)x;
    power = 1 / (y * y);
    for (size_t k = sizeof(c) / sizeof(c[0]); k-- > 0;)
        series = (series + c[k]) * power;
    return logl(y) + series - below;
}

/* G(n), G(0) being what the recurrence makes of it. */
static long double grassberger_g(uint64_t n)
{
    return n < 2 ? -EULER - LOG_2 : digamma_half(n / 2) + LOG_2;
}

static void prepare_grassberger(struct estimate *e)
{
    struct sum sum = {0};

    for (size_t i = 0; i < e->s->len; i++)
        sum_add(&sum, (long double)(e->s->types[i] * e->s->count[i]) * grassberger_g(e->s->count[i]));
    e->value = logl((long double)e->s->n_total) - sum_total(&sum) / (long double)e->s->n_total;
}

/*
 * n G(n) rises in turn by more and by less than its trend; the mean of the steps from n - 1 and to n + 1 follows the
 * trend:
 *
 *     ((n + 1) G(n + 1) - (n - 1) G(n - 1)) / 2 = (G(n + 1) + G(n - 1)) / 2 + n (G(n + 1) - G(n - 1)) / 2
 *
 * and the last difference is 2 / n for odd n, 2 / (n - 1) for even n.
 */
static long double grassberger_influence(const struct estimate *e, size_t row)
{
    uint64_t n = e->s->count[row];
    long double x = (long double)n, step = n % 2 ? 1 : x / (x - 1);

    if (n == 1)
        step = grassberger_g(1);
    else
        step += (grassberger_g(n + 1) + grassberger_g(n - 1)) / 2;
    return -step / (long double)e->s->n_total;
}

const struct estimator estimator_grassberger = {"grassberger", prepare_grassberger, grassberger_influence, NULL};
