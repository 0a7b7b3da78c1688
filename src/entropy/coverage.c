/*
 * coverage.c - estimators that go by Good and Turing's coverage: Chao-Shen, Good-Turing
 *
 * Both depend on f_1, and one on f_2, besides the counts.  A token taken away from a type seen once, twice or three
 * times changes these, and with them every term: for such rows the estimate is computed again.
 */
#include "entropy/estimator.h"
#include "util/sum.h"

/* C = 1 - f_1 / N; never 0. */
static long double coverage(const struct emx_spectrum *s, uint64_t once)
{
    uint64_t seen = s->n_total - once;

    return (long double)(seen ? seen : 1) / (long double)s->n_total;
}

/* Term of a type seen n times. */
static long double chao_shen_term(const struct estimate *e, uint64_t n, long double c)
{
    long double size = (long double)e->s->n_total, q = c * (long double)n / size;

    if (n == 0 || q >= 1)
        return 0;
    return q * logl(q) / expm1l(size * log1pl(-q));
}

static long double chao_shen_sum(const struct estimate *e, long double c)
{
    struct sum sum = {0};

    for (size_t i = 0; i < e->s->len; i++)
        sum_add(&sum, (long double)e->s->types[i] * chao_shen_term(e, e->s->count[i], c));
    return sum_total(&sum);
}

/* D of a type seen n times, whose loss of a token leaves f_1 at `once`. */
static long double chao_shen_loss(const struct estimate *e, uint64_t n, uint64_t once)
{
    long double c = coverage(e->s, once);

    return e->value - (chao_shen_sum(e, c) - chao_shen_term(e, n, c) + chao_shen_term(e, n - 1, c));
}

static void prepare_chao_shen(struct estimate *e)
{
    uint64_t once = types_seen(e->s, 1);

    e->share = coverage(e->s, once);
    e->value = chao_shen_sum(e, e->share);
    if (once)
        e->rare[1] = chao_shen_loss(e, 1, once - 1);
    if (types_seen(e->s, 2))
        e->rare[2] = chao_shen_loss(e, 2, once + 1);
}

static long double chao_shen_influence(const struct estimate *e, size_t row)
{
    uint64_t n = e->s->count[row];

    if (n <= 2)
        return e->rare[n];
    return chao_shen_term(e, n, e->share) - chao_shen_term(e, n - 1, e->share);
}

const struct estimator estimator_chao_shen = {"chao-shen", prepare_chao_shen, chao_shen_influence, NULL};

/* -x log x */
static long double part(long double x)
{
    return x > 0 ? -x * logl(x) : 0;
}

/* moment = sum n log n */
static long double unseen_types(uint64_t once, uint64_t twice)
{
    long double f1 = (long double)once;

    return fmaxl(f1 * (f1 - 1) / (2 * ((long double)twice + 1)), 1);
}

static long double good_turing(long double n_total, long double moment, uint64_t once, uint64_t twice)
{
    long double missing = (long double)once / n_total, c = 1 - missing;

    return c * (logl(n_total) - moment / n_total) + part(c) + part(missing) + missing * logl(unseen_types(once, twice));
}

static void prepare_good_turing(struct estimate *e)
{
    long double n = (long double)e->s->n_total;
    uint64_t once = types_seen(e->s, 1), twice = types_seen(e->s, 2);

    e->share = coverage(e->s, once);
    e->moment = sum_n_log_n(e->s);
    e->value = good_turing(n, e->moment, once, twice);
    if (once)
        e->rare[1] = e->value - good_turing(n, e->moment, once - 1, twice);
    if (twice)
        e->rare[2] = e->value - good_turing(n, e->moment - n_log_n_step(2), once + 1, twice - 1);
    e->rare[3] = e->value - good_turing(n, e->moment - n_log_n_step(3), once, twice + 1);
}

static long double good_turing_influence(const struct estimate *e, size_t row)
{
    uint64_t n = e->s->count[row];

    return n <= 3 ? e->rare[n] : -e->share * n_log_n_step(n) / (long double)e->s->n_total;
}

/*
 * Differences in f_1 and f_2 are steep, and taking tokens away one by one makes far more of them than samples do, since
 * types come to be seen once and cease to be.  So here the variance is that of the sum the estimate is to first order.
 */
static long double good_turing_variance(const struct estimate *e)
{
    long double n = (long double)e->s->n_total;
    uint64_t once = types_seen(e->s, 1), twice = types_seen(e->s, 2), below = once ? once - 1 : 0;
    uint64_t fewer = twice ? twice - 1 : 0;
    const struct rare_sum g = {
        .at_one = (good_turing(n, e->moment, once + 1, twice) - good_turing(n, e->moment, below, twice)) /
                  (long double)(once + 1 - below),
        .at_two = (good_turing(n, e->moment, once, twice + 1) - good_turing(n, e->moment, once, fewer)) /
                  (long double)(twice + 1 - fewer),
        .slope = -(1 - (long double)once / n) / n,
    };

    return world_variance(e->s, &g, e->share, once ? unseen_types(once, twice) : 0);
}

const struct estimator estimator_good_turing = {"good-turing", prepare_good_turing, good_turing_influence,
                                                good_turing_variance};
