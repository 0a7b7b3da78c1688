/* student.h - quantiles of Student's t distribution */
#ifndef LAW_STUDENT_H
#define LAW_STUDENT_H

#include <stddef.h>

/* t such that |T| <= t with probability `level`, in (0, 1), for `degrees` of freedom, at least 1. */
double student_quantile(double level, size_t degrees);

#endif
