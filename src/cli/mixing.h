/*
 * mixing.h - what mix does between the counts and the file
 *
 *     mixing_weigh() -> mixing_optimise(), where there are losses -> mixing_print() -> mixing_finish()
 */
#ifndef CLI_MIXING_H
#define CLI_MIXING_H

#include "estimate.h"
#include "law_args.h"
#include "mixture_args.h"
#include "scanning.h"
#include "table_args.h"
#include "transfer_prior.h"

#include <emx/emx.h>

struct mix_args {
    struct common_args common;
    const char *losses;
    struct estimate_args estimate;
    struct mixture_args mixture;
    double steps, strength, total_tokens, max_epochs; /* 0: not given */
    struct scanning_args scanning;
    struct law_args law;
    struct transfer_args transfer;
    struct table_args table;
};

/* Arrays over domains are in the state's order. */
struct mixing {
    const struct mix_args *args;
    const char *source; /* NULL: words of the command line */
    struct emx_state *state;
    size_t n;
    struct weighed weighed; /* by entropies */
    double *proportion;     /* [n] what is written */
    size_t *place;          /* [n] of the law's j-th domain in the state */
    struct emx_observations *losses;
    struct emx_law *law;
    struct emx_optimum *optimum; /* NULL without losses */
    double step;
};

/* Exit codes; what is wrong has been said. */
int mixing_weigh(struct mixing *x);
int mixing_optimise(struct mixing *x);
/* A table for people; false: no memory. */
bool mixing_print(const struct mixing *x, FILE *out);
void mixing_finish(struct mixing *x);

#endif
