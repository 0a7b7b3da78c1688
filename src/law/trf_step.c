/*
 * trf_step.c - solve the trust region's problem by its singular values (More 1977), reflect at bounds
 */
#include "law/trf_step.h"

#include <math.h>
#include <stdbool.h>

void trf_step_lay_out(struct trf_step *s, double *memory, size_t n)
{
    double **vectors[] = {&s->d,         &s->g,
                          &s->s,         &s->uf,
                          &s->step,      &s->step_hat,
                          &s->free_step, &s->free_step_hat,
                          &s->reflected, &s->reflected_hat,
                          &s->descent,   &s->image,
                          &s->image2};

    s->vt = memory;
    memory += n * n;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++, memory += n)
        *vectors[i] = memory;
}

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;

    for (size_t j = 0; j < n; j++)
        sum += a[j] * b[j];
    return sum;
}

/* ret = S V^T p */
static void image_of(const struct trf_step *s, const double *p, double *ret)
{
    for (size_t i = 0; i < s->n; i++) {
        double sum = 0;

        for (size_t j = 0; j < s->n; j++)
            sum += s->vt[j * s->n + i] * p[j];
        ret[i] = s->s[i] * sum;
    }
}

static double model_at(struct trf_step *s, const double *p)
{
    image_of(s, p, s->image);
    return dot(s->g, p, s->n) + 0.5 * dot(s->image, s->image, s->n);
}

/* Singular values that are not 0 but for rounding.  What lies along the others moves no residual, and stays. */
static size_t rank_of(const struct trf_step *s)
{
    size_t rank = 0;

    while (rank < s->n && s->s[rank] > s->rank_tolerance * s->s[0])
        rank++;
    return rank;
}

/* p = - V (s uf / (s^2 + multiplier)) over the first `rank` singular values; returns its length. */
static double damped_step(const struct trf_step *s, size_t rank, double multiplier, double *p)
{
    size_t n = s->n;

    for (size_t j = 0; j < n; j++)
        p[j] = 0;
    for (size_t i = 0; i < rank; i++) {
        double factor = s->s[i] * s->uf[i] / (s->s[i] * s->s[i] + multiplier);

        for (size_t j = 0; j < n; j++)
            p[j] -= factor * s->vt[j * n + i];
    }
    return sqrt(dot(p, p, n));
}

/* phi = |p(multiplier)| - radius, and its derivative. */
static double excess(const struct trf_step *s, size_t rank, double multiplier, double radius, double *ret_slope)
{
    double length = 0, slope = 0;

    for (size_t i = 0; i < rank; i++) {
        double denominator = s->s[i] * s->s[i] + multiplier, part = s->s[i] * s->uf[i] / denominator;

        length += part * part;
        slope -= part * part / denominator;
    }
    length = sqrt(length);
    *ret_slope = slope / length;
    return length - radius;
}

static double between(double lower, double upper)
{
    return fmax(0.001 * upper, sqrt(lower * upper));
}

/* The multiplier whose step is as long as the radius, to 1 %; at 0 the step is longer. */
static double find_multiplier(const struct trf_step *s, size_t rank, double radius, double guess)
{
    double suf = 0, slope, phi = excess(s, rank, 0, radius, &slope), lower = -phi / slope, multiplier = guess;

    for (size_t i = 0; i < rank; i++)
        suf += s->s[i] * s->uf[i] * s->s[i] * s->uf[i];

    double upper = sqrt(suf) / radius;

    for (int i = 0; i < 10; i++) {
        if (multiplier < lower || multiplier > upper)
            multiplier = between(lower, upper);
        phi = excess(s, rank, multiplier, radius, &slope);
        if (phi < 0)
            upper = multiplier;
        lower = fmax(lower, multiplier - phi / slope);
        multiplier -= (phi + radius) * (phi / slope) / radius;
        if (fabs(phi) < 0.01 * radius)
            break;
    }
    return multiplier;
}

/* The minimum of the model within the region, without regard to bounds; the shortest, where there are several. */
static void solve_region(struct trf_step *s, double radius, double *p)
{
    size_t rank = rank_of(s);

    if (damped_step(s, rank, 0, p) <= radius) {
        s->multiplier = 0;
        return;
    }
    s->multiplier = find_multiplier(s, rank, radius, s->multiplier);

    double length = damped_step(s, rank, s->multiplier, p);

    for (size_t j = 0; j < s->n && length > 0; j++)
        p[j] *= radius / length;
}

static bool is_inside(const double *x, const double *step, const double *lower, const double *upper, size_t n)
{
    for (size_t j = 0; j < n; j++)
        if (x[j] + step[j] < lower[j] || x[j] + step[j] > upper[j])
            return false;
    return true;
}

static double to_bound_of(double x, double step, double lower, double upper)
{
    return step == 0 ? INFINITY : fmax((lower - x) / step, (upper - x) / step);
}

/* How many times `step` may go from x + offset until it meets a bound. */
static double to_bound(const double *x, const double *offset, const double *step, const double *lower,
                       const double *upper, size_t n)
{
    double least = INFINITY;

    for (size_t j = 0; j < n; j++)
        least = fmin(least, to_bound_of(x[j] + (offset ? offset[j] : 0), step[j], lower[j], upper[j]));
    return least;
}

/* How far `direction` may go from p, which is within the region, until it meets the region's border. */
static double to_border(const double *p, const double *direction, double radius, size_t n)
{
    double a = dot(direction, direction, n), b = dot(p, direction, n), c = fmin(dot(p, p, n) - radius * radius, 0);
    double q = -(b + copysign(sqrt(b * b - a * c), b));

    return a == 0 || q == 0 ? 0 : fmax(q / a, c / q);
}

/* The least of a t^2 + b t + c on [from, to]; moves *t there. */
static double least_quadratic(double a, double b, double c, double from, double to, double *t)
{
    double candidates[3] = {from, to, a != 0 ? -0.5 * b / a : from}, least = INFINITY;

    for (int i = 0; i < 3; i++) {
        double value = candidates[i] * (a * candidates[i] + b) + c;

        if (candidates[i] >= from && candidates[i] <= to && value < least) {
            least = value;
            *t = candidates[i];
        }
    }
    return least;
}

/* From where the step meets a bound, go on in the direction reflected there; the model's value, INFINITY if not. */
static double reflect(struct trf_step *s, const double *x, const double *lower, const double *upper, double radius,
                      double stride, double theta)
{
    size_t n = s->n;

    for (size_t j = 0; j < n; j++) {
        bool hit = to_bound_of(x[j], s->free_step[j], lower[j], upper[j]) == stride;

        s->reflected_hat[j] = hit ? -s->free_step_hat[j] : s->free_step_hat[j];
        s->reflected[j] = s->d[j] * s->reflected_hat[j];
    }
    for (size_t j = 0; j < n; j++) {
        s->free_step[j] *= stride;
        s->free_step_hat[j] *= stride;
    }

    double border = to_border(s->free_step_hat, s->reflected_hat, radius, n);
    double bound = to_bound(x, s->free_step, s->reflected, lower, upper, n), most = fmin(bound, border);

    if (!(most > 0))
        return INFINITY;

    double from = (1 - theta) * stride / most, to = most == bound ? theta * bound : border, t = from;

    if (from > to)
        return INFINITY;
    image_of(s, s->reflected_hat, s->image);
    image_of(s, s->free_step_hat, s->image2);

    double a = 0.5 * dot(s->image, s->image, n);
    double b = dot(s->g, s->reflected_hat, n) + dot(s->image, s->image2, n);
    double c = 0.5 * dot(s->image2, s->image2, n) + dot(s->g, s->free_step_hat, n);
    double value = least_quadratic(a, b, c, from, to, &t);

    for (size_t j = 0; j < n; j++) {
        s->reflected_hat[j] = s->reflected_hat[j] * t + s->free_step_hat[j];
        s->reflected[j] = s->reflected_hat[j] * s->d[j];
    }
    return value;
}

/* Down the scaled gradient; the model's value.  Leaves the step in descent, scaled. */
static double descend(struct trf_step *s, const double *x, const double *lower, const double *upper, double radius,
                      double theta)
{
    size_t n = s->n;
    double t = 0;

    for (size_t j = 0; j < n; j++)
        s->step[j] = -s->d[j] * s->g[j];

    double length = sqrt(dot(s->g, s->g, n));
    double border = length > 0 ? radius / length : 0, bound = to_bound(x, NULL, s->step, lower, upper, n);

    image_of(s, s->g, s->image);

    double value = least_quadratic(0.5 * dot(s->image, s->image, n), -length * length, 0, 0,
                                   bound < border ? theta * bound : border, &t);

    for (size_t j = 0; j < n; j++)
        s->descent[j] = -t * s->g[j];
    return value;
}

static void choose(struct trf_step *s, const double *hat)
{
    for (size_t j = 0; j < s->n; j++) {
        s->step_hat[j] = hat[j];
        s->step[j] = hat[j] * s->d[j];
    }
}

double trf_step_find(struct trf_step *s, const double *x, const double *lower, const double *upper, double radius)
{
    size_t n = s->n;
    double theta = fmax(0.995, 1 - s->gradient_norm);

    solve_region(s, radius, s->free_step_hat);
    for (size_t j = 0; j < n; j++)
        s->free_step[j] = s->d[j] * s->free_step_hat[j];
    if (is_inside(x, s->free_step, lower, upper, n)) {
        choose(s, s->free_step_hat);
        return -model_at(s, s->step_hat);
    }

    double stride = to_bound(x, NULL, s->free_step, lower, upper, n);
    double by_reflection = reflect(s, x, lower, upper, radius, stride, theta);

    for (size_t j = 0; j < n; j++)
        s->free_step_hat[j] *= theta;

    double by_step = model_at(s, s->free_step_hat), by_descent = descend(s, x, lower, upper, radius, theta);

    if (by_step < by_reflection && by_step < by_descent)
        choose(s, s->free_step_hat);
    else
        choose(s, by_reflection < by_step && by_reflection < by_descent ? s->reflected_hat : s->descent);
    return -fmin(by_step, fmin(by_reflection, by_descent));
}
