/*
 * strength.h - how strong a prior is to be, by cross validation over mixtures
 *
 * Mixtures rather than rows are held out: rows of one mixture lie off the law together.
 */
#ifndef LAW_STRENGTH_H
#define LAW_STRENGTH_H

#include "law/fitter.h"
#include "pipeline/threads.h"

/* How many fits of each scored domain a choice takes, at most. */
#define STRENGTH_FITS 85

/* As law.h says of prior_strength 0; fitters are one a thread of the placement, and have no prior yet. */
EMX_CHECKED enum emx_status strength_choose(const struct placement *placement, struct fitter *fitters,
                                            const struct emx_law_options *o, struct pull *ret, struct emx_error *err);

#endif
