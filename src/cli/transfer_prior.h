/*
 * transfer_prior.h - what transfer between domains is to be expected, as the command line says
 */
#ifndef CLI_TRANSFER_PRIOR_H
#define CLI_TRANSFER_PRIOR_H

#include "opt.h"

#include <emx/law.h>
#include <emx/observations.h>

struct transfer_args {
    const char *path; /* NULL: there is no prior */
    double strength;
};

extern const struct opt transfer_rows[];

/*
 * Give the options of a fit to this table their prior, if there is one: of a state file (.emx) the overlap of pairs, of
 * a law its transfer terms.  Returns the exit code, and says what is wrong.  *ret is to be freed by the caller, and the
 * options point into it.
 */
int transfer_prior_read(const struct transfer_args *a, const struct emx_observations *o,
                        struct emx_law_options *options, double **ret);

#endif
