#include "compare/contrast.h"

#define LOG_2 0.693147180559945309417

/* q', the share that the model of `mine` gives to a type. */
static double model(const struct smoother *s, uint64_t mine, uint64_t my_total, uint64_t other, uint64_t other_total,
                    double alphabet)
{
    double share = my_total ? (double)mine / (double)my_total : 0, a = s->amount;

    switch (s->smoothing) {
    case EMX_SMOOTHING_NONE:
        return share;
    case EMX_SMOOTHING_ADDITIVE:
        return ((double)mine + a) / ((double)my_total + a * alphabet);
    case EMX_SMOOTHING_UNION:
        return (1 - a) * share + a * ((double)mine + (double)other) / ((double)my_total + (double)other_total);
    }
    return share;
}

static void add_direction(struct excess *e, const struct smoother *s, uint64_t p, uint64_t p_total, uint64_t q,
                          uint64_t q_total, double alphabet)
{
    double shared = model(s, q, q_total, p, p_total, alphabet);

    if (p == 0)
        return;
    if (shared > 0)
        sum_add(&e->sum, (long double)((double)p * log((double)p / (double)p_total / shared)));
    else
        e->infinite = true;
}

void excess_add(struct excess *e, const struct smoother *s, const uint64_t count[2], const uint64_t total[2],
                double alphabet)
{
    add_direction(&e[0], s, count[0], total[0], count[1], total[1], alphabet);
    add_direction(&e[1], s, count[1], total[1], count[0], total[0], alphabet);
}

/* A term of JS twice, for p = 0 or q = 0 too. */
static double jensen_term(double p, double q)
{
    double middle = (p + q) / 2, sum = 0;

    if (p > 0)
        sum += p * log(p / middle);
    return q > 0 ? sum + q * log(q / middle) : sum;
}

void contrast_add(struct contrast *c, const uint64_t count[2])
{
    double p, q;

    excess_add(c->excess, c->smoother, count, c->total, c->alphabet);
    c->types[0] += count[0] > 0;
    c->types[1] += count[1] > 0;
    if (count[0] == 0 || count[1] == 0)
        return; /* contrast_jensen() knows their terms from their mass */
    p = (double)count[0] / (double)c->total[0];
    q = (double)count[1] / (double)c->total[1];
    c->types[2]++;
    c->mass[0] += count[0];
    c->mass[1] += count[1];
    sum_add(&c->jensen, (long double)jensen_term(p, q));
    sum_add(&c->shared, (long double)(p < q ? p : q));
}

/* Rounding may leave less than 0 of distributions that are equal. */
static double not_negative(double x)
{
    return x > 0 ? x : 0;
}

double excess_mean(const struct excess *e, const uint64_t total[2], int direction)
{
    if (total[0] == 0 || total[1] == 0)
        return NAN;
    if (e[direction].infinite)
        return INFINITY;
    return not_negative((double)(sum_total(&e[direction].sum) / (long double)total[direction]));
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : NAN;
}

double contrast_jensen(const struct contrast *c)
{
    double alone = share(c->total[0] - c->mass[0], c->total[0]) + share(c->total[1] - c->mass[1], c->total[1]);

    return not_negative((double)sum_total(&c->jensen) / 2) + alone * LOG_2 / 2;
}

struct emx_overlap contrast_overlap(const struct contrast *c, int direction)
{
    return (struct emx_overlap){
        .types = c->types[2],
        .jaccard = share(c->types[2], c->types[0] + c->types[1] - c->types[2]),
        .mass_of_p = share(c->mass[direction], c->total[direction]),
        .mass_of_q = share(c->mass[!direction], c->total[!direction]),
        .shared_mass = c->total[0] && c->total[1] ? fmin((double)sum_total(&c->shared), 1) : NAN,
    };
}
