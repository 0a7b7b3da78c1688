/*
 * rounded.h - to the nearest integer, halves to even, in one addition and one subtraction
 *
 * rint() is a call where a loop of these becomes vectors.
 */
#ifndef VNE_ROUNDED_H
#define VNE_ROUNDED_H

/* x within 2^51. */
static inline double rounded(double x)
{
    return x + 0x1.8p52 - 0x1.8p52;
}

#endif
