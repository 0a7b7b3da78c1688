/*
 * varpro.h - variable projection: where the cost of bimix and blind has its minima, without a start
 *
 * For given alpha and beta a loss is linear in (B, C), so that what is left of the cost has two variables, which are
 * looked at on a grid.  Linear losses: that is the cost.  Log losses: residuals are taken relative to the observed
 * loss, which is their first order; what follows is a start for TRF, as any point of a grid is.
 */
#ifndef LAW_VARPRO_H
#define LAW_VARPRO_H

#include "law/model.h"

#define VARPRO_STARTS 3
#define VARPRO_SCRATCH 24 /* numbers for each step */

/* Writes up to VARPRO_STARTS points, ret_x[VARPRO_STARTS][n_free], the best first; returns how many.  scratch is
 * [VARPRO_SCRATCH * n_steps].  Not all rows may weigh 0. */
size_t varpro_starts(const struct model *m, double *scratch, double *ret_x);

#endif
