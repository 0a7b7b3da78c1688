/*
 * estimate.h - options of entropy, weights and mix that say how entropies are estimated
 */
#ifndef CLI_ESTIMATE_H
#define CLI_ESTIMATE_H

#include "opt.h"

#include <emx/estimators.h>

struct estimate_args {
    const char *estimator; /* NULL: none was named, the plug-in */
    uint64_t at_tokens;    /* 0: all */
};

extern const struct opt estimate_rows[];

/* Is anything but the plain plug-in asked for? */
bool estimate_wanted(const struct estimate_args *a);

/* EXIT_OK, or says what does not go together. */
int estimate_check(const struct estimate_args *a);

/* Errors: emx_estimate_domain(). */
EMX_CHECKED enum emx_status estimate_domain(const struct estimate_args *a, struct emx_state *s, size_t domain,
                                            struct emx_estimates *ret, struct emx_error *err);

/* The entropy of a domain that a proxy of report_proxy_choice() names: as counted, if nothing else is wanted. */
EMX_CHECKED enum emx_status estimate_proxy(const struct estimate_args *a, struct emx_state *s, size_t domain,
                                           const char *proxy, double *ret, struct emx_error *err);

#endif
