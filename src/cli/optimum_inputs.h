/*
 * optimum_inputs.h - bounds, weights, prior and token counts of an optimum, from the command line and its files
 */
#ifndef CLI_OPTIMUM_INPUTS_H
#define CLI_OPTIMUM_INPUTS_H

#include "estimate.h"

#include <emx/optimum.h>
#include <emx/state.h>

struct optimum_args {
    struct opt_list least, greatest;               /* DOMAIN=SHARE, or SHARE of all */
    const char *tokens, *corpus, *weights, *prior; /* NULL: not given */
    double strength, max_epochs, total_tokens;     /* 0: not given */
    struct estimate_args estimate;                 /* of the prior's entropies */
};

extern const struct opt bound_rows[], objective_rows[];

/* Arrays are [n_domains] of the law; NULL where nothing was said. */
struct optimum_inputs {
    double *lo, *hi, *tokens, *prior;
    double *weight; /* [n_scored] */
    struct emx_state *corpus;
    bool bounded;
};

/* EMX_ERR_ARG for what is wrong on the command line itself. */
EMX_CHECKED enum emx_status optimum_inputs_read(const struct optimum_args *a, const struct emx_law *law,
                                                struct optimum_inputs *ret, struct emx_error *err);
void optimum_inputs_finish(struct optimum_inputs *in);

/* The domain of that name, or NULL; also if state is NULL. */
const struct emx_domain *optimum_find_domain(const struct emx_state *state, const char *name);

/* Token counts of domains[n], each of which must be there; a file that is no state file is a table. */
EMX_CHECKED enum emx_status optimum_tokens_of_state(const struct emx_state *state, const char *const *domains, size_t n,
                                                    double *ret, struct emx_error *err);
EMX_CHECKED enum emx_status optimum_tokens_of_file(const char *path, const char *const *domains, size_t n, double *ret,
                                                   struct emx_error *err);

#endif
