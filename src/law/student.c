/*
 * student.c - by bisection of the distribution, which for whole degrees of freedom is a finite sum
 *
 * Source: Abramowitz and Stegun, 26.7.3 and 26.7.4; past MANY degrees 26.7.5, whose error there is below 1e-9.
 */
#include "law/student.h"

#include <math.h>

#define MANY 300

/* P(|T| <= t) */
static double probability(double t, size_t degrees)
{
    double angle = atan(t / sqrt((double)degrees)), cosine2 = cos(angle) * cos(angle), term = 1, sum = 0;

    if (degrees % 2 == 0) {
        for (size_t i = 0; i < degrees / 2; i++) {
            sum += term;
            term *= (double)(2 * i + 1) / (double)(2 * i + 2) * cosine2;
        }
        return sin(angle) * sum;
    }
    term = cos(angle);
    for (size_t i = 1; i <= degrees / 2; i++) {
        sum += term;
        term *= (double)(2 * i) / (double)(2 * i + 1) * cosine2;
    }
    return 2 / M_PI * (angle + sin(angle) * sum);
}

static double normal_quantile(double level)
{
    double low = 0, high = 40;

    for (int i = 0; i < 100; i++) {
        double middle = 0.5 * (low + high);

        *(erf(middle / M_SQRT2) < level ? &low : &high) = middle;
    }
    return low;
}

static double expanded(double x, double n)
{
    double x2 = x * x, g1 = x * (x2 + 1) / 4, g2 = x * ((5 * x2 + 16) * x2 + 3) / 96;
    double g3 = x * (((3 * x2 + 19) * x2 + 17) * x2 - 15) / 384;

    return x + g1 / n + g2 / (n * n) + g3 / (n * n * n);
}

double student_quantile(double level, size_t degrees)
{
    double low = 0, high = 1;

    if (degrees > MANY)
        return expanded(normal_quantile(level), (double)degrees);
    while (high < 1e300 && probability(high, degrees) < level)
        high *= 2;
    for (int i = 0; i < 100; i++) {
        double middle = 0.5 * (low + high);

        *(probability(middle, degrees) < level ? &low : &high) = middle;
    }
    return low;
}
