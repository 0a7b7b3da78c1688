/* set.h - a set of domains while it is made */
#ifndef VNE_SET_H
#define VNE_SET_H

#include <emx/vne_set.h>

/* All zero but dimension and n_domains; matrices are NULL.  NULL: no memory. */
struct emx_vne_set *set_create(size_t dimension, size_t n_domains);

/* Where vectors came from and how tokens are weighted, copied; false: no memory. */
bool set_describe(struct emx_vne_set *set, const char *source, const char *weighting);

/* The eigenvalues of the domain's matrix, and what they say. */
EMX_CHECKED enum emx_status set_solve(struct emx_vne_domain *d, struct emx_density *density, struct emx_error *err);

#endif
