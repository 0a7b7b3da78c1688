/*
 * design_search.c - the mixture that adds most to what runs tell
 *
 * A climb takes pairs of domains and moves mass between them, to the best of a few points of the interval that the
 * bounds leave; only the two domains' terms of the score change.  As the score is convex in log r far from the mean of
 * the runs, ends of intervals are often best.
 */
#include "law/design.h"

#include <math.h>
#include <string.h>

enum {
    MAX_SWEEPS = 60,
    MAX_PAIRS = 4000, /* of a sweep: all pairs of 90 domains */
    N_POINTS = 9,     /* of an interval */
    N_SHUFFLES = 3,   /* sweeps of random exchanges that forget where they began */
};

static const double NO_SPREAD = 1e-12; /* keeps logarithms finite where runs are alike */
static const double GAIN = 1e-9;       /* what a sweep must gain to be followed by another */

void design_add(struct design *d, const double *mixture, double sign)
{
    d->n += sign;
    for (size_t j = 0; j < d->n_domains; j++) {
        double l = log(mixture[j]);

        d->sum[j] += sign * l;
        d->squares[j] += sign * l * l;
    }
}

static double spread_of(double n, double sum, double squares)
{
    return n > 0 ? fmax(0, squares - sum * sum / n) : 0;
}

double design_spread(const struct design *d, size_t j)
{
    return spread_of(d->n, d->sum[j], d->squares[j]);
}

double design_mean(const struct design *d, size_t j)
{
    return d->n > 0 ? d->sum[j] / d->n : 0;
}

static double term(const struct search *s, size_t j, double n, double sum, double squares)
{
    double spread = spread_of(n, sum, squares) + NO_SPREAD;

    if (s->criterion == EMX_PLAN_D)
        return log(spread);

    double distance = s->region_mean[j] - sum / n;

    return -(s->region_variance[j] + distance * distance) / spread;
}

/* With a further run of log proportion l. */
static double term_with(const struct search *s, const struct design *d, size_t j, double l)
{
    return term(s, j, d->n + 1, d->sum[j] + l, d->squares[j] + l * l);
}

double search_score(const struct search *s, const struct design *d)
{
    double score = 0;

    for (size_t i = 0; i < s->n_movable; i++) {
        size_t j = s->movable[i];

        score += term(s, j, d->n, d->sum[j], d->squares[j]);
    }
    return score;
}

static double score_with(const struct search *s, const struct design *d, const double *r)
{
    double score = 0;

    for (size_t i = 0; i < s->n_movable; i++)
        score += term_with(s, d, s->movable[i], log(r[s->movable[i]]));
    return score;
}

/* What x can be where x + y stays as it is. */
struct interval {
    double low, high, sum;
};

static struct interval interval_of(const struct search *s, const double *r, size_t x, size_t y)
{
    double sum = r[x] + r[y];

    return (struct interval){fmax(box_lo(s->box, x), sum - box_hi(s->box, y)),
                             fmin(box_hi(s->box, x), sum - box_lo(s->box, y)), sum};
}

static void set_pair(const struct search *s, double *r, size_t x, size_t y, double value, double sum)
{
    r[x] = value;
    r[y] = fmin(fmax(sum - value, box_lo(s->box, y)), box_hi(s->box, y));
}

static double pair_score(const struct search *s, const struct design *d, const double *r, size_t x, size_t y)
{
    return term_with(s, d, x, log(r[x])) + term_with(s, d, y, log(r[y]));
}

/* Returns what it gains. */
static double exchange(const struct search *s, const struct design *d, double *r, size_t x, size_t y)
{
    struct interval i = interval_of(s, r, x, y);
    double before = pair_score(s, d, r, x, y), most = before, old = r[x], best = old, other = r[y];

    if (!(i.high > i.low))
        return 0;
    for (int k = 0; k < N_POINTS; k++) {
        double score;

        set_pair(s, r, x, y, i.low + (i.high - i.low) * k / (N_POINTS - 1), i.sum);
        score = pair_score(s, d, r, x, y);
        if (score > most) {
            most = score;
            best = r[x];
        }
    }
    set_pair(s, r, x, y, best, i.sum);
    if (best == old)
        r[y] = other; /* to the last bit */
    return most - before;
}

static size_t n_pairs(const struct search *s)
{
    return s->n_movable * (s->n_movable - 1) / 2;
}

/* All pairs in turn, or as many random ones where they are too many. */
static double sweep(struct search *s, const struct design *d, double *r)
{
    double gain = 0;

    if (n_pairs(s) <= MAX_PAIRS) {
        for (size_t i = 1; i < s->n_movable; i++)
            for (size_t k = 0; k < i; k++)
                gain += exchange(s, d, r, s->movable[i], s->movable[k]);
        return gain;
    }
    for (int i = 0; i < MAX_PAIRS; i++) {
        size_t x = random_below(&s->random, s->n_movable), y = random_below(&s->random, s->n_movable);

        if (x != y)
            gain += exchange(s, d, r, s->movable[x], s->movable[y]);
    }
    return gain;
}

double search_climb(struct search *s, const struct design *d, double *r)
{
    for (int i = 0; i < MAX_SWEEPS; i++)
        if (sweep(s, d, r) <= GAIN)
            break;
    return score_with(s, d, r);
}

void search_shuffle(struct search *s, double *r)
{
    for (size_t i = 0; i < N_SHUFFLES * s->n_movable; i++) {
        size_t x = s->movable[i % s->n_movable], y = s->movable[random_below(&s->random, s->n_movable)];
        struct interval range = interval_of(s, r, x, y);

        if (x != y && range.high > range.low)
            set_pair(s, r, x, y, random_between(&s->random, range.low, range.high), range.sum);
    }
}

static void start_in_the_middle(const struct search *s, double *r)
{
    for (size_t j = 0; j < s->box->n; j++)
        r[j] = box_middle(s->box, j);
}

/* Fewer where a climb takes longer. */
static size_t n_starts(const struct search *s)
{
    size_t n = 12000 / (n_pairs(s) + 1);

    return n > 24 ? 24 : n < 3 ? 3 : n;
}

double search_next(struct search *s, const struct design *d, bool warm, double *ret_mixture)
{
    double most = -INFINITY;

    memcpy(s->best, ret_mixture, s->box->n * sizeof(*s->best));
    if (warm)
        most = search_climb(s, d, s->best);
    for (size_t i = 0; i < n_starts(s); i++) {
        double score;

        start_in_the_middle(s, s->now);
        if (i > 0)
            search_shuffle(s, s->now);
        score = search_climb(s, d, s->now);
        if (score > most) {
            most = score;
            memcpy(s->best, s->now, s->box->n * sizeof(*s->best));
        }
    }
    memcpy(ret_mixture, s->best, s->box->n * sizeof(*s->best));
    return most;
}
