/*
 * estimate.h - options of entropy, weights, plan, optimize and mix that say how entropies are estimated
 */
#ifndef CLI_ESTIMATE_H
#define CLI_ESTIMATE_H

#include "opt.h"

#include <emx/estimators.h>
#include <emx/weights.h>

struct estimate_args {
    const char *estimator; /* NULL: none was named, the plug-in */
    uint64_t at_tokens;    /* 0: all */
    bool remove_first;     /* von Neumann entropies without the first component */
};

extern const struct opt estimate_rows[];

/* Values of options that name an entropy: "shannon", "joint", "conditional", "von-neumann". */
bool estimate_proxy_choice(size_t i, struct opt_choice *ret);
bool estimate_is_von_neumann(const char *proxy);

/* Is anything but the plain plug-in asked for? */
bool estimate_wanted(const struct estimate_args *a);

/* EXIT_OK, or says what does not go together, also with the entropy that is to be estimated (NULL: all are). */
int estimate_check(const struct estimate_args *a, const char *proxy);

/* Errors: emx_estimate_domain(). */
EMX_CHECKED enum emx_status estimate_domain(const struct estimate_args *a, struct emx_state *s, size_t domain,
                                            struct emx_estimates *ret, struct emx_error *err);

/*
 * The entropy that a proxy names, of each domain of the state at `path`: ret[emx_state_n_domains(s)].  Without
 * `with_errors`, tables of pairs are read only if what is wanted needs them, and errors may be NAN.
 *
 * Errors: emx_estimate_domain(), von_neumann_read().
 */
EMX_CHECKED enum emx_status estimate_proxy(const struct estimate_args *a, struct emx_state *s, const char *path,
                                           const char *proxy, bool with_errors, struct emx_estimate *ret,
                                           struct emx_error *err);

/* The entropies of a state's domains, and the mixture that they give. */
struct weighed {
    struct emx_estimate *entropy; /* [n] */
    double *proportion, *error;   /* [n] of the mixture; standard errors, NAN where those of entropies are */
};

/*
 * Fill *ret, which is zeroed or finished; to be finished on failure, too.  What estimate_proxy() and
 * emx_weights_from_entropies() can return.
 */
EMX_CHECKED enum emx_status estimate_weigh(const struct estimate_args *a, struct emx_state *s, const char *path,
                                           const char *proxy, bool with_errors,
                                           const struct emx_weights_options *options, struct weighed *ret,
                                           struct emx_error *err);
void weighed_finish(struct weighed *w);

#endif
